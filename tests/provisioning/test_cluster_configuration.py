"""What the role writes for two machines as the real tools read it, and what Pacemaker then decides."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.cluster.commands import ENVIRONMENT, tool
from tests.provisioning import clusters
from tests.provisioning.clusters import CLUSTER, DISK, NAMES, machine, module, run, written
from tests.provisioning.test_preflight import templar, trusted
from tests.systemd.cluster.machine import there
from tests.systemd.conftest import UNITS

pytestmark = pytest.mark.slow


SYSCTL = "/usr/lib/systemd/systemd-sysctl"


LISTENS = """import socket
for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
    with socket.socket(family) as listener:
        listener.bind((address, 7788))
"""


@pytest.mark.skipif(not os.access(SYSCTL, os.X_OK), reason="systemd is not here")
def test_drbd_may_listen_on_an_address_that_is_away_with_its_cable() -> None:
    """Where it may not, it is StandAlone for good."""
    alone = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)), "sh", "-c")
    asked = (sys.executable, "-c", LISTENS)
    before = run(*alone, 'exec "$@"', "sh", *asked)
    assert "Cannot assign requested address" in before.stderr
    done = run(*alone, '"$0" "$1" && shift && exec "$@"', SYSCTL, CLUSTER / "files/sysctl.conf", *asked)
    assert done.returncode == 0, done.stderr


OWN = """import importlib.util, sys
from appliance.network_addresses import is_own_address
spec = importlib.util.spec_from_file_location("survey", sys.argv[1])
survey = importlib.util.module_from_spec(spec)
spec.loader.exec_module(survey)
for address in sys.argv[2:]:
    print(address, survey.here(address), is_own_address(address))
"""


@tool("ip")
@pytest.mark.skipif(not os.access(SYSCTL, os.X_OK), reason="systemd is not here")
def test_what_a_node_may_bind_is_no_address_of_its_own() -> None:
    """Else no second run would find the floating address free, and no webhook would leave a cluster."""
    alone = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)), "sh", "-c")
    begun = '"$0" "$1" && shift && ip link set lo up && ip address add 192.0.2.7/32 dev lo &&'
    begun += ' ip address add 2001:db8::7/128 dev lo nodad && exec "$@"'
    addresses = {"192.0.2.7": True, "2001:db8::7": True, "192.0.2.1": False, "2001:db8::1": False}
    asked = (sys.executable, "-I", "-c", OWN, str(CLUSTER / "files/survey.py"), *addresses)
    done = run(*alone, begun, SYSCTL, CLUSTER / "files/sysctl.conf", *asked)
    assert done.stdout.splitlines() == [f"{each} {own} {own}" for each, own in addresses.items()], done.stderr


@tool("cibadmin")
def test_a_cluster_is_one_that_serves_the_appliance(tmp_path: Path) -> None:
    looking, cib = module("survey"), configured(tmp_path)
    assert looking.cluster_of(cib) == list(NAMES)
    assert looking.cluster_of(tmp_path / "nothing.xml") == []
    assert looking.cluster_of(configured(tmp_path / "young", cluster_whole=False)) == []


def test_what_the_playbook_makes_equal_is_what_each_node_tells_of(tmp_path: Path) -> None:
    """And nothing else, which no playbook would make equal again."""
    given = {
        "web_front_certificate": "/srv/house.pem",
        "web_front_certificate_key": "/srv/house.key",
        "time_keys_file": "/root/time.keys",
        "time_nts_ca": "/srv/nts.pem",
        "logging_collector_ca": "/srv/collector.pem",
    }
    assert "files = []\n" in written("cluster.toml.j2"), "nothing is set"
    (tmp_path / "node.py").write_text(there(tmp_path, UNITS / "bin/vermilion-cluster"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("node", tmp_path / "node.py")
    assert spec is not None and spec.loader is not None
    node = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(node)
    node.CLUSTER.parent.mkdir(parents=True)
    node.CLUSTER.write_text(written("cluster.toml.j2", **given).replace('"/', f'"{tmp_path}/'), encoding="utf-8")

    def is_told(path: str) -> bool:
        before, file = node.settings_digest(), tmp_path / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("other than before", encoding="utf-8")
        return bool(node.settings_digest() != before)

    meant = templar({**given, **clusters.own()}).template(trusted("{{ cluster_meant }}"))
    # Services read a copy of the keys of time servers; how far an upgrade came is no setting.
    others = {given["time_keys_file"]: "/etc/chrony/vermilion.keys", "/opt/vermilion/upgrade.json": ""}
    told = [f"{folder}/any" for folder in meant["folders"]]
    told += [each for each in (others.get(name, name) for name in meant["files"]) if each]
    assert len(told) == 7 and all(is_told(path) for path in told)
    # Each machine has this one from the playbook itself (node.yml).
    apart = [*set(meant["except"]) - {"/etc/vermilion/cluster.toml"}, *others]
    assert not any(is_told(path) for path in apart)


def of_six() -> list[dict[str, Any]]:
    """Both machines, with a first ring of IPv6."""
    nodes = [machine(number)["cluster_node"] for number in (1, 2)]
    return [{**each, "rings": [f"fd00:1::{each['name'][-1]}", each["rings"][1]]} for each in nodes]


@tool("corosync")
@pytest.mark.parametrize("arbiter", ["", "arbiter.enterprise.example"])
def test_corosync_reads_who_is_in_the_cluster(tmp_path: Path, arbiter: str) -> None:
    key = tmp_path / "authkey"
    key.write_bytes(os.urandom(256))
    # The machine itself has to be one of the two, and the key where this test may put it.
    given = written("corosync.conf.j2", cluster_arbiter=arbiter).replace(
        "name: node-a", f"name: {socket.gethostname()}"
    )
    given = given.replace("10.77.1.1\n", "127.0.0.1\n").replace("10.77.2.1\n", "127.0.0.2\n")
    (tmp_path / "corosync.conf").write_text(
        given.replace("transport: knet", f"transport: knet\n    keyfile: {key}")
        + f"system {{\n    state_dir: {tmp_path}\n}}\n"
    )
    done = run("corosync", "-t", "-c", tmp_path / "corosync.conf")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("two_node: 1" in given) == (not arbiter)
    assert "wait_for_all: 1" in given, "who was away may have the older copy, and an arbiter does not know"


@tool("drbdadm")
def test_drbd_reads_what_the_volume_is(tmp_path: Path) -> None:
    (tmp_path / "vermilion.res").write_text(written("vermilion.res.j2"))
    kernels = {"DRBD_DRIVER_VERSION_OVERRIDE": "8.4.11"}
    done = run("drbdadm", "-c", tmp_path / "vermilion.res", "dump", **kernels)
    assert done.returncode == 0, done.stderr
    for said in ("resource-and-stonith", "protocol           C", "detach", f"disk             {DISK}"):
        assert said in done.stdout
    assert "split" not in done.stdout and done.stdout.count("disconnect;") == 3
    (tmp_path / "six.res").write_text(written("vermilion.res.j2", cluster_nodes=of_six()))
    done = run("drbdadm", "-c", tmp_path / "six.res", "dump", **kernels)
    assert (done.returncode, done.stdout.count("address          ipv6 [fd00:1::")) == (0, 2), done.stderr
    assert module("survey").volume(DISK, tmp_path / "vermilion.res")["block"] is False


EMPTY = """<cib crm_feature_set="3.20.0" validate-with="pacemaker-4.0" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="cib-bootstrap-options-have-watchdog" name="have-watchdog" value="false"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="node-a"/><node id="2" uname="node-b"/></nodes><resources/><constraints/></configuration>
<status/></cib>"""


def apply(cib: Path, **given: Any) -> subprocess.CompletedProcess[str]:
    """What the role's script says that brings the cluster's configuration in the file *cib* to the template."""
    wanted = cib.with_name("wanted.xml")
    wanted.write_text(written("cib.xml.j2", **given))
    return run(sys.executable, "-I", CLUSTER / "files/apply_cib.py", wanted, CIB_file=str(cib))


def configured(folder: Path, **given: Any) -> Path:
    """A cluster's configuration, made of an empty one."""
    folder.mkdir(exist_ok=True)
    cib = folder / "cib.xml"
    cib.write_text(EMPTY)
    done = apply(cib, **given)
    assert done.stdout == "changed\n", done.stderr
    return cib


@tool("crm_diff")
@pytest.mark.parametrize("fencing", ["power", "sbd"])
def test_pacemaker_takes_the_configuration_and_a_second_time_nothing_differs(tmp_path: Path, fencing: str) -> None:
    cib = configured(tmp_path, cluster_fencing=fencing)
    before = cib.read_text()
    assert apply(cib, cluster_fencing=fencing).stdout == "as it was\n"
    assert cib.read_text() == before
    checked = run("crm_verify", "--verbose", "--xml-file", cib)
    assert "error" not in checked.stderr, checked.stderr
    assert "stonith-enabled" in before and "fence-node-a-elsewhere" in before


@tool("crm_diff")
def test_what_others_put_into_the_configuration_stays(tmp_path: Path) -> None:
    cib = configured(tmp_path)
    environment = {"CIB_file": str(cib)}
    held = (
        '<rsc_location rsc="volume-clone" id="drbd-fence-by-handler-vermilion-volume-clone"><rule role="Promoted" '
        'score="-INFINITY" id="held"><expression attribute="#uname" operation="ne" value="node-a" id="is"/></rule>'
        "</rsc_location>"
    )
    run("cibadmin", "--create", "--scope", "constraints", "--xml-text", held, **environment)
    paused = ("crm_resource", "--resource", "appliance", "--meta", "--set-parameter", "maintenance")
    assert run(*paused, "--parameter-value", "true", **environment).returncode == 0
    assert apply(cib).stdout == "as it was\n"
    assert apply(cib, cluster_timeout_factor=2).stdout == "changed\n"
    text = cib.read_text()
    assert "drbd-fence-by-handler-vermilion-volume-clone" in text and "have-watchdog" in text
    assert 'name="maintenance" value="true"' in text and 'timeout="360s"' in text


@tool("crm_diff")
def test_a_configuration_with_an_error_is_refused_whole(tmp_path: Path) -> None:
    cib = configured(tmp_path)
    before = cib.read_text()
    wanted = tmp_path / "wanted.xml"
    wanted.write_text(written("cib.xml.j2").replace('class="systemd"', 'class="nothing"'))
    done = run(sys.executable, "-I", CLUSTER / "files/apply_cib.py", wanted, CIB_file=str(cib))
    assert done.returncode == 1 and "crm_verify says error" in done.stderr
    assert cib.read_text() == before


def observed(cib: Path, **links: int) -> None:
    """As the agents say it, both volumes are the same, and both nodes but for *links* see the network in front."""
    tree = ElementTree.parse(cib)  # noqa: S314 # our own
    for state in tree.getroot().iter("node_state"):
        for old in state.findall("transient_attributes"):
            state.remove(old)
        name, number = str(state.get("uname")), str(state.get("id"))
        place = ElementTree.SubElement(state, "transient_attributes", {"id": number})
        told = ElementTree.SubElement(place, "instance_attributes", {"id": f"status-{number}"})
        values = {"master-volume": 10000, "front-link": links.get(name.replace("-", "_"), 1)}
        for attribute, value in values.items():
            pair = {"id": f"status-{number}-{attribute}", "name": attribute, "value": str(value)}
            ElementTree.SubElement(told, "nvpair", pair)
    tree.write(cib)


def simulated(cib: Path, *event: str) -> str:
    """What Pacemaker would do after the *event*."""
    done = run("crm_simulate", "--simulate", "--xml-file", cib, *event)
    assert done.returncode == 0, done.stderr
    return done.stdout.rsplit("Transition Summary:", 1)[-1].split("Executing Cluster Transition")[0]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a cluster whose appliance runs on node-a."""
    folder = tmp_path_factory.mktemp("serving")
    cib = configured(folder)
    run("crm_simulate", "--xml-file", cib, "--quorum=true", "-u", "node-a", "-u", "node-b", "-O", cib)
    for _ in range(4):
        observed(cib)
        run("crm_simulate", "--simulate", "--xml-file", cib, "--save-output", cib)
    observed(cib)
    assert simulated(cib).strip() == ""
    assert "appliance" in run("crm_simulate", "--xml-file", cib).stdout
    return cib


@tool("crm_simulate")
def test_the_standby_takes_over_after_it_has_cut_the_active_node(serving: Path) -> None:
    done = simulated(serving, "--node-fail", "node-a")
    assert "Fence (reboot) node-a" in done
    assert "Promote    volume:1       ( Unpromoted -> Promoted node-b )" in done
    for name in ("filesystem", "address", "appliance", "front "):
        assert f"Move       {name}" in done


@tool("crm_simulate")
def test_a_standby_that_is_lost_is_cut_and_moves_nothing(serving: Path) -> None:
    done = simulated(serving, "--node-fail", "node-b")
    assert "Fence (reboot) node-b" in done
    assert "Move" not in done and "Promote" not in done


@tool("crm_simulate")
def test_where_the_machine_of_a_rollback_is_lost_the_other_one_gets_the_volume(
    serving: Path, tmp_path: Path
) -> None:
    """Paused or not, and although the start is refused: there the rollback is ended by hand."""
    cib = tmp_path / "cib.xml"
    shutil.copy(serving, cib)
    maintenance = ("crm_resource", "--resource", "appliance", "--meta")

    def settled(*event: str) -> list[str]:
        observed(cib)
        done = run("crm_simulate", "--simulate", "--xml-file", cib, *event, "--save-output", cib)
        said = done.stdout.rsplit("Revised Cluster Status", 1)[-1].splitlines()
        return [" ".join(line.split()[3:]) for line in said if "Filesystem)" in line or ":appliance)" in line]

    pause = (*maintenance, "--set-parameter", "maintenance", "--parameter-value", "true")
    assert run(*pause, CIB_file=str(cib)).returncode == 0
    settled("--node-fail", "node-a")
    assert settled() == ["Started node-b", "Stopped (maintenance)"]
    resume = (*maintenance, "--delete-parameter", "maintenance")
    assert run(*resume, CIB_file=str(cib)).returncode == 0
    settled("--op-fail", "appliance_start_0@node-b=5")
    assert settled() == ["Started node-b", "Stopped"]
    assert run(*pause, CIB_file=str(cib)).returncode == 0
    assert settled() == ["Started node-b", "Stopped (maintenance)"]


@tool("crm_simulate")
@pytest.mark.parametrize(("links", "moves"), [((0, 1), True), ((1, 0), False), ((0, 0), False), ((1, 1), False)])
def test_it_serves_where_people_reach_it(
    serving: Path, tmp_path: Path, links: tuple[int, int], moves: bool
) -> None:
    cib = tmp_path / "cib.xml"
    shutil.copy(serving, cib)
    observed(cib, node_a=links[0], node_b=links[1])
    assert ("Move       appliance" in simulated(cib)) == moves


@tool("cibadmin")
def test_drbds_handler_reads_the_state_of_a_node_in_its_own_words(serving: Path) -> None:
    """crm-fence-peer.sh of drbd-utils 9.22 knows in_ccm and crmd as words; Pacemaker 3 writes times there."""
    plain = run("cibadmin", "--query", CIB_file=str(serving)).stdout
    assert "<node_state " in plain
    given = serving.with_name("times.xml")
    given.write_text(
        plain.replace('in_ccm="true"', 'in_ccm="1764500000"').replace('crmd="online"', 'crmd="1764500001"')
    )
    reading = given.with_name("cibadmin")
    found = shutil.which("cibadmin", path=ENVIRONMENT["PATH"])
    reading.write_text((CLUSTER / "files/cibadmin").read_text().replace("/usr/sbin/cibadmin", str(found)))
    told = run("sh", reading, "--query", CIB_file=str(given))
    assert told.returncode == 0
    assert told.stdout.count('in_ccm="true"') == told.stdout.count('crmd="online"') == 2
    assert run("sh", reading, "--query", CIB_file="/nothing").returncode != 0


def test_a_node_takes_from_the_other_one_what_the_cluster_sends() -> None:
    from tests.provisioning.test_origins import rendered  # noqa: PLC0415

    alone = rendered("firewall/templates/nftables.conf.j2", firewall_peers=[])
    node = rendered("firewall/templates/nftables.conf.j2", firewall_peers=["10.77.1.2", "fd00:2::2"])
    assert "7788" not in alone
    added = [line.strip() for line in node.splitlines() if line not in alone.splitlines()]
    ports = clusters.own()["cluster_ports"]
    for peer in ("ip saddr 10.77.1.2", "ip6 saddr fd00:2::2"):
        assert f"{peer} udp dport {min(ports)}-{ports[2]} accept" in added
        assert f"{peer} tcp dport {ports[3]} accept" in added
