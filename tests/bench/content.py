# SPDX-License-Identifier: MIT
"""The films of the benchmarks, made once by ffmpeg and kept in build/bench."""
import subprocess

SECONDS = 60


def make(command):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *command], check=True, stdin=subprocess.DEVNULL)


def prepare(directory):
    """{flv: 60 s for publishers, short: the same as MP4, long: four times}.

    No MP4 has an edit list: with one, packagers differ in whether the sound
    that it skips is written, and would not have done the same work.
    """
    directory.mkdir(parents=True, exist_ok=True)
    films = {"flv": directory / "film.flv",
             "short": directory / "plain-60s.mp4", "long": directory / "plain-240s.mp4"}
    if not films["short"].exists():
        # noise keeps the rate up: a test picture alone needs next to no bits
        make(["-f", "lavfi", "-i", f"testsrc2=s=1920x1080:r=30:d={SECONDS},noise=alls=6:allf=t",
              "-f", "lavfi", "-i", f"sine=r=48000:d={SECONDS}", "-c:v", "libx264", "-preset", "ultrafast",
              "-profile:v", "high", "-bf", "2", "-g", "60", "-sc_threshold", "0", "-b:v", "2400k", "-maxrate", "2600k",
              "-bufsize", "2600k", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", "-b:a", "128k",
              "-t", str(SECONDS), "-use_editlist", "0", str(films["short"]) + ".part.mp4"])
        films["short"].with_name(films["short"].name + ".part.mp4").rename(films["short"])
    if not films["flv"].exists():
        make(["-i", str(films["short"]), "-c", "copy", str(films["flv"])])
    if not films["long"].exists():
        make(["-stream_loop", "3", "-i", str(films["short"]), "-c", "copy", "-use_editlist", "0",
              str(films["long"])])
    return films
