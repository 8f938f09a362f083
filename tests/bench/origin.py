# SPDX-License-Identifier: MIT
"""What a request costs: millrace-origin, a bare libsoup server and nginx, with the same files on tmpfs.

wrk asks for one file again and again on kept connections. CPU time of the
server's processes by answer is what is compared: requests per second depend on
what else the machine does, wrk included.
"""
import os
import pathlib
import re
import signal
import statistics
import subprocess

import measure
from servers import free_port, wait_for_port

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
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
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


def bench(options, films):
    print(f"\none file, {CONNECTIONS} connections of one wrk thread, {options.origin_seconds} s, "
          f"medians of {options.origin_rounds} in turns; one process each")
    media = measure.fresh_directory(options.scratch / "origin")
    write_media(media)
    servers = [kind(options, media) for kind in SERVERS]
    try:
        return {"answers": [measure_work(options, servers, work) for work in WORK]}
    finally:
        for server in servers:
            server.stop()
