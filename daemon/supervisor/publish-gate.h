/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "daemon/ipc/publisher.h"
#include "publish-verdict.h"
#include "store.h"

G_BEGIN_DECLS

/** MillPublishGate: asks who a publisher is, by what its application wants
 * (daemon/auth), and how often it has tried. Knows nothing of streams. Main
 * loop only. */
typedef struct _MillPublishGate MillPublishGate;

MillPublishGate *mill_publish_gate_new (MillStore *store,
    const MillConfig *config);
/* Nobody is called any more. */
void mill_publish_gate_free (MillPublishGate *gate);

/* After a reload: what was learnt for settings that are the same is kept. */
void mill_publish_gate_set_config (MillPublishGate *gate,
    const MillConfig *config);

/* @verdict: (transfer full) */
typedef void (*MillPublishGateFunc) (MillPublishVerdict *verdict,
    gpointer user_data);

/* @func is called once, before this returns or up to some seconds later.
 * @destroy: frees @user_data, after @func or instead of it */
void mill_publish_gate_ask (MillPublishGate *gate,
    const MillPublisher *publisher, MillPublishGateFunc func,
    gpointer user_data, GDestroyNotify destroy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPublishGate, mill_publish_gate_free)

G_END_DECLS
