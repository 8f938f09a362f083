/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "daemon/ipc/publisher.h"
#include "run-spec.h"
#include "stream-registry.h"

G_BEGIN_DECLS

/** How a publisher's request ended; the label of its metric. */
typedef enum
{
  MILL_PUBLISH_ACCEPTED,
  MILL_PUBLISH_RESUMED, /* continues the stream that holds for it */
  MILL_PUBLISH_UNKNOWN_APP,
  MILL_PUBLISH_DENIED, /* no key, a wrong one, or a name that is none */
  MILL_PUBLISH_BUSY,
  MILL_PUBLISH_STOPPED, /* the stream is stopped by wish, or keeps failing */
  MILL_PUBLISH_LIMIT,
  MILL_PUBLISH_INVALID, /* the application's description does not plan */
  MILL_PUBLISH_UNAVAILABLE, /* shutting down, or the store does not answer */
} MillPublishResult;
#define MILL_PUBLISH_N_RESULTS (MILL_PUBLISH_UNAVAILABLE + 1)

const gchar *mill_publish_result_to_string (MillPublishResult result);

/* The status an RTMP client gets: NetStream.Publish.BadName or .Denied. */
const gchar *mill_publish_result_to_code (MillPublishResult result);

/** What a decision looks at; nothing is changed by it. */
typedef struct
{
  const MillConfig *config;
  MillStore *store;
  MillStreamRegistry *registry;
  MillCatalog *catalog;
} MillPublishContext;

typedef struct
{
  MillPublishResult result;
  gchar *text; /* for the publisher and the log; nullable when accepted */
  gchar *stream; /* nullable: not known when denied */
  const MillApp *app; /* nullable; of the context's config */
  MillRunSpec *spec; /* only when ACCEPTED */
} MillPublishDecision;

/* @publisher: app, name, query
 * Returns: (transfer full) */
MillPublishDecision *mill_publish_decide (const MillPublishContext *context,
    const MillPublisher *publisher, const MillStreamClock *clock);
void mill_publish_decision_free (MillPublishDecision *decision);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPublishDecision, mill_publish_decision_free)

G_END_DECLS
