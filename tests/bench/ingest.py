# SPDX-License-Identifier: MIT
"""How long a frame takes through rtmpserversrc: see ingest-latency.c."""
import json
import os
import statistics
import subprocess

import measure

SECONDS = 30  # each run, when nothing else was asked for
FIGURES = ("median", "p99", "p999", "max")


def run_once(options, packages):
    directory = measure.fresh_directory(options.scratch / "ingest")
    command = [str(options.build / "tests/bench/ingest-latency"), "--publishers", str(options.ingest_publishers),
               "--seconds", str(options.seconds or SECONDS)]
    if packages:
        command += ["--package", str(directory)]
    env = {**os.environ, "GST_PLUGIN_PATH_1_0": str(options.build / "gst-plugins"),
           "GST_REGISTRY_1_0": str(options.scratch / "registry.bin")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=(options.seconds or SECONDS) + 120)
    result = json.loads(done.stdout)
    if result["frames_left"] != result["frames_sent"]:
        raise RuntimeError(f"{result['frames_sent']} frames were sent, {result['frames_left']} left")
    return {"command": command, **result}


def report(options, name, runs):
    row = {key: statistics.median(run["latency_us"][key] for run in runs) for key in FIGURES}
    spread = {key: [run["latency_us"][key] for run in runs] for key in FIGURES}
    print(f"  {name:24} median {row['median']:.0f} us  P99 {row['p99']:.0f} us  P99.9 {row['p999']:.0f} us  "
          f"max {row['max']:.0f} us of {runs[0]['measured']} frames; rounds: P99.9 {spread['p999']}")
    print(f"  {'':24} {' '.join(runs[0]['command'])}")
    return {"name": name, **row, "runs": runs}


def bench(options, films):
    print(f"\n{options.ingest_publishers} publishers, from before send() to where the frame leaves rtmpserversrc, "
          f"medians of {options.ingest_rounds} in turns")
    runs = {"alone": [], "with cmafsink behind it": []}
    for _ in range(options.ingest_rounds):
        for name in runs:
            runs[name].append(run_once(options, name != "alone"))
    return [report(options, name, measured) for name, measured in runs.items()]
