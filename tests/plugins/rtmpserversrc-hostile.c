/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * Strangers on the port: peers that trickle, that vanish, that come by the
 * thousand, that announce what does not exist. What a user would notice if one
 * of these failed: somebody else's stream stutters, or nobody can publish. Where
 * they are too slow, time passes as the test says.
 */
#include "rtmp-publisher.h"
#include "rtmp-receiver.h"
#include "still-clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCATION "rtmp://127.0.0.1:0/live/cam"
#define DEADLINE_US (20 * G_USEC_PER_SEC)
/* Between two bytes of a peer that trickles. */
#define TRICKLE_US (10 * 1000)

/* C0, C1 and C2 of the simple handshake. */
static const guint8 handshake[1 + 2 * 1536] = { 3 };

static guint64
get_listener_stat (Receiver *receiver, const gchar *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 wide = 0;
  guint narrow = 0;

  g_object_get (receiver->element, "listener-stats", &stats, NULL);
  if (!gst_structure_get_uint64 (stats, name, &wide))
    fail_unless (gst_structure_get_uint (stats, name, &narrow), "no %s", name);
  return wide + narrow;
}

/* There is no event to wait for: the property is the only thing to look at. */
static void
wait_listener_stat (Receiver *receiver, const gchar *name, guint64 value)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (get_listener_stat (receiver, name) != value) {
    fail_unless (g_get_monotonic_time () < deadline,
        "%s is %" G_GUINT64_FORMAT ", expected %" G_GUINT64_FORMAT, name,
        get_listener_stat (receiver, name), value);
    g_thread_yield ();
  }
}

static void
write_all (gint fd, const guint8 *data, gsize size)
{
  while (size > 0) {
    gssize n = send (fd, data, size, MSG_NOSIGNAL);
    fail_unless (n > 0, "cannot send: %s", g_strerror (errno));
    data += n;
    size -= n;
  }
}

/* Whether it is closed by now, or within @wait_ms; answers are read. */
static gboolean
is_closed (gint fd, gint wait_ms)
{
  struct pollfd item = { fd, POLLIN, 0 };
  guint8 data[8192];

  while (poll (&item, 1, wait_ms) > 0) {
    gssize n = recv (fd, data, sizeof data, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
      return TRUE;
    wait_ms = 0;
  }
  return FALSE;
}

static void
wait_closed (gint fd)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (!is_closed (fd, 100))
    fail_unless (g_get_monotonic_time () < deadline, "is not closed");
  close (fd);
}

static Publisher *
open_video (Receiver *receiver)
{
  Publisher *publisher = publisher_open (receiver->address, "live", "cam");

  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  return publisher;
}

/* The one that was there before goes on. */
static void
expect_undisturbed (Receiver *receiver, Publisher *publisher, guint32 ts)
{
  publisher_send_video (publisher, ts, FALSE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), ts);
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}

/* ---- slowly ---- */

/* A peer that sends @whole at once, then @rest one byte after the other and
 * then the last byte of it for ever. */
typedef struct
{
  gint fd;
  const guint8 *rest;
  gsize n_rest;
  guint sent;
} Trickler;

static Trickler
start_trickler (Receiver *receiver, gsize n_whole, const guint8 *rest,
    gsize n_rest)
{
  Trickler self = { .rest = rest, .n_rest = n_rest };

  self.fd = publisher_connect_raw (receiver->address);
  write_all (self.fd, handshake, n_whole);
  return self;
}

/* One more byte. Returns FALSE when the server has closed. */
static gboolean
trickle (Trickler *self)
{
  if (self->fd < 0)
    return FALSE;
  if (is_closed (self->fd, 2) ||
      send (self->fd, self->rest + MIN (self->sent, self->n_rest - 1), 1,
          MSG_NOSIGNAL) != 1) {
    close (self->fd);
    self->fd = -1;
    return FALSE;
  }
  self->sent++;
  return TRUE;
}

/* Every byte is in time, the whole is not: in the handshake, in a chunk's
 * header and in connect, whose message never ends. */
GST_START_TEST (slowloris)
{
  /* type 0 on chunk stream 3: 60,000 bytes of command */
  static const guint8 header[] = { 3, 0, 0, 0, 0, 0xea, 0x60, 20, 0, 0, 0, 0 };
  static const guint8 command[] = { 3, 0, 0, 0, 0, 0xea, 0x60, 20, 0, 0, 0, 0,
    2, 0, 7, 'c', 'o', 'n', 'n', 'e', 'c', 't' };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "handshake-timeout-ms", 300, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_video (receiver);
  Trickler tricklers[] = {
    start_trickler (receiver, 0, handshake, sizeof handshake),
    start_trickler (receiver, 1600, handshake + 1600, 1000),
    start_trickler (receiver, sizeof handshake, header, 11),
    start_trickler (receiver, sizeof handshake, command, sizeof command),
  };
  gboolean any = TRUE;

  wait_listener_stat (receiver, "pending", G_N_ELEMENTS (tricklers));
  for (guint32 ts = 1; any; ts++) {
    any = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (tricklers); i++)
      any = trickle (&tricklers[i]) || any;
    expect_undisturbed (receiver, publisher, ts);
    still_clock_move (TRICKLE_US);
  }
  for (guint i = 0; i < G_N_ELEMENTS (tricklers); i++)
    fail_unless (tricklers[i].sent >= 300 * 1000 / TRICKLE_US);
  fail_unless_equals_uint64 (get_listener_stat (receiver,
                                 "closed-handshake-timeout"),
      G_N_ELEMENTS (tricklers));
  fail_unless_equals_uint64 (get_listener_stat (receiver, "pending"), 0);
}
GST_END_TEST;

/* A publisher that sends the bytes of one frame for ever has gone: its name is
 * free for the one who comes back. */
GST_START_TEST (trickling_publisher)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "idle-timeout-ms", 200, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_video (receiver);
  /* 65,535 bytes of video, in a chunk of 4,096 */
  const guint8 header[] = { 6, 0, 0, 40, 0, 0xff, 0xff, 9, 1, 0, 0, 0 };
  write_all (publisher->fd, header, sizeof header);
  Trickler trickler = { publisher->fd, handshake, sizeof handshake, 0 };

  while (trickle (&trickler))
    still_clock_move (TRICKLE_US);
  publisher->fd = -1;
  fail_unless (trickler.sent >= 200 * 1000 / TRICKLE_US);
  receiver_wait_signal (receiver, "end the publisher sent no media");
  fail_unless_equals_uint64 (get_listener_stat (receiver,
                                 "closed-idle-timeout"),
      1);
  g_autoptr (Publisher) again =
      publisher_open (receiver->address, "live", "cam");
  fail_unless (again->ready);
}
GST_END_TEST;

/* The pool sleeps by the real clock, and counts who comes before it arms a timer
 * for him: one more comes in a turn at this time, and is found closed in a later
 * one, when what was due in the first has been done. */
static void
wait_turn (Receiver *receiver, guint n_pending)
{
  gint fd = publisher_connect_raw (receiver->address);

  wait_listener_stat (receiver, "pending", n_pending + 1);
  close (fd);
  wait_listener_stat (receiver, "pending", n_pending);
}

/* Connections on which nothing ever comes, as of a peer that has vanished. */
GST_START_TEST (half_open)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "handshake-timeout-ms", 200, NULL);
  receiver_start (receiver, 0);
  gint fds[20];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = publisher_connect_raw (receiver->address);
  wait_listener_stat (receiver, "pending", G_N_ELEMENTS (fds));
  wait_turn (receiver, G_N_ELEMENTS (fds));
  still_clock_move (199 * 1000);
  wait_turn (receiver, G_N_ELEMENTS (fds));
  fail_unless_equals_uint64 (get_listener_stat (receiver,
                                 "closed-handshake-timeout"),
      0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fail_if (is_closed (fds[i], 0));
  still_clock_move (1000);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    wait_closed (fds[i]);
  fail_unless_equals_uint64 (get_listener_stat (receiver,
                                 "closed-handshake-timeout"),
      G_N_ELEMENTS (fds));
  fail_unless_equals_uint64 (get_listener_stat (receiver, "pending"), 0);
}
GST_END_TEST;

/* ---- by numbers ---- */

static void
check_places (const gchar *property, const gchar *stat)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, property, 4, NULL);
  receiver_start (receiver, 0);
  gint fds[4];
  g_autoptr (Publisher) publisher = open_video (receiver);

  /* Who publishes holds no place: there are four. */
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = publisher_connect_raw (receiver->address);
  wait_listener_stat (receiver, "pending", 4);
  wait_closed (publisher_connect_raw (receiver->address));
  wait_closed (publisher_connect_raw (receiver->address));
  fail_unless_equals_uint64 (get_listener_stat (receiver, stat), 2);
  fail_unless_equals_uint64 (get_listener_stat (receiver, "connections"), 7);
  expect_undisturbed (receiver, publisher, 33);

  /* One goes: its place is for the next one, who is heard as ever. */
  close (fds[0]);
  wait_listener_stat (receiver, "pending", 3);
  g_autoptr (Publisher) next =
      publisher_new (receiver->address, "live", "other");
  fail_if (publisher_wait (next));
  fail_unless_equals_string (next->code, "NetStream.Publish.Denied");
  /* While it is given time to read why, it still holds its place. */
  fail_unless_equals_uint64 (get_listener_stat (receiver, "pending"), 4);
  wait_closed (publisher_connect_raw (receiver->address));
  close (next->fd);
  next->fd = -1;
  for (guint i = 1; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  wait_listener_stat (receiver, "pending", 0);
  expect_undisturbed (receiver, publisher, 66);
}

GST_START_TEST (places_of_an_address)
{
  check_places ("max-pending-per-address", "closed-pending-per-address");
}
GST_END_TEST;

GST_START_TEST (places_in_all)
{
  check_places ("max-pending", "closed-pending");
}
GST_END_TEST;

/* ---- flood ---- */

#define N_HONEST 20
#define N_FRAMES 30
#define CONNECTS_PER_FRAME 100
#define MAX_PENDING 128

/* A frame that can be read is read in the turn of its thread that is about to
 * begin. As many connections as may be pending, the publishers and the door:
 * three turns to look at all of them, and the one that is under way. */
#define MAX_TURNS 4

typedef struct
{
  Receiver *receiver;
  Publisher *publisher;
  gint thread; /* atomic: number of the pool thread that pushes; -1 */
  guint64 turn; /* atomic: of that thread, when the last frame left */
} Honest;

static guint64
get_turns (GstElement *element, guint thread)
{
  g_autoptr (GstStructure) description = NULL;
  guint64 turns = 0;

  g_object_get (element, "threads", &description, NULL);
  const GValue *array = gst_structure_get_value (description, "threads");
  gst_structure_get_uint64 (
      gst_value_get_structure (gst_value_array_get_value (array, thread)),
      "turns", &turns);
  return turns;
}

/* On the pool thread, which is called "mill-rtmp-N". */
static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Honest *honest = user_data;
  gchar name[16] = "";

  pthread_getname_np (pthread_self (), name, sizeof name);
  guint thread = g_ascii_strtoull (strrchr (name, '-') + 1, NULL, 10);
  __atomic_store_n (&honest->turn,
      get_turns (honest->receiver->element, thread), __ATOMIC_RELAXED);
  g_atomic_int_set (&honest->thread, thread);
  return GST_PAD_PROBE_OK;
}

static void
on_pad_added (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, user_data, NULL);
}

static Honest *
honest_new (const gchar *location, guint index)
{
  Honest *self = g_new0 (Honest, 1);
  g_autofree gchar *name = g_strdup_printf ("cam%u", index);
  g_autofree gchar *own = g_strconcat (location, name, NULL);

  self->thread = -1;
  self->receiver = receiver_new (own);
  g_object_set (self->receiver->element, "max-pending-per-address", MAX_PENDING,
      NULL);
  g_signal_connect (self->receiver->element, "pad-added",
      G_CALLBACK (on_pad_added), self);
  receiver_start (self->receiver, 0);
  self->publisher = publisher_open (self->receiver->address, "live", name);
  publisher_send_video_config (self->publisher, 0, AVCC_640x360);
  publisher_send_video (self->publisher, 0, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (self->receiver, RECEIVER_VIDEO),
      0);
  return self;
}

static void
honest_free (gpointer data)
{
  Honest *self = data;

  publisher_free (self->publisher);
  receiver_free (self->receiver);
  g_free (self);
}

/* Connections of one stranger: the oldest are closed by him, which makes room
 * for the next, so that they are worth an accept, a session and an end each. */
typedef struct
{
  struct sockaddr_in to;
  gint fds[160];
  guint n;
} Flood;

static void
flood_connect (Flood *self)
{
  struct sockaddr_in from = { .sin_family = AF_INET };
  struct linger reset = { .l_onoff = 1, .l_linger = 0 };
  gint one = 1;
  gint *slot = &self->fds[self->n++ % G_N_ELEMENTS (self->fds)];

  if (*slot >= 0)
    close (*slot);
  inet_pton (AF_INET, "127.0.0.2", &from.sin_addr);
  *slot = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  fail_unless (*slot >= 0);
  /* Ports of this machine are not what is to run out. */
  setsockopt (*slot, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt (*slot, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  fail_unless (bind (*slot, (struct sockaddr *) &from, sizeof from) == 0);
  fail_unless (connect (*slot, (struct sockaddr *) &self->to,
                   sizeof self->to) == 0 ||
      errno == EINPROGRESS);
  /* half of them begin to speak */
  if (self->n % 2 == 0)
    send (*slot, handshake, 1000, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static Flood *
flood_new (const gchar *address)
{
  Flood *self = g_new0 (Flood, 1);
  g_auto (GStrv) parts = g_strsplit (address, ":", 2);

  self->to.sin_family = AF_INET;
  self->to.sin_port = htons (g_ascii_strtoull (parts[1], NULL, 10));
  inet_pton (AF_INET, parts[0], &self->to.sin_addr);
  memset (self->fds, -1, sizeof self->fds);
  return self;
}

static void
flood_free (Flood *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->fds); i++)
    if (self->fds[i] >= 0)
      close (self->fds[i]);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Flood, flood_free)

/* A frame of each, amid the flood; how many turns the slowest took. */
static guint64
send_frames (GPtrArray *all, Flood *flood, guint32 ts)
{
  guint64 most = 0;

  for (guint i = 0; i < all->len; i++) {
    Honest *honest = g_ptr_array_index (all, i);
    gint thread = g_atomic_int_get (&honest->thread);
    guint64 before = get_turns (honest->receiver->element, thread);
    publisher_send_video (honest->publisher, ts, FALSE, 0);
    for (guint j = 0; j < CONNECTS_PER_FRAME / N_HONEST; j++)
      flood_connect (flood);
    fail_unless_equals_int64 (receiver_take_dts (honest->receiver,
                                  RECEIVER_VIDEO),
        ts);
    guint64 after = __atomic_load_n (&honest->turn, __ATOMIC_RELAXED);
    most = MAX (most, after - before);
  }
  return most;
}

/* Twenty publish while a stranger connects three thousand times: no frame is
 * lost, and none waits for more than the work of a few turns, each of which is
 * bounded; and another address gets in. */
GST_START_TEST (flood)
{
  g_autoptr (Receiver) door = receiver_new ("rtmp://127.0.0.1:0/live/door");
  g_object_set (door->element, "max-pending-per-address", MAX_PENDING, NULL);
  receiver_start (door, 0);
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live/", door->address);
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (honest_free);
  for (guint i = 0; i < N_HONEST; i++)
    g_ptr_array_add (all, honest_new (location, i));

  g_autoptr (Flood) flood = flood_new (door->address);
  guint64 most = 0;
  for (guint frame = 1; frame <= N_FRAMES; frame++)
    most = MAX (most, send_frames (all, flood, frame * 33));
  GST_INFO ("a frame took %" G_GUINT64_FORMAT " turns at most", most);
  fail_unless (most <= MAX_TURNS, "a frame took %" G_GUINT64_FORMAT " turns",
      most);
  g_autoptr (Publisher) late = publisher_open (door->address, "live", "door");
  fail_unless (late->ready);

  /* All that the kernel took for us has been looked at, and bounded. */
  guint64 came = get_listener_stat (door, "connections");
  guint64 refused = get_listener_stat (door, "closed-pending-per-address");
  GST_INFO ("%" G_GUINT64_FORMAT " connections, %" G_GUINT64_FORMAT " refused",
      came, refused);
  fail_unless (came > N_FRAMES * CONNECTS_PER_FRAME / 2);
  fail_unless (refused > 0);
  fail_unless (get_listener_stat (door, "pending") <= MAX_PENDING);
  fail_unless_equals_uint64 (get_listener_stat (door, "closed-pending"), 0);
}
GST_END_TEST;

/* ---- by size ---- */

/* Each bound of the session is counted by its name. Those that need many bytes
 * are in tests/lib/rtmp-limits.c. */
GST_START_TEST (limits_are_counted)
{
  static const struct
  {
    const gchar *stat;
    guint8 bytes[40];
    gsize size;
  } cases[] = {
    /* 8 MiB + 1 announced */
    { "closed-message-bytes", { 3, 0, 0, 0, 0x80, 0, 1, 20 }, 12 },
    /* Set Chunk Size with its top bit */
    { "closed-protocol",
        { 2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, 16 },
    /* a command of 17 arrays in each other */
    { "closed-amf-depth",
        { 3, 0, 0, 0, 0, 0, 88, 20, 0, 0, 0, 0, 2, 0, 0, 10, 0, 0, 0, 1, 10, 0,
            0, 0, 1, 10, 0, 0, 0, 1, 10, 0, 0, 0, 1, 10, 0, 0, 0, 1 },
        0 },
  };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_video (receiver);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint fd = publisher_connect_raw (receiver->address);
    write_all (fd, handshake, sizeof handshake);
    write_all (fd, cases[i].bytes,
        cases[i].size ? cases[i].size : sizeof cases[i].bytes);
    for (guint j = 0; j < 12 && cases[i].size == 0; j++)
      write_all (fd, cases[i].bytes + 15, 5);
    wait_closed (fd);
    fail_unless_equals_uint64 (get_listener_stat (receiver, cases[i].stat), 1);
    expect_undisturbed (receiver, publisher, 33 * (i + 1));
  }
}
GST_END_TEST;

static Suite *
rtmpserversrc_hostile_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-hostile");
  TCase *slow_case = tcase_create ("slowly");
  TCase *number_case = tcase_create ("by numbers");
  TCase *flood_case = tcase_create ("flood");
  TCase *size_case = tcase_create ("by size");

  suite_add_tcase (suite, slow_case);
  tcase_add_checked_fixture (slow_case, still_clock_stop, still_clock_go);
  tcase_add_test (slow_case, slowloris);
  tcase_add_test (slow_case, trickling_publisher);
  tcase_add_test (slow_case, half_open);
  suite_add_tcase (suite, number_case);
  tcase_add_checked_fixture (number_case, still_clock_stop, still_clock_go);
  tcase_add_test (number_case, places_of_an_address);
  tcase_add_test (number_case, places_in_all);
  suite_add_tcase (suite, flood_case);
  tcase_add_test (flood_case, flood);
  suite_add_tcase (suite, size_case);
  tcase_add_test (size_case, limits_are_counted);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_hostile);
