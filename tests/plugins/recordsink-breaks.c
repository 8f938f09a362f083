/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* recordsink: streams that seek, that stand still, or go on after hours. */

#include "recordsink-test.h"

typedef struct
{
  gchar *dir;
  GstElement *pipeline;
  GstPad *source;
  GstPad *end;
} Seconds;

/* A file is no live source. */
static gboolean
answer_file (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* @query: (nullable): what answers at its source
 * Returns: (transfer full): a source of VP8, which needs no encoder, linked to @end */
static GstPad *
new_source (GstPad *end, GstPadQueryFunction query)
{
  g_autoptr (GstCaps) caps =
      gst_caps_from_string ("video/x-vp8, width=16, height=16, framerate=1/1");
  GstPad *source = gst_pad_new ("src", GST_PAD_SRC);
  if (query != NULL)
    gst_pad_set_query_function (source, query);
  gst_pad_set_active (source, TRUE);
  g_assert_cmpint (gst_pad_link (source, end), ==, GST_PAD_LINK_OK);
  gst_pad_push_event (source, gst_event_new_stream_start ("a"));
  gst_pad_push_event (source, gst_event_new_caps (caps));
  return source;
}

/* A recording to a{n}.mkv. */
static void
begin_seconds (Seconds *self, GstPadQueryFunction query)
{
  self->dir = make_dir ();
  g_autofree gchar *location = g_build_filename (self->dir, "a{n}.mkv", NULL);
  GstElement *sink = gst_element_factory_make ("recordsink", NULL);
  g_object_set (sink, "location", location, NULL);
  self->pipeline = gst_pipeline_new (NULL);
  gst_bin_add (GST_BIN (self->pipeline), sink);
  self->end = gst_element_request_pad_simple (sink, "video_0");
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  self->source = new_source (self->end, query);
}

/* A segment, and a keyframe a second, from @from on. */
static void
push_seconds (Seconds *self, guint from, guint n)
{
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (self->source, gst_event_new_segment (&segment));
  for (guint i = 0; i < n; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64, NULL);
    gst_buffer_memset (buffer, 0, 0, 64);
    GST_BUFFER_PTS (buffer) = (from + i) * GST_SECOND;
    GST_BUFFER_DURATION (buffer) = GST_SECOND;
    g_assert_cmpint (gst_pad_push (self->source, buffer), ==, GST_FLOW_OK);
  }
}

static void
finish_seconds (Seconds *self)
{
  gst_pad_push_event (self->source, gst_event_new_eos ());
  wait_eos (self->pipeline);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_pad_unlink (self->source, self->end);
  gst_object_unref (self->source);
  gst_object_unref (self->end);
  gst_object_unref (self->pipeline);
}

/* Two files are there, of so many frames. */
static void
end_seconds (Seconds *self, guint first, guint second)
{
  finish_seconds (self);
  g_autoptr (GPtrArray) names = list (self->dir, ".mkv");
  g_assert_cmpuint (names->len, ==, 2);
  g_autoptr (GArray) a = read_times (self->dir, "a1.mkv", "matroskademux");
  g_autoptr (GArray) b = read_times (self->dir, "a2.mkv", "matroskademux");
  g_assert_cmpuint (a->len, ==, first);
  g_assert_cmpuint (b->len, ==, second);
  clear_dir (self->dir);
}

/* What comes after a seek has running times from 0 again: a file of its own, or
 * all of it would be too late for the one that is open. */
static void
test_flush (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  gst_pad_push_event (seconds.source, gst_event_new_flush_start ());
  gst_pad_push_event (seconds.source, gst_event_new_flush_stop (TRUE));
  push_seconds (&seconds, 0, 10);
  end_seconds (&seconds, 20, 10);
}

/* The threads of a film's tracks begin when they like: one that is read 20 s
 * before the other is in the same file with it. */
static void
test_film (void)
{
  Seconds picture;
  begin_seconds (&picture, answer_file);
  g_autoptr (GstElement) sink = gst_pad_get_parent_element (picture.end);
  g_autoptr (GstPad) end = gst_element_request_pad_simple (sink, "video_1");
  push_seconds (&picture, 0, 20);
  g_autoptr (GstPad) source = new_source (end, answer_file);
  Seconds late = { .source = source };
  push_seconds (&late, 0, 20);
  gst_pad_push_event (source, gst_event_new_eos ());
  finish_seconds (&picture);
  gst_pad_unlink (source, end);
  g_autoptr (GPtrArray) names = list (picture.dir, ".mkv");
  g_assert_cmpuint (names->len, ==, 1);
  g_autoptr (GArray) first =
      read_track (picture.dir, "a1.mkv", "matroskademux", "video_0");
  g_autoptr (GArray) second =
      read_track (picture.dir, "a1.mkv", "matroskademux", "video_1");
  g_assert_cmpuint (first->len, ==, 20);
  g_assert_cmpuint (second->len, ==, 20);
  clear_dir (picture.dir);
}

/* So has what comes after a seek back from the end. */
static void
test_flush_after_end (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  gst_pad_push_event (seconds.source, gst_event_new_eos ());
  wait_eos (seconds.pipeline);
  gst_pad_push_event (seconds.source, gst_event_new_flush_start ());
  gst_pad_push_event (seconds.source, gst_event_new_flush_stop (TRUE));
  push_seconds (&seconds, 0, 10);
  end_seconds (&seconds, 20, 10);
}

/* A publisher that was away for a night: pictures would come hours before their
 * sound, where an index has no number for so long a frame. */
static void
test_night (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  push_seconds (&seconds, 8 * 3600, 10);
  end_seconds (&seconds, 20, 10);
}

/* A frame that cannot be read before @is_free: what writes it stands still, as on
 * a disk that does. */
typedef GstAllocator Holder;
typedef GstAllocatorClass HolderClass;
GType holder_get_type (void);
G_DEFINE_TYPE (Holder, holder, GST_TYPE_ALLOCATOR)

static struct
{
  GMutex lock;
  GCond cond;
  gboolean is_held;
  gboolean is_free;
} hold;

static gpointer
holder_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  static guint8 data[64];
  g_mutex_lock (&hold.lock);
  hold.is_held = TRUE;
  g_cond_broadcast (&hold.cond);
  while (!hold.is_free)
    g_cond_wait (&hold.cond, &hold.lock);
  g_mutex_unlock (&hold.lock);
  return data;
}

static void
holder_unmap (GstMemory *memory)
{
}

static void
holder_free (GstAllocator *allocator, GstMemory *memory)
{
  g_free (memory);
}

static void
holder_class_init (HolderClass *klass)
{
  klass->free = holder_free;
}

static void
holder_init (Holder *self)
{
  self->mem_map = holder_map;
  self->mem_unmap = holder_unmap;
}

static gpointer
push_held (gpointer seconds)
{
  g_autoptr (GstAllocator) holder =
      gst_object_ref_sink (g_object_new (holder_get_type (), NULL));
  GstMemory *memory = g_new0 (GstMemory, 1);
  GstBuffer *buffer = gst_buffer_new ();
  gst_memory_init (memory, 0, holder, NULL, 64, 0, 0, 64);
  gst_buffer_append_memory (buffer, memory);
  GST_BUFFER_PTS (buffer) = 20 * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = GST_SECOND;
  gst_pad_push (((Seconds *) seconds)->source, buffer);
  push_seconds (seconds, 21, 1);
  return NULL;
}

static gpointer
read_stats (gpointer end)
{
  g_autoptr (GstElement) sink = gst_pad_get_parent_element (end);
  GstStructure *stats;
  g_object_get (sink, "stats", &stats, NULL);
  return stats;
}

static void
on_stats (gpointer data, gpointer queue)
{
  g_async_queue_push (queue, read_stats (data));
}

/* Whoever looks at the stats does not stand still with the disk: in a worker that
 * is the main loop, and all its streams with it. */
static void
test_stalled (void)
{
  Seconds seconds;
  begin_seconds (&seconds, NULL);
  push_seconds (&seconds, 0, 20);
  GThread *pusher = g_thread_new ("pusher", push_held, &seconds);
  g_mutex_lock (&hold.lock);
  while (!hold.is_held)
    g_cond_wait (&hold.cond, &hold.lock);
  g_mutex_unlock (&hold.lock);
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThreadPool *pool = g_thread_pool_new (on_stats, queue, 1, FALSE, NULL);
  g_thread_pool_push (pool, seconds.end, NULL);
  g_autoptr (GstStructure) stats =
      g_async_queue_timeout_pop (queue, 30 * G_USEC_PER_SEC);
  g_assert_nonnull (stats);
  gboolean recording = FALSE;
  g_assert_true (gst_structure_get_boolean (stats, "recording", &recording));
  g_assert_true (recording);
  g_assert_true (g_str_has_suffix (gst_structure_get_string (stats, "location"),
      "/a1.mkv.part"));
  g_mutex_lock (&hold.lock);
  hold.is_free = TRUE;
  g_cond_broadcast (&hold.cond);
  g_mutex_unlock (&hold.lock);
  g_thread_join (pusher);
  g_thread_pool_free (pool, FALSE, TRUE);
  push_seconds (&seconds, 8 * 3600, 10);
  end_seconds (&seconds, 22, 10);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recordsink/flush", test_flush);
  g_test_add_func ("/recordsink/film", test_film);
  g_test_add_func ("/recordsink/flush-after-end", test_flush_after_end);
  g_test_add_func ("/recordsink/night", test_night);
  g_test_add_func ("/recordsink/stalled", test_stalled);
  return g_test_run ();
}
