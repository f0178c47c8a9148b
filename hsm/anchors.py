"""An anchor for outside signers as officers approve it: the certificate of an authority that certifies the people
of one organisation, and is believed for the signatures of that organisation's outside signers alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hsm.intents import plain_line, require_plain, required_field
from hsm.names import is_name

ANCHOR_FORMAT: Final = "vermilion-signer-anchor/1"
"""Of the authority's statement that officers have approved an anchor."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def anchor_in(details: Mapping[str, Any]) -> dict[str, str]:
    """The anchor that officers' arguments name: ``id`` is its number, ``organisation`` whose people it certifies
    (for somebody who signs for none, their name), ``certificate`` the SHA-256 (hex) of its DER. Raises
    :class:`BadRequest`."""
    number, certificate = (required_field(details, name, str) for name in ("subject", "certificate"))
    require_plain(is_name(number, "anchor"), "subject")
    require_plain(_DIGEST.fullmatch(certificate) is not None, "certificate")
    return {"id": number, "organisation": plain_line(details, "organisation"), "certificate": certificate}
