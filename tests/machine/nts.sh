# On the machine, as root: an NTS server of its own, and chrony following it with the configuration that stands in
# CONFIGURATION, in which @CA@ is the server's certificate. Neither sets the clock (-x). Prints what the appliance's unit
# has written of it, for the health checks and the page of the clock, once the source is followed.
set -eu
folder=$(mktemp -d /run/nts.XXXXXX)
end() {
    for file in "$folder/server.pid" /run/chrony/chronyd.pid; do
        [ ! -e "$file" ] || kill "$(cat "$file")"
    done
    rm -r "$folder"
}
trap end EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$folder/key" \
    -out "$folder/certificate" -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>"$folder/errors"
printf '%s\n' 'local stratum 1' 'allow 127.0.0.0/8' 'allow ::1' "ntsservercert $folder/certificate" \
    "ntsserverkey $folder/key" "ntsdumpdir $folder" 'cmdport 0' "bindcmdaddress $folder/server.sock" \
    "pidfile $folder/server.pid" >"$folder/server.conf"
printf '%s' "$CONFIGURATION" | sed "s#@CA@#$folder/certificate#" >"$folder/client.conf"
chown -R _chrony: "$folder"
install -d -o _chrony -g _chrony -m 0750 /run/chrony
chronyd -x -f "$folder/server.conf"
chronyd -x -f "$folder/client.conf"
for _ in $(seq 20); do
    sleep 3 # systemd refuses more than five starts in ten seconds
    systemctl restart vermilion-time.service
    ! grep -q '^^,\*' /run/vermilion-time/sources || break
done
cat /run/vermilion-time/sources
