/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>

G_BEGIN_DECLS

/* Ends the test when @document is no MPD by the schema that check-dash has. */
static inline void
mpd_schema_assert_valid (xmlDocPtr document)
{
  g_autofree gchar *path = g_build_filename (g_getenv ("MILL_SOURCE_ROOT"),
      "tests/tools/check/mpd.rng", NULL);
  xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt (path);
  xmlRelaxNGPtr schema = xmlRelaxNGParse (parser);
  g_assert_nonnull (schema);
  xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt (schema);

  /* What is wrong is on stderr. */
  g_assert_cmpint (xmlRelaxNGValidateDoc (context, document), ==, 0);
  xmlRelaxNGFreeValidCtxt (context);
  xmlRelaxNGFree (schema);
  xmlRelaxNGFreeParserCtxt (parser);
}

G_END_DECLS
