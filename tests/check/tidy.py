#!/usr/bin/python3
"""Runs clang-tidy on src/ and bench/, a file a processor, and remembers which ones passed.

A file passes again without being read when nothing it includes from this repository, its compiler
options, .clang-tidy and clang-tidy itself are what they were. Needs a configured build/.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/tidy"
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# What g++ was not told, as it does not know it: TRY is a statement expression.
EXTRA = ["--extra-arg=-Wno-gnu-statement-expression"]


def inputs(path, seen):
    """`path` and all that it includes from this repository, in a stable order."""
    if path in seen or not path.exists():
        return seen
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path]):
        inputs(ROOT / name.decode(), seen)
    return seen


def digest(path, command, version):
    hashed = hashlib.sha256(version + command.encode() + (ROOT / ".clang-tidy").read_bytes())
    for text in inputs(path, {}).values():
        hashed.update(hashlib.sha256(text).digest())
    return hashed.hexdigest()


def tidy(path):
    done = subprocess.run(
        ["clang-tidy", "--quiet", "-p", str(CACHE), *EXTRA, str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.returncode == 0, done.stdout


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    entries = json.loads((ROOT / "build/compile_commands.json").read_text())
    # Not the tests: they are the slowest to read, and what it finds there is idiom, not faults.
    entries = [entry for entry in entries if re.search(r"(^|/)(src|bench)/", entry["file"])]
    for entry in entries:
        # clang's tools take the first word for the compiler, and know not all of g++'s -f options,
        # which matter to generated code only.
        entry["command"] = re.sub(r"^\S*ccache | -f\S+", "", entry["command"])
    (CACHE / "compile_commands.json").write_text(json.dumps(entries))

    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    todo = {}
    # Not the tests: they are the slowest to read, and what it finds there is idiom, not faults.
    entries = [entry for entry in entries if re.search(r"(^|/)(src|bench)/", entry["file"])]
    for entry in entries:
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        mark = CACHE / digest(path, entry["command"], version)
        if not mark.exists():
            todo[path] = mark
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (passed, output) in zip(todo, pool.map(tidy, todo)):
            if passed:
                todo[path].touch()
            else:
                failed += 1
                print(output, end="")
    print(f"clang-tidy: {len(todo)} of {len(entries)} files read, {failed} with faults")
    sys.exit(failed > 0)


main()
