/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "publish-auth.h"
#include "publish-verdict.h"

G_BEGIN_DECLS

/** What an application says about its webhook. */
typedef struct
{
  gchar *url;
  gchar *secret_file; /* path */
  guint timeout_ms;
  guint cache_s; /* 0: every time anew */
  gchar *ca_file; /* nullable */
  gboolean insecure; /* url may be http to elsewhere */
} MillWebhookSettings;

/** MillWebhookAuth: asks a service of the operator's whether a publisher may
 * publish, by a signed HTTP POST. Whatever is not a clear yes is a no. Main
 * loop only. */
typedef struct _MillWebhookAuth MillWebhookAuth;

/* @settings: outlive it */
MillWebhookAuth *mill_webhook_auth_new (const MillWebhookSettings *settings);
/* Who is waiting is denied. */
void mill_webhook_auth_free (MillWebhookAuth *auth);

/* @verdict: (transfer full) */
typedef void (*MillWebhookAuthFunc) (MillPublishVerdict *verdict,
    gpointer user_data);

/* @tls: whether the publisher's connection is encrypted
 * @func is called once, before this returns or within the time-out. */
void mill_webhook_auth_ask (MillWebhookAuth *auth,
    const MillPublishClaim *claim, gboolean tls, MillWebhookAuthFunc func,
    gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillWebhookAuth, mill_webhook_auth_free)

G_END_DECLS
