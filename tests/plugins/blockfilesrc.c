/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a film whose bytes are not those of the file, or that
 * changes while it is looked at; an error that does not say which file. */
#include <glib/gstdio.h>
#include <gst/check/gstharness.h>
#include <unistd.h>

#define SIZE 100000
#define BLOCK 4096

typedef struct
{
  gchar *path;
  guint8 *content;
  GstElement *element;
  GstPad *pad;
} Fixture;

static void
fixture_init (Fixture *self, gsize size)
{
  g_autoptr (GError) error = NULL;
  gint fd = g_file_open_tmp ("blockfilesrc-XXXXXX", &self->path, &error);
  g_assert_no_error (error);
  close (fd);
  self->content = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    self->content[i] = (guint8) (i * 7 + i / 251);
  g_file_set_contents (self->path, (gchar *) self->content, (gssize) size,
      &error);
  g_assert_no_error (error);
  self->element =
      gst_object_ref_sink (gst_element_factory_make_full ("blockfilesrc",
          "location", self->path, "block-size", BLOCK, NULL));
  self->pad = gst_element_get_static_pad (self->element, "src");
  g_assert_true (gst_pad_activate_mode (self->pad, GST_PAD_MODE_PULL, TRUE));
  g_assert_cmpint (gst_element_set_state (self->element, GST_STATE_PAUSED), !=,
      GST_STATE_CHANGE_FAILURE);
}

static void
fixture_clear (Fixture *self)
{
  gst_element_set_state (self->element, GST_STATE_NULL);
  gst_object_unref (self->pad);
  gst_object_unref (self->element);
  g_unlink (self->path);
  g_free (self->path);
  g_free (self->content);
}

static GstBuffer *
pull (Fixture *self, guint64 offset, guint length)
{
  GstBuffer *buffer = NULL;
  g_assert_cmpint (gst_pad_get_range (self->pad, offset, length, &buffer), ==,
      GST_FLOW_OK);
  return buffer;
}

static void
assert_content (Fixture *self, GstBuffer *buffer, guint64 offset, gsize length)
{
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, length);
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, self->content + offset,
                       length),
      ==, 0);
}

/* As a demuxer of four tracks far apart does, with pieces across the borders of
 * blocks, and some longer than a block. */
static void
test_pieces (void)
{
  Fixture f;
  fixture_init (&f, SIZE);
  for (guint i = 0; i < 4000; i++) {
    guint64 offset = (i % 4) * (SIZE / 4) + (i / 4) * 23;
    guint length = i % 101 == 0 ? BLOCK * 2 + 3 : 1 + i * 37 % 900;
    g_autoptr (GstBuffer) buffer = NULL;
    length = MIN (length, (guint) (SIZE - offset));
    buffer = pull (&f, offset, length);
    assert_content (&f, buffer, offset, length);
    g_assert_cmpuint (GST_BUFFER_OFFSET (buffer), ==, offset);
  }
  fixture_clear (&f);
}

/* A packager keeps frames for as long as a segment lasts. */
static void
test_held (void)
{
  Fixture f;
  g_autoptr (GPtrArray) held =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  fixture_init (&f, SIZE);
  for (guint64 offset = 0; offset + 500 <= SIZE; offset += 500)
    g_ptr_array_add (held, pull (&f, offset, 500));
  for (guint i = 0; i < held->len; i++)
    assert_content (&f, g_ptr_array_index (held, i), i * 500ul, 500);
  fixture_clear (&f);
}

static void
test_end (void)
{
  Fixture f;
  GstBuffer *none = NULL;
  fixture_init (&f, SIZE);
  g_autoptr (GstBuffer) rest = pull (&f, SIZE - 10, 100);
  assert_content (&f, rest, SIZE - 10, 10);
  g_assert_cmpint (gst_pad_get_range (f.pad, SIZE, 1, &none), ==, GST_FLOW_EOS);
  g_assert_null (none);
  fixture_clear (&f);
}

/* Who cuts a film while it is packaged ends it, and nothing else. */
static void
test_truncated (void)
{
  Fixture f;
  GstBuffer *none = NULL;
  fixture_init (&f, SIZE);
  g_autoptr (GstBuffer) first = pull (&f, 0, 100);
  g_assert_cmpint (truncate (f.path, 50000), ==, 0);
  g_assert_cmpint (gst_pad_get_range (f.pad, 60000, 100, &none), ==,
      GST_FLOW_EOS);
  g_autoptr (GstBuffer) rest = pull (&f, 49990, 100);
  assert_content (&f, rest, 49990, 10);
  assert_content (&f, first, 0, 100);
  fixture_clear (&f);
}

static void
test_pushed (void)
{
  Fixture f;
  gsize at = 0;
  fixture_init (&f, SIZE);
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make_full ("blockfilesrc",
          "location", f.path, NULL));
  GstHarness *h = gst_harness_new_with_element (element, NULL, "src");
  gst_harness_play (h);
  while (at < SIZE) {
    g_autoptr (GstBuffer) buffer = gst_harness_pull (h);
    assert_content (&f, buffer, at, gst_buffer_get_size (buffer));
    at += gst_buffer_get_size (buffer);
  }
  gst_harness_teardown (h);
  fixture_clear (&f);
}

static void
assert_refused (const gchar *location, const gchar *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make_full ("blockfilesrc",
          "location", location, NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (element, bus);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");
  gst_element_set_state (element, GST_STATE_READY);
  g_assert_false (gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, TRUE));
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, expected));
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
}

static void
test_refused (void)
{
  assert_refused (NULL, "property 'location': not set");
  assert_refused ("/nowhere/film.mp4",
      "file '/nowhere/film.mp4': there is none");
  assert_refused ("/tmp", "file '/tmp': got a directory, expected a regular");
  assert_refused ("/dev/zero", "file '/dev/zero': got a device");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/blockfilesrc/pieces", test_pieces);
  g_test_add_func ("/blockfilesrc/held", test_held);
  g_test_add_func ("/blockfilesrc/end", test_end);
  g_test_add_func ("/blockfilesrc/truncated", test_truncated);
  g_test_add_func ("/blockfilesrc/pushed", test_pushed);
  g_test_add_func ("/blockfilesrc/refused", test_refused);
  return g_test_run ();
}
