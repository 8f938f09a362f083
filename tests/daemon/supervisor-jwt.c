/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Tokens that let publishers in, and all those that must not. */

#include <string.h>

#include "jwt-token.h"

#define NOW 1300000000 /* before the examples' "exp" */

/* RFC 7515 appendix A.1.1, A.2.1 and A.3.1. */
#define OCT                                                                   \
  "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS" \
  "0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
#define RSA                                                                   \
  "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0" \
  "l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_"  \
  "YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"  \
  "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"  \
  "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"  \
  "yuXpoQ\",\"e\":\"AQAB\"}"
#define EC                                                                    \
  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8" \
  "Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define PAYLOAD                                                          \
  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl" \
  "LmNvbS9pc19yb290Ijp0cnVlfQ"
#define HS256_TOKEN                                   \
  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD \
  ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define RS256_TOKEN                                                          \
  "eyJhbGciOiJSUzI1NiJ9." PAYLOAD                                            \
  ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4" \
  "Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_n" \
  "ZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_" \
  "dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np" \
  "6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define ES256_TOKEN                                                          \
  "eyJhbGciOiJFUzI1NiJ9." PAYLOAD                                            \
  ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfK" \
  "TUJqPP3-Kg6NU1Q"
/* RFC 7519 §6.1 */
#define UNSECURED_TOKEN "eyJhbGciOiJub25lIn0." PAYLOAD "."

#define ALL (MILL_JWT_RS256 | MILL_JWT_ES256 | MILL_JWT_HS256)

static MillJwtKeys *
make_keys (guint allowed, const gchar *first, ...)
{
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new ("{\"keys\":[");
  va_list more;
  va_start (more, first);
  for (const gchar *key = first; key; key = va_arg (more, const gchar *))
    g_string_append_printf (text, "%s%s", key == first ? "" : ",", key);
  va_end (more);
  g_string_append (text, "]}");
  MillJwtKeys *keys =
      mill_jwt_keys_new_from_set (text->str, text->len, allowed, &error);
  g_assert_no_error (error);
  g_string_free (text, TRUE);
  return keys;
}

static gboolean
verifies (const gchar *token, MillJwtKeys *keys)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) claims = mill_jwt_token_verify (token, keys, &error);
  g_assert_true ((claims == NULL) == (error != NULL));
  return claims != NULL;
}

/* ---- signatures ---- */

static void
test_examples_of_the_standards (void)
{
  static const gchar *const tokens[] = { HS256_TOKEN, RS256_TOKEN,
    ES256_TOKEN };
  static const gchar *const jwks[] = { OCT, RSA, EC };
  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++) {
    for (guint n = 0; n < G_N_ELEMENTS (jwks); n++) {
      g_autoptr (MillJwtKeys) keys = make_keys (ALL, jwks[n], NULL);
      g_test_message ("token %u, key %u", i, n);
      g_assert_true (verifies (tokens[i], keys) == (i == n));
    }
  }
  g_autoptr (MillJwtKeys) all = make_keys (ALL, OCT, RSA, EC, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) claims =
      mill_jwt_token_verify (RS256_TOKEN, all, &error);
  g_assert_cmpstr (mill_bounded_json_get_text (json_node_get_object (claims),
                       "iss"),
      ==, "joe");
  g_assert_false (verifies (UNSECURED_TOKEN, all));
}

/* One bit is enough, wherever it is; the last character of a part has bits
 * that mean nothing, which are the signature's only slack. */
static void
test_tampered (void)
{
  static const gchar *const tokens[] = { HS256_TOKEN, RS256_TOKEN,
    ES256_TOKEN };
  g_autoptr (MillJwtKeys) keys = make_keys (ALL, OCT, RSA, EC, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++) {
    gsize length = strlen (tokens[i]);
    for (gsize at = 0; at < length; at++) {
      g_autofree gchar *token = g_strdup (tokens[i]);
      token[at] = token[at] == 'B' ? 'x' : 'B';
      if (at == length - 1)
        token[at] = tokens[i][at] == '.' ? '_' : '.';
      g_assert_false (verifies (token, keys));
      g_autofree gchar *cut = g_strndup (tokens[i], at);
      g_assert_false (verifies (cut, keys));
    }
    g_autofree gchar *longer = g_strconcat (tokens[i], "A", NULL);
    g_autofree gchar *padded = g_strconcat (tokens[i], "=", NULL);
    g_autofree gchar *more = g_strconcat (tokens[i], ".e30", NULL);
    g_autofree gchar *space = g_strconcat (" ", tokens[i], NULL);
    g_assert_false (verifies (longer, keys));
    g_assert_false (verifies (padded, keys));
    g_assert_false (verifies (more, keys));
    g_assert_false (verifies (space, keys));
  }
  static const gchar *const nothings[] = { "", ".", "..", "...", "a.b.c",
    "e30.e30.e30", "eyJhbGciOiJIUzI1NiJ9..", "eyJhbGciOiJIUzI1NiJ9.e30." };
  for (guint i = 0; i < G_N_ELEMENTS (nothings); i++)
    g_assert_false (verifies (nothings[i], keys));
  g_autofree gchar *endless = g_strnfill (100000, 'e');
  g_assert_false (verifies (endless, keys));
}

static gchar *
encode (const gchar *text)
{
  gchar *encoded = g_base64_encode ((const guchar *) text, strlen (text));
  g_strdelimit (encoded, "+", '-');
  g_strdelimit (encoded, "/", '_');
  gchar *end = strchr (encoded, '=');
  if (end)
    *end = '\0';
  return encoded;
}

/* A token whose HMAC is right, made with any header and any secret. */
static gchar *
make_hmac_token (const gchar *header, const gchar *claims, const guint8 *secret,
    gsize size)
{
  guint8 digest[32];
  gsize digest_size = sizeof digest;
  g_autofree gchar *head = encode (header);
  g_autofree gchar *body = encode (claims);
  g_autofree gchar *text = g_strconcat (head, ".", body, NULL);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, secret, size);
  g_hmac_update (hmac, (const guchar *) text, -1);
  g_hmac_get_digest (hmac, digest, &digest_size);
  g_autofree gchar *signature = g_base64_encode (digest, digest_size);
  g_strdelimit (signature, "+", '-');
  g_strdelimit (signature, "/", '_');
  *strchr (signature, '=') = '\0';
  return g_strconcat (text, ".", signature, NULL);
}

static const gchar secret[] = "a secret that both of us know, 32 bytes or more";

static gboolean
verifies_header (const gchar *header)
{
  g_autoptr (MillJwtKeys) keys =
      mill_jwt_keys_new_from_secret ((const guint8 *) secret, strlen (secret),
          NULL);
  g_autofree gchar *token = make_hmac_token (header, "{\"exp\":1}",
      (const guint8 *) secret, strlen (secret));
  return verifies (token, keys);
}

/* The header is written by whoever sends the token. */
static void
test_headers (void)
{
  g_assert_true (verifies_header ("{\"alg\":\"HS256\"}"));
  g_assert_true (verifies_header ("{\"typ\":\"JWT\",\"alg\":\"HS256\"}"));
  g_assert_true (verifies_header ("{\"alg\":\"HS256\",\"kid\":\"any\"}"));
  static const gchar *const wrong[] = { "{}", "[]", "\"HS256\"", "null",
    "{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"hs256\"}",
    "{\"alg\":\"HS384\"}", "{\"alg\":\"HS512\"}", "{\"alg\":\"PS256\"}",
    "{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}", "{\"alg\":null}",
    "{\"alg\":256}", "{\"alg\":[\"HS256\"]}", "{\"alg\":\"\"}",
    "{\"alg\":\"HS256 \"}", "{\"alg\":\"HS256\\u0000\"}",
    /* RFC 7515 §4.1.11, RFC 7797 §3 */
    "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{\"alg\":\"HS256\",\"crit\":[]}",
    "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}" };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_test_message ("%s", wrong[i]);
    g_assert_false (verifies_header (wrong[i]));
  }
}

/* A key that everybody may know must never be a secret: whatever form of the
 * public key the token was "signed" with. */
static void
test_public_key_is_no_secret (void)
{
  g_autoptr (MillJwtKeys) rsa = make_keys (ALL, RSA, NULL);
  g_autoptr (MillJwtKeys) ec = make_keys (ALL, EC, NULL);
  static const gchar *const forms[] = { RSA, EC, "{\"keys\":[" RSA "]}" };
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autofree gchar *token = make_hmac_token ("{\"alg\":\"HS256\"}",
        "{\"exp\":1}", (const guint8 *) forms[i], strlen (forms[i]));
    g_assert_false (verifies (token, rsa));
    g_assert_false (verifies (token, ec));
  }
}

/* ---- key sets ---- */

static guint
count_keys (const gchar *text, guint allowed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillJwtKeys) keys =
      mill_jwt_keys_new_from_set (text, strlen (text), allowed, &error);
  g_assert_true ((keys == NULL) == (error != NULL));
  return keys ? mill_jwt_keys_count (keys) : 0;
}

static void
test_key_sets (void)
{
  /* RFC 7517 appendix A.1, whose EC key is for encryption. */
  static const gchar *const example =
      "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11y"
      "Ss3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmW"
      "WlbbM4IFyM\",\"use\":\"enc\",\"kid\":\"1\"},{\"kty\":\"RSA\",\"n\":\"0"
      "vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7a"
      "PFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXAr"
      "wl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d"
      "0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd"
      "2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":"
      "\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}]}";
  g_assert_cmpuint (count_keys (example, ALL), ==, 1);
  g_assert_cmpuint (count_keys (example, MILL_JWT_ES256), ==, 0);
  g_assert_cmpuint (count_keys ("{\"keys\":[" OCT "," RSA "," EC "]}", ALL), ==,
      3);
  /* A set that everybody reads has no secrets in it. */
  g_assert_cmpuint (count_keys ("{\"keys\":[" OCT "," RSA "," EC "]}",
                        MILL_JWT_RS256 | MILL_JWT_ES256),
      ==, 2);
  static const gchar *const wrong[] = { "", "{}", "[]", "{\"keys\":{}}",
    "{\"keys\":[]}", "{\"keys\":[5,null,[],\"x\",{}]}",
    "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}",
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\""
    "}]}",
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}]}",
    "\xff\xfe", "{\"keys\":[" };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_test_message ("%s", wrong[i]);
    g_assert_cmpuint (count_keys (wrong[i], ALL), ==, 0);
  }
  g_autofree gchar *nested = g_strnfill (200000, '[');
  g_assert_cmpuint (count_keys (nested, ALL), ==, 0);
  for (gsize length = 0; length < strlen (example); length += 7) {
    g_autofree gchar *cut = g_strndup (example, length);
    g_assert_cmpuint (count_keys (cut, ALL), ==, 0);
  }
  g_autoptr (GError) error = NULL;
  g_assert_null (mill_jwt_keys_new_from_secret ((const guint8 *) "short", 5,
      &error));
  g_assert_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_KEYS);
}

/* What a key says that it is for goes before what a token says. */
static void
test_meant_for (void)
{
  static const gchar *const unfit[] = { "\"alg\":\"HS256\"",
    "\"alg\":\"RS512\"", "\"use\":\"enc\"", "\"use\":5" };
  for (guint i = 0; i < G_N_ELEMENTS (unfit); i++) {
    g_autofree gchar *set =
        g_strdup_printf ("{\"keys\":[{%s,%s]}", unfit[i], &RSA[1]);
    g_test_message ("%s", unfit[i]);
    g_assert_cmpuint (count_keys (set, ALL), ==, 0);
  }
  g_autofree gchar *fit =
      g_strdup_printf ("{\"keys\":[{\"alg\":\"RS256\",\"use\":\"sig\",%s]}",
          &RSA[1]);
  g_assert_cmpuint (count_keys (fit, ALL), ==, 1);
}

/* A token that names a key which is not there is the only one that newer keys
 * may help. */
static void
test_key_ids (void)
{
  g_autofree gchar *named = g_strdup_printf ("{\"kid\":\"one\",%s", &OCT[1]);
  g_autofree gchar *other = g_strdup_printf ("{\"kid\":\"two\",%s", &OCT[1]);
  g_autoptr (MillJwtKeys) one = make_keys (ALL, named, NULL);
  g_autoptr (MillJwtKeys) two = make_keys (ALL, other, NULL);
  gsize size;
  g_autofree guchar *key =
      g_base64_decode ("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS"
                       "0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==",
          &size);
  g_autofree gchar *token =
      make_hmac_token ("{\"alg\":\"HS256\",\"kid\":\"one\"}", "{\"exp\":1}",
          key, size);
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) wrong = NULL;

  g_assert_true (verifies (token, one));
  g_assert_null (mill_jwt_token_verify (token, two, &unknown));
  g_assert_error (unknown, MILL_JWT_ERROR, MILL_JWT_ERROR_UNKNOWN_KEY);
  token[strlen (token) - 5] ^= 1;
  g_assert_null (mill_jwt_token_verify (token, one, &wrong));
  g_assert_error (wrong, MILL_JWT_ERROR, MILL_JWT_ERROR_TOKEN);
  /* A token that names none is tried with all. */
  g_assert_true (verifies (HS256_TOKEN, one));
}

/* ---- claims ---- */

typedef struct
{
  const gchar *claims;
  const gchar *name;
  MillDenial denial;
  const gchar *stream;
} Case;

static void
test_one_object (void)
{
  /* json-glib takes some of them, and 1.8 leaks all but the last value. */
  static const gchar *const refused[] = {
    "",
    " ",
    "1",
    "[]",
    "{}{}",
    "2{\"xp\":11}",
    "{\"a\":1} {\"b\":2}",
    "{}1",
    "{}]",
    "{\"a\":{}",
    "{\"a",
    "{\"a\\",
    "{/*\"*/}{/*\"*/}",
    "{'\"':1}{'\"':1}",
    "//\n{}",
    "#\n{}",
  };
  static const gchar *const taken[] = {
    "{}",
    " {\"a\": [1.5e+3, -1, true, null, \"}{/'\\\"\\\\\"]}\r\n\t",
  };
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (mill_bounded_json_parse_object (refused[i],
        strlen (refused[i]), &error));
    g_assert_nonnull (error);
    g_assert_true (g_str_has_suffix (error->message, "an object of JSON"));
  }
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node =
        mill_bounded_json_parse_object (taken[i], strlen (taken[i]), &error);
    g_assert_no_error (error);
    g_assert_nonnull (node);
  }
}

/* Somebody reads it as the answer to a request. */
static void
test_why_no_object (void)
{
  static const struct
  {
    const gchar *text;
    const gchar *said;
  } cases[] = {
    { "", "got nothing, expected an object of JSON" },
    { " \r\n", "got nothing, expected an object of JSON" },
    { "[]", "got something else, expected an object of JSON" },
    { "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
        "got JSON nested more than 16 deep, expected an object of JSON" },
  };
  static const gchar deep[] = "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}";
  g_autoptr (JsonNode) node =
      mill_bounded_json_parse_object (deep, strlen (deep), NULL);

  g_assert_nonnull (node);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (mill_bounded_json_parse_object (cases[i].text,
        strlen (cases[i].text), &error));
    g_assert_cmpstr (error->message, ==, cases[i].said);
  }
}

static void
check_cases (const MillJwtRules *rules, const Case *cases, guint n_cases)
{
  for (guint i = 0; i < n_cases; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) claims =
        mill_bounded_json_parse_object (cases[i].claims,
            strlen (cases[i].claims), &error);
    g_assert_no_error (error);
    MillPublishClaim claim = { "live", cases[i].name, "", NULL };
    g_autoptr (MillPublishVerdict) verdict =
        mill_jwt_token_check (json_node_get_object (claims), rules, &claim,
            NOW);
    g_test_message ("%s as %s: %s", cases[i].claims, cases[i].name,
        verdict->detail ? verdict->detail : "");
    g_assert_cmpstr (mill_publish_verdict_denial_to_string (verdict->denial),
        ==, mill_publish_verdict_denial_to_string (cases[i].denial));
    g_assert_cmpstr (verdict->stream, ==, cases[i].stream);
  }
}

#define IN(claims) "{\"exp\":1300000100,\"sub\":\"a\"," claims "}"
#define OK MILL_DENIAL_NONE
#define INVALID MILL_DENIAL_TOKEN_INVALID
#define EXPIRED MILL_DENIAL_TOKEN_EXPIRED
#define MISMATCH MILL_DENIAL_TOKEN_MISMATCH

static void
test_time (void)
{
  static const Case cases[] = {
    { "{\"exp\":1300000100,\"sub\":\"a\"}", "a", OK, "a" },
    { "{\"exp\":1300000100.9,\"sub\":\"a\"}", "a", OK, "a" },
    { "{\"exp\":1299999971,\"sub\":\"a\"}", "a", OK, "a" }, /* leeway 30 */
    { "{\"exp\":1299999970,\"sub\":\"a\"}", "a", EXPIRED, NULL },
    { "{\"exp\":0,\"sub\":\"a\"}", "a", EXPIRED, NULL },
    { "{\"sub\":\"a\"}", "a", INVALID, NULL },
    { "{\"exp\":\"1300000100\",\"sub\":\"a\"}", "a", INVALID, NULL },
    { "{\"exp\":-5,\"sub\":\"a\"}", "a", INVALID, NULL },
    { "{\"exp\":1e300,\"sub\":\"a\"}", "a", INVALID, NULL },
    { "{\"exp\":null,\"sub\":\"a\"}", "a", INVALID, NULL },
    { "{\"exp\":true,\"sub\":\"a\"}", "a", INVALID, NULL },
    { IN ("\"nbf\":1300000030"), "a", OK, "a" },
    { IN ("\"nbf\":1300000031"), "a", INVALID, NULL },
    { IN ("\"nbf\":\"x\""), "a", INVALID, NULL },
    { IN ("\"iat\":1300000030"), "a", OK, "a" },
    { IN ("\"iat\":1300000031"), "a", INVALID, NULL },
  };
  MillJwtRules rules = { NULL, NULL, 30 };
  check_cases (&rules, cases, G_N_ELEMENTS (cases));
}

static void
test_parties (void)
{
  static const Case open[] = {
    { IN ("\"iss\":\"anybody\""), "a", OK, "a" },
    /* RFC 7519 §4.1.3: not for us, who have no name */
    { IN ("\"aud\":\"x\""), "a", MISMATCH, NULL },
    { IN ("\"app\":\"live\""), "a", OK, "a" },
    { IN ("\"app\":\"else\""), "a", MISMATCH, NULL },
    { IN ("\"app\":[\"live\"]"), "a", MISMATCH, NULL },
  };
  static const Case strict[] = {
    { IN ("\"iss\":\"me\",\"aud\":\"x\""), "a", OK, "a" },
    { IN ("\"iss\":\"me\",\"aud\":[\"y\",\"x\"]"), "a", OK, "a" },
    { IN ("\"iss\":\"me\""), "a", MISMATCH, NULL },
    { IN ("\"aud\":\"x\""), "a", MISMATCH, NULL },
    { IN ("\"iss\":\"ME\",\"aud\":\"x\""), "a", MISMATCH, NULL },
    { IN ("\"iss\":[\"me\"],\"aud\":\"x\""), "a", MISMATCH, NULL },
    { IN ("\"iss\":\"me\",\"aud\":[]"), "a", MISMATCH, NULL },
    { IN ("\"iss\":\"me\",\"aud\":[[\"x\"]]"), "a", MISMATCH, NULL },
    { IN ("\"iss\":\"me\",\"aud\":\"xy\""), "a", MISMATCH, NULL },
    { IN ("\"iss\":\"me\",\"aud\":{\"x\":1}"), "a", MISMATCH, NULL },
  };
  MillJwtRules anybody = { NULL, NULL, 0 };
  MillJwtRules named = { "me", "x", 0 };
  check_cases (&anybody, open, G_N_ELEMENTS (open));
  check_cases (&named, strict, G_N_ELEMENTS (strict));
}

/* Where the token stands in the place of the name (OBS), it has two dots. */
static void
test_streams (void)
{
  static const Case cases[] = {
    { IN ("\"x\":1"), "b", MISMATCH, NULL },
    { IN ("\"x\":1"), "e.y.J", OK, "a" },
    { IN ("\"stream\":\"b\""), "b", OK, "b" },
    { IN ("\"stream\":\"b\""), "a", MISMATCH, NULL }, /* "sub" is a person */
    { IN ("\"stream\":\"b\""), "e.y.J", OK, "b" },
    { IN ("\"stream\":\"cam-*\""), "cam-1", OK, "cam-1" },
    { IN ("\"stream\":\"cam-*\""), "cam-", OK, "cam-" },
    { IN ("\"stream\":\"cam-*\""), "cam", MISMATCH, NULL },
    { IN ("\"stream\":\"cam-*\""), "e.y.J", MISMATCH, NULL },
    { IN ("\"stream\":\"*\""), "anything", OK, "anything" },
    { IN ("\"stream\":\"*\""), "../x", MISMATCH, NULL },
    { IN ("\"stream\":\"../x\""), "e.y.J", MISMATCH, NULL },
    { IN ("\"stream\":\"\""), "e.y.J", MISMATCH, NULL },
    { IN ("\"stream\":5"), "a", MISMATCH, NULL },
    { IN ("\"stream\":null"), "a", MISMATCH, NULL },
    { "{\"exp\":1300000100,\"sub\":\"*\"}", "a", MISMATCH, NULL },
    { "{\"exp\":1300000100}", "a", MISMATCH, NULL },
    { IN ("\"max_bitrate_bps\":0"), "a", INVALID, NULL },
    { IN ("\"max_bitrate_bps\":\"1\""), "a", INVALID, NULL },
    { IN ("\"max_duration_seconds\":-1"), "a", INVALID, NULL },
  };
  MillJwtRules rules = { NULL, NULL, 0 };
  check_cases (&rules, cases, G_N_ELEMENTS (cases));

  static const gchar limited[] =
      IN ("\"max_bitrate_bps\":6000000,\"max_duration_seconds\":3600");
  g_autoptr (JsonNode) claims =
      mill_bounded_json_parse_object (limited, strlen (limited), NULL);
  MillPublishClaim claim = { "live", "a", "", NULL };
  g_autoptr (MillPublishVerdict) verdict =
      mill_jwt_token_check (json_node_get_object (claims), &rules, &claim, NOW);
  g_assert_cmpuint (verdict->limits.bitrate_bps, ==, 6000000);
  g_assert_cmpuint (verdict->limits.duration_s, ==, 3600);
  g_assert_cmpint (verdict->expires_at, ==, 1300000100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jwt/examples", test_examples_of_the_standards);
  g_test_add_func ("/jwt/tampered", test_tampered);
  g_test_add_func ("/jwt/one-object", test_one_object);
  g_test_add_func ("/jwt/why-no-object", test_why_no_object);
  g_test_add_func ("/jwt/headers", test_headers);
  g_test_add_func ("/jwt/public-key-is-no-secret",
      test_public_key_is_no_secret);
  g_test_add_func ("/jwt/key-sets", test_key_sets);
  g_test_add_func ("/jwt/meant-for", test_meant_for);
  g_test_add_func ("/jwt/key-ids", test_key_ids);
  g_test_add_func ("/jwt/time", test_time);
  g_test_add_func ("/jwt/parties", test_parties);
  g_test_add_func ("/jwt/streams", test_streams);
  return g_test_run ();
}
