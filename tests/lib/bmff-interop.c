/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Takes what ffmpeg encoded apart with our reader, writes it again with our
 * writer as header and segments of several chunks, and has ffprobe and ffmpeg
 * judge it: the same packets (time stamps, sizes, keyframes, payload) and the
 * same decoded pictures and sound.
 *
 * A user would notice: frames missing, out of order or out of time. */
#include <string.h>

#include <glib/gstdio.h>

#include "bmff/bmff-chunk.h"
#include "bmff/bmff-init.h"
#include "bmff/bmff-segment.h"

#define MAX_CHUNK_SAMPLES 7

/* Returns: (transfer full): standard output of a command that must succeed */
static gchar *G_GNUC_PRINTF (1, 2) run (const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *line = g_strdup_vprintf (format, args);
  va_end (args);
  gchar *output = NULL;
  gint status;
  g_autoptr (GError) error = NULL;
  g_spawn_command_line_sync (line, &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_spawn_check_wait_status (status, &error);
  if (error != NULL)
    g_error ("%s: %s", line, error->message);
  return output;
}

static GBytes *
load (const gchar *path)
{
  gchar *data;
  gsize size;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (data, size);
}

static void
write_header (MillBmffWriter *w, const MillBmffInit *init)
{
  MillCodecInfo codec;
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (init->codec_data, &size);
  MillBmffTrack track = {
    .track_id = 1,
    .timescale = init->timescale,
    .codec = &codec,
    .codec_data = init->codec_data,
    .max_bitrate_bps = 1000000,
    .average_bitrate_bps = 500000,
    .media_time = init->media_time,
  };
  if (init->codec == MILL_BMFF_FOURCC ('a', 'v', 'c', '1')) {
    g_assert_true (mill_codec_parse_config (MILL_CODEC_AVC, data, size, &codec,
        &error));
    g_assert_cmpuint (codec.width, ==, init->width);
    g_assert_cmpuint (codec.height, ==, init->height);
  } else {
    g_assert_true (mill_codec_parse_config (MILL_CODEC_AAC, data, size, &codec,
        &error));
    g_assert_cmpuint (codec.sample_rate, ==, init->sample_rate);
    g_assert_cmpuint (codec.channels, ==, init->channels);
  }
  g_assert_true (mill_bmff_init_write (w, &track, &error));
  g_assert_no_error (error);
}

/* A new segment at each keyframe (of video), chunks of a few samples. */
static guint
count_chunk_samples (const MillBmffSegmentSample *from, guint left)
{
  guint n = 1;
  while (n < MIN (left, MAX_CHUNK_SAMPLES) &&
      (from[n].flags & MILL_BMFF_SAMPLE_NON_SYNC_BIT) != 0)
    n++;
  return n;
}

static void
write_chunk (MillBmffWriter *w, const guint8 *data,
    const MillBmffSegmentSample *from, guint n, guint32 sequence_number)
{
  MillBmffSample samples[MAX_CHUNK_SAMPLES];
  for (guint i = 0; i < n; i++)
    samples[i] = (MillBmffSample){
      .size = from[i].size,
      .duration = from[i].duration,
      .composition_offset = from[i].composition_offset,
      .flags = (from[i].flags & MILL_BMFF_SAMPLE_NON_SYNC_BIT) != 0
          ? MILL_BMFF_SAMPLE_DELTA
          : MILL_BMFF_SAMPLE_SYNC,
    };
  const MillBmffChunk chunk = {
    .flags = samples[0].flags == MILL_BMFF_SAMPLE_SYNC
        ? MILL_BMFF_CHUNK_SEGMENT_START
        : MILL_BMFF_CHUNK_NONE,
    .track_id = 1,
    .sequence_number = sequence_number,
    .decode_time = from[0].decode_time,
    .ntp_time = sequence_number == 1 ? G_GUINT64_CONSTANT (1) << 62 : 0,
    .samples = samples,
    .n_samples = n,
  };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_bmff_chunk_write (w, &chunk, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    mill_bmff_writer_put_data (w, data + from[i].offset, from[i].size);
}

static void
rewrite (const gchar *from_path, const gchar *to_path)
{
  g_autoptr (GBytes) bytes = load (from_path);
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autoptr (MillBmffInit) init =
      mill_bmff_reader_parse_init (data, size, &error);
  g_assert_no_error (error);
  g_autoptr (MillBmffSegment) segment =
      mill_bmff_segment_parse (data, size, init);

  g_auto (MillBmffWriter) w = { 0 };
  write_header (&w, init);
  guint n_samples = segment->samples->len;
  guint32 sequence_number = 1;
  for (guint i = 0; i < n_samples;) {
    const MillBmffSegmentSample *sample =
        &g_array_index (segment->samples, MillBmffSegmentSample, i);
    guint n = count_chunk_samples (sample, n_samples - i);
    write_chunk (&w, data, sample, n, sequence_number++);
    i += n;
  }
  g_assert_cmpuint (n_samples, >, 0);
  g_file_set_contents (to_path, (const gchar *) w.data, w.size, &error);
  g_assert_no_error (error);
}

static gchar *
list_packets (const gchar *path)
{
  return run ("ffprobe -v error -show_data_hash md5 -of csv -show_entries "
              "packet=pts,dts,duration,size,flags,data_hash %s",
      path);
}

static gchar *
list_frames (const gchar *path)
{
  return run ("ffmpeg -v error -i %s -f framemd5 -", path);
}

static void
assert_no_complaint (const gchar *path)
{
  gint status;
  g_autofree gchar *line =
      g_strdup_printf ("ffmpeg -v warning -i %s -f null -", path);
  g_autofree gchar *complaints = NULL;
  g_autoptr (GError) error = NULL;
  g_spawn_command_line_sync (line, NULL, &complaints, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (complaints, ==, "");
}

static void
check (const gchar *encode, guint n_packets)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *dir = g_dir_make_tmp ("mill-bmff-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree gchar *theirs = g_build_filename (dir, "theirs.mp4", NULL);
  g_autofree gchar *ours = g_build_filename (dir, "ours.mp4", NULL);
  g_autofree gchar *quiet =
      run ("ffmpeg -v error %s -movflags "
           "+frag_keyframe+empty_moov+default_base_moof+cmaf %s",
          encode, theirs);
  rewrite (theirs, ours);

  g_autofree gchar *their_packets = list_packets (theirs);
  g_autofree gchar *our_packets = list_packets (ours);
  g_assert_cmpstr (our_packets, ==, their_packets);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (our_packets), "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, n_packets);
  g_autofree gchar *their_frames = list_frames (theirs);
  g_autofree gchar *our_frames = list_frames (ours);
  g_assert_cmpstr (our_frames, ==, their_frames);
  assert_no_complaint (ours);

  g_unlink (theirs);
  g_unlink (ours);
  g_rmdir (dir);
}

static void
test_video (void)
{
  check ("-f lavfi -i testsrc2=s=320x180:r=30000/1001 -frames:v 75 "
         "-c:v libx264 -preset veryfast -bf 3 -g 25 -pix_fmt yuv420p",
      75);
}

static void
test_audio (void)
{
  /* 2 s of 48000 / 1024 frames, and the one of the encoder's priming */
  check ("-f lavfi -i sine=r=48000:d=2 -c:a aac -ac 2", 95);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bmff/interop/video-with-b-frames", test_video);
  g_test_add_func ("/bmff/interop/audio-with-priming", test_audio);
  return g_test_run ();
}
