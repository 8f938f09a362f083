/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @text: "192.0.2.1:40000", "[2001:db8::1]:40000", or without the port.
 * An IPv4 address in its IPv6 form (RFC 4291 §2.5.5.2: what a listener on [::]
 * sees) becomes the IPv4 address.
 * Returns: (transfer full) (nullable): NULL when it is none */
GInetAddress *mill_address_parse (const gchar *text);

/* Whether @text is "10.0.0.0/8", "2001:db8::/32" or a single address. */
gboolean mill_address_check_range (const gchar *text, GError **error);

/* Whether one of @ranges has @address. Of several networks one is enough.
 * @ranges: (nullable): checked before */
gboolean mill_address_is_in (GInetAddress *address, const gchar *const *ranges);

/* Who is taken for one sender: an IPv4 address, or the /64 that an IPv6 one
 * is in, all of which one customer has (RFC 6177).
 * Returns: (transfer full) */
gchar *mill_address_to_sender (GInetAddress *address);

G_END_DECLS
