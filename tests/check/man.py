#!/usr/bin/python3
"""The manual pages and the tables of options say the same.

`skiff __options` prints a line `command TAB --long,-s TAB argument TAB help` for each option, with
an empty command for those of skiff itself. Each command has a page, skiff-COMMAND(1), which skiff(1)
names, and which describes exactly its options, each in an item (`.It Fl a , Fl -all`); no page
speaks of an option that does not exist; mandoc has no complaint.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAG = re.compile(r"\bFl (-?[a-zA-Z][\w-]*)")


def read_table():
    table = {}
    printed = subprocess.run(
        [ROOT / "build/skiff", "__options"], capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        command, names, _ = (line + "\t\t").split("\t", 2)
        options = table.setdefault("" if command == "skiff" else command, set())
        options.update(name for name in names.split(",") if name)
    return table


def flags(lines):
    return {"-" + flag for line in lines for flag in FLAG.findall(line.replace("\\-", "-"))}


def compare(name, text, options):
    """What is wrong with the page of the command that has `options`."""
    described = flags(re.findall(r"^\.It .*$", text, flags=re.MULTILINE))
    for option in sorted(options - described):
        yield f"man/{name}: {option} is missing"
    for option in sorted(described - options):
        yield f"man/{name}: describes {option}, which does not exist"


def main():
    table = read_table()
    everything = set().union(*table.values())
    pages = {page.name: page.read_text() for page in sorted((ROOT / "man").glob("*.[158]"))}
    found = []
    for command, options in table.items():
        name = f"skiff-{command}.1" if command else "skiff.1"
        if name not in pages:
            found.append(f"man/{name}: there is no such page")
            continue
        found += compare(name, pages[name], options)
        if command and not re.search(rf"\b(Cm {command}|skiff-{command})\b", pages["skiff.1"]):
            found.append(f"man/skiff.1: {command} is missing")
    for name, text in pages.items():
        command = name.removeprefix("skiff-").removesuffix(".1")
        if name != "skiff.1" and name.endswith(".1") and command not in table:
            found.append(f"man/{name}: there is no such command")
        # In prose; a synopsis may bundle letters (`Fl ar`).
        for option in sorted(flags(text.splitlines())):
            if option.startswith("--") and option not in everything:
                found.append(f"man/{name}: speaks of {option}, which does not exist")
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / "man" / name],
                              capture_output=True, text=True)
        found += lint.stdout.splitlines()
    print("\n".join(dict.fromkeys(found)), end="\n" if found else "")
    sys.exit(bool(found))


main()
