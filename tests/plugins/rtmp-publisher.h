/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include <openssl/ssl.h>

#include "rtmp/rtmp-client.h"

G_BEGIN_DECLS

/*
 * A publisher on a loopback socket, in the test's own thread: every function
 * returns when its bytes are sent or the deadline of 20 s is over.
 */
typedef struct
{
  gint fd;
  SSL *ssl; /* nullable: plain RTMP */
  gchar *fingerprint; /* nullable: SHA-256 of what the server showed */
  MillRtmpClient *client;
  gboolean ready;
  gboolean closed; /* by the server */
  gchar *code; /* of a refusal */
  gchar *description;
  gchar *reconnect_url; /* of a reconnect request */
} Publisher;

/* Connects and asks; does not wait for the answer. @address: host:port */
Publisher *publisher_new (const gchar *address, const gchar *app,
    const gchar *name);
/* The same by TLS of this version, a constant of OpenSSL; the server is not
 * checked. Where there is no TLS it is closed. */
Publisher *publisher_new_tls (const gchar *address, const gchar *app,
    const gchar *name, gint version);
/* TLS is there, RTMP has not begun. */
Publisher *publisher_new_silent_tls (const gchar *address);
/* Until it is accepted, refused or closed. Returns whether it may publish. */
gboolean publisher_wait (Publisher *self);
/* Until it is refused or closed. */
void publisher_wait_end (Publisher *self);
/* publisher_new() and a publisher_wait() that must succeed */
Publisher *publisher_open (const gchar *address, const gchar *app,
    const gchar *name);

/* The same of an encoder that knows nothing of Enhanced RTMP. */
Publisher *publisher_open_classic (const gchar *address, const gchar *app,
    const gchar *name);
/* Until it is asked to reconnect. */
void publisher_wait_reconnect (Publisher *self);

/* A connection that says nothing by itself. */
gint publisher_connect_raw (const gchar *address);

/* Fills the test's frames: payload bytes after the FLV header. */
void publisher_send_video_config (Publisher *self, guint32 ts,
    const gchar *avcc_hex);
void publisher_send_audio_config (Publisher *self, guint32 ts,
    const gchar *asc_hex);
void publisher_send_video (Publisher *self, guint32 ts, gboolean key,
    gint32 composition_ms);
void publisher_send_audio (Publisher *self, guint32 ts);
/* A whole FLV tag body. */
void publisher_send (Publisher *self, MillRtmpMessageType type, guint32 ts,
    const gchar *hex);
void publisher_send_bytes (Publisher *self, MillRtmpMessageType type,
    guint32 ts, const GByteArray *bytes);
/* onMetaData with these numbers: name, value, ..., NULL */
void publisher_send_metadata (Publisher *self, const gchar *name, ...)
    G_GNUC_NULL_TERMINATED;

void publisher_unpublish (Publisher *self);
/* Closes the socket and frees. */
void publisher_free (Publisher *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Publisher, publisher_free)

/* 640x360 30 fps High, and 320x180 25 fps High. */
#define AVCC_640x360                                                           \
  "0164001effe100196764001eacd940a02ff9610000030001000003003c0f162d9601000468" \
  "efbcb0fdf8f800"
#define AVCC_320x180                                                           \
  "0164000cffe1001a6764000cacd941419f9f011000000300100000030320f1429960010006" \
  "68ebe3cb22c0fdf8f800"
#define ASC_48000_STEREO "1190"
#define ASC_44100_STEREO "1210"

G_END_DECLS
