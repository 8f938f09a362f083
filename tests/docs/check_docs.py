#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents name exists.

usage: check_docs.py ROOT MILLRACE

Links to files and headings; the endpoints of docs/rest.md against the OpenAPI
document, and the metrics of docs/operations.md against the source, in both
directions; the packages of docs/dependencies.md against those of bootstrap, in
both directions; what publishers are refused with, of the source against docs/ingest.md;
the verbs of the command line; the functions and locks that the
maps of the source name; and no path of the machine that a text was written on.
"""
import json
import pathlib
import re
import subprocess
import sys

SKIP = {".git", "node_modules", "build"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
ENDPOINT = re.compile(r"(?<![\w/}.])(/api/v1/[\w{}./-]*[\w}]|/healthz|/readyz|/metrics)")
ROW = re.compile(r"^\| `([A-Z]+) (/\S+)` \|", re.M)
VERB = re.compile(r"(?<![\w/.-])millrace +((?:-\S+ +\S+ +)*)([a-z][a-z-]+)")
ABSOLUTE = re.compile(r"(?<![\w}\])>*~./:…\"$-])/([a-z]+)(?=/[\w.-])")
# first parts of paths that every Linux system has, or that are of a URL
KNOWN = {"api", "dev", "etc", "lib", "libexec", "org", "play", "player", "proc", "run", "srv", "stream", "t", "tmp", "usr", "var", "vod"}
REST = "docs/rest.md"
# the pages that name functions
MAPS = {"docs/architecture.md", "docs/threading.md"}
OPERATIONS = "docs/operations.md"
DEPENDENCIES = "docs/dependencies.md"
PACKAGES = re.compile(r"^packages_\w+='([^']*)'", re.M)
# what bootstrap asks for only where something else does not do
PERHAPS = re.compile(r"printf '([a-z]+) '|^ +need ([a-z]+)$", re.M)
METRIC = re.compile(r"^\| `(millrace_\w+)", re.M)
INGEST = "docs/ingest.md"
# a text behind what it is counted as, in one or several literals
LITERAL = r'"(?:[^"\\]|\\.)*"'
REFUSAL = re.compile(rf"(?:MILL_DENIAL_\w+|MILL_PUBLISH_[A-Z]\w*|CODE_DENIED),\s*((?:{LITERAL}\s*)+)")
FUNCTION = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`")


def documents(root):
    for path in sorted([*root.rglob("*.md"), *root.rglob("*.rst")]):
        if not SKIP & set(part for part in path.relative_to(root).parts) and not any(
                (parent / "build.ninja").exists() for parent in path.parents):
            yield path, path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def slugs(text):
    """The anchors of a page, as GitHub makes them from its headings."""
    heads = re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def bad_links(root, path, text):
    for match in LINK.finditer(FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)):
        target, _, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", match[1]):
            continue
        file = (path.parent / target) if target else path
        if not file.exists():
            yield match.start(), f"link to '{match[1]}', expected a file that exists"
        elif anchor and file.suffix == ".md" and anchor not in slugs(file.read_text(encoding="utf-8")):
            yield match.start(), f"link to '{match[1]}', expected a heading of that page"


def matches(path, template):
    """Whether a path with a name or {name} in it is one of the template."""
    ours, theirs = path.split("/"), template.split("/")
    return len(ours) == len(theirs) and all(
        one == other or other.startswith("{") for one, other in zip(ours, theirs))


def bad_endpoints(text, openapi):
    real = {f"{method.upper()} {path}" for path, item in openapi["paths"].items()
            for method in item if method in ("get", "put", "post", "delete", "patch")}
    told = {f"{method} {path}" for method, path in ROW.findall(text)}
    for missing in sorted(real - told):
        yield 0, f"lacks a row for '{missing}' of the OpenAPI document"
    for extra in sorted(told - real):
        yield 0, f"has a row for '{extra}', which the OpenAPI document does not have"
    for match in ENDPOINT.finditer(text):
        if not any(matches(match[1], path) for path in openapi["paths"]):
            yield match.start(), f"names '{match[1]}', expected a path of the OpenAPI document"


def code_of(text, is_rst):
    """(position, text) of each piece that is set as code."""
    for match in re.finditer(r"``([^`]+)``|`([^`\n]+)`", text):
        yield match.start(), match[0].strip("`")
    for match in re.finditer(r"^(?: {4}|\t)(.*)$", text, re.M):
        if not is_rst or re.match(r"(\$ )?millrace ", match[1]):
            yield match.start(1), match[1].split(" # ")[0]
    for match in re.finditer(FENCE, text):
        yield match.start(), match[0]


def bad_verbs(text, is_rst, verbs):
    for position, code in code_of(text, is_rst):
        for command in re.finditer(r"(?:^|[;|&]|\$ |\$\()\s*((?:[A-Z_]+=\S+ +)*millrace +.*)", code, re.M):
            match = VERB.match(re.sub(r"^(?:[A-Z_]+=\S+ +)*", "", command[1]))
            if match and match[2] not in verbs:
                yield position, f"'millrace {match[2]}', expected a verb of the command line: {', '.join(sorted(verbs))}"


def machine_paths(root, text):
    for match in ABSOLUTE.finditer(text):
        if match[1] not in KNOWN or text.startswith(str(root), match.start()):
            yield match.start(), f"path '{text[match.start():match.end() + 12].split()[0]}', expected none of one machine only"


def bad_functions(root, text):
    sources = "\n".join(path.read_text(encoding="utf-8") for folder in ("gst-plugins", "pipelines", "daemon", "cli")
                        for path in (root / folder).rglob("*.[ch]"))
    for match in FUNCTION.finditer(text):
        if not re.search(rf"\b{match[1]}\b", sources):
            yield match.start(), f"'{match[1]}', expected a function or lock of the source"


def bad_metrics(root, text):
    api = "".join(path.read_text() for path in sorted((root / "daemon/api").glob("api-metrics*.c")))
    origin = (root / "daemon/origin/origin-metrics.c").read_text()
    real = set(re.findall(r'"(millrace_[a-z_]+)"', api))
    real |= {"millrace_origin_" + name for name in re.findall(r'print_\w+ \(out,\s*"(\w+)"', origin)}
    told = {name for name in METRIC.findall(text)}
    for missing in sorted(real - told):
        yield 0, f"lacks a row for the metric '{missing}'"
    for extra in sorted(told - real):
        yield text.index(extra), f"has a row for '{extra}', expected a metric of the source"


def bad_packages(root, text):
    script = (root / "bootstrap").read_text()
    named = set(" ".join(PACKAGES.findall(script)).split())
    named |= {one or other for one, other in PERHAPS.findall(script)}
    table = text.partition("\n## The packages\n")[2]
    told = {name for cell in re.findall(r"^\| (`[^|]*) \|", table, re.M) for name in re.findall(r"`([^`]+)`", cell)}
    for missing in sorted(named - told):
        yield 0, f"lacks the package '{missing}' of bootstrap in its last table"
    for extra in sorted(told - named):
        yield 0, f"has a row for the package '{extra}', which bootstrap does not name"


def refusals(root):
    for folder in ("auth", "supervisor", "worker"):
        for path in sorted((root / "daemon" / folder).glob("*.c")):
            for match in REFUSAL.finditer(path.read_text(encoding="utf-8")):
                text = "".join(part[1:-1] for part in re.findall(LITERAL, match[1]))
                if " " in text:
                    yield path.name, text


def any_of(text, hole):
    """A pattern for @text, of which what @hole finds may be anything."""
    return ".+".join(re.escape(part) for part in re.split(hole, text))


def bad_refusals(root, text):
    table = text.partition("\n## When you are refused\n")[2].partition("\n## ")[0]
    told = [cell for row in re.findall(r"^\| (`.*?) \|", table, re.M) for cell in re.findall(r"`([^`]+)`", row)]
    sent = sorted(set(refusals(root)))
    for file, words in sent:
        sample = words.replace("%s", "x").replace("%u", "8")
        if not any(re.fullmatch(any_of(words, "%[su]"), cell) or re.fullmatch(any_of(cell, r"\.\.\.|'\w+'|\b\d+\b"), sample) for cell in told):
            yield text.index("## When you are refused"), f"lacks a row for '{words}', which daemon/…/{file} sends"
    if len(sent) < 20:
        yield 0, f"got {len(sent)} refusals in the source, expected at least 20"


def verbs_of(millrace):
    text = subprocess.run([millrace, "help"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return {match[1] for match in re.finditer(r"^  ([a-z][a-z-]+)\b", text, re.M)}


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    verbs = verbs_of(sys.argv[2])
    openapi = json.loads((root / "docs/openapi/openapi.json").read_text())
    problems, pages, links = [], 0, 0
    for path, name, text in documents(root):
        found = list(machine_paths(root, text))
        found += bad_verbs(text, path.suffix == ".rst", verbs)
        if path.suffix == ".md":
            found += bad_links(root, path, text)
            links += len(LINK.findall(text))
        if name == OPERATIONS:
            found += bad_metrics(root, text)
        if name == INGEST:
            found += bad_refusals(root, text)
        if name == DEPENDENCIES:
            found += bad_packages(root, text)
        if name in MAPS:
            found += bad_functions(root, text)
        if name == REST:
            found += bad_endpoints(text, openapi)
        pages += 1
        problems += [f"{name}:{line_of(text, position)}: {what}" for position, what in found]
    print("\n".join(problems) or f"{pages} pages, {links} links, {len(verbs)} verbs, {len(openapi['paths'])} paths: all there")
    return 1 if problems or len(verbs) < 5 or not links else 0


sys.exit(main())
