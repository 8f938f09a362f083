/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Captions as a viewer reads them on a television: the words, the rows, and no
 * more than is on the screen. */
#include "text/text-cea608.h"

#include <gst/gst.h>
#include <string.h>

/* Pairs as hexadecimal digits; words between quotes are their letters. */
static MillTextCea608Change
push (MillTextCea608 *decoder, const gchar *script)
{
  MillTextCea608Change change = MILL_TEXT_CEA608_SAME;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (const gchar *at = script; *at != '\0';) {
    if (*at == ' ') {
      at++;
    } else if (*at == '"') {
      const gchar *end = strchr (at + 1, '"');
      g_byte_array_append (bytes, (const guint8 *) at + 1,
          (guint) (end - at - 1));
      if ((end - at - 1) % 2 == 1)
        g_byte_array_append (bytes, (const guint8 *) "", 1);
      at = end + 1;
    } else {
      guint8 byte = (guint8) (g_ascii_xdigit_value (at[0]) << 4 |
          g_ascii_xdigit_value (at[1]));
      g_byte_array_append (bytes, &byte, 1);
      at += 2;
    }
  }
  for (guint i = 0; i + 2 <= bytes->len; i += 2) {
    MillTextCea608Change one =
        mill_text_cea608_push (decoder, bytes->data[i], bytes->data[i + 1]);
    change = MAX (change, one);
  }
  return change;
}

static const struct
{
  const gchar *what;
  guint channel;
  const gchar *script;
  const gchar *text; /* NULL: an empty screen */
  MillTextCea608Change change;
} vectors[] = {
  { "pop-on, doubled codes, two rows", 1,
      "1420 1420 1440 1440 \"HELLO\" 1460 \"WORLD\" 142f 142f", "HELLO\nWORLD",
      MILL_TEXT_CEA608_WHOLE },
  { "loaded and not shown", 1, "1420 1440 \"HELLO\"", NULL,
      MILL_TEXT_CEA608_SAME },
  { "erased", 1, "1420 1440 \"HI\" 142f 142c", NULL, MILL_TEXT_CEA608_WHOLE },
  { "the second of two captions", 1,
      "1420 1440 \"ONE\" 142f 1420 142e 1440 \"TWO\" 142f", "TWO",
      MILL_TEXT_CEA608_WHOLE },
  { "a third code is no repetition: what was shown is loaded", 1,
      "1420 1440 \"ONE\" 142f 142f 142f", NULL, MILL_TEXT_CEA608_WHOLE },
  { "roll-up", 1, "1425 142d 1470 \"ONE\" 142d \"TWO\"", "ONE\nTWO",
      MILL_TEXT_CEA608_WHOLE },
  { "roll-up of two rows", 1,
      "1425 142d 1470 \"ONE\" 142d \"TWO\" 142d \"SIX\"", "TWO\nSIX",
      MILL_TEXT_CEA608_WHOLE },
  { "the window moves", 1, "1425 142d 1470 \"ONE\" 142d 1140 \"TWO\"",
      "ONE\nTWO", MILL_TEXT_CEA608_WHOLE },
  { "painted on", 1, "1429 1440 \"HI\"", "HI", MILL_TEXT_CEA608_GROWING },
  { "backspace", 1, "1429 1440 \"HIX\" 1421", "HI", MILL_TEXT_CEA608_GROWING },
  { "to the end of the row", 1, "1429 1440 \"HELLO\" 1440 1721 1424", "H",
      MILL_TEXT_CEA608_GROWING },
  { "italics in mid-row, then none", 1, "1429 1440 \"A\" 112e \"B\" 1120 \"C\"",
      "A <i>B</i> C", MILL_TEXT_CEA608_GROWING },
  { "underline by address", 1, "1429 1441 \"A\"", "<u>A</u>",
      MILL_TEXT_CEA608_GROWING },
  { "letters beyond ASCII", 1, "1429 1440 2a5c 7b00 1137 1133",
      "\303\241\303\251\303\247\342\231\252\302\277",
      MILL_TEXT_CEA608_GROWING },
  { "extended letters take the place of simpler ones", 1,
      "1429 1440 \"U\" 1224 \"sO\" 1333", "\303\234s\303\266",
      MILL_TEXT_CEA608_GROWING },
  { "words that look like markup", 1, "1429 1440 \"<b>&\"", "&lt;b&gt;&amp;",
      MILL_TEXT_CEA608_GROWING },
  { "another channel of the field", 1, "1c29 1c40 \"NO\" 1429 1440 \"YES\"",
      "YES", MILL_TEXT_CEA608_GROWING },
  { "CC2", 2, "1429 1440 \"NO\" 1c29 1c40 \"YES\"", "YES",
      MILL_TEXT_CEA608_GROWING },
  { "CC3 and extended data", 3, "1529 1540 \"A\" 0103 \"XDS\" 0f1d 1529 \"B\"",
      "AB", MILL_TEXT_CEA608_GROWING },
  { "text mode is not captions", 1, "142a \"NO\" 142d", NULL,
      MILL_TEXT_CEA608_SAME },
  { "with parity, and padding", 1, "9429 8080 9440 8080 c8c9", "HI",
      MILL_TEXT_CEA608_GROWING },
  { "more than a row holds", 1,
      "1429 1440 \"0123456789012345678901234567890123\"",
      "01234567890123456789012345678903", MILL_TEXT_CEA608_GROWING },
  { "letters before any code", 1, "\"HELLO\"", NULL, MILL_TEXT_CEA608_SAME },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (MillTextCea608) decoder =
        mill_text_cea608_new (vectors[i].channel);
    g_test_message ("%s", vectors[i].what);
    MillTextCea608Change change = push (decoder, vectors[i].script);
    g_autofree gchar *text = mill_text_cea608_dup_text (decoder);
    g_assert_cmpstr (text, ==, vectors[i].text);
    g_assert_cmpint (change, ==, vectors[i].change);
    mill_text_cea608_reset (decoder);
    g_autofree gchar *none = mill_text_cea608_dup_text (decoder);
    g_assert_null (none);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/cea608/vectors", test_vectors);
  return g_test_run ();
}
