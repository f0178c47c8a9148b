"""An anchor for outside signers as officers approve it: the certificate of an authority that certifies the people
of one organisation, and is believed for the signatures of that organisation's outside signers alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hsm.errors import BadRequest
from hsm.intents import required_field
from hsm.names import LONGEST_ORGANISATION, is_name, is_visible

ANCHOR_FORMAT: Final = "vermilion-signer-anchor/1"
"""Of the authority's statement that officers have approved an anchor."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def anchor_in(details: Mapping[str, Any]) -> dict[str, str]:
    """The anchor that officers' arguments name: ``id`` is its number, ``organisation`` whose people it certifies
    (for somebody who signs for none, their name), ``certificate`` the SHA-256 (hex) of its DER. Raises
    :class:`BadRequest`."""
    found = {"id": required_field(details, "subject", str)}
    found |= {name: required_field(details, name, str) for name in ("organisation", "certificate")}
    named = 1 <= len(found["organisation"]) <= LONGEST_ORGANISATION and is_visible(found["organisation"])
    for name, holds in (
        ("subject", is_name(found["id"], "anchor")),
        ("organisation", named),
        ("certificate", _DIGEST.fullmatch(found["certificate"]) is not None),
    ):
        if not holds:
            raise BadRequest("The field {name} of an anchor does not have its plain form.", name=name)
    return found
