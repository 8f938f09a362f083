/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * How requests get to a server. It is no part of the program, for the sake of the
 * verbs that need none: the libraries of HTTP cost each start two milliseconds, so
 * they come in a module that is loaded when a server is spoken to.
 */

/** Name of the module's file and of its only function. */
#define MILL_CLIENT_MODULE "millrace-client.module"
#define MILL_CLIENT_FUNCTION "mill_client_soup_new"

/**
 * MillClientRequest:
 * @accept: what the answer may be
 * @key: (nullable): API key
 * @body: (nullable): JSON
 */
typedef struct
{
  const gchar *method;
  const gchar *url;
  const gchar *accept;
  const gchar *key;
  GBytes *body;
} MillClientRequest;

typedef struct
{
  guint status;
  gchar *reason; /* (nullable) */
  GInputStream *body;
} MillClientAnswer;

typedef struct _MillClientTransport MillClientTransport;

/**
 * MillClientTransport:
 * @send: blocks until the answer's head is there; @ret_answer is left alone
 *   otherwise. Errors: G_IO_ERROR, G_TLS_ERROR and others of GIO;
 *   G_IO_ERROR_INVALID_ARGUMENT for a URL that is none
 */
struct _MillClientTransport
{
  gboolean (*send) (MillClientTransport *self, const MillClientRequest *request,
      MillClientAnswer *ret_answer, GError **error);
  void (*free) (MillClientTransport *self);
};

/* @timeout_s: how long a connection may be silent
 * Returns: (transfer full) */
typedef MillClientTransport *(*MillClientTransportNew) (guint timeout_s);

static inline void
mill_client_answer_clear (MillClientAnswer *answer)
{
  g_clear_pointer (&answer->reason, g_free);
  g_clear_object (&answer->body);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillClientAnswer, mill_client_answer_clear)

G_END_DECLS
