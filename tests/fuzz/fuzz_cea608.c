/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Any bytes on any channel give markup that is well-formed. */

#include "text/text-cea608.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size < 1)
    return 0;
  g_autoptr (MillTextCea608) decoder = mill_text_cea608_new (data[0] % 4 + 1);
  for (gsize i = 1; i + 2 <= size; i += 2) {
    if (mill_text_cea608_push (decoder, data[i], data[i + 1]) !=
            MILL_TEXT_CEA608_WHOLE &&
        i + 4 <= size)
      continue;
    g_autofree gchar *text = mill_text_cea608_dup_text (decoder);
    if (text == NULL)
      continue;
    g_autofree gchar *markup = g_strdup_printf ("<m>%s</m>", text);
    const GMarkupParser parser = { 0 };
    GMarkupParseContext *context =
        g_markup_parse_context_new (&parser, 0, NULL, NULL);
    g_autoptr (GError) error = NULL;
    g_markup_parse_context_parse (context, markup, -1, &error);
    g_assert_no_error (error);
    g_markup_parse_context_free (context);
  }
  return 0;
}
