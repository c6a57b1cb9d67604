#!/usr/bin/python3
"""Measures skiff against other runtimes and against the kernel alone, in one run, alternating."""

import argparse
import ctypes
import ctypes.util
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

import chart

ROOT = pathlib.Path(__file__).resolve().parent.parent

OPERATIONS = ("run", "create", "start", "delete", "exec", "state")
CONTAINERS = ("default", "engine-podman")
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PRIVATE = "SKIFF_BENCH_PRIVATE"  # set once this process has a mount namespace of its own


def fail(message):
    sys.exit(f"bench/run: {message}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Times whole `run /bin/true`, `create`, `start`, `delete`, `exec /bin/true` and "
        "`state` of skiff, of crun and runc, and of bench/floor, which makes only the kernel calls "
        "that the container needs. Installs and builds what is missing; as root.",
    )
    parser.add_argument("-n", type=int, default=100, metavar="N", help="iterations (100)")
    parser.add_argument("--runtimes", default="skiff,crun,runc", help="which (skiff,crun,runc)")
    parser.add_argument("--skiff", metavar="PATH", help="this binary instead of build/skiff")
    parser.add_argument("--containers", default=",".join(CONTAINERS), help="which (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write every figure to FILE")
    parser.add_argument("--svg", metavar="FILE", help="draw the medians into FILE")
    arguments = parser.parse_args()
    arguments.runtimes = [name for name in arguments.runtimes.split(",") if name]
    arguments.containers = [name for name in arguments.containers.split(",") if name]
    for name in arguments.containers:
        if name not in CONTAINERS:
            parser.error(f"no container {name}: {', '.join(CONTAINERS)}")
    if arguments.n < 1:
        parser.error("-n: at least one iteration")
    return arguments


def enter_private_mounts():
    """crun refuses a hybrid layout, so every runtime gets a pure cgroup v2 tree, out of sight; and
    /run in memory, as an installed system has it."""
    if os.environ.get(PRIVATE):
        return
    os.environ[PRIVATE] = "1"
    script = (
        f'[ "$(stat -f -c %T {CGROUPS})" = cgroup2fs ] || '
        f"{{ umount -l {CGROUPS} && mount -t cgroup2 none {CGROUPS}; }} && "
        '{ [ "$(stat -f -c %T /run)" = tmpfs ] || mount -t tmpfs -o mode=755 tmpfs /run; } && '
        'exec "$@"'
    )
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    os.execvp(command[0], command + [sys.executable, "-B", *sys.argv])


def find_runtimes(arguments):
    """Name -> path of those that are there; the floor last."""
    found = {}
    for name in arguments.runtimes:
        path = (arguments.skiff or ROOT / "build/skiff") if name == "skiff" else shutil.which(name)
        if path and os.access(path, os.X_OK):
            found[name] = os.path.abspath(path)
        else:
            print(f"{name}: not here, left out")
    if not found:
        fail("no runtime to measure")
    return found


# --- bundles --------------------------------------------------------------------------------------


def make_rootfs(path):
    for directory in ("bin", "proc", "sys", "dev", "etc", "run", "tmp"):
        (path / directory).mkdir(parents=True)
    shutil.copy("/bin/busybox", path / "bin/busybox")
    for applet in ("sh", "true", "sleep"):
        os.link(path / "bin/busybox", path / "bin" / applet)
    for name in ("etc/hosts", "etc/hostname", "run/.containerenv"):
        (path / name).touch()


def make_bundle_files(path):
    (path / "shm").mkdir(parents=True)
    for name in ("hosts", ".containerenv", "hostname"):
        (path / name).touch()


def may_raise_limits():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> 24 & 1)  # CAP_SYS_RESOURCE
    return False


def adapt(config, runtimes):
    """Takes out what this machine cannot do, for all alike; returns what was taken out."""
    notes = []
    resources = config["linux"].get("resources", {})
    controllers = (CGROUPS / "cgroup.controllers").read_text().split()
    for name in ("memory", "cpu", "pids"):
        if name in resources and name not in controllers:
            del resources[name]
            notes.append(f"without the {name} limit: the v2 tree has no {name} controller")
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY
    if "crun" in runtimes and "devices" in resources and not (may_raise_limits() or unlimited):
        del resources["devices"]
        notes.append("without the device filter: crun wants CAP_SYS_RESOURCE for it")
    if "crun" in runtimes and not config["ociVersion"].startswith("1.0."):
        config["ociVersion"] = "1.0.2"  # older crun takes nothing else; changes no meaning here
    if not may_raise_limits():
        for limit in config["process"].get("rlimits", []):
            most = resource.getrlimit(getattr(resource, limit["type"]))[1]
            if most != resource.RLIM_INFINITY and limit["hard"] > most:
                limit["hard"], limit["soft"] = most, min(limit["soft"], most)
                notes.append(f"{limit['type']} lowered to {most}: it cannot be raised here")
    return notes


def load_config(container, runtimes, work):
    if container == "engine-podman":
        return json.loads((ROOT / "bundles/engine-podman/config.json").read_text())
    author = next(name for name in ("skiff", "crun", "runc") if name in runtimes)
    directory = work / "spec"
    directory.mkdir()
    subprocess.run([runtimes[author], "spec"], cwd=directory, check=True)
    config = json.loads((directory / "config.json").read_text())
    namespaces = config["linux"]["namespaces"]
    if not any(entry["type"] == "cgroup" for entry in namespaces):
        namespaces.append({"type": "cgroup"})
    return config


def write_bundles(container, config, runtimes, work):
    """A bundle for each runtime and purpose, as their cgroups must differ: work/CONTAINER/…"""
    config["process"]["terminal"] = False
    config["root"]["path"] = str(work / "rootfs")
    for mount in config["mounts"]:
        if mount["source"].startswith("bundle-files/"):
            mount["source"] = str(work / mount["source"])
    for runtime in runtimes:
        for purpose, command in (("once", ["/bin/true"]), ("lasting", ["/bin/sleep", "100000"])):
            config["process"]["args"] = command
            config["linux"]["cgroupsPath"] = f"/bench-{runtime}-{purpose}"
            bundle = work / container / runtime / purpose
            bundle.mkdir(parents=True)
            (bundle / "config.json").write_text(json.dumps(config))


def compile_seccomp(profile, path):
    """The profile as the kernel takes it, so that the floor pays for loading it and no more."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    action = {"SCMP_ACT_ALLOW": 0x7FFF0000, "SCMP_ACT_ERRNO": 0x00050000}
    comparison = {name: i + 1 for i, name in enumerate(("NE", "LT", "LE", "EQ", "GE", "GT"))}
    comparison["MASKED_EQ"] = 7

    class Argument(ctypes.Structure):
        _fields_ = [("index", ctypes.c_uint), ("op", ctypes.c_int),
                    ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    default = action[profile["defaultAction"]] | profile.get("defaultErrnoRet", 1)
    filter_ = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(default)))
    library.seccomp_attr_set(filter_, 8, 2)  # SCMP_FLTATR_CTL_OPTIMIZE: a binary tree
    for name in profile.get("architectures", []):
        token = name.removeprefix("SCMP_ARCH_").lower().encode()
        library.seccomp_arch_add(filter_, library.seccomp_arch_resolve_name(token))
    for rule in profile["syscalls"]:
        if rule["action"] == profile["defaultAction"] and "errnoRet" not in rule:
            continue
        value = action[rule["action"]]
        if rule["action"] == "SCMP_ACT_ERRNO":
            value |= rule.get("errnoRet", 1)
        wanted = rule.get("args") or []
        arguments = (Argument * len(wanted))()
        for i, item in enumerate(wanted):
            op = comparison[item["op"].removeprefix("SCMP_CMP_")]
            arguments[i] = Argument(item["index"], op, item["value"], item.get("valueTwo", 0))
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != -1:
                library.seccomp_rule_add_array(
                    filter_, ctypes.c_uint32(value), number, len(wanted), arguments)
    with open(path, "wb") as file:
        if library.seccomp_export_bpf(filter_, file.fileno()) != 0:
            fail("libseccomp could not export the filter")


# --- commands -------------------------------------------------------------------------------------


class Runtime:
    """One of the contestants, as command lines."""

    def __init__(self, name, path, container, work):
        self.name = name
        self.head = [path, "--root", str(work / "state" / name)]
        self.bundles = work / container / name
        self.lasting = "lasting-" + name

    def command(self, operation, name, lasting=False):
        bundle = str(self.bundles / ("lasting" if lasting else "once"))
        if operation in ("run", "create"):
            return self.head + [operation, "--bundle", bundle, name]
        if operation == "exec":
            return self.head + ["exec", name, "/bin/true"]
        return self.head + [operation, name]

    def begin(self):
        self.call(self.command("create", self.lasting, lasting=True))
        self.call(self.command("start", self.lasting))

    def end(self):
        subprocess.run(self.head + ["delete", "--force", self.lasting], capture_output=True)

    def init_peak(self, work):
        """KiB at most held by the process that waits for `start`."""
        pid_file = work / "pid"
        name = "peak-" + self.name
        command = self.command("create", name)
        self.call(command[:-1] + ["--pid-file", str(pid_file), name])
        status = pathlib.Path(f"/proc/{pid_file.read_text().strip()}/status").read_text()
        self.call(self.head + ["delete", "--force", name])
        return next(int(l.split()[1]) for l in status.splitlines() if l.startswith("VmHWM:"))

    @staticmethod
    def call(command):
        # Files, not pipes: the container keeps them open for as long as it lives.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output)
            if done.returncode != 0:
                output.seek(0)
                fail(f"{' '.join(command)}: {output.read().strip()}")


class Floor(Runtime):
    def __init__(self, container, work, options):
        super().__init__("floor", str(ROOT / "build/bench/floor"), container, work)
        self.program = self.head[0]
        self.container = "podman" if container == "engine-podman" else "default"
        self.work = work
        self.options = options

    def command(self, operation, name, lasting=False):
        return [self.program, operation, self.container, str(self.work), name] + self.options

    def begin(self):
        self.call(self.command("create", self.lasting))

    def end(self):
        subprocess.run(self.command("delete", self.lasting), capture_output=True)

    def init_peak(self, work):
        return None


def make_plan(contestants):
    """One iteration: every operation for every contestant in turn."""
    lines = []

    def add(operation, label=None):
        for one in contestants:
            name = one.lasting if operation in ("exec", "state") else f"{one.name}-{{i}}"
            words = one.command(operation, name)
            lines.append("\t".join([label or f"{operation}/{one.name}"] + words))

    add("run")
    add("create")
    add("start")
    lines.extend(["-\t@reap"] * len(contestants))
    for operation in ("delete", "exec", "state"):
        add(operation)
    return "\n".join(lines) + "\n"


def measure(contestants, iterations, work):
    (work / "plan").write_text(make_plan(contestants))
    program = str(ROOT / "build/bench/measure")
    samples = {}
    for count in (min(3, iterations), iterations):  # the first ones warm the caches up
        command = [program, str(count), str(work / "plan"), str(work / "samples")]
        if subprocess.run(command).returncode != 0:
            fail("a runtime failed; see above")
    for line in (work / "samples").read_text().splitlines():
        label, nanoseconds, peak = line.split("\t")
        samples.setdefault(tuple(label.split("/")), []).append((int(nanoseconds), int(peak)))
    return samples


def summarize(container, samples, contestants):
    rows = []
    for operation in OPERATIONS:
        medians = {}
        for one in contestants:
            times = sorted(time / 1e6 for time, _ in samples[operation, one.name])
            medians[one.name] = statistics.median(times)
            rows.append({
                "container": container,
                "operation": operation,
                "runtime": one.name,
                "min_ms": round(times[0], 3),
                "median_ms": round(medians[one.name], 3),
                "p90_ms": round(times[min(len(times) - 1, int(len(times) * 0.9))], 3),
                "peak_rss_kib": max(peak for _, peak in samples[operation, one.name]),
            })
        for row in rows[-len(contestants):]:
            row["ratio_to"] = {
                name: round(row["median_ms"] / median, 3)
                for name, median in medians.items() if name != row["runtime"]}
    return rows


# --- output ---------------------------------------------------------------------------------------


def print_table(container, rows, notes, iterations, names):
    print(f"\n{container}: {iterations} iterations, milliseconds")
    for note in notes:
        print(f"  ({note})")
    rivals = [name for name in names if name != "skiff"]
    header = ["", "", "min", "median", "p90", "peak KiB"] + [f"/ {name}" for name in rivals]
    table = [header]
    for row in rows:
        ratios = [row["ratio_to"].get(name) for name in rivals]
        first = row["operation"] if row["runtime"] == names[0] else ""
        table.append(
            [first, row["runtime"]] + [f"{row[key]:.2f}" for key in ("min_ms", "median_ms", "p90_ms")]
            + [str(row["peak_rss_kib"])] + ["" if r is None else f"{r:.2f}" for r in ratios])
    widths = [max(len(line[i]) for line in table) for i in range(len(header))]
    for line in table:
        left = "  ".join(cell.ljust(width) for cell, width in zip(line[:2], widths[:2]))
        right = "  ".join(cell.rjust(width) for cell, width in zip(line[2:], widths[2:]))
        print(f"  {left}  {right}".rstrip())


def main():
    arguments = parse_arguments()
    if os.geteuid() != 0:
        fail("only root may make the containers to measure")
    if not os.environ.get(PRIVATE):
        targets = ["bench/floor", "bench/measure"]
        if "skiff" in arguments.runtimes and not arguments.skiff:
            targets.append("skiff")
        if subprocess.run(["tools/build", *targets], cwd=ROOT).returncode != 0:
            fail("tools/build failed")
    enter_private_mounts()
    paths = find_runtimes(arguments)
    report = {
        "kernel": platform.release(), "machine": platform.machine(), "cpus": os.cpu_count(),
        "iterations": arguments.n, "adjustments": {}, "init_peak_rss_kib": {}, "results": [],
    }
    for container in arguments.containers:
        with tempfile.TemporaryDirectory(prefix="skiff-bench-", dir="/run") as directory:
            measure_container(container, paths, arguments.n, pathlib.Path(directory), report)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(report, indent=2) + "\n")
    if arguments.svg:
        pathlib.Path(arguments.svg).write_text(chart.draw(report["results"], OPERATIONS))


def measure_container(container, paths, iterations, work, report):
    make_rootfs(work / "rootfs")
    make_bundle_files(work / "bundle-files")
    config = load_config(container, paths, work)
    notes = adapt(config, paths)
    write_bundles(container, config, paths, work)
    options = [] if "devices" in config["linux"].get("resources", {}) else ["--no-device-filter"]
    if "seccomp" in config["linux"]:
        compile_seccomp(config["linux"]["seccomp"], work / "filter")
        options += ["--seccomp", str(work / "filter")]
    contestants = [Runtime(name, path, container, work) for name, path in paths.items()]
    contestants.append(Floor(container, work, options))
    names = [one.name for one in contestants]
    try:
        for one in contestants:
            one.begin()
        samples = measure(contestants, iterations, work)
        peaks = {one.name: one.init_peak(work) for one in contestants}
    finally:
        for one in contestants:
            one.end()
    rows = summarize(container, samples, contestants)
    print_table(container, rows, notes, iterations, names)
    known = {name: peak for name, peak in peaks.items() if peak is not None}
    print("  peak of a created container's init, KiB: "
          + ", ".join(f"{name} {peak}" for name, peak in known.items()))
    report["adjustments"][container] = notes
    report["init_peak_rss_kib"][container] = known
    report["results"] += rows


if __name__ == "__main__":
    main()
