/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "publish-auth.h"
#include "publish-verdict.h"
#include "store-keys.h"

G_BEGIN_DECLS

/* Whether the stream key that is shown lets this publisher in.
 * @now: Unix seconds
 * Returns: (transfer full): no text of it contains what was sent */
MillPublishVerdict *mill_key_auth_check (MillStore *store,
    const MillPublishClaim *claim, gint64 now);

/** What a publisher was let in with. */
typedef struct
{
  const gchar *key_id;
  guint64 key_generation;
  GInetAddress *address; /* nullable */
} MillKeyUse;

/* What the key says by now about who was let in so: NONE with how long and how
 * much, or why no longer: it was revoked, disabled, rotated or narrowed. That
 * a key has run out is no such change: expires_at says when.
 * Returns: (transfer full) (nullable): NULL when the store does not answer */
MillPublishVerdict *mill_key_auth_recheck (MillStore *store,
    const MillKeyUse *use);

G_END_DECLS
