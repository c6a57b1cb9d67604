#!/usr/bin/python3
"""Every property of the OCI schemas, through the eyes of `skiff validate`: it is known, a value of
another type is told by its path, and what is said is one line.

A configuration that holds every property at once must be read without an unknown field; then each
property in turn gets values of the wrong types.
"""

import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "tests/data/oci-schema"
SKIFF = os.environ.get("SKIFF_RUNTIME") or ROOT / "build/skiff"

# Properties of other platforms inside common objects (config.md marks them WINDOWS).
FOREIGN = {"process.commandLine", "process.user.username"}
# Where the first word that the schema allows, or a word at all, would contradict another field.
SAMPLES = {
    "ociVersion": "1.3.0",
    "root.path": "rootfs",
    "process.cwd": "/",
    "process.env": ["A=b"],
    "process.terminal": True,
    "process.consoleSize.height": 24,
    "process.consoleSize.width": 80,
    "process.rlimits[0].type": "RLIMIT_CORE",
    "process.rlimits[0].soft": 1,
    "process.rlimits[0].hard": 1,
    "process.scheduler.policy": "SCHED_DEADLINE",
    "process.scheduler.flags": ["SCHED_FLAG_RESET_ON_FORK"],
    "process.scheduler.nice": 0,
    "process.scheduler.priority": 0,
    "process.scheduler.runtime": 2000000,
    "process.scheduler.deadline": 3000000,
    "process.scheduler.period": 4000000,
    "process.ioPriority.priority": 4,
    "process.ioPriority.class": "IOPRIO_CLASS_BE",
    "process.execCPUAffinity.initial": "0",
    "process.execCPUAffinity.final": "0",
    "process.oomScoreAdj": 0,
    "mounts[0].destination": "/mnt",
    "mounts[0].type": "bind",
    "mounts[0].source": "/",
    "mounts[0].options": ["rbind", "idmap"],
    "linux.seccomp.defaultAction": "SCMP_ACT_ERRNO",
    "linux.seccomp.listenerPath": "/run/listener",
    "linux.seccomp.syscalls[0].action": "SCMP_ACT_ERRNO",
    "linux.seccomp.syscalls[0].names": ["read"],
    "linux.rootfsPropagation": "rprivate",
    "linux.personality.domain": "LINUX32",
    "linux.personality.flags": [],
    "linux.memoryPolicy.mode": "MPOL_BIND",
    "linux.memoryPolicy.nodes": "0",
    "linux.memoryPolicy.flags": [],
    "linux.resources.cpu.cpus": "0",
    "linux.resources.cpu.mems": "0",
    "linux.resources.cpu.idle": 0,
    "linux.resources.devices[0].type": "c",
    "linux.resources.devices[0].access": "rwm",
    "linux.resources.blockIO.weight": 100,
    "linux.resources.blockIO.leafWeight": 100,
    "linux.resources.blockIO.weightDevice[0].weight": 100,
    "linux.resources.blockIO.weightDevice[0].leafWeight": 100,
    "linux.resources.hugepageLimits[0].pageSize": "2MB",
    "linux.intelRdt.closID": "class",
    "linux.intelRdt.l3CacheSchema": "L3:0=f",
    "linux.intelRdt.memBwSchema": "MB:0=100",
    "linux.devices[0].path": "/dev/x",
    "linux.devices[0].type": "c",
    "linux.namespaces": [{"type": each} for each in
                         ("mount", "pid", "network", "ipc", "uts", "user", "cgroup", "time")],
    "linux.timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 1}},
    "linux.sysctl": {"net.ipv4.ip_forward": "1"},
    "linux.netDevices": {"eth0": {"name": "eth1"}},
    "linux.resources.unified": {"cgroup.max.depth": "4"},
    "linux.resources.rdma": {"mlx5_0": {"hcaHandles": 1, "hcaObjects": 1}},
    "annotations": {"key": "value"},
}
WRONG = {"string": [5, {}, [], True], "integer": ["five", {}, [], 1.5], "boolean": ["yes", 1, {}],
         "array": [{}, "x", 1], "object": ["x", 1, []]}


class Schemas:
    def __init__(self):
        self.files = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}

    def resolve(self, schema, file):
        """The schema without $ref and allOf, and the file that it is in."""
        while "$ref" in schema:
            name, _, pointer = schema["$ref"].partition("#")
            file = name or file
            target = self.files[file]
            for part in pointer.strip("/").split("/") if pointer.strip("/") else []:
                target = target[part]
            schema = target
        merged = dict(schema)
        for part in schema.get("allOf", []):
            inner, file = self.resolve(part, file)
            merged["properties"] = {**merged.get("properties", {}), **inner.get("properties", {})}
            merged.setdefault("type", inner.get("type", "object"))
        if "anyOf" in merged and "type" not in merged:
            return self.resolve(merged["anyOf"][0], file)
        return merged, file

    def kind(self, schema):
        kind = schema.get("type", "object" if "properties" in schema else "string")
        return kind[0] if isinstance(kind, list) else kind

    def walk(self, schema, file, path=""):
        """A sample of the value at `path`; yields (path, kind) of all below into `self.found`."""
        schema, file = self.resolve(schema, file)
        kind = self.kind(schema)
        if path:
            self.found.append((path, kind))
        if path in SAMPLES and kind not in ("array", "object"):
            return SAMPLES[path]
        if kind == "object" and "properties" in schema:
            members = {}
            for name, inner in schema["properties"].items():
                below = f"{path}.{name}" if path else name
                if below not in FOREIGN:
                    members[name] = self.walk(inner, file, below)
            return members
        if kind == "object":
            return SAMPLES.get(path, {})
        if kind == "array":
            item = self.walk(schema["items"], file, f"{path}[0]")
            return SAMPLES.get(path, [item])
        if kind == "integer":
            return max(1, schema.get("minimum", 1))
        if kind == "boolean":
            return False
        return schema["enum"][0] if "enum" in schema else "/x"


def put(config, path, value):
    """A copy of `config` with `value` at `path`."""
    config = copy.deepcopy(config)
    *above, last = path.replace("[", ".[").split(".")
    place = config
    for part in above:
        place = place[int(part[1:-1])] if part.startswith("[") else place[part]
    place[int(last[1:-1]) if last.startswith("[") else last] = value
    return config


class Validator:
    def __init__(self, directory):
        self.file = pathlib.Path(directory, "config.json")

    def __call__(self, config):
        self.file.write_text(json.dumps(config))
        command = [SKIFF, "validate", "--no-host", "--format", "json", self.file.parent]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if ran.returncode not in (0, 1) or ran.stderr:
            raise SystemExit(f"{config}: status {ran.returncode}: {ran.stderr}")
        return json.loads(ran.stdout)


def check_wrong_types(config, properties, validate):
    for path, kind in properties:
        for wrong in WRONG[kind]:
            try:
                changed = put(config, path, wrong)
            except (KeyError, IndexError, TypeError):
                continue  # a sample of its own stands above it
            errors = validate(changed)["errors"]
            told = [each for each in errors if each["path"] == path]
            if not told:
                yield f"{path}: {json.dumps(wrong)} is not told: {errors[:2]}"
            elif any("\n" in each["message"] for each in told):
                yield f"{path}: {json.dumps(wrong)}: more than a line"


def main():
    schemas = Schemas()
    schemas.found = []
    config = schemas.walk(schemas.files["config-schema.json"], "config-schema.json")
    foreign = ("freebsd", "solaris", "vm", "windows", "zos")
    for platform in foreign:
        config.pop(platform, None)
    properties = [each for each in schemas.found
                  if each[0].split(".")[0].split("[")[0] not in foreign]
    with tempfile.TemporaryDirectory() as directory:
        validate = Validator(directory)
        whole = validate(config)
        wrong = [f"{each['path']}: {each['message']}" for each in whole["errors"]]
        wrong += [f"{each['path']}: {each['message']}" for each in whole["advice"]
                  if each["rule"] == "unknown-field"]
        wrong += check_wrong_types(config, properties, validate)
    print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{len(properties)} properties of the schemas")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
