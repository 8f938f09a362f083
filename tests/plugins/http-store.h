/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

/*
 * An HTTP server that keeps what is put, on a thread and port of its own, and
 * judges each request: a playlist that names what is not there, that is older
 * than the one before, or a deletion of what is listed fails the test.
 */
typedef struct _HttpStore HttpStore;

typedef enum
{
  HTTP_STORE_WELL,
  HTTP_STORE_STATUS, /* answers fault_status */
  HTTP_STORE_RESET, /* hangs up */
  HTTP_STORE_HANG, /* answers when it is well again */
} HttpStoreFault;

HttpStore *http_store_new (void);
/** The same by TLS, with the certificate and key in these PEM files. */
HttpStore *http_store_new_tls (const gchar *certificate, const gchar *key);
void http_store_free (HttpStore *self);

/** "http://127.0.0.1:port", or https */
const gchar *http_store_get_url (HttpStore *self);

/** From now on, for @n_requests (0: until told otherwise) whose path has
 * @what in it (NULL: all). */
void http_store_set_fault (HttpStore *self, HttpStoreFault fault, guint status,
    guint n_requests, const gchar *what);

/** (transfer full)(nullable): text of the object at @path ("/live/x") */
gchar *http_store_get (HttpStore *self, const gchar *path);
/** (transfer full)(nullable): header @name of the last request for @path */
gchar *http_store_get_header (HttpStore *self, const gchar *path,
    const gchar *name);
gboolean http_store_has (HttpStore *self, const gchar *path);
guint http_store_count (HttpStore *self, const gchar *needle);
guint http_store_count_requests (HttpStore *self, const gchar *path);

/** Waits until @path has @needle in it (NULL: exists); fails after 20 s. */
void http_store_wait (HttpStore *self, const gchar *path, const gchar *needle);
/** Waits until @n requests have come since it was made. */
void http_store_wait_requests (HttpStore *self, guint n);

/** What was wrong with requests so far; NULL: nothing. */
const gchar *http_store_get_complaint (HttpStore *self);
