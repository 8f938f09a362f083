/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include "engine-test.h"

#define HEAD "millrace: 1\nname: test\n"

/* ---- a pool source that needs no network ---- */

typedef GstElement FakePool;
typedef GstElementClass FakePoolClass;
GType fake_pool_get_type (void);
G_DEFINE_TYPE (FakePool, fake_pool, GST_TYPE_ELEMENT)

static GstStaticPadTemplate pool_video = GST_STATIC_PAD_TEMPLATE ("video_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS ("video/x-h264, stream-format=avc, alignment=au"));
static GstStaticPadTemplate pool_audio = GST_STATIC_PAD_TEMPLATE ("audio_%u",
    GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS ("audio/mpeg, mpegversion=4, stream-format=raw"));

static void
fake_pool_class_init (FakePoolClass *klass)
{
  gst_element_class_add_static_pad_template (klass, &pool_video);
  gst_element_class_add_static_pad_template (klass, &pool_audio);
  gst_element_class_set_static_metadata (klass, "Fake", "Source",
      "Stands for rtmpserversrc", "millrace");
}

static void
fake_pool_init (FakePool *self)
{
}

static inline void
register_fake_pool (void)
{
  gst_element_register (NULL, "rtmpserversrc", GST_RANK_NONE,
      fake_pool_get_type ());
}

/* ---- a plan, what was said of it, and its links ---- */

static inline MillPlan *
plan_of (const gchar *text, const MillPlanOptions *options, gchar **ret_said)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillPlan *plan = mill_plan_new_from_data (text, strlen (text), "f.yaml",
      options, diagnostics);

  g_assert_cmpint (plan == NULL, ==,
      mill_diagnostics_get_n_errors (diagnostics) > 0);
  *ret_said = mill_diagnostics_to_string (diagnostics);
  return plan;
}

/* "a.src>b.sink q" for each link, in one line. */
static inline gchar *
links_of (const MillPlan *plan)
{
  static const gchar *const kinds[] = { [MILL_LINK_DIRECT] = "",
    [MILL_LINK_QUEUE] = " leaky",
    [MILL_LINK_THREAD] = " queue",
    [MILL_LINK_PACED] = " paced",
    [MILL_LINK_CUT] = " cut" };
  GPtrArray *links = mill_plan_get_links (plan);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < links->len; i++) {
    const MillPlanLink *link = g_ptr_array_index (links, i);

    g_string_append_printf (text, "%s%s.%s>%s.%s%s", i > 0 ? "; " : "",
        link->from_node, link->from_pad, link->to_node,
        link->to_pad ? link->to_pad : "?", kinds[link->kind]);
  }
  return g_string_free (text, FALSE);
}
