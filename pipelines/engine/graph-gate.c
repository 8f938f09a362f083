/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* A node with several sources has not ended while one of them is still to show
 * its pads: a demuxer reads a film to its end, and to the packager it looks like
 * the end of all, before the encoder beside it has made its first frame. Until
 * every such source has said that it has no more pads, ends stop here. */
#include "graph-private.h"

#define GATE "millrace-gate"

typedef struct
{
  GMutex lock;
  GPtrArray *awaited; /* lock: names of nodes */
  GPtrArray *undecided; /* lock: those of them that may still show a pad */
  GPtrArray *held; /* lock: of End */
} Gate;

typedef struct
{
  GstPad *pad;
  GstEvent *event;
} End;

typedef struct
{
  GstElement *target; /* not owned: it owns the pad */
  gchar *source;
} Guard;

static void
end_free (End *end)
{
  gst_object_unref (end->pad);
  gst_event_unref (end->event);
  g_free (end);
}

static void
gate_free (gpointer data)
{
  Gate *gate = data;

  g_ptr_array_unref (gate->awaited);
  g_ptr_array_unref (gate->undecided);
  g_ptr_array_unref (gate->held);
  g_mutex_clear (&gate->lock);
  g_free (gate);
}

static void
guard_free (gpointer data)
{
  Guard *guard = data;

  g_free (guard->source);
  g_free (guard);
}

static GPtrArray *
new_held (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) end_free);
}

void
mill_graph_gate_await (GstElement *target, const gchar *source)
{
  Gate *gate = g_object_get_data (G_OBJECT (target), GATE);

  if (!gate) {
    gate = g_new0 (Gate, 1);
    g_mutex_init (&gate->lock);
    gate->awaited = g_ptr_array_new_with_free_func (g_free);
    gate->undecided = g_ptr_array_new_with_free_func (g_free);
    gate->held = new_held ();
    g_object_set_data_full (G_OBJECT (target), GATE, gate, gate_free);
  }
  if (g_ptr_array_find_with_equal_func (gate->awaited, source, g_str_equal,
          NULL))
    return;
  g_ptr_array_add (gate->awaited, g_strdup (source));
  g_ptr_array_add (gate->undecided, g_strdup (source));
}

/* Returns: whether it was there */
static gboolean
remove_name (GPtrArray *names, const gchar *name)
{
  guint index;

  if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, &index))
    return FALSE;
  g_ptr_array_remove_index (names, index);
  return TRUE;
}

gboolean
mill_graph_gate_decide (GstElement *target, const gchar *source)
{
  Gate *gate = g_object_get_data (G_OBJECT (target), GATE);
  gboolean last;

  if (!gate)
    return TRUE;
  g_mutex_lock (&gate->lock);
  last = remove_name (gate->undecided, source) && gate->undecided->len == 0;
  g_mutex_unlock (&gate->lock);
  return last;
}

gboolean
mill_graph_gate_is_undecided (GstElement *target)
{
  Gate *gate = g_object_get_data (G_OBJECT (target), GATE);
  gboolean undecided;

  if (!gate)
    return FALSE;
  g_mutex_lock (&gate->lock);
  undecided = gate->undecided->len > 0;
  g_mutex_unlock (&gate->lock);
  return undecided;
}

/* Under a lock nothing is pushed: the ends go when it is given up. */
void
mill_graph_gate_settle (GstElement *target, const gchar *source)
{
  Gate *gate = g_object_get_data (G_OBJECT (target), GATE);
  g_autoptr (GPtrArray) released = new_held ();

  if (!gate)
    return;
  g_mutex_lock (&gate->lock);
  remove_name (gate->awaited, source);
  remove_name (gate->undecided, source);
  if (gate->awaited->len == 0) {
    GPtrArray *empty = g_steal_pointer (&released);

    released = gate->held;
    gate->held = empty;
  }
  g_mutex_unlock (&gate->lock);
  for (guint i = 0; i < released->len; i++) {
    const End *end = g_ptr_array_index (released, i);

    gst_pad_send_event (end->pad, gst_event_ref (end->event));
  }
}

static void
forget (Gate *gate, GstPad *pad)
{
  g_mutex_lock (&gate->lock);
  for (guint i = gate->held->len; i > 0; i--)
    if (((End *) g_ptr_array_index (gate->held, i - 1))->pad == pad)
      g_ptr_array_remove_index (gate->held, i - 1);
  g_mutex_unlock (&gate->lock);
}

static gboolean
hold (Gate *gate, GstPad *pad, GstEvent *event)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&gate->lock);
  End *end;

  if (gate->awaited->len == 0)
    return FALSE;
  end = g_new0 (End, 1);
  end->pad = gst_object_ref (pad);
  end->event = gst_event_ref (event);
  g_ptr_array_add (gate->held, end);
  return TRUE;
}

/* A source that has come to an end shows no more pads, said or unsaid. */
static GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const Guard *guard = user_data;
  Gate *gate = g_object_get_data (G_OBJECT (guard->target), GATE);
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    forget (gate, pad);
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  mill_graph_gate_settle (guard->target, guard->source);
  return hold (gate, pad, event) ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

void
mill_graph_gate_guard (GstElement *target, GstPad *sink, const gchar *source)
{
  Guard *guard;

  if (!g_object_get_data (G_OBJECT (target), GATE))
    return;
  guard = g_new0 (Guard, 1);
  guard->target = target;
  guard->source = g_strdup (source);
  gst_pad_add_probe (sink,
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_event, guard, guard_free);
}
