/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The little of XML that an MPD is made of: elements with attributes, in UTF-8,
 * one on a line. An MPD is printed once per segment of every stream. */

/* MPD, Period, AdaptationSet, Representation, SegmentTemplate, its timeline, S */
#define MILL_MPD_XML_DEPTH_MAX 8

typedef struct
{
  GString *text;
  const gchar *names[MILL_MPD_XML_DEPTH_MAX]; /* of open elements; static */
  guint depth;
  gboolean in_tag; /* attributes may follow */
} MillMpdXml;

void mill_mpd_xml_begin (MillMpdXml *self);
/* Returns: (transfer full) */
GBytes *mill_mpd_xml_end (MillMpdXml *self);

/* @name: static */
void mill_mpd_xml_start_element (MillMpdXml *self, const gchar *name);
void mill_mpd_xml_end_element (MillMpdXml *self);

/* Any bytes: what XML does not allow becomes something it does. */
void mill_mpd_xml_put_text (MillMpdXml *self, const gchar *name,
    const gchar *value);
void mill_mpd_xml_put_number (MillMpdXml *self, const gchar *name,
    guint64 value);
void mill_mpd_xml_put_ratio (MillMpdXml *self, const gchar *name, guint n,
    guint d, gchar separator);
/* xs:duration; leaves it out when it is GST_CLOCK_TIME_NONE. */
void mill_mpd_xml_put_duration (MillMpdXml *self, const gchar *name,
    GstClockTime time);
/* xs:dateTime; @time_us: µs since 1970. */
void mill_mpd_xml_put_date (MillMpdXml *self, const gchar *name,
    gint64 time_us);

/* An element that has nothing but @text, of characters that XML takes as they
 * are. */
void mill_mpd_xml_write_content (MillMpdXml *self, const gchar *name,
    const gchar *text);

/* Ends the open element, which has attributes and this text, any bytes, alone. */
void mill_mpd_xml_end_with_text (MillMpdXml *self, const gchar *text);

/* An element of type DescriptorType (23009-1 5.8.2). */
void mill_mpd_xml_write_descriptor (MillMpdXml *self, const gchar *name,
    const gchar *scheme, const gchar *value);

G_END_DECLS
