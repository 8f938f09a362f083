/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * POST /api/v1/streams/{name}/cues: a break begins or ends, or players are
 * handed something. What the packager makes of it is in its README.
 */

#include "resources.h"
#include "runner.h"
#include "stream-registry.h"
#include "worker-proxy.h"

#define METADATA "metadata"

/** A request that waits for the worker's answer. */
typedef struct
{
  MillRequest *request;
  JsonObject *cue; /* what is answered */
} Pending;

static void
pending_free (Pending *pending)
{
  mill_request_unref (pending->request);
  json_object_unref (pending->cue);
  g_free (pending);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pending, pending_free)

/* What a schema cannot say: which fields belong to which type. */
static void
check_fields (JsonObject *body, JsonArray *errors)
{
  static const gchar *const tags[] = { "id3", "value" };
  const gchar *type = json_object_get_string_member (body, "type");
  gboolean is_metadata = g_str_equal (type, METADATA);
  guint n_tags = 0;

  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    g_autofree gchar *pointer = g_strconcat ("/", tags[i], NULL);
    if (!json_object_has_member (body, tags[i]))
      continue;
    n_tags++;
    if (!is_metadata)
      mill_problem_add_error (errors, pointer,
          "got one with type '%s', expected it with metadata", type);
  }
  if (is_metadata && n_tags == 0)
    mill_problem_add_error (errors, "",
        "'id3' or 'value': got neither, expected what to hand to players");
  if (!is_metadata && !json_object_has_member (body, "id"))
    mill_problem_add_error (errors, "/id",
        "got none, expected that of the break");
}

static void
add_time (GVariantBuilder *cue, JsonObject *body)
{
  const gchar *text =
      json_object_get_string_member_with_default (body, "at", NULL);
  g_autoptr (GDateTime) at = text ? g_date_time_new_from_iso8601 (text, NULL)
                                  : NULL;

  if (at)
    g_variant_builder_add (cue, "{sv}", "wall-time",
        g_variant_new_int64 (g_date_time_to_unix (at) * G_USEC_PER_SEC +
            g_date_time_get_microsecond (at)));
}

static void
add_tag (GVariantBuilder *cue, JsonObject *body)
{
  static const gchar *const texts[] = { "key", "value" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (json_object_has_member (body, texts[i]))
      g_variant_builder_add (cue, "{sv}", texts[i],
          g_variant_new_string (json_object_get_string_member (body,
              texts[i])));
  if (json_object_has_member (body, "id3")) {
    gsize size;
    guchar *data =
        g_base64_decode (json_object_get_string_member (body, "id3"), &size);
    g_autoptr (GBytes) tag = g_bytes_new_take (data, size);
    g_variant_builder_add (cue, "{sv}", "id3",
        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, tag, TRUE));
  }
}

/* Returns: (transfer floating) (nullable): NULL when it was answered */
static GVariant *
read_cue (MillRequest *request)
{
  JsonObject *body = mill_request_get_body (request);
  g_auto (GVariantBuilder) cue =
      G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (JsonArray) errors = json_array_new ();

  check_fields (body, errors);
  if (json_array_get_length (errors) > 0) {
    mill_request_fail_errors (request, MILL_PROBLEM_INVALID, "body", errors);
    return NULL;
  }
  add_time (&cue, body);
  g_variant_builder_add (&cue, "{sv}", "type",
      g_variant_new_string (json_object_get_string_member (body, "type")));
  g_variant_builder_add (&cue, "{sv}", "id",
      g_variant_new_uint32 ((guint32)
              json_object_get_int_member_with_default (body, "id", 0)));
  if (json_object_has_member (body, "duration"))
    g_variant_builder_add (&cue, "{sv}", "duration",
        g_variant_new_uint64 ((guint64) (json_object_get_double_member (body,
                                             "duration") *
                1e9 +
            0.5)));
  if (json_object_has_member (body, "auto_return"))
    g_variant_builder_add (&cue, "{sv}", "auto-return",
        g_variant_new_boolean (json_object_get_boolean_member (body,
            "auto_return")));
  add_tag (&cue, body);
  return g_variant_builder_end (&cue);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Pending) pending = user_data;
  g_autoptr (GError) error = NULL;

  if (mill_worker_proxy_cue_finish (MILL_WORKER_PROXY (source), result, &error))
    mill_request_reply_object (pending->request, SOUP_STATUS_OK,
        json_object_ref (pending->cue));
  else
    mill_request_fail (pending->request, error);
}

static void
post_cue (MillRequest *request)
{
  const gchar *name = mill_request_get_param (request, "name");
  MillSupervisor *supervisor = mill_request_get_supervisor (request);
  MillStream *stream =
      mill_stream_registry_find (mill_supervisor_get_registry (supervisor),
          name);
  MillWorkerProxy *worker =
      mill_runner_get_worker (mill_supervisor_get_runner (supervisor));

  if (!stream) {
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_FOUND,
        "there is no stream '%s'", name);
    return;
  }
  g_autoptr (GVariant) cue = read_cue (request);
  if (!cue)
    return;
  g_variant_ref_sink (cue);
  if (!worker || !stream->row->owner) {
    mill_request_fail_problem (request, MILL_PROBLEM_CONFLICT,
        "stream '%s': got a cue, expected one that is live", name);
    return;
  }
  Pending *pending = g_new0 (Pending, 1);
  pending->request = mill_request_ref (request);
  pending->cue = json_object_ref (mill_request_get_body (request));
  mill_worker_proxy_cue_async (worker, name, cue, on_taken, pending);
}

const MillRoute mill_api_cues_routes[] = {
  { "POST", "/api/v1/streams/{name}/cues", MILL_ACCESS_ADMIN, post_cue,
      .body = "Cue" },
  { 0 },
};
