#!/bin/sh
# On the machine, as root, some minutes: services are killed and made to hang, and have to come back with an alarm.
set -eu
main() { systemctl show --property MainPID --value "vermilion-$1.service"; }
within() { # SECONDS WHAT COMMAND...: the command succeeds in time
    limit=$1 what=$2 passed=0
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$passed" -lt "$limit" ] || { echo "WRONG $what: not within $limit s"; exit 1; }
        sleep 1
        passed=$((passed + 1))
    done
    echo "ok    $what: after $passed s"
}
alive() { curl --silent --fail --unix-socket /run/vermilion/web.sock http://localhost/livez; }
ready() { curl --silent --fail --unix-socket /run/vermilion/web.sock http://localhost/readyz; }
gone() { ! kill -0 "$1"; }
other() { [ "$(main "$1")" != "$2" ] && [ "$(main "$1")" != 0 ]; }
raised() { [ -s "/run/vermilion/alarms/vermilion-$1.service" ]; }

rm -f /run/vermilion/alarms/*
within 60 "all is well before" ready
authority=$(main authority) scheduler=$(main scheduler) web=$(main web)
worker=$(pgrep -P "$authority" | head -n 1)

kill -KILL "$web"
within 90 "the portal comes back" other web "$web"
within 90 "and answers" alive
within 30 "and raised the alarm" raised web

kill -STOP "$worker"
within 150 "a worker that hangs is ended" gone "$worker"
within 30 "and another one takes its place" sh -c "[ \$(pgrep -c -P $authority) -ge 1 ]"
[ "$(main authority)" = "$authority" ] || { echo "WRONG the authority was restarted for it"; exit 1; }
within 30 "signing goes on" ready

kill -STOP "$scheduler"
within 300 "a scheduler that hangs is started again" other scheduler "$scheduler"
within 30 "and raised the alarm" raised scheduler

kill -KILL "$authority"
within 90 "the authority comes back" other authority "$authority"
within 90 "with its PIN, unattended" ready
within 30 "and raised the alarm" raised authority

vermilion diagnose | grep -q '^NOT  services .*vermilion-authority.service' || { echo "WRONG diagnose does not tell"; exit 1; }
journalctl --priority alert --since -10min --output cat --no-pager | grep -q 'vermilion-web.service failed (signal' ||
    { echo "WRONG the journal does not tell"; exit 1; }
rm /run/vermilion/alarms/*
echo "ok    diagnose and the journal told of all of it"
