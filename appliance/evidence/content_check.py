"""The content check in a package: its result and the reviewer's sign-off, bound to the document and to the log.

1. ``review/check.json`` is about exactly the contract as given, and the log has its digest;
2. ``review/sign-off.json`` answers for exactly that check, and the log has its digest and every waiver in it;
3. what the log has of checks and sign-offs of this document is not left out, unless the manifest says that it is
   withheld: the internal record of another organisation than the one for which the package was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from appliance.evidence.history import PackageEvent
from appliance.evidence.model import PackageRefused
from appliance.language.sizes import ByteSize
from appliance.model.review import CHECK, CHECK_FORMAT, SIGN_OFF, SIGN_OFF_FORMAT
from hsm import canonical
from hsm.errors import Malformed

LARGEST: Final = 4 * 1024 * 1024


def require_review(
    files: Mapping[str, memoryview],
    original: bytes,
    contract: str,
    events: Sequence[PackageEvent],
    *,
    withheld: Collection[int] = (),
) -> None:
    """Raises :class:`PackageRefused` unless the review in *files* holds; the log's *events* are proven
    already, and those whose numbers are *withheld* need no record."""
    document = hashlib.sha256(original).hexdigest()
    open_ones = (event for event in events if event.entry not in withheld)
    acts = [act for act in _acts(open_ones) if act.get("document") == document]
    check, sign_off = files.get(CHECK), files.get(SIGN_OFF)
    told = {
        kind: [act for act in acts if act["kind"] == kind] for kind in ("content-checked", "review-signed-off")
    }
    if check is None and told["content-checked"]:
        raise PackageRefused("The package lacks the file {path}.", path=CHECK)
    if sign_off is None and told["review-signed-off"]:
        raise PackageRefused("The package lacks the file {path}.", path=SIGN_OFF)
    if check is not None:
        said = _record(CHECK, check, CHECK_FORMAT, {"document": document, "contract": contract})
        digest = hashlib.sha256(check).hexdigest()
        if not any(act["check"] == digest and act["rules"] == said["rules"] for act in told["content-checked"]):
            raise PackageRefused("The log knows nothing of the content check in the package.")
        if sign_off is not None:
            _require_sign_off(sign_off, {"document": document, "contract": contract, "check": digest}, acts)
    elif sign_off is not None:
        raise PackageRefused("The package lacks the file {path}.", path=CHECK)


def _require_sign_off(sign_off: memoryview, expected: Mapping[str, str], acts: list[dict[str, Any]]) -> None:
    said = _record(SIGN_OFF, sign_off, SIGN_OFF_FORMAT, expected)
    digest = hashlib.sha256(sign_off).hexdigest()
    signed = [act for act in acts if act["kind"] == "review-signed-off" and act["record"] == digest]
    if not any(act["actor"] == said["reviewer"] for act in signed):
        raise PackageRefused("The log knows nothing of the reviewer's sign-off in the package.")
    waived = {(act["item"], act["actor"]) for act in acts if act["kind"] == "clause-waived"}
    if any(not waived & {(each["item"], each["by"]), (None, each["by"])} for each in said["waivers"]):
        raise PackageRefused("The log knows nothing of a waiver in the reviewer's sign-off.")


def _record(path: str, data: memoryview, form: str, expected: Mapping[str, str]) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise PackageRefused(
            "The file {path} of the package is larger than {limit}.", path=path, limit=ByteSize(LARGEST)
        )
    try:
        said = canonical.decode(bytes(data))
        if said["format"] != form:
            raise PackageRefused("A file of the package is not in the form that it must have.")
    except (Malformed, KeyError, TypeError) as error:
        raise PackageRefused("A file of the package is not in the form that it must have.") from error
    if any(said.get(name) != value for name, value in expected.items()):
        raise PackageRefused(
            "The file {path} is about another document than the contract in the package.", path=path
        )
    return dict(said)


def _acts(events: Iterable[PackageEvent]) -> Iterator[dict[str, Any]]:
    """The acts with all that is known of each; what was erased is None."""
    for event in events:
        yield {"item": None, **event.private, **event.public, "actor": event.actor, "kind": event.kind}
