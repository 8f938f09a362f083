#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The JSON Schema and the parser take and refuse the same descriptions.

An editor that checks with the schema would otherwise mark what runs, or let
pass what does not.
usage: test-schema.py CHECK-DESCRIPTION SCHEMA DESCRIPTION...
"""
import json
import pathlib
import re
import sys

import jsonschema
import yaml

from checker import Checker

HEAD = "millrace: 1\nname: test\n"
NODE = "nodes: { a: { element: fakesrc } }\n"


def node(text):
    return HEAD + "nodes: { a: { element: fakesrc }, b: " + text + " }\n"


GOOD = [
    HEAD + NODE,
    HEAD + "summary: a word\n" + NODE,
    HEAD + "summary: 5\n" + NODE,
    HEAD + "params: {}\n" + NODE,
    HEAD + "params: { a: { type: string, required: true } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: '', summary: x } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: 5 } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: '', secret: true } }\n" + NODE,
    HEAD + "params: { a: { type: string, required: true, secret: true } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: x, secret: false } }\n" + NODE,
    HEAD + "params: { a: { type: integer, default: -5, required: false } }\n" + NODE,
    HEAD + "params: { a: { type: number, default: 0.5 } }\n" + NODE,
    HEAD + "params: { a: { type: number, default: 2 } }\n" + NODE,
    HEAD + "params: { a: { type: boolean, default: true } }\n" + NODE,
    node("{ element: x, from: [] }"),
    node("{ element: x, from: [a, a.src_0, 'stream:x/a', 'stream:x/a.b', '${n}'] }"),
    node("{ element: x, from: [{ node: a }, { node: a, pad: b, as: c, props: { x: 1 } }] }"),
    node("{ element: x, isolate: true }"),
    node("{ element: x, publish: true }"),
    node("{ element: x, isolate: '${apart}' }"),
    node("{ element: x, props: {} }"),
    node("{ element: x, props: { a: 1, b: 0.5, c: true, d: word, e: '', f: '${x}' } }"),
    HEAD + NODE + "restart: {}\n",
    HEAD + NODE + "restart: { policy: never }\n",
    HEAD + NODE + "restart: { policy: on-failure, backoff-ms: [0, 3600000], limit: 0 }\n",
]

BAD = [
    "[]\n",
    "text\n",
    NODE,
    HEAD,
    "name: test\n" + NODE,
    "millrace: 1\n" + NODE,
    "millrace: 2\nname: test\n" + NODE,
    "millrace: '1'\nname: test\n" + NODE,
    "millrace: 1\nname: 1st\n" + NODE,
    "millrace: 1\nname: a b\n" + NODE,
    "millrace: 1\nname: " + 65 * "a" + "\n" + NODE,
    "millrace: 1\nname: [a]\n" + NODE,
    HEAD + NODE + "extra: 1\n",
    HEAD + "summary: [a]\n" + NODE,
    HEAD + "summary:\n" + NODE,
    HEAD + "nodes: {}\n",
    HEAD + "nodes: []\n",
    HEAD + "nodes: { 'a b': { element: x } }\n",
    HEAD + "nodes: { a: x }\n",
    HEAD + "nodes: { a: {} }\n",
    HEAD + "nodes: {" + ",".join(f"n{i}: {{element: x}}" for i in range(257)) + "}\n",
    HEAD + "params: { a: { type: text, default: x } }\n" + NODE,
    HEAD + "params: { a: { default: x } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: x, secret: true } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: '', secret: 1 } }\n" + NODE,
    HEAD + "params: { a: { type: string } }\n" + NODE,
    HEAD + "params: { a: { type: string, required: false } }\n" + NODE,
    HEAD + "params: { a: { type: string, required: true, default: x } }\n" + NODE,
    HEAD + "params: { a: { type: integer, default: x } }\n" + NODE,
    HEAD + "params: { a: { type: integer, default: 0.5 } }\n" + NODE,
    HEAD + "params: { a: { type: integer, default: '5' } }\n" + NODE,
    HEAD + "params: { a: { type: boolean, default: 1 } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: [x] } }\n" + NODE,
    HEAD + "params: { a: { type: string, default: x, extra: x } }\n" + NODE,
    HEAD + "params: { 5a: { type: string, default: x } }\n" + NODE,
    HEAD + "params: [a]\n" + NODE,
    node("{ element: [x] }"),
    node("{ element: }"),
    node("{ element: x, elment: x }"),
    node("{ element: x, from: a }"),
    node("{ element: x, from: ['a b'] }"),
    node("{ element: x, from: ['a.'] }"),
    node("{ element: x, from: ['stream:a'] }"),
    node("{ element: x, from: [[a]] }"),
    node("{ element: x, from: [{ pad: a }] }"),
    node("{ element: x, from: [{ node: a, extra: b }] }"),
    node("{ element: x, from: [{ node: a, as: }] }"),
    node("{ element: x, isolate: 5 }"),
    node("{ element: x, publish: 5 }"),
    node("{ element: x, isolate: 'true' }"),
    node("{ element: x, props: [a] }"),
    node("{ element: x, props: { a: [1] } }"),
    node("{ element: x, props: { a: } }"),
    HEAD + NODE + "restart: always\n",
    HEAD + NODE + "restart: { policy: sometimes }\n",
    HEAD + NODE + "restart: { backoff-ms: 5 }\n",
    HEAD + NODE + "restart: { backoff-ms: [5] }\n",
    HEAD + NODE + "restart: { backoff-ms: [-1, 5] }\n",
    HEAD + NODE + "restart: { backoff-ms: [1, 3600001] }\n",
    HEAD + NODE + "restart: { limit: -1 }\n",
    HEAD + NODE + "restart: { limit: many }\n",
    HEAD + NODE + "restart: { extra: 1 }\n",
]


class Loader(yaml.SafeLoader):
    """YAML 1.2 as the engine reads it: only true and false are booleans, a
    key is a text, a time or a date is not a type."""


Loader.yaml_implicit_resolvers = {}
for tag, expression, first in [
        ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("bool", r"^(true|false)$", list("tf")),
        ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
        ("float", r"^[-+]?[0-9]*\.[0-9]+$", list("-+.0123456789"))]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(expression), first)


def main():
    checker = Checker(sys.argv[1])
    schema = json.loads(pathlib.Path(sys.argv[2]).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    shipped = [pathlib.Path(name).read_text() for name in sys.argv[3:]]
    wrong = 0
    for expected, texts in ((True, GOOD + shipped), (False, BAD)):
        for text in texts:
            by_schema = validator.is_valid(yaml.load(text, Loader))
            said = checker.check(text)
            if by_schema != expected or bool(said) == expected:
                wrong += 1
                print(f"expected {'good' if expected else 'bad'}:\n{text}"
                      f"the schema says {'good' if by_schema else 'bad'}, the parser says {said or 'good'}\n")
    checker.close()
    print(f"{len(GOOD) + len(shipped)} good and {len(BAD)} bad descriptions, {wrong} seen differently")
    return 1 if wrong else 0


sys.exit(main())
