/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "publish-gate.h"

#include "address.h"
#include "attempt-limit.h"
#include "key-auth.h"

struct _MillPublishGate
{
  MillStore *store; /* not owned */
  MillConfig *config;
  MillAttemptLimit *attempts;
};

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
ask (Question *question, const MillApp *app, const MillPublishClaim *claim)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  switch (mill_publish_auth_choose (app->auth, claim)) {
    case MILL_PUBLISH_AUTH_NONE:
      question_answer (question, check_name (claim));
      break;
    case MILL_PUBLISH_AUTH_KEYS:
      question_answer (question,
          mill_key_auth_check (question->gate->store, claim, now));
      break;
    default:
      g_assert_not_reached ();
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
    ask (question, app, &claim);
}

void
mill_publish_gate_set_config (MillPublishGate *gate, const MillConfig *config)
{
  MillConfig *before = gate->config;
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
  mill_publish_gate_set_config (gate, config);
  return gate;
}

void
mill_publish_gate_free (MillPublishGate *gate)
{
  if (!gate)
    return;
  mill_attempt_limit_free (gate->attempts);
  mill_config_unref (gate->config);
  g_free (gate);
}
