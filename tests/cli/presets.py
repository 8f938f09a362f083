#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The schema of ladder presets and their reader take and refuse the same files,
and both take every preset that is shipped.

An editor that checks with the schema would otherwise mark what runs, or let
pass what does not.
usage: presets.py MILLRACE SCHEMA PRESET...
"""
import configparser
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

MILLRACE, SCHEMA, *SHIPPED = sys.argv[1:]
HEAD = "[ladder]\nformat=1\n"
RUNG = "[rung a]\nheight=360\nbitrate-bps=800000\n"

# The reader refuses more than a schema can say: numbers out of range, two rungs
# of a height, settings that an encoder lacks.
GOOD = {
    "least": HEAD + RUNG,
    "summary": HEAD + "summary=a: b, c\n" + RUNG,
    "profile": HEAD + "profile=constrained-baseline\n" + RUNG,
    "sound": HEAD + RUNG + "[audio]\nbitrate-bps=96000\n",
    "rate": HEAD + RUNG + "max-frame-rate=30000/1001\n",
    "encoder": HEAD + RUNG + "[x264enc]\nspeed-preset=slow\n",
    "comment": "# why\n" + HEAD + RUNG,
}
BAD = {
    "empty": "",
    "no ladder": RUNG,
    "no format": "[ladder]\nsummary=x\n" + RUNG,
    "other format": "[ladder]\nformat=2\n" + RUNG,
    "unknown key": HEAD + "colour=red\n" + RUNG,
    "unknown group": HEAD + RUNG + "[video]\nx=1\n",
    "unknown profile": HEAD + "profile=extreme\n" + RUNG,
    "no rung": HEAD,
    "rung without height": HEAD + "[rung a]\nbitrate-bps=800000\n",
    "rung without rate": HEAD + "[rung a]\nheight=360\n",
    "odd height": HEAD + "[rung a]\nheight=361\nbitrate-bps=800000\n",
    "height in words": HEAD + "[rung a]\nheight=tall\nbitrate-bps=800000\n",
    "rate of none": HEAD + RUNG + "max-frame-rate=0\n",
    "rate of three": HEAD + RUNG + "max-frame-rate=30/1/1\n",
    "unknown key of a rung": HEAD + RUNG + "width=640\n",
    "sound without rate": HEAD + RUNG + "[audio]\n",
    "unknown key of sound": HEAD + RUNG + "[audio]\nbitrate-bps=96000\ncodec=aac\n",
}


def to_object(text):
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", strict=False)
    parser.optionxform = str
    parser.read_string(text)
    return {group: dict(parser[group]) for group in parser.sections()}


def millrace(*arguments):
    return subprocess.run([MILLRACE, "presets", *arguments], capture_output=True, text=True, timeout=30, check=False)


class Presets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.validator = jsonschema.Draft202012Validator(json.loads(pathlib.Path(SCHEMA).read_text()))

    def check(self, name, text, good):
        with self.subTest(name), tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write(text)
            file.flush()
            result = millrace(file.name)
            self.assertEqual(result.returncode, 0 if good else 65, result.stderr)
            self.assertEqual(self.validator.is_valid(to_object(text)), good, "the schema")

    def test_agree(self):
        for name, text in GOOD.items():
            self.check(name, text, True)
        for name, text in BAD.items():
            self.check(name, text, False)

    def test_shipped(self):
        self.assertGreaterEqual(len(SHIPPED), 5)
        for path in map(pathlib.Path, SHIPPED):
            self.check(path.stem, path.read_text(), True)
        listed = json.loads(millrace("-o", "json").stdout)
        self.assertEqual({preset["name"] for preset in listed}, {pathlib.Path(path).stem for path in SHIPPED})

    def test_rungs(self):
        """What users are promised of the shipped rungs."""
        promised = [(240, 400000), (360, 800000), (480, 1400000), (720, 2800000), (1080, 5000000), (2160, 16000000)]
        for preset in json.loads(millrace("-o", "json").stdout):
            rungs = [(rung["height"], rung["bitrate_bps"]) for rung in preset["rungs"]]
            if preset["name"] != "test":
                self.assertEqual(rungs, promised[:len(rungs)], preset["name"])
                self.assertGreaterEqual(len(rungs), 5, preset["name"])

    def test_unknown(self):
        result = millrace("standart")
        self.assertEqual(result.returncode, 66)
        self.assertIn("did you mean 'standard'?", result.stderr)
        self.assertEqual(result.stdout, "")


unittest.main(argv=sys.argv[:1], verbosity=0)
