/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "jwt-keys.h"

G_BEGIN_DECLS

/* Between two questions that nothing but an unknown key, or a failure, asks
 * for: anybody can make up names of keys. */
#define MILL_JWT_SOURCE_RETRY_MS 30000

/** Where the keys come from; one of jwks and secret_file. */
typedef struct
{
  gchar *jwks; /* nullable: URL, or path of a file */
  gchar *secret_file; /* nullable: path */
  guint algorithms; /* MillJwtAlgorithm bits */
  gchar *ca_file; /* nullable: see http-fetch.h */
  guint retry_ms;
} MillJwtPlace;

/** MillJwtSource: the keys of a place, as they are now: a URL is asked again
 * when its answer is old, any place when a token names a key that is not
 * there, and what was good last stays while there is nothing better. Main loop
 * only. */
typedef struct _MillJwtSource MillJwtSource;

/* Begins to load. @place: copied */
MillJwtSource *mill_jwt_source_new (const MillJwtPlace *place);
/* Who waits still is told that there is nothing. */
void mill_jwt_source_free (MillJwtSource *source);

/* Somebody asks for a reload: files are read again, a URL goes by its age. */
void mill_jwt_source_reload (MillJwtSource *source);

typedef enum
{
  MILL_JWT_SOURCE_ANY, /* that is not too old */
  MILL_JWT_SOURCE_NEWER, /* the key wanted was not in what there was */
} MillJwtNeed;

/* @keys: (nullable) (transfer none): NULL when there are none yet */
typedef void (*MillJwtSourceFunc) (MillJwtKeys *keys, gpointer user_data);

/* @func is called once, before this returns or within some seconds. */
void mill_jwt_source_get (MillJwtSource *source, MillJwtNeed need,
    MillJwtSourceFunc func, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillJwtSource, mill_jwt_source_free)

G_END_DECLS
