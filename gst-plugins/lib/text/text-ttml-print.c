/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Documents of the text profile of IMSC 1.1 (W3C), one for each segment. */

#include "text/text-ttml.h"

#include <string.h>

static void
append_time (GString *out, const gchar *name, GstClockTimeDiff time)
{
  guint64 ms =
      gst_util_uint64_scale_round ((guint64) MAX (time, 0), 1, GST_MSECOND);
  g_string_append_printf (out, " %s=\"%02" G_GUINT64_FORMAT ":%02u:%02u.%03u\"",
      name, ms / 3600000, (guint) (ms / 60000 % 60), (guint) (ms / 1000 % 60),
      (guint) (ms % 1000));
}

/* Cue text is balanced; of its tags those with a style have a span. Returns: what
 * comes after the tag at @at */
static const gchar *
append_tag (GString *out, const gchar *at)
{
  static const struct
  {
    gchar tag;
    const gchar *style;
  } tags[] = {
    { 'b', "tts:fontWeight=\"bold\"" },
    { 'i', "tts:fontStyle=\"italic\"" },
    { 'u', "tts:textDecoration=\"underline\"" },
  };
  const gchar *end = strchr (at, '>') + 1;
  gboolean closes = at[1] == '/';
  const gchar *name = at + (closes ? 2 : 1);
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    /* Classes and annotations may follow. */
    if (name[0] != tags[i].tag || strchr (">. ", name[1]) == NULL)
      continue;
    if (closes)
      g_string_append (out, "</span>");
    else
      g_string_append_printf (out, "<span %s>", tags[i].style);
  }
  return end;
}

static void
append_text (GString *out, const gchar *text)
{
  while (*text != '\0') {
    gsize n = strcspn (text, "<\n");
    g_string_append_len (out, text, (gssize) n);
    text += n;
    if (*text == '<') {
      text = append_tag (out, text);
    } else if (*text == '\n') {
      g_string_append (out, "<br/>");
      text++;
    }
  }
}

GBytes *
mill_text_ttml_print (const MillTextSegment *segment, const gchar *language)
{
  g_autofree gchar *escaped =
      g_markup_escape_text (language != NULL ? language : "", -1);
  GString *out = g_string_new (NULL);
  g_string_append_printf (out,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<tt xmlns=\"http://www.w3.org/ns/ttml\""
      " xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\""
      " xmlns:tts=\"http://www.w3.org/ns/ttml#styling\""
      " ttp:profile=\"http://www.w3.org/ns/ttml/profile/imsc1/text\""
      " ttp:timeBase=\"media\" xml:lang=\"%s\">"
      "<head><layout><region xml:id=\"bottom\" tts:origin=\"10%% 70%%\""
      " tts:extent=\"80%% 25%%\" tts:displayAlign=\"after\""
      " tts:textAlign=\"center\"/></layout></head>"
      "<body region=\"bottom\"><div>",
      escaped);
  for (guint i = 0; i < segment->cues->len; i++) {
    const MillTextCue *cue = g_ptr_array_index (segment->cues, i);
    gboolean is_open = !GST_CLOCK_STIME_IS_VALID (cue->end);
    g_string_append (out, "<p");
    append_time (out, "begin",
        is_open ? MAX (cue->start, segment->start) : cue->start);
    append_time (out, "end", is_open ? segment->end : cue->end);
    g_string_append_c (out, '>');
    append_text (out, cue->text);
    g_string_append (out, "</p>");
  }
  g_string_append (out, "</div></body></tt>\n");
  return g_string_free_to_bytes (out);
}
