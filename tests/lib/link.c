/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: pictures at other times behind a link than before it,
 * captions that get lost, or a process that ends by a peer's bytes. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gst/video/video.h>

#include "link/link-buffer.h"
#include "link/link-event.h"

#include "hex.h"

#define assert_fails(call, error_code)                \
  G_STMT_START                                        \
  {                                                   \
    g_autoptr (GError) e_ = NULL;                     \
    GError **error = &e_;                             \
    g_assert_false ((call));                          \
    g_assert_error (e_, MILL_LINK_ERROR, error_code); \
    (void) error;                                     \
  }                                                   \
  G_STMT_END

/* The one message in @bytes; reader keeps it. */
static MillLinkMessage
read_one (MillLinkReader *reader, GBytes *bytes)
{
  MillLinkMessage message;
  gboolean has;
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  mill_link_message_reader_add (reader, data, size);
  mill_link_message_reader_next (reader, &message, &has, &error);
  g_assert_no_error (error);
  g_assert_true (has);
  return message;
}

static GstBuffer *
make_buffer (gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  gst_buffer_memset (buffer, 0, 0x5a, size);
  GST_BUFFER_PTS (buffer) = 3600 * GST_SECOND + 1;
  GST_BUFFER_DTS (buffer) = 3600 * GST_SECOND - 40 * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = 33333333;
  GST_BUFFER_OFFSET (buffer) = 7;
  GST_BUFFER_OFFSET_END (buffer) = 8;
  GST_BUFFER_FLAG_SET (buffer,
      GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_MARKER);
  return buffer;
}

static GBytes *
join (GBytes *head, GstBuffer *buffer)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  GstMapInfo map;

  g_byte_array_append (all, g_bytes_get_data (head, NULL),
      g_bytes_get_size (head));
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  g_byte_array_append (all, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static void
add_metas (GstBuffer *buffer)
{
  static const guint8 cea608[] = { 0x80, 0x94, 0x20 };
  g_autoptr (GDateTime) jam = g_date_time_new_utc (2026, 5, 1, 0, 0, 0);
  g_autoptr (GstCaps) ntp = gst_caps_new_empty_simple ("timestamp/x-ntp");

  gst_buffer_add_video_caption_meta (buffer,
      GST_VIDEO_CAPTION_TYPE_CEA608_S334_1A, cea608, sizeof cea608);
  GstVideoTimeCode *tc = gst_video_time_code_new (30000, 1001, jam,
      GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME, 1, 2, 3, 4, 0);
  gst_buffer_add_video_time_code_meta (buffer, tc);
  gst_video_time_code_free (tc);
  gst_buffer_add_reference_timestamp_meta (buffer, ntp, 12345,
      GST_CLOCK_TIME_NONE);
}

static void
assert_same (GstBuffer *one, GstBuffer *other)
{
  GstMapInfo map;

  g_assert_cmpuint (GST_BUFFER_PTS (one), ==, GST_BUFFER_PTS (other));
  g_assert_cmpuint (GST_BUFFER_DTS (one), ==, GST_BUFFER_DTS (other));
  g_assert_cmpuint (GST_BUFFER_DURATION (one), ==, GST_BUFFER_DURATION (other));
  g_assert_cmpuint (GST_BUFFER_OFFSET (one), ==, GST_BUFFER_OFFSET (other));
  g_assert_cmpuint (GST_BUFFER_OFFSET_END (one), ==,
      GST_BUFFER_OFFSET_END (other));
  g_assert_true (GST_BUFFER_FLAG_IS_SET (other, GST_BUFFER_FLAG_DELTA_UNIT));
  g_assert_true (GST_BUFFER_FLAG_IS_SET (other, GST_BUFFER_FLAG_MARKER));
  gst_buffer_map (other, &map, GST_MAP_READ);
  g_assert_cmpuint (map.size, ==, gst_buffer_get_size (one));
  g_assert_cmpint (gst_buffer_memcmp (one, 0, map.data, map.size), ==, 0);
  gst_buffer_unmap (other, &map);
}

static void
test_buffer_inline (void)
{
  g_autoptr (GstBuffer) buffer = make_buffer (1000);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();

  add_metas (buffer);
  g_autoptr (GBytes) head = mill_link_buffer_write_head (buffer, 3, &error);
  g_assert_no_error (error);
  g_autoptr (GBytes) all = join (head, buffer);
  MillLinkMessage message = read_one (reader, all);
  g_assert_cmpuint (message.pad, ==, 3);
  message.flags |= MILL_LINK_FLAG_DISCONT;
  g_autoptr (GstBuffer) copy = mill_link_buffer_read (&message, &error);
  g_assert_no_error (error);
  assert_same (buffer, copy);
  g_assert_true (GST_BUFFER_IS_DISCONT (copy));

  GstVideoCaptionMeta *caption = gst_buffer_get_video_caption_meta (copy);
  g_assert_cmpint (caption->caption_type, ==,
      GST_VIDEO_CAPTION_TYPE_CEA608_S334_1A);
  g_assert_cmpmem (caption->data, caption->size, "\x80\x94\x20", 3);
  g_autofree gchar *tc =
      gst_video_time_code_to_string (&gst_buffer_get_video_time_code_meta (copy)
                                          ->tc);
  g_assert_cmpstr (tc, ==, "01:02:03;04");
  GstReferenceTimestampMeta *reference =
      gst_buffer_get_reference_timestamp_meta (copy, NULL);
  g_assert_cmpuint (reference->timestamp, ==, 12345);
  g_assert_cmpuint (reference->duration, ==, GST_CLOCK_TIME_NONE);
}

/* The bytes as README.md of lib/link gives them. */
static void
test_vectors (void)
{
  g_autoptr (GBytes) hello = mill_link_message_new_hello (TRUE);
  g_autoptr (GBytes) wanted =
      hex_to_bytes ("00000007 01 00 0000 4d524c4b 0001 01");
  g_assert_true (g_bytes_equal (hello, wanted));

  g_autoptr (GBytes) pad = mill_link_message_new_pad (258, "video_0");
  g_autoptr (GBytes) wanted_pad =
      hex_to_bytes ("00000007 02 00 0102 766964656f5f30");
  g_assert_true (g_bytes_equal (pad, wanted_pad));

  GstEvent *event = gst_video_event_new_upstream_force_key_unit (5, TRUE, 2);
  g_autoptr (GBytes) key = mill_link_event_write (event, 1, NULL);
  gst_event_unref (event);
  g_autoptr (GBytes) wanted_key =
      hex_to_bytes ("0000000d 0e 00 0001 0000000000000005 01 00000002");
  g_assert_true (g_bytes_equal (key, wanted_key));

  GstEvent *stop = gst_event_new_flush_stop (TRUE);
  g_autoptr (GBytes) flush = mill_link_event_write (stop, 1, NULL);
  gst_event_unref (stop);
  g_autoptr (GBytes) wanted_flush = hex_to_bytes ("00000001 0f 00 0001 01");
  g_assert_true (g_bytes_equal (flush, wanted_flush));

  g_autoptr (GstBuffer) buffer = gst_buffer_new_wrapped (g_strdup ("ab"), 2);
  GST_BUFFER_PTS (buffer) = 1;
  g_autoptr (GBytes) head = mill_link_buffer_write_head (buffer, 1, NULL);
  g_autoptr (GBytes) wanted_head = hex_to_bytes (
      "00000037 0b 00 0001 0000000000000001 ffffffffffffffff ffffffffffffffff"
      "ffffffffffffffff ffffffffffffffff 00000000 0000000000000002 00");
  g_assert_true (g_bytes_equal (head, wanted_head));
}

static void
test_events (void)
{
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 3600000 * GST_SECOND;
  segment.base = 17;
  segment.time = 4;
  GstTagList *tags = gst_tag_list_new (GST_TAG_LANGUAGE_CODE, "de",
      GST_TAG_BITRATE, 128000, NULL);
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-h264, codec_data=(buffer)0142c01e, width=640, height=360,"
      "streamheader=(buffer)< 0142, 0334 >, framerate=30/1, mastering-display-info=(string)\"1:2:3\"");
  GstEvent *events[] = {
    gst_event_new_stream_start ("a stream/000"),
    gst_event_new_caps (caps),
    gst_event_new_segment (&segment),
    gst_event_new_tag (tags),
    gst_event_new_gap (5, 6),
    gst_event_new_eos (),
    gst_event_new_flush_stop (TRUE),
    gst_video_event_new_upstream_force_key_unit (9, FALSE, 1),
  };
  for (guint i = 0; i < G_N_ELEMENTS (events); i++) {
    g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = mill_link_event_write (events[i], 2, &error);
    g_assert_no_error (error);
    MillLinkMessage message = read_one (reader, bytes);
    GstEvent *event = mill_link_event_read (&message, &error);
    g_assert_no_error (error);
    const GstStructure *one = gst_event_get_structure (events[i]);
    const GstStructure *other = gst_event_get_structure (event);
    g_assert_cmpint (GST_EVENT_TYPE (event), ==, GST_EVENT_TYPE (events[i]));
    if (one && GST_EVENT_TYPE (event) != GST_EVENT_TAG &&
        GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT)
      g_assert_true (gst_structure_is_equal (one, other));
    g_autoptr (GBytes) again = mill_link_event_write (event, 2, &error);
    g_assert_true (g_bytes_equal (bytes, again));
    gst_event_unref (event);
    gst_event_unref (events[i]);
  }
}

/* A message cut off anywhere waits for the rest; a body cut off anywhere is
 * refused, not read past its end. */
static void
test_truncated (void)
{
  g_autoptr (GstBuffer) buffer = make_buffer (20);
  add_metas (buffer);
  g_autoptr (GBytes) head = mill_link_buffer_write_head (buffer, 1, NULL);
  g_autoptr (GBytes) all = join (head, buffer);
  gsize size;
  const guint8 *data = g_bytes_get_data (all, &size);

  for (gsize cut = 0; cut < size; cut++) {
    g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
    g_autofree guint8 *copy = g_memdup2 (data, cut);
    MillLinkMessage message;
    gboolean has;
    mill_link_message_reader_add (reader, copy, cut);
    g_assert_true (mill_link_message_reader_next (reader, &message, &has,
        NULL));
    g_assert_false (has);
    if (cut < MILL_LINK_HEADER_SIZE)
      continue;
    message = (MillLinkMessage){ .type = MILL_LINK_BUFFER,
      .body = copy + MILL_LINK_HEADER_SIZE,
      .size = cut - MILL_LINK_HEADER_SIZE,
      .fd = -1 };
    assert_fails (mill_link_buffer_read (&message, error) != NULL,
        MILL_LINK_ERROR_PROTOCOL);
  }
}

static void
test_refused (void)
{
  static const struct
  {
    const gchar *what;
    const gchar *bytes;
    gint code;
  } cases[] = {
    { "type 0", "00000000 00 00 0000", MILL_LINK_ERROR_PROTOCOL },
    { "an unknown type", "00000000 10 00 0000", MILL_LINK_ERROR_PROTOCOL },
    { "a body over the bound", "00020001 0b 00 0000", MILL_LINK_ERROR_LIMIT },
    { "a descriptor with caps", "00000000 05 01 0000",
        MILL_LINK_ERROR_PROTOCOL },
    { "a buffer without its descriptor", "00000000 0b 01 0000",
        MILL_LINK_ERROR_PROTOCOL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
    g_autoptr (GBytes) bytes = hex_to_bytes (cases[i].bytes);
    MillLinkMessage message;
    gboolean has;
    mill_link_message_reader_add (reader, g_bytes_get_data (bytes, NULL),
        g_bytes_get_size (bytes));
    assert_fails (mill_link_message_reader_next (reader, &message, &has, error),
        cases[i].code);
  }
}

static void
test_hostile_caps (void)
{
  static const gchar *cases[] = { "", "ANY", "NONE",
    "video/x-h264, width=[1,2]",
    "a,b=(structure)[c,d=(structure)[e,f=(structure)[g,h=(structure)[i,"
    "j=(structure)[k,l=(structure)[m,n=(structure)[o,p=(structure)[q,r=(structure)["
    "s,t=(structure)[u,v=1]]]]]]]]]]",
    "no caps at all", "a/b, c=(buffer)0", "a/b, c=(buffer)zz",
    "a/b, c=(buffer)< 01, 2 >", "a/b, c=(buffer)< 01", "a/b, c=(GstElement)x",
    "a/b, c=\"(int)1", "video/x-h264(memory:X)", "a/b;c/d", "\xff\xfe" };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_fails (mill_link_event_parse_caps ((const guint8 *) cases[i],
                      strlen (cases[i]), error) != NULL,
        MILL_LINK_ERROR_PROTOCOL);
}

/* Sends @bytes with @fd through a socket and reads them. */
static gboolean
pass (GBytes *bytes, gint fd, MillLinkReader *reader)
{
  gint pair[2];
  gboolean again;
  struct iovec iov = { (gpointer) g_bytes_get_data (bytes, NULL),
    g_bytes_get_size (bytes) };
  gchar control[CMSG_SPACE (sizeof (gint))] = { 0 };
  struct msghdr header = { .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control,
    .msg_controllen = sizeof control };
  struct cmsghdr *c = CMSG_FIRSTHDR (&header);

  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN (sizeof fd);
  memcpy (CMSG_DATA (c), &fd, sizeof fd);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
  g_assert_cmpint (sendmsg (pair[0], &header, 0), ==, (gint) iov.iov_len);
  gboolean ok =
      mill_link_message_reader_receive (reader, pair[1], &again, NULL);
  close (pair[0]);
  close (pair[1]);
  return ok;
}

static void
test_memfd (void)
{
  g_autoptr (GstBuffer) buffer = make_buffer (200000);
  g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) head = mill_link_buffer_write_head (buffer, 1, &error);
  GstMapInfo map;
  MillLinkMessage message;
  gboolean has;

  gst_buffer_map (buffer, &map, GST_MAP_READ);
  gint fd = mill_link_buffer_make_memfd (map.data, map.size, &error);
  g_assert_no_error (error);
  g_assert_true (pass (head, fd, reader));
  close (fd);
  g_assert_true (mill_link_message_reader_next (reader, &message, &has,
      &error));
  g_autoptr (GstBuffer) copy = mill_link_buffer_read (&message, &error);
  g_assert_no_error (error);
  assert_same (buffer, copy);
  gst_buffer_unmap (buffer, &map);
  g_assert_true (GST_MEMORY_IS_READONLY (gst_buffer_peek_memory (copy, 0)));
}

/* A descriptor that could change under the reader, or is of another size. */
static void
test_memfd_refused (void)
{
  g_autoptr (GstBuffer) buffer = make_buffer (200000);
  g_autoptr (GBytes) head = mill_link_buffer_write_head (buffer, 1, NULL);
  gint unsealed = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  g_assert_cmpint (ftruncate (unsealed, 200000), ==, 0);
  gint small = mill_link_buffer_make_memfd ((const guint8 *) "ab", 2, NULL);
  gint null = open ("/dev/null", O_RDONLY);
  gint fds[] = { unsealed, small, null };

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
    MillLinkMessage message;
    gboolean has;
    g_assert_true (pass (head, fds[i], reader));
    g_assert_true (mill_link_message_reader_next (reader, &message, &has,
        NULL));
    assert_fails (mill_link_buffer_read (&message, error) != NULL,
        MILL_LINK_ERROR_PROTOCOL);
    close (fds[i]);
  }
}

/* Nobody asked for it: refused, and closed. */
static void
test_descriptor_not_asked_for (void)
{
  gint ends[2];
  gchar byte;
  g_assert_cmpint (pipe (ends), ==, 0);
  g_autoptr (GBytes) hello = mill_link_message_new_hello (FALSE);
  g_autoptr (MillLinkReader) reader = mill_link_message_reader_new ();
  MillLinkMessage message;
  gboolean has;

  g_assert_true (pass (hello, ends[1], reader));
  close (ends[1]);
  g_assert_true (mill_link_message_reader_next (reader, &message, &has, NULL));
  assert_fails (mill_link_message_reader_next (reader, &message, &has, error),
      MILL_LINK_ERROR_PROTOCOL);
  g_clear_pointer (&reader, mill_link_message_reader_free);
  /* the last writing end is closed: end of file, not a wait */
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 0);
  close (ends[0]);
}

static void
test_limits (void)
{
  g_autofree gchar *text = g_strnfill (70000, 'x');
  GstEvent *event = gst_event_new_stream_start (text);
  assert_fails (mill_link_event_write (event, 1, error) != NULL,
      MILL_LINK_ERROR_LIMIT);
  gst_event_unref (event);

  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  event = gst_event_new_segment (&segment);
  assert_fails (mill_link_event_write (event, 1, error) != NULL,
      MILL_LINK_ERROR_PROTOCOL);
  gst_event_unref (event);

  MillLinkMessage hello = { .type = MILL_LINK_HELLO,
    .body = (const guint8 *) "MRLK\0\2\0",
    .size = 7,
    .fd = -1 };
  gboolean leaky;
  assert_fails (mill_link_message_parse_hello (&hello, &leaky, error),
      MILL_LINK_ERROR_PROTOCOL);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link/vectors", test_vectors);
  g_test_add_func ("/link/buffer/inline", test_buffer_inline);
  g_test_add_func ("/link/buffer/memfd", test_memfd);
  g_test_add_func ("/link/buffer/memfd-refused", test_memfd_refused);
  g_test_add_func ("/link/events", test_events);
  g_test_add_func ("/link/truncated", test_truncated);
  g_test_add_func ("/link/refused", test_refused);
  g_test_add_func ("/link/hostile-caps", test_hostile_caps);
  g_test_add_func ("/link/descriptor-not-asked-for",
      test_descriptor_not_asked_for);
  g_test_add_func ("/link/limits", test_limits);
  return g_test_run ();
}
