/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A decoder of CTA-608 captions: what one channel has on the screen, as text.
 * Pop-on, roll-up and paint-on; rows, italics and underline, not columns and
 * colours. Its memory is two screens of 15 rows of 32 characters. Input is
 * untrusted, parity is not looked at (what carries captions today has checks of
 * its own). One thread at a time.
 *
 * Source: ANSI/CTA-608-E
 */
typedef struct _MillTextCea608 MillTextCea608;

/**
 * MillTextCea608Change:
 * @MILL_TEXT_CEA608_SAME: on the screen is what was there before
 * @MILL_TEXT_CEA608_GROWING: letters have come or gone, more may be to come
 * @MILL_TEXT_CEA608_WHOLE: a caption is there, or has gone, as a whole
 */
typedef enum
{
  MILL_TEXT_CEA608_SAME,
  MILL_TEXT_CEA608_GROWING,
  MILL_TEXT_CEA608_WHOLE,
} MillTextCea608Change;

/** @channel: 1 to 4, of CC1 to CC4; 1 and 2 are in field 1, 3 and 4 in field 2.
 * Returns: (transfer full) */
MillTextCea608 *mill_text_cea608_new (guint channel);
void mill_text_cea608_free (MillTextCea608 *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillTextCea608, mill_text_cea608_free)

/** Forgets everything. */
void mill_text_cea608_reset (MillTextCea608 *self);

/** A pair of bytes of the channel's field. */
MillTextCea608Change mill_text_cea608_push (MillTextCea608 *self, guint8 first,
    guint8 second);

/** Returns: (transfer full)(nullable): cue text of what is on the screen, which
 * is Pango's markup as well; NULL: nothing */
gchar *mill_text_cea608_dup_text (const MillTextCea608 *self);

G_END_DECLS
