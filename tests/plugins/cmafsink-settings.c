/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Settings that leave each other no meaning: whoever writes them learns it
 * before anything is made, which property it is and what it should be. */
#include <gst/gst.h>
#include <string.h>

/* Returns: (transfer full) (nullable): why it does not become READY */
static gchar *
try_settings (const gchar *settings)
{
  g_autofree gchar *line = g_strdup_printf ("cmafsink %s", settings);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) sink = gst_parse_launch (line, &error);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  gboolean ready;

  g_assert_no_error (error);
  gst_object_ref_sink (sink);
  gst_element_set_bus (sink, bus);
  ready = gst_element_set_state (sink, GST_STATE_READY) !=
      GST_STATE_CHANGE_FAILURE;
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_element_set_bus (sink, NULL);
  g_assert_true (ready == (message == NULL));
  if (ready)
    return NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  return g_strdup (error->message);
}

#define DIRECTORY "location=/srv/live"
#define URL "location=https://h/live"
#define BUCKET "location=s3://bucket/live"

/** @settings clash; @property is named, and with @mended all is well. */
typedef struct
{
  const gchar *settings;
  const gchar *property;
  const gchar *mended;
} Case;

static const Case cases[] = {
  { "single-file=true", "single-file", "single-file=true mode=vod" },
  { "mode=event single-file=true", "single-file", "mode=event" },
  { "mode=vod part-duration-ms=200", "part-duration-ms",
      "mode=event part-duration-ms=200" },
  { "part-duration-ms=2001", "part-duration-ms", "part-duration-ms=2000" },
  { "mode=vod dvr-window-ms=1000", "dvr-window-ms",
      "mode=live dvr-window-ms=1000" },
  { "mode=event dvr-window-ms=1000", "dvr-window-ms", "mode=event" },
  { "dvr-window-ms=300000000", "dvr-window-ms", "dvr-window-ms=3000000" },
  { "mode=vod max-skew-ms=1", "max-skew-ms", "mode=event max-skew-ms=1" },
  { "mode=vod max-bytes=1", "max-bytes", "mode=live max-bytes=1" },
  { "mode=event max-bytes=1", "max-bytes", "mode=event" },
  { "epoch-us=1", "epoch-us", "epoch-us=1 program-date-time=media" },
  { "hls=false dash=false", "hls", "dash=false" },
  { "hls=false audio-variant=true", "audio-variant", "audio-variant=true" },
  { "hls=false cue-tags=true", "cue-tags", "cue-tags=true" },
  { "hls=false start-offset-ms=1", "start-offset-ms", "start-offset-ms=1" },
  { "hls=false session-data=\"<(structure)\\\"d,id=a,value=b;\\\">\"",
      "session-data", "session-data=\"<(structure)\\\"d,id=a,value=b;\\\">\"" },
  { "dash=false break-periods=true", "break-periods", "break-periods=true" },
  { "dash=false trick-mode-sets=true", "trick-mode-sets",
      "trick-mode-sets=true" },
  { "start-precise=true", "start-precise",
      "start-precise=true start-offset-ms=0" },
  { URL " single-file=true mode=vod", "single-file",
      DIRECTORY " single-file=true mode=vod" },
  { URL " part-duration-ms=200", "part-duration-ms",
      DIRECTORY " part-duration-ms=200" },
  { DIRECTORY " state-location=/srv/state", "state-location",
      URL " state-location=/srv/state" },
  { DIRECTORY " signer=bearer", "signer", URL " signer=bearer" },
  { DIRECTORY " credentials=/etc/key", "credentials",
      BUCKET " credentials=/etc/key" },
  { URL " credentials=/etc/key", "credentials",
      URL " signer=sigv4 credentials=/etc/key" },
  { DIRECTORY " tls-ca-file=/etc/ca.pem", "tls-ca-file",
      URL " tls-ca-file=/etc/ca.pem" },
  { "location=http://h/live tls-ca-file=/etc/ca.pem", "tls-ca-file",
      BUCKET " tls-ca-file=/etc/ca.pem" },
  { BUCKET " endpoint=http://h tls-ca-file=/etc/ca.pem", "tls-ca-file",
      BUCKET " endpoint=https://h tls-ca-file=/etc/ca.pem" },
  { DIRECTORY " upload-connections=8", "upload-connections",
      URL " upload-connections=8" },
  { DIRECTORY " upload-queue-bytes=8", "upload-queue-bytes",
      URL " upload-queue-bytes=8" },
  { DIRECTORY " upload-timeout-ms=2000", "upload-timeout-ms",
      URL " upload-timeout-ms=2000" },
  { DIRECTORY " upload-stall-timeout-ms=2000", "upload-stall-timeout-ms",
      URL " upload-stall-timeout-ms=2000" },
  { DIRECTORY " endpoint=https://h", "endpoint", BUCKET " endpoint=https://h" },
  { URL " endpoint=https://h", "endpoint", URL },
  { DIRECTORY " region=eu-north-1", "region", BUCKET " region=eu-north-1" },
  { URL " region=eu-north-1", "region", URL " signer=sigv4 region=eu-north-1" },
  { BUCKET " signer=bearer region=eu-north-1", "region",
      BUCKET " signer=bearer" },
};

static void
test_clashes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *told = try_settings (cases[i].settings);
    g_autofree gchar *prefix = g_strconcat (cases[i].property, ": got ", NULL);
    g_autofree gchar *mended = try_settings (cases[i].mended);

    g_test_message ("%s: %s", cases[i].settings, told ? told : "taken");
    g_assert_nonnull (told);
    g_assert_true (g_str_has_prefix (told, prefix));
    g_assert_nonnull (strstr (told, ", expected "));
    g_assert_cmpstr (mended, ==, NULL);
  }
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/settings/clashes", test_clashes);
  return g_test_run ();
}
