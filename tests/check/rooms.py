#!/usr/bin/python3
"""Who may include whom: the diagram of docs/architecture.md, as a test.

   main -> commands -> {container | init} -> launch -> linux -> spec -> base

A file may include its own room and the rooms to its right; container and init never include each
other. What only decides (all of spec, launch/plan.cc) must not be able to ask the kernel. Every
source is in a list of a meson.build, for a test that nobody compiles passes for ever.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANK = {"base": 0, "spec": 1, "linux": 2, "launch": 3, "init": 4, "container": 4, "commands": 5,
        "main.cc": 6}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
PURE = re.compile(r"src/(spec/|launch/plan\.(cc|h)$)")
# <sys/types.h>, <sys/resource.h> and <sys/capability.h> lend types, constants and names.
KERNEL = re.compile(r"(unistd\.h|fcntl\.h|sys/(?!(types|resource|capability)\.h).*)$")
LISTS = {"src": "meson.build", "man": "meson.build", "tests": "tests/meson.build"}


def room(path):
    return path.split("/")[1]


def complaints(path, text):
    for bracket, target in INCLUDE.findall(text):
        if target == "iostream":
            yield "includes <iostream>, which every start would pay for"
        if bracket == "<" and PURE.match(path) and KERNEL.match(target):
            yield f"decides, and must not call the kernel: <{target}>"
        if bracket == '"' and not re.match(r"(src|tests|bench)/", target):
            yield f'"{target}": paths begin at the root of the repository'
        if not path.startswith("src/") or not target.startswith("src/"):
            continue
        mine, other = room(path), room(target)
        if other not in RANK or mine not in RANK:
            yield f'"{target}": no such room'
        elif mine != other and RANK[other] >= RANK[mine]:
            yield f'"{target}": {mine} may not include {other}'


def main():
    found = []
    for folder in ("src", "tests", "bench"):
        for file in sorted(ROOT.joinpath(folder).rglob("*.[ch]*")):
            path = str(file.relative_to(ROOT))
            if file.suffix in (".cc", ".h"):
                found += [f"{path}: {each}" for each in complaints(path, file.read_text())]
    for folder, build in LISTS.items():
        listed = (ROOT / build).read_text()
        for file in sorted(ROOT.joinpath(folder).rglob("*")):
            path = str(file.relative_to(ROOT / build.removesuffix("meson.build")))
            if file.suffix in (".cc", ".1", ".5", ".8") and f"'{path}'" not in listed:
                found.append(f"{file.relative_to(ROOT)}: not in {build}")
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))


main()
