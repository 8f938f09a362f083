/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What decides which input is shown, and what is shown of it. A viewer would
 * notice: a stream that goes to and fro with a bad input, sound that parts from
 * the picture after a change. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <gst/gst.h>

#include "failover-gop.h"
#include "failover-policy.h"
#include "failover-slate-file.h"
#include "failover-slate.h"
#include "failover-timeline.h"

#define MS G_TIME_SPAN_MILLISECOND
#define NS_MS GST_MSECOND

/* ---- policy ---- */

enum
{
  PRIMARY,
  BACKUP,
};

static MillFailoverView views[2];
static MillFailoverSituation situation;

static void
set_up (MillFailoverHealthState primary, MillFailoverHealthState backup,
    gint active)
{
  views[PRIMARY] = (MillFailoverView){ 0, primary, 1000 * MS, TRUE, FALSE };
  views[BACKUP] = (MillFailoverView){ 1, backup, 1000 * MS, TRUE, FALSE };
  situation = (MillFailoverSituation){
    .inputs = views,
    .n_inputs = 2,
    .active = active,
    .wanted = MILL_FAILOVER_NOTHING,
    .recovery_us = 5000 * MS,
    .end_timeout_us = 10000 * MS,
  };
}

static MillFailoverDecision
decide (gint64 now_ms)
{
  return mill_failover_policy_decide (&situation, now_ms * MS);
}

static void
test_policy_change (void)
{
  static const struct
  {
    MillFailoverHealthState primary;
    MillFailoverReason reason;
  } rows[] = {
    { MILL_FAILOVER_LOST, MILL_FAILOVER_BY_LOSS },
    { MILL_FAILOVER_STALLED, MILL_FAILOVER_BY_STALL },
    { MILL_FAILOVER_SLOW, MILL_FAILOVER_BY_FRAMERATE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    set_up (rows[i].primary, MILL_FAILOVER_HEALTHY, PRIMARY);
    MillFailoverDecision decision = decide (2000);
    g_assert_cmpint (decision.action, ==, MILL_FAILOVER_AT_ONCE);
    g_assert_cmpint (decision.target, ==, BACKUP);
    g_assert_cmpint (decision.reason, ==, rows[i].reason);
    /* Nothing kept to begin with: at the next keyframe. */
    views[BACKUP].has_history = FALSE;
    g_assert_cmpint (decide (2000).action, ==, MILL_FAILOVER_AT_START);
  }
  set_up (MILL_FAILOVER_SLOW, MILL_FAILOVER_SLOW, PRIMARY);
  g_assert_cmpint (decide (2000).action, ==, MILL_FAILOVER_STAY);
  set_up (MILL_FAILOVER_STALLED, MILL_FAILOVER_SLOW, PRIMARY);
  g_assert_cmpint (decide (2000).target, ==, BACKUP);
}

static void
test_policy_return (void)
{
  set_up (MILL_FAILOVER_HEALTHY, MILL_FAILOVER_HEALTHY, BACKUP);
  g_assert_cmpint (decide (5999).action, ==, MILL_FAILOVER_STAY);
  MillFailoverDecision decision = decide (6000);
  /* At a keyframe of the better one, though it could be at once. */
  g_assert_cmpint (decision.action, ==, MILL_FAILOVER_AT_START);
  g_assert_cmpint (decision.target, ==, PRIMARY);
  g_assert_cmpint (decision.reason, ==, MILL_FAILOVER_BY_RECOVERY);
  /* The worse one is no reason to leave. */
  set_up (MILL_FAILOVER_HEALTHY, MILL_FAILOVER_HEALTHY, PRIMARY);
  g_assert_cmpint (decide (60000).action, ==, MILL_FAILOVER_STAY);
}

static void
test_policy_operator (void)
{
  set_up (MILL_FAILOVER_HEALTHY, MILL_FAILOVER_HEALTHY, PRIMARY);
  situation.wanted = BACKUP;
  situation.wanted_since_us = 1500 * MS;
  g_assert_cmpint (decide (2000).target, ==, BACKUP);
  g_assert_cmpint (decide (2000).reason, ==, MILL_FAILOVER_BY_OPERATOR);
  /* And it stays there. */
  situation.active = BACKUP;
  g_assert_cmpint (decide (60000).action, ==, MILL_FAILOVER_STAY);
}

/* What was chosen fails for a moment: it is not forgotten, and it has to prove
 * itself as the first choice has to. */
static void
test_policy_operator_holds (void)
{
  set_up (MILL_FAILOVER_HEALTHY, MILL_FAILOVER_STALLED, BACKUP);
  situation.wanted = BACKUP;
  situation.wanted_since_us = 1000 * MS;
  g_assert_cmpint (decide (2000).target, ==, PRIMARY);
  g_assert_cmpint (decide (2000).reason, ==, MILL_FAILOVER_BY_STALL);
  situation.active = PRIMARY;
  views[BACKUP].state = MILL_FAILOVER_HEALTHY;
  views[BACKUP].healthy_since_us = 3000 * MS;
  g_assert_cmpint (decide (7999).action, ==, MILL_FAILOVER_STAY);
  g_assert_cmpint (decide (8000).target, ==, BACKUP);
  g_assert_cmpint (decide (8000).action, ==, MILL_FAILOVER_AT_START);
  g_assert_cmpint (decide (8000).reason, ==, MILL_FAILOVER_BY_RECOVERY);
  /* Asked for once more it is shown without a trial. */
  situation.wanted_since_us = 4000 * MS;
  g_assert_cmpint (decide (4000).target, ==, BACKUP);
  g_assert_cmpint (decide (4000).reason, ==, MILL_FAILOVER_BY_OPERATOR);
}

/* Of what is left when the shown one is lost, the chosen one is the best. */
static void
test_policy_operator_first (void)
{
  set_up (MILL_FAILOVER_HEALTHY, MILL_FAILOVER_HEALTHY, MILL_FAILOVER_SLATE);
  situation.wanted = BACKUP;
  g_assert_cmpint (decide (2000).target, ==, BACKUP);
  situation.wanted = MILL_FAILOVER_NOTHING;
  g_assert_cmpint (decide (2000).target, ==, PRIMARY);
}

static void
test_policy_slate (void)
{
  set_up (MILL_FAILOVER_LOST, MILL_FAILOVER_WAITING, PRIMARY);
  MillFailoverDecision decision = decide (2000);
  g_assert_cmpint (decision.action, ==, MILL_FAILOVER_STAY);
  g_assert_true (decision.dead);
  situation.slate_ready = TRUE;
  g_assert_cmpint (decide (2000).action, ==, MILL_FAILOVER_SHOW_SLATE);
  situation.active = MILL_FAILOVER_SLATE;
  situation.dead_since_us = 2000 * MS;
  g_assert_cmpint (decide (11999).action, ==, MILL_FAILOVER_STAY);
  g_assert_cmpint (decide (12000).action, ==, MILL_FAILOVER_END);
  situation.end_timeout_us = 0;
  g_assert_cmpint (decide (G_MAXINT).action, ==, MILL_FAILOVER_STAY);
  /* Whoever comes is shown at once. */
  views[BACKUP].state = MILL_FAILOVER_HEALTHY;
  g_assert_cmpint (decide (12000).action, ==, MILL_FAILOVER_AT_ONCE);
  g_assert_cmpint (decide (12000).target, ==, BACKUP);
}

static void
test_policy_start_and_end (void)
{
  set_up (MILL_FAILOVER_WAITING, MILL_FAILOVER_WAITING, MILL_FAILOVER_NOTHING);
  situation.slate_ready = TRUE;
  /* A stream without a first publisher does not begin, nor does it end. */
  MillFailoverDecision decision = decide (60000);
  g_assert_cmpint (decision.action, ==, MILL_FAILOVER_STAY);
  g_assert_false (decision.dead);
  situation.slate_at_start = TRUE;
  g_assert_cmpint (decide (1).action, ==, MILL_FAILOVER_SHOW_SLATE);
  set_up (MILL_FAILOVER_LOST, MILL_FAILOVER_HEALTHY, PRIMARY);
  situation.end_wanted = TRUE;
  g_assert_cmpint (decide (1).action, ==, MILL_FAILOVER_END);
  set_up (MILL_FAILOVER_LOST, MILL_FAILOVER_LOST, BACKUP);
  views[PRIMARY].ended = views[BACKUP].ended = TRUE;
  g_assert_cmpint (decide (1).action, ==, MILL_FAILOVER_END);
}

/* ---- time ---- */

static MillFailoverStamp
stamp (guint track, gint64 ms, gboolean is_start)
{
  return (MillFailoverStamp){
    .track = track,
    .pts = ms * (gint64) NS_MS,
    .dts = track < 8 ? ms * (gint64) NS_MS : MILL_FAILOVER_NO_TIME,
    .duration = (track < 8 ? 40 : 20) * (gint64) NS_MS,
    .is_start = is_start,
    .is_video = track < 8,
  };
}

/* Returns: presentation time in ms; -1: not shown */
static gint64
put (MillFailoverTimeline *timeline, guint track, gint64 ms, gboolean is_start)
{
  MillFailoverStamp moved = stamp (track, ms, is_start);

  return mill_failover_timeline_stamp (timeline, &moved)
      ? moved.pts / (gint64) NS_MS
      : -1;
}

static void
test_timeline (void)
{
  MillFailoverTimeline timeline;
  MillFailoverStamp first = stamp (0, 1000, TRUE);

  mill_failover_timeline_init (&timeline);
  g_assert_cmpint (mill_failover_timeline_switch (&timeline, &first), ==, 0);
  g_assert_cmpint (put (&timeline, 0, 1000, TRUE), ==, 1000);
  g_assert_cmpint (put (&timeline, 8, 1010, TRUE), ==, 1010);
  g_assert_cmpint (put (&timeline, 0, 1040, FALSE), ==, 1040);
  g_assert_cmpint (put (&timeline, 8, 1030, TRUE), ==, 1030);
  g_assert_cmpint (put (&timeline, 8, 1050, TRUE), ==, 1050);

  /* Another one from 600 ms back: moved to the end of the picture, its sound
   * by as much; what was heard is not heard twice. */
  first = stamp (0, 480, TRUE);
  g_assert_cmpint (mill_failover_timeline_switch (&timeline, &first), ==, 0);
  g_assert_cmpint (timeline.offset, ==, 600 * NS_MS);
  g_assert_cmpint (put (&timeline, 8, 450, TRUE), ==, -1);
  g_assert_cmpint (put (&timeline, 0, 470, FALSE), ==, -1);
  g_assert_cmpint (put (&timeline, 0, 480, TRUE), ==, 1080);
  g_assert_cmpint (put (&timeline, 8, 470, TRUE), ==, 1070);
  g_assert_cmpint (put (&timeline, 0, 520, FALSE), ==, 1120);

  /* One that is later than the end keeps its time, and leaves a gap. */
  first = stamp (0, 2000, TRUE);
  g_assert_cmpint (mill_failover_timeline_switch (&timeline, &first), ==,
      (2000 - 1160) * NS_MS);
  g_assert_cmpint (timeline.offset, ==, 0);
  g_assert_cmpint (put (&timeline, 8, 1500, TRUE), ==, 1500);
  g_assert_cmpint (put (&timeline, 0, 2000, TRUE), ==, 2000);
}

/* A picture that is decoded 80 ms before it is shown follows one without such a
 * delay: decoding does not go back. */
static void
test_timeline_delay (void)
{
  MillFailoverTimeline timeline;
  MillFailoverStamp moved = stamp (0, 1000, TRUE);

  mill_failover_timeline_init (&timeline);
  mill_failover_timeline_switch (&timeline, &moved);
  g_assert_true (mill_failover_timeline_stamp (&timeline, &moved));
  moved = stamp (0, 1000, TRUE);
  moved.dts -= 80 * (gint64) NS_MS;
  mill_failover_timeline_switch (&timeline, &moved);
  g_assert_true (mill_failover_timeline_stamp (&timeline, &moved));
  g_assert_cmpint (moved.dts, ==, 1000 * NS_MS + 1);
  g_assert_cmpint (moved.pts, ==, 1080 * NS_MS + 1);
}

/* ---- what is kept ---- */

static void
keep (MillFailoverGop *gop, guint track, gint64 ms, gboolean is_start,
    gsize size)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, size, NULL);
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("video/x-h264");
  MillFailoverFrame frame = { stamp (track, ms, is_start), buffer, caps };

  mill_failover_gop_push (gop, &frame, is_start && track == 0);
}

static void
test_gop (void)
{
  MillFailoverGop gop;

  mill_failover_gop_init (&gop);
  keep (&gop, 0, 0, TRUE, 10);
  keep (&gop, 8, 10, TRUE, 10);
  keep (&gop, 0, 1000, FALSE, 10);
  keep (&gop, 8, 1900, TRUE, 10);
  g_assert_cmpuint (gop.frames->len, ==, 4);
  /* Sound from shortly before the next start stays, the picture goes. */
  keep (&gop, 0, 2000, TRUE, 10);
  g_assert_cmpuint (gop.frames->len, ==, 2);
  g_assert_cmpuint (gop.bytes, ==, 20);
  g_autoptr (GArray) frames = mill_failover_gop_dup_frames (&gop);
  g_assert_cmpint (mill_failover_gop_find_start (frames)->stamp.pts, ==,
      2000 * NS_MS);
  /* A keyframe that never comes: nothing is kept, and it is counted. */
  keep (&gop, 0, 14001, FALSE, 10);
  g_assert_cmpuint (gop.frames->len, ==, 0);
  g_assert_cmpuint (gop.overflows, ==, 1);
  g_assert_false (gop.has_start);
  keep (&gop, 0, 15000, TRUE, 10);
  keep (&gop, 0, 15040, FALSE, MILL_FAILOVER_GOP_MAX_BYTES);
  g_assert_cmpuint (gop.overflows, ==, 2);
  g_assert_cmpuint (gop.bytes, ==, 0);
  mill_failover_gop_clear (&gop);
}

/* ---- a slate's rounds ---- */

static GArray *
new_track (guint track, guint n, gint64 step_ms)
{
  GArray *frames = g_array_new (FALSE, FALSE, sizeof (MillFailoverFrame));

  for (guint i = 0; i < n; i++) {
    MillFailoverFrame frame = { stamp (track * 8, i * step_ms, i == 0) };
    frame.stamp.track = track;
    g_array_append_val (frames, frame);
  }
  return frames;
}

static void
test_loop (void)
{
  MillFailoverSlateTrack tracks[MILL_FAILOVER_SLATE_N_TRACKS] = {
    { new_track (0, 50, 40), 2000 * NS_MS },
    { new_track (1, 3, 20), 60 * NS_MS },
  };
  MillFailoverLoop loop;
  MillFailoverFrame frame;
  gint64 last[MILL_FAILOVER_SLATE_N_TRACKS] = { -1, -1 };
  guint count[MILL_FAILOVER_SLATE_N_TRACKS] = { 0 };

  mill_failover_loop_init (&loop);
  while (mill_failover_loop_next (&loop, tracks, 5990 * NS_MS, &frame)) {
    guint track = frame.stamp.track;
    gint64 ms = frame.stamp.pts / (gint64) NS_MS;
    if (last[track] >= 0)
      g_assert_cmpint (ms - last[track], ==, track == 0 ? 40 : 20);
    last[track] = ms;
    count[track]++;
  }
  g_assert_cmpuint (count[0], ==, 150);
  g_assert_cmpuint (count[1], ==, 300);
  g_assert_cmpint (last[0], ==, 5960);
  g_array_unref (tracks[0].frames);
  g_array_unref (tracks[1].frames);
}

/* ---- the file of a slate ---- */

#define NOBODY 65534

#define PNG "\x89PNG\r\n\x1a\n"

static const struct
{
  const gchar *name;
  const gchar *content; /* nullable: there is none */
  goffset size; /* 0: of the content */
  mode_t mode; /* 0: of a file that can be read */
  const gchar *got; /* nullable: it is fine */
} file_cases[] = {
  { "slate.png", PNG, .got = NULL },
  { "slate.jpg", "\xff\xd8\xff\xe0", .got = NULL },
  { "slate.mp4", "1234ftypisom", .got = NULL },
  /* Four bytes decide, and no fewer. */
  { "short.png", "\x89PN",
      .got = "a file of another kind, expected a PNG, JPEG or MP4 file" },
  { "slate.gif", "GIF89a",
      .got = "a file of another kind, expected a PNG, JPEG or MP4 file" },
  { "missing.png", .got = "no such file, expected a PNG, JPEG or MP4 file" },
  { "slate.png/slate.png",
      .got = "no such file, expected a PNG, JPEG or MP4 file" },
  { "empty.png", "", .got = "an empty file, expected a PNG, JPEG or MP4 file" },
  { "folder", .mode = S_IFDIR | 0755,
      .got = "a directory, expected a PNG, JPEG or MP4 file" },
  /* Nobody writes to it: to open it must not wait for that. */
  { "pipe", .mode = S_IFIFO | 0644,
      .got = "a device, pipe or socket, expected a PNG, JPEG or MP4 file" },
  { "private.png", PNG, .mode = S_IFREG,
      .got = "no permission to read it, expected a PNG, JPEG or MP4 file" },
  { "full.png", PNG, MILL_FAILOVER_SLATE_FILE_MAX_BYTES, .got = NULL },
  { "large.png", PNG, MILL_FAILOVER_SLATE_FILE_MAX_BYTES + 1,
      .got = "67108865 bytes, expected at most 67108864 (it is kept in "
             "memory)" },
};

static void
make_file (const gchar *path, guint i)
{
  const mode_t mode = file_cases[i].mode;

  if (file_cases[i].content)
    g_assert_true (g_file_set_contents (path, file_cases[i].content, -1, NULL));
  else if (S_ISDIR (mode))
    g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  else if (S_ISFIFO (mode))
    g_assert_cmpint (mkfifo (path, 0644), ==, 0);
  if (file_cases[i].size > 0)
    g_assert_cmpint (truncate (path, file_cases[i].size), ==, 0);
  if (S_ISREG (mode))
    g_assert_cmpint (chmod (path, mode & 0777), ==, 0);
}

static void
check_file (const gchar *path, guint i)
{
  g_autofree gchar *expected =
      g_strdup_printf ("slate '%s': got %s", path, file_cases[i].got);
  g_autoptr (GError) error = NULL;
  MillFailoverSlateFileKind kind;
  gboolean is_root = geteuid () == 0;

  /* Root may read everything. */
  if (is_root)
    g_assert_cmpint (seteuid (NOBODY), ==, 0);
  gboolean ok = mill_failover_slate_file_check (path, &kind, &error);
  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  if (file_cases[i].got)
    g_assert_cmpstr (error ? error->message : NULL, ==, expected);
  else
    g_assert_no_error (error);
  g_assert_true (ok == (file_cases[i].got == NULL));
}

static void
test_slate_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *dir = g_dir_make_tmp ("millslate-XXXXXX", &error);

  g_assert_no_error (error);
  g_assert_cmpint (chmod (dir, 0755), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (file_cases); i++) {
    g_autofree gchar *path = g_build_filename (dir, file_cases[i].name, NULL);
    make_file (path, i);
    check_file (path, i);
  }
  for (guint i = 0; i < G_N_ELEMENTS (file_cases); i++) {
    g_autofree gchar *path = g_build_filename (dir, file_cases[i].name, NULL);
    g_assert_true (g_remove (path) == 0 || errno == ENOENT || errno == ENOTDIR);
  }
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* What a slate is made as depends on it. */
static void
test_slate_file_kind (void)
{
  g_autofree gchar *path = NULL;
  gint fd = g_file_open_tmp ("millslate-XXXXXX", &path, NULL);
  MillFailoverSlateFileKind kind;

  close (fd);
  for (guint i = 0; i < 3; i++) {
    g_assert_true (g_file_set_contents (path, file_cases[i].content, -1, NULL));
    g_assert_true (mill_failover_slate_file_check (path, &kind, NULL));
    g_assert_cmpuint (kind, ==, i);
  }
  g_remove (path);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/failover/policy/change", test_policy_change);
  g_test_add_func ("/failover/policy/return", test_policy_return);
  g_test_add_func ("/failover/policy/operator", test_policy_operator);
  g_test_add_func ("/failover/policy/operator-holds",
      test_policy_operator_holds);
  g_test_add_func ("/failover/policy/operator-first",
      test_policy_operator_first);
  g_test_add_func ("/failover/policy/slate", test_policy_slate);
  g_test_add_func ("/failover/policy/start-and-end", test_policy_start_and_end);
  g_test_add_func ("/failover/timeline/change", test_timeline);
  g_test_add_func ("/failover/timeline/delay", test_timeline_delay);
  g_test_add_func ("/failover/gop", test_gop);
  g_test_add_func ("/failover/loop", test_loop);
  g_test_add_func ("/failover/slate-file", test_slate_file);
  g_test_add_func ("/failover/slate-file/kind", test_slate_file_kind);
  return g_test_run ();
}
