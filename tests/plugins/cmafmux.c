/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* cmafmux: what comes out of its source pad, buffer by buffer. */

#include "bmff/bmff-init.h"
#include "cmafsink-test.h"

#define SEGMENT_FRAMES 25 /* a second */

static GstHarness *
new_mux (GstCaps *caps, guint segment_ms, guint chunk_ms)
{
  g_autofree gchar *launch =
      g_strdup_printf ("cmafmux segment-duration-ms=%u chunk-duration-ms=%u",
          segment_ms, chunk_ms);
  GstHarness *harness = gst_harness_new_parse (launch);
  gst_harness_set_src_caps (harness, caps);
  return harness;
}

static GstFlowReturn
push_frame (GstHarness *harness, guint i, GstClockTime zero)
{
  GstBuffer *buffer =
      make_frame (i % SEGMENT_FRAMES == 0, 300 + i); /* each of its own size */
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = zero + i * FRAME_NS;
  GST_BUFFER_DURATION (buffer) = FRAME_NS;
  return gst_harness_push (harness, buffer);
}

static void
push_frames (GstHarness *harness, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    g_assert_cmpint (push_frame (harness, i, 0), ==, GST_FLOW_OK);
}

typedef struct
{
  GByteArray *bytes; /* all that came, in order */
  guint inits;
  guint chunks;
  guint segments;
  guint independent; /* chunks that are no delta unit */
  guint samples;
  guint markers;
  GstClockTime end; /* of the last chunk */
} Output;

static void
note_header (Output *self, GstBuffer *buffer, const GstMapInfo *map)
{
  if (memcmp (map->data + 4, "ftyp", 4) == 0) {
    g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT));
    self->inits++;
    return;
  }
  self->chunks++;
  g_assert_cmpuint (self->markers, ==, self->chunks - 1);
  if (memcmp (map->data + 4, "styp", 4) == 0)
    self->segments++;
  if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    self->independent++;
  g_assert_true (GST_BUFFER_PTS_IS_VALID (buffer));
  g_assert_true (GST_BUFFER_DTS_IS_VALID (buffer));
  self->end = GST_BUFFER_DTS (buffer) + GST_BUFFER_DURATION (buffer);
}

static void
drain (GstHarness *harness, Output *self)
{
  GstBuffer *pulled;
  if (self->bytes == NULL)
    self->bytes = g_byte_array_new ();
  while ((pulled = gst_harness_try_pull (harness)) != NULL) {
    g_autoptr (GstBuffer) buffer = pulled;
    GstMapInfo map;
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (self->bytes, map.data, (guint) map.size);
    if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER)) {
      note_header (self, buffer, &map);
    } else {
      self->samples++;
      g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer,
          GST_BUFFER_FLAG_DELTA_UNIT));
      if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_MARKER))
        self->markers++;
    }
    gst_buffer_unmap (buffer, &map);
  }
}

static void
output_clear (Output *self)
{
  g_clear_pointer (&self->bytes, g_byte_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Output, output_clear)

/* What a demuxer makes of it, after the @skip bytes of the header. */
static MillBmffSegment *
parse (const Output *output, gsize skip)
{
  MillBmffSegment *segment =
      mill_bmff_segment_parse (output->bytes->data + skip,
          output->bytes->len - skip, NULL);
  g_assert_no_error (segment->rest_error);
  return segment;
}

static gsize
get_init_size (const Output *output)
{
  gsize size = GST_READ_UINT32_BE (output->bytes->data);
  return size + GST_READ_UINT32_BE (output->bytes->data + size);
}

static GBytes *
get_stream_header (GstHarness *harness)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (harness->sinkpad);
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  g_assert_true (gst_structure_has_name (structure, "video/quicktime"));
  g_assert_cmpstr (gst_structure_get_string (structure, "variant"), ==, "cmaf");
  const GValue *list = gst_structure_get_value (structure, "streamheader");
  GstBuffer *buffer =
      gst_value_get_buffer (gst_value_array_get_value (list, 0));
  guint8 *data = g_malloc (gst_buffer_get_size (buffer));
  gst_buffer_extract (buffer, 0, data, gst_buffer_get_size (buffer));
  return g_bytes_new_take (data, gst_buffer_get_size (buffer));
}

static void
segments_hold_every_frame_with_its_time (void)
{
  GstHarness *harness = new_mux (video_caps (), 2000, 0);
  g_auto (Output) output = { 0 };
  push_frames (harness, 0, 5 * SEGMENT_FRAMES);
  drain (harness, &output);
  /* The third segment waits for its end. */
  g_assert_cmpuint (output.segments, ==, 2);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  drain (harness, &output);
  g_assert_cmpuint (output.inits, ==, 1);
  g_assert_cmpuint (output.segments, ==, 3);
  g_assert_cmpuint (output.chunks, ==, 3);
  g_assert_cmpuint (output.independent, ==, 3);
  g_assert_cmpuint (output.samples, ==, 5 * SEGMENT_FRAMES);
  g_assert_cmpuint (output.end, ==, 5 * GST_SECOND);

  g_autoptr (GBytes) header = get_stream_header (harness);
  gsize init = get_init_size (&output);
  g_assert_cmpmem (g_bytes_get_data (header, NULL), g_bytes_get_size (header),
      output.bytes->data, init);
  g_autoptr (MillBmffSegment) segment = parse (&output, init);
  g_assert_cmpuint (segment->samples->len, ==, 5 * SEGMENT_FRAMES);
  for (guint i = 0; i < segment->samples->len; i++) {
    MillBmffSegmentSample sample = sample_of (segment, i);
    g_assert_cmpuint (sample.decode_time, ==, i * 3600);
    g_assert_cmpuint (sample.size, ==, 300 + i);
  }
  gst_harness_teardown (harness);
}

static void
chunks_go_out_before_their_segment_is_whole (void)
{
  GstHarness *harness = new_mux (video_caps (), 1000, 200);
  g_auto (Output) output = { 0 };
  push_frames (harness, 0, SEGMENT_FRAMES);
  drain (harness, &output);
  /* Five frames each; the last chunk waits for the frame after it. */
  g_assert_cmpuint (output.chunks, ==, 4);
  g_assert_cmpuint (output.segments, ==, 1);
  g_assert_cmpuint (output.independent, ==, 1);
  push_frames (harness, SEGMENT_FRAMES, 2 * SEGMENT_FRAMES);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  drain (harness, &output);
  g_assert_cmpuint (output.chunks, ==, 10);
  g_assert_cmpuint (output.segments, ==, 2);
  g_assert_cmpuint (output.independent, ==, 2);
  g_assert_cmpuint (output.samples, ==, 2 * SEGMENT_FRAMES);
  gst_harness_teardown (harness);
}

static void
push_sound (GstHarness *harness, guint from, guint to, GstClockTimeDiff zero)
{
  for (guint i = from; i < to; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 200, NULL);
    gst_buffer_memset (buffer, 0, 0x21, 200);
    GST_BUFFER_PTS (buffer) = (GstClockTime) (zero +
        (GstClockTimeDiff) gst_util_uint64_scale (i, 1024 * GST_SECOND, 48000));
    GST_BUFFER_DURATION (buffer) = AAC_NS;
    g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
  }
}

/* The priming of an encoder lies before the segment: players skip it. */
static void
sound_that_begins_before_zero_is_skipped_by_an_edit_list (void)
{
  GstHarness *harness = new_mux (audio_caps (), 1000, 0);
  g_auto (Output) output = { 0 };
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = GST_SECOND;
  g_assert_true (gst_harness_push_event (harness,
      gst_event_new_segment (&segment)));
  push_sound (harness, 0, 100, (GstClockTimeDiff) (GST_SECOND - AAC_NS));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  drain (harness, &output);
  g_assert_cmpuint (output.samples, ==, 100);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (output.bytes->data, get_init_size (&output),
          &error);
  g_assert_no_error (error);
  g_assert_cmpint (init->media_time, ==, 1024);
  g_autoptr (MillBmffSegment) media = parse (&output, get_init_size (&output));
  g_assert_cmpuint (sample_of (media, 0).decode_time, ==, 0);
  g_assert_cmpuint (sample_of (media, 99).decode_time, ==, 99 * 1024);
  gst_harness_teardown (harness);
}

static void
another_encoding_begins_with_a_header_of_its_own (void)
{
  GstHarness *harness = new_mux (video_caps (), 1000, 0);
  g_auto (Output) output = { 0 };
  push_frames (harness, 0, 10);
  g_autofree guint8 *record = g_memdup2 (avcc, sizeof avcc);
  record[3] = record[11] = 0x1f; /* level 3.1 */
  gst_harness_set_src_caps (harness,
      make_caps ("video/x-h264, stream-format=avc, alignment=au", record,
          sizeof avcc));
  drain (harness, &output);
  /* What was open of the old one is out before. */
  g_assert_cmpuint (output.samples, ==, 10);
  g_assert_cmpuint (output.inits, ==, 1);
  /* A decoder cannot begin with these. */
  push_frames (harness, 10, SEGMENT_FRAMES);
  push_frames (harness, SEGMENT_FRAMES, SEGMENT_FRAMES + 5);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  drain (harness, &output);
  g_assert_cmpuint (output.inits, ==, 2);
  g_assert_cmpuint (output.samples, ==, 15);
  g_autoptr (GBytes) header = get_stream_header (harness);
  gsize size;
  const guint8 *data = g_bytes_get_data (header, &size);
  g_assert_nonnull (memmem (data, size, record, sizeof avcc));
  gst_harness_teardown (harness);
}

static void
after_a_flush_it_begins_anew (void)
{
  GstHarness *harness = new_mux (video_caps (), 1000, 0);
  g_auto (Output) output = { 0 };
  push_frames (harness, 0, 30);
  drain (harness, &output);
  g_assert_cmpuint (output.chunks, ==, 1);
  g_assert_true (gst_harness_push_event (harness,
      gst_event_new_flush_start ()));
  g_assert_true (gst_harness_push_event (harness,
      gst_event_new_flush_stop (TRUE)));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 100 * GST_SECOND;
  g_assert_true (gst_harness_push_event (harness,
      gst_event_new_segment (&segment)));
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (push_frame (harness, i, 100 * GST_SECOND), ==,
        GST_FLOW_OK);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  drain (harness, &output);
  /* The five frames of before that were open are gone. */
  g_assert_cmpuint (output.samples, ==, SEGMENT_FRAMES + 10);
  g_assert_cmpuint (output.inits, ==, 2);
  g_assert_cmpuint (output.end, ==, 10 * FRAME_NS);
  gst_harness_teardown (harness);
}

static guint
count_events (GstHarness *harness, GstEventType type)
{
  guint n = 0;
  GstEvent *event;
  while ((event = gst_harness_try_pull_event (harness)) != NULL) {
    n += GST_EVENT_TYPE (event) == type;
    gst_event_unref (event);
  }
  return n;
}

static void
a_keyframe_that_was_asked_for_begins_a_segment (void)
{
  GstHarness *harness = new_mux (video_caps (), 10000, 0);
  g_auto (Output) output = { 0 };
  push_frames (harness, 0, SEGMENT_FRAMES);
  GstStructure *structure = gst_structure_new ("GstForceKeyUnit", "all-headers",
      G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 7, NULL);
  g_assert_true (gst_harness_push_event (harness,
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, structure)));
  drain (harness, &output);
  g_assert_cmpuint (output.samples, ==, SEGMENT_FRAMES);
  g_assert_cmpuint (count_events (harness, GST_EVENT_CUSTOM_DOWNSTREAM), ==, 1);
  push_frames (harness, SEGMENT_FRAMES, SEGMENT_FRAMES + 2);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  drain (harness, &output);
  g_assert_cmpuint (output.segments, ==, 2);

  /* And one that is asked for from downstream gets to the encoder. */
  g_assert_true (gst_harness_push_upstream_event (harness,
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
          gst_structure_new_empty ("GstForceKeyUnit"))));
  guint upstream = gst_harness_upstream_events_received (harness);
  gboolean found = FALSE;
  for (guint i = 0; i < upstream; i++) {
    g_autoptr (GstEvent) event = gst_harness_pull_upstream_event (harness);
    found |= GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_UPSTREAM;
  }
  g_assert_true (found);
  gst_harness_teardown (harness);
}

static void
events_come_in_the_order_that_a_sink_wants (void)
{
  GstHarness *harness = gst_harness_new ("cmafmux");
  gst_harness_set_src_caps (harness, video_caps ());
  g_assert_true (gst_harness_push_event (harness,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a title", NULL))));
  push_frames (harness, 0, 5);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  static const GstEventType expected[] = { GST_EVENT_STREAM_START,
    GST_EVENT_CAPS, GST_EVENT_SEGMENT, GST_EVENT_TAG, GST_EVENT_EOS };
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autoptr (GstEvent) event = gst_harness_pull_event (harness);
    g_assert_cmpstr (GST_EVENT_TYPE_NAME (event), ==,
        gst_event_type_get_name (expected[i]));
  }
  gst_harness_teardown (harness);
}

static void
its_latency_is_a_chunk_and_the_frame_after_it (void)
{
  GstHarness *harness = new_mux (video_caps (), 2000, 200);
  gst_harness_set_upstream_latency (harness, 30 * GST_MSECOND);
  g_assert_cmpuint (gst_harness_query_latency (harness), ==,
      30 * GST_MSECOND + 200 * GST_MSECOND + FRAME_NS);
  gst_harness_teardown (harness);
}

static void
caps_of_another_codec_are_refused_by_name (void)
{
  GstElement *mux = gst_element_factory_make ("cmafmux", NULL);
  gst_object_ref_sink (mux);
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (mux, bus);
  GstHarness *harness = gst_harness_new_with_element (mux, "sink", "src");
  gst_harness_set_src_caps_str (harness, "video/x-vp8");
  g_assert_cmpint (push_frame (harness, 0, 0), ==, GST_FLOW_NOT_NEGOTIATED);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 5 * GST_SECOND, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "video/x-vp8"));
  gst_harness_teardown (harness);
  gst_element_set_bus (mux, NULL);
  gst_object_unref (mux);
}

static void
it_may_be_started_again (void)
{
  GstHarness *harness = new_mux (video_caps (), 1000, 0);
  g_auto (Output) output = { 0 };
  push_frames (harness, 0, 30);
  gst_element_set_state (harness->element, GST_STATE_NULL);
  drain (harness, &output);
  g_assert_cmpuint (output.inits, ==, 1);
  gst_element_set_state (harness->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps (harness, video_caps ());
  push_frames (harness, 0, 30);
  drain (harness, &output);
  g_assert_cmpuint (output.inits, ==, 2);
  g_assert_cmpuint (output.samples, ==, 2 * SEGMENT_FRAMES);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafmux/segments-hold-every-frame-with-its-time",
      segments_hold_every_frame_with_its_time);
  g_test_add_func ("/cmafmux/chunks-go-out-before-their-segment-is-whole",
      chunks_go_out_before_their_segment_is_whole);
  g_test_add_func (
      "/cmafmux/sound-that-begins-before-zero-is-skipped-by-an-edit-list",
      sound_that_begins_before_zero_is_skipped_by_an_edit_list);
  g_test_add_func ("/cmafmux/another-encoding-begins-with-a-header-of-its-own",
      another_encoding_begins_with_a_header_of_its_own);
  g_test_add_func ("/cmafmux/after-a-flush-it-begins-anew",
      after_a_flush_it_begins_anew);
  g_test_add_func ("/cmafmux/a-keyframe-that-was-asked-for-begins-a-segment",
      a_keyframe_that_was_asked_for_begins_a_segment);
  g_test_add_func ("/cmafmux/events-come-in-the-order-that-a-sink-wants",
      events_come_in_the_order_that_a_sink_wants);
  g_test_add_func ("/cmafmux/its-latency-is-a-chunk-and-the-frame-after-it",
      its_latency_is_a_chunk_and_the_frame_after_it);
  g_test_add_func ("/cmafmux/caps-of-another-codec-are-refused-by-name",
      caps_of_another_codec_are_refused_by_name);
  g_test_add_func ("/cmafmux/it-may-be-started-again", it_may_be_started_again);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
