/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * A request pad of cmafsink: one rendition. Its properties may be set until
 * the first data; a rendition's name and group are fixed then.
 */

#include "gstcmafsinkpad.h"

#define DEFAULT_GROUP "audio"
#define DEFAULT_GROUP_OF_TEXT "subs"

enum
{
  PROP_NAME_OF_RENDITION = 1,
  PROP_LANGUAGE,
  PROP_GROUP,
  PROP_DEFAULT,
  PROP_FORCED,
  PROP_HEARING_IMPAIRED,
  PROP_CLOSED_CAPTIONS,
};

struct _GstCmafSinkPad
{
  GstPad parent;

  /* object lock */
  GstCmafSinkPadSettings settings;
  gchar *tag_language;

  /* streaming thread */
  MillCmafLane *lane;
  GstCmafMedia media; /* its kind comes with the lane */
  GstCmafSinkText text; /* of a pad of text */
  GstCmafSinkCaptions captions; /* of a pad of video */
  gboolean watches_captions;
};

G_DEFINE_TYPE (GstCmafSinkPad, gst_cmaf_sink_pad, GST_TYPE_PAD)

void
gst_cmaf_sink_pad_get_settings (GstCmafSinkPad *self,
    GstCmafSinkPadSettings *ret_settings)
{
  const gchar *group = gst_cmaf_sink_pad_get_kind (self) == MILL_CMAF_TEXT
      ? DEFAULT_GROUP_OF_TEXT
      : DEFAULT_GROUP;
  GST_OBJECT_LOCK (self);
  *ret_settings = (GstCmafSinkPadSettings){
    .name = g_strdup (self->settings.name),
    .language = g_strdup (self->settings.language ? self->settings.language
                                                  : self->tag_language),
    .group = g_strdup (self->settings.group ? self->settings.group : group),
    .is_default = self->settings.is_default,
    .text_role = self->settings.text_role,
    .closed_captions = g_strdup (self->settings.closed_captions),
  };
  GST_OBJECT_UNLOCK (self);
}

void
gst_cmaf_sink_pad_clear_settings (GstCmafSinkPadSettings *settings)
{
  g_clear_pointer (&settings->name, g_free);
  g_clear_pointer (&settings->language, g_free);
  g_clear_pointer (&settings->group, g_free);
  g_clear_pointer (&settings->closed_captions, g_free);
}

gboolean
gst_cmaf_sink_pad_suggest_language (GstCmafSinkPad *self, const gchar *language)
{
  GST_OBJECT_LOCK (self);
  gboolean is_other = g_strcmp0 (self->tag_language, language) != 0;
  g_free (self->tag_language);
  self->tag_language = g_strdup (language);
  GST_OBJECT_UNLOCK (self);
  return is_other;
}

MillCmafKind
gst_cmaf_sink_pad_get_kind (GstCmafSinkPad *self)
{
  const gchar *template =
      GST_PAD_TEMPLATE_NAME_TEMPLATE (GST_PAD_PAD_TEMPLATE (self));
  if (g_str_has_prefix (template, "text"))
    return MILL_CMAF_TEXT;
  return g_str_has_prefix (template, "audio") ? MILL_CMAF_AUDIO
                                              : MILL_CMAF_VIDEO;
}

MillCmafLane *
gst_cmaf_sink_pad_get_lane (GstCmafSinkPad *self)
{
  return self->lane;
}

void
gst_cmaf_sink_pad_set_lane (GstCmafSinkPad *self, MillCmafLane *lane)
{
  self->lane = lane;
  self->media.kind = gst_cmaf_sink_pad_get_kind (self);
  gst_cmaf_media_set_segment (&self->media, NULL);
}

GstCmafMedia *
gst_cmaf_sink_pad_get_media (GstCmafSinkPad *self)
{
  return &self->media;
}

GstCmafSinkText *
gst_cmaf_sink_pad_get_text (GstCmafSinkPad *self)
{
  return &self->text;
}

GstCmafSinkCaptions *
gst_cmaf_sink_pad_get_captions (GstCmafSinkPad *self)
{
  return self->watches_captions ? &self->captions : NULL;
}

void
gst_cmaf_sink_pad_watch_captions (GstCmafSinkPad *self, gboolean watch)
{
  if (watch && !self->watches_captions)
    self->captions = (GstCmafSinkCaptions){ .until = GST_CLOCK_STIME_NONE };
  self->watches_captions = watch;
}

void
gst_cmaf_sink_pad_add_latency (GstCmafSinkPad *self, gboolean *live,
    GstClockTime *least, GstClockTime *most)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean peer_live = FALSE;
  GstClockTime peer_least;
  GstClockTime peer_most;
  if (gst_pad_peer_query (GST_PAD (self), query))
    gst_query_parse_latency (query, &peer_live, &peer_least, &peer_most);
  if (!peer_live)
    return;
  *live = TRUE;
  *least = MAX (*least, peer_least);
  if (GST_CLOCK_TIME_IS_VALID (peer_most))
    *most = MIN (*most, peer_most);
}

/* Pads are children, so that "cmafsink.video_0::name" can be set. The default
 * look-up would ask for the property "name", which is the rendition's here. */
static GObject *
get_child_by_name (GstChildProxy *proxy, const gchar *name)
{
  return (GObject *) gst_element_get_static_pad (GST_ELEMENT (proxy), name);
}

static GObject *
get_child_by_index (GstChildProxy *proxy, guint index)
{
  GST_OBJECT_LOCK (proxy);
  GObject *pad = g_list_nth_data (GST_ELEMENT (proxy)->sinkpads, index);
  if (pad != NULL)
    g_object_ref (pad);
  GST_OBJECT_UNLOCK (proxy);
  return pad;
}

static guint
get_children_count (GstChildProxy *proxy)
{
  GST_OBJECT_LOCK (proxy);
  guint count = GST_ELEMENT (proxy)->numsinkpads;
  GST_OBJECT_UNLOCK (proxy);
  return count;
}

void
gst_cmaf_sink_pad_init_child_proxy (gpointer g_iface, gpointer data)
{
  GstChildProxyInterface *iface = g_iface;
  iface->get_child_by_name = get_child_by_name;
  iface->get_child_by_index = get_child_by_index;
  iface->get_children_count = get_children_count;
}

static void
set_role (GstCmafSinkPad *self, MillCmafTextRole role, const GValue *value)
{
  if (g_value_get_boolean (value))
    self->settings.text_role |= role;
  else
    self->settings.text_role &= ~role;
}

static void
gst_cmaf_sink_pad_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstCmafSinkPad *self = GST_CMAF_SINK_PAD (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_NAME_OF_RENDITION:
      g_free (self->settings.name);
      self->settings.name = g_value_dup_string (value);
      break;
    case PROP_LANGUAGE:
      g_free (self->settings.language);
      self->settings.language = g_value_dup_string (value);
      break;
    case PROP_GROUP:
      g_free (self->settings.group);
      self->settings.group = g_value_dup_string (value);
      break;
    case PROP_DEFAULT:
      self->settings.is_default = g_value_get_boolean (value);
      break;
    case PROP_FORCED:
      set_role (self, MILL_CMAF_TEXT_FORCED, value);
      break;
    case PROP_HEARING_IMPAIRED:
      set_role (self, MILL_CMAF_TEXT_HEARING_IMPAIRED, value);
      break;
    case PROP_CLOSED_CAPTIONS:
      g_free (self->settings.closed_captions);
      self->settings.closed_captions = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_sink_pad_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstCmafSinkPad *self = GST_CMAF_SINK_PAD (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_NAME_OF_RENDITION:
      g_value_set_string (value, self->settings.name);
      break;
    case PROP_LANGUAGE:
      g_value_set_string (value, self->settings.language);
      break;
    case PROP_GROUP:
      g_value_set_string (value,
          self->settings.group ? self->settings.group : DEFAULT_GROUP);
      break;
    case PROP_DEFAULT:
      g_value_set_boolean (value, self->settings.is_default);
      break;
    case PROP_FORCED:
      g_value_set_boolean (value,
          (self->settings.text_role & MILL_CMAF_TEXT_FORCED) != 0);
      break;
    case PROP_HEARING_IMPAIRED:
      g_value_set_boolean (value,
          (self->settings.text_role & MILL_CMAF_TEXT_HEARING_IMPAIRED) != 0);
      break;
    case PROP_CLOSED_CAPTIONS:
      g_value_set_string (value, self->settings.closed_captions);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_sink_pad_finalize (GObject *object)
{
  GstCmafSinkPad *self = GST_CMAF_SINK_PAD (object);
  gst_cmaf_sink_pad_clear_settings (&self->settings);
  gst_cmaf_sink_text_clear (&self->text);
  g_free (self->tag_language);
  G_OBJECT_CLASS (gst_cmaf_sink_pad_parent_class)->finalize (object);
}

static void
gst_cmaf_sink_pad_class_init (GstCmafSinkPadClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  object_class->set_property = gst_cmaf_sink_pad_set_property;
  object_class->get_property = gst_cmaf_sink_pad_get_property;
  object_class->finalize = gst_cmaf_sink_pad_finalize;

  /* Takes the place of GstObject's property of that name, which nothing sets
   * on a pad: gst_object_set_name() is how a pad gets its own name. */
  g_object_class_install_property (object_class, PROP_NAME_OF_RENDITION,
      g_param_spec_string ("name", "Name",
          "Name of the rendition in URIs ([A-Za-z0-9_-], at most 64); "
          "by default v{height}, a{kbit} or the language of text",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_LANGUAGE,
      g_param_spec_string ("language", "Language",
          "Language of audio or text (ISO 639-2/T or BCP 47); by default from "
          "tags",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_GROUP,
      g_param_spec_string ("group", "Group",
          "Audio of one group are alternatives that a player chooses among, "
          "and so is text, of which the group is subs by default",
          DEFAULT_GROUP, flags));
  g_object_class_install_property (object_class, PROP_DEFAULT,
      g_param_spec_boolean ("default", "Default",
          "Whether this audio plays, or this text is shown, when the viewer "
          "has no preference",
          FALSE, flags));
  g_object_class_install_property (object_class, PROP_FORCED,
      g_param_spec_boolean ("forced", "Forced",
          "Whether this text is what viewers need who want no subtitles", FALSE,
          flags));
  g_object_class_install_property (object_class, PROP_HEARING_IMPAIRED,
      g_param_spec_boolean ("hearing-impaired", "Hearing impaired",
          "Whether this text also tells what can be heard besides words", FALSE,
          flags));
  g_object_class_install_property (object_class, PROP_CLOSED_CAPTIONS,
      g_param_spec_string ("closed-captions", "Closed captions",
          "Captions inside of this video and their languages, as in "
          "'CC1=en,CC3=es,SERVICE1=en', or 'none'; by default they are looked "
          "for",
          NULL, flags));
}

static void
gst_cmaf_sink_pad_init (GstCmafSinkPad *self)
{
  gst_cmaf_media_init (&self->media, MILL_CMAF_VIDEO);
}
