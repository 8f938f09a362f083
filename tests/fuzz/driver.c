/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Stands in for libFuzzer where the compiler has none: runs a target on its
 * seeds and on mutations of them that are the same on every machine.
 *
 *     fuzz_NAME [-runs=N] [-max_len=N] CORPUS... */

#include <stdlib.h>
#include <string.h>

#include <gst/gst.h>

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define MAX_STEPS 8

/* Values that sit on the borders of length fields. */
static const guint8 interesting[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff };

static void
add_seeds (GPtrArray *seeds, const gchar *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const gchar *name;

  if (directory == NULL)
    g_error ("no corpus in '%s'", path);
  while ((name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);
    g_autofree gchar *content = NULL;
    gsize size;

    if (g_file_get_contents (file, &content, &size, NULL))
      g_ptr_array_add (seeds, g_bytes_new (content, size));
  }
}

static void
splice (GByteArray *input, GRand *rand, GPtrArray *seeds)
{
  GBytes *other =
      g_ptr_array_index (seeds, g_rand_int_range (rand, 0, seeds->len));
  gsize size;
  const guint8 *data = g_bytes_get_data (other, &size);
  gsize from = size > 0 ? g_rand_int (rand) % size : 0;

  g_byte_array_append (input, data + from, size - from);
}

static void
mutate_step (GByteArray *input, GRand *rand, GPtrArray *seeds)
{
  guint at = input->len > 0 ? g_rand_int (rand) % input->len : 0;
  guint8 byte = (guint8) g_rand_int (rand);

  switch (input->len > 0 ? g_rand_int_range (rand, 0, 7) : 6) {
    case 0:
      input->data[at] ^= 1u << (byte & 7);
      break;
    case 1:
      input->data[at] = byte;
      break;
    case 2:
      input->data[at] = interesting[byte % G_N_ELEMENTS (interesting)];
      break;
    case 3:
      g_byte_array_remove_range (input, at,
          MIN (input->len - at, 1u + byte % 16));
      break;
    case 4:
      g_byte_array_set_size (input, at);
      break;
    case 5:
      /* Reserved first: the source is the array itself. */
      g_byte_array_set_size (input, input->len + 1);
      memmove (input->data + at + 1, input->data + at, input->len - at - 1);
      input->data[at] = byte;
      break;
    default:
      splice (input, rand, seeds);
      break;
  }
}

static void
run_one (const guint8 *data, gsize size)
{
  /* A copy of exactly this size: reading past it is seen by ASan. */
  g_autofree guint8 *copy = g_memdup2 (data, size);

  LLVMFuzzerTestOneInput (copy, size);
}

static void
run_mutations (GPtrArray *seeds, guint runs, gsize max_length)
{
  g_autoptr (GByteArray) input = g_byte_array_new ();
  GRand *rand = g_rand_new_with_seed (20260101);

  for (guint run = 0; run < runs; run++) {
    GBytes *seed = g_ptr_array_index (seeds, run % seeds->len);
    gsize size;
    const guint8 *data = g_bytes_get_data (seed, &size);
    gint steps = g_rand_int_range (rand, 1, MAX_STEPS + 1);

    g_byte_array_set_size (input, 0);
    g_byte_array_append (input, data, size);
    for (gint i = 0; i < steps; i++)
      mutate_step (input, rand, seeds);
    run_one (input->data, MIN (input->len, max_length));
  }
  g_rand_free (rand);
}

gint
main (gint argc, gchar **argv)
{
  g_autoptr (GPtrArray) seeds =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  guint runs = 20000;
  gsize max_length = 4096;

  gst_init (NULL, NULL);
  for (gint i = 1; i < argc; i++) {
    if (g_str_has_prefix (argv[i], "-runs="))
      runs = strtoul (argv[i] + strlen ("-runs="), NULL, 10);
    else if (g_str_has_prefix (argv[i], "-max_len="))
      max_length = strtoul (argv[i] + strlen ("-max_len="), NULL, 10);
    else
      add_seeds (seeds, argv[i]);
  }
  if (seeds->len == 0)
    g_error ("the corpus is empty: a target needs seeds to start from");
  for (guint i = 0; i < seeds->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (seeds->pdata[i], &size);

    run_one (data, size);
  }
  run_mutations (seeds, runs, max_length);
  g_print ("%u seeds, %u mutations\n", seeds->len, runs);
  return 0;
}
