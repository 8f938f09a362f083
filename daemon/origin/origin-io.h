/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "daemon/origin/origin-poller.h"

G_BEGIN_DECLS

/*
 * MillOriginIo: one connection, as libsoup reads and writes it.
 *
 * The head of an answer is kept until its body comes, or the turn of the main
 * loop ends, so that a small answer is one segment of TCP and one system call.
 * What is written out of a mapped file goes by sendfile(): nobody looks at the
 * mapping, so a file that is cut ends the connection and not the process.
 *
 * Never blocks. Main thread.
 */
#define MILL_TYPE_ORIGIN_IO (mill_origin_io_get_type ())
G_DECLARE_FINAL_TYPE (MillOriginIo, mill_origin_io, MILL, ORIGIN_IO, GIOStream)

/** Both outlive every MillOriginIo. */
typedef struct
{
  GQueue held; /* those that keep something back: to be flushed each turn */
  guint64 *sent; /* bytes of bodies, to be added to */
} MillOriginIoShared;

/** @fd: non-blocking; taken over. Returns: (transfer full) */
MillOriginIo *mill_origin_io_new (gint fd, MillOriginIoShared *shared);

MillOriginWatch *mill_origin_io_get_watch (MillOriginIo *self);

/** What is written from @base on, up to @length, is that of @fd from its
 * beginning on. @owner: (transfer full)(nullable): keeps all three, freed by
 * @free_owner when the next one is set, or at the end of the connection. */
void mill_origin_io_set_file (MillOriginIo *self, gconstpointer base,
    gsize length, gint fd, gpointer owner, GDestroyNotify free_owner);

/** Writes what is kept back. */
void mill_origin_io_flush (MillOriginIo *self);

/** The client sees the end; libsoup, too, in its next turn. @is_idle: between
 * an answer and the next request. */
void mill_origin_io_end (MillOriginIo *self, gboolean is_idle);

/** Nothing of a request has come since the last answer: should the client end
 * the connection now, libsoup is told in a way that it cleans up after. */
void mill_origin_io_set_idle (MillOriginIo *self, gboolean is_idle);

/** Returns: bytes that were given to the kernel */
guint64 mill_origin_io_get_written (MillOriginIo *self);

/** Returns: bytes that the client's side has confirmed */
guint64 mill_origin_io_get_taken (MillOriginIo *self);

/** Returns: whether there is something that the client has not taken */
gboolean mill_origin_io_is_behind (MillOriginIo *self);

G_END_DECLS
