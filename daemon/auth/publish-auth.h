/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What every stream key begins with, so that one is known where a name could
 * stand. */
#define MILL_PUBLISH_AUTH_KEY_PREFIX "sk_"

/** Who may publish to an application: one way, or several at once. What a
 * publisher shows says which of them it means. */
typedef enum
{
  MILL_PUBLISH_AUTH_NONE = 0, /* anyone, any name */
  MILL_PUBLISH_AUTH_KEYS = 1 << 0, /* who holds a stream key, its name */
  MILL_PUBLISH_AUTH_JWT = 1 << 1, /* who holds a token that is signed for it */
  MILL_PUBLISH_AUTH_WEBHOOK = 1 << 2, /* whom somebody's service lets in */
} MillPublishAuth;

/** What a publisher shows. */
typedef struct
{
  const gchar *app; /* the application asked for */
  const gchar *name; /* the stream asked for, or a secret in its place */
  const gchar *query; /* "key=…" among others, or "" */
  GInetAddress *address; /* nullable: it has none, or none that is readable */
} MillPublishClaim;

/* Whether @name may name a stream: [A-Za-z0-9_-]{1,64}. */
gboolean mill_publish_auth_is_name (const gchar *name);

/* Which one of @ways judges this claim: that whose secret it shows, else the
 * webhook, which may look at anything. */
MillPublishAuth mill_publish_auth_choose (MillPublishAuth ways,
    const MillPublishClaim *claim);

/* The stream key shown, in the query or as the name.
 * Returns: (transfer full) (nullable) */
gchar *mill_publish_auth_find_key (const MillPublishClaim *claim);

/* The token shown, "token=" or "jwt=" of the query, or the name.
 * Returns: (transfer full) (nullable) */
gchar *mill_publish_auth_find_token (const MillPublishClaim *claim);

G_END_DECLS
