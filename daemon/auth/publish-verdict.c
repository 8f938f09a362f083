/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "publish-verdict.h"

static const struct
{
  const gchar *name;
  gboolean is_guess;
} denials[MILL_N_DENIALS] = {
  [MILL_DENIAL_NONE] = { "none", FALSE },
  [MILL_DENIAL_NAME] = { "name", FALSE },
  [MILL_DENIAL_NO_CREDENTIAL] = { "no_credential", TRUE },
  [MILL_DENIAL_UNKNOWN_KEY] = { "unknown_key", TRUE },
  [MILL_DENIAL_KEY_DISABLED] = { "key_disabled", TRUE },
  [MILL_DENIAL_KEY_EXPIRED] = { "key_expired", TRUE },
  [MILL_DENIAL_KEY_MISMATCH] = { "key_mismatch", TRUE },
  [MILL_DENIAL_ADDRESS] = { "address", TRUE },
  [MILL_DENIAL_TOKEN_INVALID] = { "token_invalid", TRUE },
  [MILL_DENIAL_TOKEN_EXPIRED] = { "token_expired", TRUE },
  [MILL_DENIAL_TOKEN_MISMATCH] = { "token_mismatch", TRUE },
  [MILL_DENIAL_WEBHOOK] = { "webhook", TRUE },
  [MILL_DENIAL_RATE] = { "rate", FALSE },
  [MILL_DENIAL_BITRATE] = { "bitrate", FALSE },
  [MILL_DENIAL_UNAVAILABLE] = { "unavailable", FALSE },
};

const gchar *
mill_publish_verdict_denial_to_string (MillDenial denial)
{
  return denials[denial].name;
}

gboolean
mill_publish_verdict_denial_is_guess (MillDenial denial)
{
  return denials[denial].is_guess;
}

MillPublishVerdict *
mill_publish_verdict_new_granted (const gchar *stream)
{
  MillPublishVerdict *verdict = g_new0 (MillPublishVerdict, 1);
  verdict->stream = g_strdup (stream);
  return verdict;
}

MillPublishVerdict *
mill_publish_verdict_new_denied (MillDenial denial, const gchar *text,
    const gchar *detail)
{
  MillPublishVerdict *verdict = g_new0 (MillPublishVerdict, 1);
  verdict->denial = denial;
  verdict->text = g_strdup (text);
  verdict->detail = g_strdup (detail);
  return verdict;
}

MillPublishVerdict *
mill_publish_verdict_copy (const MillPublishVerdict *verdict)
{
  MillPublishVerdict *copy = g_new0 (MillPublishVerdict, 1);
  *copy = *verdict;
  copy->text = g_strdup (verdict->text);
  copy->detail = g_strdup (verdict->detail);
  copy->stream = g_strdup (verdict->stream);
  copy->key_id = g_strdup (verdict->key_id);
  return copy;
}

void
mill_publish_verdict_free (MillPublishVerdict *verdict)
{
  if (!verdict)
    return;
  g_free (verdict->text);
  g_free (verdict->detail);
  g_free (verdict->stream);
  g_free (verdict->key_id);
  g_free (verdict);
}
