# SPDX-License-Identifier: MIT
"""What a request costs: millrace-origin, a bare libsoup server and nginx, with the same files on tmpfs.

wrk asks for one file again and again on kept connections. CPU time of the
server's processes by answer is what is compared: requests per second depend on
what else the machine does, wrk included.
"""
import json
import os
import re
import signal
import statistics
import subprocess
import time
import urllib.error
import urllib.request

import measure
from servers import START_S, Millrace, end, free_port, wait_for_port

SEGMENTS = 12
RENDITION = "stream/bench/v"
CONNECTIONS = 64


def write_media(directory):
    """A rendition as cmafsink leaves it: a window of segments of 500 KB, a playlist of 2 KB, an init."""
    media = directory / RENDITION
    media.mkdir(parents=True)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:100",
             "#EXT-X-INDEPENDENT-SEGMENTS", '#EXT-X-MAP:URI="init-1.mp4"']
    for n in range(100, 100 + SEGMENTS):
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:{n % 60:02}:00.000Z", "#EXTINF:2.000000,", f"1-{n}.m4s"]
        (media / f"1-{n}.m4s").write_bytes(os.urandom(500_000))
    text = "\n".join(lines) + "\n"
    # a comment, so that it is 2 KB whatever the window
    text = text.replace("#EXTM3U\n", "#EXTM3U\n#" + "x" * max(0, 2048 - len(text) - 2) + "\n", 1)
    (media / "playlist.m3u8").write_text(text)
    # for nginx, which compresses each answer anew otherwise
    subprocess.run(["gzip", "-4", "-k", str(media / "playlist.m3u8")], check=True)
    (media / "init-1.mp4").write_bytes(os.urandom(800))


class Process:
    def pids(self):
        return measure.children(self.process.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


class Nginx(Process):
    """One worker, sendfile, gzip made beforehand. No open_file_cache: it trusts a playlist unseen for 60 s, and less
    than a second it cannot be told; a live stream's are new each time they are asked for, here and in the origin."""
    name = "nginx"

    def __init__(self, options, media):
        directory = measure.fresh_directory(options.scratch / "nginx")
        self.port = free_port()
        user = "user root;" if os.getuid() == 0 else ""
        config = directory / "nginx.conf"
        config.write_text(f"""daemon off; worker_processes 1; {user} pid {directory}/pid; error_log {directory}/error.log;
worker_rlimit_nofile 8192; events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
types {{ video/mp4 m4s; application/vnd.apple.mpegurl m3u8; }}
server {{ listen 127.0.0.1:{self.port}; root {media}; gzip_static on; etag on; }} }}
""")
        self.process = subprocess.Popen(["nginx", "-p", str(directory), "-c", str(config), "-e", str(directory / "error.log")],
                                        stdin=subprocess.DEVNULL)
        wait_for_port(self.port)


class Floor(Process):
    name = "bare libsoup"

    def __init__(self, options, media):
        names = [f"{RENDITION}/playlist.m3u8", f"{RENDITION}/1-105.m4s"]
        self.process = subprocess.Popen([str(options.build / "tests/bench/soup-floor"), str(media), *names],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])


class Origin(Process):
    name = "millrace-origin"

    def __init__(self, options, media):
        self.process = subprocess.Popen([str(options.build / "daemon/millrace-origin"), "--media-dir", str(media / "stream"),
                                         "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])


SERVERS = [Nginx, Floor, Origin]

# name, file, headers, servers that cannot do it
WORK = [
    ("playlist 2 KB", "playlist.m3u8", [], ()),
    ("playlist gzip", "playlist.m3u8", ["Accept-Encoding: gzip"], (Floor,)),
    ("segment 500 KB", "1-105.m4s", [], ()),
]


def load(server, name, headers, seconds):
    """wrk's run: (answers, bytes); raises when one was not a 200."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    for header in headers:
        command += ["-H", header]
    command.append(f"http://127.0.0.1:{server.port}/{RENDITION}/{name}")
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(f"{server.name}: {name}: wrk got errors:\n{out}")
    return int(re.search(r"(\d+) requests in", out)[1]), command


def run_once(server, name, headers, seconds):
    before = measure.cpu_s(server.pids())
    answers, command = load(server, name, headers, seconds)
    cpu = measure.cpu_s(server.pids()) - before
    return {"answers": answers, "cpu_us": cpu / answers * 1e6, "per_s": answers / seconds, "command": command}


def measure_work(options, servers, work):
    name, path, headers, unable = work
    runs = {server.name: [] for server in servers if not isinstance(server, unable)}
    for turn in range(options.origin_rounds):
        # another one begins each time
        for server in servers[turn % len(servers):] + servers[:turn % len(servers)]:
            if server.name in runs:
                runs[server.name].append(run_once(server, path, headers, options.origin_seconds))
    nginx = statistics.median(run["cpu_us"] for run in runs["nginx"])
    row = {"name": name, "runs": runs, "cpu_us": {}, "of_nginx": {}}
    for server, measured in runs.items():
        each = sorted(run["cpu_us"] for run in measured)
        cpu = row["cpu_us"][server] = statistics.median(each)
        row["of_nginx"][server] = nginx / cpu
        print(f"  {name:16} {server:16} {cpu:7.1f} us CPU per answer ({each[0]:.1f}-{each[-1]:.1f}), "
              f"{statistics.median(run['per_s'] for run in measured):8.0f}/s, {nginx / cpu:.2f} of nginx")
    return row


# ---- viewers of a live stream ----

PUBLISHER = ("videotestsrc is-live=true pattern=snow ! video/x-raw,width=320,height=180,framerate=30/1 ! "
             "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=1000 ! h264parse ! "
             "cmafsink location={location} part-duration-ms=333 segment-duration-ms=2000")


class Live(Millrace):
    """millraced with as many origins as there are cores, and a stream of parts of 333 ms at 1 Mb/s in its directory."""

    def __init__(self, options):
        self.origins = options.origins
        super().__init__(options)
        environment = {**os.environ, "GST_PLUGIN_PATH": str(options.build / "gst-plugins")}
        location = self.media / "bench"
        self.publisher = subprocess.Popen(["gst-launch-1.0", "-q", *PUBLISHER.format(location=location).split()], env=environment,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while "PRELOAD-HINT" not in self.playlist():
            if time.monotonic() > deadline:
                raise RuntimeError(f"no stream of parts in {location} after {START_S} s")
            time.sleep(0.1)

    def configure(self):
        return f"workers: {{ shared: 1, origins: {self.origins}, orphan-timeout: 5 }}\n"

    def playlist(self):
        try:
            with urllib.request.urlopen(f"http://{self.listening['origin']}/stream/bench/v180/playlist.m3u8", timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            return ""

    def origin_pids(self):
        workers = json.loads(self.call("GET", "workers"))["items"]
        return [worker["pid"] for worker in workers if worker["kind"] == "origin"]

    def metric(self, name):
        return sum(int(value) for value in re.findall(rf"^millrace_origin_{name}{{[^}}]*}} (\d+)$", self.metrics(), re.M))

    def metrics(self):
        key = (self.directory / "state/admin.key").read_text().strip()
        request = urllib.request.Request(f"http://{self.listening['api']}/metrics", headers={"X-API-Key": key})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def stop(self):
        end(self.publisher.pid)
        self.publisher.wait()
        super().stop()


def watch(options, mode, viewers):
    """hls-load's result, and what the origins have taken for it."""
    live = Live(options)
    command = [str(options.build / "tests/tools/hls-load"), "--viewers", str(viewers), "--mode", mode, "--settle", "5",
               "--seconds", str(options.origin_seconds * 2), "--index", str(live.media / "bench/live.index"),
               f"http://{live.listening['origin']}/stream/bench/v180"]
    try:
        pids = live.origin_pids()
        before, started, rss = measure.cpu_s(pids), time.monotonic(), measure.pss_mb(pids)
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"hls-load: {run.stderr.strip()} {run.stdout}")
        row = json.loads(run.stdout)
        row["viewers_cores"] = row["cores"]
        row["cores"] = (measure.cpu_s(pids) - before) / (time.monotonic() - started)
        row["kb_each"] = (measure.pss_mb(pids) - rss) * 1024 / viewers
        time.sleep(2)  # the API's numbers of its processes are a second old
        row["waited"], row["wake_ups"] = live.metric("requests_waited_total"), live.metric("wake_ups_total")
    finally:
        live.stop()
    delays = row["playlist_ms"] if mode == "wait" else row["part_ms"]
    print(f"  {viewers:5} viewers, {mode:6}: {'playlist' if mode == 'wait' else 'part'} after its write P50 {delays['p50']:.0f} ms, "
          f"P99 {delays['p99']:.0f} ms, max {delays['max']:.0f} ms of {delays['n']}; {row['cores']:.2f} cores (and the viewers {row['viewers_cores']:.2f}), "
          f"{row['kb_each']:.0f} KB each; {row['waited']} waited, {row['wake_ups']} wake-ups")
    return {"mode": mode, "command": command, **row}


def bench_viewers(options):
    print(f"\nviewers of one stream, parts of 333 ms at 1 Mb/s, {options.origins} origins, on the same machine as the viewers")
    return [watch(options, mode, viewers) for mode, viewers in
            (("reload", options.viewers), ("hint", options.viewers), ("wait", options.waiters))]


def bench(options, films):
    print(f"\none file, {CONNECTIONS} connections of one wrk thread, {options.origin_seconds} s, "
          f"medians of {options.origin_rounds} in turns; one process each")
    media = measure.fresh_directory(options.scratch / "origin")
    write_media(media)
    servers = [kind(options, media) for kind in SERVERS]
    try:
        answers = [measure_work(options, servers, work) for work in WORK]
    finally:
        for server in servers:
            server.stop()
    return {"answers": answers, "viewers": bench_viewers(options)}
