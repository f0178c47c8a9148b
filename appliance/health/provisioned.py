"""What the provisioning laid down, against what is there now: settings and units that somebody changed by hand.

``config/provisioned.json`` is ``{"files": {PATH: SHA-256 in hex, …}}``; the playbook writes it when it is through.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from appliance.health.bench import CheckContext, NotAnswerable
from appliance.health.finding import HealthFinding, attention, good
from appliance.health.pages import RunbookPage

MOST_NAMED = 3


def drift(bench: CheckContext) -> HealthFinding:
    """Every file is as it was laid down; nothing to say where no playbook did."""
    try:
        laid_down: Mapping[str, str] = json.loads(bench.home.provisioned.read_bytes())["files"]
    except FileNotFoundError as error:
        raise NotAnswerable from error
    except (OSError, ValueError, KeyError) as error:
        values = {"files": str(bench.home.provisioned), "why": str(error)}
        template = "The list of what was provisioned cannot be read: {files} ({why})."
        return attention("provisioned", RunbookPage.PROVISIONED_DRIFT, template, values)
    changed = [path for path, digest in sorted(laid_down.items()) if _digest(Path(path)) not in (digest, None)]
    if changed:
        more = "" if len(changed) <= MOST_NAMED else ", …"
        named = ", ".join(changed[:MOST_NAMED]) + more
        template = "Files that are not as they were provisioned ({count}): {files}."
        found = {"files": named, "count": len(changed)}
        return attention("provisioned", RunbookPage.PROVISIONED_DRIFT, template, found, mark=named)
    return good("provisioned", "Every managed file is as it was provisioned ({count}).", {"count": len(laid_down)})


def _digest(path: Path) -> str | None:
    """The digest in hex; empty for a file that is gone; None for one that is not for this process to read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
    except OSError:
        return None
