/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "store/store-chunk.h"

G_BEGIN_DECLS

/*
 * The object store that packagers write to: named objects, put whole or
 * appended to. Names are relative paths with '/' ("v360/3-17.m4s"); empty
 * components, ".", "..", a leading '/' and control characters are refused
 * (MILL_STORE_ERROR_NAME), and so is a symbolic link on the way. Directories
 * come into being with the first object in them.
 *
 * Threads: the store itself may be used from any thread; one object by
 * one thread at a time. Every call but the ones marked "no I/O" may
 * block on the disk: see store-writer.h for callers that must not wait.
 * A lease may be used from any thread.
 */
typedef struct _MillStore MillStore;
typedef struct _MillStoreObject MillStoreObject;
typedef struct _MillStoreLease MillStoreLease;

#define MILL_STORE_ERROR (mill_store_error_quark ())
GQuark mill_store_error_quark (void);

/**
 * MillStoreError:
 * @MILL_STORE_ERROR_NAME: not a name an object may have
 * @MILL_STORE_ERROR_NOT_FOUND: no such object
 * @MILL_STORE_ERROR_EXISTS: there is such an object already
 * @MILL_STORE_ERROR_FULL: no room (disk, quota, file size limit)
 * @MILL_STORE_ERROR_DENIED: not permitted, or read-only
 * @MILL_STORE_ERROR_HELD: another owner holds the lease
 * @MILL_STORE_ERROR_LOST: the lease was taken over by another owner
 * @MILL_STORE_ERROR_BUSY: the writer's queue is full
 * @MILL_STORE_ERROR_SUPERSEDED: not written, because a newer version came
 * @MILL_STORE_ERROR_FAILED: anything else, with the system's text
 */
typedef enum
{
  MILL_STORE_ERROR_NAME,
  MILL_STORE_ERROR_NOT_FOUND,
  MILL_STORE_ERROR_EXISTS,
  MILL_STORE_ERROR_FULL,
  MILL_STORE_ERROR_DENIED,
  MILL_STORE_ERROR_HELD,
  MILL_STORE_ERROR_LOST,
  MILL_STORE_ERROR_BUSY,
  MILL_STORE_ERROR_SUPERSEDED,
  MILL_STORE_ERROR_FAILED,
} MillStoreError;

typedef enum
{
  MILL_STORE_NEW, /* the object must not exist yet */
  MILL_STORE_APPEND, /* goes on at its end; made when missing */
} MillStoreMode;

typedef enum
{
  MILL_STORE_TAKE_FREE, /* refused with HELD when somebody holds it */
  MILL_STORE_TAKE_OVER, /* the holder loses it */
} MillStoreTake;

/** Any thread. */
MillStore *mill_store_ref (MillStore *self);
void mill_store_unref (MillStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStore, mill_store_unref)

/** No I/O. Returns: what the store is, for messages (a path or URL) */
const gchar *mill_store_get_location (MillStore *self);

/** No I/O. Returns: whether its calls never wait for a device (tmpfs) */
gboolean mill_store_is_memory (MillStore *self);

/**
 * mill_store_is_remote:
 *
 * No I/O. Of a remote store an object is there when the job that put or closed
 * it is done, and what a step begins may be under way when the step after it
 * begins. It has neither get nor stat, and objects that are there are
 * not appended to. Objects whose names begin with '.' are local all the same.
 */
gboolean mill_store_is_remote (MillStore *self);

/** Looks how much room there is for mill_store_get_room(). */
void mill_store_measure (MillStore *self);

/** No I/O. Returns: FALSE when the room was not measured, or cannot be */
gboolean mill_store_get_room (MillStore *self, guint64 *ret_free,
    guint64 *ret_total);

/* A text that is longer is cut off. */
#define MILL_STORE_TROUBLE_BYTES 512

/** What a remote store has done. Latency: from the wish to the answer. */
typedef struct
{
  guint64 uploads;
  guint64 deletes;
  guint64 retries;
  guint64 failures; /* given up */
  guint64 dropped; /* the server was too slow for them */
  guint64 bytes;
  guint queued_objects;
  guint64 queued_bytes;
  guint64 latency_us; /* mean of late */
  guint64 max_latency_us;
  gchar
      trouble[MILL_STORE_TROUBLE_BYTES]; /* of the last attempt; empty: none */
} MillStoreStats;

/** Any thread. Returns: FALSE when the store is not remote */
gboolean mill_store_get_stats (MillStore *self, MillStoreStats *ret_stats);

/** Nothing came of it: the directory that was made for it goes, if it is empty. */
void mill_store_withdraw (MillStore *self);

/** What a remote store has under way fails now; nothing comes after it. */
void mill_store_abandon (MillStore *self);

/** Puts a whole object, replacing an older one: a reader sees the old or the
 * new one, never a part. */
gboolean mill_store_put (MillStore *self, const gchar *name, GBytes *content,
    GError **error);

/** The same of content in @pieces (element-type GBytes), in their order: one
 * that shares most of them with an older one is not put together first. */
gboolean mill_store_put_pieces (MillStore *self, const gchar *name,
    GPtrArray *pieces, GError **error);

/** No I/O. Returns: whether mill_store_patch() can be used */
gboolean mill_store_can_patch (MillStore *self);

/** Writes over a part of an object that nobody reads yet: not at once. */
gboolean mill_store_patch (MillStore *self, const gchar *name, guint64 offset,
    GBytes *content, GError **error);

/** Returns: (transfer full)(nullable): the whole object; one of more than
 * @max_bytes is refused (FAILED) */
GBytes *mill_store_get (MillStore *self, const gchar *name, gsize max_bytes,
    GError **error);

/** @ret_size: (out)(optional). Returns: FALSE with NOT_FOUND when missing */
gboolean mill_store_stat (MillStore *self, const gchar *name, guint64 *ret_size,
    GError **error);

/** Removing what is not there succeeds. An empty directory may be removed. */
gboolean mill_store_remove (MillStore *self, const gchar *name, GError **error);

/** Names of what is in @directory ("" is the top), without order; directories
 * end in '/'. Returns: (transfer full)(element-type utf8)(nullable) */
GPtrArray *mill_store_list (MillStore *self, const gchar *directory,
    GError **error);

/* ---- objects that are appended to ---- */

/**
 * mill_store_object_new:
 *
 * No I/O: the object is opened (made) by the first append, so that even a
 * thread that must not wait can make one and hand it to a writer.
 *
 * Returns: (transfer full)
 */
MillStoreObject *mill_store_object_new (MillStore *store, const gchar *name,
    MillStoreMode mode);
MillStoreObject *mill_store_object_ref (MillStoreObject *self);
/** The last one closes it. */
void mill_store_object_unref (MillStoreObject *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreObject, mill_store_object_unref)

/** Returns: bytes in it, as far as this object wrote or found; any thread */
guint64 mill_store_object_get_size (MillStoreObject *self);

/**
 * mill_store_object_append:
 *
 * Appends @chunk by one writev (short writes go on). All of it or nothing: on
 * an error the object is cut back to what it was, and every later append is
 * refused with that error, so an object is always a row of whole chunks.
 */
gboolean mill_store_object_append (MillStoreObject *self,
    const MillStoreChunk *chunk, GError **error);

/** Closes early; later appends are refused. */
gboolean mill_store_object_close (MillStoreObject *self, GError **error);

/* ---- ownership ---- */

/**
 * mill_store_take:
 * @name: of the object that is both lock and state, e.g. ".state"
 *
 * Takes the ownership that @name stands for. It ends with
 * mill_store_lease_free() or with the process, however that dies.
 *
 * Returns: (transfer full)(nullable)
 */
MillStoreLease *mill_store_take (MillStore *self, const gchar *name,
    MillStoreTake how, GError **error);

/** Returns: (transfer full): the content found when the lease was taken, or
 * written last; empty when new. May wait for a write under way. */
GBytes *mill_store_lease_dup_content (MillStoreLease *self);

/** Replaces the content: whole, as by mill_store_put(), still held. Fails with
 * LOST when another owner has taken over. */
gboolean mill_store_lease_write (MillStoreLease *self, GBytes *content,
    GError **error);

/** No I/O. Returns: whether mill_store_lease_append() can be used */
gboolean mill_store_lease_can_append (MillStoreLease *self);

/** Adds to the content, all of @content or nothing; mill_store_lease_dup_content()
 * does not know of it. After a failure, which may have left a hole in what is
 * told, every append is refused until the whole is written anew. */
gboolean mill_store_lease_append (MillStoreLease *self, GBytes *content,
    GError **error);

/** Returns: whether another owner has taken over (or removed it) */
gboolean mill_store_lease_is_lost (MillStoreLease *self);

/** Gives it up; the content stays. */
void mill_store_lease_free (MillStoreLease *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreLease, mill_store_lease_free)

G_END_DECLS
