"""What an ordinary day brings: the machine is started again, its clock is not proven."""

from __future__ import annotations

import json
import shlex

from appliance.time_sources import TimeAuthentication, TimeSources, parse_time_sources
from tests.machine.bed import Bed, host_is_unsynchronised
from tests.machine.company import HOST
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.making import CHECKOUT
from tests.machine.plan import step
from tests.provisioning.test_origins import rendered
from tests.provisioning.test_time import configuration

PYTHON = "/opt/vermilion/current/bin/python"

_ANSWERS = """
import http.client, json, ssl, sys, time
def answer(name, path):
    connection = http.client.HTTPSConnection("127.0.0.1", context=ssl._create_unverified_context())
    connection.request("GET", path, headers={"Host": name})
    return connection.getresponse().status
for _ in range(40):
    found = {name: [answer(name, path) for path in ("/livez", "/login")] for name in sys.argv[1:]}
    if found[sys.argv[2]] == [200, 404]:
        break
    time.sleep(0.25)  # workers of before the reload answer a moment longer
print(json.dumps(found))
"""
"""A program: by which status each of the names answers."""

MOST_MEMORY = 900
"""MB that the appliance may take after an ordinary day."""

MOST_WITH_LARGE = 1800
"""The same while two people upload large documents: what the smallest machine has (the role ``preflight``)."""


@step("memory", "contract")
def memory(bed: Bed) -> str:
    """what each unit takes: after a start, when everybody has looked around, while two upload large documents"""
    bed.with_services_stopped("systemctl restart nginx.service")
    bed.outside("ready", 120)
    first = _usage(bed)
    told = bed.outside("browse")
    day = _usage(bed)
    tables: list[str] = []
    taken = bed.meanwhile("large", lambda: tables.append(_usage(bed)))
    most = max(tables, key=_together)
    if _together(day) > MOST_MEMORY or _together(most) > MOST_WITH_LARGE:
        raise StepFailed(f"{told}; {_together(day)} MB, then {_together(most)} MB:\n{day}\n{most}")
    told = f"{_together(first)} MB at first; {told}: {_together(day)} MB; {taken}: {_together(most)} MB"
    return "\n".join((told, first, day, most))


def _usage(bed: Bed) -> str:
    return bed.machine.run((CHECKOUT / "tests/machine/usage.sh").read_text(encoding="utf-8")).strip()


def _together(table: str) -> int:
    """The last line's MB."""
    return int(table.splitlines()[-1].split("|")[3].removesuffix("MB "))


@step("reboot", "contract")
def reboot(bed: Bed) -> str:
    """after a reboot all comes back by itself: the PIN, the portal, people's passkeys, the contract"""
    seconds = bed.machine.reboot()
    ready = bed.outside("ready", 60)
    bed.outside("timestamp", "rebooted")
    told = bed.outside("same", "第一份合同")
    return f"booted in {seconds:.1f} s; {ready}; {told}"


@step("clock", "install")
def clock(bed: Bed) -> str:
    """a clock that is not synchronised gives no timestamps (timeNotAvailable); vouched for, it does again"""
    if not host_is_unsynchronised():
        raise LeftOut("this machine's clock is synchronised, and a container cannot change that; see power")
    bed.rely_on("kernel")
    stopped = bed.outside("timestamp-until", "timeNotAvailable", 60)
    unready = bed.outside("unready", "", 30)
    bed.rely_on("declared")
    back = bed.outside("timestamp-until", "granted", 60)
    return f"{stopped}; /readyz: {unready}; then {back}"


@step("authenticated", "install")
def authenticated(bed: Bed) -> str:
    """chrony, configured as the role does it, exchanges keys with an NTS server, and the appliance says so"""
    given = {"time_nts_servers": ["localhost"], "time_nts_ca": "@CA@", "time_minimum_sources": 1}
    script = (CHECKOUT / "tests/machine/nts.sh").read_text(encoding="utf-8")
    told = bed.machine.run(f"CONFIGURATION={shlex.quote(configuration(**given))}\n{script}")
    found = parse_time_sources(told)
    if found != TimeSources(1, 1, TimeAuthentication.NTS):
        raise StepFailed(told)
    return str(found.sentence)


@step("named", "install")
def named(bed: Bed) -> str:
    """the activation service with a name of its own at the portal's port: nginx and nft take it, and it answers"""
    own = f"confirm.{HOST}"
    given = {"web_front_activation_host": own, "firewall_activation_port": 443}
    files = {
        "nginx.conf": rendered("web_front/templates/nginx.conf.j2", **given),
        "nftables.conf": rendered("firewall/templates/nftables.conf.j2", **given),
    }
    (bed.machine.root / "root/named").mkdir()
    for name, text in files.items():
        (bed.machine.root / "root/named" / name).write_text(text, encoding="utf-8")
    bed.machine.run(
        "cd /root/named && nft --check --file nftables.conf && cp /etc/nginx/nginx.conf kept.conf"
        " && cp nginx.conf /etc/nginx/ && nginx -t 2>&1 && systemctl reload nginx.service"
    )
    try:
        told = json.loads(bed.machine.run(f"{PYTHON} -c {shlex.quote(_ANSWERS)} {HOST} {own}"))
    finally:
        bed.machine.run("cp /root/named/kept.conf /etc/nginx/nginx.conf && systemctl reload nginx.service")
    if told != {HOST: [200, 200], own: [200, 404]}:
        raise StepFailed(f"/livez and /login are answered by {told}")
    return f"{own} has no sign-in, {HOST} has"
