/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-exchange.h"

G_BEGIN_DECLS

/* The page with a player, and what it consists of: all of it is in this
 * program. Main thread. */

/** Answers with the page; it reads the stream's name from its own address. */
void mill_origin_player_set_page (MillHttpExchange *exchange);

/** Answers with a file of the page, or 404. */
void mill_origin_player_set_file (MillHttpExchange *exchange,
    const gchar *name);

G_END_DECLS
