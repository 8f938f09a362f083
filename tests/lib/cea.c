/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Were it wrong, players would offer captions that are not there, or hide those
 * that are. */
#include "codec/cea.h"

#include <string.h>

/* An SEI NAL unit with ATSC1_data (SCTE 128-1 8.1) of these constructs, behind
 * its length of four bytes, and a picture after it. */
static GByteArray *
make_unit (MillCodec codec, const guint8 *constructs, guint n)
{
  static const guint8 head[] = { 0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 0x03 };
  static const guint8 avc_slice[] = { 0, 0, 0, 2, 0x65, 0x88 };
  static const guint8 hevc_slice[] = { 0, 0, 0, 3, 0x26, 0x01, 0xaf };
  gboolean is_hevc = codec == MILL_CODEC_HEVC;
  g_autoptr (GByteArray) sei = g_byte_array_new ();
  const guint8 nal[] = { is_hevc ? 39 << 1 : 6, 1 };
  g_byte_array_append (sei, nal, is_hevc ? 2 : 1);
  /* A message of another kind comes first (pic_timing). */
  const guint8 other[] = { 1, 1, 0x40 };
  g_byte_array_append (sei, other, sizeof other);
  guint size = sizeof head + 2 + 3 * n + 1;
  const guint8 message[] = { 4, (guint8) size };
  g_byte_array_append (sei, message, sizeof message);
  g_byte_array_append (sei, head, sizeof head);
  const guint8 flags[] = { (guint8) (0xc0 | n), 0xff };
  g_byte_array_append (sei, flags, sizeof flags);
  g_byte_array_append (sei, constructs, 3 * n);
  const guint8 end[] = { 0xff, 0x80 };
  g_byte_array_append (sei, end, sizeof end);

  GByteArray *unit = g_byte_array_new ();
  g_autoptr (GByteArray) escaped = g_byte_array_new ();
  guint zeros = 0;
  for (guint i = 0; i < sei->len; i++) {
    const guint8 prevention = 3;
    if (zeros == 2 && sei->data[i] <= 3) {
      g_byte_array_append (escaped, &prevention, 1);
      zeros = 0;
    }
    zeros = sei->data[i] == 0 ? zeros + 1 : 0;
    g_byte_array_append (escaped, &sei->data[i], 1);
  }
  const guint8 length[] = { 0, 0, (guint8) (escaped->len >> 8),
    (guint8) escaped->len };
  g_byte_array_append (unit, length, sizeof length);
  g_byte_array_append (unit, escaped->data, escaped->len);
  if (is_hevc)
    g_byte_array_append (unit, hevc_slice, sizeof hevc_slice);
  else
    g_byte_array_append (unit, avc_slice, sizeof avc_slice);
  return unit;
}

static const struct
{
  const gchar *what;
  guint8 constructs[12 * 3];
  guint n;
  guint8 channels;
  guint64 services;
} vectors[] = {
  { "padding", { 0xfc, 0x80, 0x80, 0xfd, 0x80, 0x80 }, 2, 0, 0 },
  /* CTA-608-E: resume caption loading, with odd parity */
  { "CC1", { 0xfc, 0x94, 0x20 }, 1, 1, 0 },
  { "CC2 in roll-up", { 0xfc, 0x1c, 0x25 }, 1, 2, 0 },
  { "CC3", { 0xfd, 0x15, 0x29 }, 1, 4, 0 },
  { "CC4", { 0xfd, 0x9d, 0x20 }, 1, 8, 0 },
  { "characters alone", { 0xfc, 0xc1, 0xc2 }, 1, 0, 0 },
  { "text mode", { 0xfc, 0x94, 0x2a }, 1, 0, 0 },
  { "not valid", { 0xf8, 0x94, 0x20 }, 1, 0, 0 },
  { "zeros that are escaped",
      { 0xfc, 0x00, 0x00, 0xfd, 0x00, 0x00, 0xfc, 0x94, 0x20 }, 3, 1, 0 },
  /* CTA-708-E: a packet of 4 bytes, service 1 with 2 bytes */
  { "SERVICE1", { 0xff, 0x02, 0x22, 0xfe, 0x41, 0x42 }, 2, 0, 2 },
  /* service 2 with one, an extended service 9 with one */
  { "SERVICE2 and 9",
      { 0xff, 0x04, 0x41, 0xfe, 0x41, 0xe1, 0xfe, 0x09, 0x42, 0xfe, 0x00,
          0x00 },
      4, 0, 1 << 2 | 1 << 9 },
  { "an empty service block", { 0xff, 0x02, 0x20, 0xfe, 0x00, 0x00 }, 2, 0, 0 },
  { "a packet without its start", { 0xfe, 0x22, 0x41 }, 1, 0, 0 },
};

static void
test_vectors (void)
{
  static const MillCodec codecs[] = { MILL_CODEC_AVC, MILL_CODEC_HEVC };
  for (guint c = 0; c < G_N_ELEMENTS (codecs); c++)
    for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
      g_autoptr (GByteArray) unit =
          make_unit (codecs[c], vectors[i].constructs, vectors[i].n);
      MillCea cea = { 0 };
      g_test_message ("%s", vectors[i].what);
      g_assert_true (mill_cea_scan (&cea, codecs[c], 4, unit->data, unit->len));
      g_assert_true (cea.carried);
      g_assert_cmphex (cea.channels, ==, vectors[i].channels);
      g_assert_cmphex (cea.services, ==, vectors[i].services);
      /* The second time it is no news. */
      g_assert_false (mill_cea_scan (&cea, codecs[c], 4, unit->data,
          unit->len));
    }
}

/* Of several pictures: a packet goes on in the next one. */
static void
test_across (void)
{
  static const guint8 first[] = { 0xff, 0x02, 0x22 };
  static const guint8 second[] = { 0xfe, 0x41, 0x42 };
  MillCea cea = { 0 };
  g_assert_true (mill_cea_scan_constructs (&cea, first, sizeof first));
  g_assert_cmphex (cea.services, ==, 0);
  g_assert_true (mill_cea_scan_constructs (&cea, second, sizeof second));
  g_assert_cmphex (cea.services, ==, 2);
}

static void
test_nothing (void)
{
  static const guint8 plain[] = { 0, 0, 0, 3, 0x67, 0x64, 0, 0, 0, 0, 2, 0x65,
    0x88 };
  /* SEI behind the picture is not looked for: nothing there is for it. */
  static const guint8 lying[] = { 0xff, 0xff, 0xff, 0xff, 6, 4 };
  MillCea cea = { 0 };
  g_assert_false (mill_cea_scan (&cea, MILL_CODEC_AVC, 4, plain, sizeof plain));
  g_assert_false (mill_cea_scan (&cea, MILL_CODEC_AVC, 4, lying, sizeof lying));
  g_assert_false (cea.carried);
}

static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GByteArray) unit =
        make_unit (MILL_CODEC_AVC, vectors[i].constructs, vectors[i].n);
    for (gsize size = 0; size < unit->len; size++) {
      g_autofree guint8 *data = g_memdup2 (unit->data, MAX (size, 1));
      MillCea cea = { 0 };
      mill_cea_scan (&cea, MILL_CODEC_AVC, 4, data, size);
      g_assert_cmphex (cea.channels & ~vectors[i].channels, ==, 0);
      g_assert_cmphex (cea.services & ~vectors[i].services, ==, 0);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cea/vectors", test_vectors);
  g_test_add_func ("/cea/across", test_across);
  g_test_add_func ("/cea/nothing", test_nothing);
  g_test_add_func ("/cea/truncated", test_truncated);
  return g_test_run ();
}
