/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <libsoup/soup.h>

#include "client-transport.h"

typedef struct
{
  MillClientTransport parent;
  SoupSession *session;
} Soup;

static SoupMessage *
make_message (const MillClientRequest *request, GError **error)
{
  SoupMessage *message = soup_message_new (request->method, request->url);
  if (message == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "got '%s', expected a URL", request->url);
    return NULL;
  }
  /* A redirection would carry the key elsewhere. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  soup_message_headers_append (headers, "Accept", request->accept);
  if (request->key != NULL)
    soup_message_headers_append (headers, "X-API-Key", request->key);
  if (request->body != NULL)
    soup_message_set_request_body_from_bytes (message, "application/json",
        request->body);
  return message;
}

static gboolean
soup_send (MillClientTransport *transport, const MillClientRequest *request,
    MillClientAnswer *ret_answer, GError **error)
{
  Soup *self = (Soup *) transport;
  g_autoptr (SoupMessage) message = make_message (request, error);
  GInputStream *body = message != NULL
      ? soup_session_send (self->session, message, NULL, error)
      : NULL;
  if (body == NULL)
    return FALSE;
  ret_answer->status = soup_message_get_status (message);
  ret_answer->reason = g_strdup (soup_message_get_reason_phrase (message));
  ret_answer->body = body;
  return TRUE;
}

static void
soup_free (MillClientTransport *transport)
{
  g_object_unref (((Soup *) transport)->session);
  g_free (transport);
}

G_MODULE_EXPORT MillClientTransport *mill_client_soup_new (guint timeout_s);

MillClientTransport *
mill_client_soup_new (guint timeout_s)
{
  Soup *self = g_new0 (Soup, 1);
  self->parent.send = soup_send;
  self->parent.free = soup_free;
  self->session = soup_session_new_with_options ("timeout", timeout_s,
      "user-agent", "millrace/" MILL_VERSION, NULL);
  return &self->parent;
}
