#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Links the system's GStreamer plugins that tests use into one directory.

usage: system_plugins.py PLUGINSDIR DESTINATION [encoders]

With "encoders" it is those that few tests use, whose leaks are not ours.

The full set would load some 260 libraries, and their own findings, into
processes that run under a sanitizer, valgrind or a fuzzer.
"""
import pathlib
import sys

PLUGINS = """
app audioconvert audioparsers audioresample audiotestsrc autodetect closedcaption
compositor coreelements coretracers flv imagefreeze isomp4 jpeg level libav matroska
multifile pango playback png rtmp2 subparse timecode typefindfunctions videoconvertscale videoparsersbad
videorate videotestsrc volume x264
""".split()

ENCODERS = "aom flac lame mpegtsdemux mpegtsmux opus opusparse vpx x265".split()

source, destination = map(pathlib.Path, sys.argv[1:3])
destination.mkdir(parents=True, exist_ok=True)
for old in destination.iterdir():
    old.unlink()
for name in ENCODERS if sys.argv[3:] == ["encoders"] else PLUGINS:
    library = source / f"libgst{name}.so"
    if library.exists():
        (destination / library.name).symlink_to(library)
