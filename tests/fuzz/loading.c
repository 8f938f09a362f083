/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* LeakSanitizer does not look at what libraries allocate as they are loaded:
 * GLib's first table of quarks is left behind when it grows, since readers take
 * no lock. tests/lsan.supp has that by the loader's name, which is far up the
 * stack and seen only where each allocation is unwound by tables; here that
 * took six tenths of all time. */

#include <sanitizer/lsan_interface.h>

static void
begin_loading (void)
{
  __lsan_disable ();
}

/* Run before the constructors of all libraries (System V ABI, "Initialization
 * and Termination Functions"). */
__attribute__ ((section (".preinit_array"),
    used)) static void (*const before_libraries) (void) = begin_loading;

/* Run behind them. */
__attribute__ ((constructor)) static void
end_loading (void)
{
  __lsan_enable ();
}
