/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Who publishes, or asks to. Strings are never NULL ("" when unknown). */
typedef struct
{
  gchar *app;
  gchar *name; /* as the publisher wrote it: may be a stream key; never log */
  gchar *query; /* without '?'; may hold a secret; never log */
  gchar *address; /* host:port of the peer */
  gboolean tls;
  gint64 since; /* Unix seconds; 0: not accepted yet */
  guint64 bytes; /* received since then */
} MillPublisher;

MillPublisher *mill_publisher_new (void);
MillPublisher *mill_publisher_copy (const MillPublisher *publisher);
void mill_publisher_free (MillPublisher *publisher);

/* As the a{sv} of org.millrace.Worker1; unknown keys are skipped, missing ones
 * empty. Returns: (transfer full); to_variant: floating */
MillPublisher *mill_publisher_new_from_variant (GVariant *variant);
GVariant *mill_publisher_to_variant (const MillPublisher *publisher);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPublisher, mill_publisher_free)

G_END_DECLS
