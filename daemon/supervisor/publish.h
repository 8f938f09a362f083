/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "daemon/ipc/publisher.h"
#include "publish-verdict.h"
#include "run-spec.h"
#include "stream-registry.h"

G_BEGIN_DECLS

/** How a publisher's request ended; the label of its metric. */
typedef enum
{
  MILL_PUBLISH_ACCEPTED,
  MILL_PUBLISH_RESUMED, /* continues the stream that holds for it */
  MILL_PUBLISH_JOINED, /* takes a place beside another publisher */
  MILL_PUBLISH_REPLACED, /* takes the place of another publisher */
  MILL_PUBLISH_UNKNOWN_APP,
  MILL_PUBLISH_DENIED, /* by authentication: the denial says why */
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
  gchar *detail; /* nullable: more, for the log alone */
  MillDenial denial; /* why, when authentication refused */
  gchar *stream; /* nullable: not known when denied */
  const MillApp *app; /* nullable; of the context's config */
  MillRunSpec *spec; /* only when ACCEPTED */
} MillPublishDecision;

/* Of an encoder that was given one address, rtmp://HOST/APP/KEY, and no name,
 * the application that it asks for has the stream key in it.
 * Returns: (transfer full): @app as it may be shown */
gchar *mill_publish_hide_key (const gchar *app);

/* The label of a refusal in metrics and log: that of the denial, or that of
 * the result. */
const gchar *mill_publish_decision_get_reason (const MillPublishDecision
        *decision);

/* @publisher: app
 * @verdict: what authentication says about it
 * Returns: (transfer full) */
MillPublishDecision *mill_publish_decide (const MillPublishContext *context,
    const MillPublisher *publisher, const MillPublishVerdict *verdict,
    const MillStreamClock *clock);
void mill_publish_decision_free (MillPublishDecision *decision);

/* What each publisher of @app, or each second one, would be refused for, but in
 * time to mend it.
 * @ret_place: (optional): the setting that is to be mended; without a file
 * @warnings: (nullable) (element-type utf8): gets what its pipeline would go on
 *   without, such as a slate that is missing
 * Returns: (transfer full) (nullable): NULL when nothing is wrong */
gchar *mill_publish_check_app (const MillConfig *config, MillCatalog *catalog,
    const MillApp *app, const MillPlace **ret_place, GPtrArray *warnings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPublishDecision, mill_publish_decision_free)

G_END_DECLS
