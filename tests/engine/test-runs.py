#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Descriptions run, and so do the gst-launch-1.0 lines that explain them: both
write the same frames.

usage: test-runs.py RUN-DESCRIPTION SANITIZERS
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUN = os.path.abspath(sys.argv.pop(1))
# The system's gst-launch-1.0 cannot load a plugin that was built with them.
SANITIZED = sys.argv.pop(1) != "none"
DEADLINE_S = 50

MAKE = """\
millrace: 1
name: make
params:
  output: { type: string, required: true }
nodes:
  picture: { element: videotestsrc, props: { num-buffers: 90, pattern: ball } }
  size: { element: capsfilter, from: [picture], props: { caps: "video/x-raw,width=320,height=180,framerate=30/1" } }
  video: { element: x264enc, from: [size], props: { tune: zerolatency, speed-preset: ultrafast, key-int-max: 30 } }
  tone: { element: audiotestsrc, props: { num-buffers: 141, samplesperbuffer: 1024 } }
  rate: { element: capsfilter, from: [tone], props: { caps: "audio/x-raw,rate=48000,channels=2" } }
  audio: { element: avenc_aac, from: [rate] }
  mux: { element: mp4mux, from: [video, audio] }
  file: { element: filesink, from: [mux], props: { location: "${output}" } }
"""

# One pad to two nodes (a tee), a demuxer to two branches (queues), pads with
# properties, a name that a shell must not see.
REMUX = """\
millrace: 1
name: remux
params:
  input: { type: string, required: true }
  output: { type: string, required: true }
nodes:
  file: { element: filesrc, props: { location: "${input}" } }
  demux: { element: qtdemux, from: [file] }
  video: { element: h264parse, from: [demux.video_0] }
  audio: { element: aacparse, from: [demux.audio_0] }
  mux: { element: matroskamux, from: [video, audio] }
  copy: { element: filesink, from: [mux], props: { location: "${output}" } }
  again: { element: filesink, from: [mux], props: { location: "${output}.2" } }
"""


def run(*command, check=True, **options):
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}: {result.stderr}{result.stdout}")
    return result


def packets(file):
    """(codec, number of packets) of each stream."""
    shown = run("ffprobe", "-v", "error", "-count_packets", "-of", "json",
                "-show_entries", "stream=codec_name,nb_read_packets", str(file))
    return sorted((stream["codec_name"], int(stream["nb_read_packets"]))
                  for stream in json.loads(shown.stdout)["streams"])


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.directory.name)
        (cls.dir / "make.yaml").write_text(MAKE)
        (cls.dir / "remux.yaml").write_text(REMUX)
        cls.movie = cls.dir / "a movie's \"file\".mp4"
        run(RUN, str(cls.dir / "make.yaml"), f"output={cls.movie}")

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_encodes(self):
        found = packets(self.movie)
        self.assertEqual([codec for codec, _ in found], ["aac", "h264"])
        self.assertEqual(found[1][1], 90)

    def test_remuxes(self):
        output = self.dir / "remuxed.mkv"
        run(RUN, str(self.dir / "remux.yaml"), f"input={self.movie}", f"output={output}")
        self.assertEqual(packets(output), packets(self.movie))
        self.assertEqual(output.read_bytes(), pathlib.Path(f"{output}.2").read_bytes())

    @unittest.skipIf(SANITIZED, "sanitized plugins")
    def test_launch_line(self):
        output = self.dir / "launched.mkv"
        line = run(RUN, "--launch", str(self.dir / "remux.yaml"), f"input={self.movie}", f"output={output}").stdout
        run("sh", "-c", line)
        self.assertEqual(packets(output), packets(self.movie))

    def test_wrong_file(self):
        """A wrong input gives one error, and the program ends."""
        wrong = self.dir / "wrong.mp4"
        wrong.write_text("no movie at all\n" * 100)
        result = run(RUN, str(self.dir / "remux.yaml"), f"input={wrong}", f"output={self.dir}/x.mkv", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn("node 'demux'", result.stderr)

    def test_video_only(self):
        """A planned branch without input ends; the rest is written."""
        silent = self.dir / "silent.mp4"
        output = self.dir / "silent.mkv"
        text = REMUX.replace("from: [video, audio]", "from: [video]") \
            + "  dump: { element: fakesink, from: [audio] }\n"
        text = text.replace("{ element: aacparse,", "{ element: identity,")
        (self.dir / "silent.yaml").write_text(text)
        run("ffmpeg", "-v", "error", "-i", str(self.movie), "-an", "-c", "copy", str(silent))
        result = run(RUN, str(self.dir / "silent.yaml"), f"input={silent}", f"output={output}")
        self.assertIn("planned pad 'audio_0' for 'audio' has not appeared", result.stderr)
        self.assertEqual(packets(output), [("h264", 90)])

    def test_vod_package(self):
        """The shipped description packages each frame of a movie."""
        output = self.dir / "vod"
        result = run(RUN, "vod-package", f"input={self.movie}", f"output={output}")
        self.assertEqual(result.stderr, "")
        found = dict(packets(output / "master.m3u8"))
        self.assertEqual(found["h264"], 90)
        self.assertAlmostEqual(found["aac"], dict(packets(self.movie))["aac"], delta=2)

    @unittest.skipIf(SANITIZED, "sanitized plugins")
    def test_vod_package_launch_line(self):
        """What `explain --gst-launch` prints for it writes the same."""
        output = self.dir / "vod-launched"
        line = run(RUN, "--launch", "vod-package", f"input={self.movie}", f"output={output}").stdout
        run("sh", "-c", line)
        self.assertEqual(dict(packets(output / "master.m3u8"))["h264"], 90)

    def test_vod_ladder(self):
        """The packager has not ended when the copy has: the encoder's pads come later."""
        preset = self.dir / "small.ini"
        preset.write_text("[ladder]\nformat=1\n[x264enc]\nspeed-preset=ultrafast\n[rung a]\nheight=90\nbitrate-bps=100000\n")
        output = self.dir / "ladder"
        result = run(RUN, "vod-ladder", f"input={self.movie}", f"output={output}", f"ladder={preset}")
        self.assertEqual(result.stderr, "")
        for rendition in ("v180", "v90"):
            self.assertEqual(packets(output / rendition / "playlist.m3u8"), [("h264", 90)], rendition)

    def test_vod_ladder_without_rungs(self):
        """A source below every rung goes out by itself, and that is said."""
        output = self.dir / "alone"
        result = run(RUN, "vod-ladder", f"input={self.movie}", f"output={output}", "ladder=test")
        self.assertIn("planned pad 'video_%u' for 'package' has not appeared", result.stderr)
        self.assertEqual(dict(packets(output / "master.m3u8"))["h264"], 90)

    def test_vod_package_wrong_file(self):
        wrong = self.dir / "wrong.txt"
        wrong.write_text("no movie at all\n" * 100)
        result = run(RUN, "vod-package", f"input={wrong}", f"output={self.dir}/wrong", check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_any_directory(self):
        """A program in the build tree finds the shipped descriptions."""
        result = run(RUN, "--launch", "demo-publisher", cwd="/")
        self.assertIn("rtmp2sink", result.stdout)

    def demo(self, n_buffers):
        """The demo's description without the network, and with so many buffers of the picture, flash and tone."""
        source = pathlib.Path(os.environ["MILL_SOURCE_ROOT"]) / "pipelines/demo-publisher.yaml"
        text = source.read_text().replace("element: rtmp2sink", "element: filesink")
        for props, number in n_buffers.items():
            self.assertEqual(text.count(props), 1, props)
            separator = "\n      " if props == "pattern: blink" else ", "
            text = text.replace(props, f"{props}{separator}num-buffers: {number}")
        return text

    def test_demo_picture(self):
        """The demo's picture and tone, without the network."""
        # Three seconds of each source, however long the machine takes for them.
        text = self.demo({"pattern: smpte75": 90, "pattern: blink": 6, "wave: ticks": 141})
        (self.dir / "demo.yaml").write_text(text)
        output = self.dir / "demo.flv"
        run(RUN, str(self.dir / "demo.yaml"), f"url={output}")
        found = dict(packets(output))
        self.assertGreater(found["h264"], 60)
        self.assertGreater(found["aac"], 90)

    def test_demo_is_ended(self):
        """Asked to end, real live encoders leave a file that can be read: how much came is the machine's affair."""
        (self.dir / "ended.yaml").write_text(self.demo({}))
        output = self.dir / "ended.flv"
        run(RUN, "--seconds", "3", str(self.dir / "ended.yaml"), f"url={output}")
        self.assertEqual([codec for codec, _ in packets(output)], ["aac", "h264"])


unittest.main(verbosity=0)
