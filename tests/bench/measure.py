# SPDX-License-Identifier: MIT
"""What a process costs: of a child that ends, and of processes that run on."""
import os
import pathlib
import re
import shutil
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def run(command, log):
    """Runs a command to its end. Returns {wall_s, cpu_s, rss_mb, exit_code}."""
    with open(log, "ab") as out:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "rss_mb": usage.ru_maxrss / 1024,
        "exit_code": child.returncode,
    }


def cpu_s(pids):
    """CPU time that these processes have used so far; a dead one counts 0."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def context_switches(pids):
    """How often the threads of these processes have gone off a core so far."""
    total = 0
    for pid in pids:
        for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
            try:
                lines = status.read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += sum(int(line.split()[1]) for line in lines if "ctxt_switches:" in line)
    return total


def pss_mb(pids):
    """Memory of these processes, shared pages divided among their users."""
    total = 0
    for pid in pids:
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return "ended"


def children(pid):
    """The process and all that come from it."""
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def directory_mb(path):
    return sum(f.stat().st_size for f in pathlib.Path(path).rglob("*") if f.is_file()) / 1e6


def listed_mb(path):
    """Of these files, those that a media playlist below lists: what players may still ask for."""
    found = set()
    for playlist in pathlib.Path(path).rglob("*.m3u8"):
        for line in playlist.read_text().splitlines():
            mapped = re.match(r'#EXT-X-MAP:.*URI="([^"]+)"', line)
            name = mapped[1] if mapped else line
            if name and not name.startswith("#"):
                found.add(playlist.parent / name)
    return sum(f.stat().st_size for f in found if f.is_file() and f.suffix != ".m3u8") / 1e6


def unread_bytes(port):
    """What the kernel holds for the connections to this port of loopback, each, because nobody has read it."""
    found = []
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        is_open = fields[3] == "01"
        if is_open and int(fields[1].split(":")[1], 16) == port:
            found.append(int(fields[4].split(":")[1], 16))
    return found


def count_packets(source, stream):
    """Packets of one stream ("v:0") as ffprobe reads them; 0 when it cannot."""
    # ffprobe refuses segments called .m4s otherwise; other formats do not know the option
    playlist = ["-allowed_extensions", "ALL"] if str(source).endswith(".m3u8") else []
    command = ["ffprobe", "-v", "error", *playlist, "-count_packets", "-select_streams", stream,
               "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    # a playlist names a stream once more for each programme
    numbers = [line.strip(",") for line in result.stdout.split()]
    return int(numbers[0]) if numbers and numbers[0].isdigit() else 0


def version(command):
    if shutil.which(command[0]) is None:
        return "not installed"
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip().split("\n")[0]


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"processor": model, "cores": os.cpu_count(), "kernel": os.uname().release}


def fresh_directory(path):
    shutil.rmtree(path, ignore_errors=True)
    pathlib.Path(path).mkdir(parents=True)
    return pathlib.Path(path)
