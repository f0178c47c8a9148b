#!/bin/sh
# On the machine, as root: runs escape.py in a copy of each service's unit, with nothing changed but what is started.
#
#   escape.sh FOLDER
#
# FOLDER holds tests/machine/escape.py and tests/confinement/hostile.py, with their packages, and belongs to root.
set -eu
folder=$1
python=/opt/vermilion/current/bin/python
failed=0
hidden=
# Installed by hand (install.sh), or by the playbook.
units=/etc/systemd/system
[ -e $units/vermilion-web.service ] || units=/usr/local/lib/systemd/system
PYTHONPATH=$folder $python -c 'from hsm.time_source import *; KernelClock(timedelta(seconds=1)).read()' 2>/dev/null ||
    hidden='Environment=CLOCK_IS_HIDDEN=1'
for role in authority web tsa scheduler console activation convert directory; do
    unit=vermilion-$role.service probe=vermilion-$role-probe.service
    # Instances of templates; for the exception of one there is a drop-in.
    case "$role" in convert | directory) unit=vermilion-$role@.service && probe=vermilion-$role@probe.service ;; esac
    sed -e 's/^Type=.*/Type=oneshot/' \
        -e "s|^ExecStart=.*|ExecStart=$python -m tests.machine.escape $role\nEnvironment=PYTHONPATH=$folder\n$hidden|" \
        -e '/^Restart/d; /^WatchdogSec/d; /^NotifyAccess/d; /^OnFailure/d; /^Requires/d; /^StartLimit/d' \
        -e 's/^\[Service\]/&\nType=oneshot/; /^Standard/d; /^RuntimeMaxSec/d; /^CollectMode/d' \
        "$units/$unit" >"/run/systemd/system/$probe"
    systemctl daemon-reload
    systemctl start "$probe" || failed=1
    journalctl --unit "$probe" --output cat --no-pager --invocation=0 | grep -E '^(ok|WRONG) ' || failed=1
    rm "/run/systemd/system/$probe"
done
systemctl daemon-reload
exit $failed
