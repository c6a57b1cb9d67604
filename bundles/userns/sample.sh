echo "inside:  $(id)"
echo "         uid_map: $(tr -s ' ' </proc/self/uid_map)"
touch /shared/mine
echo "         /shared/mine belongs to $(stat -c %U:%u /shared/mine)"
