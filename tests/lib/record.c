/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Files of a recording, without an element. Were it wrong, a camera that records
 * for weeks would fill the memory, or a file that cannot be ended would take the
 * next one with it. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "record-session.h"

#define FRAME_NS (1024 * GST_SECOND / 48000)

/* ---- a disk that fails for one file ---- */

static const gchar *failing; /* (nullable): in whose path */

ssize_t
pwrite (int fd, const void *data, size_t size, off_t at)
{
  g_autofree gchar *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree gchar *path = g_file_read_link (link, NULL);

  if (failing != NULL && path != NULL && strstr (path, failing) != NULL) {
    errno = EIO;
    return -1;
  }
  return syscall (SYS_pwrite64, fd, data, size, at);
}

/* ---- a recording ---- */

typedef struct
{
  gchar *dir;
  MillRecordSession *session;
  MillRecordTrack *audio;
  guint n_files; /* that were ended well */
} Fixture;

static void
begin (Fixture *self, const gchar *name, const MillRecordSettings *settings)
{
  static const guint8 config[] = { 0x11, 0x90 }; /* LC, 48 kHz, stereo */
  MillRecordSettings own = *settings;
  g_autoptr (GError) error = NULL;

  *self = (Fixture){ .dir = g_dir_make_tmp ("mill-record-XXXXXX", NULL) };
  own.location = g_build_filename (self->dir, name, NULL);
  self->session = mill_record_session_new (&own);
  g_free (own.location);
  self->audio = mill_record_session_add_track (self->session, MILL_CMAF_AUDIO);
  MillRecordFormat format = {
    .kind = MILL_CMAF_AUDIO,
    .codec_data = g_bytes_new_static (config, sizeof config),
    .timescale = 48000,
    .frame_length = 1024,
  };
  g_assert_true (mill_codec_parse_config (MILL_CODEC_AAC, config, sizeof config,
      &format.codec, &error));
  mill_record_session_set_format (self->session, self->audio, &format);
  mill_record_format_clear (&format);
}

static void
end_files (Fixture *self)
{
  MillRecordTake *take;

  while ((take = mill_record_session_pop_take (self->session)) != NULL) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *path =
        mill_record_take_finish (take, FALSE, NULL, &error);
    self->n_files += path != NULL;
    mill_record_take_free (take);
  }
}

static void
clear (Fixture *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->dir, 0, NULL);
  const gchar *name;

  mill_record_session_free (self->session);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (self->dir, name, NULL);
    g_remove (path);
  }
  g_rmdir (self->dir);
  g_free (self->dir);
}

static void
push (Fixture *self, MillRecordTrack *track, GstClockTime time)
{
  MillCmafInput input = {
    .pts = (GstClockTimeDiff) time,
    .dts = (GstClockTimeDiff) time,
    .duration = GST_CLOCK_TIME_NONE,
    .size = 16,
    .sync = TRUE,
    .arrival = GST_CLOCK_STIME_NONE,
  };

  g_assert_true (mill_record_session_push (self->session, track, &input,
      gst_buffer_new_memdup ("0123456789abcdef", 16)));
}

/* The next file begins before the index of this one takes too much memory. */
static void
test_index (void)
{
  const MillRecordSettings settings = { .container = MILL_RECORD_MP4,
    .max_index_bytes = 4000 };
  Fixture f;

  begin (&f, "a{n}.mp4", &settings);
  for (guint i = 0; i < 5000; i++) {
    push (&f, f.audio, i * FRAME_NS);
    /* And the fragment that was not written yet, of a second. */
    g_assert_cmpuint (mill_record_take_get_index_bytes (
                          mill_record_session_get_take (f.session)),
        <, 4000 + 1000);
    end_files (&f);
  }
  mill_record_session_end_track (f.session, f.audio);
  end_files (&f);
  g_assert_cmpuint (f.n_files, >=, 5);
  g_assert_cmpuint (f.n_files, <=, 20);
  clear (&f);
}

/* The sound of a file comes when the next one has begun, and cannot be written. */
static void
test_lost_end (void)
{
  const MillRecordSettings settings = { .container = MILL_RECORD_MATROSKA,
    .on_error = MILL_RECORD_CONTINUE,
    .rotate_duration = 4 * GST_SECOND };
  MillRecordFormat format = { .kind = MILL_CMAF_VIDEO,
    .is_vp8 = TRUE,
    .timescale = 1000 };
  Fixture f;

  format.codec.width = format.codec.height = 16;
  begin (&f, "a{n}.mkv", &settings);
  MillRecordTrack *video =
      mill_record_session_add_track (f.session, MILL_CMAF_VIDEO);
  mill_record_session_set_format (f.session, video, &format);
  push (&f, f.audio, 0);
  for (guint i = 0; i < 6; i++)
    push (&f, video, i * GST_SECOND);
  failing = "/a1.mkv";
  for (guint i = 1; i < 300; i++)
    push (&f, f.audio, i * FRAME_NS);
  g_autoptr (GError) error = mill_record_session_pop_error (f.session);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "goes on in the file after it"));
  g_assert_nonnull (strstr (error->message, "/a1.mkv"));
  g_assert_null (mill_record_session_pop_error (f.session));
  const MillRecordTake *take = mill_record_session_get_take (f.session);
  g_assert_nonnull (take);
  g_assert_nonnull (strstr (mill_record_take_get_path (take), "/a2.mkv"));
  mill_record_session_end_track (f.session, f.audio);
  mill_record_session_end_track (f.session, video);
  end_files (&f);
  g_assert_cmpuint (f.n_files, ==, 1);
  failing = NULL;
  clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/record/index", test_index);
  g_test_add_func ("/record/lost-end", test_lost_end);
  return g_test_run ();
}
