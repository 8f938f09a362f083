/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The half of a hub that is served by the I/O thread: the socket, who connects,
 * what is sent to them and what they say. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "link-hub-private.h"
#include "link-socket.h"
#include "link/link-event.h"

#define MAX_CLIENTS 64
/* Until what lacked descriptors is tried again. */
#define RETRY_MS 10
/* Then it is the turn of other consumers, and of other links. */
#define FRAMES_PER_TURN 64

/* ---- consumers ---- */

void
mill_link_server_free_client (gpointer data)
{
  MillLinkClient *client = data;

  mill_link_consumer_clear (&client->output);
  mill_link_queue_free (client->queue);
  mill_link_message_reader_free (client->reader);
  close (client->fd);
  g_free (client);
}

static gboolean
is_served_locked (const MillLinkClient *client)
{
  return !client->busy && mill_link_queue_is_empty (client->queue);
}

static void
close_client (MillLinkClient *client, const gchar *why)
{
  MillLinkHub *hub = client->hub;

  mill_link_io_remove (client->watch);
  g_mutex_lock (&hub->lock);
  hub->n_dropped += mill_link_queue_get_dropped (client->queue);
  hub->is_served |= client->attached && is_served_locked (client);
  g_ptr_array_remove (hub->clients, client);
  g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
  if (why)
    hub->events->refused (why, hub->user_data);
}

static void
set_timer (MillLinkHub *hub)
{
  struct itimerspec spec = { .it_value = { 0, RETRY_MS * 1000000 } };

  timerfd_settime (hub->timer_fd, 0, &spec, NULL);
}

static void
watch_output (MillLinkClient *client, gboolean is_full)
{
  guint32 wanted = EPOLLIN | (is_full ? EPOLLOUT : 0);

  if (wanted != client->watched)
    mill_link_io_modify (client->watch, wanted);
  client->watched = wanted;
}

/* Takes the next frame to send. Returns: FALSE when there is none */
static gboolean
take_next (MillLinkClient *client)
{
  MillLinkHub *hub = client->hub;

  if (client->output.frame)
    return TRUE;
  g_mutex_lock (&hub->lock);
  client->output.frame =
      mill_link_queue_take (client->queue, &client->output.is_discont);
  client->busy = client->output.frame != NULL;
  if (client->busy && !hub->is_leaky)
    g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
  return client->output.frame != NULL;
}

static gboolean
is_doomed (MillLinkClient *client)
{
  g_mutex_lock (&client->hub->lock);
  gboolean doomed = client->doomed;
  g_mutex_unlock (&client->hub->lock);
  return doomed;
}

/* Returns: FALSE when the consumer is gone */
static gboolean
send_queue (MillLinkClient *client)
{
  MillLinkSendResult result = MILL_LINK_SENT;
  guint n_sent = 0;

  while (result == MILL_LINK_SENT && n_sent < FRAMES_PER_TURN &&
      take_next (client)) {
    result = mill_link_consumer_send (&client->output, client->fd);
    n_sent++;
  }
  if (result == MILL_LINK_BROKEN) {
    close_client (client, NULL);
    return FALSE;
  }
  if (result == MILL_LINK_EXHAUSTED)
    set_timer (client->hub);
  if (n_sent == FRAMES_PER_TURN && result == MILL_LINK_SENT) {
    g_mutex_lock (&client->hub->lock);
    mill_link_hub_wake_locked (client->hub);
    g_mutex_unlock (&client->hub->lock);
  }
  watch_output (client, result == MILL_LINK_FULL);
  return TRUE;
}

static void
check_drained (MillLinkHub *hub)
{
  g_mutex_lock (&hub->lock);
  gboolean is_drained = hub->finishing && !hub->drained_told;
  gboolean is_late = hub->is_leaky &&
      g_get_monotonic_time () >= hub->finish_by_us;
  gboolean has_taker = hub->is_leaky || hub->is_served;
  for (guint i = 0; i < hub->clients->len && !is_late; i++) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i);
    has_taker |= client->attached;
    is_drained &= is_served_locked (client);
  }
  is_drained &= has_taker;
  hub->drained_told |= is_drained;
  g_mutex_unlock (&hub->lock);
  if (is_drained)
    hub->events->drained (hub->user_data);
}

/* ---- what consumers say ---- */

static gboolean
take_message (MillLinkClient *client, const MillLinkMessage *message,
    GError **error)
{
  MillLinkHub *hub = client->hub;
  gboolean is_leaky;

  if (!client->attached) {
    if (!mill_link_message_parse_hello (message, &is_leaky, error))
      return FALSE;
    g_mutex_lock (&hub->lock);
    mill_link_hub_attach_locked (client);
    mill_link_hub_wake_locked (hub);
    g_mutex_unlock (&hub->lock);
    return TRUE;
  }
  if (message->type == MILL_LINK_QUERY_LATENCY) {
    hub->events->latency_wanted (hub->user_data);
    return TRUE;
  }
  if (message->type == MILL_LINK_FORCE_KEY_UNIT) {
    GstEvent *event = mill_link_event_read (message, error);
    if (event)
      hub->events->upstream (message->pad, event, hub->user_data);
    return event != NULL;
  }
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link message of a consumer: got type %u, expected %u or %u",
      message->type, MILL_LINK_QUERY_LATENCY, MILL_LINK_FORCE_KEY_UNIT);
  return FALSE;
}

/* Returns: FALSE when the consumer is gone */
static gboolean
read_messages (MillLinkClient *client)
{
  g_autoptr (GError) error = NULL;
  MillLinkMessage message;
  gboolean again;
  gboolean has;

  gboolean ok = mill_link_message_reader_receive (client->reader, client->fd,
      &again, &error);
  do {
    has = FALSE;
    ok = ok &&
        mill_link_message_reader_next (client->reader, &message, &has,
            &error) &&
        (!has || take_message (client, &message, &error));
  } while (ok && has);
  if (!ok)
    close_client (client, error ? error->message : NULL);
  return ok;
}

static void
on_client (guint32 events, gpointer user_data)
{
  MillLinkClient *client = user_data;
  MillLinkHub *hub = client->hub;

  if (((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 ||
          read_messages (client)) &&
      (events & EPOLLOUT))
    send_queue (client);
  check_drained (hub);
}

/* ---- who connects ---- */

static void
listen_again (MillLinkHub *hub)
{
  if (hub->is_deaf)
    mill_link_io_modify (hub->watches[0], EPOLLIN);
  hub->is_deaf = FALSE;
}

/* Without descriptors the listener stays readable: not to spin, it is not
 * watched for a while. */
static void
stop_listening (MillLinkHub *hub)
{
  mill_link_io_modify (hub->watches[0], 0);
  hub->is_deaf = TRUE;
  set_timer (hub);
}

/* Makes room for somebody who may have something to say.
 * Returns: FALSE when all have said hello */
static gboolean
close_longest_silent (MillLinkHub *hub)
{
  for (guint i = 0; i < hub->clients->len; i++) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i);
    if (client->attached)
      continue;
    close_client (client, "it said nothing and another one came");
    return TRUE;
  }
  return FALSE;
}

static void
on_connection (guint32 events, gpointer user_data)
{
  MillLinkHub *hub = user_data;
  g_autoptr (GError) error = NULL;
  gint fd = mill_link_socket_accept (hub->listener, &error);

  if (error &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    stop_listening (hub);
  else if (error)
    hub->events->refused (error->message, hub->user_data);
  if (fd < 0)
    return;
  if (hub->clients->len >= MAX_CLIENTS && !close_longest_silent (hub)) {
    close (fd);
    hub->events->refused ("too many consumers, expected at most 64",
        hub->user_data);
    return;
  }
  MillLinkClient *client = g_new0 (MillLinkClient, 1);
  client->hub = hub;
  client->fd = fd;
  client->reader = mill_link_message_reader_new ();
  client->queue = mill_link_queue_new ();
  client->watched = EPOLLIN;
  client->watch = mill_link_io_add (fd, EPOLLIN, on_client, client, &error);
  if (!client->watch) {
    hub->events->refused (error->message, hub->user_data);
    mill_link_server_free_client (client);
    return;
  }
  g_mutex_lock (&hub->lock);
  g_ptr_array_add (hub->clients, client);
  g_mutex_unlock (&hub->lock);
}

/* ---- wake-ups ---- */

static void
tear_down (MillLinkHub *hub)
{
  for (guint i = 0; i < G_N_ELEMENTS (hub->watches); i++)
    mill_link_io_remove (hub->watches[i]);
  while (hub->clients->len > 0)
    close_client (g_ptr_array_index (hub->clients, 0), NULL);
  g_mutex_lock (&hub->lock);
  hub->stopping = FALSE;
  g_cond_broadcast (&hub->changed);
  g_mutex_unlock (&hub->lock);
}

static void
serve (MillLinkHub *hub)
{
  listen_again (hub);
  for (guint i = hub->clients->len; i > 0; i--) {
    MillLinkClient *client = g_ptr_array_index (hub->clients, i - 1);
    if (is_doomed (client))
      close_client (client, "it does not read what it asked for");
    else if (!(client->watched & EPOLLOUT))
      send_queue (client);
  }
  g_mutex_lock (&hub->lock);
  gboolean must_wait = hub->finishing && !hub->drained_told && hub->is_leaky;
  g_mutex_unlock (&hub->lock);
  if (must_wait)
    set_timer (hub);
  check_drained (hub);
}

/* Something was queued, or the hub stops. */
static void
on_wake (guint32 events, gpointer user_data)
{
  MillLinkHub *hub = user_data;
  guint64 count;

  if (read (hub->wake_fd, &count, sizeof count) < 0)
    return;
  g_mutex_lock (&hub->lock);
  hub->woken = FALSE;
  gboolean stopping = hub->stopping;
  g_mutex_unlock (&hub->lock);
  if (stopping)
    tear_down (hub);
  else
    serve (hub);
}

static void
on_timer (guint32 events, gpointer user_data)
{
  MillLinkHub *hub = user_data;
  guint64 count;

  if (read (hub->timer_fd, &count, sizeof count) == sizeof count)
    serve (hub);
}

/* ---- life ---- */

static void
close_fds (MillLinkHub *hub)
{
  gint *fds[] = { &hub->wake_fd, &hub->timer_fd, &hub->listener };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    if (*fds[i] >= 0)
      close (*fds[i]);
    *fds[i] = -1;
  }
}

/* While the listener is open nobody else's socket has its number. Not the
 * socket of somebody who has taken the name since. */
static void
unlink_socket (MillLinkHub *hub)
{
  struct stat info;

  if (lstat (hub->location, &info) == 0 && info.st_dev == hub->device &&
      info.st_ino == hub->inode)
    unlink (hub->location);
}

/* Nothing comes before the last of them: the hub's lock is held. */
static gboolean
watch_fds_locked (MillLinkHub *hub, GError **error)
{
  const gint fds[] = { hub->listener, hub->wake_fd, hub->timer_fd };
  const MillLinkIoFunc funcs[] = { on_connection, on_wake, on_timer };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    hub->watches[i] = NULL;
    if (fds[i] < 0)
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
          "cannot make a descriptor for '%s': none left", hub->location);
    else
      hub->watches[i] =
          mill_link_io_add (fds[i], i == 0 ? 0 : EPOLLIN, funcs[i], hub, error);
    if (hub->watches[i])
      continue;
    while (i-- > 0)
      mill_link_io_discard (hub->watches[i]);
    return FALSE;
  }
  mill_link_io_modify (hub->watches[0], EPOLLIN);
  return TRUE;
}

gboolean
mill_link_server_open (MillLinkHub *hub, GError **error)
{
  struct stat info = { 0 };

  hub->listener = mill_link_socket_listen (hub->location, error);
  if (hub->listener < 0)
    return FALSE;
  if (lstat (hub->location, &info) == 0) {
    hub->device = info.st_dev;
    hub->inode = info.st_ino;
  }
  hub->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  hub->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  hub->is_deaf = FALSE;
  if (mill_link_io_acquire (error)) {
    g_mutex_lock (&hub->lock);
    gboolean ok = watch_fds_locked (hub, error);
    hub->running = ok;
    g_mutex_unlock (&hub->lock);
    if (ok)
      return TRUE;
    mill_link_io_release ();
  }
  unlink_socket (hub);
  close_fds (hub);
  return FALSE;
}

void
mill_link_server_close (MillLinkHub *hub)
{
  mill_link_io_release ();
  unlink_socket (hub);
  close_fds (hub);
}
