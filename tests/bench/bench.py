# SPDX-License-Identifier: MIT
"""usage: bench.py BUILD [packaging] [live] [ingest] [ladder] [origin] [latency] [--rounds N] [--seconds S] ...

Ratios of speed and memory between millrace and its peers on this machine.
A ratio is only given when both did the same work, frame for frame. Figures of
a shared machine differ by 15 % and more from run to run: trust ratios, and of
them the first digit. Results are kept as JSON in BUILD/bench.
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import content
import ingest
import ladder
import latency
import live
import measure
import origin
import packaging

BENCHES = {"packaging": packaging.bench, "live": live.bench, "ingest": ingest.bench, "ladder": ladder.bench,
           "origin": origin.bench, "latency": latency.bench}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./bootstrap bench", description=__doc__.split("\n\n")[1])
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("what", nargs="*", help="packaging, live, ingest, ladder, origin, latency (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="of packaging (default 5)")
    parser.add_argument("--live-settle", type=int, default=40,
                        help="of live, from the last publisher's start on; after 40 as many files go as come, and no more memory is needed (default 40)")
    parser.add_argument("--live-rounds", type=int, default=3, help="of live, per number of publishers (default 3)")
    parser.add_argument("--ladder-rounds", type=int, default=3, help="of the ladder (default 3)")
    parser.add_argument("--publishers", type=lambda text: [int(n) for n in text.split(",")], default=[100, 400, 1000],
                        help="of live (default 100,400,1000)")
    parser.add_argument("--ingest-publishers", type=int, default=200, help="of ingest (default 200)")
    parser.add_argument("--ingest-rounds", type=int, default=3, help="of ingest (default 3)")
    parser.add_argument("--origin-rounds", type=int, default=3, help="of origin (default 3)")
    parser.add_argument("--origin-seconds", type=int, default=5, help="each run of origin (default 5)")
    parser.add_argument("--origins", type=int, default=os.cpu_count(), help="origins for viewers (default: one per core)")
    parser.add_argument("--viewers", type=int, default=2000, help="who take every part (default 2000)")
    parser.add_argument("--waiters", type=int, default=5000, help="who wait for playlists alone (default 5000)")
    parser.add_argument("--latency-seconds", type=int, default=40, help="each run of latency (default 40)")
    parser.add_argument("--latency-settle", type=int, default=15, help="before it: players find the live edge (default 15)")
    parser.add_argument("--seconds", type=int, help="each live run (default: what a window of 18 s needs)")
    parser.add_argument("--quick", action="store_true",
                        help="one round of everything, 20 publishers: does it work at all? (a minute)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds = options.live_rounds = options.ladder_rounds = options.ingest_rounds = options.origin_rounds = 1
        options.origin_seconds, options.viewers, options.waiters = 2, 100, 300
        options.ingest_publishers = 20
        options.latency_seconds = options.latency_settle = 5
        options.publishers, options.seconds, options.live_settle = [20], 15, 4
    options.build = options.build.resolve()
    options.what = options.what or list(BENCHES)
    unknown = [name for name in options.what if name not in BENCHES]
    if unknown:
        parser.error(f"unknown benchmark '{unknown[0]}', expected packaging, live, ingest, ladder, origin or latency")
    if min(options.publishers) < 1 or min(options.rounds, options.live_rounds, options.ladder_rounds, options.ingest_rounds,
                                               options.origin_rounds, options.origin_seconds, options.ingest_publishers, options.latency_seconds) < 1:
        parser.error("expected at least one publisher and one round")
    needed = live.least_seconds(max(options.publishers), options.live_settle)
    if options.seconds is not None and options.seconds < needed:
        parser.error(f"--seconds: got {options.seconds}, expected at least {needed} "
                     f"for {max(options.publishers)} publishers, who start one after the other")
    return options


def versions(options):
    return {
        "millrace": measure.version([str(options.build / "cli/millrace"), "--version"]),
        "ffmpeg": measure.version(["ffmpeg", "-version"]),
        "wrk": measure.version(["wrk", "-v"]),
        "nginx": measure.version(["nginx", "-v"]),
        "gstreamer": measure.version(["gst-inspect-1.0", "--version"]),
    }


def main(arguments):
    options = parse(arguments)
    # servers and scratch are cleared away then too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    results = options.build / "bench"
    results.mkdir(parents=True, exist_ok=True)
    # the origin serves bytes, whatever they are; latency has a camera
    films = content.prepare(results / "films") if set(options.what) - {"origin", "latency"} else {}
    # tmpfs, so that no disk is measured
    options.scratch = pathlib.Path(tempfile.mkdtemp(prefix="millrace-bench-", dir="/dev/shm"))
    head = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": measure.machine(), "versions": versions(options)}
    print(json.dumps(head, indent=2))
    try:
        for name in options.what:
            outcome = {**head, "results": BENCHES[name](options, films)}
            (results / f"{name}.json").write_text(json.dumps(outcome, indent=2, default=str) + "\n")
    finally:
        shutil.rmtree(options.scratch, ignore_errors=True)
    print(f"\nkept in {results}")


if __name__ == "__main__":
    main(sys.argv[1:])
