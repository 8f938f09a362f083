/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "publish-gate.h"

#include "address.h"
#include "attempt-limit.h"
#include "config-app-auth.h"
#include "key-auth.h"

struct _MillPublishGate
{
  MillStore *store; /* not owned */
  MillConfig *config;
  MillAttemptLimit *attempts;
  GHashTable *judges; /* (element-type utf8 Judge): by their settings */
  gboolean is_closing;
};

/** What judges tokens, or asks a webhook. It has learnt something (keys, who
 * was let in), so it is kept over a reload that does not change its settings;
 * applications of the same settings share it. */
typedef struct
{
  GPtrArray *apps; /* that hold its settings */
  MillJwtAuth *jwt; /* nullable */
  MillWebhookAuth *webhook; /* nullable */
} Judge;

static void
judge_free (gpointer data)
{
  Judge *judge = data;
  mill_jwt_auth_free (judge->jwt);
  mill_webhook_auth_free (judge->webhook);
  g_ptr_array_unref (judge->apps);
  g_free (judge);
}

/** One publisher that is being asked about. */
typedef struct
{
  MillPublishGate *gate;
  GInetAddress *address; /* nullable */
  MillPublishGateFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} Question;

static void
question_answer (Question *question, MillPublishVerdict *verdict)
{
  if (mill_publish_verdict_denial_is_guess (verdict->denial))
    mill_attempt_limit_fail (question->gate->attempts, question->address);
  if (question->gate->is_closing)
    mill_publish_verdict_free (verdict);
  else
    question->func (verdict, question->user_data);
  question->destroy (question->user_data);
  g_clear_object (&question->address);
  g_free (question);
}

static MillPublishVerdict *
check_name (const MillPublishClaim *claim)
{
  if (mill_publish_auth_is_name (claim->name))
    return mill_publish_verdict_new_granted (claim->name);
  return mill_publish_verdict_new_denied (MILL_DENIAL_NAME,
      "stream name is not allowed, expected 1 to 64 of A-Z a-z 0-9 _ -", NULL);
}

static void
on_judged (MillPublishVerdict *verdict, gpointer user_data)
{
  question_answer (user_data, verdict);
}

static void
ask (Question *question, const MillApp *app, const MillPublishClaim *claim,
    gboolean tls)
{
  GHashTable *judges = question->gate->judges;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree gchar *settings = NULL;
  Judge *judge;

  switch (mill_publish_auth_choose (app->auth, claim)) {
    case MILL_PUBLISH_AUTH_NONE:
      question_answer (question, check_name (claim));
      break;
    case MILL_PUBLISH_AUTH_KEYS:
      question_answer (question,
          mill_key_auth_check (question->gate->store, claim, now));
      break;
    case MILL_PUBLISH_AUTH_JWT:
      settings = mill_config_app_auth_describe_jwt (app);
      judge = g_hash_table_lookup (judges, settings);
      mill_jwt_auth_ask (judge->jwt, claim, on_judged, question);
      break;
    case MILL_PUBLISH_AUTH_WEBHOOK:
      settings = mill_config_app_auth_describe_webhook (app);
      judge = g_hash_table_lookup (judges, settings);
      mill_webhook_auth_ask (judge->webhook, claim, tls, on_judged, question);
      break;
  }
}

void
mill_publish_gate_ask (MillPublishGate *gate, const MillPublisher *publisher,
    MillPublishGateFunc func, gpointer user_data, GDestroyNotify destroy)
{
  Question *question = g_new0 (Question, 1);
  question->gate = gate;
  question->address = mill_address_parse (publisher->address);
  question->func = func;
  question->user_data = user_data;
  question->destroy = destroy;

  const MillApp *app = mill_config_find_app (gate->config, publisher->app);
  MillPublishClaim claim = { publisher->app, publisher->name, publisher->query,
    question->address };
  if (!mill_attempt_limit_take (gate->attempts, question->address,
          g_get_monotonic_time ()))
    question_answer (question,
        mill_publish_verdict_new_denied (MILL_DENIAL_RATE,
            "too many attempts from this address, wait a minute", NULL));
  else if (!app)
    question_answer (question,
        mill_publish_verdict_new_denied (MILL_DENIAL_NO_CREDENTIAL,
            "there is no such application", NULL));
  else
    ask (question, app, &claim, publisher->tls);
}

/* ---- judges ---- */

/* Moves the judge of these settings to @judges, or makes it.
 * @settings: (nullable) (transfer full)
 * Returns: (nullable): one that is new, and lacks what it is */
static Judge *
keep_judge (MillPublishGate *gate, GHashTable *judges, GPtrArray *apps,
    gchar *settings)
{
  gpointer key;
  gpointer kept;
  if (!settings || g_hash_table_contains (judges, settings)) {
    g_free (settings);
    return NULL;
  }
  if (g_hash_table_steal_extended (gate->judges, settings, &key, &kept)) {
    Judge *judge = kept;
    g_hash_table_insert (judges, key, judge);
    g_free (settings);
    if (judge->jwt)
      mill_jwt_auth_reload (judge->jwt);
    return NULL;
  }
  Judge *made = g_new0 (Judge, 1);
  made->apps = g_ptr_array_ref (apps);
  g_hash_table_insert (judges, settings, made);
  return made;
}

static void
keep_judges (MillPublishGate *gate, GHashTable *judges, GPtrArray *apps,
    const MillApp *app)
{
  if (app->auth & MILL_PUBLISH_AUTH_JWT) {
    Judge *judge = keep_judge (gate, judges, apps,
        mill_config_app_auth_describe_jwt (app));
    if (judge)
      judge->jwt = mill_jwt_auth_new (app->jwt);
  }
  if (app->auth & MILL_PUBLISH_AUTH_WEBHOOK) {
    Judge *judge = keep_judge (gate, judges, apps,
        mill_config_app_auth_describe_webhook (app));
    if (judge)
      judge->webhook = mill_webhook_auth_new (app->webhook);
  }
}

static GHashTable *
new_judges (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, judge_free);
}

/* ---- life ---- */

void
mill_publish_gate_set_config (MillPublishGate *gate, const MillConfig *config)
{
  MillConfig *before = gate->config;
  GHashTable *judges = new_judges ();

  for (guint i = 0; i < config->apps->len; i++)
    keep_judges (gate, judges, config->apps,
        g_ptr_array_index (config->apps, i));
  g_hash_table_unref (gate->judges);
  gate->judges = judges;
  gate->config = mill_config_ref ((MillConfig *) config);
  mill_config_unref (before);
  mill_attempt_limit_set_rules (gate->attempts, &config->publish_limits);
}

MillPublishGate *
mill_publish_gate_new (MillStore *store, const MillConfig *config)
{
  MillPublishGate *gate = g_new0 (MillPublishGate, 1);
  gate->store = store;
  gate->attempts = mill_attempt_limit_new ();
  gate->judges = new_judges ();
  mill_publish_gate_set_config (gate, config);
  return gate;
}

void
mill_publish_gate_free (MillPublishGate *gate)
{
  if (!gate)
    return;
  gate->is_closing = TRUE;
  g_hash_table_unref (gate->judges);
  mill_attempt_limit_free (gate->attempts);
  mill_config_unref (gate->config);
  g_free (gate);
}
