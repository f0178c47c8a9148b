"""Web pages are captured by the confined service, and what a page, a browser or the program takes over reaches
nothing of the machine."""

from __future__ import annotations

import json

from tests.machine.bed import Bed
from tests.machine.failure import LeftOut, StepFailed
from tests.machine.plan import step
from tests.machine.steps.probing import PLACE, probe_of
from tests.machine.website import GUARDED, PORT, PRICE

PYTHON = "/opt/vermilion/current/bin/python"
CAPTURES = "/run/vermilion-captures.py"

_ASKS = """
import json, sys
from appliance.capture_service.client import CaptureService
from appliance.config import load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.web_capture.model import CaptureOrder
from pathlib import Path
settings = load(Home(Path("/var/lib/vermilion")))
try:
    made = CaptureService(settings, settings.home.capture_socket).capture(CaptureOrder(sys.argv[1]))
    connected = sorted({place for each in made.traffic.connected.values() for place in each})
    refused = [[each.address, each.why] for each in made.traffic.refused]
    said = {"text": made.visit.text, "title": made.visit.title, "bytes": len(made.warc)}
    print(json.dumps(said | {"connected": connected, "refused": refused}))
except ApplianceError as error:
    print(json.dumps({"failed": str(error)}))
"""
"""A program, run as the scheduler's user, that has an address captured through the socket."""

HIDDEN = (
    "/var/lib/vermilion/state",
    "/var/lib/vermilion/administration",
    "/var/lib/vermilion/hsm",
    "/var/lib/vermilion/timestamps",
    "/run/vermilion",
)

_INSIDE = """
import json, os, socket
def tried(act):
    try:
        return act()
    except OSError as error:
        return error.strerror or type(error).__name__
def reached(address):
    return tried(lambda: socket.create_connection(address, 3).close() or "reached")
told = {
    "places": {place: tried(lambda: os.listdir(place)) for place in ("/var", "/run", "/etc/vermilion", "/opt")},
    "ports": {str(port): reached(("127.0.0.1", port)) for port in (22, 80, 443, 8445, SITE)},
    "neighbour": reached(("10.0.2.2", 53)),
    "links": [name for _, name in socket.if_nameindex()],
    "processes": sorted(int(each) for each in os.listdir("/proc") if each.isdigit()),
    "tmp": os.listdir("/tmp"),
    "write": tried(lambda: open("/usr/lib/planted", "w").close() or "written"),
    "vsock": tried(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close() or "made"),
}
os.write(4, json.dumps(told).encode())
"""
"""What runs in the browser's place, within its walls: what is there, and what it reaches."""

_LOOKS = f"""
import json, os, pwd
from appliance.web_capture import enclosure
def look(place):
    try:
        return os.listdir(place)
    except OSError as error:
        return error.strerror
enclosure.browser = lambda: "/usr/bin/python3"
made = enclosure.enclose(("-I", "-c", {_INSIDE.replace("SITE", str(PORT))!r}))
with os.fdopen(os.dup(made.reading), "rb") as told:
    inside = json.loads(told.read())
made.end()
seen = {{place: look(place) for place in {HIDDEN}}}
secrets = os.listdir(os.environ["CREDENTIALS_DIRECTORY"]) if "CREDENTIALS_DIRECTORY" in os.environ else []
print(json.dumps([pwd.getpwuid(os.getuid()).pw_name, secrets, seen, inside]))
"""
"""A program under the unit of the capture service, which puts another one into its browser's walls."""


@step("capture", "contract")
def capture(bed: Bed) -> str:
    """a page of the house is captured through the socket; a hostile page or browser reaches nothing else"""
    machine = bed.machine
    if not machine.says("systemctl cat vermilion-capture.socket"):
        raise LeftOut("this release captures no pages")
    with bed.beside("website"):
        made = _captured(bed, "/")
        if PRICE not in made.get("text", "") or made.get("title") != "夏季新款":
            raise StepFailed(f"the page was not captured: {made}")
        told = [f"{made['bytes']} bytes of WARC", _hostile(bed), _walls(bed), _bomb(bed)]
    bed.outside("ready", 30)
    told.append(bed.outside("timestamp", "beside-captures"))
    return "; ".join(told)


def _captured(bed: Bed, path: str) -> dict[str, object]:
    """What comes of a capture that the scheduler's user orders."""
    place = bed.machine.root / "root/captures.py"
    place.write_text(_ASKS, encoding="utf-8")
    bed.machine.run(f"install --mode 0644 /root/captures.py {CAPTURES}")
    asking = f"runuser -u vermilion-scheduler -g vermilion -- {PYTHON} {CAPTURES} http://127.0.0.1:{PORT}{path}"
    found: dict[str, object] = json.loads(bed.machine.run(asking))
    return found


def _hostile(bed: Bed) -> str:
    """A page asks for the portal and for others; nothing is connected to but the site itself."""
    made = _captured(bed, "/hostile")
    if f"tried {len(GUARDED)}" not in str(made.get("text")):
        raise StepFailed(f"the hostile page did not try everything: {made}")
    refused = made["refused"]
    assert isinstance(refused, list)
    if made["connected"] != [f"127.0.0.1:{PORT}"] or not refused:
        raise StepFailed(f"a page has reached something: {made}")
    return f"a hostile page tried {len(GUARDED)} addresses, and reached the site alone ({len(refused)} refused)"


def _walls(bed: Bed) -> str:
    """Who runs the service sees nothing else, and what is in the browser's place sees nothing at all."""
    told = bed.machine.run(
        f"{probe_of('capture@probe', _LOOKS, ('StandardInput=null',))}; systemctl start probe.service;"
        f" cat {PLACE}.out; journalctl --unit probe.service --output cat --lines 5 >&2"
    )
    user, secrets, seen, inside = json.loads(told.splitlines()[0])
    if (user, secrets) != ("vermilion-capture", []):
        raise StepFailed(f"pages are captured by {user}, who has {secrets}")
    if open_ones := {place: found for place, found in seen.items() if isinstance(found, list)}:
        raise StepFailed(f"who captures pages sees {open_ones}")
    reached = [port for port, found in inside["ports"].items() if found == "reached"]
    places = {place: found for place, found in inside["places"].items() if isinstance(found, list)}
    odd = {name: inside[name] for name, wanted in _WALLS.items() if inside[name] not in wanted}
    if reached or places or odd or len(inside["processes"]) > 3:
        raise StepFailed(f"within the walls: ports {reached}, places {places}, {odd}, {inside['processes']}")
    return f"{user} sees none of {len(seen)} places, its browser {len(inside['processes'])} processes and no port"


_WALLS = {
    "neighbour": ("Network is unreachable",),
    "links": (["lo"],),
    "tmp": ([],),
    "write": ("Read-only file system", "Permission denied"),
    "vsock": ("Address family not supported by protocol",),
}
"""What each try within the walls may come to."""


def _bomb(bed: Bed) -> str:
    """A page that eats memory fails, and its service ends alone; where nothing bounds memory it is not tried."""
    bounded = "systemd-run --quiet --wait -p MemoryMax=64M -p MemorySwapMax=0 python3 -c 'b\"x\" * (200 << 20)'"
    if bed.machine.says(bounded):
        return "this container bounds no memory: no page that eats it was tried"
    made = _captured(bed, "/bomb")
    if "failed" not in made:
        raise StepFailed(f"a page that eats memory was captured: {made}")
    return f"a page that eats memory: {made['failed']}"
