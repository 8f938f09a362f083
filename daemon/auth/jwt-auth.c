/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "jwt-auth.h"

#include "jwt-source.h"
#include "jwt-token.h"

struct _MillJwtAuth
{
  const MillJwtSettings *settings;
  MillJwtSource *source;
};

/** A publisher whose token is being checked. */
typedef struct
{
  MillJwtAuth *auth;
  gchar *app;
  gchar *name;
  gchar *token;
  gboolean is_second_try; /* with newer keys */
  MillJwtAuthFunc func;
  gpointer user_data;
} Question;

static void
question_answer (Question *question, MillPublishVerdict *verdict)
{
  question->func (verdict, question->user_data);
  g_free (question->app);
  g_free (question->name);
  g_free (question->token);
  g_free (question);
}

static MillPublishVerdict *
check_claims (Question *question, JsonNode *claims)
{
  const MillJwtSettings *settings = question->auth->settings;
  MillJwtRules rules = { settings->issuer, settings->audience,
    settings->leeway_s };
  MillPublishClaim claim = { question->app, question->name, "", NULL };
  return mill_jwt_token_check (json_node_get_object (claims), &rules, &claim,
      g_get_real_time () / G_USEC_PER_SEC);
}

/* Recursive by way of the source alone, and once. */
static void
on_keys (MillJwtKeys *keys, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (GError) error = NULL;

  if (!keys) {
    question_answer (question,
        mill_publish_verdict_new_denied (MILL_DENIAL_UNAVAILABLE,
            "the daemon cannot check tokens just now", "it has no keys"));
    return;
  }
  g_autoptr (JsonNode) claims =
      mill_jwt_token_verify (question->token, keys, &error);
  if (claims) {
    question_answer (question, check_claims (question, claims));
    return;
  }
  if (g_error_matches (error, MILL_JWT_ERROR, MILL_JWT_ERROR_UNKNOWN_KEY) &&
      !question->is_second_try) {
    question->is_second_try = TRUE;
    mill_jwt_source_get (question->auth->source, MILL_JWT_SOURCE_NEWER, on_keys,
        question);
    return;
  }
  question_answer (question,
      mill_publish_verdict_new_denied (MILL_DENIAL_TOKEN_INVALID,
          "the token is not valid", error->message));
}

void
mill_jwt_auth_ask (MillJwtAuth *auth, const MillPublishClaim *claim,
    MillJwtAuthFunc func, gpointer user_data)
{
  g_autofree gchar *token = mill_publish_auth_find_token (claim);
  if (!token) {
    func (mill_publish_verdict_new_denied (MILL_DENIAL_NO_CREDENTIAL,
              "a token is required", NULL),
        user_data);
    return;
  }
  Question *question = g_new0 (Question, 1);
  question->auth = auth;
  question->app = g_strdup (claim->app);
  question->name = g_strdup (claim->name);
  question->token = g_steal_pointer (&token);
  question->func = func;
  question->user_data = user_data;
  mill_jwt_source_get (auth->source, MILL_JWT_SOURCE_ANY, on_keys, question);
}

void
mill_jwt_auth_reload (MillJwtAuth *auth)
{
  mill_jwt_source_reload (auth->source);
}

MillJwtAuth *
mill_jwt_auth_new (const MillJwtSettings *settings)
{
  MillJwtAuth *auth = g_new0 (MillJwtAuth, 1);
  MillJwtPlace place = { settings->jwks, settings->secret_file,
    settings->algorithms, settings->ca_file, MILL_JWT_SOURCE_RETRY_MS };
  auth->settings = settings;
  auth->source = mill_jwt_source_new (&place);
  return auth;
}

void
mill_jwt_auth_free (MillJwtAuth *auth)
{
  if (!auth)
    return;
  mill_jwt_source_free (auth->source);
  g_free (auth);
}
