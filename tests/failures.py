#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tells of a run of `meson test` which tests failed and what they said last.

usage: tests/failures.py BUILD/meson-logs/testlog.json
"""
import json
import pathlib
import sys

LINES = 40  # of each test
GOOD = {'OK', 'SKIP', 'EXPECTEDFAIL'}


def last_lines(text, count):
    lines = (text or '').strip().splitlines()
    more = [f'... {len(lines) - count} lines before'] if len(lines) > count else []
    return more + lines[-count:]


def failures(log):
    """The lines to print of a testlog.json, a JSON object a line."""
    told = []
    for test in map(json.loads, log.splitlines()):
        if test['result'] in GOOD:
            continue
        told.append(f"-- {test['name']}: {test['result']} after {test['duration']:.1f} s, {test.get('returncode')}")
        told += last_lines(test.get('stdout'), LINES)
        told += last_lines(test.get('stderr'), LINES)
    return told


def main():
    path = pathlib.Path(sys.argv[1])
    if not path.exists():
        print('no test was run: the output of the step tells why')
        return
    print('\n'.join(failures(path.read_text(errors='replace')) or ['no test: the output of the step tells why']))


if __name__ == '__main__':
    main()
