#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/elements is what the built plugins say of themselves.

usage: reference.py --check|--update ELEMENT-DUMP ROOT PLUGIN...

--check fails when a file there differs, is missing or is one too many, and
when a property's text does not tell its unit; --update writes the files.
"""
import json
import pathlib
import re
import subprocess
import sys

HEAD = "<!-- Made by `ninja -C build update-element-reference`: change the element, not this page. -->\n"
CHANGES = {"mutable-ready": "before PAUSED", "mutable-paused": "in PAUSED", "mutable-playing": "at any time"}
LARGEST = 2**31 - 1
UNITS = {"-ms": r"\bms\b", "-bps": r"\bbit/s\b", "-duration": r"\bns\b|\bms\b|\bs\b"}


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def type_of(item):
    if item["type"] == "enum":
        return ", ".join(f"`{value['nick']}`" for value in item["values"])
    name = {"guint": "integer", "gint": "integer", "gchararray": "string", "gboolean": "boolean",
            "GstStructure": "structure", "GObject": "object"}.get(item["type"], item["type"])
    if "min" in item:
        upper = f" to {item['max']}" if item["max"] != LARGEST else ""
        return f"{name}, {item['min']}{upper}" if upper else f"{name}, from {item['min']}"
    return name


def default_of(item):
    if "default" not in item or item["default"] is None:
        return ""
    return f"`{json.dumps(item['default'])}`" if not isinstance(item["default"], str) else f"`{item['default']}`"


def change_of(item):
    if "writable" not in item["flags"]:
        return "read-only"
    return next((text for flag, text in reversed(CHANGES.items()) if flag in item["flags"]), "before READY")


def properties(items):
    yield "| property | type | default | may change | |"
    yield "| --- | --- | --- | --- | --- |"
    for item in items:
        blurb = item["blurb"]
        if item["type"] == "enum":
            blurb += ": " + "; ".join(f"`{value['nick']}` ({value['what']})" for value in item["values"])
        yield "| " + " | ".join(map(cell, (f"`{item['name']}`", type_of(item), default_of(item), change_of(item), blurb))) + " |"


def caps_of(pad):
    texts = [", ".join([caps["media"], *(f"{name}={value}" for name, value in caps["fields"].items())]) for caps in pad["caps"]]
    return "<br>".join(f"`{text}`" for text in texts)


def page(element, readme):
    lines = [HEAD, f"# {element['name']}", "", f"{element['long-name']} ({element['class']}): {element['description']}.", "",
             f"What it does, its messages, its limits and lines to run: [{readme}](../../{readme}).", "", "## Pads", "",
             "| pad | direction | presence | caps |", "| --- | --- | --- | --- |"]
    for pad in element["pads"]:
        lines.append(f"| `{pad['name']}` | {pad['direction']} | {pad['presence']} | {cell(caps_of(pad))} |")
    shown = []
    for pad in element["pads"]:
        if pad.get("properties") and pad["properties"] not in shown:
            shown.append(pad["properties"])
            names = " and ".join(f"`{other['name']}`" for other in element["pads"] if other.get("properties") == pad["properties"])
            lines += ["", f"Properties of {names}:", "", *properties(pad["properties"])]
    lines += ["", "## Properties", "", *properties(element["properties"])]
    for title, action in (("Signals", False), ("Action signals", True)):
        chosen = [signal for signal in element["signals"] if signal["action"] == action]
        if chosen:
            lines += ["", f"## {title}", "", "| signal | arguments | returns |", "| --- | --- | --- |"]
            for signal in chosen:
                returns = "" if signal["returns"] == "void" else f"`{signal['returns']}`"
                lines.append(f"| `{signal['name']}` | {', '.join(f'`{name}`' for name in signal['arguments'])} | {returns} |")
    return "\n".join(lines) + "\n"


def poor_blurbs(elements):
    for element in elements:
        groups = [(element["name"], element["properties"])]
        groups += [(f"{element['name']}.{pad['name']}", pad.get("properties", [])) for pad in element["pads"]]
        for owner, items in groups:
            for item in items:
                blurb = item["blurb"] or ""
                where = f"{owner}: property '{item['name']}': blurb '{blurb}'"
                if len(blurb) < 15:
                    yield f"{where}, expected a sentence that a user can act on"
                for ending, unit in UNITS.items():
                    if item["name"].endswith(ending) and not re.search(unit, blurb):
                        yield f"{where}, expected its unit ({unit})"
                if item.get("min") == 0 and item["type"] != "enum" and not re.search(r"\b0\b", blurb):
                    yield f"{where}, expected what 0 means"


def in_order(items):
    """Lists of named things by name: GObject and GStreamer promise no order."""
    for item in items:
        for name in ("pads", "properties", "signals"):
            if name in item:
                item[name] = in_order(item[name])
    return sorted(items, key=lambda item: item["name"])


def expected_files(dump, root, plugins):
    run = subprocess.run([dump, *plugins], stdout=subprocess.PIPE, check=True)
    elements = in_order(json.loads(run.stdout))
    files = {"elements.json": json.dumps(elements, indent=2, sort_keys=True) + "\n"}
    index = [HEAD, "# Elements", "", "Every pad, property and signal of millrace's elements, as the plugins tell it;",
             "[elements.json](elements.json) has the same for programs.", "", "| element | |", "| --- | --- |"]
    for element in elements:
        source = next((root / "gst-plugins").glob(f"*/gst{element['name']}.c"))
        files[element["name"] + ".md"] = page(element, (source.parent / "README.md").relative_to(root).as_posix())
        index.append(f"| [{element['name']}]({element['name']}.md) | {element['description']} |")
    files["README.md"] = "\n".join(index) + "\n"
    return elements, files


def main():
    mode, dump, root, *plugins = sys.argv[1:]
    folder = pathlib.Path(root) / "docs/elements"
    elements, files = expected_files(dump, pathlib.Path(root), plugins)
    if mode == "--update":
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text)
        return 0
    there = {path.name: path.read_text() for path in folder.iterdir()}
    problems = list(poor_blurbs(elements))
    stale = sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))
    if stale:
        problems.append(f"docs/elements differs from the plugins in {', '.join(stale)}: run "
                        "`ninja -C build update-element-reference` and commit what it changes")
    print("\n".join(problems) or f"{len(elements)} elements, {len(files)} files: as the plugins say")
    return 1 if problems or not elements else 0


sys.exit(main())
