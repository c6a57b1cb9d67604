cd /sys/fs/cgroup
if [ -e cgroup.controllers ]; then  # v2: one directory; without a cgroup namespace the host's root
  cd "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)" 2>/dev/null || cd /sys/fs/cgroup
  memory=memory.max quota=cpu.max pids=pids.max stat=cpu.stat
else
  memory=memory/memory.limit_in_bytes quota=cpu/cpu.cfs_quota_us pids=pids/pids.max stat=cpu/cpu.stat
fi

echo "memory: limit $(cat $memory) bytes; taking 64 MiB:"
dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null
echo "  dd ended with status $? (137: killed)"

echo "processes: limit $(cat $pids); starting 30 at once:"
# A shell that cannot fork ends, so that another one than this tries.
started=$(sh -c 'for i in $(seq 30); do sleep 1 >/dev/null 2>&1 & echo $i; done' 2>/dev/null | tail -n 1)
echo "  $started could be started"

echo "processor: quota $(cat $quota); working for about a second:"
before=$(sed -n 's/nr_throttled //p' $stat)
end=$(($(date +%s) + 2))
while [ "$(date +%s)" -lt $end ]; do :; done
echo "  stopped $(($(sed -n 's/nr_throttled //p' $stat) - before)) times until the next period"
