/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store.h"

G_BEGIN_DECLS

/*
 * Which objects a server has of us, in the local file `.objects`: not every
 * server can list, and what nobody remembers is never deleted. A line per
 * event, "+name" before an object is sent and "-name" after it was deleted;
 * compacted when it is opened and when it has grown.
 *
 * Threads: any.
 */
typedef struct _MillStoreHttpJournal MillStoreHttpJournal;

/** @local: where the file is. Blocks on the disk.
 * Returns: (transfer full)(nullable) */
MillStoreHttpJournal *mill_store_http_journal_open (MillStore *local,
    GError **error);
void mill_store_http_journal_free (MillStoreHttpJournal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreHttpJournal,
    mill_store_http_journal_free)

/** @name is about to be sent. Blocks on the disk. */
void mill_store_http_journal_add (MillStoreHttpJournal *self,
    const gchar *name);

/** @name is gone; no I/O, it is written with the next one that is added. */
void mill_store_http_journal_remove (MillStoreHttpJournal *self,
    const gchar *name);

/** As mill_store_list(). Returns: (transfer full)(element-type utf8) */
GPtrArray *mill_store_http_journal_list (MillStoreHttpJournal *self,
    const gchar *directory);

G_END_DECLS
