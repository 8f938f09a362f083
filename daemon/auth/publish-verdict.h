/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Why a publisher may not publish: the label of the metric, and a word of the
 * log. The publisher reads less: see MillPublishVerdict.text. */
typedef enum
{
  MILL_DENIAL_NONE, /* it may */
  MILL_DENIAL_NAME, /* its name is none */
  MILL_DENIAL_NO_CREDENTIAL, /* nothing shown of what the application wants */
  MILL_DENIAL_UNKNOWN_KEY,
  MILL_DENIAL_KEY_DISABLED,
  MILL_DENIAL_KEY_EXPIRED,
  MILL_DENIAL_KEY_MISMATCH, /* good, for another application or name */
  MILL_DENIAL_ADDRESS, /* good, but not from there */
  MILL_DENIAL_TOKEN_INVALID, /* form, signature, or a claim that is missing */
  MILL_DENIAL_TOKEN_EXPIRED,
  MILL_DENIAL_TOKEN_MISMATCH, /* issuer, audience, application or stream */
  MILL_DENIAL_WEBHOOK, /* it said no */
  MILL_DENIAL_RATE, /* too many attempts of this address */
  MILL_DENIAL_BITRATE, /* sent more than it may, and has to wait */
  MILL_DENIAL_UNAVAILABLE, /* it cannot be checked just now */
} MillDenial;
#define MILL_N_DENIALS (MILL_DENIAL_UNAVAILABLE + 1)

/* "unknown_key", ... Returns: (transfer none) */
const gchar *mill_publish_verdict_denial_to_string (MillDenial denial);

/* Whether guessing looks like this: it costs more of an address' attempts. */
gboolean mill_publish_verdict_denial_is_guess (MillDenial denial);

/** What a publisher may do at most; 0: no limit. */
typedef struct
{
  guint64 bitrate_bps; /* mean of some seconds */
  guint duration_s; /* since its run began */
} MillPublishLimits;

/** What authentication says about a publisher. */
typedef struct
{
  MillDenial denial;
  gchar *text; /* nullable: for a publisher that is denied */
  gchar *detail; /* nullable: more, for the log; holds no secret */

  gchar *stream; /* nullable: which one it may publish */
  gchar *key_id; /* nullable: by which stream key */
  guint64 key_generation; /* of that key's secret */
  gint64 expires_at; /* Unix seconds; 0: never */
  MillPublishLimits limits;
} MillPublishVerdict;

/* Returns: (transfer full) */
MillPublishVerdict *mill_publish_verdict_new_granted (const gchar *stream);

/* @text: for the publisher; says nothing that helps a stranger
 * @detail: (nullable): for the log
 * Returns: (transfer full) */
MillPublishVerdict *mill_publish_verdict_new_denied (MillDenial denial,
    const gchar *text, const gchar *detail);

MillPublishVerdict *mill_publish_verdict_copy (const MillPublishVerdict
        *verdict);
void mill_publish_verdict_free (MillPublishVerdict *verdict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPublishVerdict, mill_publish_verdict_free)

G_END_DECLS
