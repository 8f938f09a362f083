/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "element-table.h"

static const gchar *const pool_sources[] = { "rtmpserversrc", NULL };

/* Where it hangs on a property, that is "is-live", or millsrc's "leaky". */
static const gchar *const live_sources[] = { "alsasrc", "autoaudiosrc",
  "autovideosrc", "decklinkaudiosrc", "decklinkvideosrc", "jackaudiosrc",
  "millsrc", "osssrc", "pipewiresrc", "pulsesrc", "ristsrc", "rtmpclientsrc",
  "rtmpserversrc", "rtmpsrc", "rtmp2src", "rtpsrc", "rtspsrc", "screencapsrc",
  "srtsrc", "udpsrc", "v4l2src", "webrtcsrc", "whipserversrc", "ximagesrc",
  NULL };

static const gchar *const ours[] = { "abrladder", "blockfilesrc", "cencenc",
  "cmafmux", "cmafsink", "failoverswitch", "millsink", "millsrc", "recordsink",
  "rtmpclientsink", "rtmpclientsrc", "rtmpserversrc", "screencapsrc",
  "signedhttpsink", "thumbnailer", NULL };

static const gchar *const queues[] = { "multiqueue", "queue", "queue2",
  "queuex", NULL };

/* Each was read: its chain function works on the buffer and pushes, or keeps
 * it. No GstBaseSink (preroll, clock), no GstAggregator or GstCollectPads
 * (waits for its other pads), no input-selector (sync-streams: an inactive pad
 * waits for the active one), no encoder or decoder (may wait for its own
 * threads), nothing that does I/O. */
static const gchar *const never_wait[] = { "aacparse", "audioconvert",
  "capsfilter", "capssetter", "cmafmux", "cmafsink", "cencenc",
  "failoverswitch", "flvdemux", "funnel", "h264parse", "h265parse",
  "h264timestamper", "millsink", "millsrc", "opusparse", "output-selector",
  "rtmpclientsink", "rtmpserversrc", "streamiddemux", "taginject", "tee",
  "typefind", "valve", NULL };

typedef struct
{
  const gchar *factory;
  gdouble cores;
} Cost;

/* At 1080p30 on one core of a server of 2024: from measurements of x264
 * veryfast (a 1080/720/480/360 ladder: 8 s in 7.2 CPU s), decoding (0.09) and
 * scaling (0.05 a rung); audio a hundredth of that. */
static const Cost costs[] = {
  { "abrladder", 1.2 },
  { "aomenc", 8 },
  { "audioresample", 0.005 },
  { "av1enc", 8 },
  { "avdec_aac", 0.005 },
  { "avdec_h264", 0.09 },
  { "avdec_h265", 0.15 },
  { "avenc_aac", 0.02 },
  { "clockoverlay", 0.02 },
  { "compositor", 0.1 },
  { "decodebin", 0.1 },
  { "decodebin3", 0.1 },
  { "fdkaacenc", 0.02 },
  { "nvh264dec", 0.01 },
  { "nvh264enc", 0.02 },
  { "openh264dec", 0.12 },
  { "openh264enc", 0.5 },
  { "opusenc", 0.03 },
  { "svtav1enc", 2 },
  { "textoverlay", 0.02 },
  { "thumbnailer", 0.01 },
  { "timeoverlay", 0.02 },
  { "uridecodebin", 0.1 },
  { "vah264dec", 0.01 },
  { "vah264enc", 0.02 },
  { "videoconvert", 0.03 },
  { "videoconvertscale", 0.05 },
  { "videoscale", 0.05 },
  { "videotestsrc", 0.05 },
  { "voaacenc", 0.02 },
  { "vp8enc", 1 },
  { "vp9enc", 3 },
  { "x264enc", 0.5 },
  { "x265enc", 2 },
};

/* What only hands encoded frames on: 1,000 pass-through streams on a core. */
#define CORES_PASS 0.001

typedef struct
{
  const gchar *factory;
  const gchar *property;
  MillChange change;
} Change;

/* Where an element's flags do not tell. The hot ones were read: they are looked
 * at anew for each buffer, under the element's lock. */
static const Change changes[] = {
  { "abrladder", "top", MILL_CHANGE_KEYFRAME },
  { "clockoverlay", "text", MILL_CHANGE_HOT },
  { "clockoverlay", "time-format", MILL_CHANGE_HOT },
  { "textoverlay", "text", MILL_CHANGE_HOT },
  { "timeoverlay", "text", MILL_CHANGE_HOT },
  { "videotestsrc", "pattern", MILL_CHANGE_HOT },
  { "videotestsrc", "foreground-color", MILL_CHANGE_HOT },
  { "videotestsrc", "background-color", MILL_CHANGE_HOT },
  { "identity", "drop-probability", MILL_CHANGE_HOT },
  { "identity", "sleep-time", MILL_CHANGE_HOT },
  { "queue", "max-size-buffers", MILL_CHANGE_HOT },
  { "queue", "max-size-bytes", MILL_CHANGE_HOT },
  { "queue", "max-size-time", MILL_CHANGE_HOT },
  { "queue", "leaky", MILL_CHANGE_HOT },
};

/* In READY these look at their settings and do nothing else. */
static const struct
{
  const gchar *factory;
  const gchar *property; /* whose mistake it is, unless the element says more */
  const gchar *unseen; /* nullable: what READY does not look at */
} tried[] = {
  { "abrladder", "preset", NULL },
  { "cmafsink", "mode", "location" },
  { "failoverswitch", "slate", NULL },
  { "recordsink", "location", NULL },
  { "rtmpclientsink", "location", NULL },
  { "rtmpclientsrc", "location", NULL },
};

gboolean
mill_element_table_is_pool_source (const gchar *factory)
{
  return g_strv_contains (pool_sources, factory);
}

gboolean
mill_element_table_is_live_source (const gchar *factory)
{
  return g_strv_contains (live_sources, factory);
}

const gchar *
mill_element_table_get_waiting (const gchar *factory)
{
  return g_str_equal (factory, "millsink") || g_str_equal (factory, "millsrc")
      ? "leaky"
      : NULL;
}

const gchar *
mill_element_table_get_tried (const gchar *factory)
{
  for (guint i = 0; i < G_N_ELEMENTS (tried); i++)
    if (g_str_equal (tried[i].factory, factory))
      return tried[i].property;
  return NULL;
}

const gchar *
mill_element_table_get_unseen (const gchar *factory)
{
  for (guint i = 0; i < G_N_ELEMENTS (tried); i++)
    if (g_str_equal (tried[i].factory, factory))
      return tried[i].unseen;
  return NULL;
}

gboolean
mill_element_table_never_waits (const gchar *factory)
{
  return g_strv_contains (never_wait, factory);
}

gboolean
mill_element_table_is_queue (const gchar *factory)
{
  return g_strv_contains (queues, factory);
}

gboolean
mill_element_table_is_ours (const gchar *factory)
{
  return g_strv_contains (ours, factory);
}

gdouble
mill_element_table_get_cores (const gchar *factory)
{
  for (guint i = 0; i < G_N_ELEMENTS (costs); i++)
    if (g_str_equal (costs[i].factory, factory))
      return costs[i].cores;
  return CORES_PASS;
}

MillChange
mill_element_table_get_change (const gchar *factory, GParamSpec *pspec)
{
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    if (g_str_equal (changes[i].factory, factory) &&
        g_str_equal (changes[i].property, pspec->name))
      return changes[i].change;
  /* What may be animated by a controller may be set at any time, too. */
  if (pspec->flags & (GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE))
    return MILL_CHANGE_HOT;
  return MILL_CHANGE_RESTART;
}
