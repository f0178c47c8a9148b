"""Settings and secrets of two machines: how they become equal, and who opens what."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.provisioning import clusters
from tests.provisioning.clusters import CLUSTER, load_plugins, module, playbook, run, tasks
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow


@pytest.mark.skipif(
    shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="root's systemd-creds seals"
)
def test_settings_and_secrets_become_equal_and_are_left_alone_then(tmp_path: Path) -> None:
    equal = module("equal")
    stores = [tmp_path / "a", tmp_path / "b"]
    (tmp_path / "etc").mkdir()
    kept, own = tmp_path / "etc/appliance.toml", tmp_path / "etc/provisioned.json"
    what = {"folders": [str(tmp_path / "etc")], "files": [], "except": [str(own)], "secrets": "vermilion."}
    for store in stores:
        store.mkdir()
    kept.write_text("of the active node")
    kept.chmod(0o640)
    equal.keep("vermilion.web.key", b"\x00secret\n", stores[0])
    given = equal.give(what, stores[0])
    assert base64.b64decode(given["secrets"]["vermilion.web.key"]) == b"\x00secret\n"
    kept.write_text("of the standby")
    (tmp_path / "etc/stranger.toml").write_text("")
    own.write_text("its own")
    equal.keep("vermilion.old.key", b"old", stores[1])

    changed = equal.take(what, given, stores[1])
    assert sorted(changed) == sorted(
        [str(kept), str(tmp_path / "etc/stranger.toml"), "vermilion.old.key", "vermilion.web.key"]
    )
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("of the active node", 0o640)
    assert own.read_text() == "its own"
    assert equal.secrets("vermilion.", stores[1]) == given["secrets"]
    assert b"secret" not in (stores[1] / "vermilion.web.key").read_bytes()
    assert equal.take(what, given, stores[1]) == []

    # One that is sealed by the key of another machine is sealed anew; from there it is not taken.
    (stores[1] / "vermilion.web.key").write_bytes(b"sealed elsewhere")
    assert equal.give(what, stores[1])["secrets"] == {"vermilion.web.key": None}
    assert equal.take(what, given, stores[1]) == ["vermilion.web.key"]
    assert equal.secrets("vermilion.", stores[1]) == given["secrets"]

    # The password of one device, node-1's, says nothing of node-10's.
    equal.keep("vermilion.fence.node-10", b"ten", stores[0])
    [sealing] = [each for each in tasks("passwords") if "cluster_sealing" in each.get("vars", {})]
    one = {**sealing["vars"]["cluster_sealing"], "secrets": "vermilion.fence.node-1"}
    secret = {"files": {}, "secrets": {one["secrets"]: base64.b64encode(b"one").decode()}}
    assert equal.take(one, secret, stores[0]) == ["vermilion.fence.node-1"]
    assert sorted(equal.secrets("vermilion.fence.", stores[0])) == [
        "vermilion.fence.node-1",
        "vermilion.fence.node-10",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_whom_the_standby_does_not_know_is_root_s_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An administrator's `mv` into /etc/vermilion, where that administrator is known on one machine alone."""
    equal = module("equal")
    what = {"folders": [str(tmp_path / "etc")], "files": [], "except": [], "secrets": ""}
    for folder in ("etc", "store"):
        (tmp_path / folder).mkdir()
    moved = tmp_path / "etc/x.pem"
    moved.write_text("hush")
    os.chown(moved, 54321, 54321)
    described = equal.give(what, tmp_path / "store")["files"][str(moved)]
    assert (described["owner"], described["group"]) == ("54321", "54321"), "nor known where it lies"

    for owner, group, mode, becomes, kept in [
        ("alice-of-node-a", "users-of-node-a", 0o640, "root:root", 0o640),
        ("alice-of-node-a", "daemon", 0o4750, "root:daemon", 0o750),
        ("daemon", "users-of-node-a", 0o600, "daemon:root", 0o600),
    ]:
        given = {
            "files": {str(moved): {**described, "owner": owner, "group": group, "mode": mode}},
            "secrets": {},
        }
        assert equal.take(what, given, tmp_path / "store") == [str(moved)]
        assert (f"{moved.owner()}:{moved.group()}", moved.stat().st_mode & 0o7777) == (becomes, kept)
        said = capsys.readouterr().err
        assert f"{moved} belongs to {owner}:{group} on the active node" in said and f"it is {becomes} here" in said
        assert "hush" not in said
        assert equal.take(what, given, tmp_path / "store") == [] and not capsys.readouterr().err


def test_what_fails_is_one_sentence_with_the_file_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    equal = module("equal")
    (tmp_path / "file").write_text("")
    own = {"mode": 0o600, "owner": "root", "group": "root", "content": base64.b64encode(b"hush").decode()}
    what = {"folders": [], "files": [], "except": [], "secrets": ""}
    beneath = str(tmp_path / "file/x.pem")
    with pytest.raises(SystemExit) as ended:
        equal.take(what, {"files": {beneath: own}, "secrets": {}}, tmp_path)
    assert str(ended.value).startswith(f"{beneath} cannot be written on this machine: [Errno ")

    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}")
    given = {"files": {}, "secrets": {"vermilion.web.key": own["content"]}}
    for script, said in [
        (None, "[Errno 2] No such file or directory: 'systemd-creds'"),
        ("#!/bin/sh\necho 'No key here.' >&2\nexit 1\n", "No key here."),
        ("#!/bin/sh\nexit 1\n", "systemd-creds failed without a word"),
    ]:
        if script is not None:
            (programs / "systemd-creds").write_text(script)
            (programs / "systemd-creds").chmod(0o755)
        with pytest.raises(SystemExit) as ended:
            equal.take(what, given, tmp_path)
        assert ended.value.code == f"vermilion.web.key cannot be sealed on this machine: {said}"


@pytest.mark.skipif(
    shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="root's systemd-creds seals"
)
def test_what_opens_a_device_is_handed_to_its_own_agent_alone(tmp_path: Path) -> None:
    """By the wrapper that Pacemaker calls, which knows a file and not what is in it."""
    name = "vermilion.fence-secrets.node-a.example"
    module("equal").keep(name, b"community=top secret\nsnmp_priv_passwd=%x", tmp_path)
    agent = tmp_path / "fence_told"
    known = "".join(f'<parameter name="{each}" unique="0">' for each in ("community", "snmp_priv_passwd"))
    agent.write_text(
        f"#!/bin/sh\ngiven=$(cat)\n[ \"$given\" != action=metadata ] || {{ echo '{known}'; exit 0; }}\n"
        f"printf '%s\\n' \"$given\" >{tmp_path}/told\nexit 2\n"
    )
    agent.chmod(0o755)
    script = (CLUSTER / "files/fence_vermilion").read_text(encoding="utf-8").replace("/usr/sbin", str(tmp_path))

    def fencing(**options: str) -> subprocess.CompletedProcess[str]:
        given = "".join(f"{key}={value}\n" for key, value in options.items())
        return run("sh", "-c", script, given=given)

    sealed = str(tmp_path / name)
    done = fencing(action="status", ip="192.0.2.21", agent="fence_told", secrets=sealed, plug="3")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", ""), "as its own agent ends"
    assert (tmp_path / "told").read_text().splitlines() == [
        *("action=status", "ip=192.0.2.21", "plug=3"),
        *("community=top secret", "snmp_priv_passwd=%x"),
    ]
    for other in ("fence_gone", "sh", "fence_../told", "fence_vermilion", ""):
        done = fencing(action="reboot", agent=other, secrets=sealed)
        assert done.returncode == 1 and f"there is no fence agent '{other}'" in done.stderr
    done = fencing(action="reboot", agent="fence_told", secrets=str(tmp_path / "vermilion.fence-secrets.node-b"))
    assert done.returncode == 1 and "cannot be opened" in done.stderr
    (tmp_path / "told").unlink()
    for wrong, said in ((b"communty=hush", "names no option of fence_told"), (b"hush", "is not NAME=VALUE")):
        module("equal").keep(name, b"community=top secret\n" + wrong, tmp_path)
        done = fencing(action="status", agent="fence_told", secrets=sealed)
        assert done.returncode == 1 and f"line 2 of {sealed} {said}" in done.stderr
        assert "hush" not in done.stderr and not (tmp_path / "told").exists(), "agents log what they do not know"
    described = ElementTree.fromstring(fencing(action="metadata").stdout)  # noqa: S314 # our own
    actions = {each.get("name") for each in described.iterfind("actions/action")}
    assert {"reboot", "off", "status", "monitor", "metadata"} <= actions


def test_lines_of_a_secret_may_end_as_any_editor_ends_them(tmp_path: Path) -> None:
    load_plugins()
    (tmp_path / "secrets").write_bytes("community=机密\r\nsnmp_priv_passwd=x y\r\n".encode())
    [sealing] = [each for each in tasks("passwords") if "cluster_sealing" in each.get("vars", {})]
    given = {
        "cluster_secret": "vermilion.fence-secrets.node-a",
        "cluster_password_file": str(tmp_path / "secrets"),
    }
    asking = templar({**clusters.both(), **given, **trusted(sealing["vars"])})
    told = json.loads(asking.template(trusted(sealing["ansible.builtin.command"]["stdin"])))
    [sealed] = told["secrets"].values()
    assert base64.b64decode(sealed).decode() == "community=机密\nsnmp_priv_passwd=x y"


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ("community=hush\nsnmp-priv-passwd=plug\n", ""),
        ("\r\nPASSWORD=hush\r\n", ""),
        ("community=hush\n plug = 3\nip=192.0.2.9\n", "2, 3"),
        ("PORT=3\ncommunity=hush\naction=status\n", "1, 3"),
        ("systems_uri=/redfish/v1/Systems/2\n", "1"),
        ("target=0x82\nredfish-uri=/other\n", "1, 2"),
        ("aHVzaA==\n", "1"),
        ("hush\n", "1"),
    ],
)
def test_what_is_cut_stands_where_a_change_is_proven_anew(tmp_path: Path, lines: str, refused: str) -> None:
    """Said with the other settings, before anything is touched, and without a word of the file: it is secret."""
    (tmp_path / "secrets").write_text(lines, encoding="utf-8")
    fence = {"agent": "fence_apc_snmp", "options": {"ip": "192.0.2.21", "secrets_file": str(tmp_path / "secrets")}}
    said = [
        each for each in clusters.refusals("cluster_setting_rules", cluster_fence=fence) if "NAME=VALUE of" in each
    ]
    assert len(said) == bool(refused)
    for sentence in said:
        assert (
            f"node-a: {tmp_path}/secrets, which cluster_fence names as secrets_file, has in line {refused} some"
            in sentence
        )
        assert not any(secret in sentence for secret in ("hush", "192.0.2.9", "aHVzaA"))


def test_secrets_of_a_device_stand_in_no_configuration() -> None:
    [task] = [each for each in tasks("survey") if each["name"] == "What it is in the cluster"]
    options = {"ip": "192.0.2.21", "password_file": "/root/password", "secrets_file": "/root/secrets"}
    given = clusters.both(cluster_fence={"agent": "fence_apc_snmp", "options": options})
    given["ansible_facts"]["nodename"] = "node-a"
    node = templar({**given, **trusted(task["vars"])}).template(trusted(task["ansible.builtin.set_fact"]))
    device = node["cluster_node"]["fence"]
    sealed = "/etc/credstore.encrypted/vermilion.fence-secrets.node-a"
    assert device["agent"] == "fence_vermilion"
    assert {**device["options"], "password_script": ""} == {
        "ip": "192.0.2.21",
        "agent": "fence_apc_snmp",
        "secrets": sealed,
        "password_script": "",
        "pcmk_host_list": "node-a",
    }
    assert node["cluster_node"]["fence_device"] == "fence_apc_snmp 192.0.2.21", "the one that people know"
    [task] = [each for each in tasks("settings") if "passwords.yml" in str(each)]
    kinds = [each[1] for each in templar(given).template(trusted(task["loop"])) if each[0] == "node-a"]
    opens = [["node-a", kind] for kind in kinds]
    found = [
        templar({**given, **trusted(task["vars"]), "cluster_opens": each}).template(
            trusted("{{ [cluster_secret, cluster_password_file] }}")
        )
        for each in opens
    ]
    assert found == [["vermilion.fence.node-a", "/root/password"], [Path(sealed).name, "/root/secrets"]]


def test_secrets_pass_through_memory_alone() -> None:
    """With pipelining Ansible writes neither the module nor what it is given to a file of the machine."""
    for name in ("equal", "passwords"):
        handling = [each for each in tasks(name) if "equal.py" in json.dumps(each)]
        assert handling and all(each["no_log"] is True for each in handling)
        # Why one fails is on standard error, which the assertion after it shows.
        for each in handling:
            after = tasks(name)[tasks(name).index(each) + 1]["ansible.builtin.assert"]
            assert each["failed_when"] is False and after["that"] == f"{each['register']}.rc | default(1) == 0"
            assert f"{each['register']}.stderr_lines" in after["fail_msg"]
    shown = [each for each in tasks("settings") if "cluster_volume_secret" in each.get("vars", {})]
    assert [each["diff"] for each in shown] == [False], "`install --check` would show the secret"
    for name in ("cluster", "cluster_upgrade"):
        plays = playbook(name)
        assert all(play["vars"]["ansible_pipelining"] is True and play["any_errors_fatal"] for play in plays)
