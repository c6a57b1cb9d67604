#!/usr/bin/python3
"""docs/conformance.md is true: every property of the OCI schemas has a row, once; every row names a
test; every test is there, under that name and in that file.

A row is `| what | tests |`. Its tests are `name` (file), with commas between them: a TEST_CASE of
tests/FILE_test.cc, or a check of tests/check/run where the file is `check`. Tables are about fields
or about demands, as their first column's title has it. A field stands once below its `##` heading, a
demand once below its nearest heading. In a field {a,b} stands for either; a remark may follow it.
"""

import pathlib
import re
import sys

from schema import Schemas

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/conformance.md"
# The heading that a schema's properties stand under.
TABLES = {"Fields of config.json": "config-schema.json",
          "Fields of the state": "state-schema.json",
          "Fields of the features structure": "features-schema.json"}
FOREIGN = ("freebsd", "solaris", "vm", "windows", "zos")
# features-linux.md has these; its schema has not kept up.
BEYOND = {"features-schema.json": {"linux.memoryPolicy", "linux.memoryPolicy.modes",
                                   "linux.memoryPolicy.flags", "linux.intelRdt.schemata",
                                   "linux.intelRdt.monitoring"}}
STRING = r'"(?:[^"\\]|\\.)*"'
TEST_CASE = re.compile(rf"\bTEST_CASE\(\s*({STRING}(?:\s*{STRING})*)")
NAMED = re.compile(r"`([^`]+)` \(([\w/]+)\)")


def properties(schemas, schema, file, path=""):
    """The paths of all properties: `a.b`, `a[].b` below a list, `a.*.b` below a map."""
    schema, file = schemas.resolve(schema, file)
    for name, inner in schema.get("properties", {}).items():
        if path or name not in FOREIGN:
            below = f"{path}.{name}" if path else name
            yield below
            yield from properties(schemas, inner, file, below)
    if "items" in schema:
        yield from properties(schemas, schema["items"], file, path + "[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from properties(schemas, schema["additionalProperties"], file, path + ".*")


def expand(field):
    """`a.{b,c}` is a.b and a.c."""
    match = re.search(r"\{([^{}]*)\}", field)
    if not match:
        return [field]
    return [each for word in match[1].split(",")
            for each in expand(field[:match.start()] + word + field[match.end():])]


def names_in(path):
    """The names of the test cases of a source."""
    return {re.sub(r"\\(.)", r"\1", "".join(each[1:-1] for each in re.findall(STRING, name)))
            for name in TEST_CASE.findall(path.read_text())}


def read_tests():
    tests = {}
    for path in sorted((ROOT / "tests").rglob("*_test.cc")):
        name = path.relative_to(ROOT / "tests").as_posix().removesuffix("_test.cc")
        tests[name] = names_in(path)
    run = (ROOT / "tests/check/run").read_text()
    tests["check"] = set(re.findall(r"^check_(\w+)\(\)", run, flags=re.MULTILINE))
    return tests


def read_rows():
    """(line, `##` heading, nearest heading, is it about a field, what, tests) of each row."""
    top = nearest = title = ""
    for number, line in enumerate(DOCUMENT.read_text().splitlines(), 1):
        if line.startswith("#"):
            nearest = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip())
            top = nearest if line.startswith("## ") else top
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line[:1] == "|" else []
        if not cells:
            title = ""
        elif not title:
            title = cells[0]
        elif not line.startswith("|-"):
            yield number, top, nearest, title == "field", cells[0], " | ".join(cells[1:])


def check_tests(cell, tests):
    """What is wrong with the tests of a row."""
    named = NAMED.findall(cell)
    if not named:
        yield "names no test"
    if NAMED.sub("", cell).strip(" ,"):
        yield f"not a list of `test` (file): {cell}"
    for name, file in named:
        if file not in tests:
            yield f"there is no tests/{file}_test.cc"
        elif name not in tests[file]:
            elsewhere = [other for other in tests if name in tests[other]]
            yield f"no test '{name}' in {file}" + "".join(f", but in {at}" for at in elsewhere)


def compare(table, fields, listed):
    """What is missing in a table of fields, and what should not be there."""
    for field in fields:
        if field not in listed:
            yield f"'{table}': {field} is missing"
    for field in listed:
        if field not in fields:
            yield f"'{table}': there is no {field}"


def main():
    tests = read_tests()
    schemas = Schemas()
    found, seen, rows = [], set(), 0
    listed = {table: [] for table in TABLES}
    for number, top, nearest, is_field, what, cell in read_rows():
        rows += 1
        found += [f"line {number}: {each}" for each in check_tests(cell, tests)]
        fields = expand(what.split("`")[1]) if is_field else []
        keys = [(top, field) for field in fields] or [(top, nearest, what)]
        found += [f"line {number}: {key[-1]} stands there twice" for key in keys if key in seen]
        seen.update(keys)
        if is_field:
            listed.setdefault(top, []).extend(key[1] for key in keys)
    for table, file in TABLES.items():
        fields = set(properties(schemas, schemas.files[file], file)) | BEYOND.get(file, set())
        found += compare(table, sorted(fields), listed[table])
    print("".join(f"docs/conformance.md: {each}\n" for each in found), end="")
    print(f"{rows} rows of docs/conformance.md")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
