/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: captions that come late, twice, or not at all. */
#include <gst/check/gstharness.h>
#include <string.h>

static GstHarness *
begin (const gchar *caps, guint channel)
{
  GstElement *element = gst_element_factory_make ("cctotext", NULL);
  g_assert_nonnull (element);
  g_object_set (element, "channel", channel, NULL);
  GstHarness *harness = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps (harness, gst_caps_from_string (caps));
  return harness;
}

static void
push (GstHarness *harness, guint ms, const gchar *bytes, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_memdup (bytes, size);
  GST_BUFFER_PTS (buffer) = ms * GST_MSECOND;
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
}

#define PUSH(harness, ms, bytes) push (harness, ms, bytes, sizeof bytes - 1)

static void
assert_text (GstHarness *harness, guint ms, const gchar *text)
{
  g_autoptr (GstBuffer) buffer = gst_harness_try_pull (harness);
  g_assert_nonnull (buffer);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, ms * GST_MSECOND);
  g_assert_false (GST_BUFFER_DURATION_IS_VALID (buffer));
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, strlen (text));
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, text, strlen (text)), ==, 0);
}

static void
assert_nothing (GstHarness *harness)
{
  g_assert_null (gst_harness_try_pull (harness));
}

/* Pop-on: there with its last code, and gone with another. */
static void
test_raw (void)
{
  GstHarness *harness = begin ("closedcaption/x-cea-608, format=raw", 1);
  PUSH (harness, 0, "\x14\x20\x14\x40");
  PUSH (harness, 40, "HI\x80\x80");
  assert_nothing (harness);
  PUSH (harness, 80, "\x14\x2f");
  assert_text (harness, 80, "HI");
  PUSH (harness, 120, "\x14\x2f");
  assert_nothing (harness);
  PUSH (harness, 2000, "\x14\x2c");
  assert_text (harness, 2000, " ");
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (harness->sinkpad);
  g_autofree gchar *text = gst_caps_to_string (caps);
  g_assert_cmpstr (text, ==, "text/x-raw, format=(string)pango-markup");
  gst_harness_teardown (harness);
}

/* Of CEA-708 the pairs that go with it, of the field that was asked for. */
static void
test_cc_data (void)
{
  GstHarness *harness = begin ("closedcaption/x-cea-708, format=cc_data", 3);
  PUSH (harness, 0, "\xfc\x14\x29\xfd\x15\x29\xff\x02\x22");
  PUSH (harness, 40, "\xfcNO\xfd\x15\x40\xfe\x41\x42");
  PUSH (harness, 80, "\xfdOK\xf9NO");
  assert_nothing (harness);
  /* Painted on: shown after a pause. */
  PUSH (harness, 200, "\xfc\x80\x80");
  assert_nothing (harness);
  PUSH (harness, 380, "\xfd\x80\x80");
  assert_text (harness, 380, "OK");
  gst_harness_teardown (harness);
}

/* Who types without a pause is not waited for for ever; the end brings the rest.
 */
static void
test_typing (void)
{
  GstHarness *harness = begin ("closedcaption/x-cea-608, format=s334-1a", 1);
  PUSH (harness, 0, "\x80\x14\x29\x80\x14\x40");
  for (guint i = 1; i <= 11; i++)
    PUSH (harness, 100 * i,
        "\x80"
        "ab\x00"
        "no");
  assert_text (harness, 1100, "abababababababababababab" + 2);
  assert_nothing (harness);
  PUSH (harness, 1150, "\x80!\x80");
  gst_harness_push_event (harness, gst_event_new_eos ());
  assert_text (harness, 1150, "ababababababababababab!");
  gst_harness_teardown (harness);
}

/* A seek forgets what was on; so does a stop. */
static void
test_flush (void)
{
  GstHarness *harness = begin ("closedcaption/x-cea-608, format=raw", 1);
  GstSegment segment;
  PUSH (harness, 0, "\x14\x20\x14\x40HI\x14\x2f");
  assert_text (harness, 0, "HI");
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  PUSH (harness, 0, "\x14\x2c");
  assert_nothing (harness);
  PUSH (harness, 40, "\x14\x20\x14\x40HI\x14\x2f");
  assert_text (harness, 40, "HI");
  gst_harness_teardown (harness);
}

/* What is cut off, or has no time, costs nothing but itself. */
static void
test_odd (void)
{
  GstHarness *harness = begin ("closedcaption/x-cea-708, format=cc_data", 1);
  PUSH (harness, 0, "\xfc");
  PUSH (harness, 0, "\xfc\x14\x20\xfc");
  GstBuffer *buffer = gst_buffer_new_memdup ("\xfc\x14\x2f", 3);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
  assert_nothing (harness);
  GstElement *element = gst_element_factory_make ("cctotext", NULL);
  GstHarness *refused = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_play (refused);
  buffer = gst_buffer_new_memdup ("\x14\x2f", 2);
  gst_harness_set_src_caps (refused,
      gst_caps_from_string ("closedcaption/x-cea-708, format=cdp"));
  g_assert_cmpint (gst_harness_push (refused, buffer), ==,
      GST_FLOW_NOT_NEGOTIATED);
  gst_harness_teardown (refused);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cctotext/raw", test_raw);
  g_test_add_func ("/cctotext/cc-data", test_cc_data);
  g_test_add_func ("/cctotext/typing", test_typing);
  g_test_add_func ("/cctotext/flush", test_flush);
  g_test_add_func ("/cctotext/odd", test_odd);
  return g_test_run ();
}
