/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What an element says of a file that it cannot use is general: "Internal data
 * stream error". Who gave the file wants to know which one it is, what is in it,
 * what was expected, and what to do. */
#include "graph-private.h"

#include <errno.h>
#include <string.h>

#include "media-kind.h"
#include "plan-private.h"

/** What is known of a file that was refused. */
typedef struct
{
  GstElement *target; /* nullable: who was to read it */
  GstCaps *taken; /* nullable: what that takes */
  GstCaps *type; /* nullable: what the file is */
  gchar *file;
  gboolean empty;
} About;

static void
about_clear (About *about)
{
  gst_clear_object (&about->target);
  gst_clear_caps (&about->taken);
  gst_clear_caps (&about->type);
  g_free (about->file);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (About, about_clear)

static void
about_init (About *about, GstElement *element, GstElement *source)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");
  g_autoptr (GstPad) sink = pad ? gst_pad_get_peer (pad) : NULL;

  about->file = mill_graph_input_dup_location (source);
  about->target = element != source ? gst_object_ref (element)
      : sink                        ? gst_pad_get_parent_element (sink)
                                    : NULL;
  about->taken = sink ? gst_pad_get_pad_template_caps (sink) : NULL;
  if (about->file)
    about->type =
        mill_graph_input_find_type (about->file, about->taken, &about->empty);
}

static gboolean
is_of (const GstCaps *caps, MillMediaKind kind)
{
  return caps && !gst_caps_is_any (caps) &&
      mill_media_kind_of_caps (caps) == kind;
}

/* ---- what was expected ---- */

static const MillNode *
find_node (const MillDescription *description, const gchar *name)
{
  GPtrArray *nodes = mill_description_get_nodes (description);

  for (guint i = 0; i < nodes->len; i++) {
    const MillNode *node = g_ptr_array_index (nodes, i);

    if (g_str_equal (node->name, name))
      return node;
  }
  return NULL;
}

/* Returns: (nullable): the parameter that alone is the location of @source */
static const MillParam *
find_param (const MillPlan *plan, GstElement *source)
{
  const MillNode *node =
      find_node (plan->description, GST_OBJECT_NAME (source));
  GPtrArray *params = mill_description_get_params (plan->description);
  const gchar *text = NULL;

  for (guint i = 0; node && i < node->props->len; i++) {
    const MillSetting *setting = g_ptr_array_index (node->props, i);

    if (g_str_equal (setting->name, "location"))
      text = setting->text;
  }
  for (guint i = 0; text && i < params->len; i++) {
    const MillParam *param = g_ptr_array_index (params, i);
    g_autofree gchar *use = g_strdup_printf ("${%s}", param->name);

    if (g_str_equal (text, use))
      return param;
  }
  return NULL;
}

static void
add_expected (GString *text, const About *about, const MillParam *param)
{
  gboolean told = strstr (text->str, "expected ") != NULL;

  if (param && param->summary) {
    g_string_append_printf (text,
        told ? "; parameter '%s' is %s" : ", expected for '%s' %s", param->name,
        param->summary);
  } else if (!told && about->taken && !gst_caps_is_any (about->taken)) {
    g_autofree gchar *takes = mill_media_kind_describe_container (about->taken);

    g_string_append_printf (text, ", expected %s", takes);
  }
}

/* ---- what it is ---- */

static void
add_got (GString *text, const About *about)
{
  g_autofree gchar *type =
      about->type ? mill_media_kind_describe_container (about->type) : NULL;

  if (strstr (text->str, "got "))
    return;
  g_string_append_printf (text, ": got %s",
      type               ? type
          : about->empty ? "0 bytes"
                         : "what is of no known type");
}

/* ---- what to do ---- */

static gboolean
is_damage (gint code)
{
  return code == GST_STREAM_ERROR_DEMUX || code == GST_STREAM_ERROR_DECODE;
}

/* A container that holds media, but not one of those that @about takes. */
static gboolean
is_other_container (const About *about)
{
  return !gst_caps_is_any (about->taken) &&
      !gst_caps_can_intersect (about->type, about->taken);
}

static void
add_advice (GString *text, const About *about, gint code)
{
  g_autofree gchar *file = g_shell_quote (about->file);

  if (is_of (about->taken, MILL_MEDIA_KIND_TEXT))
    g_string_append (text,
        "; name a file of subtitles, SubRip or WebVTT in UTF-8 for example");
  else if (!about->taken || !is_of (about->type, MILL_MEDIA_KIND_OTHER))
    g_string_append (text, "; name a film");
  else if (is_other_container (about))
    g_string_append_printf (text,
        "; `millrace run vod-file --set input=%s --set output=film.mp4` copies "
        "a film into MP4",
        file);
  else if (is_damage (code))
    g_string_append_printf (text,
        "; it may be damaged or cut off: copy it again from where it came, or "
        "try what `ffmpeg -i %s -c copy film.mp4` can save",
        file);
  else if (code == GST_STREAM_ERROR_WRONG_TYPE)
    g_string_append (text, "; name a film that has one of them");
  else
    g_string_append_printf (text,
        "; encode it anew, as by `ffmpeg -i %s -c:v libx264 -c:a aac film.mp4`",
        file);
}

/* ---- places that cannot be written ---- */

static gboolean
is_denied (const GError *error)
{
  return error->code == GST_RESOURCE_ERROR_NOT_AUTHORIZED ||
      (error->code == GST_RESOURCE_ERROR_OPEN_WRITE &&
          strstr (error->message, g_strerror (EACCES)));
}

/* Of a path, as opposed to a server. Returns: (transfer full) (nullable) */
static gchar *
dup_path (GstElement *element)
{
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), "location");
  g_autofree gchar *location = NULL;

  if (pspec && G_IS_PARAM_SPEC_STRING (pspec))
    g_object_get (element, "location", &location, NULL);
  return location && !strstr (location, "://") ? g_steal_pointer (&location)
                                               : NULL;
}

/* One cause has one code, whoever meets it: a server that lets nobody in is
 * another one than a directory of another user. */
static void
explain_place (GstElement *element, GError **error)
{
  g_autofree gchar *path = dup_path (element);
  gchar *text;

  if (!path || !is_denied (*error))
    return;
  text = g_strdup_printf ("%s; user '%s' may not write at '%s': name another "
                          "place, or change its owner or mode, or those of the "
                          "directories it is in",
      (*error)->message, g_get_user_name (), path);
  g_free ((*error)->message);
  (*error)->message = text;
  (*error)->code = GST_RESOURCE_ERROR_OPEN_WRITE;
}

void
mill_graph_explain (GstElement *element, const MillPlan *plan, GError **error)
{
  g_autoptr (GstElement) source =
      element ? mill_graph_input_get_source (element) : NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (About) about = { 0 };

  if (element && (*error)->domain == GST_RESOURCE_ERROR)
    explain_place (element, error);
  if (!source || (*error)->domain != GST_STREAM_ERROR)
    return;
  about_init (&about, element, source);
  if (!about.file)
    return;
  g_string_append_printf (text, "file '%s': ", about.file);
  /* A source knows only that nobody wants what it reads. */
  if (element == source && about.target) {
    g_string_append_printf (text, "node '%s' cannot use it",
        GST_OBJECT_NAME (about.target));
    (*error)->code = GST_STREAM_ERROR_WRONG_TYPE;
  } else {
    g_string_append (text, (*error)->message);
  }
  if (g_str_has_suffix (text->str, "."))
    g_string_truncate (text, text->len - 1);
  add_got (text, &about);
  add_expected (text, &about, find_param (plan, source));
  add_advice (text, &about, (*error)->code);
  g_free ((*error)->message);
  (*error)->message = g_strdup (text->str);
}
