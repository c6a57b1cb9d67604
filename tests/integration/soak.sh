#!/bin/sh
# Runs a container 1,000 times in a row and 50 at once, then counts what is left behind.
#
#   soak.sh [RUNTIME [SEQUENTIAL [PARALLEL]]]     default: $SKIFF_RUNTIME or build/skiff, 1000, 50
#
# Needs root and busybox-static. Ends after SOAK_SECONDS (default 900) at the latest. Exit status
# 0: nothing was left and every run succeeded.
set -u

runtime=${1:-${SKIFF_RUNTIME:-build/skiff}}
sequential=${2:-1000}
parallel=${3:-50}
limit=${SOAK_SECONDS:-900}
case $runtime in
  */*) runtime=$(readlink -f "$runtime") ;;
  *) runtime=$(command -v "$runtime") ;;
esac
[ -x "$runtime" ] || { echo "soak: no runtime" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "soak: needs root" >&2; exit 2; }

# A mount namespace of its own: every mount that appears is one the runtime left.
if [ -z "${SOAK_INSIDE:-}" ]; then
  SOAK_INSIDE=1 exec timeout --signal=TERM "$limit" unshare --mount --propagation private \
    "$0" "$runtime" "$sequential" "$parallel"
fi

name=it-soak-$$
work=$(mktemp -d /tmp/skiff-soak-XXXXXX)
chmod 711 "$work"
cleanup() {
  for id in $(ls "$work/state" 2>/dev/null); do
    "$runtime" --root "$work/state" delete --force "$id" 2>/dev/null
  done
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'echo "soak: stopped: the time ran out, or a signal came" >&2; exit 1' TERM INT

make_bundle() {  # DIRECTORY ID
  mkdir -p "$1/rootfs/bin" "$1/rootfs/proc" "$1/rootfs/dev" "$1/rootfs/sys"
  cp "$(command -v busybox)" "$1/rootfs/bin/busybox"
  ln -sf busybox "$1/rootfs/bin/sh"
  cat > "$1/config.json" <<END
{"ociVersion": "1.0.2",
 "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/sh", "-c", "exit 7"],
             "env": ["PATH=/bin"], "cwd": "/"},
 "root": {"path": "rootfs", "readonly": true}, "hostname": "soak",
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}],
 "linux": {"cgroupsPath": "/$2",
           "resources": {"devices": [{"allow": false, "access": "rwm"}]},
           "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                          {"type": "mount"}]}}
END
}

count_cgroups() { find /sys/fs/cgroup -type d -name "$name-*" 2>/dev/null | wc -l; }
count_mounts() { wc -l < /proc/self/mountinfo; }
# The init of a container whose runtime is gone still has the rootfs below $work as its root.
count_processes() {
  total=0
  for pid in /proc/[0-9]*; do
    case $(tr '\0' ' ' < "$pid/cmdline" 2>/dev/null) in
      *"$work"*) [ "$pid" = "/proc/$$" ] || total=$((total + 1)) ;;
    esac
    grep -q "/$name-" "$pid/cgroup" 2>/dev/null && total=$((total + 1))
  done
  echo "$total"
}
count_zombies() { cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z'; }

mounts_before=$(count_mounts)
zombies_before=$(count_zombies)

make_bundle "$work/one" "$name-s"
failed=0
begin=$(date +%s)
number=0
while [ "$number" -lt "$sequential" ]; do
  "$runtime" --root "$work/state" run --bundle "$work/one" "$name-s$number" </dev/null
  [ $? = 7 ] || failed=$((failed + 1))
  number=$((number + 1))
done
echo "sequential: $sequential runs, $failed failed, $(($(date +%s) - begin)) s"

number=0
while [ "$number" -lt "$parallel" ]; do
  make_bundle "$work/p$number" "$name-p$number"
  number=$((number + 1))
done
begin=$(date +%s)
number=0
while [ "$number" -lt "$parallel" ]; do
  (
    "$runtime" --root "$work/state" run --bundle "$work/p$number" "$name-p$number" </dev/null
    echo $? > "$work/p$number/status"
  ) &
  number=$((number + 1))
done
wait
number=0
failed_parallel=0
while [ "$number" -lt "$parallel" ]; do
  [ "$(cat "$work/p$number/status" 2>/dev/null)" = 7 ] || failed_parallel=$((failed_parallel + 1))
  number=$((number + 1))
done
echo "parallel: $parallel runs, $failed_parallel failed, $(($(date +%s) - begin)) s"

sleep 1
containers=$(ls "$work/state" 2>/dev/null | wc -l)
cgroups=$(count_cgroups)
mounts=$(($(count_mounts) - mounts_before))
processes=$(count_processes)
zombies=$(($(count_zombies) - zombies_before))
echo "left behind: $containers containers, $cgroups cgroups, $mounts mounts, $processes processes," \
  "$zombies more zombies on the machine"
[ "$failed" = 0 ] && [ "$failed_parallel" = 0 ] && [ "$containers" = 0 ] && [ "$cgroups" = 0 ] &&
  [ "$mounts" = 0 ] && [ "$processes" = 0 ]
