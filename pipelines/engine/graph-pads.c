/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Pads that appear while a graph runs. Each is matched to the links of the
 * plan by its template; what the plan does not know flows away with a warning;
 * what the plan knows and never appears is reported when the element says that
 * no more pads will come. All of it on the element's streaming thread. */
#include "graph-private.h"

#include <string.h>

#include "element-table.h"
#include "media-kind.h"

/* Says of the end of a live link that its pads will grow no more. */
#define CLOSED "millrace-closed"

typedef struct
{
  gint ref_count;
  MillPlan *plan; /* keeps the links */
  GPtrArray *links; /* (element-type MillPlanLink) */
  gboolean pool;
  gboolean is_link; /* a millsrc */
  gboolean may_grow; /* of a producer whose pads come and go */
  GMutex lock;
  guint *n_linked; /* lock: for each link */
  GstCaps *dropped; /* lock: of pads that are in no link */
  gboolean reported; /* lock: no more pads will come, and that was said */
} Watch;

static void
watch_unref (Watch *watch)
{
  if (!g_atomic_int_dec_and_test (&watch->ref_count))
    return;
  g_ptr_array_unref (watch->links);
  mill_plan_unref (watch->plan);
  g_mutex_clear (&watch->lock);
  gst_caps_unref (watch->dropped);
  g_free (watch->n_linked);
  g_free (watch);
}

void
mill_graph_pads_warn (GstElement *element, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  gst_element_post_message (element,
      gst_message_new_application (GST_OBJECT (element),
          gst_structure_new (MILL_GRAPH_WARNING, "text", G_TYPE_STRING, text,
              NULL)));
}

/* The template's name may already tell what flows: then a pad that does not
 * fit its link is an error, not another link's business. */
static gboolean
kind_is_known (GstPad *pad)
{
  g_autoptr (GstPadTemplate) template = gst_pad_get_pad_template (pad);
  MillMediaKind kind;

  if (!template)
    return FALSE;
  kind = mill_media_kind_of_pad (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
      GST_PAD_TEMPLATE_CAPS (template));
  return kind == MILL_MEDIA_KIND_VIDEO || kind == MILL_MEDIA_KIND_AUDIO;
}

/* Returns: (transfer full) (element-type MillPlanLink): the links that @pad
 * is for; they count as linked from now on. */
static GPtrArray *
match_links (Watch *watch, GstBin *pipeline, GstPad *pad)
{
  GPtrArray *matches = g_ptr_array_new ();
  g_autoptr (GstCaps) caps = mill_graph_link_get_caps (pad);
  gboolean known = kind_is_known (pad);

  g_mutex_lock (&watch->lock);
  for (guint i = 0; i < watch->links->len; i++) {
    MillPlanLink *link = g_ptr_array_index (watch->links, i);
    gboolean single = link->to_pad && !strchr (link->to_pad, '%');
    gboolean first = watch->n_linked[i] == 0;

    if (!mill_media_kind_name_fits (link->from_pad, GST_PAD_NAME (pad)) ||
        (single && !first))
      continue;
    if (!(known && first) && !mill_graph_link_accepts (pipeline, link, caps))
      continue;
    watch->n_linked[i]++;
    g_ptr_array_add (matches, link);
  }
  g_mutex_unlock (&watch->lock);
  return matches;
}

void
mill_graph_pads_end (GstElement *target, gpointer sink)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_send_event (sink, gst_event_new_stream_start ("millrace-none"));
  gst_pad_send_event (sink, gst_event_new_segment (&segment));
  gst_pad_send_event (sink, gst_event_new_eos ());
}

/* A branch that gets nothing would keep its sink waiting for ever: it ends.
 * @last: no other source of the target will show a pad that is its first */
static void
end_branch (GstElement *element, const MillPlanLink *link, gboolean last)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  g_autoptr (GstElement) target = NULL;
  g_autoptr (GstPad) sink = NULL;

  if (!parent || !link->to_pad)
    return;
  target = gst_bin_get_by_name (GST_BIN (parent), link->to_node);
  sink = gst_element_get_static_pad (target, link->to_pad);
  /* One that has pads by request alone would wait for its first for ever. */
  if (!sink && last && target->numsinkpads == 0)
    sink = gst_element_request_pad_simple (target, link->to_pad);
  if (sink && !gst_pad_is_linked (sink))
    gst_element_call_async (target, mill_graph_pads_end,
        g_steal_pointer (&sink), gst_object_unref);
}

/* Subtitles that a file may have are not missed; those that were asked for by
 * name are. */
static gboolean
is_missed (const MillPlanLink *link)
{
  return !strchr (link->from_pad, '%') ||
      !(g_str_has_prefix (link->from_pad, "subtitle") ||
          g_str_has_prefix (link->from_pad, "text"));
}

/* What was missing is linked, or ended, by now. */
static void
settle_targets (GstElement *element, Watch *watch)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));

  for (guint i = 0; parent && i < watch->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (watch->links, i);
    g_autoptr (GstElement) target =
        gst_bin_get_by_name (GST_BIN (parent), link->to_node);

    mill_graph_gate_settle (target, link->from_node);
  }
}

/* Whether a node that @watch leads to is fed by another one, or will be: it goes
 * on with that, as a packager does when a source is too small for any rung. Of
 * several that have nothing the last one finds nobody. */
static gboolean
is_fed_otherwise (GstElement *element, const Watch *watch)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  gboolean fed = FALSE;

  for (guint i = 0; parent && !fed && i < watch->links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (watch->links, i);
    g_autoptr (GstElement) target =
        gst_bin_get_by_name (GST_BIN (parent), link->to_node);

    fed |= mill_graph_cut_is_fed_otherwise (watch->plan, link);
    fed |= mill_graph_gate_is_undecided (target);
    GST_OBJECT_LOCK (target);
    for (GList *l = target->sinkpads; l; l = l->next)
      fed |= gst_pad_is_linked (l->data);
    GST_OBJECT_UNLOCK (target);
  }
  return fed;
}

/* Returns: (transfer full): what the targets of @watch take */
static GstCaps *
get_wanted (GstElement *element, const Watch *watch)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  GstCaps *wanted = gst_caps_new_empty ();

  for (guint i = 0; parent && i < watch->links->len; i++)
    wanted = gst_caps_merge (wanted,
        mill_graph_link_get_taken (GST_BIN (parent),
            g_ptr_array_index (watch->links, i)));
  return wanted;
}

/* Returns: (transfer full): of another kind than @dropped, of this one in other
 * formats, or just other pads */
static gchar *
describe_wanted (const Watch *watch, const GstCaps *wanted,
    const GstCaps *dropped)
{
  g_autoptr (GString) pads = g_string_new ("one of the pads ");
  MillMediaKind kinds = mill_media_kind_of_caps (wanted);

  if (!gst_caps_is_any (wanted))
    return mill_media_kind_of_caps (dropped) & kinds
        ? mill_media_kind_describe_beside (wanted, dropped)
        : mill_media_kind_describe_kinds (kinds);
  for (guint i = 0; i < watch->links->len; i++)
    g_string_append_printf (pads, "%s'%s'", i > 0 ? ", " : "",
        ((MillPlanLink *) g_ptr_array_index (watch->links, i))->from_pad);
  return g_strdup (pads->str);
}

/* What came instead, and what was expected. */
static void
post_nothing_usable (GstElement *element, Watch *watch)
{
  g_autoptr (GstCaps) wanted = get_wanted (element, watch);
  g_autoptr (GstCaps) dropped = NULL;
  g_autofree gchar *got = NULL;
  g_autofree gchar *expected = NULL;
  gboolean is_kind;

  g_mutex_lock (&watch->lock);
  dropped = gst_caps_copy (watch->dropped);
  g_mutex_unlock (&watch->lock);
  is_kind = mill_media_kind_of_caps (dropped) &
      mill_media_kind_of_caps (wanted);
  got = gst_caps_is_empty (dropped)
      ? g_strdup ("no track")
      : mill_media_kind_describe_beside (dropped, wanted);
  expected = describe_wanted (watch, wanted, dropped);
  gst_element_message_full (element, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      is_kind ? GST_STREAM_ERROR_FORMAT : GST_STREAM_ERROR_WRONG_TYPE,
      g_strdup_printf ("nothing in the input can be used: got %s, expected %s",
          got, expected),
      NULL, __FILE__, GST_FUNCTION, __LINE__);
}

/* Returns: (transfer full) (nullable) (element-type MillPlanLink): the links
 * that no pad has come for; NULL when that was asked before */
static GPtrArray *
take_missing (Watch *watch)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&watch->lock);
  GPtrArray *missing;

  if (watch->reported)
    return NULL;
  watch->reported = TRUE;
  missing = g_ptr_array_new ();
  for (guint i = 0; i < watch->links->len; i++)
    if (watch->n_linked[i] == 0)
      g_ptr_array_add (missing, g_ptr_array_index (watch->links, i));
  return missing;
}

/* Returns: (transfer full): for each of @links whether its target has no other
 * source that may still show a pad */
static gboolean *
decide_all (GstElement *element, GPtrArray *links)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  gboolean *last = g_new0 (gboolean, MAX (1, links->len));

  for (guint i = 0; parent && i < links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (links, i);
    g_autoptr (GstElement) target =
        gst_bin_get_by_name (GST_BIN (parent), link->to_node);

    last[i] = mill_graph_gate_decide (target, link->from_node);
  }
  return last;
}

static void
report_missing (GstElement *element, Watch *watch)
{
  g_autoptr (GPtrArray) missing = NULL;
  g_autofree gboolean *last = NULL;

  if (watch->may_grow && !g_object_get_data (G_OBJECT (element), CLOSED))
    return;
  missing = take_missing (watch);
  if (!missing)
    return;
  last = decide_all (element, missing);
  if (missing->len > 0 && missing->len == watch->links->len &&
      !watch->is_link && !is_fed_otherwise (element, watch)) {
    post_nothing_usable (element, watch);
    return;
  }
  if (missing->len == watch->links->len)
    mill_graph_rest_take (element);
  for (guint i = 0; i < missing->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (missing, i);

    if (is_missed (link))
      mill_graph_pads_warn (element,
          "planned pad '%s' for '%s' has not appeared and will not",
          link->from_pad, link->to_node);
    if (!mill_graph_cut_end_unused (element, link) && !watch->pool)
      end_branch (element, link, last[i]);
  }
}

static void
on_no_more_pads (GstElement *element, Watch *watch)
{
  report_missing (element, watch);
  settle_targets (element, watch);
}

/* parsebin and decodebin show all their pads before the first of them gives
 * anything, and GStreamer 1.22's parsebin never says that it has no more. */
static gboolean
shows_all_at_once (GstElement *element)
{
  return g_signal_lookup ("drained", G_OBJECT_TYPE (element)) != 0;
}

static gboolean
has_linked (Watch *watch)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&watch->lock);
  gboolean linked = FALSE;

  for (guint i = 0; i < watch->links->len; i++)
    linked |= watch->n_linked[i] > 0;
  return linked;
}

static GstPadProbeReturn
on_dropped (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Watch *watch = user_data;
  g_autoptr (GstElement) element = NULL;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM &&
      GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  element = gst_pad_get_parent_element (pad);
  if (element && !has_linked (watch))
    on_no_more_pads (element, watch);
  return GST_PAD_PROBE_REMOVE;
}

static void
note_dropped (Watch *watch, GstPad *pad, const GstCaps *caps)
{
  g_autoptr (GstElement) element = gst_pad_get_parent_element (pad);

  g_mutex_lock (&watch->lock);
  if (!gst_caps_is_any (caps))
    watch->dropped = gst_caps_merge (watch->dropped, gst_caps_copy (caps));
  g_mutex_unlock (&watch->lock);
  if (!element || !shows_all_at_once (element))
    return;
  g_atomic_int_inc (&watch->ref_count);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
          GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_dropped, watch, (GDestroyNotify) watch_unref);
}

static void
on_pad_added (GstElement *element, GstPad *pad, Watch *watch)
{
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (element));
  g_autoptr (GPtrArray) matches = NULL;
  g_autoptr (GError) error = NULL;

  if (!parent || GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  matches = match_links (watch, GST_BIN (parent), pad);
  if (matches->len == 0) {
    g_autoptr (GstCaps) caps = mill_graph_link_get_caps (pad);
    g_autofree gchar *media = mill_media_kind_describe (caps);

    note_dropped (watch, pad, caps);
    /* A link has whatever any of its consumers wants. */
    if (!watch->is_link)
      mill_graph_pads_warn (element,
          "pad '%s' with %s is in no link of the plan, its data is dropped",
          GST_PAD_NAME (pad), media);
    mill_graph_link_discard (GST_BIN (parent), pad, watch->pool);
    return;
  }
  if (!mill_graph_link_connect (GST_BIN (parent), pad, matches, &error))
    GST_ELEMENT_ERROR (element, STREAM, FORMAT, ("%s", error->message),
        ("pad '%s'", GST_PAD_NAME (pad)));
}

void
mill_graph_pads_close (GstElement *element)
{
  g_object_set_data (G_OBJECT (element), CLOSED, element);
  gst_element_no_more_pads (element);
}

void
mill_graph_pads_watch (GstElement *element, MillPlan *plan, GPtrArray *links)
{
  Watch *watch = g_new0 (Watch, 1);
  GstElementFactory *factory = gst_element_get_factory (element);

  watch->ref_count = 2;
  watch->plan = mill_plan_ref (plan);
  watch->links = links;
  watch->n_linked = g_new0 (guint, MAX (1, links->len));
  watch->dropped = gst_caps_new_empty ();
  watch->is_link = g_str_equal (GST_OBJECT_NAME (factory), "millsrc");
  /* At its consumer's start a live producer may have told some pads only. */
  if (watch->is_link)
    g_object_get (element, "leaky", &watch->may_grow, NULL);
  watch->pool = mill_element_table_is_pool_source (GST_OBJECT_NAME (factory));
  g_mutex_init (&watch->lock);
  g_signal_connect_data (element, "pad-added", G_CALLBACK (on_pad_added), watch,
      (GClosureNotify) watch_unref, 0);
  g_signal_connect_data (element, "no-more-pads", G_CALLBACK (on_no_more_pads),
      watch, (GClosureNotify) watch_unref, 0);
}
