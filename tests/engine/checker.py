# SPDX-License-Identifier: MIT
"""Talks to check-description: what the engine says about a description."""
import subprocess


class Checker:
    def __init__(self, program, plan=False):
        self.process = subprocess.Popen(
            [program] + (["--plan"] if plan else []),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def check(self, text):
        """The diagnostics of a description, a line each."""
        data = text.encode()
        # A number that scanf() reads skips white space after it: keep it apart.
        self.process.stdin.write(b"%d\n" % len(data) + data)
        self.process.stdin.flush()
        count = int(self.process.stdout.readline())
        return [self.process.stdout.readline().decode().rstrip("\n") for _ in range(count)]

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit("check-description failed")
