/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Random secrets and their hashes. A secret is 160 random bits, which no one
 * guesses, so its plain SHA-256 is a safe thing to keep and to look up by;
 * slow password hashes are for secrets that people choose. */

/* @prefix: what kind it is, for people and for secret scanners.
 * Returns: (transfer full): @prefix and 32 letters and digits, all of them
 *   allowed in a stream name */
gchar *mill_secret_generate (const gchar *prefix);

/* A short random identifier, not secret. Returns: (transfer full) */
gchar *mill_secret_generate_id (const gchar *prefix);

/* Returns: (transfer full): SHA-256, 32 bytes */
GBytes *mill_secret_hash (const gchar *secret);

/* The secret in a file, without the end of its line; empty is none.
 * Returns: (transfer full) (nullable) */
GBytes *mill_secret_read_file (const gchar *path, GError **error);

/* Takes the same time wherever the two differ. */
gboolean mill_secret_equal (GBytes *a, GBytes *b);

G_END_DECLS
