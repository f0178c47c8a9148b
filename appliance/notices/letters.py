"""The words of a notice, in the recipient's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from appliance.language import translator
from appliance.model.notice import NoticeKind
from appliance.model.people import Person

SUBJECTS = {
    NoticeKind.YOUR_TURN: "“{title}” waits for your signature",
    NoticeKind.PARTY_SIGNED: "“{title}” has been signed by one more party",
    NoticeKind.COMPLETED: "“{title}” is signed by everybody and sealed off",
    NoticeKind.DECLINED: "“{title}” was declined",
    NoticeKind.RECALLED: "“{title}” was recalled",
    NoticeKind.EXPIRED: "“{title}” has expired unsigned",
}
DEADLINE = "Signing is possible until {deadline} ({zone})."
ADDRESS = "The contract: {address}"
GREETING = "Dear {name},"


@dataclass(frozen=True, slots=True)
class Letter:
    """Subject line and body, plain text."""

    subject: str
    body: str


def letter(person: Person, kind: NoticeKind, *, title: str, deadline: datetime, address: str) -> Letter:
    """What *person* is told; *address* is the contract's page, the *deadline* is shown in the person's zone."""
    translate = translator(person.language)
    subject = translate(SUBJECTS[kind], title=title)
    lines = [translate(GREETING, name=person.name), "", subject]
    if kind is NoticeKind.YOUR_TURN:
        local = deadline.astimezone(ZoneInfo(person.zone))
        lines.append(translate(DEADLINE, deadline=local.strftime("%Y-%m-%d %H:%M"), zone=person.zone))
    lines += ["", translate(ADDRESS, address=address)]
    return Letter(subject, "\n".join(lines) + "\n")
