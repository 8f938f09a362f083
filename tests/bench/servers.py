# SPDX-License-Identifier: MIT
"""The servers that are measured: each starts, tells its processes, and ends."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import measure

START_S = 20
END_S = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {START_S} s")


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # ended; that is for its parent to notice


def end(pid):
    """Ends a process that is not a child of ours, and waits until it is gone."""
    number = signal.SIGTERM
    deadline = time.monotonic() + END_S
    while is_running(pid):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        time.sleep(0.05)
        number = 0 if time.monotonic() < deadline else signal.SIGKILL


class Nginx:
    """nginx-rtmp with one worker, HLS on, segments of 2 s, a window of 12 s."""
    name = "nginx-rtmp"
    plays = True
    module = pathlib.Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")

    @classmethod
    def missing(cls):
        return None if cls.module.exists() else "libnginx-mod-rtmp is not installed"

    def __init__(self, options):
        self.directory = measure.fresh_directory(options.scratch / "nginx")
        port = self.port = free_port()
        self.media = self.directory / "hls"
        self.media.mkdir()
        config = self.directory / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(f"""load_module {self.module};
daemon off; worker_processes 1; {user} pid {self.directory}/pid; error_log {self.directory}/error.log warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
rtmp {{ access_log off; server {{ listen 127.0.0.1:{port}; application live {{
  live on; hls on; hls_nested on; hls_path {self.media}; hls_fragment 2s; hls_playlist_length 12s; }} }} }}
""")
        self.command = ["nginx", "-p", str(self.directory), "-c", str(config), "-e", str(self.directory / "error.log")]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)
        self.url = f"rtmp://127.0.0.1:{port}/live/bench%d"
        wait_for_port(port)

    def pids(self):
        return measure.children(self.process.pid)

    def end_stream(self, stream):
        """nginx-rtmp ends a stream with its publisher."""

    def segments(self, stream):
        return sorted((self.media / stream).glob("*.ts"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


class Millrace:
    """millraced with its shared worker and the origin, live-passthrough: segments of 2 s, a window of 12 s."""
    name = "millrace"
    plays = True

    @staticmethod
    def missing():
        return None

    def __init__(self, options):
        self.directory = measure.fresh_directory(options.scratch / "millrace")
        self.media = self.directory / "media"
        config = self.directory / "millraced.yaml"
        config.write_text(f"""listen: {{ rtmp: "127.0.0.1:0", origin: "127.0.0.1:0", api: "127.0.0.1:0" }}
state_dir: "{self.directory}/state"
runtime_dir: "{self.directory}/run"
media_dir: "{self.media}"
apps:
  live: {{ pipeline: live-passthrough, auth: none, params: {{ window-segments: 6 }} }}
""" + self.configure())
        self.command = [str(options.build / "daemon/millraced"), "--config", str(config)]
        log = (self.directory / "millraced.log").open("wb")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        self.listening = {}
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["listening"]:
                self.listening[words[1]] = words[2]
            if words[:1] == ["ready"]:
                break
        else:
            raise RuntimeError(f"millraced ended before it was ready; see {self.directory}/millraced.log")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.port = int(self.listening["rtmp"].rsplit(":", 1)[1])
        self.url = f"rtmp://{self.listening['rtmp']}/live/bench%d"

    def configure(self):
        return "workers: { shared: 1, orphan-timeout: 5 }\n"

    def call(self, method, path):
        key = (self.directory / "state/admin.key").read_text().strip()
        request = urllib.request.Request(f"http://{self.listening['api']}/api/v1/{path}", method=method,
                                         data=b"" if method == "POST" else None, headers={"X-API-Key": key})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def pids(self):
        workers = json.loads(self.call("GET", "workers"))["items"]
        return sorted({self.process.pid, *(worker["pid"] for worker in workers)})

    def end_stream(self, stream):
        """Else it is held for a publisher that may come back."""
        self.call("POST", f"streams/{stream}/stop")

    def segments(self, stream):
        """The video's init segment, then its media segments in order."""
        renditions = [path for path in (self.media / stream).iterdir() if path.is_dir() and path.name.startswith("v")]
        if not renditions:
            return []
        segments = sorted(renditions[0].glob("*.m4s"), key=lambda path: [int(part) for part in path.stem.split("-")])
        return sorted(renditions[0].glob("init-*.mp4"))[:1] + segments

    def stop(self):
        pids = self.pids()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        # workers outlive their supervisor by design
        for pid in pids:
            end(pid)


class Floor:
    """No server: what the kernel takes to receive the same and write as much (rtmp-floor.c)."""
    name = "floor"
    plays = False

    @staticmethod
    def missing():
        return None

    def __init__(self, options):
        self.directory = measure.fresh_directory(options.scratch / "floor")
        self.media = measure.fresh_directory(self.directory / "media")
        self.port = free_port()
        self.command = [str(options.build / "tests/bench/rtmp-floor"), str(self.port), str(self.media)]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)
        self.url = f"rtmp://127.0.0.1:{self.port}/live/bench%d"
        wait_for_port(self.port)

    def pids(self):
        return [self.process.pid]

    def end_stream(self, stream):
        """A publisher that is gone leaves nothing to end."""

    def segments(self, stream):
        return []

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


SERVERS = [Nginx, Millrace, Floor]
