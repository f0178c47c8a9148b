"""How two machines can stand: recordings of what the cluster's programs print, and the same with one change.

``recordings/NAME.json`` has the form of ``/run/vermilion-cluster/state.json``. healthy, ring-down, fence-failed
and lost were made with two machines in QEMU (tests/ha), before these had the appliance itself: its resource,
what the machines say of themselves, and Pacemaker of their network cards in front, are put in as ``crm_mon``
prints such things. split-brain is what a machine said after the operation ``split`` of tests/ha. In peer-off and
syncing the XML is that of the real ``crm_mon`` over a CIB that ``crm_simulate`` made (there by hand as well); what
DRBD and Corosync say there is written by their documentation, until tests/ha has recorded it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.home import Home

RECORDINGS = Path(__file__).parent / "recordings"
ARBITER = "arbiter.example"
SETTINGS = "a" * 64

State = dict[str, Any]


def recording(name: str) -> State:
    """As the probe wrote it."""
    found: State = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    if 'id="appliance"' not in found["crm_mon"]:
        found["crm_mon"] = _with_appliance(found["crm_mon"])
    return found


def _with_appliance(crm_mon: str) -> str:
    """Beside the address and where that is; each machine that is there says that it is ready."""
    address = re.search(r' *<resource id="address".*?</resource>\n', crm_mon, re.DOTALL)
    assert address is not None
    own = address[0].replace('id="address"', 'id="appliance"').replace("heartbeat:IPaddr2", "vermilion:appliance")
    said = (
        f'<attribute name="vermilion-ready" value="yes"/><attribute name="vermilion-settings" value="{SETTINGS}"/>'
        '<attribute name="front-link" value="1"/>'
    )
    with_own = crm_mon.replace(address[0], address[0] + own)
    before, nodes, after = with_own.partition("<node_attributes>")
    told, end, rest = after.partition("</node_attributes>")
    return before + nodes + re.sub(r'(<node name="[^"]+">)', rf"\g<1>{said}", told) + end + rest


def names_of(state: State) -> tuple[str, str]:
    """The machine that saw it, and the other."""
    found = re.findall(r'<node name="([^"]+)" id="\d+" online=', state["crm_mon"])
    (other,) = set(found) - {state["node"]}
    return state["node"], other


def changed(part: str, pattern: str, text: str, *, of: str = "healthy", count: int = 1) -> Callable[[], State]:
    """A recording in which *pattern* of a *part* reads *text*; OTHER is the machine that did not see it."""

    def make() -> State:
        state = recording(of)
        here, other = names_of(state)
        searched = pattern.replace("OTHER", re.escape(other)).replace("HERE", re.escape(here))
        put = text.replace("OTHER", other).replace("HERE", here)
        state[part], done = re.subn(searched, put, state[part], count=count, flags=re.DOTALL)
        assert done, f"{part} of {of} has no {searched}"
        return state

    return make


def _attribute(name: str, value: str) -> Callable[[], State]:
    """What the other machine says of itself is *value*."""
    before = rf'(<node_attributes>.*<node name="OTHER">(?:(?!</node>).)*name="{name}" value=")[^"]*'
    return changed("crm_mon", before, rf"\g<1>{value}")


def _with_column(qdevice: str) -> Callable[[], State]:
    """An arbiter: a column more in the list of members, as corosync-quorumtool prints it."""
    return changed("quorum", r"(\n +1 +1 )(?=\S+ \(local\))", rf"\g<1>{qdevice:>10} ")


def _unproven() -> State:
    """What cuts the other machine off was changed, and did not cut it since."""
    state = recording("healthy")
    return {**state, "unproven": [names_of(state)[1]]}


def _long_names() -> State:
    """Both machines have names as long as a host may have (hostname(7)), and a hyphen nowhere."""
    state = recording("fence-failed")
    for name in names_of(state):
        state = {
            key: re.sub(rf"\b{name}\b", f"{name:x<63}", each) for key, each in state.items() if key != "problems"
        }
    return state


MADE: dict[str, Callable[[], State]] = {
    **{
        name: lambda name=name: recording(name)  # type: ignore[misc]
        for name in ("healthy", "peer-off", "lost", "syncing", "split-brain", "ring-down", "fence-failed")
    },
    "long-names": _long_names,
    "unproven": _unproven,
    "not-started": changed("crm_mon", r'(id="appliance" [^>]*role=)"Started"', r'\1"Stopped"'),
    # Pacemaker stops there what watches the link, too, which takes its attribute away.
    "set-aside": changed(
        "crm_mon",
        r'(name="OTHER" id="\d+" online="true" )standby="false"'
        r'(.*<node_attributes>.*<node name="OTHER">(?:(?!</node>).)*)<attribute name="front-link" value="1"/>',
        r'\1standby="true"\2',
    ),
    "paused": changed(
        "crm_mon", r'(id="appliance" [^>]*maintenance=)"false" managed="true"', r'\1"true" managed="false"'
    ),
    "settings-differ": _attribute("vermilion-settings", "b" * 64),
    "unreached": _attribute("front-link", "0"),
    "unwatched": changed(
        "crm_mon",
        r'(<node_attributes>.*<node name="OTHER">(?:(?!</node>).)*)<attribute name="front-link" value="1"/>',
        r"\1",
    ),
    "silent": changed(
        "crm_mon",
        r'(<node_attributes>.*?<node name="OTHER">)',
        r'\1<attribute name="vermilion-probed" value="1700000000"/>',
    ),
    "unready": _attribute("vermilion-ready", "Release 1.4.0, which serves, is not installed here."),
    "banned": changed(
        "crm_mon",
        "<bans>",
        '<bans><ban id="cli-ban-vermilion-on-OTHER" resource="vermilion" node="OTHER" weight="-INFINITY"/>',
    ),
    "barred-by-drbd": changed(
        "crm_mon",
        "<bans>",
        '<bans><ban id="drbd-fence-by-handler-vermilion-rule-volume-clone" resource="volume-clone" node="OTHER"'
        ' weight="-1000000" promoted-only="true"/>',
    ),
    "failed-there": changed(
        "crm_mon",
        r'(<node_history>.*<node name="OTHER">)',
        r'\1<resource_history id="appliance" orphan="false" migration-threshold="3" fail-count="3"/>',
    ),
    "volume-unmanaged": changed(
        "crm_mon", r'(id="volume" [^>]*maintenance=)"false" managed="true"', r'\1"true" managed="false"', count=0
    ),
    "both-active": changed("crm_mon", r'(id="appliance" [^>]*>)', r'\1<node name="OTHER" id="2" cached="true"/>'),
    "verified": changed("drbd", "oos:0", "oos:12"),
    "outdated-here": changed("drbd", "ds:UpToDate/", "ds:Inconsistent/"),
    "disk-failed": changed("drbd", "ds:UpToDate/", "ds:Diskless/"),
    "outdated": changed("drbd", "ds:UpToDate/UpToDate", "ds:UpToDate/Outdated"),
    "held": changed("drbd", "ds:UpToDate/Outdated C r", "ds:UpToDate/DUnknown C s", of="lost"),
    "verifying": changed("drbd", "cs:Connected", "cs:VerifyS"),
    "sync-here": changed("drbd", "cs:SyncSource", "cs:SyncTarget", of="syncing"),
    "sync-waits": changed("drbd", r"\t\[=.*", "", of="syncing"),
    "rings-down": changed("rings", " connected", "", count=0),
    "one-ring": changed("rings", r"   LINK: 1[^\n]*\n", ""),
    "no-quorum": changed("quorum", r"Quorate:( +)Yes", r"Quorate:\1No"),
    "arbiter": _with_column("A,V,NMW"),
    "arbiter-gone": _with_column("NA,NV,NMW"),
    "fencing-off": changed("crm_mon", 'stonith-enabled="true"', 'stonith-enabled="false"'),
    "no-device": changed("crm_mon", r'<resource id="fence-OTHER".*?</resource>', ""),
    "device-recovered": changed(
        "crm_mon", r'(id="fence-OTHER" [^>]*role=)"Stopped"', r'\1"Started"', of="fence-failed"
    ),
    "fencing-failed": changed(
        "crm_mon",
        r'(<fence_event [^>]*target="OTHER"[^>]*status=)"success"',
        r'\1"failed" exit-reason="No route to host"',
    ),
}
"""Every scene by its name."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the history, *ago* before now."""

    event: str
    node: str
    ago: timedelta
    why: str
    more: tuple[tuple[str, str], ...] = ()


def history_of(events: Iterable[Event], now: datetime) -> str:
    """The lines as the agent writes them."""
    return "".join(
        json.dumps(
            {
                "event": each.event,
                "node": each.node,
                "at": (now - each.ago).isoformat(),
                "why": each.why,
                **dict(each.more),
            }
        )
        + "\n"
        for each in events
    )


def some_history(here: str, other: str) -> list[Event]:
    """A start, a drill over to *other* in 9 seconds, and a power cut that brought it back."""
    day = timedelta(days=1)
    return [
        Event("serving", here, 40 * day, "start"),
        Event("stopped", here, 20 * day, "drill", (("by", "0123456789ab"),)),
        Event("serving", other, 20 * day - timedelta(seconds=9), "drill", (("by", "0123456789ab"),)),
    ]


def lay_down(home: Home, scene: str, now: datetime, *, history: bool = True) -> State:
    """*scene* where the probe, the playbook and the agent leave what they write, seen at *now*."""
    state = MADE[scene]()
    here, other = names_of(state)
    arbiter = f'arbiter = "{ARBITER}"\n' if "arbiter" in scene else ""
    home.cluster_settings.parent.mkdir(parents=True, exist_ok=True)
    home.cluster_settings.write_text(
        f'name = "vermilion"\nnodes = ["{here}", "{other}"]\naddress = "192.0.2.10/24"\nresource = "vermilion"\n'
        f'fencing = "power"\n{arbiter}',
        encoding="utf-8",
    )
    write_state(home, state, now)
    home.cluster_history.parent.mkdir(parents=True, exist_ok=True)
    events = (
        []
        if not history
        else [
            *some_history(here, other),
            Event(
                "serving",
                here,
                timedelta(days=3),
                "failover",
                (("last_seen", (now - timedelta(days=3, seconds=41)).isoformat()),),
            ),
        ]
    )
    home.cluster_history.write_text(history_of(events, now), encoding="utf-8")
    return state


def write_state(home: Home, state: State, now: datetime) -> None:
    """*state* as the probe writes it at *now*."""
    home.cluster_state.parent.mkdir(parents=True, exist_ok=True)
    state = {**state, "settings": state["settings"] or SETTINGS, "at": now.isoformat()}
    home.cluster_state.write_text(json.dumps(state), encoding="utf-8")
