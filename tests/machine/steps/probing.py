"""Programs of ours under the very units of services: what these forbid, and what they leave."""

from __future__ import annotations

import base64

LEFT_OUT = (
    "ExecStart=",
    "Type=",
    "NotifyAccess=",
    "WatchdogSec=",
    "Restart",
    "OnFailure=",
    "StartLimit",
    "Requires=",
    "TimeoutStartSec=",
)
PLACE = "/run/vermilion-probe"


def probe_of(unit: str, code: str, changes: tuple[str, ...]) -> str:
    """A script that makes ``probe.service`` of ``vermilion-UNIT`` with its drop-ins and *changes*: it runs *code*,
    and what that says comes into a file."""
    program = base64.b64encode(code.encode()).decode()
    own = ("Type=oneshot", f"ExecStart=/opt/vermilion/current/bin/python {PLACE}.py", *changes)
    lines = " ".join(f"'{line}'" for line in ("[Service]", *own, f"StandardOutput=truncate:{PLACE}.out"))
    without = " ".join(f"-e '/^{start}/d'" for start in LEFT_OUT)
    return (
        f"echo {program} | base64 -d >{PLACE}.py; rm -f {PLACE}.out;"
        f" {{ systemctl cat vermilion-{unit}.service | sed {without}; printf '%s\\n' {lines}; }}"
        " >/run/systemd/system/probe.service; systemctl daemon-reload"
    )
