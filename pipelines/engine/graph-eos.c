/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* EOS to sources, and the stop of a graph in which some may be on its way. */
#include "graph-private.h"

#include <gst/base/gstbasesrc.h>

#define ASKED "millrace-asked-to-end"

static void
send_eos (GstElement *source, gpointer user_data)
{
  /* The state lock: either a stop sees that it was asked, or this that it is
   * being stopped. */
  GST_STATE_LOCK (source);
  if (!gst_element_is_locked_state (source)) {
    g_object_set_data (G_OBJECT (source), ASKED, source);
    gst_element_send_event (source, gst_event_new_eos ());
  }
  GST_STATE_UNLOCK (source);
}

void
mill_graph_eos_send (GstElement *source)
{
  /* On another thread, because GstBaseSrc waits for the end of the push in
   * flight before it takes EOS; each for itself, so that one which is stuck
   * keeps no other from ending. */
  gst_element_call_async (source, send_eos, NULL, NULL);
}

/* Whether GstBaseSrc's own loop gives out the EOS that @source was sent. A live
 * source that does not play yet waits for that first, and forgets it when it is
 * stopped. */
static gboolean
has_end_in_loop (GstElement *source)
{
  if (!GST_IS_BASE_SRC (source) ||
      !g_object_get_data (G_OBJECT (source), ASKED))
    return FALSE;
  const GstElementClass *base = g_type_class_peek (GST_TYPE_BASE_SRC);
  return GST_ELEMENT_GET_CLASS (source)->send_event == base->send_event &&
      gst_element_get_state (source, NULL, NULL, 0) !=
      GST_STATE_CHANGE_NO_PREROLL;
}

/* GstBaseSrc takes an EOS that waits for its loop away when its pad is
 * deactivated, also in the moment between which the loop has seen that there is
 * one and fetches it: then it pushes none, which is a critical warning, or
 * asserts. So the loop is stopped before: what it pushes to is, and it waits for
 * nothing else once it was asked to end. */
static void
stop_source (GstElement *source)
{
  GST_STATE_LOCK (source);
  gst_element_set_locked_state (source, TRUE);
  if (has_end_in_loop (source))
    gst_pad_pause_task (GST_BASE_SRC_PAD (source));
  gst_element_set_state (source, GST_STATE_NULL);
  GST_STATE_UNLOCK (source);
}

static void
stop_element (const GValue *value, gpointer user_data)
{
  GstElement *element = g_value_get_object (value);

  if (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SOURCE)) {
    stop_source (element);
    return;
  }
  /* Locked, so that the pipeline, which may still be on its way up, leaves it
   * there. */
  gst_element_set_locked_state (element, TRUE);
  gst_element_set_state (element, GST_STATE_NULL);
}

void
mill_graph_eos_stop (GstElement *pipeline)
{
  /* From the sinks to the sources, which sets every push free: a source that is
   * being sent EOS holds its state lock until its push returns, and the pipeline
   * takes that lock to pause the source before it brings anything to READY. */
  GstIterator *elements = gst_bin_iterate_sorted (GST_BIN (pipeline));

  while (gst_iterator_foreach (elements, stop_element, NULL) ==
      GST_ITERATOR_RESYNC)
    gst_iterator_resync (elements);
  gst_iterator_free (elements);
  /* With what has appeared meanwhile. */
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
