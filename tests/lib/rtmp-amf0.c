/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* AMF0: a fault here means that an encoder's connect is misread, or that a
 * hostile one gets past the bounds. */
#include "rtmp/amf0.h"

#include "rtmp-test.h"

#define MAX_DEPTH 4

static void
dump (GString *text, const MillAmf0Value *value)
{
  switch (value->type) {
    case MILL_AMF0_NUMBER:
      g_string_append_printf (text, "%g", value->number);
      break;
    case MILL_AMF0_BOOLEAN:
      g_string_append (text, value->number != 0 ? "true" : "false");
      break;
    case MILL_AMF0_STRING: {
      g_autofree gchar *string = mill_amf0_dup_string (value);
      g_string_append_printf (text, "'%s'", string);
      break;
    }
    case MILL_AMF0_DATE:
      g_string_append_printf (text, "date %g", value->number);
      break;
    case MILL_AMF0_NULL:
      g_string_append (text, "null");
      break;
    default: {
      static const gchar *const brackets[] = {
        [MILL_AMF0_OBJECT] = "{}",
        [MILL_AMF0_ECMA_ARRAY] = "<>",
        [MILL_AMF0_STRICT_ARRAY] = "[]",
      };
      g_string_append_c (text, brackets[value->type][0]);
      MillAmf0Iter iter;
      mill_amf0_iter_init (&iter, value);
      const gchar *name;
      gsize size;
      MillAmf0Value member;
      while (mill_amf0_iter_next (&iter, &name, &size, &member)) {
        g_string_append_printf (text, "%.*s:", (gint) size, name);
        dump (text, &member);
        g_string_append_c (text, ' ');
      }
      g_string_append_c (text, brackets[value->type][1]);
    }
  }
}

typedef struct
{
  const gchar *clause; /* of the AMF 0 specification */
  const gchar *hex;
  const gchar *expected;
} Vector;

static const Vector vectors[] = {
  { "2.2 number", "00 3ff8000000000000", "1.5" },
  { "2.2 number, negative", "00 c059000000000000", "-100" },
  { "2.3 boolean", "01 01", "true" },
  { "2.3 boolean, any other than zero", "01 02", "true" },
  { "2.3 boolean", "01 00", "false" },
  { "2.4 string", "02 0004 6c697665", "'live'" },
  { "2.4 string, empty", "02 0000", "''" },
  { "2.4 string, broken UTF-8", "02 0003 61ff62",
      "'a\xef\xbf\xbd"
      "b'" },
  { "2.5 object", "03 0001 61 00 4000000000000000 0001 62 05 000009",
      "{a:2 b:null }" },
  { "2.5 object, empty", "03 000009", "{}" },
  { "2.5 object, an empty name that ends nothing", "03 0000 0101 000009",
      "{:true }" },
  { "2.5 object in object", "03 0001 61 03 0001 62 0101 000009 000009",
      "{a:{b:true } }" },
  { "2.7 null", "05", "null" },
  { "2.8 undefined", "06", "null" },
  { "2.9 reference", "07 0001", "null" },
  { "2.10 ECMA array", "08 00000001 0001 61 0101 000009", "<a:true >" },
  { "2.10 ECMA array, the count is only a hint",
      "08 00000000 0001 61 0101 0001 62 0100 000009", "<a:true b:false >" },
  { "2.10 ECMA array that ends with the message", "08 00000001 0001 61 0101",
      "<a:true >" },
  { "2.12 strict array", "0a 00000002 0101 02 0001 78", "[:true :'x' ]" },
  { "2.12 strict array, empty", "0a 00000000", "[]" },
  { "2.13 date", "0b 408f400000000000 0000", "date 1000" },
  { "2.14 long string", "0c 00000003 616263", "'abc'" },
  { "2.15 unsupported", "0d", "null" },
  { "2.17 XML document", "0f 00000004 3c612f3e", "'<a/>'" },
  { "2.18 typed object", "10 0002 4142 0001 61 0101 000009", "{a:true }" },
  { "four deep is allowed", "0a 00000001 0a 00000001 0a 00000001 0a 00000000",
      "[:[:[:[] ] ] ]" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_test_message ("%s", vectors[i].clause);
    g_autoptr (GByteArray) bytes = bytes_from_hex (vectors[i].hex);
    MillAmf0Reader reader;
    mill_amf0_reader_init (&reader, bytes->data, bytes->len, MAX_DEPTH);
    MillAmf0Value value;
    g_autoptr (GError) error = NULL;
    g_assert_true (mill_amf0_read (&reader, &value, &error));
    g_assert_no_error (error);
    g_assert_true (mill_amf0_at_end (&reader));
    g_autoptr (GString) text = g_string_new (NULL);
    dump (text, &value);
    g_assert_cmpstr (text->str, ==, vectors[i].expected);
  }
}

/* Every value that is cut short is refused. ECMA arrays are the exception that
 * encoders need: they may end with the message, between members. */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_hex (vectors[i].hex);
    gboolean is_ecma = bytes->data[0] == 0x08;
    for (gsize size = 0; size < bytes->len; size++) {
      g_test_message ("%s, %" G_GSIZE_FORMAT " bytes", vectors[i].clause, size);
      /* a copy of its own, so that sanitizers see a read beyond it */
      g_autofree guint8 *copy = g_memdup2 (bytes->data, size);
      MillAmf0Reader reader;
      mill_amf0_reader_init (&reader, copy, size, MAX_DEPTH);
      MillAmf0Value value;
      g_autoptr (GError) error = NULL;
      gboolean ok = mill_amf0_read (&reader, &value, &error);
      if (is_ecma && ok)
        continue;
      g_assert_false (ok);
      g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
    }
  }
}

static void
test_refused (void)
{
  static const struct
  {
    const gchar *what;
    const gchar *hex;
    MillRtmpError code;
  } cases[] = {
    { "2.6 movie clip", "04", MILL_RTMP_ERROR_PROTOCOL },
    { "2.16 record set", "0e", MILL_RTMP_ERROR_PROTOCOL },
    { "3.1 AMF3", "11 0a", MILL_RTMP_ERROR_PROTOCOL },
    { "no marker at all", "ff", MILL_RTMP_ERROR_PROTOCOL },
    { "2.11 end of object alone", "09", MILL_RTMP_ERROR_PROTOCOL },
    { "long string of 4 GiB", "0c ffffffff 61", MILL_RTMP_ERROR_PROTOCOL },
    { "array of 4 billion", "0a ffffffff 05 05", MILL_RTMP_ERROR_PROTOCOL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].what);
    g_autoptr (GByteArray) bytes = bytes_from_hex (cases[i].hex);
    MillAmf0Reader reader;
    mill_amf0_reader_init (&reader, bytes->data, bytes->len, MAX_DEPTH);
    MillAmf0Value value;
    g_autoptr (GError) error = NULL;
    g_assert_false (mill_amf0_read (&reader, &value, &error));
    g_assert_error (error, MILL_RTMP_ERROR, (gint) cases[i].code);
  }
}

static void
test_lookup (void)
{
  g_autoptr (GByteArray) bytes =
      bytes_from_hex ("03 0003 617070 02 0004 6c697665"
                      "0002 6170 0101 0003 617070 05 000009");
  MillAmf0Reader reader;
  mill_amf0_reader_init (&reader, bytes->data, bytes->len, MAX_DEPTH);
  MillAmf0Value object;
  MillAmf0Value value;
  g_assert_true (mill_amf0_read (&reader, &object, NULL));
  g_assert_true (mill_amf0_lookup (&object, "app", &value));
  g_autofree gchar *app = mill_amf0_dup_string (&value);
  g_assert_cmpstr (app, ==, "live");
  g_assert_true (mill_amf0_lookup (&object, "ap", &value));
  g_assert_cmpint (value.type, ==, MILL_AMF0_BOOLEAN);
  g_assert_null (mill_amf0_dup_string (&value));
  g_assert_false (mill_amf0_lookup (&object, "appx", &value));
  g_assert_false (mill_amf0_lookup (&value, "app", &value));
}

static void
test_round_trip (void)
{
  g_autofree gchar *longer = g_strnfill (70000, 'x');
  g_autoptr (GByteArray) out = g_byte_array_new ();
  mill_amf0_write_string (out, "onMetaData");
  mill_amf0_write_ecma_array_begin (out, 3);
  mill_amf0_write_name (out, "width");
  mill_amf0_write_number (out, 1920);
  mill_amf0_write_name (out, "stereo");
  mill_amf0_write_boolean (out, TRUE);
  mill_amf0_write_name (out, "inner");
  mill_amf0_write_object_begin (out);
  mill_amf0_write_name (out, "none");
  mill_amf0_write_null (out);
  mill_amf0_write_object_end (out);
  mill_amf0_write_object_end (out);
  mill_amf0_write_string (out, longer);

  MillAmf0Reader reader;
  mill_amf0_reader_init (&reader, out->data, out->len, MAX_DEPTH);
  g_autoptr (GString) text = g_string_new (NULL);
  MillAmf0Value value;
  for (guint i = 0; i < 2; i++) {
    g_assert_true (mill_amf0_read (&reader, &value, NULL));
    dump (text, &value);
  }
  g_assert_cmpstr (text->str, ==,
      "'onMetaData'<width:1920 stereo:true inner:{none:null } >");
  g_assert_true (mill_amf0_read (&reader, &value, NULL));
  g_assert_cmpuint (value.string_size, ==, 70000);
  g_assert_true (mill_amf0_at_end (&reader));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/amf0/vectors", test_vectors);
  g_test_add_func ("/rtmp/amf0/truncated", test_truncated);
  g_test_add_func ("/rtmp/amf0/refused", test_refused);
  g_test_add_func ("/rtmp/amf0/lookup", test_lookup);
  g_test_add_func ("/rtmp/amf0/round-trip", test_round_trip);
  return g_test_run ();
}
