/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What a stranger sends as a token, what a server sends as a set of keys, and
 * what is in a token: the first byte says which. No token that is not one of
 * the seeds' is ever good; no claims let anybody publish what is no name. */

#include <string.h>

#include "daemon/auth/jwt-token.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define NOW 1300000000
#define SECRET "a secret that both of us know, 32 bytes or more"

/* RFC 7515 appendix A.3.1 */
#define KEYS                                                                   \
  "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe" \
  "1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI"  \
  "5a0\"}]}"
/* Its token's first two parts: the only ones that are signed by its key. */
#define SIGNED                                                            \
  "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog" \
  "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."

static void
check_token (const gchar *token)
{
  static MillJwtKeys *public_keys;
  static MillJwtKeys *secret_keys;
  if (!public_keys) {
    public_keys = mill_jwt_keys_new_from_set (KEYS, strlen (KEYS),
        MILL_JWT_RS256 | MILL_JWT_ES256 | MILL_JWT_HS256, NULL);
    secret_keys = mill_jwt_keys_new_from_secret ((const guint8 *) SECRET,
        strlen (SECRET), NULL);
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) claims =
      mill_jwt_token_verify (token, public_keys, &error);
  g_assert_true ((claims == NULL) == (error != NULL));
  g_assert_true (claims == NULL || g_str_has_prefix (token, SIGNED));
  g_assert_null (mill_jwt_token_verify (token, secret_keys, NULL));
}

static void
check_keys (const gchar *text, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillJwtKeys) keys = mill_jwt_keys_new_from_set (text, size,
      MILL_JWT_RS256 | MILL_JWT_ES256, &error);
  g_assert_true ((keys == NULL) == (error != NULL));
  for (guint i = 0; keys && i < mill_jwt_keys_count (keys); i++)
    g_assert_cmpint (mill_jwt_keys_get (keys, i)->algorithm, !=,
        MILL_JWT_HS256);
}

static void
check_claims (const gchar *text, gsize size)
{
  static const gchar *const names[] = { "cam", "e.y.J", "../x", "" };
  MillJwtRules rules = { NULL, "me", 30 };
  g_autoptr (JsonNode) node = mill_bounded_json_parse_object (text, size, NULL);
  for (guint i = 0; node && i < G_N_ELEMENTS (names); i++) {
    MillPublishClaim claim = { "live", names[i], "", NULL };
    g_autoptr (MillPublishVerdict) verdict =
        mill_jwt_token_check (json_node_get_object (node), &rules, &claim, NOW);
    g_assert_true ((verdict->denial == MILL_DENIAL_NONE) ==
        (verdict->stream != NULL));
    if (!verdict->stream)
      continue;
    g_assert_true (mill_publish_auth_is_name (verdict->stream));
    g_assert_cmpint (verdict->expires_at, >, NOW - 31);
  }
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0)
    return 0;
  g_autofree gchar *text = g_strndup ((const gchar *) data + 1, size - 1);
  switch (data[0]) {
    case 'k':
      check_keys (text, strlen (text));
      break;
    case 'c':
      check_claims (text, strlen (text));
      break;
    default:
      check_token (text);
      break;
  }
  return 0;
}
