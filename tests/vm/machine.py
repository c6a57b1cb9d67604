"""The test machine as the host sees it: qemu, the server of the checkout, and how they start.

An emulated machine takes many seconds to boot, so a booted one is kept: its memory and devices as
qemu migrates them to a file, beside the disk as it was then. KVM needs none of that.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import frames

BOOT_SECONDS = 300
RESUME_SECONDS = 60
KVM_SECONDS = 20
SAVE_SECONDS = 120

QEMU = "qemu-system-x86_64"
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"

# norandmaps above all: qemu 7.2 remembers translated code by its virtual address, so that with
# address space randomization it would translate every program anew.
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr norandmaps init_on_alloc=0 "
    "tsc=reliable no_timer_check random.trust_cpu=on nowatchdog nosoftlockup cryptomgr.notests "
    "rcupdate.rcu_expedited=1 audit=0 net.ifnames=0 security=apparmor apparmor=1 hugepages=16 "
    "systemd.show_status=0")
# What systemd mounts: cgroup v2 alone; v1 with a v2 tree beside it that has no controllers; v1.
LAYOUTS = {
    "v2": "systemd.unified_cgroup_hierarchy=1",
    "hybrid": "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0",
    "v1": "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1"}
# Without what makes emulation slow (5-level tables, SMAP; rep movsb goes byte by byte) and what it
# gets wrong: a cmpxchg16b without lock leaves garbage in the flags.
EMULATED_CPU = "max,la57=off,smap=off,smep=off,umip=off,pku=off,erms=off,fsrm=off,cx16=off"
# Before a machine is saved: what most commands will need is in memory then.
WARM_UP = ("exec >/dev/null 2>&1; systemctl is-system-running --wait; su --login tester -c true; "
           "systemd-run --quiet --wait true; busctl list; sync")


class Stop(Exception):
    """Ends everything, with this exit status."""

    def __init__(self, status, reason=""):
        super().__init__(reason)
        self.status = status


class Trouble(Stop):
    """The machine does not do what it should."""

    def __init__(self, reason):
        super().__init__(125, reason)


class Parent:
    """Whoever started us; when they are gone, nobody wants the result."""

    def __init__(self):
        pid = os.getppid()
        # The init of a pid namespace adopts orphans: it may not be whoever started us.
        self.pidfd = os.pidfd_open(pid) if pid > 1 else None

    def poll(self, descriptors, seconds=None):
        """Those of the descriptors that can be read, after waiting for one of them."""
        poll = select.poll()
        for descriptor in [self.pidfd, *descriptors]:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        ready = dict(poll.poll(None if seconds is None else max(0, seconds) * 1000))
        if self.pidfd is not None and self.pidfd in ready:
            raise Stop(128 + signal.SIGHUP, "the process that started this one is gone")
        return ready


def say(text):
    print(f"tests/vm/run: {text}", file=sys.stderr, flush=True)


def hardware(accelerator, layout):
    """qemu's arguments for what a saved machine depends on."""
    emulated = accelerator == "tcg"
    arguments = [
        QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-machine", "pc,hpet=off,usb=off,vmport=off", "-smp", "2", "-m", "2G",
        "-accel", "tcg,thread=multi,tb-size=1024" if emulated else accelerator,
        "-cpu", EMULATED_CPU if emulated else "host",
        "-append", f"{KERNEL_ARGUMENTS} {LAYOUTS[layout]}", "-device", "virtio-rng-pci",
        "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port,nr=1",
        "-drive", "driver=null-co,size=64M,read-zeroes=on,if=none,id=null",
        "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-blk-pci,drive=null"]
    for node in (0, 1):  # shared memory, for virtiofsd reads and writes it
        arguments += ["-object", f"memory-backend-memfd,id=m{node},size=1G,share=on",
                      "-numa", f"node,nodeid={node},cpus={node},memdev=m{node}"]
    return arguments


class Machine:
    """A qemu and, once something is shared, its server."""

    def __init__(self, image, accelerator, layout, parent, drive, *options):
        self.parent = parent
        self.log = os.memfd_create("log")
        self.console = os.memfd_create("console")
        (self.port, port), (self.monitor, monitor) = socket.socketpair(), socket.socketpair()
        with port, monitor:
            qemu = self.start([
                *hardware(accelerator, layout), "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd",
                "-drive", f"if=none,id=disk,format=raw,cache=unsafe,{drive}",
                "-serial", f"file:/proc/self/fd/{self.console}",
                "-chardev", f"socket,id=port,fd={port.fileno()}",
                "-chardev", f"socket,id=monitor,fd={monitor.fileno()}",
                "-mon", "chardev=monitor,mode=control", *options],
                port.fileno(), monitor.fileno(), self.console)
        self.processes = [qemu]
        self.pidfd = os.pidfd_open(qemu.pid)
        self.monitor.settimeout(RESUME_SECONDS)
        self.replies = self.monitor.makefile("r")

    def start(self, arguments, *descriptors):
        """A process that dies with this one, however this one ends, and hears no ^C."""
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *arguments], start_new_session=True,
            pass_fds=descriptors, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def kill(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for closable in (self.replies, self.monitor, self.port):
            closable.close()
        for descriptor in (self.pidfd, self.log, self.console):
            os.close(descriptor)

    def last_words(self):
        text = b"".join(os.pread(file, os.fstat(file).st_size, 0) for file in (self.log, self.console))
        return "\n".join(text.decode(errors="replace").splitlines()[-20:])

    def send(self, kind, data=b""):
        frames.send(self.port.fileno(), kind, data)

    def answers(self, seconds):
        """True once the guest's agent has said that it is there; false if time or qemu ended."""
        try:
            return bool(self.parent.poll([self.port.fileno(), self.pidfd], seconds)) and \
                frames.receive(self.port.fileno())[0] == b"H"
        except (EOFError, ConnectionError):
            return False

    def run(self, argv, cwd="/", stdin=None, window=None, deadline=None):
        """Runs a command in the guest, its streams joined to ours, and returns its exit status.

        `stdin` is a descriptor; without one the command reads the end of file. With a `Window`
        it gets a terminal. `deadline` is a monotonic time.
        """
        port = self.port.fileno()
        self.send(b"R", json.dumps({
            "argv": argv, "cwd": cwd, "env": {"TERM": os.environ.get("TERM", "dumb")},
            "terminal": window and window.size()}).encode())
        if stdin is None:
            self.send(b"I")
        taken = True  # by the guest, of what was sent
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Stop(124, "the time is up")
            ready = self.parent.poll([port, stdin if taken else None, window and window.changes], left)
            if window is not None and window.changes in ready:
                self.send(b"W", json.dumps(window.size()).encode())
            if port in ready:
                kind, data = self.receive()
                if kind == b"S":
                    return int(data)
                if kind == b"A":
                    taken = True
                elif kind in (b"O", b"E"):
                    frames.write_all(1 if kind == b"O" else 2, data)
            if taken and stdin is not None and stdin in ready:
                data = os.read(stdin, frames.CHUNK)
                self.send(b"I", data)
                taken = False
                stdin = stdin if data else None

    def receive(self):
        try:
            return frames.receive(self.port.fileno())
        except (EOFError, ConnectionError):
            self.processes[0].wait()
            raise Trouble("the machine has ended\n" + self.last_words()) from None

    def command(self, line):
        """Has qemu's monitor carry out a line, as a person would type it; returns what it prints."""
        for request in ({"execute": "qmp_capabilities"},  # refused, but the first time
                        {"execute": "human-monitor-command", "arguments": {"command-line": line}}):
            reply = {}
            try:
                self.monitor.sendall(json.dumps(request).encode() + b"\n")
                while "return" not in reply and "error" not in reply:
                    reply = json.loads(self.replies.readline())
            except (OSError, ValueError):
                raise Trouble(f"qemu does not answer\n{self.last_words()}") from None
        return reply.get("return", "")

    def share(self, directory):
        """Plugs in a device by which the guest can mount the directory, with the tag `checkout`."""
        with tempfile.TemporaryDirectory(prefix="skiff-vm-") as scratch, \
                socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{scratch}/share")
            listener.listen(1)
            self.processes.append(self.start(
                [VIRTIOFSD, f"--fd={listener.fileno()}", "-o", f"source={directory}",
                 "-o", "cache=auto", "-o", "xattr", "-o", "sandbox=chroot"], listener.fileno()))
            refusal = self.command(f"chardev-add socket,id=share,path={scratch}/share")
        refusal += self.command("device_add vhost-user-fs-pci,chardev=share,tag=checkout")
        if refusal:
            raise Trouble(f"cannot share {directory}: {refusal}\n{self.last_words()}")

    def save(self, path):
        """Writes the running machine's state to a file; qemu is of no use afterwards."""
        self.command("migrate_set_parameter max-bandwidth 10G")
        self.command("migrate " + json.dumps("exec:cat >" + shlex.quote(str(path))))
        end = time.monotonic() + SAVE_SECONDS
        while "completed" not in (status := self.command("info migrate")):
            if "failed" in status or time.monotonic() > end:
                raise Trouble(f"the booted machine could not be saved\n{status}")
            self.parent.poll([], 0.1)


class Laboratory:
    """The image that `build` made, and the ways to a machine that is up."""

    def __init__(self, image, layout, parent):
        self.image, self.layout, self.parent = image, layout, parent
        version = subprocess.run([QEMU, "--version"], stdout=subprocess.PIPE, check=True).stdout
        made_of = json.dumps(hardware("tcg", layout)).encode() + version
        self.booted = image / f"booted.{layout}.{hashlib.sha256(made_of).hexdigest()[:16]}"

    def machine(self):
        return self.with_kvm() or self.resumed() or self.emulated()

    def start(self, accelerator, seconds, drive, *options):
        """A machine whose agent answers in time, else None."""
        machine = Machine(self.image, accelerator, self.layout, self.parent, drive, *options)
        try:
            if "-incoming" in options:
                machine.send(b"P")
            if machine.answers(seconds):
                return machine
            self.words = machine.last_words()
        except BaseException:
            machine.kill()
            raise
        machine.kill()
        return None

    def with_kvm(self):
        # Remembers, until this host boots again, that KVM is there and does not work.
        boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        verdict = self.image.parent / f"no-kvm.{boot_id}"
        if not os.access("/dev/kvm", os.R_OK | os.W_OK) or verdict.exists():
            return None
        machine = self.start("kvm", KVM_SECONDS, f"file={self.image}/disk,snapshot=on")
        if machine is None:  # it aborted, or hung
            say("/dev/kvm does not work here; emulating")
            verdict.touch()
        return machine

    def emulated(self):
        machine = self.start("tcg", BOOT_SECONDS, f"file={self.image}/disk,snapshot=on")
        if machine is None:
            raise Trouble(f"the machine did not start within {BOOT_SECONDS} s\n{self.words}")
        return machine

    def resumed(self):
        """The saved machine, which is made first if it is not there; None if that fails."""
        try:
            if not self.booted.exists() and not self.save_booted():
                return None
            state = shlex.quote(f"{self.booted}/state")
            machine = self.start("tcg", RESUME_SECONDS, f"file={self.booted}/disk,snapshot=on",
                                 "-incoming", f"exec:cat {state}")
            reason = "" if machine else self.words
        except (Trouble, OSError, subprocess.CalledProcessError) as trouble:
            machine, reason = None, trouble
        if machine is None:
            say(f"there is no going on from a saved machine; booting\n{reason}")
            shutil.rmtree(self.booted, ignore_errors=True)
        return machine

    def save_booted(self):
        """Boots a machine and saves it; false if somebody else is at it."""
        lock = os.open(self.image / f"{self.layout}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        say("saving a booted machine, for the next times")
        begin = time.monotonic()
        for old in self.image.glob(f"booted.{self.layout}.*/"):
            shutil.rmtree(old)
        new = self.image / f"booted.{self.layout}.new"
        new.mkdir()
        subprocess.run(["cp", "--sparse=always", self.image / "disk", new / "disk"], check=True)
        machine = self.start("tcg", BOOT_SECONDS, f"file={new}/disk,snapshot=off")
        if machine is None:
            raise Trouble(self.words)
        try:
            machine.run(["sh", "-c", WARM_UP])
            machine.save(new / "state")
        finally:
            machine.kill()
        new.rename(self.booted)
        say(f"saved in {time.monotonic() - begin:.0f} s")
        return True
