/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/* What every stream key begins with, so that one is known where a name could
 * stand. */
#define MILL_PUBLISH_AUTH_KEY_PREFIX "sk_"

/** Who may publish to an application. */
typedef enum
{
  MILL_PUBLISH_AUTH_NONE, /* anyone, any name */
  MILL_PUBLISH_AUTH_KEYS, /* who holds a stream key, its name */
} MillPublishAuth;

/** What a publisher shows. */
typedef struct
{
  const gchar *app; /* the application asked for */
  const gchar *name; /* the stream asked for, or a stream key in its place */
  const gchar *query; /* "key=…" among others, or "" */
} MillPublishClaim;

/* Which stream this publisher may publish.
 * @now: Unix seconds
 * Returns: (transfer full) (nullable): the stream's name; NULL with
 *   MILL_AUTH_ERROR.DENIED. No message contains what was sent. */
gchar *mill_publish_auth_check (MillPublishAuth auth, MillStore *store,
    const MillPublishClaim *claim, gint64 now, GError **error);

/* Whether @name may name a stream: [A-Za-z0-9_-]{1,64}. */
gboolean mill_publish_auth_is_name (const gchar *name);

G_END_DECLS
