/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "fake-source.h"

#include <gst/base/gstpushsrc.h>

#define DEADLINE_US (20 * G_USEC_PER_SEC)

#define FAKE_TYPE_SOURCE (fake_source_get_type ())
G_DECLARE_FINAL_TYPE (FakeSource, fake_source, FAKE, SOURCE, GstPushSrc)

struct _FakeSource
{
  GstPushSrc parent_instance;

  GMutex lock; /* everything below */
  GCond changed;
  gboolean given; /* its buffer */
  gboolean unlocked;
  gboolean asked; /* to end */
  gboolean ending; /* its loop stands still */
  gboolean cut_off;
};

G_DEFINE_TYPE (FakeSource, fake_source, GST_TYPE_PUSH_SRC)

static GstStaticPadTemplate source_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstFlowReturn
fake_source_create (GstPushSrc *source, GstBuffer **buffer)
{
  FakeSource *self = FAKE_SOURCE (source);
  gboolean is_first;

  g_mutex_lock (&self->lock);
  is_first = !self->given;
  self->given = TRUE;
  while (!is_first && !self->unlocked)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  if (!is_first)
    return GST_FLOW_FLUSHING;
  *buffer = gst_buffer_new ();
  return GST_FLOW_OK;
}

static gboolean
fake_source_unlock (GstBaseSrc *source)
{
  FakeSource *self = FAKE_SOURCE (source);

  g_mutex_lock (&self->lock);
  self->unlocked = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* With the stream lock: the next round of the loop is the one that gives EOS. Its
 * pad is also activated once just to look. */
static gboolean
fake_source_unlock_stop (GstBaseSrc *source)
{
  FakeSource *self = FAKE_SOURCE (source);

  g_mutex_lock (&self->lock);
  self->asked |= self->unlocked && self->given;
  self->unlocked = FALSE;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
stand_still (FakeSource *self)
{
  GstPad *pad = GST_BASE_SRC_PAD (self);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_mutex_lock (&self->lock);
  self->ending = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  /* Neither is told of. */
  while (gst_pad_get_task_state (pad) != GST_TASK_PAUSED &&
      !GST_PAD_IS_FLUSHING (pad)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_thread_yield ();
  }
  g_mutex_lock (&self->lock);
  self->cut_off = GST_PAD_IS_FLUSHING (pad);
  g_mutex_unlock (&self->lock);
}

/* At the beginning of each round, because it asks for another one. */
static gboolean
fake_source_negotiate (GstBaseSrc *source)
{
  FakeSource *self = FAKE_SOURCE (source);
  gboolean asked;

  gst_pad_mark_reconfigure (GST_BASE_SRC_PAD (source));
  g_mutex_lock (&self->lock);
  asked = self->asked && !self->ending;
  g_mutex_unlock (&self->lock);
  if (asked)
    stand_still (self);
  return TRUE;
}

static void
fake_source_finalize (GObject *object)
{
  FakeSource *self = FAKE_SOURCE (object);

  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (fake_source_parent_class)->finalize (object);
}

static void
fake_source_class_init (FakeSourceClass *klass)
{
  GstBaseSrcClass *source_class = GST_BASE_SRC_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_source_finalize;
  source_class->negotiate = fake_source_negotiate;
  source_class->unlock = fake_source_unlock;
  source_class->unlock_stop = fake_source_unlock_stop;
  GST_PUSH_SRC_CLASS (klass)->create = fake_source_create;
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass),
      &source_template);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "Slow to end", "Source", "Stands still before its end", "Tests");
}

static void
fake_source_init (FakeSource *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

void
fake_source_wait_ending (GstElement *source)
{
  FakeSource *self = FAKE_SOURCE (source);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_mutex_lock (&self->lock);
  while (!self->ending)
    g_assert_true (g_cond_wait_until (&self->changed, &self->lock, deadline));
  g_mutex_unlock (&self->lock);
}

gboolean
fake_source_was_cut_off (GstElement *source)
{
  FakeSource *self = FAKE_SOURCE (source);

  g_mutex_lock (&self->lock);
  gboolean cut_off = self->cut_off;
  g_mutex_unlock (&self->lock);
  return cut_off;
}

void
fake_source_register (void)
{
  gst_element_register (NULL, "fakeending", GST_RANK_NONE, FAKE_TYPE_SOURCE);
}
