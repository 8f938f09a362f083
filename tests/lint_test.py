#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each rule of lint.py finds its offence, and lets its nocheck pass."""
import pathlib
import tempfile
import unittest

import lint

HEAD = "/* SPDX-License-Identifier: MIT */\n"


class LintTest(unittest.TestCase):
    def rules(self, name, text):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "gst-plugins").mkdir()
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return sorted({line.split(": ")[1] for line in lint.run(root)})

    def test_clean(self):
        self.assertEqual(self.rules("daemon/store/keys.c", HEAD + "gboolean\nmill_keys_add (gint a)\n{\n}\n"), [])

    def test_name(self):
        self.assertEqual(self.rules("daemon/store/keys.c", HEAD + "gboolean\nmill_store_add (gint a,\n    gint b)\n{\n}\n"), ["name"])
        self.assertEqual(self.rules("daemon/store/keys.c", HEAD + "static gboolean\nadd (gint a)\n{\n}\n"), [])
        self.assertEqual(self.rules("gst-plugins/lib/rtmp/rtmp-session.c", HEAD + "void\nmill_rtmp_session_free (gint a)\n{\n}\n"), [])

    def test_merge(self):
        self.assertEqual(self.rules("docs/a.md", "<" * 7 + " HEAD\na\n" + "=" * 7 + "\nb\n"), ["merge"])
        self.assertEqual(self.rules("docs/a.md", "Title\n=====\n"), [])

    def test_layer(self):
        self.assertEqual(self.rules("daemon/supervisor/a.c", HEAD + "#include <libsoup/soup.h>\n"), ["layer"])
        self.assertEqual(self.rules("gst-plugins/lib/a.c", HEAD + "G_DEFINE_TYPE (A, a, B)\n"), ["layer"])
        self.assertEqual(self.rules("daemon/api/a.c", HEAD + "#include <libsoup/soup.h>\n"), [])

    def test_print(self):
        self.assertEqual(self.rules("daemon/a.c", HEAD + '  g_print ("x");\n'), ["print"])
        self.assertEqual(self.rules("daemon/a.c", HEAD + '  /* nocheck: print, the contract */\n  g_print ("x");\n'), [])
        self.assertEqual(self.rules("cli/a.c", HEAD + '  g_print ("x");\n'), [])

    def test_quark(self):
        self.assertEqual(self.rules("daemon/a.c", HEAD + "G_DEFINE_QUARK (mill - a - error - quark, mill_a_error)\n"), ["quark"])
        self.assertEqual(self.rules("daemon/a.c", HEAD + "G_DEFINE_QUARK (mill-a-error, mill_a_error)\n"), ["quark"])
        self.assertEqual(self.rules("daemon/a.c", HEAD + "G_DEFINE_QUARK (mill_a_error, mill_a_error)\n"), [])

    def test_head_guard_todo_size(self):
        self.assertEqual(self.rules("cli/a.c", "int a;\n"), ["spdx"])
        self.assertEqual(self.rules("cli/a.h", HEAD), ["guard"])
        self.assertEqual(self.rules("cli/a.c", HEAD + "/* TODO later */\n"), ["todo"])
        self.assertEqual(self.rules("cli/a.c", HEAD + "\n" * 1100), ["size"])

    def test_readme_and_test_of_an_element(self):
        self.assertEqual(self.rules("gst-plugins/x/gstfoo.c", HEAD + "GST_ELEMENT_REGISTER_DEFINE (foo, \n"), ["readme", "test"])


if __name__ == "__main__":
    unittest.main()
