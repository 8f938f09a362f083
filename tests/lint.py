#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of docs/architecture.md and CONTRIBUTING.md that a program can check.

usage: lint.py [ROOT]     exit code 1 when a rule is broken
A line that must break a rule carries `nocheck: <rule>` and says why.
"""
import pathlib
import re
import sys

# folder -> what its files may not include or use (regular expression), and why
LAYERS = [
    ("gst-plugins/lib", r'\bGstElement\b|G_DEFINE_(FINAL_)?TYPE|G_DECLARE_|g_type_register', "libmillmedia knows no GstElement and registers no GType"),
    ("gst-plugins", r'#include [<"](libsoup|libfyaml|json-glib|sqlite3|engine\.h|gio/gdbus)', "elements know no HTTP, YAML, database or daemon"),
    ("gst-plugins", r'#include "[^"]*(pipelines|daemon|cli)/', "elements know neither engine nor daemon"),
    ("pipelines/engine", r'#include [<"](libsoup|sqlite3)|#include "[^"]*(daemon|cli|gst-plugins)/', "the engine knows no HTTP, database, daemon or element internals"),
    ("daemon/worker", r'#include [<"](libsoup|sqlite3)|#include "(\.\./)?(supervisor|api|auth|store|origin)/', "a worker speaks D-Bus and media only"),
    ("daemon/origin", r'#include [<"](gst/|sqlite3)|#include "(\.\./)?(supervisor|api|auth|worker)/|#include "(\.\./)?(daemon/)?store/(?!live-index)', "the origin serves files and knows no media"),
    ("daemon/store", r'#include [<"](libsoup|gst/)', "the store knows no HTTP and no media"),
    ("daemon/supervisor", r'#include [<"]libsoup', "HTTP lives in daemon/api"),
    ("daemon", r'#include "[^"]*(cli)/', "the daemon does not know the CLI"),
    ("cli", r'#include "[^"]*(daemon|gst-plugins)/', "the CLI knows REST and the engine"),
]
# What may include libsoup all the same: the module that cmafsink loads for a URL.
HTTP = "gst-plugins/lib/store/store-http-session.c"
CODE = ("gst-plugins", "pipelines", "daemon", "cli")
PRINTS = re.compile(r'(?<![\w"])(printf|g_print|g_printerr|puts|fprintf) \(')
QUARK = re.compile(r"G_DEFINE_QUARK \((?!\w+,)")
FUNCTION = re.compile(r'^([a-z_][a-z0-9_]*) \(', re.M)
MERGE = re.compile(r"(<{7}|>{7}|\|{7}) ")
TEXTS = (".c", ".h", ".mjs", ".js", ".py", ".md", ".build", ".yaml", ".xml", ".rst")
MAX_LINES = 1000


def flat(name):
    return name.replace("-", "").replace("_", "").lower()


def exported_functions(text):
    """(line number, name) of each function defined without `static`."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = FUNCTION.match(line)
        if not match or number == 0:
            continue
        head = lines[number - 1]
        if not re.match(r"^[A-Za-z]", head) or head.endswith((";", ",", ")", ":")):
            continue
        if "static" in head or head.startswith(("G_D", "GST_", "#")):
            continue
        # a definition: the parameter list is followed by a brace
        rest = "\n".join(lines[number:number + 12])
        if re.match(r"[^;{]*\)\s*(G_GNUC_[A-Z_]+(\s*\([^)]*\))?\s*)*\n\{", rest):
            yield number + 1, match.group(1)


def check_file(root, path):
    """Yields (line, rule, text) for each broken rule."""
    name = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    is_c = path.suffix in (".c", ".h")

    if not any("SPDX-License-Identifier: MIT" in line for line in lines[:4]):
        yield 1, "spdx", "the head lacks 'SPDX-License-Identifier: MIT'"
    if len(lines) > MAX_LINES:
        yield MAX_LINES, "size", f"{len(lines)} lines, expected at most {MAX_LINES}: split by concept"
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b(?!\(#?\d+\))", line) and not name.startswith("tests/lint"):
            yield number, "todo", "an open end needs the number of its issue, as in TODO(12)"
        if not is_c:
            continue
        for folder, pattern, why in LAYERS:
            if name == HTTP and "libsoup/" in line:
                continue
            if name.startswith(folder + "/") and re.search(pattern, line) and not line.lstrip().startswith(("*", "/*")):
                yield number, "layer", why
        if name.startswith(CODE) and not name.startswith("cli/") and PRINTS.search(line):
            yield number, "print", "only the CLI prints; others log"
        if QUARK.search(line):
            yield number, "quark", "clang-format puts spaces around the dashes of a quark and people then read them in messages: join by _"
    if is_c and path.suffix == ".h" and "#pragma once" not in text:
        yield 1, "guard", "a header begins with #pragma once"
    if path.suffix == ".c" and name.startswith(CODE):
        stem = flat(path.stem)
        wanted = stem if stem.startswith("gst") else "mill" + stem
        for number, function in exported_functions(text):
            if function != "main" and not flat(function).startswith(wanted):
                yield number, "name", f"exported function '{function}' of {path.name}, expected a name that begins with the file's"


def check_plugins(root):
    """Each element folder has a README and a test."""
    for folder in sorted((root / "gst-plugins").iterdir()):
        sources = list(folder.glob("gst*.c"))
        if folder.name == "lib" or not sources:
            continue
        if not (folder / "README.md").exists():
            yield folder, "readme", "an element folder needs a README.md"
        for source in sources:
            register = re.search(r"GST_ELEMENT_REGISTER_DEFINE(?:_WITH_CODE)? \((\w+)", source.read_text())
            if register and not list((root / "tests/plugins").glob(register.group(1) + "*.c")):
                yield source, "test", f"element {register.group(1)} has no test in tests/plugins"


def check_merges(root):
    """No file has what a merge leaves where it wants a decision."""
    for folder in (*CODE, "tests", "docs"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in TEXTS or "node_modules" in path.parts or "corpus" in path.parts:
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                if MERGE.match(line):
                    yield path, number


def run(root):
    found = []
    files = [p for folder in (*CODE, "tests") for p in (root / folder).rglob("*") if p.suffix in (".c", ".h", ".mjs", ".js", ".py")]
    for path in sorted(files):
        if "node_modules" in path.parts or "corpus" in path.parts:
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        for line, rule, text in check_file(root, path):
            context = "\n".join(lines[max(0, line - 2):line])
            if f"nocheck: {rule}" not in context:
                found.append(f"{path.relative_to(root)}:{line}: {rule}: {text}")
    found += [f"{p.relative_to(root)}:{line}: merge: a merge's mark, expected its decision" for p, line in check_merges(root)]
    found += [f"{p.relative_to(root)}:1: {rule}: {text}" for p, rule, text in check_plugins(root)]
    return found


if __name__ == "__main__":
    problems = run(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve())
    print("\n".join(problems) if problems else "lint: clean")
    sys.exit(1 if problems else 0)
