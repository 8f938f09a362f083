# SPDX-License-Identifier: MIT
"""A film becomes HLS without re-encoding: millrace against ffmpeg, and shaka-packager where it is installed, in turns."""
import os
import pathlib
import statistics

import measure


def find_shaka():
    """npm ci in this directory brings it; nobody has to."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine, "other")
    found = pathlib.Path(__file__).parent / f"node_modules/shaka-packager/bin/packager-linux-{machine}"
    return found if os.access(found, os.X_OK) else None


def shaka_command(shaka, film, out):
    streams = [f"in={film},stream={kind},init_segment={out}/{kind}/init.mp4,"
               f"segment_template={out}/{kind}/$Number$.m4s,playlist_name={kind}.m3u8" for kind in ("video", "audio")]
    return [str(shaka), "--quiet", *streams, "--segment_duration", "2", "--hls_master_playlist_output",
            str(out / "master.m3u8"), "--mpd_output", str(out / "manifest.mpd")]


def commands(build, film, out):
    shaka = find_shaka()
    peers = {"shaka": shaka_command(shaka, film, out)} if shaka else {}
    return {
        "ffmpeg": ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(film), "-c", "copy", "-f", "hls",
                   "-hls_segment_type", "fmp4", "-hls_time", "2", "-hls_playlist_type", "vod",
                   "-hls_flags", "independent_segments", str(out / "master.m3u8")],
        "millrace": [str(build / "cli/millrace"), "run", "vod-package", "--quiet",
                     "--set", f"input={film}", "--set", f"output={out}"],
        **peers,
    }


def count_frames(out):
    return {kind: measure.count_packets(out / "master.m3u8", stream)
            for kind, stream in (("video", "v:0"), ("audio", "a:0"))}


def bench_film(options, film):
    """Medians per packager, and the ratio if both wrote the same frames."""
    size_mb = film.stat().st_size / 1e6
    runs = {name: [] for name in commands(options.build, film, options.scratch)}
    result = {"film": film.name, "size_mb": round(size_mb, 1), "rounds": options.rounds}
    source = {"video": measure.count_packets(film, "v:0"), "audio": measure.count_packets(film, "a:0")}
    result["frames_in"] = source
    for _ in range(options.rounds):
        for name in runs:
            out = measure.fresh_directory(options.scratch / f"package-{name}")
            command = commands(options.build, film, out)[name]
            run = measure.run(command, options.scratch / f"{name}.log")
            runs[name].append(run | {"frames_out": count_frames(out)})
            result[name] = {"command": command}
    for name, measured in runs.items():
        cpu_s = statistics.median(run["cpu_s"] for run in measured)
        wall_s = statistics.median(run["wall_s"] for run in measured)
        result[name] |= {
            "wall_s": round(wall_s, 4), "cpu_s": round(cpu_s, 4), "mb_per_s": round(size_mb / wall_s, 1),
            "cpu_s_per_gb": round(cpu_s / size_mb * 1000, 3),
            "cpu_s_min_max": [round(f(run["cpu_s"] for run in measured), 4) for f in (min, max)],
            "rss_mb": round(max(run["rss_mb"] for run in measured), 1),
            # of the first run that differs from the film, if one does
            "frames_out": next((run["frames_out"] for run in measured if run["frames_out"] != source), source),
            "failed": sum(run["exit_code"] != 0 for run in measured),
        }
    did = {name: result[name]["frames_out"] == source and result[name]["failed"] == 0 for name in runs}
    result["ratios"] = {peer: {key: round(result["millrace"][key] / result[peer][key], 3) for key in ("wall_s", "cpu_s")}
                        if did[peer] and did["millrace"] else None for peer in runs if peer != "millrace"}
    return result


def report(result):
    print(f"\npackaging {result['film']} ({result['size_mb']} MB), medians of {result['rounds']} rounds in turns")
    for name in ("millrace", *result["ratios"]):
        row = result[name]
        print(f"  {name:9} {row['wall_s']:8.3f} s  {row['mb_per_s']:8.1f} MB/s  {row['cpu_s_per_gb']:6.2f} CPU s/GB"
              f"  {row['rss_mb']:6.1f} MB  frames {row['frames_out']['video']}v {row['frames_out']['audio']}a")
        print(f"            {' '.join(row['command'])}")
    for peer, ratios in result["ratios"].items():
        if ratios is None:
            print(f"  no ratio to {peer}: frames or exit codes differ from the film's ({result['frames_in']}); see the logs")
        else:
            print(f"  millrace / {peer}: wall {ratios['wall_s']}, CPU {ratios['cpu_s']}")


def bench(options, films):
    if not (options.build / "cli/millrace").exists():
        print("\npackaging: no millrace in this build")
        return []
    results = []
    for film in (films["short"], films["long"]):
        results.append(bench_film(options, film))
        report(results[-1])
    short, long = results
    compared = [peer for peer in long["ratios"] if long["ratios"][peer] and short["ratios"][peer]]
    if compared:
        more_gb = (long["size_mb"] - short["size_mb"]) / 1000
        marginal = {name: (long[name]["cpu_s"] - short[name]["cpu_s"]) / more_gb for name in (*compared, "millrace")}
        print("  beyond the start-up: " + ", ".join(f"{name} {value:.2f} CPU s/GB" for name, value in marginal.items()))
        results.append({"marginal_cpu_s_per_gb": marginal})
    return results
