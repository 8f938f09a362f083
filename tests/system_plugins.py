#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Links the system's GStreamer plugins that tests use into one directory.

usage: system_plugins.py PLUGINSDIR DESTINATION

The full set would load some 260 libraries, and their own findings, into
processes that run under a sanitizer, valgrind or a fuzzer.
"""
import pathlib
import sys

PLUGINS = """
aom app audioconvert audioparsers audioresample audiotestsrc autodetect compositor
coreelements coretracers flac flv imagefreeze isomp4 jpeg lame level libav matroska
multifile opus opusparse pango playback png rtmp2 timecode typefindfunctions
videoconvertscale videoparsersbad videorate videotestsrc volume vpx x264 x265
""".split()

source, destination = map(pathlib.Path, sys.argv[1:3])
destination.mkdir(parents=True, exist_ok=True)
for old in destination.iterdir():
    old.unlink()
for name in PLUGINS:
    library = source / f"libgst{name}.so"
    if library.exists():
        (destination / library.name).symlink_to(library)
