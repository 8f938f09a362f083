#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples of docs/descriptions.md and the shipped descriptions are right,
and the mistakes shown there are the ones that are reported.

usage: test-docs.py CHECK-DESCRIPTION DOCUMENT
"""
import pathlib
import re
import sys

from checker import Checker

BLOCK = re.compile(r"^```(yaml|yaml bad|text)\n(.*?)^```$", re.M | re.S)


def main():
    checker = Checker(sys.argv[1], plan=True)
    document = pathlib.Path(sys.argv[2]).read_text()
    wrong = checked = 0
    said = []
    for kind, text in BLOCK.findall(document):
        if kind == "text":
            bad, expected = said, text.splitlines()
        else:
            said = checker.check(text)
            bad, expected = (said, []) if kind == "yaml" else ([], [])
            if kind == "yaml bad":
                continue
        checked += 1
        if bad != expected:
            wrong += 1
            print("\n".join(["expected:", *expected, "said:", *bad, ""]))
    checker.close()
    print(f"{checked} examples, {wrong} wrong")
    return 1 if wrong or checked < 4 else 0


sys.exit(main())
