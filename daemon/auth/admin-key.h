/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MILL_AUTH_ERROR (mill_auth_error_quark ())
GQuark mill_auth_error_quark (void);

/**
 * MillAuthError:
 * @MILL_AUTH_ERROR_KEY_FILE: admin.key cannot be read, written or trusted
 * @MILL_AUTH_ERROR_DENIED: no key, or one that does not allow this
 */
typedef enum
{
  MILL_AUTH_ERROR_KEY_FILE,
  MILL_AUTH_ERROR_DENIED,
} MillAuthError;

/** The key that may do everything over REST: @state_dir/admin.key, readable by
 * its owner only, made at the first start. */
typedef struct _MillAdminKey MillAdminKey;

/* Returns: (transfer full) (nullable) */
MillAdminKey *mill_admin_key_load (const gchar *state_dir, GError **error);
void mill_admin_key_free (MillAdminKey *key);

/* Takes the same time for every @candidate of a length.
 * @candidate: (nullable) */
gboolean mill_admin_key_matches (const MillAdminKey *key,
    const gchar *candidate);

/* What rows made with this key carry as owner_key_id; no part of the key. */
const gchar *mill_admin_key_get_id (const MillAdminKey *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillAdminKey, mill_admin_key_free)

G_END_DECLS
