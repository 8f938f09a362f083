/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Property values as people write them. GStreamer's own deserializer says only
 * yes or no; a description's author wants to know what was expected. */
#include "value-text.h"

#include <errno.h>
#include <math.h>

#include "diagnostics.h"

/* An enumeration with more values than this is cut short in a message. */
#define MAX_LISTED 12

#define INTEGER_RANGE(pspec, TYPE, min, max)                                   \
  G_STMT_START                                                                 \
  {                                                                            \
    *(min) =                                                                   \
        g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) TYPE (pspec)->minimum); \
    *(max) =                                                                   \
        g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) TYPE (pspec)->maximum); \
  }                                                                            \
  G_STMT_END

static gboolean
get_range (GParamSpec *pspec, gchar **ret_min, gchar **ret_max)
{
  if (G_IS_PARAM_SPEC_INT (pspec)) {
    INTEGER_RANGE (pspec, G_PARAM_SPEC_INT, ret_min, ret_max);
  } else if (G_IS_PARAM_SPEC_UINT (pspec)) {
    INTEGER_RANGE (pspec, G_PARAM_SPEC_UINT, ret_min, ret_max);
  } else if (G_IS_PARAM_SPEC_INT64 (pspec)) {
    INTEGER_RANGE (pspec, G_PARAM_SPEC_INT64, ret_min, ret_max);
  } else if (G_IS_PARAM_SPEC_LONG (pspec)) {
    INTEGER_RANGE (pspec, G_PARAM_SPEC_LONG, ret_min, ret_max);
  } else if (G_IS_PARAM_SPEC_UINT64 (pspec)) {
    *ret_min = g_strdup_printf ("%" G_GUINT64_FORMAT,
        G_PARAM_SPEC_UINT64 (pspec)->minimum);
    *ret_max = g_strdup_printf ("%" G_GUINT64_FORMAT,
        G_PARAM_SPEC_UINT64 (pspec)->maximum);
  } else if (G_IS_PARAM_SPEC_DOUBLE (pspec)) {
    *ret_min = g_strdup_printf ("%g", G_PARAM_SPEC_DOUBLE (pspec)->minimum);
    *ret_max = g_strdup_printf ("%g", G_PARAM_SPEC_DOUBLE (pspec)->maximum);
  } else if (G_IS_PARAM_SPEC_FLOAT (pspec)) {
    *ret_min = g_strdup_printf ("%g", G_PARAM_SPEC_FLOAT (pspec)->minimum);
    *ret_max = g_strdup_printf ("%g", G_PARAM_SPEC_FLOAT (pspec)->maximum);
  } else {
    return FALSE;
  }
  return TRUE;
}

static gboolean
is_real (GParamSpec *pspec)
{
  return G_IS_PARAM_SPEC_DOUBLE (pspec) || G_IS_PARAM_SPEC_FLOAT (pspec);
}

static gchar *
expect_number (GParamSpec *pspec)
{
  g_autofree gchar *min = NULL;
  g_autofree gchar *max = NULL;

  if (!get_range (pspec, &min, &max))
    return g_strdup (is_real (pspec) ? "a number" : "an integer");
  return g_strdup_printf ("%s from %s to %s",
      is_real (pspec) ? "a number" : "an integer", min, max);
}

static gboolean
transform (const GValue *number, GValue *ret_value, GType type)
{
  g_value_init (ret_value, type);
  if (g_value_transform (number, ret_value))
    return TRUE;
  g_value_unset (ret_value);
  return FALSE;
}

static gboolean
parse_integer (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  g_auto (GValue) number = G_VALUE_INIT;
  gint64 integer;
  guint64 natural;
  /* Colours are written so. */
  guint base = g_str_has_prefix (text, "0x") ? 16 : 10;

  if (base == 16)
    text += 2;
  if (G_IS_PARAM_SPEC_UINT64 (pspec) || G_IS_PARAM_SPEC_ULONG (pspec)) {
    if (!g_ascii_string_to_unsigned (text, base, 0, G_MAXUINT64, &natural,
            NULL))
      return FALSE;
    g_value_init (&number, G_TYPE_UINT64);
    g_value_set_uint64 (&number, natural);
  } else {
    gboolean is_unsigned = G_IS_PARAM_SPEC_UINT (pspec);
    gboolean is_wide = G_IS_PARAM_SPEC_INT64 (pspec) ||
        G_IS_PARAM_SPEC_LONG (pspec);

    /* Within the C type, so that the conversion cannot wrap; the property's
     * own range is checked by the caller. */
    if (!g_ascii_string_to_signed (text, base,
            is_wide           ? G_MININT64
                : is_unsigned ? 0
                              : G_MININT32,
            is_wide           ? G_MAXINT64
                : is_unsigned ? G_MAXUINT32
                              : G_MAXINT32,
            &integer, NULL))
      return FALSE;
    g_value_init (&number, G_TYPE_INT64);
    g_value_set_int64 (&number, integer);
  }
  return transform (&number, ret_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
}

static gboolean
parse_real (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  g_auto (GValue) number = G_VALUE_INIT;
  gchar *end = NULL;
  gdouble real;

  errno = 0;
  real = g_ascii_strtod (text, &end);
  if (end == text || *end || errno != 0 || !isfinite (real))
    return FALSE;
  g_value_init (&number, G_TYPE_DOUBLE);
  g_value_set_double (&number, real);
  return transform (&number, ret_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
}

static gchar *
expect_enum (GEnumClass *klass, const gchar *text)
{
  g_autoptr (GString) expected = g_string_new ("one of ");
  g_autoptr (GPtrArray) nicks = g_ptr_array_new ();
  const gchar *nearest;

  for (guint i = 0; i < klass->n_values; i++) {
    g_ptr_array_add (nicks, (gpointer) klass->values[i].value_nick);
    if (i < MAX_LISTED)
      g_string_append_printf (expected, "%s%s", i > 0 ? ", " : "",
          klass->values[i].value_nick);
  }
  if (klass->n_values > MAX_LISTED)
    g_string_append_printf (expected, " and %u more",
        klass->n_values - MAX_LISTED);
  g_ptr_array_add (nicks, NULL);
  nearest =
      mill_diagnostics_nearest (text, (const gchar *const *) nicks->pdata);
  if (nearest)
    g_string_append_printf (expected, ", did you mean '%s'?", nearest);
  return g_strdup (expected->str);
}

static gchar *
parse_enum (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  GEnumClass *klass = G_PARAM_SPEC_ENUM (pspec)->enum_class;
  GEnumValue *found = g_enum_get_value_by_nick (klass, text);
  gint64 number;

  if (!found)
    found = g_enum_get_value_by_name (klass, text);
  if (!found &&
      g_ascii_string_to_signed (text, 10, G_MININT32, G_MAXINT32, &number,
          NULL))
    found = g_enum_get_value (klass, number);
  if (!found)
    return expect_enum (klass, text);
  g_value_init (ret_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  g_value_set_enum (ret_value, found->value);
  return NULL;
}

static gchar *
expect_flags (GFlagsClass *klass)
{
  g_autoptr (GString) expected = g_string_new ("words joined by '+' out of ");

  for (guint i = 0; i < klass->n_values && i < MAX_LISTED; i++)
    g_string_append_printf (expected, "%s%s", i > 0 ? ", " : "",
        klass->values[i].value_nick);
  if (klass->n_values > MAX_LISTED)
    g_string_append_printf (expected, " and %u more",
        klass->n_values - MAX_LISTED);
  return g_strdup (expected->str);
}

static gchar *
parse_flags (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  GFlagsClass *klass = G_PARAM_SPEC_FLAGS (pspec)->flags_class;
  g_auto (GStrv) words = g_strsplit (text, "+", -1);
  guint64 number;
  guint flags = 0;

  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &number, NULL)) {
    if (number & ~(guint64) klass->mask)
      return expect_flags (klass);
    flags = number;
  } else {
    for (guint i = 0; words[i]; i++) {
      GFlagsValue *found =
          g_flags_get_value_by_nick (klass, g_strstrip (words[i]));

      if (!found)
        return expect_flags (klass);
      flags |= found->value;
    }
  }
  g_value_init (ret_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  g_value_set_flags (ret_value, flags);
  return NULL;
}

/* Caps, structures, fractions, arrays: what GStreamer can read from text. */
static gchar *
parse_other (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  GType type = G_PARAM_SPEC_VALUE_TYPE (pspec);

  /* For an object GStreamer would start a launch line of its own. */
  if (g_type_is_a (type, G_TYPE_OBJECT) || g_type_is_a (type, G_TYPE_INTERFACE))
    return g_strdup_printf (
        "no value in a description (it holds an object, %s)",
        g_type_name (type));
  g_value_init (ret_value, type);
  if (gst_value_deserialize_with_pspec (ret_value, text, pspec))
    return NULL;
  g_value_unset (ret_value);
  if (type == GST_TYPE_CAPS)
    return g_strdup ("caps such as video/x-raw,width=640");
  if (type == GST_TYPE_STRUCTURE)
    return g_strdup ("a structure such as name,field=value");
  if (type == GST_TYPE_FRACTION)
    return g_strdup ("a fraction such as 30000/1001");
  return g_strdup_printf ("a value of type %s", g_type_name (type));
}

static gchar *
parse_typed (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  GType type = G_PARAM_SPEC_VALUE_TYPE (pspec);

  switch (G_TYPE_FUNDAMENTAL (type)) {
    case G_TYPE_STRING:
      g_value_init (ret_value, type);
      g_value_set_string (ret_value, text);
      return NULL;
    case G_TYPE_BOOLEAN:
      if (!g_str_equal (text, "true") && !g_str_equal (text, "false"))
        return g_strdup ("true or false");
      g_value_init (ret_value, type);
      g_value_set_boolean (ret_value, *text == 't');
      return NULL;
    case G_TYPE_INT:
    case G_TYPE_UINT:
    case G_TYPE_INT64:
    case G_TYPE_UINT64:
    case G_TYPE_LONG:
    case G_TYPE_ULONG:
      return parse_integer (pspec, text, ret_value) ? NULL
                                                    : expect_number (pspec);
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return parse_real (pspec, text, ret_value) ? NULL : expect_number (pspec);
    case G_TYPE_ENUM:
      return parse_enum (pspec, text, ret_value);
    case G_TYPE_FLAGS:
      return parse_flags (pspec, text, ret_value);
    default:
      return parse_other (pspec, text, ret_value);
  }
}

gchar *
mill_value_text_parse (GParamSpec *pspec, const gchar *text, GValue *ret_value)
{
  gchar *expected = parse_typed (pspec, text, ret_value);
  g_auto (GValue) changed = G_VALUE_INIT;

  if (expected)
    return expected;
  g_value_init (&changed, G_VALUE_TYPE (ret_value));
  g_value_copy (ret_value, &changed);
  /* It changes what is out of range. */
  if (!g_param_value_validate (pspec, &changed))
    return NULL;
  g_value_unset (ret_value);
  if (GST_IS_PARAM_SPEC_FRACTION (pspec))
    return g_strdup_printf ("a fraction from %d/%d to %d/%d",
        GST_PARAM_SPEC_FRACTION (pspec)->min_num,
        GST_PARAM_SPEC_FRACTION (pspec)->min_den,
        GST_PARAM_SPEC_FRACTION (pspec)->max_num,
        GST_PARAM_SPEC_FRACTION (pspec)->max_den);
  return expect_number (pspec);
}

/* "a+b" */
static gchar *
format_flags (const GValue *value)
{
  GFlagsClass *klass = g_type_class_ref (G_VALUE_TYPE (value));
  g_autoptr (GString) text = g_string_new (NULL);
  guint flags = g_value_get_flags (value);

  for (guint i = 0; i < klass->n_values; i++) {
    const GFlagsValue *word = &klass->values[i];

    if (word->value == 0 || (flags & word->value) != word->value)
      continue;
    g_string_append_printf (text, "%s%s", text->len > 0 ? "+" : "",
        word->value_nick);
    flags &= ~word->value;
  }
  g_type_class_unref (klass);
  if (flags != 0 || text->len == 0)
    return g_strdup_printf ("%u", g_value_get_flags (value));
  return g_strdup (text->str);
}

static gchar *
format_enum (const GValue *value)
{
  GEnumClass *klass = g_type_class_ref (G_VALUE_TYPE (value));
  GEnumValue *found = g_enum_get_value (klass, g_value_get_enum (value));
  gchar *text = found ? g_strdup (found->value_nick)
                      : g_strdup_printf ("%d", g_value_get_enum (value));

  g_type_class_unref (klass);
  return text;
}

/* The shortest text that reads back as the same number: 0.3. */
static gchar *
format_real (const GValue *value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  gdouble real = G_VALUE_HOLDS_FLOAT (value) ? g_value_get_float (value)
                                             : g_value_get_double (value);

  for (guint digits = 6; digits <= 17; digits++) {
    g_autofree gchar *form = g_strdup_printf ("%%.%ug", digits);
    gdouble again;

    g_ascii_formatd (text, sizeof text, form, real);
    again = g_ascii_strtod (text, NULL);
    if (again == real ||
        (G_VALUE_HOLDS_FLOAT (value) && (gfloat) again == (gfloat) real))
      break;
  }
  return g_strdup (text);
}

gchar *
mill_value_text_format (const GValue *value)
{
  gchar *text;

  if (G_VALUE_HOLDS_STRING (value))
    return g_strdup (g_value_get_string (value) ? g_value_get_string (value)
                                                : "");
  if (G_VALUE_HOLDS_ENUM (value))
    return format_enum (value);
  if (G_VALUE_HOLDS_FLAGS (value))
    return format_flags (value);
  if (G_VALUE_HOLDS_FLOAT (value) || G_VALUE_HOLDS_DOUBLE (value))
    return format_real (value);
  /* The serializer would escape them for use inside a structure. */
  if (G_VALUE_HOLDS (value, GST_TYPE_CAPS) && g_value_get_boxed (value))
    return gst_caps_to_string (gst_value_get_caps (value));
  if (GST_VALUE_HOLDS_STRUCTURE (value) && g_value_get_boxed (value))
    return gst_structure_to_string (gst_value_get_structure (value));
  text = gst_value_serialize (value);
  return text ? text : g_strdup_value_contents (value);
}

gchar *
mill_value_text_describe (GParamSpec *pspec)
{
  GType type = G_PARAM_SPEC_VALUE_TYPE (pspec);
  g_autofree gchar *min = NULL;
  g_autofree gchar *max = NULL;

  if (get_range (pspec, &min, &max))
    return g_strdup_printf ("%s, %s to %s",
        is_real (pspec) ? "number" : "integer", min, max);
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return g_strdup ("true or false");
  if (G_IS_PARAM_SPEC_STRING (pspec))
    return g_strdup ("text");
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return expect_enum (G_PARAM_SPEC_ENUM (pspec)->enum_class, "");
  if (G_IS_PARAM_SPEC_FLAGS (pspec))
    return expect_flags (G_PARAM_SPEC_FLAGS (pspec)->flags_class);
  return g_strdup (g_type_name (type));
}
