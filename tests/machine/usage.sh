#!/bin/sh
# On the machine, as root: what each unit uses, at most may use, and how exposed it is. Memory is the proportional set
# size of all of a unit's processes (proc(5), smaps_rollup): what they share is counted once, so the sum is what the
# appliance takes.
set -eu
printf '| unit | processes | memory | MemoryMax | exposure |\n| --- | --- | --- | --- | --- |\n'
total=0
for unit in vermilion-authority vermilion-web vermilion-tsa vermilion-scheduler vermilion-console vermilion-activation nginx; do
    unit=$unit.service
    memory=0 processes=0
    group=$(systemctl show --property ControlGroup --value "$unit")
    for process in $(find /sys/fs/cgroup -path "*$group/cgroup.procs" -exec cat {} + | sort -u | grep -vx 0); do
        set -- $(grep '^Pss:' "/proc/$process/smaps_rollup" 2>/dev/null || echo Pss: 0)
        memory=$((memory + $2)) processes=$((processes + 1))
    done
    limit=$(systemctl show --property MemoryMax --value "$unit")
    case "$limit" in *[!0-9]* | "") limit="" ;; *) limit="$((limit / 1048576)) MB" ;; esac
    exposure=$(systemd-analyze security --no-pager "$unit" | sed -n 's/^→ Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
    printf '| `%s` | %d | %d MB | %s | %s |\n' "$unit" "$processes" $((memory / 1024)) "$limit" "$exposure"
    total=$((total + memory))
done
printf '| together | | %d MB | | |\n' $((total / 1024))
