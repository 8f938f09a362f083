/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * A request pad of cmafsink: one rendition. Its properties may be set until
 * the first data; a rendition's name and group are fixed then.
 */

#include "gstcmafsinkpad.h"

#include "codec/av1.h"
#include "gstcmafsinkcaps.h"

#define DEFAULT_GROUP "audio"

enum
{
  PROP_NAME_OF_RENDITION = 1,
  PROP_LANGUAGE,
  PROP_GROUP,
  PROP_DEFAULT,
};

struct _GstCmafSinkPad
{
  GstPad parent;

  /* object lock */
  GstCmafSinkPadSettings settings;
  gchar *tag_language;

  /* streaming thread */
  MillCmafLane *lane;
  MillCmafKind kind; /* with the lane */
  MillCodecInfo codec;
  MillBmffOrientation orientation;
  gboolean incomplete; /* a frame to come has to tell the rest of the codec */
  gboolean usable; /* codec is that of the frames */
  gboolean is_identity; /* running time is what the stamps say */
  GstSegment segment;
};

G_DEFINE_TYPE (GstCmafSinkPad, gst_cmaf_sink_pad, GST_TYPE_PAD)

void
gst_cmaf_sink_pad_get_settings (GstCmafSinkPad *self,
    GstCmafSinkPadSettings *ret_settings)
{
  GST_OBJECT_LOCK (self);
  *ret_settings = (GstCmafSinkPadSettings){
    .name = g_strdup (self->settings.name),
    .language = g_strdup (self->settings.language ? self->settings.language
                                                  : self->tag_language),
    .group = g_strdup (self->settings.group),
    .is_default = self->settings.is_default,
  };
  GST_OBJECT_UNLOCK (self);
}

void
gst_cmaf_sink_pad_clear_settings (GstCmafSinkPadSettings *settings)
{
  g_clear_pointer (&settings->name, g_free);
  g_clear_pointer (&settings->language, g_free);
  g_clear_pointer (&settings->group, g_free);
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
  self->kind = gst_cmaf_sink_pad_get_kind (self);
  gst_cmaf_sink_pad_set_segment (self, NULL);
}

void
gst_cmaf_sink_pad_set_segment (GstCmafSinkPad *self, const GstSegment *segment)
{
  if (segment != NULL)
    gst_segment_copy_into (segment, &self->segment);
  else
    gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->is_identity = self->segment.rate == 1.0 && self->segment.base == 0 &&
      self->segment.start == 0 && self->segment.offset == 0 &&
      !GST_CLOCK_TIME_IS_VALID (self->segment.stop);
}

void
gst_cmaf_sink_pad_set_codec (GstCmafSinkPad *self, const MillCodecInfo *codec)
{
  self->codec = *codec;
  self->incomplete = FALSE;
  self->usable = TRUE;
}

void
gst_cmaf_sink_pad_expect_codec (GstCmafSinkPad *self, MillCodec codec)
{
  self->incomplete = TRUE;
  self->usable &= self->codec.codec == codec;
}

gboolean
gst_cmaf_sink_pad_is_incomplete (GstCmafSinkPad *self)
{
  return self->incomplete;
}

gboolean
gst_cmaf_sink_pad_is_usable (GstCmafSinkPad *self)
{
  return self->usable;
}

gboolean
gst_cmaf_sink_pad_set_orientation (GstCmafSinkPad *self,
    MillBmffOrientation orientation)
{
  gboolean changed = self->orientation != orientation;
  self->orientation = orientation;
  return changed;
}

MillBmffOrientation
gst_cmaf_sink_pad_get_orientation (GstCmafSinkPad *self)
{
  return self->orientation;
}

/* What has no place in a sample is left out: AV1's temporal delimiter. */
GstBuffer *
gst_cmaf_sink_pad_strip_buffer (GstCmafSinkPad *self, GstBuffer *buffer)
{
  GstMapInfo map;
  if (self->codec.codec != MILL_CODEC_AV1 || self->kind != MILL_CMAF_VIDEO ||
      !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return buffer;
  gsize size = mill_av1_get_delimiter_size (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (size == 0)
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  gst_buffer_resize (buffer, (gssize) size, -1);
  return buffer;
}

static void
look_into (const GstCmafSinkPad *self, GstBuffer *buffer, MillCmafInput *input)
{
  gboolean is_video = self->kind == MILL_CMAF_VIDEO;
  GstMapInfo map;
  input->sync = !is_video;
  if (is_video ? GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)
               : !mill_codec_varies (self->codec.codec))
    return;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (is_video) {
    GstCmafSinkCapsAccess access =
        gst_cmaf_sink_caps_get_access (&self->codec, map.data, map.size);
    input->sync = access != GST_CMAF_SINK_CAPS_NO_ACCESS;
    input->open = access == GST_CMAF_SINK_CAPS_OPEN_ACCESS;
  } else {
    input->frame_length =
        mill_codec_get_frame_length (&self->codec, map.data, map.size);
  }
  gst_buffer_unmap (buffer, &map);
}

static GstClockTimeDiff
to_running_time (const GstCmafSinkPad *self, GstClockTime time)
{
  guint64 running;
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_CLOCK_STIME_NONE;
  if (self->is_identity)
    return (GstClockTimeDiff) time;
  gint sign = gst_segment_to_running_time_full (&self->segment, GST_FORMAT_TIME,
      time, &running);
  if (sign == 0)
    return GST_CLOCK_STIME_NONE;
  return sign > 0 ? (GstClockTimeDiff) running : -(GstClockTimeDiff) running;
}

gboolean
gst_cmaf_sink_pad_describe_buffer (GstCmafSinkPad *self, GstBuffer *buffer,
    MillCmafInput *ret_input)
{
  GstClockTime pts = GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer)
                                                      : GST_BUFFER_DTS (buffer);
  GstClockTimeDiff time = to_running_time (self, pts);
  gsize size = gst_buffer_get_size (buffer);
  if (!GST_CLOCK_STIME_IS_VALID (time) || size == 0)
    return FALSE;
  *ret_input = (MillCmafInput){
    .pts = time,
    .dts = to_running_time (self, GST_BUFFER_DTS (buffer)),
    .duration = GST_BUFFER_DURATION (buffer),
    .size = size,
    .discont = GST_BUFFER_IS_DISCONT (buffer),
  };
  look_into (self, buffer, ret_input);
  return TRUE;
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
      if (self->settings.group == NULL)
        self->settings.group = g_strdup (DEFAULT_GROUP);
      break;
    case PROP_DEFAULT:
      self->settings.is_default = g_value_get_boolean (value);
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
      g_value_set_string (value, self->settings.group);
      break;
    case PROP_DEFAULT:
      g_value_set_boolean (value, self->settings.is_default);
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
          "by default v{height} or a{kbit}",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_LANGUAGE,
      g_param_spec_string ("language", "Language",
          "Language of audio (ISO 639-2/T or BCP 47); by default from tags",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_GROUP,
      g_param_spec_string ("group", "Group",
          "Audio of one group are alternatives that a player chooses among",
          DEFAULT_GROUP, flags));
  g_object_class_install_property (object_class, PROP_DEFAULT,
      g_param_spec_boolean ("default", "Default",
          "Whether this audio plays when the viewer has no preference", FALSE,
          flags));
}

static void
gst_cmaf_sink_pad_init (GstCmafSinkPad *self)
{
  self->settings.group = g_strdup (DEFAULT_GROUP);
  self->incomplete = TRUE;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
}
