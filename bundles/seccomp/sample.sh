attempt() {
  if why=$("$@" 2>&1); then echo "$*: done"; else echo "$*: refused: ${why##*: }"; fi
}
echo "filter mode: $(sed -n 's/^Seccomp:[[:space:]]*//p' /proc/self/status) (2: a filter is loaded)"
attempt touch /tmp/file
attempt mkdir /tmp/directory
attempt chmod 600 /tmp/file
attempt ip link
