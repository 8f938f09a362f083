/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkdates.h"

#include "../common/gstrunningclock.h"

/* From 1900 to 1970 (RFC 5905 figure 4). */
#define NTP_TO_UNIX_US (G_GINT64_CONSTANT (2208988800) * G_USEC_PER_SEC)

void
gst_cmaf_sink_dates_begin (GstCmafSinkDates *self, GstCmafSinkTimeSource source,
    gint64 epoch_us)
{
  *self = (GstCmafSinkDates){ .source = source, .epoch_us = epoch_us };
}

/* What began without a clock goes on without: as if the first sample were from
 * when it came. */
static GstClockTimeDiff
ask_arrival (GstCmafSinkDates *self, GstElement *element,
    GstClockTimeDiff running_time)
{
  GstClockTimeDiff by_clock = gst_running_clock_ask (element);
  GstClockTimeDiff now = g_get_monotonic_time () *
      (GstClockTimeDiff) GST_USECOND;
  GST_OBJECT_LOCK (element);
  if (!self->has_origin) {
    self->has_origin = TRUE;
    self->by_clock = GST_CLOCK_STIME_IS_VALID (by_clock);
    self->origin = running_time - now;
  }
  GstClockTimeDiff arrival = self->by_clock ? by_clock : now + self->origin;
  GST_OBJECT_UNLOCK (element);
  return arrival;
}

/* Of several pads that come first at a time the packager takes the first; none
 * goes on before it has. */
static void
set_wall (GstCmafSinkDates *self, MillCmafPackager *packager,
    MillCmafDating dating, gint64 wall_us, GstClockTimeDiff start)
{
  mill_cmaf_packager_set_wall (packager, dating, wall_us, start);
  g_atomic_int_set (&self->has_wall, TRUE);
}

/* @ret_wall_us: what the source's clock said of @buffer, µs since 1970 */
static gboolean
read_reference (GstBuffer *buffer, gint64 *ret_wall_us)
{
  gpointer state = NULL;
  GstMeta *meta;
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_REFERENCE_TIMESTAMP_META_API_TYPE)) != NULL) {
    const GstReferenceTimestampMeta *own = (GstReferenceTimestampMeta *) meta;
    const gchar *name =
        gst_structure_get_name (gst_caps_get_structure (own->reference, 0));
    gint64 time_us = (gint64) (own->timestamp / GST_USECOND);
    gboolean is_ntp = g_str_equal (name, "timestamp/x-ntp");
    if (!is_ntp && !g_str_equal (name, "timestamp/x-unix"))
      continue;
    *ret_wall_us = is_ntp ? time_us - NTP_TO_UNIX_US : time_us;
    return *ret_wall_us > 0;
  }
  return FALSE;
}

void
gst_cmaf_sink_dates_note (GstCmafSinkDates *self, GstElement *element,
    MillCmafPackager *packager, GstBuffer *buffer, MillCmafInput *input)
{
  gint64 wall_us;
  if (self->source == GST_CMAF_SINK_MEDIA) {
    if (!g_atomic_int_get (&self->has_wall))
      set_wall (self, packager, MILL_CMAF_DATED_AS_TOLD, self->epoch_us,
          input->pts);
    return;
  }
  if (self->source == GST_CMAF_SINK_REFERENCE_TIMESTAMP &&
      read_reference (buffer, &wall_us)) {
    mill_cmaf_packager_note_reference (packager, input->pts, wall_us);
    g_atomic_int_set (&self->has_wall, TRUE);
    return;
  }
  input->arrival = ask_arrival (self, element, input->pts);
  if (GST_CLOCK_STIME_IS_VALID (input->arrival) &&
      !g_atomic_int_get (&self->has_wall))
    set_wall (self, packager, MILL_CMAF_DATED_BY_ARRIVAL,
        g_get_real_time () - input->arrival / (GstClockTimeDiff) GST_USECOND,
        input->pts);
}
