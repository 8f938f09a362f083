/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

#define MILL_API_EVENTS_PATH "/api/v1/events"

/* For a connection that the route of that path has let pass.
 * @user_data: MillSupervisor */
void mill_api_events_on_websocket (SoupServer *server,
    SoupServerMessage *message, const gchar *path,
    SoupWebsocketConnection *socket, gpointer user_data);

G_END_DECLS
