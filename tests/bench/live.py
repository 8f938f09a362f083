# SPDX-License-Identifier: MIT
"""CPU and memory per pass-through stream: millrace against nginx-rtmp, in turns."""
import json
import math
import os
import shutil
import statistics
import subprocess
import threading
import time

import measure
from servers import SERVERS

STAGGER_MS = 10
TAIL_S = 1  # before the first publisher ends
LEAST_WINDOW_S = 8  # of measuring: four segments
WINDOW_S = 18
END_S = 5
# What millrace is to reach; of so many publishers.
AIM_CPU_RATIO, AIM_HELD_MB, AIM_SWITCHES = 0.5, 8, 10
AIM_CORES = {1000: 0.75}
# Least to wait for at the end of a window: they are read every 0.1 s.
AIM_UNREAD_S = 0.1
PLAYS = {kind.name: kind.plays for kind in SERVERS}


def lead_seconds(n_publishers, settle_s):
    """From the first publisher's start to where all of them are measured."""
    return n_publishers * STAGGER_MS / 1000 + settle_s


def least_seconds(n_publishers, settle_s):
    return math.ceil(lead_seconds(n_publishers, settle_s) + LEAST_WINDOW_S + TAIL_S)


class Keeper(threading.Thread):
    """Keeps the segments of one stream by hard links: servers delete them."""

    def __init__(self, server, stream, directory):
        super().__init__(daemon=True)
        self.server, self.stream = server, stream
        self.directory = measure.fresh_directory(directory)
        self.kept = []
        self.ended = threading.Event()

    def keep(self):
        try:
            found = self.server.segments(self.stream)
        except FileNotFoundError:
            return
        for path in found:
            if path.name in self.kept:
                continue
            try:
                os.link(path, self.directory / path.name)
            except FileNotFoundError:
                continue
            self.kept.append(path.name)

    def run(self):
        while not self.ended.wait(1):
            self.keep()

    def count_frames(self):
        """Video frames of the stream from its first segment to its last."""
        self.keep()
        whole = self.directory / "whole"
        with whole.open("wb") as out:
            for name in self.kept:
                out.write((self.directory / name).read_bytes())
        return measure.count_packets(whole, "v:0")


def load_command(options, server, film, n_publishers, seconds):
    return [str(options.build / "tests/tools/rtmp-load"), "--url", server.url, "--publishers", str(n_publishers),
            "--seconds", str(seconds), "--stagger-ms", str(STAGGER_MS), str(film)]


def wait_for_frames(keeper, expected):
    """The last segment comes out some time after its publisher has gone."""
    keeper.ended.set()
    keeper.join()
    deadline = time.monotonic() + END_S
    frames = keeper.count_frames()
    while frames < expected and time.monotonic() < deadline:
        time.sleep(0.2)
        frames = keeper.count_frames()
    return frames


def measure_window(server, seconds):
    """Costs of all of the server's processes over so many seconds."""
    before = {pid: measure.cpu_s([pid]) for pid in server.pids()}
    switches = measure.context_switches(before)
    start = time.monotonic()
    time.sleep(seconds)
    spent = {pid: measure.cpu_s([pid]) - before.get(pid, 0) for pid in server.pids()}
    wall_s = time.monotonic() - start
    switches = measure.context_switches(before) - switches
    unread = measure.unread_bytes(server.port)
    listed_mb, files_mb = measure.listed_mb(server.media), measure.directory_mb(server.media)
    by_process = {}
    for pid, cpu_s in spent.items():
        name = measure.name(pid)
        by_process[name] = round(by_process.get(name, 0) + cpu_s, 3)
    return {"cpu_s": sum(spent.values()), "cpu_s_by_process": by_process, "wall_s": wall_s, "switches": switches,
            "pss_mb": measure.pss_mb(spent), "files_mb": files_mb, "unlisted_mb": files_mb - listed_mb,
            "unread": unread, "cores": sum(spent.values()) / wall_s}


def unread_seconds(unread, published, seconds):
    """What waits in the sockets, as media: who does not keep up is late by that."""
    rate = published["bytes"]["sum"] / published["publishers"] / seconds
    return {"unread_s_mean": sum(unread) / max(len(unread), 1) / rate, "unread_s_max": max(unread, default=0) / rate}


def run_seconds(options, n_publishers):
    """How long each publisher sends: what was asked for, or what a good measurement needs."""
    return options.seconds or math.ceil(lead_seconds(n_publishers, options.live_settle) + WINDOW_S + TAIL_S)


def run_once(options, kind, film, n_publishers, seconds):
    server = kind(options)
    try:
        idle_mb = measure.pss_mb(server.pids())
        command = load_command(options, server, film, n_publishers, seconds)
        keeper = Keeper(server, "bench0", options.scratch / f"kept-{kind.name}")
        keeper.start()
        load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lead_s = lead_seconds(n_publishers, options.live_settle)
        time.sleep(lead_s)
        costs = measure_window(server, seconds - lead_s - TAIL_S)
        published = json.loads(load.communicate(timeout=seconds + 60)[0])
        server.end_stream("bench0")
        sent = published["video_frames"]["max"]
        frames = wait_for_frames(keeper, sent if kind.plays else 0)
    finally:
        server.stop()
        # a thousand streams are gigabytes, and the next server needs the room
        shutil.rmtree(server.directory, ignore_errors=True)
    stream_minutes = n_publishers * costs["wall_s"] / 60
    return {"command": server.command, "load_command": command, "publishers": n_publishers, "published": published,
            "video_frames_in": sent, "video_frames_out": frames, "cpu_s_per_stream_minute": costs["cpu_s"] / stream_minutes,
            "switches_per_stream_s": costs["switches"] / costs["wall_s"] / n_publishers,
            "idle_mb": idle_mb, "pss_mb_per_stream": (costs["pss_mb"] - idle_mb) / n_publishers,
            "files_mb_per_stream": costs["files_mb"] / n_publishers,
            "held_mb_per_stream": (costs["pss_mb"] - idle_mb + costs["unlisted_mb"]) / n_publishers,
            **unread_seconds(costs.pop("unread"), published, seconds), **costs}


def summarise(options, runs, n_publishers, seconds):
    result = {"publishers": n_publishers, "seconds": seconds, "settle": options.live_settle, "runs": runs}
    comparable = True
    for name, measured in runs.items():
        clean = all(run["published"]["refused"] + run["published"]["disconnected"] == 0
                    and run["video_frames_out"] == run["video_frames_in"] for run in measured)
        comparable = comparable and (not PLAYS[name] or (clean and bool(measured)))
        if not measured:
            continue
        result[name] = {key: round(statistics.median(run[key] for run in measured), 4)
                        for key in ("cpu_s_per_stream_minute", "switches_per_stream_s", "pss_mb_per_stream",
                                    "files_mb_per_stream", "held_mb_per_stream", "cores", "unread_s_mean", "unread_s_max")}
    for key in ("cpu_s_per_stream_minute", "pss_mb_per_stream"):
        result[f"ratio_{key}"] = (round(result["millrace"][key] / result["nginx-rtmp"][key], 3) if comparable else None)
    return result


def report(result):
    print(f"\n{result['publishers']} publishers for {result['seconds']} s, measured {result['settle']} s after the last began, HLS in tmpfs, medians in turns")
    for name, measured in result["runs"].items():
        if not measured:
            continue
        row = result[name]
        print(f"  {name:10} {row['cpu_s_per_stream_minute']:.4f} CPU s per stream-minute  "
              f"{row['switches_per_stream_s']:.1f} context switches per stream and s  "
              f"{row['pss_mb_per_stream']:6.2f} MB per stream (+ {row['files_mb_per_stream']:.2f} MB of files; "
              f"{row['held_mb_per_stream']:.2f} MB but for listed segments)  "
              f"{row['cores']:.2f} cores, unread {row['unread_s_mean']:.3f} s (max {row['unread_s_max']:.3f})  "
              f"video frames of one stream {' '.join(str(run['video_frames_out']) + ' of ' + str(run['video_frames_in']) for run in measured)}")
        print(f"             {' '.join(measured[0]['command'])}")
        print(f"             {' '.join(measured[0]['load_command'])}")
        print(f"             CPU s by process: {measured[0]['cpu_s_by_process']}")
        lags = [run["published"]["lag_ms"] for run in measured]
        print(f"             publisher's lag, mean and max ms: {[(lag['mean'], lag['max']) for lag in lags]}")
    report_aims(result)


def aims(result):
    """What millrace is to reach: [(text, whether it did)]."""
    row, n_publishers = result["millrace"], result["publishers"]
    found = [(f"{row['held_mb_per_stream']:.2f} MB per stream but for listed segments, aim under {AIM_HELD_MB}",
              row["held_mb_per_stream"] < AIM_HELD_MB),
             (f"{row['switches_per_stream_s']:.1f} context switches per stream and s, aim under {AIM_SWITCHES}",
              row["switches_per_stream_s"] < AIM_SWITCHES)]
    ratio = result["ratio_cpu_s_per_stream_minute"]
    if ratio is not None:
        found.insert(0, (f"CPU {ratio} of nginx-rtmp's, aim at most {AIM_CPU_RATIO}", ratio <= AIM_CPU_RATIO))
    if n_publishers in AIM_CORES:
        found.append((f"{row['cores']:.2f} cores and {row['unread_s_mean']:.3f} s unread, aim at most {AIM_CORES[n_publishers]} and {AIM_UNREAD_S}",
                      row["cores"] <= AIM_CORES[n_publishers] and row["unread_s_mean"] <= AIM_UNREAD_S))
    return found


def report_aims(result):
    if "millrace" not in result:
        return
    if result["ratio_cpu_s_per_stream_minute"] is None:
        print("  no ratio: a server was missing, cut a publisher off, or wrote another number of frames")
    for text, reached in aims(result):
        print(f"  {text}: {'reached' if reached else 'MISSED'}")


def bench(options, films):
    results = []
    for n_publishers in options.publishers:
        seconds = run_seconds(options, n_publishers)
        runs = {kind.name: [] for kind in SERVERS}
        print(f"\nlive: {n_publishers} publishers, {options.live_rounds} x {len(SERVERS)} runs of {seconds} s", flush=True)
        for _ in range(options.live_rounds):
            for kind in SERVERS:
                missing = kind.missing()
                try:
                    if missing is not None:
                        raise RuntimeError(missing)
                    runs[kind.name].append(run_once(options, kind, films["flv"], n_publishers, seconds))
                except (RuntimeError, OSError, ValueError) as error:
                    print(f"  {kind.name}: {error}")
        results.append(summarise(options, runs, n_publishers, seconds))
        report(results[-1])
    return results
