"""Pacemaker's own commands on a configuration in a file."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

from tests.cluster.commands import ENVIRONMENT, tool
from tests.systemd.cluster.machine import HERE, THERE, cluster

CONFIGURATION = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1"
 dc-uuid="1">
<configuration>
<crm_config><cluster_property_set id="options">
<nvpair id="options-fencing" name="stonith-enabled" value="true"/>
<nvpair id="options-quorum" name="no-quorum-policy" value="ignore"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="{here}"/><node id="2" uname="{there}"/></nodes>
<resources>
<primitive id="fence-{here}" class="stonith" type="fence_ipmilan"/>
<primitive id="fence-{there}" class="stonith" type="fence_ipmilan"/>
<clone id="volume-clone">
<meta_attributes id="volume-meta"><nvpair id="volume-promotable" name="promotable" value="true"/></meta_attributes>
<primitive id="volume" class="ocf" provider="linbit" type="drbd"/>
</clone>
<group id="vermilion">
<primitive id="filesystem" class="ocf" provider="heartbeat" type="Filesystem"/>
<primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2"/>
<primitive id="appliance" class="ocf" provider="vermilion" type="appliance"/>
<primitive id="front" class="systemd" type="nginx"/>
</group>
</resources>
<constraints>
<rsc_location id="there-first" rsc="fence-{there}" node="{there}" score="-INFINITY"/>
<rsc_location id="here-first" rsc="fence-{here}" node="{here}" score="-INFINITY"/>
<rsc_colocation id="c" rsc="vermilion" with-rsc="volume-clone" with-rsc-role="Promoted" score="INFINITY"/>
<rsc_order id="o" first="volume-clone" first-action="promote" then="vermilion" then-action="start"/>
</constraints>
<rsc_defaults><meta_attributes id="defaults">
<nvpair id="defaults-sticky" name="resource-stickiness" value="200"/>
</meta_attributes></rsc_defaults>
</configuration>
<status>{states}</status>
</cib>"""
"""What ha.yml has Pacemaker do, as far as the switch depends on it."""

STATE = """<node_state id="{id}" uname="{name}" in_ccm="{up}" crmd="{up}" join="{join}" expected="{join}">
<transient_attributes id="{id}"><instance_attributes id="status-{id}">
<nvpair id="status-{id}-volume" name="master-volume" value="{score}"/>
<nvpair id="status-{id}-link" name="front-link" value="{link}"/>
<nvpair id="status-{id}-probed" name="vermilion-probed" value="{probed}"/>
<nvpair id="status-{id}-ready" name="vermilion-ready" value="{ready}"/>
<nvpair id="status-{id}-settings" name="vermilion-settings" value="{settings}"/>
</instance_attributes></transient_attributes></node_state>"""


def drbd_says(device: str, differing: int = 0) -> str:
    """``/proc/drbd`` of DRBD 8.4 with one device, and by how many KiB the copies differ."""
    counts = f"    ns:9 nr:0 dw:9 dr:2 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{differing}"
    return f"version: 8.4.11 (api:1/proto:86-101)\n 0: {device}\n{counts}\n"


IN_SYNC = drbd_says("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----")

needs_pacemaker = tool("crm_simulate")


class Pacemaker:
    """Pacemaker's own commands and its scheduler on a CIB in a file: who decides is real, what it decides is done
    as if all agents succeeded (``crm_simulate``)."""

    def __init__(self, root: Path) -> None:
        self.root, self.cib = root, root / "cib.xml"
        digest = self.run("probe")  # fails to reach Pacemaker, and says what it is
        assert digest == (0, ""), digest
        self.digest = json.loads((root / "run/vermilion-cluster/state.json").read_text())["settings"]

    def form(
        self, *, ready: str = "yes", settings: str = "", up: bool = True, link: int = 1, silent: int = 0
    ) -> None:
        """The appliance serves here; the other node is as is said, its probe *silent* for so many seconds."""
        own = {"up": 1700000000, "join": "member", "ready": "yes", "link": 1, "probed": int(time.time())}
        states = STATE.format(id=1, name=HERE, score=10001, settings=self.digest, **own)
        states += STATE.format(
            id=2,
            name=THERE,
            up=1700000000 if up else 0,
            join="member" if up else "down",
            score=10000,
            ready=ready,
            link=link,
            probed=int(time.time()) - silent,
            settings=settings or self.digest,
        )
        self.cib.write_text(CONFIGURATION.format(here=HERE, there=THERE, states=states))
        self.settle()

    def settle(self, *injected: str) -> None:
        """What the scheduler wants is done, after what was *injected* (crm_simulate(8))."""
        fresh = self.cib.with_suffix(".fresh")
        command = [
            "crm_simulate",
            "--xml-file",
            str(self.cib),
            "--simulate",
            "--save-output",
            str(fresh),
            *injected,
        ]
        subprocess.run(command, check=True, capture_output=True, env=self._environment)
        fresh.rename(self.cib)

    def say(self, *command: str) -> None:
        """A command of Pacemaker's, as somebody says it by hand."""
        subprocess.run(command, check=True, capture_output=True, env=self._environment)

    def told(self) -> str:
        """What crm_mon says, as XML."""
        command = ["crm_mon", "--output-as=xml"]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self._environment).stdout

    def active(self) -> str | None:
        found = ElementTree.fromstring(self.told()).find(".//resource[@id='appliance']/node")  # noqa: S314 - Pacemaker's
        return None if found is None else found.get("name")

    def constraints(self) -> str:
        command = ["cibadmin", "--query", "--scope", "constraints"]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self._environment).stdout

    def run(self, *arguments: str, mounted: bool = True) -> tuple[int, str]:
        return cluster(self.root, *arguments, mounted=mounted, **self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """By what its commands are found, and read the file."""
        return {**ENVIRONMENT, "CIB_file": str(self.cib)}

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}
