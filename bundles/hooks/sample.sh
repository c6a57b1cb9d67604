echo "container: I run, in mount namespace $(readlink /proc/self/ns/mnt)" | tee -a /hooks.log
