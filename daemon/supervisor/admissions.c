/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "admissions.h"

#include "daemon/common/log.h"
#include "address.h"
#include "bitrate-watch.h"
#include "key-auth.h"
#include "store-admissions.h"

/* While no worker is connected that could end a stream. */
#define RETRY_S 1
/* An end may be years away, and the clock may be set in between. */
#define MAX_WAIT_S 3600

struct _MillAdmissions
{
  MillStore *store; /* not owned */
  MillStreamRegistry *registry; /* not owned */
  MillWorkerProxy *worker; /* nullable */
  MillAdmissionsFunc func;
  gpointer user_data;
  GHashTable *entries; /* (element-type utf8 Entry): by make_key() */
  MillBitrateWatch *bitrates;
  guint bitrate_timer; /* runs while somebody has such a limit */
  GCancellable *life;
  guint64 ended[MILL_ADMISSION_N_ENDS];
};

/** One publisher. */
typedef struct
{
  MillAdmissions *admissions;
  MillAdmissionRow *row;
  gboolean is_confirmed; /* the worker's reports have it, if it is there */
  gboolean is_live; /* connected, as far as is known */
  guint timer;
  MillAdmissionEnd end; /* what ends_at means */
  guint64 bytes; /* that were counted, up to counted_at */
  gint64 counted_at; /* monotonic µs; 0: what came before is not known */
  gint64 sent_away_at; /* for that; monotonic µs; 0: never */
} Entry;

const gchar *
mill_admissions_end_to_string (MillAdmissionEnd end)
{
  static const gchar *const names[MILL_ADMISSION_N_ENDS] = { "revoked",
    "expired", "duration", "bitrate" };
  return names[end];
}

/* Neither has a blank. Returns: (transfer full) */
static gchar *
make_key (const gchar *stream, const gchar *address)
{
  return g_strconcat (stream, " ", address, NULL);
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  g_clear_handle_id (&entry->timer, g_source_remove);
  mill_store_admissions_free_row (entry->row);
  g_free (entry);
}

static gboolean
is_current (MillAdmissions *admissions, const MillAdmissionRow *row)
{
  const MillStream *stream =
      mill_stream_registry_find (admissions->registry, row->stream);
  return stream && mill_stream_is_running (stream) &&
      stream->row->generation == row->generation;
}

static gboolean
is_of (const Entry *entry, const gchar *stream)
{
  return g_str_equal (entry->row->stream, stream);
}

/* Whether another publisher of its stream would go with it. */
static gboolean
has_company (MillAdmissions *admissions, const Entry *entry)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, admissions->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Entry *other = value;
    if (other != entry && other->is_live && is_of (other, entry->row->stream) &&
        other->row->generation == entry->row->generation)
      return TRUE;
  }
  return FALSE;
}

/* Returns: FALSE when it has to be tried again */
static gboolean
end_entry (MillAdmissions *admissions, Entry *entry, MillAdmissionEnd end,
    const gchar *reason)
{
  MillStream *stream =
      mill_stream_registry_find (admissions->registry, entry->row->stream);
  gboolean is_alone = !has_company (admissions, entry);

  if (!is_current (admissions, entry->row) || (!is_alone && !entry->is_live))
    return TRUE;
  if (!admissions->func (stream, is_alone ? NULL : entry->row->address, end,
          reason, admissions->user_data))
    return FALSE;
  /* Whoever ends at the same moment is alone by then. */
  entry->is_live = FALSE;
  admissions->ended[end]++;
  return TRUE;
}

/* ---- ends by the clock ---- */

/* Recursive by way of the timer alone. */
static void arm (Entry *entry, guint delay_s);
static void arm_for_end (Entry *entry);

static gboolean
is_early (const Entry *entry)
{
  return entry->end != MILL_ADMISSION_REVOKED &&
      g_get_real_time () / G_USEC_PER_SEC < entry->row->ends_at;
}

static gboolean
on_time_over (gpointer user_data)
{
  static const gchar *const reasons[MILL_ADMISSION_N_ENDS] = {
    [MILL_ADMISSION_REVOKED] = "its stream key was revoked",
    [MILL_ADMISSION_EXPIRED] = "what its publisher was let in with has expired",
    [MILL_ADMISSION_DURATION] = "it has run as long as its key allows",
  };
  Entry *entry = user_data;
  entry->timer = 0;
  if (is_early (entry))
    arm_for_end (entry);
  else if (!end_entry (entry->admissions, entry, entry->end,
               reasons[entry->end]))
    arm (entry, RETRY_S);
  return G_SOURCE_REMOVE;
}

static void
arm (Entry *entry, guint delay_s)
{
  g_clear_handle_id (&entry->timer, g_source_remove);
  entry->timer = g_timeout_add_seconds (delay_s, on_time_over, entry);
}

static void
arm_for_end (Entry *entry)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_clear_handle_id (&entry->timer, g_source_remove);
  /* A timer of seconds is late by up to one, never early. */
  if (entry->row->ends_at > 0)
    arm (entry, (guint) CLAMP (entry->row->ends_at - now, 0, MAX_WAIT_S));
}

/* The first of what the clock ends it by. */
static void
set_end (Entry *entry, const MillPublishVerdict *verdict,
    gboolean ends_on_expiry)
{
  gint64 duration_over = verdict->limits.duration_s > 0
      ? entry->row->since + (gint64) verdict->limits.duration_s
      : 0;
  gint64 expiry = ends_on_expiry ? verdict->expires_at : 0;

  entry->row->max_bitrate_bps = verdict->limits.bitrate_bps;
  entry->end = MILL_ADMISSION_EXPIRED;
  entry->row->ends_at = expiry;
  if (duration_over > 0 && (expiry == 0 || duration_over < expiry)) {
    entry->end = MILL_ADMISSION_DURATION;
    entry->row->ends_at = duration_over;
  }
}

/* ---- ends by the bit rate ---- */

typedef struct
{
  MillAdmissions *admissions;
  GCancellable *life;
} Sample;

static void
take_sample (MillAdmissions *admissions, Entry *entry,
    const MillInputReport *input)
{
  MillBitrateSender sender = { entry->row->stream, entry->row->key_id,
    entry->row->address };
  MillBitrateSample sample = { input->node, input->publisher->bytes,
    entry->counted_at, entry->row->max_bitrate_bps };
  gint64 now = g_get_monotonic_time ();
  gboolean is_counted = entry->counted_at > 0 && sample.bytes >= entry->bytes;

  sample.bytes -= is_counted ? entry->bytes : 0;
  entry->bytes = input->publisher->bytes;
  entry->counted_at = now;
  if (!is_counted || entry->row->max_bitrate_bps == 0)
    return;
  guint64 bitrate_bps =
      mill_bitrate_watch_add (admissions->bitrates, &sender, &sample, now);
  /* Who has gone by himself is held to it when he comes back; to go takes who
   * was sent away a moment. */
  if (bitrate_bps == 0 || !g_str_equal (input->state, MILL_INPUT_LIVE) ||
      (entry->sent_away_at > 0 &&
          now - entry->sent_away_at <
              MILL_BITRATE_WATCH_WINDOW_S * G_USEC_PER_SEC))
    return;
  g_autofree gchar *reason =
      g_strdup_printf ("its publisher sends %" G_GUINT64_FORMAT
                       " bit/s, its key allows %" G_GUINT64_FORMAT,
          bitrate_bps, entry->row->max_bitrate_bps);
  if (end_entry (admissions, entry, MILL_ADMISSION_BITRATE, reason))
    entry->sent_away_at = now;
}

static void
take_samples (MillAdmissions *admissions, const MillStreamReport *report)
{
  for (guint i = 0; i < report->inputs->len; i++) {
    const MillInputReport *input = g_ptr_array_index (report->inputs, i);
    if (!input->publisher)
      continue;
    g_autofree gchar *key = make_key (report->name, input->publisher->address);
    Entry *entry = g_hash_table_lookup (admissions->entries, key);
    if (entry && report->generation == entry->row->generation)
      take_sample (admissions, entry, input);
  }
}

static void
on_sampled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sample *sample = user_data;
  g_autoptr (MillStreamReport) report =
      mill_worker_proxy_get_stream_finish (MILL_WORKER_PROXY (source), result,
          NULL);

  if (report && !g_cancellable_is_cancelled (sample->life))
    take_samples (sample->admissions, report);
  g_object_unref (sample->life);
  g_free (sample);
}

static void
ask_for_sample (MillAdmissions *admissions, const gchar *stream)
{
  Sample *sample = g_new0 (Sample, 1);
  sample->admissions = admissions;
  sample->life = g_object_ref (admissions->life);
  mill_worker_proxy_get_stream_async (admissions->worker, stream, on_sampled,
      sample);
}

static gboolean
on_bitrate_timer (gpointer user_data)
{
  MillAdmissions *admissions = user_data;
  gboolean is_needed = FALSE;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, admissions->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Entry *entry = value;
    if (entry->row->max_bitrate_bps == 0)
      continue;
    is_needed = TRUE;
    if (admissions->worker)
      ask_for_sample (admissions, entry->row->stream);
  }
  if (mill_bitrate_watch_prune (admissions->bitrates, g_get_monotonic_time ()) >
      0)
    is_needed = TRUE;
  if (!is_needed)
    admissions->bitrate_timer = 0;
  return is_needed ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean
is_there (const gchar *stream, const gchar *address, gpointer user_data)
{
  MillAdmissions *admissions = user_data;
  g_autofree gchar *key = make_key (stream, address);
  const Entry *entry = g_hash_table_lookup (admissions->entries, key);
  return entry && entry->is_live && entry->sent_away_at == 0;
}

gint64
mill_admissions_get_wait_s (MillAdmissions *admissions,
    const MillPublishVerdict *verdict)
{
  MillBitrateSender sender = { verdict->stream, verdict->key_id, NULL };
  gint64 wait_us = mill_bitrate_watch_get_wait_us (admissions->bitrates,
      &sender, verdict->limits.bitrate_bps, g_get_monotonic_time ());
  return (wait_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
}

static void
watch_bitrate (MillAdmissions *admissions, const Entry *entry)
{
  if (entry->row->max_bitrate_bps == 0)
    return;
  if (admissions->worker)
    ask_for_sample (admissions, entry->row->stream);
  if (admissions->bitrate_timer == 0)
    admissions->bitrate_timer =
        g_timeout_add_seconds (MILL_BITRATE_WATCH_WINDOW_S, on_bitrate_timer,
            admissions);
}

/* ---- keeping ---- */

static void
save (MillAdmissions *admissions, const Entry *entry)
{
  g_autoptr (GError) error = NULL;
  if (!mill_store_admissions_put (admissions->store, entry->row, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, entry->row->stream,
        "who was let in is not saved, revoking its key after a restart will "
        "not end it: %s",
        error->message);
}

static Entry *
take_row (MillAdmissions *admissions, MillAdmissionRow *row)
{
  Entry *entry = g_new0 (Entry, 1);
  entry->admissions = admissions;
  entry->row = row;
  entry->is_live = TRUE;
  g_hash_table_replace (admissions->entries,
      make_key (row->stream, row->address), entry);
  return entry;
}

/* All publishers of a run are under the same clock. */
static gint64
find_since (MillAdmissions *admissions, const MillStream *stream)
{
  GHashTableIter iter;
  gpointer value;
  gint64 since = g_get_real_time () / G_USEC_PER_SEC;

  g_hash_table_iter_init (&iter, admissions->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Entry *entry = value;
    if (is_of (entry, stream->row->name) &&
        entry->row->generation == stream->row->generation)
      since = MIN (since, entry->row->since);
  }
  return since;
}

void
mill_admissions_add (MillAdmissions *admissions, const MillStream *stream,
    const MillAdmission *admission)
{
  const MillPublishVerdict *verdict = admission->verdict;
  MillAdmissionRow *row = g_new0 (MillAdmissionRow, 1);

  row->stream = g_strdup (stream->row->name);
  row->generation = stream->row->generation;
  row->key_id = g_strdup (verdict->key_id);
  row->key_generation = verdict->key_generation;
  row->address = g_strdup (admission->address);
  row->since = find_since (admissions, stream);
  row->node_id = g_strdup (stream->row->node_id);
  Entry *entry = take_row (admissions, row);
  /* All that its connection brings is to be counted. */
  entry->counted_at = g_get_monotonic_time ();
  set_end (entry, verdict, admission->ends_on_expiry);
  arm_for_end (entry);
  watch_bitrate (admissions, entry);
  save (admissions, entry);
}

void
mill_admissions_confirm (MillAdmissions *admissions, const gchar *stream,
    const gchar *address)
{
  g_autofree gchar *key = make_key (stream, address);
  Entry *entry = g_hash_table_lookup (admissions->entries, key);
  if (entry)
    entry->is_confirmed = TRUE;
}

static void
delete_row (MillAdmissions *admissions, const MillAdmissionRow *row)
{
  g_autoptr (GError) error = NULL;
  if (!mill_store_admissions_delete (admissions->store, row->stream,
          row->address, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, row->stream,
        "who was let in is not forgotten: %s", error->message);
}

void
mill_admissions_withdraw (MillAdmissions *admissions, const gchar *stream,
    const gchar *address)
{
  g_autofree gchar *key = make_key (stream, address);
  Entry *entry = g_hash_table_lookup (admissions->entries, key);
  if (!entry)
    return;
  delete_row (admissions, entry->row);
  g_hash_table_remove (admissions->entries, key);
}

/* Who has left may come back under another port, and is let in anew then: it is
 * kept only as long as its place is. */
void
mill_admissions_take_report (MillAdmissions *admissions,
    const MillStreamReport *report)
{
  GHashTableIter iter;
  gpointer value;

  /* What whoever has left brought up to then counts as well. */
  take_samples (admissions, report);
  g_hash_table_iter_init (&iter, admissions->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Entry *entry = value;
    if (!entry->is_confirmed || !is_of (entry, report->name) ||
        entry->row->generation != report->generation)
      continue;
    entry->is_live = FALSE;
    gboolean has_place = FALSE;
    for (guint i = 0; i < report->inputs->len; i++) {
      const MillInputReport *input = g_ptr_array_index (report->inputs, i);
      if (!input->publisher ||
          !g_str_equal (input->publisher->address, entry->row->address))
        continue;
      has_place = TRUE;
      entry->is_live = g_str_equal (input->state, MILL_INPUT_LIVE);
    }
    if (has_place || report->inputs->len == 0)
      continue;
    delete_row (admissions, entry->row);
    g_hash_table_iter_remove (&iter);
  }
}

void
mill_admissions_forget (MillAdmissions *admissions, const gchar *stream)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, admissions->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Entry *entry = value;
    if (!is_of (entry, stream))
      continue;
    delete_row (admissions, entry->row);
    g_hash_table_iter_remove (&iter);
  }
}

/* ---- changes of a key ---- */

/* Returns: (transfer full) (nullable): what its stream key says now */
static MillPublishVerdict *
ask_key (MillAdmissions *admissions, const Entry *entry)
{
  g_autoptr (GInetAddress) address = mill_address_parse (entry->row->address);
  MillKeyUse use = { entry->row->key_id, entry->row->key_generation, address };

  return mill_key_auth_recheck (admissions->store, &use);
}

static void
recheck (MillAdmissions *admissions, Entry *entry, gboolean ends_on_expiry)
{
  g_autoptr (MillPublishVerdict) verdict = ask_key (admissions, entry);

  if (!verdict)
    return;
  if (verdict->denial != MILL_DENIAL_NONE) {
    entry->end = MILL_ADMISSION_REVOKED;
    if (!end_entry (admissions, entry, entry->end, verdict->text))
      arm (entry, RETRY_S);
    return;
  }
  set_end (entry, verdict, ends_on_expiry);
  arm_for_end (entry);
  watch_bitrate (admissions, entry);
  save (admissions, entry);
}

void
mill_admissions_recheck_key (MillAdmissions *admissions, const gchar *key_id,
    gboolean ends_on_expiry)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, admissions->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Entry *entry = value;
    if (g_strcmp0 (entry->row->key_id, key_id) == 0)
      recheck (admissions, entry, ends_on_expiry);
  }
}

/* ---- life ---- */

/* A millraced before this may have gone between a key and whom it let in: ended
 * as soon as the worker is there. */
static gboolean
is_revoked (MillAdmissions *admissions, const Entry *entry)
{
  g_autoptr (MillPublishVerdict) verdict =
      entry->row->key_id ? ask_key (admissions, entry) : NULL;

  return verdict && verdict->denial != MILL_DENIAL_NONE;
}

static void
load (MillAdmissions *admissions)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows =
      mill_store_admissions_list (admissions->store, &error);
  if (!rows)
    g_warning ("who was let in is not known: %s", error->message);
  for (guint i = 0; rows && i < rows->len; i++) {
    const MillAdmissionRow *row = g_ptr_array_index (rows, i);
    if (!is_current (admissions, row)) {
      delete_row (admissions, row);
      continue;
    }
    Entry *entry = take_row (admissions, mill_store_admissions_copy_row (row));
    entry->is_confirmed = TRUE;
    entry->end = is_revoked (admissions, entry) ? MILL_ADMISSION_REVOKED
                                                : MILL_ADMISSION_EXPIRED;
    if (entry->end == MILL_ADMISSION_REVOKED)
      arm (entry, RETRY_S);
    else
      arm_for_end (entry);
    watch_bitrate (admissions, entry);
  }
}

MillAdmissions *
mill_admissions_new (MillStore *store, MillStreamRegistry *registry,
    MillAdmissionsFunc func, gpointer user_data)
{
  MillAdmissions *admissions = g_new0 (MillAdmissions, 1);
  admissions->store = store;
  admissions->registry = registry;
  admissions->func = func;
  admissions->user_data = user_data;
  admissions->life = g_cancellable_new ();
  admissions->bitrates = mill_bitrate_watch_new (is_there, admissions);
  admissions->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  load (admissions);
  return admissions;
}

void
mill_admissions_free (MillAdmissions *admissions)
{
  if (!admissions)
    return;
  g_cancellable_cancel (admissions->life);
  g_object_unref (admissions->life);
  g_clear_handle_id (&admissions->bitrate_timer, g_source_remove);
  g_hash_table_unref (admissions->entries);
  mill_bitrate_watch_free (admissions->bitrates);
  g_clear_object (&admissions->worker);
  g_free (admissions);
}

void
mill_admissions_set_worker (MillAdmissions *admissions, MillWorkerProxy *worker)
{
  g_set_object (&admissions->worker, worker);
}

guint64
mill_admissions_get_ended (MillAdmissions *admissions, MillAdmissionEnd end)
{
  return admissions->ended[end];
}
