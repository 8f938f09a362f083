/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-event.h"

#include <math.h>
#include <string.h>

#include <gst/video/video.h>

#include "link-bytes.h"

/* GStreamer's parser of caps recurses: no real caps nest deeper than this. */
#define MAX_NESTING 8
#define SEGMENT_SIZE (4 + 2 * 8 + 7 * 8)

/* ---- text ---- */

/* Text that GStreamer's parsers may see. Returns: (nullable) (transfer full) */
static gchar *
parse_text (const guint8 *text, gsize size, GError **error)
{
  gint nesting = 0;
  gboolean is_good = size > 0 && size <= MILL_LINK_MAX_TEXT &&
      g_utf8_validate_len ((const gchar *) text, size, NULL);

  for (gsize i = 0; is_good && i < size; i++) {
    if (strchr ("<{[(", text[i]))
      nesting++;
    else if (strchr (">}])", text[i]))
      nesting--;
    is_good = nesting <= MAX_NESTING;
  }
  if (!is_good) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link text: got %" G_GSIZE_FORMAT
        " bytes, expected 1 to %u of UTF-8, nested up to %d deep",
        size, MILL_LINK_MAX_TEXT, MAX_NESTING);
    return NULL;
  }
  return g_strndup ((const gchar *) text, size);
}

/* GStreamer 1.22 reads freed memory on a (buffer) that is not hexadecimal. */
static gboolean
skip_buffer (const gchar **at)
{
  const gchar *p = *at;
  gboolean is_list;

  for (; *p == ' '; p++) {
  }
  is_list = *p == '<';
  if (is_list)
    p++;
  do {
    p += strspn (p, ", ");
    gsize digits = strspn (p, "0123456789abcdefABCDEF");
    if (digits == 0 || digits % 2 != 0)
      return FALSE;
    p += digits;
  } while (is_list && *p == ',');
  p += strspn (p, " ");
  *at = p;
  return is_list ? *p == '>' : *p == '\0' || *p == ',' || *p == ';';
}

static const gchar *
skip_quoted (const gchar *p)
{
  for (p++; *p != '\0' && *p != '"'; p++)
    if (*p == '\\' && p[1] != '\0')
      p++;
  return *p == '"' ? p + 1 : NULL;
}

/* The name of a type and, of a buffer, its value. */
static gboolean
skip_type (const gchar **at)
{
  static const gchar *types[] = { "int", "uint", "gint64", "guint64", "float",
    "double", "string", "boolean", "fraction", "buffer", "bitmask", "datetime",
    "date", "GDate", "GstVideoMultiviewFlagsSet", NULL };
  const gchar *end = strchr (*at, ')');
  if (!end)
    return FALSE;
  g_autofree gchar *type = g_strndup (*at + 1, end - *at - 1);

  *at = end + 1;
  if (strcmp (type, "buffer") == 0)
    return skip_buffer (at);
  return g_strv_contains (types, type);
}

/* A plain name, then fields or the end. */
static gboolean
has_name (const gchar *text)
{
  gsize size = strspn (text,
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
      "XYZ0123456789/_-.:+");

  return g_ascii_isalpha (text[0]) &&
      (text[size] == '\0' || text[size] == ',' || text[size] == ';');
}

/* Fields that GStreamer's parser may see: of types that encoded media has,
 * none of which holds further fields; no lists, whose parser leaks on errors.
 * Returns: (nullable) (transfer full) */
static gchar *
parse_values (const guint8 *text, gsize size, GError **error)
{
  g_autofree gchar *copy = parse_text (text, size, error);
  if (!copy)
    return NULL;
  if (!has_name (copy)) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link text: got '%.40s', expected a name", copy);
    return NULL;
  }
  for (const gchar *p = copy; p && *p != '\0';) {
    const gchar *start = p;
    if (*p == '"')
      p = skip_quoted (p);
    else if (*p == '(')
      p = skip_type (&p) ? p : NULL;
    else if (strchr ("<{[", *p))
      p = NULL;
    else
      p++;
    if (p)
      continue;
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link text: got '%.40s', expected a value of a known type", start);
    return NULL;
  }
  return g_steal_pointer (&copy);
}

GstCaps *
mill_link_event_parse_caps (const guint8 *text, gsize size, GError **error)
{
  g_autofree gchar *copy = parse_values (text, size, error);
  if (!copy)
    return NULL;
  /* As a structure: encoded media in system memory has one, without features,
   * of whose names GStreamer's parser of caps complains aloud. */
  gchar *end = NULL;
  g_autoptr (GstStructure) structure = gst_structure_from_string (copy, &end);
  g_autoptr (GstCaps) caps = gst_caps_new_empty ();
  if (structure && *end == '\0' &&
      strchr (gst_structure_get_name (structure), '/'))
    gst_caps_append_structure (caps, g_steal_pointer (&structure));
  if (!gst_caps_is_fixed (caps)) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link caps: got '%.80s', expected fixed caps without features", copy);
    return NULL;
  }
  return g_steal_pointer (&caps);
}

/* ---- writing ---- */

static GBytes *
write_text (MillLinkType type, guint16 pad, const gchar *text, GError **error)
{
  gsize size = text ? strlen (text) : 0;

  if (size == 0 || size > MILL_LINK_MAX_TEXT) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_LIMIT,
        "link message '%u': got a text of %" G_GSIZE_FORMAT
        " bytes, expected 1 to %u",
        type, size, MILL_LINK_MAX_TEXT);
    return NULL;
  }
  return mill_link_message_new (type, pad, (const guint8 *) text, size);
}

static GBytes *
write_stream_start (GstEvent *event, guint16 pad, GError **error)
{
  const gchar *id;
  GstStreamFlags flags;

  gst_event_parse_stream_start (event, &id);
  gst_event_parse_stream_flags (event, &flags);
  /* The flags as a letter before the id: both are text then. */
  g_autofree gchar *text = g_strdup_printf ("%x %s", flags, id);
  return write_text (MILL_LINK_EVENT_STREAM_START, pad, text, error);
}

static GBytes *
write_caps (GstEvent *event, guint16 pad, GError **error)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  g_autofree gchar *text = gst_caps_to_string (caps);
  /* What the other side would refuse is refused here. */
  g_autoptr (GstCaps) read =
      mill_link_event_parse_caps ((const guint8 *) text, strlen (text), error);
  if (!read)
    return NULL;
  return write_text (MILL_LINK_EVENT_CAPS, pad, text, error);
}

static GBytes *
write_segment (GstEvent *event, guint16 pad, GError **error)
{
  const GstSegment *segment;
  guint8 body[SEGMENT_SIZE];
  GstByteWriter writer;

  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "segment of a link: got format %s, expected time",
        gst_format_get_name (segment->format));
    return NULL;
  }
  gst_byte_writer_init_with_data (&writer, body, sizeof body, FALSE);
  gst_byte_writer_put_uint32_be (&writer, segment->flags);
  gst_byte_writer_put_float64_be (&writer, segment->rate);
  gst_byte_writer_put_float64_be (&writer, segment->applied_rate);
  gst_byte_writer_put_uint64_be (&writer, segment->base);
  gst_byte_writer_put_uint64_be (&writer, segment->offset);
  gst_byte_writer_put_uint64_be (&writer, segment->start);
  gst_byte_writer_put_uint64_be (&writer, segment->stop);
  gst_byte_writer_put_uint64_be (&writer, segment->time);
  gst_byte_writer_put_uint64_be (&writer, segment->position);
  gst_byte_writer_put_uint64_be (&writer, segment->duration);
  return mill_link_message_new (MILL_LINK_EVENT_SEGMENT, pad, body,
      sizeof body);
}

/* The first value of each tag; pictures do not cross. */
static GstTagList *
get_plain_tags (const GstTagList *tags)
{
  GstTagList *plain = gst_tag_list_new_empty ();

  for (gint i = 0; i < gst_tag_list_n_tags (tags); i++) {
    const gchar *name = gst_tag_list_nth_tag_name (tags, i);
    const GValue *value = gst_tag_list_get_value_index (tags, name, 0);
    if (G_VALUE_TYPE (value) != GST_TYPE_SAMPLE)
      gst_tag_list_add_value (plain, GST_TAG_MERGE_APPEND, name, value);
  }
  return plain;
}

static GBytes *
write_tags (GstEvent *event, guint16 pad, GError **error)
{
  GstTagList *tags;

  gst_event_parse_tag (event, &tags);
  g_autoptr (GstTagList) plain = get_plain_tags (tags);
  g_autofree gchar *text = gst_tag_list_to_string (plain);
  g_autofree gchar *scoped = g_strdup_printf ("%c%s",
      gst_tag_list_get_scope (tags) == GST_TAG_SCOPE_GLOBAL ? 'g' : 's', text);
  g_autofree gchar *read =
      parse_values ((const guint8 *) scoped, strlen (scoped), error);
  return read ? write_text (MILL_LINK_EVENT_TAGS, pad, scoped, error) : NULL;
}

static GBytes *
write_gap (GstEvent *event, guint16 pad)
{
  GstClockTime timestamp;
  GstClockTime duration;
  guint8 body[16];

  gst_event_parse_gap (event, &timestamp, &duration);
  mill_bytes_write_u64 (body, timestamp);
  mill_bytes_write_u64 (body + 8, duration);
  return mill_link_message_new (MILL_LINK_EVENT_GAP, pad, body, sizeof body);
}

static GBytes *
write_flush (GstEvent *event, guint16 pad)
{
  gboolean reset_time;

  gst_event_parse_flush_stop (event, &reset_time);
  const guint8 body[] = { reset_time ? 1 : 0 };
  return mill_link_message_new (MILL_LINK_EVENT_FLUSH, pad, body, sizeof body);
}

static GBytes *
write_force_key_unit (GstEvent *event, guint16 pad)
{
  GstClockTime running_time;
  gboolean all_headers;
  guint count;
  guint8 body[13];

  gst_video_event_parse_upstream_force_key_unit (event, &running_time,
      &all_headers, &count);
  mill_bytes_write_u64 (body, running_time);
  body[8] = all_headers ? 1 : 0;
  mill_bytes_write_u32 (body + 9, count);
  return mill_link_message_new (MILL_LINK_FORCE_KEY_UNIT, pad, body,
      sizeof body);
}

GBytes *
mill_link_event_write (GstEvent *event, guint16 pad, GError **error)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      return write_stream_start (event, pad, error);
    case GST_EVENT_CAPS:
      return write_caps (event, pad, error);
    case GST_EVENT_SEGMENT:
      return write_segment (event, pad, error);
    case GST_EVENT_TAG:
      return write_tags (event, pad, error);
    case GST_EVENT_GAP:
      return write_gap (event, pad);
    case GST_EVENT_EOS:
      return mill_link_message_new (MILL_LINK_EVENT_EOS, pad, NULL, 0);
    case GST_EVENT_FLUSH_STOP:
      return write_flush (event, pad);
    default:
      break;
  }
  if (GST_EVENT_IS_UPSTREAM (event) &&
      gst_video_event_is_force_key_unit (event))
    return write_force_key_unit (event, pad);
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "event of a link: got '%s', expected one that crosses",
      GST_EVENT_TYPE_NAME (event));
  return NULL;
}

/* ---- reading ---- */

static gboolean
fail (const MillLinkMessage *message, const gchar *expected, GError **error)
{
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link message '%u': got %" G_GSIZE_FORMAT " bytes, expected %s",
      message->type, message->size, expected);
  return FALSE;
}

static GstEvent *
read_stream_start (const MillLinkMessage *message, GError **error)
{
  g_autofree gchar *text = parse_text (message->body, message->size, error);
  if (!text)
    return NULL;
  gchar *id;
  guint64 flags = g_ascii_strtoull (text, &id, 16);
  if (id == text || *id != ' ' || id[1] == '\0' || flags > 0xff) {
    fail (message, "flags, a blank and a stream id", error);
    return NULL;
  }
  GstEvent *event = gst_event_new_stream_start (id + 1);
  gst_event_set_stream_flags (event, flags);
  return event;
}

static GstEvent *
read_caps (const MillLinkMessage *message, GError **error)
{
  g_autoptr (GstCaps) caps =
      mill_link_event_parse_caps (message->body, message->size, error);
  return caps ? gst_event_new_caps (caps) : NULL;
}

static GstEvent *
read_segment (const MillLinkMessage *message, GError **error)
{
  GstByteReader reader;
  GstSegment segment;
  guint32 flags;

  if (message->size != SEGMENT_SIZE) {
    fail (message, "a segment", error);
    return NULL;
  }
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_byte_reader_init (&reader, message->body, message->size);
  flags = mill_link_take_u32 (&reader);
  segment.flags = flags;
  segment.rate = mill_link_take_double (&reader);
  segment.applied_rate = mill_link_take_double (&reader);
  segment.base = mill_link_take_u64 (&reader);
  segment.offset = mill_link_take_u64 (&reader);
  segment.start = mill_link_take_u64 (&reader);
  segment.stop = mill_link_take_u64 (&reader);
  segment.time = mill_link_take_u64 (&reader);
  segment.position = mill_link_take_u64 (&reader);
  segment.duration = mill_link_take_u64 (&reader);
  if (!isfinite (segment.rate) || segment.rate == 0.0 ||
      !isfinite (segment.applied_rate) || segment.applied_rate == 0.0 ||
      !GST_CLOCK_TIME_IS_VALID (segment.start) ||
      segment.start > segment.stop) {
    fail (message, "finite rates and a start before the stop", error);
    return NULL;
  }
  return gst_event_new_segment (&segment);
}

static gboolean
on_tag (GQuark id, const GValue *value, gpointer user_data)
{
  const gchar *name = g_quark_to_string (id);

  if (gst_tag_exists (name) && G_VALUE_TYPE (value) == gst_tag_get_type (name))
    gst_tag_list_add_value (user_data, GST_TAG_MERGE_APPEND, name, value);
  return TRUE;
}

static GstEvent *
read_tags (const MillLinkMessage *message, GError **error)
{
  g_autofree gchar *text = parse_values (message->body, message->size, error);
  if (!text)
    return NULL;
  gboolean is_list = (text[0] == 'g' || text[0] == 's') &&
      g_str_has_prefix (text + 1, "taglist");
  gchar *end = NULL;
  g_autoptr (GstStructure) parsed =
      is_list ? gst_structure_from_string (text + 1, &end) : NULL;
  if (!parsed || *end != '\0' || !gst_structure_has_name (parsed, "taglist")) {
    fail (message, "a scope and a list of tags", error);
    return NULL;
  }
  /* Only what this process knows: an unknown tag makes GStreamer complain. */
  GstTagList *tags = gst_tag_list_new_empty ();
  gst_tag_list_set_scope (tags,
      text[0] == 'g' ? GST_TAG_SCOPE_GLOBAL : GST_TAG_SCOPE_STREAM);
  gst_structure_foreach (parsed, on_tag, tags);
  return gst_event_new_tag (tags);
}

static GstEvent *
read_gap (const MillLinkMessage *message, GError **error)
{
  if (message->size != 16) {
    fail (message, "16", error);
    return NULL;
  }
  GstClockTime timestamp = mill_bytes_read_u64 (message->body);
  if (!GST_CLOCK_TIME_IS_VALID (timestamp)) {
    fail (message, "a gap with a timestamp", error);
    return NULL;
  }
  return gst_event_new_gap (timestamp, mill_bytes_read_u64 (message->body + 8));
}

static GstEvent *
read_flush (const MillLinkMessage *message, GError **error)
{
  if (message->size == 1 && message->body[0] <= 1)
    return gst_event_new_flush_stop (message->body[0]);
  fail (message, "0 or 1 in one byte", error);
  return NULL;
}

static GstEvent *
read_force_key_unit (const MillLinkMessage *message, GError **error)
{
  if (message->size != 13) {
    fail (message, "13", error);
    return NULL;
  }
  return gst_video_event_new_upstream_force_key_unit (
      mill_bytes_read_u64 (message->body), message->body[8] != 0,
      mill_bytes_read_u32 (message->body + 9));
}

GstEvent *
mill_link_event_read (const MillLinkMessage *message, GError **error)
{
  switch (message->type) {
    case MILL_LINK_EVENT_STREAM_START:
      return read_stream_start (message, error);
    case MILL_LINK_EVENT_CAPS:
      return read_caps (message, error);
    case MILL_LINK_EVENT_SEGMENT:
      return read_segment (message, error);
    case MILL_LINK_EVENT_TAGS:
      return read_tags (message, error);
    case MILL_LINK_EVENT_GAP:
      return read_gap (message, error);
    case MILL_LINK_EVENT_EOS:
      if (message->size == 0)
        return gst_event_new_eos ();
      fail (message, "0", error);
      return NULL;
    case MILL_LINK_EVENT_FLUSH:
      return read_flush (message, error);
    case MILL_LINK_FORCE_KEY_UNIT:
      return read_force_key_unit (message, error);
    default:
      fail (message, "an event", error);
      return NULL;
  }
}
