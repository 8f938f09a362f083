/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-rungs.h"

#include <math.h>

/* A rung this close to the source is made in the source's size: scaling by
 * less than a tenth costs sharpness and gains nothing. */
#define NEAR 0.9

/* Half the size, but for what rounding to even numbers takes. */
#define PARENT 1.9

static gdouble
get_scale (const MillLadderSize *source, guint box_height)
{
  gdouble width = (gdouble) source->width * source->par_n / source->par_d;
  gdouble box_long = box_height * 16.0 / 9.0;
  gdouble box_short = box_height;
  gboolean upright = width < source->height;
  return MIN ((upright ? box_short : box_long) / width,
      (upright ? box_long : box_short) / source->height);
}

/* 4:2:0 has one chroma sample for two by two. */
static guint
to_even (gdouble size, guint limit)
{
  guint even = (guint) (floor (size / 2.0 + 0.5) * 2.0);
  return CLAMP (even, 2, MAX (limit & ~1u, 2));
}

void
mill_ladder_rungs_fit (const MillLadderSize *source, guint box_height,
    guint *ret_width, guint *ret_height)
{
  gdouble scale = MIN (get_scale (source, box_height), 1.0);
  *ret_width = to_even (source->width * scale, source->width);
  *ret_height = to_even (source->height * scale, source->height);
}

/* Between the rungs below (NULL: nothing) and above, by area. */
static guint
interpolate (const MillLadderRung *below, const MillLadderRung *above,
    const MillLadderSize *source)
{
  gdouble scale = get_scale (source, above->height);
  gdouble area = 1.0 / (scale * scale); /* of the source, in above's */
  gdouble low_area = 0.0;
  gdouble low_bps = 0.0;
  if (below != NULL) {
    low_area = pow ((gdouble) below->height / above->height, 2.0);
    low_bps = below->bitrate_bps;
  }
  gdouble bps = low_bps +
      (above->bitrate_bps - low_bps) * (area - low_area) / (1.0 - low_area);
  return (guint) MAX (bps, MILL_LADDER_BITRATE_MIN);
}

GArray *
mill_ladder_rungs_choose (const GArray *rungs, const MillLadderSize *source,
    gboolean skip_top)
{
  GArray *outputs = g_array_new (FALSE, FALSE, sizeof (MillLadderOutput));
  const MillLadderRung *below = NULL;
  gboolean at_source = FALSE;
  for (guint i = 0; i < rungs->len && !at_source; i++) {
    const MillLadderRung *rung = &g_array_index (rungs, MillLadderRung, i);
    MillLadderOutput output = { .rung = *rung };
    gdouble scale = get_scale (source, rung->height);
    at_source = scale > NEAR;
    if (at_source && skip_top)
      break;
    if (at_source) {
      output.width = MAX (source->width & ~1u, 2);
      output.height = MAX (source->height & ~1u, 2);
      if (scale > 1.0)
        output.rung.bitrate_bps = interpolate (below, rung, source);
    } else {
      mill_ladder_rungs_fit (source, rung->height, &output.width,
          &output.height);
    }
    g_array_prepend_val (outputs, output);
    below = rung;
  }
  return outputs;
}

gint
mill_ladder_rungs_parent (const GArray *outputs, guint index)
{
  const MillLadderOutput *own =
      &g_array_index (outputs, MillLadderOutput, index);
  for (gint i = (gint) index - 1; i >= 0; i--) {
    const MillLadderOutput *above =
        &g_array_index (outputs, MillLadderOutput, (guint) i);
    if (above->height >= PARENT * own->height)
      return i;
  }
  return -1;
}

guint
mill_ladder_rungs_divisor (const MillLadderRung *rung, gint fps_n, gint fps_d)
{
  if (rung->max_fps_n <= 0 || fps_n <= 0 || fps_d <= 0)
    return 1;
  gdouble ratio = (gdouble) fps_n * rung->max_fps_d /
      ((gdouble) fps_d * rung->max_fps_n);
  /* 60000/1001 of 30 is 1.998, and 30.01 as some cameras tell is still 30. */
  return (guint) CLAMP (ceil (ratio - 0.01), 1, 1000);
}

guint
mill_ladder_rungs_threads (const GArray *outputs, guint index, guint cores)
{
  gdouble total = 0.0;
  for (guint i = 0; i < outputs->len; i++) {
    const MillLadderOutput *output =
        &g_array_index (outputs, MillLadderOutput, i);
    total += (gdouble) output->width * output->height;
  }
  const MillLadderOutput *own =
      &g_array_index (outputs, MillLadderOutput, index);
  gdouble share = (gdouble) own->width * own->height / total;
  return (guint) CLAMP (ceil (cores * share), 1, 32);
}
