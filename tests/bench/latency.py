# SPDX-License-Identifier: MIT
"""How late a viewer in a browser is, from glass to glass, by the time in the picture (latency.mjs)."""
import json
import os
import pathlib
import subprocess


def report(row):
    verdict = "reached" if row["p95_ms"] < row["aimMs"] else "MISSED"
    print(f"  {row['player']:4} parts of {row['partMs']} ms, segments of {row['segmentMs'] / 1000:g} s: "
          f"P50 {row['p50_ms']} ms, P95 {row['p95_ms']} ms ({row['min_ms']}-{row['max_ms']}), aim: P95 under {row['aimMs']} ms, {verdict}; "
          f"{row['pictures']} pictures, {row['missing']} not shown; {len(row['stalls'])} stalls, {row['refused']} answers of 4xx or 5xx",
          flush=True)
    if row["stages"]["loaded"]:
        told, loaded, buffered = (row["stages"][name] for name in ("told", "loaded", "buffered"))
        print(f"             a part is told {told['p50_ms']} ms after its last picture is over (P95 {told['p95_ms']}), in the page "
              f"{loaded['p50_ms']} ms later (P95 {loaded['p95_ms']}), in the buffer {buffered['p50_ms']} ms after it was told "
              f"(P95 {buffered['p95_ms']})", flush=True)
    if row["dates"]:
        print(f"             a picture is dated {row['dates']['p50_ms']} ms after it was taken (P95 {row['dates']['p95_ms']}), and shown "
              f"{row['p50_ms'] - row['dates']['p50_ms']} ms after that date", flush=True)
    for line in row["refused_lines"]:
        print(f"             {line}")


def bench(options, films):
    print(f"\nglass to glass over {options.latency_seconds} s each, after {options.latency_settle} s to settle; "
          "a camera with its time in the picture, ffmpeg -tune zerolatency, RTMP, Chromium")
    script = pathlib.Path(__file__).with_name("latency.mjs")
    command = ["node", str(script), str(options.latency_seconds), "--settle", str(options.latency_settle)]
    environment = {**os.environ, "MILL_BUILD_ROOT": str(options.build)}
    rows = []
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            rows.append(json.loads(line))
            report(rows[-1])
    if child.returncode != 0:
        raise RuntimeError(f"latency.mjs: got exit code {child.returncode}, expected 0")
    return {"command": command, "rows": rows}
