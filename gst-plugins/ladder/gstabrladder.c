/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-abrladder
 *
 * Makes an adaptive ladder of one source: decodes once, scales in a cascade,
 * encodes every rung with keyframes exactly where the source has them, and
 * audio once.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! abrladder name=l preset=test \
 *         l.video_0 ! cmafsink name=c location=out mode=vod \
 *         l.video_1 ! c.  d.audio_0 ! l.  l.audio_0 ! c.
 *
 * States: the preset is read in NULL->READY. What is inside is made when caps
 * come, by the thread that brings them, and goes in PAUSED->READY.
 *
 * Threads: the sources' streaming threads, and one per rung: ladder-video.h.
 * Sources may come from one thread or two; the object lock guards what both use.
 */

#include "ladder-audio.h"
#include "ladder-encoder.h"
#include "ladder-video.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC (abrladder_debug);
#define GST_CAT_DEFAULT abrladder_debug

#define GST_TYPE_ABR_LADDER (gst_abr_ladder_get_type ())
G_DECLARE_FINAL_TYPE (GstAbrLadder, gst_abr_ladder, GST, ABR_LADDER, GstBin)

#define DEFAULT_PRESET "standard"
#define DEFAULT_ENCODER "auto"
#define DEFAULT_KEYFRAME_INTERVAL_MS 2000

typedef enum
{
  TOP_ENCODE,
  TOP_SKIP,
} Top;

enum
{
  PROP_PRESET = 1,
  PROP_RUNGS,
  PROP_ENCODER,
  PROP_TOP,
  PROP_KEYFRAME_INTERVAL_MS,
};

typedef enum
{
  INPUT_VIDEO,
  INPUT_AUDIO,
  N_INPUTS,
} InputKind;

typedef struct
{
  GstPad *pad; /* object lock; owned by the element; NULL: not requested */
  GstCaps *caps; /* streaming thread: what its chain was made for */
  gboolean settled; /* object lock: its source pads are there, or never come */
  gulong discard_id; /* streaming thread: of the probe; 0: not discarded */
  gboolean failed; /* streaming thread: told once, though caps come again */
} Input;

struct _GstAbrLadder
{
  GstBin parent;

  /* object lock */
  gchar *preset_name;
  GValue rungs; /* GstValueArray of GstStructure */
  gchar *encoder_name;
  Top top;
  guint keyframe_interval_ms;
  Input inputs[N_INPUTS];
  gboolean no_more_pads;

  /* from NULL->READY to READY->NULL, constant between */
  MillLadderPreset *preset;
  MillLadderPlan plan;

  /* from READY->PAUSED to PAUSED->READY */
  MillLadderKeyframes *keyframes;

  gint is_raw; /* atomic: keyframes are the ladder's own */
  gint keyframe_wanted; /* atomic: the next raw frame is to be one */
  GstClockTime keyframe_due; /* streaming thread of raw video; running time */
};

GST_ELEMENT_REGISTER_DECLARE (abrladder)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (abrladder, "abrladder", GST_RANK_NONE,
    GST_TYPE_ABR_LADDER,
    GST_DEBUG_CATEGORY_INIT (abrladder_debug, "abrladder", 0,
        "adaptive ladder"))

G_DEFINE_FINAL_TYPE (GstAbrLadder, gst_abr_ladder, GST_TYPE_BIN)

static GstStaticPadTemplate video_sink_template =
    GST_STATIC_PAD_TEMPLATE ("video", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("video/x-raw; video/x-h264"));
static GstStaticPadTemplate audio_sink_template =
    GST_STATIC_PAD_TEMPLATE ("audio", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (
            "audio/x-raw; audio/mpeg, mpegversion = (int) { 2, 4 }; "
            "audio/mpeg, mpegversion = (int) 1, layer = (int) [ 1, 3 ]"));
static GstStaticPadTemplate video_src_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("video/x-h264, stream-format = (string) avc, "
                         "alignment = (string) au"));
static GstStaticPadTemplate audio_src_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion = (int) 4, "
                         "stream-format = (string) raw"));

#define GST_TYPE_ABR_LADDER_TOP (gst_abr_ladder_top_get_type ())
static GType
gst_abr_ladder_top_get_type (void)
{
  static const GEnumValue values[] = {
    { TOP_ENCODE, "Encode a rung of the source's own size too", "encode" },
    { TOP_SKIP, "Only rungs below the source, which goes another way", "skip" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstAbrLadderTop", values));
  return type;
}

/* ---- errors ---- */

/* The one place where a GError becomes a message. */
static void
post_error (GstAbrLadder *self, const GError *error)
{
  g_autofree gchar *debug = g_strdup_printf ("%s, code %d",
      g_quark_to_string (error->domain), error->code);
  switch (error->code) {
    case MILL_LADDER_ERROR_NOT_FOUND:
      GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND, ("%s", error->message),
          ("%s", debug));
      break;
    case MILL_LADDER_ERROR_INVALID:
      GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message),
          ("%s", debug));
      break;
    case MILL_LADDER_ERROR_MISSING:
      GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN, ("%s", error->message),
          ("%s", debug));
      break;
    default:
      GST_ELEMENT_ERROR (self, CORE, FAILED, ("%s", error->message),
          ("%s", debug));
      break;
  }
}

/* ---- source pads ---- */

/* A keyframe on demand is one in every rung, so it has to come from before the
 * ladder: from the encoder of the source, or with the next raw frame. */
static gboolean
want_keyframe (GstAbrLadder *self, GstEvent *event)
{
  GST_OBJECT_LOCK (self);
  GstPad *video = self->inputs[INPUT_VIDEO].pad;
  g_autoptr (GstPad) pad = video != NULL ? gst_object_ref (video) : NULL;
  GST_OBJECT_UNLOCK (self);
  if (pad == NULL || g_atomic_int_get (&self->is_raw)) {
    g_atomic_int_set (&self->keyframe_wanted, TRUE);
    gst_event_unref (event);
    return TRUE;
  }
  return gst_pad_push_event (pad, event);
}

static gboolean
on_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  if (gst_video_event_is_force_key_unit (event))
    return want_keyframe (GST_ABR_LADDER (parent), event);
  /* Frames are never dropped for being late: renditions would differ. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    gst_event_unref (event);
    return TRUE;
  }
  return gst_pad_event_default (pad, parent, event);
}

static void
expose_pad (GstAbrLadder *self, GstStaticPadTemplate *template, guint index,
    GstPad *target)
{
  g_autoptr (GstPadTemplate) pad_template =
      gst_static_pad_template_get (template);
  g_autofree gchar *name = g_strdup_printf (template == &video_src_template
          ? "video_%u"
          : "audio_%u",
      index);
  GstPad *pad = gst_ghost_pad_new_from_template (name, target, pad_template);
  gst_pad_set_event_function (pad, on_src_event);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (GST_ELEMENT (self), pad);
}

/* no-more-pads comes once, when all sinks that were requested have theirs. */
static void
settle (GstAbrLadder *self, InputKind kind)
{
  GST_OBJECT_LOCK (self);
  self->inputs[kind].settled = TRUE;
  gboolean complete = !self->no_more_pads;
  for (guint i = 0; i < N_INPUTS; i++)
    complete &= self->inputs[i].pad == NULL || self->inputs[i].settled;
  self->no_more_pads |= complete;
  GST_OBJECT_UNLOCK (self);
  if (complete)
    gst_element_no_more_pads (GST_ELEMENT (self));
}

/* What goes to no rung ends here, and its source is not told to stop. */
static GstPadProbeReturn
on_discarded (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_PAD_PROBE_DROP;
}

static gulong
discard (GstPad *pad)
{
  return gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_discarded,
      NULL, NULL);
}

/* ---- video ---- */

/* @ret_entry: NULL when no rung is below the source. */
static gboolean
add_rungs (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  g_autoptr (GPtrArray) outputs =
      g_ptr_array_new_with_free_func (gst_object_unref);
  if (!mill_ladder_video_add_rungs (GST_BIN (self), &self->plan,
          self->keyframes, caps, outputs, ret_entry, error))
    return FALSE;
  gst_bin_sync_children_states (GST_BIN (self));
  for (guint i = 0; i < outputs->len; i++)
    expose_pad (self, &video_src_template, i, g_ptr_array_index (outputs, i));
  GST_INFO_OBJECT (self, "%u rungs for %" GST_PTR_FORMAT, outputs->len, caps);
  return TRUE;
}

/* A raw source has no keyframes of its own: the first frame at or after each
 * multiple of the interval. */
static GstPadProbeReturn
on_raw_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstAbrLadder *self = user_data;
  if ((GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_FLUSH) != 0) {
    if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
        GST_EVENT_FLUSH_STOP) {
      mill_ladder_keyframes_clear (self->keyframes);
      self->keyframe_due = GST_CLOCK_TIME_NONE;
    }
    return GST_PAD_PROBE_OK;
  }
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  if (event == NULL)
    return GST_PAD_PROBE_OK;
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstClockTime time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_OK;
  gboolean is_first = !GST_CLOCK_TIME_IS_VALID (self->keyframe_due);
  gboolean is_wanted =
      g_atomic_int_compare_and_exchange (&self->keyframe_wanted, TRUE, FALSE);
  if (!is_first && !is_wanted && time < self->keyframe_due)
    return GST_PAD_PROBE_OK;
  mill_ladder_keyframes_add (self->keyframes, time);
  GstClockTime interval;
  GST_OBJECT_LOCK (self);
  interval = self->keyframe_interval_ms * GST_MSECOND;
  GST_OBJECT_UNLOCK (self);
  if (is_first)
    self->keyframe_due = time;
  if (time >= self->keyframe_due)
    self->keyframe_due += ((time - self->keyframe_due) / interval + 1) *
        interval;
  return GST_PAD_PROBE_OK;
}

static gboolean
build_raw (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  g_atomic_int_set (&self->is_raw, TRUE);
  if (!add_rungs (self, caps, ret_entry, error))
    return FALSE;
  if (*ret_entry != NULL)
    gst_pad_add_probe (*ret_entry,
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
        on_raw_frame, self, NULL);
  settle (self, INPUT_VIDEO);
  return TRUE;
}

/* The decoder knows the size. */
static GstPadProbeReturn
on_decoded (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstAbrLadder *self = user_data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS || gst_pad_is_linked (pad))
    return GST_PAD_PROBE_OK;
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  g_autoptr (GstPad) entry = NULL;
  g_autoptr (GError) error = NULL;
  if (!add_rungs (self, caps, &entry, &error)) {
    post_error (self, error);
    return GST_PAD_PROBE_REMOVE; /* not linked: the flow ends here */
  }
  if (entry == NULL || gst_pad_link (pad, entry) != GST_PAD_LINK_OK)
    discard (pad);
  settle (self, INPUT_VIDEO);
  return GST_PAD_PROBE_REMOVE;
}

static gboolean
build_video (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (gst_structure_has_name (structure, "video/x-raw"))
    return build_raw (self, caps, ret_entry, error);
  g_autoptr (GstPad) decoded = NULL;
  *ret_entry = mill_ladder_video_add_decoder (GST_BIN (self), self->keyframes,
      &decoded, error);
  if (*ret_entry == NULL)
    return FALSE;
  gst_pad_add_probe (decoded, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_decoded,
      self, NULL);
  return TRUE;
}

/* ---- audio ---- */

/* With top=skip the source goes to the packager by itself, and its AAC with
 * it. */
static gboolean
build_audio (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  if (!self->plan.skip_top || !mill_ladder_audio_is_aac (caps)) {
    g_autoptr (GstPad) src = NULL;
    *ret_entry = mill_ladder_audio_add (GST_BIN (self), caps,
        self->preset->audio_bitrate_bps, &src, error);
    if (*ret_entry == NULL)
      return FALSE;
    gst_bin_sync_children_states (GST_BIN (self));
    expose_pad (self, &audio_src_template, 0, src);
  }
  settle (self, INPUT_AUDIO);
  return TRUE;
}

/* ---- sink pads ---- */

static InputKind
get_kind (GstAbrLadder *self, GstPad *pad)
{
  return GST_PAD_PAD_TEMPLATE (pad) != NULL &&
          g_str_equal (
              GST_PAD_TEMPLATE_NAME_TEMPLATE (GST_PAD_PAD_TEMPLATE (pad)),
              "video")
      ? INPUT_VIDEO
      : INPUT_AUDIO;
}

/* Whether the chain that was made for @old takes @caps. */
static gboolean
is_same_media (const GstCaps *old, const GstCaps *caps)
{
  return g_str_equal (gst_structure_get_name (gst_caps_get_structure (old, 0)),
             gst_structure_get_name (gst_caps_get_structure (caps, 0))) &&
      mill_ladder_audio_is_aac (old) == mill_ladder_audio_is_aac (caps);
}

static gboolean
build (GstAbrLadder *self, GstPad *pad, const GstCaps *caps, GError **error)
{
  InputKind kind = get_kind (self, pad);
  g_autoptr (GstPad) entry = NULL;
  gboolean is_built = kind == INPUT_VIDEO
      ? build_video (self, caps, &entry, error)
      : build_audio (self, caps, &entry, error);
  if (!is_built)
    return FALSE;
  if (entry == NULL)
    self->inputs[kind].discard_id = discard (pad);
  else
    gst_ghost_pad_set_target (GST_GHOST_PAD (pad), entry);
  return TRUE;
}

static gboolean
accept_caps (GstAbrLadder *self, GstPad *pad, GstCaps *caps)
{
  Input *input = &self->inputs[get_kind (self, pad)];
  g_autoptr (GError) error = NULL;
  if (input->failed)
    return FALSE;
  if (input->caps == NULL) {
    gst_caps_replace (&input->caps, caps);
    input->failed = !build (self, pad, caps, &error);
  } else if (!is_same_media (input->caps, caps)) {
    g_set_error (&error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "caps of pad '%s': got %s in mid-stream, expected %s to go on",
        GST_PAD_NAME (pad),
        gst_structure_get_name (gst_caps_get_structure (caps, 0)),
        gst_structure_get_name (gst_caps_get_structure (input->caps, 0)));
  }
  input->failed |= error != NULL;
  if (input->failed)
    post_error (self, error);
  return !input->failed;
}

static gboolean
on_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAbrLadder *self = GST_ABR_LADDER (parent);
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      if (!accept_caps (self, pad, caps)) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    case GST_EVENT_EOS:
      settle (self, get_kind (self, pad));
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_video_event_is_force_key_unit (event) &&
          g_atomic_int_get (&self->is_raw)) {
        g_atomic_int_set (&self->keyframe_wanted, TRUE);
        gst_event_unref (event);
        return TRUE;
      }
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *name, const GstCaps *caps)
{
  GstAbrLadder *self = GST_ABR_LADDER (element);
  const gchar *pad_name = GST_PAD_TEMPLATE_NAME_TEMPLATE (template);
  InputKind kind = g_str_equal (pad_name, "video") ? INPUT_VIDEO : INPUT_AUDIO;
  GstPad *pad = gst_ghost_pad_new_no_target_from_template (pad_name, template);
  gst_pad_set_event_function (pad, on_sink_event);
  GST_OBJECT_LOCK (self);
  gboolean is_taken = self->inputs[kind].pad != NULL;
  if (!is_taken)
    self->inputs[kind].pad = pad;
  GST_OBJECT_UNLOCK (self);
  if (is_taken) {
    GST_WARNING_OBJECT (self, "pad '%s' was requested twice", pad_name);
    gst_object_unref (gst_object_ref_sink (pad));
    return NULL;
  }
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstAbrLadder *self = GST_ABR_LADDER (element);
  InputKind kind = get_kind (self, pad);
  GST_OBJECT_LOCK (self);
  self->inputs[kind].pad = NULL;
  GST_OBJECT_UNLOCK (self);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* ---- states ---- */

static gboolean
read_rungs (const GValue *rungs, GArray *ret_rungs, GError **error)
{
  for (guint i = 0; i < gst_value_array_get_size (rungs); i++) {
    const GstStructure *structure =
        gst_value_get_structure (gst_value_array_get_value (rungs, i));
    gint height = 0;
    gint bitrate_bps = 0;
    MillLadderRung rung = { .max_fps_d = 1 };
    gst_structure_get_int (structure, "height", &height);
    gst_structure_get_int (structure, "bitrate-bps", &bitrate_bps);
    gst_structure_get_fraction (structure, "max-frame-rate", &rung.max_fps_n,
        &rung.max_fps_d);
    rung.height = (guint) MAX (height, 0);
    rung.bitrate_bps = (guint) MAX (bitrate_bps, 0);
    if (!mill_ladder_preset_add_rung (ret_rungs, &rung, error)) {
      g_prefix_error (error, "rungs[%u] ", i);
      return FALSE;
    }
  }
  return TRUE;
}

/* In a build tree presets are two folders up from the plugin. */
static MillLadderPreset *
load_preset (const gchar *name, GError **error)
{
  g_autoptr (GstPlugin) plugin =
      gst_registry_find_plugin (gst_registry_get (), "millladder");
  const gchar *file = plugin != NULL ? gst_plugin_get_filename (plugin) : NULL;
  g_autofree gchar *folder = file != NULL ? g_path_get_dirname (file) : NULL;
  g_autofree gchar *built = folder != NULL
      ? g_build_filename (folder, "..", "..", "presets", "ladders", NULL)
      : NULL;
  const gchar *const dirs[] = { MILL_PRESETS_DIR, NULL };
  const gchar *const built_dirs[] = { built, MILL_PRESETS_DIR, NULL };
  gboolean is_built = built != NULL && g_file_test (built, G_FILE_TEST_IS_DIR);
  return mill_ladder_preset_load (name, is_built ? built_dirs : dirs, error);
}

static gboolean
prepare (GstAbrLadder *self, GError **error)
{
  GST_OBJECT_LOCK (self);
  g_autofree gchar *name = g_strdup (self->preset_name);
  g_autofree gchar *encoder = g_strdup (self->encoder_name);
  g_auto (GValue) rungs = G_VALUE_INIT;
  g_value_init (&rungs, GST_TYPE_ARRAY);
  g_value_copy (&self->rungs, &rungs);
  self->plan.skip_top = self->top == TOP_SKIP;
  GST_OBJECT_UNLOCK (self);
  self->preset = load_preset (name, error);
  self->plan.preset = self->preset;
  if (self->preset == NULL)
    return FALSE;
  self->plan.rungs = g_array_new (FALSE, FALSE, sizeof (MillLadderRung));
  if (!read_rungs (&rungs, self->plan.rungs, error))
    return FALSE;
  if (self->plan.rungs->len == 0)
    g_array_append_vals (self->plan.rungs, self->preset->rungs->data,
        self->preset->rungs->len);
  self->plan.encoder = mill_ladder_encoder_find (encoder, error);
  if (self->plan.encoder == NULL)
    return FALSE;
  /* Settings that the encoder refuses are told now, not with the first frame. */
  g_autoptr (MillLadderKeyframes) keyframes = mill_ladder_keyframes_new ();
  GstElement *trial = mill_ladder_encoder_new (self->plan.encoder, self->preset,
      keyframes, error);
  if (trial == NULL)
    return FALSE;
  gst_object_unref (gst_object_ref_sink (trial));
  return TRUE;
}

static void
clear_plan (GstAbrLadder *self)
{
  g_clear_pointer (&self->plan.rungs, g_array_unref);
  g_clear_pointer (&self->preset, mill_ladder_preset_free);
  self->plan.preset = NULL;
  self->plan.encoder = NULL;
}

static void
start (GstAbrLadder *self)
{
  self->keyframes = mill_ladder_keyframes_new ();
  self->keyframe_due = GST_CLOCK_TIME_NONE;
  g_atomic_int_set (&self->is_raw, FALSE);
  g_atomic_int_set (&self->keyframe_wanted, FALSE);
}

static void
remove_source_pads (GstAbrLadder *self)
{
  GST_OBJECT_LOCK (self);
  GList *pads = g_list_copy_deep (GST_ELEMENT (self)->srcpads,
      (GCopyFunc) gst_object_ref, NULL);
  GST_OBJECT_UNLOCK (self);
  for (GList *l = pads; l != NULL; l = l->next) {
    gst_pad_set_active (l->data, FALSE);
    gst_element_remove_pad (GST_ELEMENT (self), l->data);
  }
  g_list_free_full (pads, gst_object_unref);
}

static void
remove_children (GstAbrLadder *self)
{
  GST_OBJECT_LOCK (self);
  GList *children = g_list_copy_deep (GST_BIN (self)->children,
      (GCopyFunc) gst_object_ref, NULL);
  GST_OBJECT_UNLOCK (self);
  for (GList *l = children; l != NULL; l = l->next) {
    gst_bin_remove (GST_BIN (self), l->data);
    gst_element_set_state (l->data, GST_STATE_NULL);
  }
  g_list_free_full (children, gst_object_unref);
}

/* No thread is in here any more: all pads are inactive. */
static void
stop (GstAbrLadder *self)
{
  for (guint i = 0; i < N_INPUTS; i++) {
    Input *input = &self->inputs[i];
    if (input->pad != NULL)
      gst_ghost_pad_set_target (GST_GHOST_PAD (input->pad), NULL);
    if (input->pad != NULL && input->discard_id != 0)
      gst_pad_remove_probe (input->pad, input->discard_id);
    input->discard_id = 0;
    gst_caps_replace (&input->caps, NULL);
    input->settled = FALSE;
    input->failed = FALSE;
  }
  self->no_more_pads = FALSE;
  remove_source_pads (self);
  remove_children (self);
  g_clear_pointer (&self->keyframes, mill_ladder_keyframes_unref);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstAbrLadder *self = GST_ABR_LADDER (element);
  g_autoptr (GError) error = NULL;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !prepare (self, &error)) {
    post_error (self, error);
    clear_plan (self);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_abr_ladder_parent_class)
                                    ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    clear_plan (self);
  return result;
}

/* ---- properties ---- */

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAbrLadder *self = GST_ABR_LADDER (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_PRESET:
      g_free (self->preset_name);
      self->preset_name = g_value_dup_string (value);
      if (self->preset_name == NULL)
        self->preset_name = g_strdup (DEFAULT_PRESET);
      break;
    case PROP_RUNGS:
      g_value_copy (value, &self->rungs);
      break;
    case PROP_ENCODER:
      g_free (self->encoder_name);
      self->encoder_name = g_value_dup_string (value);
      if (self->encoder_name == NULL)
        self->encoder_name = g_strdup (DEFAULT_ENCODER);
      break;
    case PROP_TOP:
      self->top = g_value_get_enum (value);
      break;
    case PROP_KEYFRAME_INTERVAL_MS:
      self->keyframe_interval_ms = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAbrLadder *self = GST_ABR_LADDER (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_PRESET:
      g_value_set_string (value, self->preset_name);
      break;
    case PROP_RUNGS:
      g_value_copy (&self->rungs, value);
      break;
    case PROP_ENCODER:
      g_value_set_string (value, self->encoder_name);
      break;
    case PROP_TOP:
      g_value_set_enum (value, self->top);
      break;
    case PROP_KEYFRAME_INTERVAL_MS:
      g_value_set_uint (value, self->keyframe_interval_ms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
finalize (GObject *object)
{
  GstAbrLadder *self = GST_ABR_LADDER (object);
  clear_plan (self);
  g_value_unset (&self->rungs);
  g_free (self->preset_name);
  g_free (self->encoder_name);
  G_OBJECT_CLASS (gst_abr_ladder_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags =
      (GParamFlags) (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property (object_class, PROP_PRESET,
      g_param_spec_string ("preset", "Preset",
          "Name of a shipped preset, or a preset file", DEFAULT_PRESET, flags));
  g_object_class_install_property (object_class, PROP_RUNGS,
      gst_param_spec_array ("rungs", "Rungs",
          "Rungs in place of the preset's: structures with height, "
          "bitrate-bps (bit/s) and max-frame-rate",
          g_param_spec_boxed ("rung", "Rung", "One rung", GST_TYPE_STRUCTURE,
              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS),
          flags));
  g_object_class_install_property (object_class, PROP_ENCODER,
      g_param_spec_string ("encoder", "Encoder",
          "Video encoder: auto or x264enc", DEFAULT_ENCODER, flags));
  g_object_class_install_property (object_class, PROP_TOP,
      g_param_spec_enum ("top", "Top rung",
          "Whether a rung of the source's own size is encoded",
          GST_TYPE_ABR_LADDER_TOP, TOP_ENCODE, flags));
  g_object_class_install_property (object_class, PROP_KEYFRAME_INTERVAL_MS,
      g_param_spec_uint ("keyframe-interval-ms", "Keyframe interval",
          "Distance of keyframes in ms when the source is raw", 100, 60000,
          DEFAULT_KEYFRAME_INTERVAL_MS,
          (GParamFlags) (flags | GST_PARAM_MUTABLE_PLAYING)));
}

static void
gst_abr_ladder_class_init (GstAbrLadderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties (object_class);
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template (element_class,
      &video_sink_template);
  gst_element_class_add_static_pad_template (element_class,
      &audio_sink_template);
  gst_element_class_add_static_pad_template (element_class,
      &video_src_template);
  gst_element_class_add_static_pad_template (element_class,
      &audio_src_template);
  gst_element_class_set_static_metadata (element_class, "Adaptive ladder",
      "Codec/Encoder/Video/Audio",
      "Decodes once and encodes renditions with the source's keyframes",
      "The millrace authors");
  gst_type_mark_as_plugin_api (GST_TYPE_ABR_LADDER_TOP, 0);
}

static void
gst_abr_ladder_init (GstAbrLadder *self)
{
  self->preset_name = g_strdup (DEFAULT_PRESET);
  self->encoder_name = g_strdup (DEFAULT_ENCODER);
  self->keyframe_interval_ms = DEFAULT_KEYFRAME_INTERVAL_MS;
  g_value_init (&self->rungs, GST_TYPE_ARRAY);
}
