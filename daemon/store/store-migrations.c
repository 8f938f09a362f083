/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The steps that bring a store from each version to the next; PRAGMA
 * user_version counts them. A step that was ever released is never edited:
 * files written by it exist.
 *
 * Every row carries node_id, generation and owner_key_id, streams a lease too:
 * several hosts on one store must never run a stream twice, and giving these
 * columns to rows that exist would have to guess their values.
 *
 * Times are Unix seconds, except stream.epoch: CLOCK_MONOTONIC nanoseconds of
 * the boot that boot_id names. */

#include "store-private.h"

const gchar *const mill_store_migrations[] = {
  /* 1: nodes, descriptions, streams */
  "CREATE TABLE counters ("
  "  name TEXT PRIMARY KEY,"
  "  value INTEGER NOT NULL"
  ") WITHOUT ROWID;"
  "INSERT INTO counters VALUES ('generation', 0);"
  "CREATE TABLE nodes ("
  "  id TEXT PRIMARY KEY,"
  "  host TEXT NOT NULL,"
  "  boot_id TEXT NOT NULL,"
  "  since INTEGER NOT NULL,"
  "  seen_at INTEGER NOT NULL"
  ") WITHOUT ROWID;"
  "CREATE TABLE pipelines ("
  "  name TEXT PRIMARY KEY,"
  "  text TEXT NOT NULL,"
  "  generation INTEGER NOT NULL,"
  "  node_id TEXT NOT NULL,"
  "  owner_key_id TEXT,"
  "  created_at INTEGER NOT NULL,"
  "  updated_at INTEGER NOT NULL"
  ") WITHOUT ROWID;"
  "CREATE TABLE streams ("
  "  name TEXT PRIMARY KEY,"
  "  app TEXT,"
  "  pipeline TEXT NOT NULL,"
  "  params TEXT NOT NULL DEFAULT '{}',"
  "  declared INTEGER NOT NULL,"
  "  desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped')),"
  "  phase TEXT NOT NULL"
  "    CHECK (phase IN ('idle', 'running', 'ended', 'failed')),"
  "  owner TEXT,"
  "  generation INTEGER NOT NULL,"
  "  epoch INTEGER NOT NULL,"
  "  boot_id TEXT NOT NULL,"
  "  restarts INTEGER NOT NULL DEFAULT 0,"
  "  last_error TEXT,"
  "  node_id TEXT NOT NULL,"
  "  owner_key_id TEXT,"
  "  lease_owner TEXT,"
  "  lease_expires INTEGER NOT NULL DEFAULT 0,"
  "  created_at INTEGER NOT NULL,"
  "  updated_at INTEGER NOT NULL"
  ") WITHOUT ROWID;",

  /* 2: stream keys; the secret itself is nowhere */
  "CREATE TABLE stream_keys ("
  "  id TEXT PRIMARY KEY,"
  "  hash BLOB NOT NULL UNIQUE CHECK (length (hash) = 32),"
  "  app TEXT NOT NULL,"
  "  name TEXT NOT NULL,"
  "  enabled INTEGER NOT NULL,"
  "  created_at INTEGER NOT NULL,"
  "  expires_at INTEGER,"
  "  generation INTEGER NOT NULL,"
  "  node_id TEXT NOT NULL,"
  "  owner_key_id TEXT"
  ") WITHOUT ROWID;"
  "CREATE INDEX stream_keys_name ON stream_keys (name);",

  /* 3: what a run is of, which may be changed or deleted while it runs */
  "ALTER TABLE streams ADD COLUMN run_text TEXT;"
  "ALTER TABLE streams ADD COLUMN run_file TEXT;",

  /* 4: what a stream key allows, the secret before its rotation, and who was
   * let in to what runs: revoking ends that, also after a restart */
  "ALTER TABLE stream_keys ADD COLUMN"
  "  allowed_addresses TEXT NOT NULL DEFAULT '';"
  "ALTER TABLE stream_keys ADD COLUMN"
  "  max_bitrate_bps INTEGER NOT NULL DEFAULT 0;"
  "ALTER TABLE stream_keys ADD COLUMN"
  "  max_duration_s INTEGER NOT NULL DEFAULT 0;"
  "ALTER TABLE stream_keys ADD COLUMN previous_hash BLOB;"
  "ALTER TABLE stream_keys ADD COLUMN previous_expires_at INTEGER;"
  "CREATE UNIQUE INDEX stream_keys_previous ON stream_keys (previous_hash);"
  "CREATE TABLE admissions ("
  "  stream TEXT PRIMARY KEY,"
  "  key_id TEXT,"
  "  key_generation INTEGER NOT NULL,"
  "  address TEXT NOT NULL,"
  "  since INTEGER NOT NULL,"
  "  ends_at INTEGER,"
  "  max_bitrate_bps INTEGER NOT NULL,"
  "  generation INTEGER NOT NULL,"
  "  node_id TEXT NOT NULL,"
  "  owner_key_id TEXT"
  ") WITHOUT ROWID;",

  /* 5: a stream may have several publishers; what a run before this let in is
   * let in no longer than that run */
  "DROP TABLE admissions;"
  "CREATE TABLE admissions ("
  "  stream TEXT NOT NULL,"
  "  address TEXT NOT NULL,"
  "  key_id TEXT,"
  "  key_generation INTEGER NOT NULL,"
  "  since INTEGER NOT NULL,"
  "  ends_at INTEGER,"
  "  max_bitrate_bps INTEGER NOT NULL,"
  "  generation INTEGER NOT NULL,"
  "  node_id TEXT NOT NULL,"
  "  owner_key_id TEXT,"
  "  PRIMARY KEY (stream, address)"
  ") WITHOUT ROWID;",
};

guint
mill_store_migrations_count (void)
{
  return G_N_ELEMENTS (mill_store_migrations);
}
