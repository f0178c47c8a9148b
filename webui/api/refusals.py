"""Which member of the content a refusal of a workflow is about: one table for all operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct

from appliance.contracts import preconditions
from appliance.contracts.draft_rules import TOO_FAR, TOO_MANY_PLACES
from appliance.model import seal_rules
from appliance.signing_methods import NOT_ALLOWED, NOT_AVAILABLE, NOT_HERE
from hsm.errors import RefusalError
from webui.api.problems import ProblemError

UNKNOWN_PERSON: Final = "There is no person {subject}."

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "/title": (
        "A contract needs a title.",
        "The title is too long; {most} characters are possible.",
        "Say in words what is deposited; the title stands on the certificate.",
    ),
    "/kind": (
        "The type is too long; {most} characters are possible.",
        "This API client makes contracts of these types: {kinds}.",
    ),
    "/purpose": (
        "The purpose is too long; {most} characters are possible.",
        "Say what the capture is for; it stands on the certificate.",
    ),
    "/every": ("From one capture to the next it is 1 to {most} days.",),
    "/times": ("A plan has 2 to {most} captures.",),
    "/number": (
        "Contracts of this type get their number here; leave the number empty.",
        "The number is too long; {most} characters are possible.",
        "A number needs letters or digits.",
        "Another contract has the number {number}.",
    ),
    "/deadline/at": (
        "The deadline {deadline} is in the past.",
        "The new deadline must be in the future.",
        "The new deadline must be later than {deadline} ({zone}).",
        TOO_FAR,
    ),
    "/deadline/zone": ("There is no time zone {zone}.",),
    "/reason": (
        "Give a reason; the others will read it.",
        "The reason is too long; {most} characters are possible.",
    ),
    "/person": (
        "{name} was invited to another contract only.",
        "{name} is a party already.",
        "The account of {name} is closed or suspended; name somebody else.",
        UNKNOWN_PERSON,
    ),
    "/requester": (
        "An outside signer cannot ask for a seal.",
        "{name} signs on your word alone and cannot ask for a seal; officers have to verify them.",
        UNKNOWN_PERSON,
        preconditions.FOREIGN,
        preconditions.ONE_CONTRACT,
    ),
    "/seal": (
        "There is no seal {subject}.",
        "{name} is a party already.",
        *(preconditions.SUSPENDED, preconditions.DESTROYED, preconditions.ALONE, preconditions.TOO_FEW),
        *(preconditions.OUTSIDE_ALONE, preconditions.OUTSIDE_TOO_FEW),
        *(seal_rules.NOT_FOR_KIND, seal_rules.WITHOUT_AMOUNT, seal_rules.TOO_LARGE),
    ),
    "/organisation": (
        "An outside signer cannot be of {organisation}: {own} is an organisation of this house. Who works"
        " here signs with an account.",
    ),
    "/email": (
        "{email} belongs to another account; each human has one.",
        "{email} is an administrator of this machine; who administrates has no account in the portal.",
    ),
    "/method": (*NOT_ALLOWED.values(), NOT_AVAILABLE, NOT_HERE),
    "/places": (
        "A signature has at most {most} places.",
        "The document does not have this page; its pages are 1 to {pages}.",
        "A field needs a width and a height.",
        *(TOO_MANY_PLACES, seal_rules.NOT_LAST_PAGE, seal_rules.NOT_LOWER_RIGHT),
    ),
    "/cross_page_y": ("Only a seal goes across pages; {name} is a person.",),
    "/accepting_unverified": (
        "The document carries signatures that could not be verified here; confirm that it is to be sent all the"
        " same.",
    ),
    "/leaving_open": (
        "Comments and proposed changes still open: {count}. Settle them, or confirm that the contract is to be"
        " sent all the same.",
    ),
    "/side": ("Choose who signs for your side: you, a seal, or both.",),
    "/effective": ("Choose a day within {years} years.",),
    "/content": ("Write what the parties agree on.",),
    "/grantor": ("Name the grantor, and who signed the letter for it.",),
    "/agent": (UNKNOWN_PERSON, "{name} cannot sign contracts."),
    "/seals": ("There is no seal {subject}.", "The seal {seal} is not one of {organisation}."),
    "/until": (
        "A power ends after it begins; check the two days.",
        "This power has ended already; there is nothing to register.",
        "The longest term of a power that policy allows, in days: {most}.",
    ),
    "/contract": (
        "There is no contract {contract}.",
        "Name the contract by which the letter was signed here.",
        "“{title}” is not completed, so it grants nothing yet.",
        "“{title}” is not signed for {organisation} by anybody but the agent.",
    ),
    "/holder": ("Name the rights holder, as it is to stand on the certificate.",),
    "/completed": (
        "The completion date {day} is in the future; leave it empty for a work that is not completed.",
        "The completion date needs a year of four digits, such as {day}.",
    ),
    "/declaration/version": ("Make the declaration first; nothing is deposited without it.",),
    "/declaration/by": (
        "{name} cannot have declared it: whoever does is of the depositor's organisation, with an active account.",
    ),
    "/declaration/obtained": (
        "The day {day} on which the declaration was obtained is in the future; obtain it first.",
    ),
    "/files": (
        "The list has the file {name} twice; leave one of them out.",
        "There is nothing in these files (0 bytes), so there is nothing to prove.",
        "File {number} has no name; several files need one each.",
        "Size and SHA-256 of file {number} do not fit together; choose the file again.",
    ),
    "/predecessor": (
        "There is no deposit {deposit} of yours that this could be the next version of.",
        "“{title}” has a newer version already; deposit this one after the newest version.",
        "Another version follows that deposit already; deposit this one after the newest version.",
    ),
    "/document": ("A power needs its document; choose the letter as a PDF file.",),
}

POINTERS: Final[Mapping[str, tuple[str, ...]]] = {
    template: tuple(pointer for pointer, templates in _MEMBERS.items() if template in templates)
    for templates in _MEMBERS.values()
    for template in templates
}
"""By sentence, what it can be about: the first member of these that the content has."""


def about_member(refusal: RefusalError, sent: object) -> ProblemError | None:
    """The *refusal* as one of a member of what was *sent*; None where it is about the state of things instead."""
    for pointer in POINTERS.get(refusal.template, ()):
        member = getattr(sent, pointer.split("/")[1], None) if isinstance(sent, Struct) else None
        if member is not None and member is not UNSET:
            code = "unknown-person" if refusal.template == UNKNOWN_PERSON else "invalid-body"
            return ProblemError(refusal.template, code, pointer=pointer, **dict(refusal.values))
    return None
