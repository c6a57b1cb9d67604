echo "Hello from a container. I am process $$, on a host called $(hostname)."
echo
echo "Processes that I can see:"
/bin/ps -o pid,user,args
echo
echo "Namespaces:"
for name in mnt pid net ipc uts cgroup user time; do
  mine=$(readlink /proc/self/ns/$name) || continue
  if [ "$mine" = "$(sed -n "s/^$name //p" /host-namespaces)" ]; then
    echo "  $name: the host's"
  else
    echo "  $name: my own, $mine"
  fi
done
echo
echo "Network interfaces: $(ls /sys/class/net | tr '\n' ' ')"
echo "My cgroup, in each hierarchy that has one for me:"
grep -v ':/$' /proc/self/cgroup | sed 's/^[0-9]*:/  /; s/^  :/  v2:/'
