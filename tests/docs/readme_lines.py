#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pipelines in an element's README run as printed.

usage: readme_lines.py README...

A newcomer who copies them would notice. Every indented line that begins with
gst-launch-1.0, ffmpeg or openssl is given to a shell in a directory that holds a film,
movie.mp4; the printed ports are the test's own in a network namespace. (Where
none can be made, a printed port that is taken is replaced, and the output says
so.)

Lines that belong together run together: one that waits at an address
(rtmpserversrc, millsink, ffmpeg -listen) begins a group, and lines after it that name the
address join it. Who waits where nobody joins is visited by the lines that
joined the last group at that address. All other lines run alone.

What ends by itself (a film, num-buffers, a publisher that does not come back)
must; the rest is ended by SIGINT when it has recorded something, or when its
visitors have gone. Then every line must have ended with 0 and without a word of
an error, a warning or a critical, and what it wrote must hold every frame.
"""
import fcntl
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

FPS = 30
FRAMES = 4 * FPS
DEADLINE_S = 40
# of a line that has no end: what shows that it records
PROGRESS_BYTES = 20000
MIN_FRAMES = 5
COMMAND = re.compile(r"^ {4}((?:gst-launch-1\.0|ffmpeg|openssl) .*)$", re.M)
WAITS = re.compile(r"\b(?:rtmpserversrc|millsink)\b[^!]*?\blocation=(\S+)|^ffmpeg .*-listen 1 (\S+)")
TROUBLE = re.compile(r"\b(ERROR|WARNING|CRITICAL|erroneous)\b|\*\*")
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
NAMESPACE = "MILL_DOCS_NAMESPACE"


# ---- a network of its own ----

def enter_namespace():
    """Starts this script again where no port is taken, if that is allowed."""
    if NAMESPACE in os.environ:
        return
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    try:
        subprocess.run([*unshare, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print("no network namespace here: printed ports are used where they are free")
        return
    os.execvpe(unshare[0], [*unshare, sys.executable, *sys.argv], {**os.environ, NAMESPACE: "1"})


def raise_loopback():
    siocgifflags, siocsifflags, iff_up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, siocgifflags, request))[1]
        fcntl.ioctl(sock, siocsifflags, struct.pack("16sh14x", b"lo", flags | iff_up))


def free_ports(text):
    """The text with a free port for each printed one that is taken."""
    for port in sorted(set(PORT.findall(text))):
        with socket.socket() as wanted, socket.socket() as free:
            wanted.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                wanted.bind(("127.0.0.1", int(port)))
            except OSError:
                free.bind(("127.0.0.1", 0))
                other = free.getsockname()[1]
                print(f"port {port} is taken here: {other} instead")
                text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{other}")
    return text


# ---- lines ----

class Line:
    def __init__(self, text):
        self.text = text
        waits = WAITS.search(text)
        self.address = waits and (waits[1] or waits[2])
        self.files = re.findall(r"\bfilesink [^!]*?\blocation=(\S+)", text)
        self.streams = re.findall(r"\b(?:cmafsink|hlstssink) [^!]*?\blocation=(\S+)", text)
        self.process = None
        self.log = None

    def is_finite(self, group):
        """A consumer of the link ends when its producer does."""
        if "millsrc" in self.text:
            return group[0].is_finite(group)
        return bool(re.search(r"^ffmpeg|^openssl|\b(block)?filesrc\b|\bnum-buffers=|reconnect-timeout-ms=0\b", self.text))

    def frames(self, group):
        """How many pictures a finite line makes or passes on."""
        made = re.search(r"videotestsrc[^!]*\bnum-buffers=(\d+)", group[0].text)
        return int(made[1]) if made else FRAMES

    def start(self, directory):
        self.log = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.process = subprocess.Popen(["sh", "-c", f"exec {self.text}"], cwd=directory, text=True,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def fail(self, why):
        output = f"\n--- {self.output()[-3000:]}" if self.log else ""
        raise AssertionError(f"{why}\n    {self.text}{output}")


def read_groups(text):
    groups, last = [], {}
    for line in map(Line, COMMAND.findall(text)):
        if line.address is None and groups and groups[-1][0].address and groups[-1][0].address in line.text:
            groups[-1].append(line)
            last[groups[-1][0].address] = line.text
        else:
            groups.append([line])
    for group in groups:
        address = group[0].address
        if address and len(group) == 1 and address in last:
            group.append(Line(last[address]))
    return groups


# ---- running ----

def wait_until(line, what, condition):
    """Polls a condition outside this process until the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if line.process.poll() not in (None, 0):
            line.fail(f"ended with {line.process.returncode}, expected {what}")
        if time.monotonic() > deadline:
            line.fail(f"not within {DEADLINE_S} s: {what}")
        time.sleep(0.02)


# proc_pid_net(5): connected, also where the other end has gone and this one has not seen it
ESTABLISHED, CLOSE_WAIT, LISTEN = "01", "08", "0A"


def states_at(port):
    """Of the sockets of this end."""
    local = f"0100007F:{int(port):04X}"
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
    return {row[3] for row in rows if row[1] == local}


def listens(address, directory):
    port = PORT.search(address)
    return LISTEN in states_at(port[1]) if port else (directory / address).is_socket()


def is_left(address):
    """Who waits there has read all that its visitors sent, and their end."""
    port = PORT.search(address)
    return not port or not states_at(port[1]) & {ESTABLISHED, CLOSE_WAIT}


def recorded(line, directory):
    return all((directory / name).exists() and (directory / name).stat().st_size > PROGRESS_BYTES for name in line.files)


def wait_end(line):
    try:
        line.process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        line.fail(f"has not ended within {DEADLINE_S} s")


def run_group(group, directory):
    for line in group:
        line.start(directory)
        if line.address:
            wait_until(line, f"to wait at {line.address}", lambda: listens(line.address, directory))
    # Visitors first: who waits for them may have no other end.
    for line in [*group[1:], group[0]]:
        if not line.is_finite(group):
            wait_until(line, "to record", lambda: recorded(line, directory))
            if line.address:
                wait_until(line, "its visitors to have gone", lambda: is_left(line.address))
            line.process.send_signal(signal.SIGINT)
        wait_end(line)
    for line in group:
        if line.process.returncode != 0:
            line.fail(f"ended with {line.process.returncode}, expected 0")
        # ffmpeg says "Failed to update header" of every live FLV
        if not line.text.startswith("ffmpeg") and TROUBLE.search(line.output()):
            line.fail("complained")


# ---- what a user has then ----

def count_frames(source):
    """Pictures that can be decoded, of each video stream or variant."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-count_frames", "-show_entries",
                            "stream=nb_read_frames", "-of", "json", str(source)], capture_output=True, text=True, check=True)
    if probe.stderr:
        raise AssertionError(f"{source}: ffprobe says {probe.stderr}")
    return [int(stream["nb_read_frames"]) for stream in json.loads(probe.stdout)["streams"]]


def check_results(group, directory):
    for line in group:
        finite = line.is_finite(group) or group[1:] and group[-1].text.startswith("ffmpeg")
        wanted = line.frames(group) if finite else MIN_FRAMES
        for name in line.files:
            got = count_frames(directory / name)
            if len(got) != 1 or got[0] < wanted or finite and got[0] != wanted:
                line.fail(f"{name}: got {got} frames, expected {wanted}")
        for name in line.streams:
            check_stream(line, directory / name, wanted)


def check_stream(line, directory, wanted):
    variants = [row for row in (directory / "master.m3u8").read_text().splitlines() if row and not row.startswith("#")]
    if not ("hlstssink" in line.text or (directory / "manifest.mpd").exists()) or not variants:
        line.fail(f"{directory.name}: no variant, or no MPD")
    for variant in variants:
        playlist = directory / variant
        got = count_frames(playlist)
        if "#EXT-X-ENDLIST" not in playlist.read_text() or got != [wanted]:
            line.fail(f"{playlist}: got {got} frames, expected an ended playlist of {wanted}")


def make_film(directory):
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", f"testsrc2=s=640x360:r={FPS}:d={FRAMES / FPS}",
                    "-f", "lavfi", "-i", f"sine=r=48000:d={FRAMES / FPS}", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
                    "-g", str(FPS), "-b:v", "600k", "-c:a", "aac", str(directory / "movie.mp4")], check=True)


def run_readme(path):
    with tempfile.TemporaryDirectory(prefix="mill-readme-") as name:
        directory = pathlib.Path(name)
        make_film(directory)
        groups = read_groups(free_ports(path.read_text(encoding="utf-8")))
        if not groups:
            raise AssertionError(f"{path}: no line to run, expected a pipeline in an element's README")
        for group in groups:
            try:
                run_group(group, directory)
                check_results(group, directory)
            finally:
                for line in group:
                    if line.process and line.process.poll() is None:
                        line.process.kill()
                        line.process.wait()
            for line in group:
                print(f"runs: {shlex.split(line.text)[0]} ... {line.text[-60:]}")


def main():
    enter_namespace()
    if NAMESPACE in os.environ:
        raise_loopback()
    for path in map(pathlib.Path, sys.argv[1:]):
        run_readme(path)


if __name__ == "__main__":
    try:
        main()
    except AssertionError as failure:
        sys.exit(f"readme_lines: {failure}")
