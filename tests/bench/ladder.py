# SPDX-License-Identifier: MIT
"""An adaptive ladder of a film: millrace against one ffmpeg process with the same
rungs and x264 settings, and against x264 alone (pre-scaled pictures, plus one
decode), in turns."""
import json
import os
import pathlib
import re
import statistics
import subprocess

import measure

PRESET = "standard"
# No rung of 240p: four rungs are what ladders are usually compared by.
LOWEST = 360


def make_film(films):
    """Ten seconds of the benchmarks' film, with keyframes at no regular distance."""
    film = films["short"].with_name("ladder-10s.mp4")
    if not film.exists():
        part = film.with_suffix(".part.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(films["short"]), "-t", "10", "-c:v", "libx264",
                        "-preset", "veryfast", "-crf", "20", "-bf", "2", "-g", "999", "-sc_threshold", "0",
                        "-force_key_frames", "0,1.7,3.9,5.9,8.3", "-c:a", "copy", str(part)],
                       check=True, stdin=subprocess.DEVNULL)
        part.rename(film)
    return film


def read_preset(millrace, film):
    """The preset, with the rungs that are made of this film, and their sizes."""
    shown = subprocess.run([str(millrace), "presets", PRESET, "-o", "json"], check=True, capture_output=True, text=True)
    preset = json.loads(shown.stdout)
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height",
                            "-of", "csv=p=0", str(film)], check=True, capture_output=True, text=True)
    width, height = map(int, probe.stdout.split(","))
    preset["rungs"] = [r for r in reversed(preset["rungs"]) if LOWEST <= r["height"] <= height]
    for rung in preset["rungs"]:
        rung["width"] = round(width * rung["height"] / height / 2) * 2
    total = sum(r["width"] * r["height"] for r in preset["rungs"])
    for rung in preset["rungs"]:
        # as gst-plugins/ladder/ladder-rungs.c shares them out
        share = (os.cpu_count() or 1) * rung["width"] * rung["height"] / total
        rung["threads"] = max(1, min(32, -int(-share // 1)))
    return preset


def write_preset(preset, file):
    lines = ["[ladder]", "format=1", f"profile={preset['profile']}", "[x264enc]"]
    lines += [f"{key}={value}" for key, value in preset["x264enc"].items()]
    for rung in preset["rungs"]:
        lines += [f"[rung {rung['height']}p]", f"height={rung['height']}", f"bitrate-bps={rung['bitrate_bps']}"]
    file.write_text("\n".join(lines) + "\n")


def x264_options(preset, rung, keyframes):
    """The preset's settings in the words of ffmpeg."""
    own = preset["x264enc"]
    rate = rung["bitrate_bps"] // 1000
    return ["-c:v", "libx264", "-preset", own["speed-preset"], "-profile:v", preset["profile"],
            "-b:v", f"{rate}k", "-maxrate", f"{rate}k", "-bufsize", f"{rate * int(own['vbv-buf-capacity']) // 1000}k",
            "-bf", own["bframes"], "-refs", own["ref"], "-threads", str(rung["threads"]),
            "-forced-idr", "1", "-force_key_frames", keyframes, "-x264-params",
            f"keyint=infinite:scenecut=0:rc-lookahead={own['rc-lookahead']}"]


def ffmpeg_command(preset, film, out):
    rungs = preset["rungs"]
    labels = "".join(f"[s{i}]" for i in range(len(rungs)))
    graph = f"[0:v]split={len(rungs)}{labels};" + ";".join(
        f"[s{i}]scale={r['width']}:{r['height']}:flags=bilinear[v{i}]" for i, r in enumerate(rungs))
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(film), "-filter_complex", graph]
    hls = ["-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "2", "-hls_playlist_type", "vod"]
    for i, rung in enumerate(rungs):
        (out / f"v{rung['height']}").mkdir()
        command += ["-map", f"[v{i}]", *x264_options(preset, rung, "source"), *hls,
                    str(out / f"v{rung['height']}/playlist.m3u8")]
    (out / "audio").mkdir()
    return command + ["-map", "0:a", "-c:a", "copy", *hls, str(out / "audio/playlist.m3u8")]


def keyframe_times(film):
    shown = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-skip_frame", "nokey", "-show_entries",
                            "frame=pts_time", "-of", "csv=p=0", str(film)], check=True, capture_output=True, text=True)
    return ",".join(line.strip(",") for line in shown.stdout.split())


def run_alone(preset, film, options, keyframes):
    """One decode, then each rung's x264 from pictures that are scaled already. Returns (run, commands)."""
    log = options.scratch / "alone.log"
    commands = [["ffmpeg", "-nostdin", "-v", "error", "-i", str(film), "-map", "0:v", "-f", "null", "-"]]
    total = measure.run(commands[0], log)
    for rung in preset["rungs"]:
        scaled = options.scratch / "scaled.y4m"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(film), "-an", "-vf",
                        f"scale={rung['width']}:{rung['height']}:flags=bilinear", "-pix_fmt", "yuv420p", str(scaled)], check=True)
        commands.append(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(scaled),
                         *x264_options(preset, rung, keyframes), str(options.scratch / f"alone-{rung['height']}.mp4")])
        run = measure.run(commands[-1], log)
        scaled.unlink()
        total = {"wall_s": total["wall_s"] + run["wall_s"], "cpu_s": total["cpu_s"] + run["cpu_s"],
                 "rss_mb": max(total["rss_mb"], run["rss_mb"]), "exit_code": total["exit_code"] or run["exit_code"]}
    return total, commands


def sei_options(file):
    """What x264 says it was told, from its own words in the stream: {name: value}."""
    found = re.search(rb"x264 - core.*?options: ([ -~]*)", file.read_bytes(), re.DOTALL)
    return dict(pair.split("=", 1) for pair in found.group(1).decode().split() if "=" in pair) if found else {}


def first_media(directory):
    return sorted((f for f in directory.iterdir() if f.suffix == ".m4s"), key=lambda f: int(re.findall(r"\d+", f.stem)[-1]))[0]


def ssim(encoded, film, rung):
    """Y and all planes; reference: the film, scaled by a scaler that neither side uses."""
    pair = (f"[1:v]scale={rung['width']}:{rung['height']}:flags=lanczos+accurate_rnd,setpts=PTS-STARTPTS[r];[0:v]setpts=PTS-STARTPTS[e];[e][r]ssim")
    playlist = ["-allowed_extensions", "ALL"]
    shown = subprocess.run(["ffmpeg", "-nostdin", "-v", "info", *playlist, "-i", str(encoded), "-i", str(film),
                            "-lavfi", pair, "-f", "null", "-"], capture_output=True, text=True, check=True)
    y, every = re.search(r"SSIM Y:([\d.]+).*All:([\d.]+)", shown.stderr).groups()
    return {"y": round(float(y), 4), "all": round(float(every), 4)}


def count_frames(out, preset):
    return {rung["height"]: measure.count_packets(out / f"v{rung['height']}/playlist.m3u8", "v:0") for rung in preset["rungs"]}


def summarize(runs):
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in ("wall_s", "cpu_s", "rss_mb")} | {
        "cpu_s_min_max": [round(f(run["cpu_s"] for run in runs), 3) for f in (min, max)],
        "failed": sum(run["exit_code"] != 0 for run in runs)}


def report(result, preset):
    print(f"\nladder of {result['film']} ({result['frames_in']} frames), preset {PRESET}, medians of {result['rounds']} rounds in turns")
    for name in ("millrace", "ffmpeg", "alone"):
        row = result[name]
        print(f"  {name:9} {row['wall_s']:7.2f} s  {row['cpu_s']:7.2f} CPU s ({row['cpu_s_min_max'][0]:.2f}-{row['cpu_s_min_max'][1]:.2f})"
              f"  {row['rss_mb']:6.0f} MB")
        for command in row["commands"]:
            print(f"            {' '.join(command)}")
    for rung in preset["rungs"]:
        height = rung["height"]
        print(f"  {height:5}p  " + "  ".join(
            f"{name}: {result[name]['frames_out'][height]} frames, SSIM {result[name]['ssim'][height]['y']:.4f} (Y) {result[name]['ssim'][height]['all']:.4f},"
            f" {result[name]['kbps'][height]} kb/s" for name in ("millrace", "ffmpeg")))
        if result["settings_differ"][height]:
            print(f"          x264 was told otherwise (millrace, ffmpeg): {result['settings_differ'][height]}")
    if result["ratios"] is None:
        print("  no ratio: frames or exit codes differ; see the logs")
    else:
        print("  millrace / ffmpeg: wall {wall_ffmpeg}, CPU {cpu_ffmpeg}, memory {memory_ffmpeg};"
              " millrace / (x264 alone + decode): CPU {cpu_alone}".format(**result["ratios"]))


def kbps(directory, film_s):
    return round(sum(f.stat().st_size for f in directory.glob("*.m4s")) * 8 / film_s / 1000)


def look(result, preset, film, outs):
    """Frames, quality, rates and settings of the last round's output."""
    seconds = result["frames_in"] / 30
    for name, out in outs.items():
        result[name]["ssim"] = {r["height"]: ssim(out / f"v{r['height']}/playlist.m3u8", film, r) for r in preset["rungs"]}
        result[name]["kbps"] = {r["height"]: kbps(out / f"v{r['height']}", seconds) for r in preset["rungs"]}
    result["settings_differ"] = {}
    for rung in preset["rungs"]:
        ours, theirs = (sei_options(first_media(outs[name] / f"v{rung['height']}")) for name in ("millrace", "ffmpeg"))
        result["settings_differ"][rung["height"]] = {
            key: (ours.get(key), theirs.get(key)) for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)}


def ratios(result):
    ours = result["millrace"]
    return {"wall_ffmpeg": round(ours["wall_s"] / result["ffmpeg"]["wall_s"], 3),
            "cpu_ffmpeg": round(ours["cpu_s"] / result["ffmpeg"]["cpu_s"], 3),
            "memory_ffmpeg": round(ours["rss_mb"] / result["ffmpeg"]["rss_mb"], 3),
            "cpu_alone": round(ours["cpu_s"] / result["alone"]["cpu_s"], 3)}


def bench(options, films):
    millrace = options.build / "cli/millrace"
    if not millrace.exists():
        print("\nladder: no millrace in this build")
        return []
    film = make_film(films)
    preset = read_preset(millrace, film)
    file = options.scratch / "bench.ini"
    write_preset(preset, file)
    keyframes = keyframe_times(film)
    runs = {"millrace": [], "ffmpeg": [], "alone": []}
    result = {"film": film.name, "rounds": options.ladder_rounds, "frames_in": measure.count_packets(film, "v:0"),
              "keyframes": keyframes, "preset": preset, "millrace": {}, "ffmpeg": {}, "alone": {}}
    outs = {}
    same = True
    for _ in range(options.ladder_rounds):
        for name in ("ffmpeg", "millrace"):
            outs[name] = out = measure.fresh_directory(options.scratch / f"ladder-{name}")
            command = ffmpeg_command(preset, film, out) if name == "ffmpeg" else [
                str(millrace), "run", str(pathlib.Path(__file__).with_name("ladder.yaml")), "--quiet",
                "--set", f"input={film}", "--set", f"output={out}", "--set", f"ladder={file}"]
            runs[name].append(measure.run(command, options.scratch / f"{name}.log"))
            result[name]["commands"] = [command]
            result[name]["frames_out"] = count_frames(out, preset)
            same &= set(result[name]["frames_out"].values()) == {result["frames_in"]}
        run, commands = run_alone(preset, film, options, keyframes)
        runs["alone"].append(run)
        result["alone"]["commands"] = commands
        same &= all(measure.count_packets(options.scratch / f"alone-{r['height']}.mp4", "v:0") == result["frames_in"] for r in preset["rungs"])
    for name, measured in runs.items():
        result[name] |= summarize(measured)
        same &= result[name]["failed"] == 0
    if all(run["exit_code"] == 0 for measured in runs.values() for run in measured):
        look(result, preset, film, outs)
    else:
        print((options.scratch / "millrace.log").read_text() + (options.scratch / "ffmpeg.log").read_text())
        return [result]
    result["ratios"] = ratios(result) if same else None
    report(result, preset)
    return [result]
