/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "flv-file.h"

/* An RTMP publisher on the test's own main loop, under its full control. */
typedef struct _Publisher Publisher;

/* Connects and asks to publish. @address: host:port
 * @app, @name: either may have a query */
Publisher *publisher_new (const gchar *address, const gchar *app,
    const gchar *name);
/* Cuts the connection without a word, as a lost network does. */
void publisher_free (Publisher *publisher);

/* Each waits with a deadline. */
void publisher_wait_ready (Publisher *publisher);
/* @code, @text: what has to be in the refusal */
void publisher_wait_refused (Publisher *publisher, const gchar *code,
    const gchar *text);
/* The same of one that was live: it is sent away. */
void publisher_wait_dropped (Publisher *publisher, const gchar *text);
void publisher_wait_closed (Publisher *publisher);

/* Sends every tag of the file at once, @from_ms added to its times. */
void publisher_send (Publisher *publisher, const MillFlvFile *file,
    guint32 from_ms);

/* Ends the stream in good order. */
void publisher_unpublish (Publisher *publisher);
