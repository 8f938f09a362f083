/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-presentation.h"

#include <string.h>

G_DEFINE_QUARK (mill_cmaf_presentation_error, mill_cmaf_presentation_error)

/* How long a player keeps to a steering manifest, s. */
#define STEERING_TTL_S 300

static void
clear_data (gpointer data)
{
  MillHlsSessionData *item = data;
  g_free ((gchar *) item->id);
  g_free ((gchar *) item->value);
  g_free ((gchar *) item->uri);
  g_free ((gchar *) item->language);
}

static void
clear_pathway (gpointer data)
{
  MillCmafPathway *pathway = data;
  g_free (pathway->id);
  g_free (pathway->base);
}

MillCmafPresentation *
mill_cmaf_presentation_new (void)
{
  MillCmafPresentation *self = g_atomic_rc_box_new0 (MillCmafPresentation);
  self->data = g_array_new (FALSE, TRUE, sizeof (MillHlsSessionData));
  g_array_set_clear_func (self->data, clear_data);
  self->pathways = g_array_new (FALSE, TRUE, sizeof (MillCmafPathway));
  g_array_set_clear_func (self->pathways, clear_pathway);
  return self;
}

MillCmafPresentation *
mill_cmaf_presentation_ref (MillCmafPresentation *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear_presentation (gpointer data)
{
  MillCmafPresentation *self = data;
  g_array_unref (self->data);
  g_array_unref (self->pathways);
  g_free (self->steering_uri);
}

void
mill_cmaf_presentation_unref (MillCmafPresentation *self)
{
  g_atomic_rc_box_release_full (self, clear_presentation);
}

static gboolean
refuse (GError **error, const gchar *what, const gchar *subject,
    const gchar *got, const gchar *expected)
{
  g_set_error (error, MILL_CMAF_PRESENTATION_ERROR,
      MILL_CMAF_PRESENTATION_ERROR_INVALID, "%s '%s': got %s, expected %s",
      what, subject ? subject : "", got, expected);
  return FALSE;
}

static gboolean
is_text (const gchar *text)
{
  return text != NULL && *text != '\0';
}

gboolean
mill_cmaf_presentation_add_data (MillCmafPresentation *self,
    const MillHlsSessionData *data, GError **error)
{
  if (!is_text (data->id))
    return refuse (error, "session-data", data->id, "no id", "one");
  if ((data->value != NULL) == is_text (data->uri))
    return refuse (error, "session-data", data->id,
        data->value ? "value and uri" : "neither value nor uri", "one of them");
  if (data->raw && data->uri == NULL)
    return refuse (error, "session-data", data->id, "raw and no uri",
        "raw of what is at a uri");
  for (guint i = 0; i < self->data->len; i++) {
    const MillHlsSessionData *other =
        &g_array_index (self->data, MillHlsSessionData, i);
    if (g_str_equal (other->id, data->id) &&
        g_strcmp0 (other->language, data->language) == 0)
      return refuse (error, "session-data", data->id, "it twice",
          "each id once in a language");
  }
  MillHlsSessionData copy = {
    .id = g_strdup (data->id),
    .value = g_strdup (data->value),
    .uri = data->value ? NULL : g_strdup (data->uri),
    .raw = data->raw,
    .language = is_text (data->language) ? g_strdup (data->language) : NULL,
  };
  g_array_append_val (self->data, copy);
  return TRUE;
}

static gboolean
check_base (const gchar *id, const gchar *base, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (base, G_URI_FLAGS_ENCODED, NULL);
  const gchar *scheme = uri ? g_uri_get_scheme (uri) : NULL;
  if (scheme == NULL ||
      (!g_str_equal (scheme, "http") && !g_str_equal (scheme, "https")))
    return refuse (error, "pathways", id, base, "an http or https URL");
  if (g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    return refuse (error, "pathways", id, base, "the URL of a directory");
  return TRUE;
}

gboolean
mill_cmaf_presentation_add_pathway (MillCmafPresentation *self, const gchar *id,
    const gchar *base, GError **error)
{
  if (id == NULL || !mill_hls_presentation_is_pathway (id))
    return refuse (error, "pathways", id, "that id",
        "letters, digits, '.', '-' and '_'");
  if (is_text (base) && !check_base (id, base, error))
    return FALSE;
  for (guint i = 0; i < self->pathways->len; i++)
    if (g_str_equal (g_array_index (self->pathways, MillCmafPathway, i).id, id))
      return refuse (error, "pathways", id, "it twice", "each id once");
  MillCmafPathway pathway = { .id = g_strdup (id) };
  if (is_text (base)) {
    /* What is encoded already stays as it is. */
    g_autofree gchar *encoded =
        g_uri_escape_string (base, ":/?#[]@!$&'()*+,;=%", FALSE);
    pathway.base = g_str_has_suffix (encoded, "/")
        ? g_steal_pointer (&encoded)
        : g_strconcat (encoded, "/", NULL);
  }
  g_array_append_val (self->pathways, pathway);
  return TRUE;
}

gboolean
mill_cmaf_presentation_steer (MillCmafPresentation *self, const gchar *uri,
    GError **error)
{
  g_clear_pointer (&self->steering_uri, g_free);
  self->steers = FALSE;
  if (is_text (uri)) {
    if (self->pathways->len == 0)
      return refuse (error, "steering-uri", uri, "no pathways",
          "some to choose among");
    self->steering_uri = g_strdup (uri);
  } else if (self->pathways->len > 1) {
    self->steering_uri = g_strdup (MILL_CMAF_STEERING_NAME);
    self->steers = TRUE;
  }
  return TRUE;
}

GBytes *
mill_cmaf_presentation_print_steering (const MillCmafPresentation *self)
{
  /* Ids have no character that JSON would quote. */
  GString *out = g_string_new (NULL);
  g_string_append_printf (out,
      "{\"VERSION\":1,\"TTL\":%d,\"PATHWAY-PRIORITY\":[", STEERING_TTL_S);
  for (guint i = 0; i < self->pathways->len; i++)
    g_string_append_printf (out, "%s\"%s\"", i > 0 ? "," : "",
        g_array_index (self->pathways, MillCmafPathway, i).id);
  g_string_append (out, "]}\n");
  return g_string_free_to_bytes (out);
}
