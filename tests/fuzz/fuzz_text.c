/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Whatever is read can be written, and is read again as what it was. The first
 * byte chooses the format. */

#include "text/text-ass.h"
#include "text/text-markup.h"
#include "text/text-ttml.h"
#include "text/text-webvtt.h"

#include <string.h>

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_text (const gchar *text)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_null (strstr (text, "-->"));
  g_assert_null (strstr (text, "\n\n"));
  g_autofree gchar *again = mill_text_webvtt_clean (text, strlen (text));
  g_assert_cmpstr (again, ==, text);
}

static void
check_cues (GPtrArray *cues)
{
  MillTextSegment segment = { cues, 0, GST_SECOND };
  g_autoptr (GPtrArray) read = mill_text_cue_list_new ();
  for (guint i = 0; i < cues->len; i++)
    check_text (((MillTextCue *) g_ptr_array_index (cues, i))->text);
  g_autoptr (GBytes) webvtt = mill_text_webvtt_print (&segment);
  gsize size;
  const gchar *data = g_bytes_get_data (webvtt, &size);
  mill_text_webvtt_parse (data, size, read);
  g_assert_cmpuint (read->len, <=, cues->len);
  g_ptr_array_set_size (read, 0);
  g_autoptr (GBytes) ttml = mill_text_ttml_print (&segment, "en");
  data = g_bytes_get_data (ttml, &size);
  g_autoptr (GError) error = NULL;
  mill_text_ttml_parse (data, size, read, &error);
  g_assert_no_error (error);
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_autofree gchar *cleaned = NULL;
  if (size < 1)
    return 0;
  const gchar *text = (const gchar *) data + 1;
  size--;
  switch (data[0] % 6) {
    case 0:
      mill_text_webvtt_parse (text, size, cues);
      break;
    case 1:
      mill_text_ttml_parse (text, size, cues, NULL);
      break;
    case 2:
      cleaned = mill_text_webvtt_clean (text, size);
      break;
    case 3:
      cleaned = mill_text_markup_from_pango (text, size);
      break;
    case 4:
      cleaned = mill_text_markup_from_plain (text, size);
      break;
    default:
      cleaned = mill_text_ass_clean (text, size);
  }
  if (cleaned != NULL)
    check_text (cleaned);
  check_cues (cues);
  return 0;
}
