echo "I am process $$; process 1 is '$(cat /proc/1/comm)', the host's."
echo "$(ls -d /proc/[0-9]* | wc -l) processes are in sight."
echo "My other namespaces are my own: I see $(wc -l </proc/net/dev | awk '{print $1 - 2}') network interface."
