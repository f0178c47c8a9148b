"""What one of the two machines is, as JSON on standard output, before anything is touched: only Debian's Python is needed.

Its argument is JSON: the device of the volume, the names of both machines, the floating address, this machine's two
addresses of the rings, the other one's, the watchdog, and the disks that both machines see."""

import contextlib
import grp
import ipaddress
import json
import os
import pathlib
import pwd
import re
import socket
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree

HOME = pathlib.Path("/var/lib/vermilion")
CIB = pathlib.Path("/var/lib/pacemaker/cib/cib.xml")
COROSYNC = pathlib.Path("/etc/corosync/corosync.conf")
RESOURCE = pathlib.Path("/etc/drbd.d/vermilion.res")
REPLACING = pathlib.Path("/etc/corosync/vermilion.replacing")
LEAVING = pathlib.Path("/etc/corosync/vermilion.leaving")


def text(path):
    """The file's text, or nothing."""
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def volume(device, resource=RESOURCE):
    """The block device that is to hold the home: its size, and what is on it already."""
    found = {"path": device, "block": False, "bytes": 0, "ours": False, "holds": "", "used_by": ""}
    try:
        status = os.stat(device)
    except OSError:
        return found
    if not stat.S_ISBLK(status.st_mode):
        return found
    number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    place = pathlib.Path("/sys/dev/block") / number
    found["block"] = True
    found["bytes"] = int(text(place / "size") or 0) * 512
    said = set(re.findall(r"^\s*disk\s+\"?([^\";\s]+)\"?;", text(resource), re.MULTILINE))
    found["ours"] = device in said
    asked = subprocess.run(["blkid", "-p", "-o", "export", device], capture_output=True, text=True, check=False)
    told = dict(line.partition("=")[::2] for line in asked.stdout.splitlines())
    ambiguous = "several file systems" if asked.returncode == 8 else asked.stderr.strip()
    found["holds"] = told.get("TYPE") or told.get("PTTYPE") or ambiguous
    mounted = [line.split()[4] for line in text("/proc/self/mountinfo").splitlines() if line.split()[2] == number]
    holders = sorted(each.name for each in (place / "holders").glob("*"))
    parts = sorted(each.name for each in place.glob("*/partition"))
    found["used_by"] = ", ".join([*mounted, *holders, *("its partitions" for _ in parts[:1])])
    return found


def is_device(path, kind):
    """Whether it is there and of that kind. By its name alone: whoever opens a watchdog has it cut the machine a minute later."""
    try:
        return kind(os.stat(path).st_mode)
    except OSError:
        return False


def cluster_of(cib=CIB):
    """The names of the nodes of the cluster that this machine is of, where that serves the appliance, else none."""
    try:
        found = xml.etree.ElementTree.parse(cib).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return []
    if found.find(".//group[@id='vermilion']") is None:
        return []
    return sorted(each.get("uname", "") for each in found.iterfind("./configuration/nodes/node"))


def number(name, conf=COROSYNC):
    """The number that Corosync knows the node *name* by; 0 where its configuration has none of that name."""
    found = re.search(rf"^\s*nodeid: (\d+)\n\s*name: {re.escape(name)}$", text(conf), re.MULTILINE)
    return int(found[1]) if found else 0


def printed(*command):
    """What the program prints; nothing where it is missing, fails or does not end."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        return asked.stdout if asked.returncode == 0 else ""
    return ""


def seen():
    """The names of the nodes that Pacemaker sees in its cluster now, this one among them; none where it does not run."""
    return sorted(printed("crm_node", "--partition").split())


def waiting(crm_mon=None):
    """What keeps Pacemaker from starting anything: that it has no quorum, and the nodes that it has to cut first."""
    try:
        found = xml.etree.ElementTree.fromstring(printed("crm_mon", "--output-as=xml") if crm_mon is None else crm_mon)
    except xml.etree.ElementTree.ParseError:
        return {"for_quorum": False, "cuts": []}
    coordinator = found.find("./summary/current_dc")
    return {
        "for_quorum": coordinator is not None and coordinator.get("with_quorum") == "false",
        "cuts": [each.get("name") for each in found.iterfind("./nodes/node") if each.get("unclean") == "true"],
    }


def mounted(path):
    """The device that is mounted exactly there, or nothing."""
    lines = [line.split() for line in text("/proc/self/mountinfo").splitlines()]
    return next((line[line.index("-") + 2] for line in lines if line[4] == str(path)), "")


def mounts_below(path):
    lines = [line.split()[4] for line in text("/proc/self/mountinfo").splitlines()]
    return sorted({each for each in lines if each.startswith(f"{path}/")})


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def answering(address):
    """The hardware address that answers for the *address* in the machine's network, or nothing."""
    with contextlib.suppress(OSError), socket.socket(family(address), socket.SOCK_DGRAM) as asking:
        for _ in range(3):
            asking.sendto(b"", (address, 9))
            time.sleep(0.5)
    if family(address) == socket.AF_INET6:  # the kernel has no file of these; where `ip` is missing nobody is asked
        found = re.search(r" lladdr (\S+) ", printed("ip", "-6", "neighbour", "show", "to", address) + " ")
        return found[1] if found else ""
    for line in text("/proc/net/arp").splitlines()[1:]:
        fields = line.split()
        if fields[0] == address and int(fields[2], 16) & 2:
            return fields[3]
    return ""


def resolved(name):
    try:
        return sorted({each[4][0] for each in socket.getaddrinfo(name, None)})
    except OSError:
        return []


def here(address):
    """Whether an interface of this machine has the address. That a socket can be bound to it says nothing on a node of a cluster (sysctl.conf)."""
    try:
        with socket.socket(family(address), socket.SOCK_DGRAM) as asking:
            if family(address) == socket.AF_INET6:
                asking.connect((address, 9))  # from its own address, where it is one (RFC 6724, 5, rule 1); sends nothing
                return ipaddress.ip_address(asking.getsockname()[0]) == ipaddress.ip_address(address)
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))  # of an interface, by its address
    except OSError:
        return False
    return True


OTHER_ROUTES = 0x80100200
"""RTF_LOCAL, RTF_ANYCAST and RTF_REJECT: to this machine itself, and to nowhere."""


def routes(four, six):
    """Network, gateway (or nothing) and interface of each line of /proc/net/route and /proc/net/ipv6_route."""
    for fields in map(str.split, four.splitlines()[1:]):
        to, gateway, mask = (int.from_bytes(bytes.fromhex(fields[each]), "little") for each in (1, 2, 7))
        yield ipaddress.IPv4Network((to, mask.bit_count())), gateway and ipaddress.IPv4Address(gateway), fields[0]
    for fields in map(str.split, six.splitlines()):
        to, length, gateway, flags = (int(fields[each], 16) for each in (0, 1, 4, 8))
        if not flags & OTHER_ROUTES:
            yield ipaddress.IPv6Network((to, length)), gateway and ipaddress.IPv6Address(gateway), fields[9]


def route(address, four=None, six=None):
    """The narrowest of the machine's routes to the *address*: its network, its gateway and its interface, each as text. Without
    one, or where it is the one to everywhere, there is no network."""
    known = routes(text("/proc/net/route") if four is None else four, text("/proc/net/ipv6_route") if six is None else six)
    fitting = [each for each in known if ipaddress.ip_address(address) in each[0]]
    to, gateway, interface = max(fitting, key=lambda each: each[0].prefixlen, default=(None, "", ""))
    return str(to) if to and to.prefixlen else "", str(gateway or ""), interface if to and to.prefixlen else ""


def booted(stat):
    """When the machine started, in seconds since 1970 by the clock that it has now; 0 where the kernel does not say."""
    found = re.search(r"^btime (\d+)$", stat, re.MULTILINE)
    return int(found[1]) if found else 0


def module_there():
    release = os.uname().release
    return os.path.exists("/sys/module/drbd") or any(pathlib.Path("/lib/modules", release).rglob("drbd.ko*"))


def main(device, names, floating, rings, peers, watchdog, shared):
    home_mounted = mounted(HOME)
    floating_here = here(floating)
    used = 0
    if not home_mounted and HOME.is_dir():
        asked = subprocess.run(["du", "-sxk", HOME], capture_output=True, text=True, check=False)
        used = int(asked.stdout.split()[0]) * 1024 if asked.stdout else 0
    try:
        proven = json.loads(text("/etc/vermilion/fence-proven.json"))["nodes"]
    except (ValueError, KeyError):
        proven = {}
    return {
        "boot": text("/proc/sys/kernel/random/boot_id").strip(),
        "booted": booted(text("/proc/stat")),
        "volume": volume(device),
        "cluster": cluster_of(),
        "seen": seen(),
        "waiting": waiting(),
        "replacing": REPLACING.exists(),
        "leaving": LEAVING.exists(),
        "number": number(os.uname().nodename),
        "mounted": home_mounted,
        "home": not home_mounted and ((HOME / "trust/log.vkey").exists() or (HOME / "state/vermilion.db").exists()),
        "home_bytes": used,
        "mounts_below_home": [] if home_mounted else mounts_below(HOME),
        "aside": HOME.with_name("vermilion.before-cluster").exists(),
        "users": {each.pw_name: each.pw_uid for each in pwd.getpwall()},
        "user_groups": {each.pw_name: each.pw_gid for each in pwd.getpwall()},
        "groups": {each.gr_name: each.gr_gid for each in grp.getgrall()},
        "resolved": {name: resolved(name) for name in names},
        "rings_here": [address for address in rings if here(address)],
        "ring_networks": [route(address)[0] for address in rings],
        "ring_gateways": [route(address)[1] for address in peers],
        "floating_interface": route(floating)[2],
        "floating_here": floating_here,
        "floating_answers": "" if floating_here else answering(floating),
        "module": module_there(),
        "proven": proven,
        "watchdog": is_device(watchdog, stat.S_ISCHR),
        "shared_missing": [each for each in shared if not is_device(each, stat.S_ISBLK)],
        "drbd": text("/proc/drbd"),
    }


if __name__ == "__main__":
    asked_for = json.loads(sys.argv[1])
    print(json.dumps(main(asked_for.pop("volume"), **asked_for)))
