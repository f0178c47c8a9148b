"""Run by Debian's Python within namespaces of its own: provisions a domain, fills it, runs Samba, and passes on to
it what comes by two listening sockets of the outside, whose numbers are the last arguments.

``inside.py OVERLAY FOLDER CERTIFICATE KEY LDAP LDAPS``: OVERLAY is laid over /usr of this mount namespace. What is
said when all is ready: ``ready``.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

REALM, DOMAIN = "AD.ENTERPRISE.EXAMPLE", "ENTERPRISE"
SUFFIX = "DC=ad,DC=enterprise,DC=example"
PEOPLE, GROUPS = f"OU=people,{SUFFIX}", f"OU=groups,{SUFFIX}"
READER, PASSWORD = f"reader@{REALM.lower()}", "Reader-0f-a-test"
MANY = 1200
"""People beside the cases: more than Active Directory gives in one page."""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def main() -> None:
    overlay, folder, certificate, key, *outside = sys.argv[1:]
    _own_places(overlay)
    configuration = _provision(folder, certificate, key)
    _fill(folder, configuration)
    subprocess.Popen(["samba", "-F", "--no-process-group", "-M", "single", "-s", configuration])
    for number, port in zip(outside, (389, 636), strict=True):
        _await(port)
        listening = socket.socket(fileno=int(number))
        threading.Thread(target=_relay, args=(listening, port), daemon=True).start()
    print("ready", flush=True)  # noqa: T201
    threading.Event().wait()


def _own_places(overlay: str) -> None:
    if overlay:
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={overlay}:/usr", "/usr"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/samba").mkdir()
    Path("/run/lock").mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:  # the loopback interface is down at first
        asked = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(line, _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(line, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))


def _provision(folder: str, certificate: str, key: str) -> str:
    options = {
        "bind interfaces only": "yes",
        "interfaces": "lo",
        "server services": "ldap",
        "tls certfile": certificate,
        "tls keyfile": key,
        "tls cafile": "",
    }
    command = ["samba-tool", "domain", "provision", f"--realm={REALM}", f"--domain={DOMAIN}", "--server-role=dc"]
    command += ["--dns-backend=NONE", "--host-name=dc1", "--host-ip=127.0.0.1", f"--targetdir={folder}"]
    command += [f"--option={name}={value}" for name, value in options.items()]
    subprocess.run(command, check=True, capture_output=True)
    configuration = Path(folder, "etc/smb.conf")
    lines = [line for line in configuration.read_text().splitlines() if "server services" not in line]
    lines.insert(lines.index("[global]") + 1, "server services = ldap")
    configuration.write_text("\n".join(lines) + "\n")
    return str(configuration)


def _fill(folder: str, configuration: str) -> None:
    from samba.auth import system_session  # noqa: PLC0415 - of the overlay
    from samba.param import LoadParm  # noqa: PLC0415
    from samba.samdb import SamDB  # noqa: PLC0415

    base = SamDB(
        f"{folder}/private/sam.ldb",
        session_info=system_session(),
        lp=LoadParm(filename_for_non_global_lp=configuration),
    )
    base.newuser("reader", PASSWORD)
    base.transaction_start()
    for place in (PEOPLE, GROUPS):
        base.add({"dn": place, "objectClass": "organizationalUnit"})
    _add_people(base)
    _add_groups(base)
    base.transaction_commit()


def _add_people(base: object) -> None:
    def person(login: str, **more: str) -> None:
        name = more.pop("cn", login)
        values = {"objectClass": "user", "sAMAccountName": login, "userAccountControl": "544", **more}
        base.add({"dn": f"CN={name},{PEOPLE}", **values})  # type: ignore[attr-defined]

    for number in range(MANY):
        person(f"user{number:05}", displayName=f"用户{number}", mail=f"user{number:05}@enterprise.example")
    person("boss", displayName="王芳", mail="boss@enterprise.example", department="法务部")
    boss = f"CN=boss,{PEOPLE}"
    person("wang", cn="王 芳\\, 2", displayName="王芳", manager=boss, userPrincipalName=f"wang@{REALM.lower()}")
    person("disabled", userAccountControl="546")
    person("expired", accountExpires="129000000000000000")  # in 2009
    person("later", accountExpires="159000000000000000")  # in 2104
    person("never", accountExpires="9223372036854775807")
    person("odd", displayName="Odd")
    values = {"objectClass": "computer", "sAMAccountName": "PRINTER$", "userAccountControl": "4128"}
    base.add({"dn": f"CN=printer,{PEOPLE}", **values})  # type: ignore[attr-defined]


def _add_groups(base: object) -> None:
    def group(name: str, members: list[str]) -> None:
        values = {"objectClass": "group", "sAMAccountName": name, "member": members}
        base.add({"dn": f"CN={name},{GROUPS}", **{each: value for each, value in values.items() if value}})  # type: ignore[attr-defined]

    group("inner", [f"CN=boss,{PEOPLE}"])
    group("middle", [f"CN=inner,{GROUPS}"])
    group("outer", [f"CN=middle,{GROUPS}"])
    group("circle", [f"CN=outer,{GROUPS}"])
    base.modify_ldif(f"dn: CN=middle,{GROUPS}\nchangetype: modify\nadd: member\nmember: CN=circle,{GROUPS}\n")  # type: ignore[attr-defined]
    group("everybody", [f"CN=user{number:05},{PEOPLE}" for number in range(MANY)])
    group("around-primary", [])
    group("primary", [f"CN=wang,{PEOPLE}".replace("CN=wang", "CN=王 芳\\, 2")])
    found = base.search(f"CN=primary,{GROUPS}", attrs=["primaryGroupToken"])  # type: ignore[attr-defined]
    token = str(found[0]["primaryGroupToken"])
    wang = f"CN=王 芳\\, 2,{PEOPLE}"
    base.modify_ldif(f"dn: {wang}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {token}\n")  # type: ignore[attr-defined]
    nest = f"dn: CN=around-primary,{GROUPS}\nchangetype: modify\nadd: member\nmember: CN=primary,{GROUPS}\n"
    base.modify_ldif(nest)  # type: ignore[attr-defined]


def _await(port: int) -> None:
    for _ in range(600):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens at port {port}")


def _relay(listening: socket.socket, port: int) -> None:
    while True:
        near = listening.accept()[0]
        far = socket.create_connection(("127.0.0.1", port))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
