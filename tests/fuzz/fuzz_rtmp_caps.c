/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Codec configurations of publishers: whatever comes, there are caps that hold
 * together, or an error that says why not. */
#include "rtmp-caps.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* GStreamer, but none of its plugins, nor their leaks. */
static void
init_gstreamer (void)
{
  if (gst_is_initialized ())
    return;
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
}

static void
make_caps (const MillFlvFourcc *codec, const guint8 *data, gsize size,
    const MillRtmpChannels *channels)
{
  g_autoptr (GBytes) config = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  MillRtmpCapsSource source = {
    .kind = codec->kind,
    .fourcc = codec->fourcc,
    .config = config,
    .channels = *channels,
  };
  g_autoptr (GstCaps) caps = mill_rtmp_caps_make (&source, &duration, &error);
  g_assert_true ((caps != NULL) == (error == NULL));
  if (caps == NULL)
    return;
  g_autoptr (GstCaps) template =
      gst_caps_from_string (codec->kind == MILL_FLV_KIND_VIDEO
              ? MILL_RTMP_CAPS_VIDEO
              : MILL_RTMP_CAPS_AUDIO);
  g_assert_true (gst_caps_is_fixed (caps));
  g_assert_true (gst_caps_is_subset (caps, template));
  g_assert_cmpuint (duration, >, 0);
}

/* Byte 0: the codec, 255 for a MultichannelConfig before Opus. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint n_codecs;
  const MillFlvFourcc *codecs = mill_flv_fourcc_list (&n_codecs);
  MillRtmpChannels channels = { 0 };
  guint8 in_band[MILL_RTMP_CAPS_IN_BAND_SIZE];

  if (size < 1)
    return 0;
  init_gstreamer ();
  const MillFlvFourcc *codec = &codecs[data[0] % n_codecs];
  if (data[0] == 255) {
    if (mill_rtmp_caps_audio_read_channels (data + 1, size - 1, &channels))
      make_caps (mill_flv_fourcc_find (MILL_FLV_KIND_AUDIO,
                     MILL_FLV_FOURCC_OPUS),
          data, 0, &channels);
  } else if (!mill_rtmp_caps_in_band_covers (codec->fourcc)) {
    make_caps (codec, data + 1, size - 1, &channels);
  } else if (mill_rtmp_caps_in_band_read (codec->fourcc, data + 1, size - 1,
                 in_band)) {
    make_caps (codec, in_band, sizeof in_band, &channels);
  }
  return 0;
}
