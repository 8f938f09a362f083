/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/common/log.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

/* Set by mill_log_init() before other threads are; the level also later. */
static const gchar *process_domain = "millrace";
static gint max_level = MILL_LOG_INFO; /* atomic: MillLogLevel */
static MillLogFormat log_format = MILL_LOG_TEXT;
static GLogLevelFlags fatal_mask;

static const gchar *const LEVELS[] = { "error", "warning", "info", "debug" };

static gboolean
find_word (const gchar *text, const gchar *const *words, guint n_words,
    guint *ret_index)
{
  for (guint i = 0; i < n_words; i++) {
    if (g_str_equal (text, words[i])) {
      *ret_index = i;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
mill_log_level_from_string (const gchar *text, MillLogLevel *ret_level)
{
  guint index;

  if (!find_word (text, LEVELS, G_N_ELEMENTS (LEVELS), &index))
    return FALSE;
  *ret_level = (MillLogLevel) index;
  return TRUE;
}

gboolean
mill_log_format_from_string (const gchar *text, MillLogFormat *ret_format)
{
  static const gchar *const words[] = { "text", "json" };
  guint index;

  if (!find_word (text, words, G_N_ELEMENTS (words), &index))
    return FALSE;
  *ret_format = (MillLogFormat) index;
  return TRUE;
}

/* ---- secrets ---- */

gchar *
mill_log_redact (const gchar *text)
{
  static GRegex *pattern; /* made once, kept */

  if (!strchr (text, '=') && !strstr (text, "sk_") && !strstr (text, "ey"))
    return g_strdup (text);
  if (g_once_init_enter (&pattern)) {
    /* A value of a query; a stream key, and a token (three parts of base64url,
     * the first an object of JSON), wherever they stand: in the place of a
     * name they have no "key=" before them. */
    GRegex *made = g_regex_new (
        "((?i)\\b(?:[a-z0-9]+_)*(?:key|token|jwt|sig|signature|password|passwd|"
        "secret)=)[^&;\\s'\"]+"
        "|(\\bsk_)[a-z2-7]{32}\\b"
        "|(\\bey)[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*",
        G_REGEX_OPTIMIZE | G_REGEX_RAW, 0, NULL);
    g_once_init_leave (&pattern, made);
  }
  g_autoptr (GError) error = NULL;
  gchar *clean =
      g_regex_replace (pattern, text, -1, 0, "\\1\\2\\3***", 0, &error);
  /* Rather no text than a secret. */
  return clean ? clean : g_strdup ("(unreadable)");
}

/* ---- one line ---- */

static MillLogLevel
level_of (GLogLevelFlags flags)
{
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return MILL_LOG_ERROR;
  if (flags & G_LOG_LEVEL_WARNING)
    return MILL_LOG_WARNING;
  if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
    return MILL_LOG_INFO;
  return MILL_LOG_DEBUG;
}

/* Bytes of a field as text without secrets. */
static gchar *
field_to_text (const GLogField *field)
{
  g_autofree gchar *raw = field->length < 0
      ? g_strdup (field->value)
      : g_strndup (field->value, (gsize) field->length);
  g_autofree gchar *valid = g_utf8_make_valid (raw, -1);

  return mill_log_redact (valid);
}

typedef struct
{
  gchar *time;
  const gchar *level;
  gchar *domain; /* nullable: the process */
  gchar *message;
  GPtrArray *names; /* (element-type utf8) own fields, lower case */
  GPtrArray *values;
} Line;

static void
line_clear (Line *line)
{
  g_free (line->time);
  g_free (line->domain);
  g_free (line->message);
  g_ptr_array_unref (line->names);
  g_ptr_array_unref (line->values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Line, line_clear)

static gchar *
format_now (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *seconds = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");

  return g_strdup_printf ("%s.%03dZ", seconds,
      g_date_time_get_microsecond (now) / 1000);
}

static void
line_read (Line *line, GLogLevelFlags flags, const GLogField *fields,
    gsize n_fields)
{
  line->time = format_now ();
  line->level = LEVELS[level_of (flags)];
  line->names = g_ptr_array_new_with_free_func (g_free);
  line->values = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      g_free (line->message);
      line->message = field_to_text (&fields[i]);
    } else if (g_str_equal (fields[i].key, "GLIB_DOMAIN")) {
      g_free (line->domain);
      line->domain = field_to_text (&fields[i]);
    } else if (g_str_has_prefix (fields[i].key, "MILL_")) {
      g_ptr_array_add (line->names, g_ascii_strdown (fields[i].key + 5, -1));
      g_ptr_array_add (line->values, field_to_text (&fields[i]));
    }
  }
  if (!line->message)
    line->message = g_strdup ("");
}

static gchar *
line_to_text (const Line *line)
{
  GString *text = g_string_new (line->time);
  g_autofree gchar *level = g_ascii_strup (line->level, -1);

  g_string_append_printf (text, " %-7s %s: ", level,
      line->domain ? line->domain : process_domain);
  /* One event is one line, also when a library's text has several. */
  for (const gchar *at = line->message; *at; at++) {
    if (*at == '\n')
      g_string_append (text, at[1] ? " | " : "");
    else
      g_string_append_c (text, *at);
  }
  for (guint i = 0; i < line->names->len; i++)
    g_string_append_printf (text, " %s=%s", (gchar *) line->names->pdata[i],
        (gchar *) line->values->pdata[i]);
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}

static void
add_member (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static gchar *
line_to_json (const Line *line)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  json_builder_begin_object (builder);
  add_member (builder, "time", line->time);
  add_member (builder, "level", line->level);
  add_member (builder, "domain", line->domain ? line->domain : process_domain);
  add_member (builder, "message", line->message);
  for (guint i = 0; i < line->names->len; i++)
    add_member (builder, line->names->pdata[i], line->values->pdata[i]);
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  g_autofree gchar *object = json_generator_to_data (generator, NULL);
  return g_strconcat (object, "\n", NULL);
}

static GLogWriterOutput
write_line (GLogLevelFlags flags, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  if ((gint) level_of (flags) <= g_atomic_int_get (&max_level)) {
    g_auto (Line) line = { 0 };
    line_read (&line, flags, fields, n_fields);
    g_autofree gchar *text = log_format == MILL_LOG_JSON ? line_to_json (&line)
                                                         : line_to_text (&line);
    /* One call per line: lines of several threads do not mix. A log that
     * cannot be written has nowhere to say so. */
    const gssize done G_GNUC_UNUSED =
        write (STDERR_FILENO, text, strlen (text));
  }
  /* GLib itself ends the process only for the flag, not for G_DEBUG's mask,
   * once the writer is replaced. */
  if (flags & fatal_mask & ~(GLogLevelFlags) G_LOG_LEVEL_ERROR)
    G_BREAKPOINT ();
  return G_LOG_WRITER_HANDLED;
}

void
mill_log_set_level (MillLogLevel level)
{
  g_atomic_int_set (&max_level, (gint) level);
}

void
mill_log_init (const gchar *domain, MillLogLevel level, MillLogFormat format)
{
  process_domain = domain;
  log_format = format;
  mill_log_set_level (level);
  fatal_mask = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_always_fatal (fatal_mask);
  g_log_set_writer_func (write_line, NULL, NULL);
}
