# SPDX-License-Identifier: MIT
"""Elements that are run without GStreamer's registry make no others: their plugins
import none of the functions for that. A user would notice: an element that fails in
the middle of a run, because what it wants to make is unknown.

    lone-plugins.py NM HEADER OWN_PLUGINS GST_PLUGINS REFUSED...

HEADER has the elements and plugins; REFUSED are modules that do make elements, for
this check must find those."""
import pathlib
import re
import subprocess
import sys

MAKES = re.compile(r"gst_(element_factory_(make|create)|element_make_from_uri|parse_(launch|bin_from))")


def imports(nm, module):
    """The functions that make elements, of all that it takes from others."""
    text = subprocess.run(
        [nm, "-D", "--undefined-only", module], check=True, capture_output=True, text=True
    ).stdout
    names = [line.split()[-1].split("@")[0] for line in text.splitlines()]
    assert any(name.startswith("gst_") for name in names), f"{module}: got no GStreamer plugin"
    return [name for name in names if MAKES.match(name)]


def main(nm, header, own, system, *refused):
    rows = re.findall(r'\{ "([^"]+)", "([^"]+)" \}', pathlib.Path(header).read_text())
    assert len(rows) > 10, f"{header}: got {len(rows)} rows"
    problems = []
    for plugin in sorted({plugin for _, plugin in rows}):
        name = f"libgst{plugin}.so"
        found = list(pathlib.Path(own).glob(f"*/{name}")) + list(pathlib.Path(system).glob(name))
        if plugin.startswith("mill") and not found:
            problems.append(f"{plugin}: got no module, expected {name}")
        for module in found:
            problems += [f"{module}: got {one}, expected that it makes none" for one in imports(nm, module)]
    problems += [f"{module}: makes elements, and is not found out" for module in refused if not imports(nm, module)]
    print("\n".join(problems))
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
