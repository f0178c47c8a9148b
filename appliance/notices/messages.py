"""The words of a notice, in the recipient's language, as plain text and as quiet HTML; the page that it leads to.

Links that let somebody in are made when a message is sent, never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Final

from appliance.accounts.tickets import LinkTokens
from appliance.config import Settings
from appliance.errors import NotFound
from appliance.language import Language, Translator, instants, translator
from appliance.model.accounts import AccountLink, EmbeddedLink, GuestInvitation, LinkPurpose
from appliance.model.contract import Contract, Party, PartyState
from appliance.model.notice import Notice, NoticeKind, Reminder, ReminderRole
from appliance.model.people import Person
from appliance.store import captures, guests, people
from appliance.store.database import Transaction

_BY_INITIATOR = frozenset(
    {
        NoticeKind.YOUR_TURN,
        NoticeKind.SEAL_TURN,
        NoticeKind.GUEST_INVITED,
        NoticeKind.RECALLED,
        NoticeKind.EXTENDED,
        NoticeKind.REMINDED,
        NoticeKind.DRAFT_SHARED,
        NoticeKind.REVIEW_ASKED,
    }
)


@dataclass(frozen=True, slots=True)
class NamedActor:
    """Somebody with the organisation, which is empty for who signs for none."""

    name: str
    organisation: str = ""


def actors_of_notice(tx: Transaction, notice: Notice, contract: Contract) -> tuple[NamedActor, ...]:
    """Who did what *notice* tells, or whom it is about; nobody where that is not known."""
    if notice.kind in _BY_INITIATOR:
        return (person_actor(tx, contract.initiator),)
    if notice.kind is NoticeKind.DEPUTY_ASKED:
        return (person_actor(tx, notice.about),)
    if notice.kind is NoticeKind.VOID_PROPOSED:
        return () if contract.voiding is None else (person_actor(tx, contract.voiding.by),)
    if notice.kind is NoticeKind.COMPLETED:
        return tuple(_party(party) for party in contract.parties)
    if notice.kind is NoticeKind.DECLINED:
        return tuple(_party(party) for party in contract.parties if party.state is PartyState.DECLINED)
    party = contract.party(notice.about)
    return () if party is None else (_party(party),)


def format_actors(who: Sequence[NamedActor], translate: Translator, language: Language) -> str:
    """*who* as words of a sentence."""
    comma = "、" if language is Language.CHINESE else ", "
    return comma.join(
        translate("{name} ({organisation})", name=each.name, organisation=each.organisation)
        if each.organisation
        else each.name
        for each in who
    )


def person_actor(tx: Transaction, subject: str) -> NamedActor:
    person = people.person(tx, subject)
    return NamedActor(person.name, person.organisation)


def _party(party: Party) -> NamedActor:
    return NamedActor(party.name, "" if party.organisation in party.name else party.organisation)


SUBJECTS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.YOUR_TURN: "“{title}” waits for your signature",
    NoticeKind.SEAL_TURN: "“{title}” waits for its seal, which you ask for",
    NoticeKind.PARTY_SIGNED: "“{title}” has been signed by one more party",
    NoticeKind.COMPLETED: "“{title}” is signed by everybody and sealed off",
    NoticeKind.DECLINED: "“{title}” was declined",
    NoticeKind.RECALLED: "“{title}” was recalled",
    NoticeKind.EXPIRED: "“{title}” has expired unsigned",
    NoticeKind.HANDED_OVER: "A signature of “{title}” was handed over to somebody else",
    NoticeKind.TAKEN_OVER: "“{title}” is yours now: you have become its initiator",
    NoticeKind.EXTENDED: "“{title}” can be signed for longer",
    NoticeKind.REMINDED: "Reminder: “{title}” waits for you",
    NoticeKind.DEPUTY_ASKED: "“{title}” waits for {who}, for whom you act as deputy",
    NoticeKind.DRAFT_SHARED: "The draft “{title}” is shared with you for comments",
    NoticeKind.REVIEW_ASKED: "“{title}” waits for your approval as a manager",
    NoticeKind.VOID_PROPOSED: "It is proposed to void “{title}”; your declaration is asked for",
    NoticeKind.VOID_REFUSED: "“{title}” stays in force: voiding it was refused",
    NoticeKind.VOIDED: "“{title}” has been voided by all parties",
    NoticeKind.SEAL_REQUESTED: "A seal for “{title}” waits for your approval",
    NoticeKind.SEAL_APPROVED: "The seal was put on “{title}”",
    NoticeKind.SEAL_REFUSED: "The seal for “{title}” was not given",
    NoticeKind.SEAL_LAPSED: "The request for the seal of “{title}” has ended",
    NoticeKind.GUEST_INVITED: "You are asked to sign “{title}”",
    NoticeKind.GUEST_LINK: "Your new link to “{title}”",
    NoticeKind.GUEST_CODE: "Your code for signing",
    NoticeKind.GUEST_ASKS: "{who} asks for a new link and code for “{title}”",
    NoticeKind.GUEST_ARRIVED: "{who} has opened the link to “{title}” and waits for the code",
    NoticeKind.GUEST_LOCKED: "{who} has entered wrong codes for “{title}”; the code is used up",
    NoticeKind.GUEST_REGISTERED: "{who} is set up for signing “{title}” and waits for an officer",
    NoticeKind.PARTY_CORRECTED: "The name of a party of “{title}” was corrected",
    NoticeKind.DEPARTED: "Somebody has left, and the certificate is to be ended",
    NoticeKind.CERTIFICATE_TO_END: "A certificate of an outside signer is to be ended",
    NoticeKind.INVITED: "Set up your account for signing contracts",
    NoticeKind.RECOVERY: "Set up anew how you sign in",
    NoticeKind.ENROLMENT_WAITING: "An enrolment for signing waits for your decision",
    NoticeKind.ACT_WAITING: "What administrators asked for waits for your decision",
    NoticeKind.OFFICER_RECOVERY: "An officer is given a new way in by a key ceremony",
    NoticeKind.REMOTE_REQUESTED: "Other software asks for your signature",
    NoticeKind.CAPTURE_SHARED: "The web capture of “{title}” is shared with you",
    NoticeKind.CAPTURES_TAKEN_OVER: "The web captures of {who} are yours now",
    NoticeKind.CAPTURE_CHANGED: "“{title}” has changed since the capture before",
    NoticeKind.CAPTURE_FAILED: "“{title}” could not be captured",
    NoticeKind.CAPTURES_DUE: "Web captures whose term is over wait for officers' decision",
    NoticeKind.DEPOSIT_DECLARED: "“{title}” was deposited by a program, with a declaration in your name",
    NoticeKind.DEPOSITS_DECLARED: "A program deposits several works, with a declaration in your name",
    NoticeKind.ENROLLED: "You are enrolled and can sign now",
    NoticeKind.ENROLMENT_REFUSED: "Your enrolment for signing was refused",
}

SIGNED_BY: Final = "“{title}” was signed by {who}"
"""Of PARTY_SIGNED, where it is known who; messages from earlier releases do not say."""

BY: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.YOUR_TURN: "It was sent by {who}.",
    NoticeKind.SEAL_TURN: "It was sent by {who}.",
    NoticeKind.GUEST_INVITED: "It was sent by {who}.",
    NoticeKind.DECLINED: "It was declined by {who}.",
    NoticeKind.RECALLED: "It was recalled by {who}.",
    NoticeKind.EXTENDED: "The deadline was extended by {who}.",
    NoticeKind.REMINDED: "{who} asks you to look at it now.",
    NoticeKind.DRAFT_SHARED: "It is shared by {who}.",
    NoticeKind.CAPTURE_SHARED: "It is shared by {who}.",
    NoticeKind.DEPOSIT_DECLARED: "It was handed in by {who}.",
    NoticeKind.DEPOSITS_DECLARED: "It was handed in by {who}.",
    NoticeKind.REVIEW_ASKED: "{who} started it.",
    NoticeKind.HANDED_OVER: "It is now to be signed by {who}.",
    NoticeKind.COMPLETED: "It was signed by {who}.",
    NoticeKind.VOID_PROPOSED: "It was proposed by {who}.",
    NoticeKind.PARTY_CORRECTED: "The name is now {who}.",
}
"""The sentence that names somebody."""

DEADLINE: Final = "Signing is possible until {deadline} ({zone})."
ADDRESS: Final = "The contract: {address}"
PAGE: Final = "The page: {address}"
GREETING: Final = "Dear {name},"
ONCE: Final = "The link is for you alone and works for a limited time; do not pass it on."
CODE: Final = "You will also be asked for a code, which whoever invited you tells you by telephone."
CODE_BY_TEXT: Final = (
    "You will also be asked for a code. The page can send it to your mobile number as a text message, or whoever"
    " invited you tells it by telephone."
)
AS_BEFORE: Final = "Your code is the one that you were told; whoever invited you can make a new one."
AS_BEFORE_BY_TEXT: Final = "Your code is the same as before; the page can send it to your mobile number once more."
BY_TEXT: Final[Mapping[str, str]] = {CODE: CODE_BY_TEXT, AS_BEFORE: AS_BEFORE_BY_TEXT}
"""What is said instead where the code can go to the guest's telephone."""
UPLOAD: Final = (
    "You download the document, sign it in that software and upload the signed file, which is checked there."
)
DECLARED: Final = (
    "The page shows what was declared. If you did not declare it, tell the people who run this program at once."
)
REASON: Final = "The reason is on the page of the contract."
ANSWERS: Final = "Sent by the signing appliance of {issuer}. Answers to this message go to {name}."
FROM: Final = "Sent by the signing appliance of {issuer}. Answers to this message are not read."

TEST: Final = "Test mail of the signing appliance of {issuer}"
CODE_TEXT: Final = (
    "Code {code}. Enter it on {host} to open what {organisation} asks you to sign. Do not pass it on to anybody."
)
"""The text message with an outside signer's code."""

TEST_TEXT: Final = "Test message of the signing appliance of {organisation} ({host}). Nothing has to be done."

TEST_SENT: Final = "An operator had this test sent on {at} ({zone}). Nothing has to be done."

MORE: Final[Mapping[NoticeKind, tuple[str, ...]]] = {
    NoticeKind.GUEST_INVITED: (CODE, ONCE),
    NoticeKind.GUEST_LINK: (AS_BEFORE, ONCE),
    NoticeKind.GUEST_ASKS: ("Be sure whom you talk to, then tell the new code by telephone.",),
    NoticeKind.GUEST_ARRIVED: ("Call, be sure whom you talk to, and tell the code. The page shows it.",),
    NoticeKind.GUEST_LOCKED: ("If it was the guest, make a new code on the page and tell it by telephone.",),
    NoticeKind.DEPARTED: (
        "The organisation's directory has disabled or removed this person; the account is suspended. Record the"
        " departure, which ends the certificate for good.",
    ),
    NoticeKind.CERTIFICATE_TO_END: (
        "The person is invited anew under the right name or address. The certificate from before signs nothing any"
        " more.",
    ),
    NoticeKind.INVITED: (ONCE,),
    NoticeKind.RECOVERY: ("If you have not asked for it, tell the officer who looks after accounts.", ONCE),
    NoticeKind.ACT_WAITING: ("It can be activated within 24 hours.",),
    NoticeKind.OFFICER_RECOVERY: (
        "It is for an officer whose passkey is lost. If nobody knows of that, ask at once who is root on the"
        " machine, and who keeps the PIN of the root's token.",
    ),
    NoticeKind.DRAFT_SHARED: ("You read it and write comments on the page.",),
    NoticeKind.COMPLETED: ("Everybody can download the signed document there.",),
    NoticeKind.VOID_REFUSED: (REASON,),
    NoticeKind.DECLINED: (REASON,),
    NoticeKind.RECALLED: (REASON,),
    NoticeKind.REMOTE_REQUESTED: (
        "It waits for ten minutes. If you have not just asked for it yourself, refuse it on the page.",
    ),
    NoticeKind.CAPTURE_SHARED: (
        "You can look at it and download its files and its evidence package on the page.",
    ),
    NoticeKind.CAPTURES_DUE: (
        "The page lists them: propose their disposal there, or place a legal hold on what is still needed. Nothing"
        " goes by itself.",
    ),
    NoticeKind.DEPOSIT_DECLARED: (DECLARED,),
    NoticeKind.DEPOSITS_DECLARED: (DECLARED,),
    NoticeKind.CAPTURES_TAKEN_OVER: (
        "Whoever ordered them has left, and an officer has chosen you. Look through the plans: their captures are"
        " made again from now on.",
    ),
    NoticeKind.CAPTURE_CHANGED: ("The page of the capture shows what differs from the one before.",),
    NoticeKind.CAPTURE_FAILED: ("The page of the capture says why. You can capture the address again there.",),
    NoticeKind.ENROLMENT_REFUSED: ("Ask the officer for the reason, then send new details for signing.",),
}
"""What a message says besides its subject."""

OWN_CERTIFICATE: Final[Mapping[NoticeKind, tuple[str, ...]]] = {
    NoticeKind.GUEST_INVITED: (
        "You need a computer with your certificate (UKey, smart card or a signing service) and software that signs"
        " PDF files with it.",
        UPLOAD,
        CODE,
        ONCE,
    ),
    NoticeKind.GUEST_LINK: (UPLOAD, AS_BEFORE, ONCE),
    NoticeKind.REMINDED: (UPLOAD,),
}
"""The same to an outside signer with a certificate of their own."""

INVITED_WITH_CERTIFICATE: Final = "You are asked to sign “{title}” with your own certificate"
"""The subject of such a signer's invitation."""

TO_GUESTS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.ENROLLED: "You are confirmed and can sign “{title}” now",
    NoticeKind.ENROLMENT_REFUSED: "An officer has not confirmed you for signing “{title}”",
}
"""Subjects of messages to outside signers, who are enrolled for one contract alone."""

DATED: Final = frozenset(
    {
        NoticeKind.YOUR_TURN,
        NoticeKind.SEAL_TURN,
        NoticeKind.GUEST_INVITED,
        NoticeKind.EXTENDED,
        NoticeKind.REMINDED,
    }
)
"""Messages that name the deadline."""


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What a message is about: the page to open, who sends it, and the contract's title and deadline, if any.

    ``who`` are those whom it names, ``answers`` the name of whoever gets answers to it.
    """

    address: str
    issuer: str
    title: str = ""
    deadline: datetime | None = None
    who: tuple[NamedActor, ...] = ()
    answers: str = ""
    number: str = ""
    """The contract's own number, by which people sort their mail."""
    shut_out: bool = False
    """To an outside signer who never came in and no longer can: the page says how it ended, not why."""
    own_certificate: bool = False
    """To an outside signer with a certificate of their own."""
    code_by_text: bool = False
    """To an outside signer whose code can go to their telephone as a text message."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A message that must not go out before a moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class MailMessage:
    """Subject line and body: plain text, and the same as HTML."""

    subject: str
    body: str
    html: str


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A short message of one ``kind``: the ``text`` as composed here, in a ``language``, and the ``values`` in it,
    for gateways whose provider takes the number of a template and values alone."""

    kind: str
    language: Language
    text: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)


def compose_message(person: Person, kind: NoticeKind, context: MessageContext) -> MailMessage:
    """What *person* is told, in the person's language; the deadline is shown in the person's zone."""
    translate = translator(person.language)
    who = format_actors(context.who, translate, person.language)
    subject = translate(_subject(person, kind, context, who), title=context.title, who=who)
    greeting = translate(GREETING, name=person.name)
    lines = [
        subject,
        *((translate(BY[kind], who=who),) if who and kind in BY else ()),
        *_deadline(person, kind, context, translate),
        *(translate(line) for line in _more(person, kind, context)),
    ]
    link = translate(ADDRESS if context.title else PAGE, address=context.address)
    sender = translate(ANSWERS if context.answers else FROM, issuer=context.issuer, name=context.answers)
    body = "\n".join([greeting, "", *lines, "", link, "", sender]) + "\n"
    html = _html(person, subject, [greeting, *lines], (link, context.address), sender)
    return MailMessage(numbered_subject(subject, context.number), body, html)


def numbered_subject(subject: str, number: str) -> str:
    """The subject line of a message about the contract with this *number*."""
    return f"[{number}] {subject}" if number else subject


def compose_test_message(settings: Settings, now: datetime) -> MailMessage:
    """A message that an operator has sent to see whether mail goes out, in the language of the settings."""
    translate, interface = translator(settings.interface.language), settings.interface
    subject = translate(TEST, issuer=settings.organisation.name)
    told = translate(TEST_SENT, at=instants.second(now, interface.zone), zone=interface.zone)
    sender = translate(FROM, issuer=settings.organisation.name)
    return plain_message(subject, [told, sender], interface.language)


def compose_test_text(settings: Settings) -> TextMessage:
    """The same as a text message."""
    language = settings.interface.language
    values = {"organisation": settings.organisation.name, "host": settings.web.relying_party}
    return TextMessage("test", language, translator(language)(TEST_TEXT, **values), values)


def plain_message(subject: str, paragraphs: Sequence[str], language: Language) -> MailMessage:
    """A message of *paragraphs* alone."""
    html = "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    page = f'<!doctype html><html lang="{language.value}"><body>{html}</body></html>'
    return MailMessage(subject, "\n\n".join(paragraphs) + "\n", page)


def subject_of_notice(kind: NoticeKind, who: str) -> str:
    """The subject of a message, which has the places ``title`` and ``who``."""
    return SIGNED_BY if kind is NoticeKind.PARTY_SIGNED and who else SUBJECTS[kind]


def _subject(person: Person, kind: NoticeKind, context: MessageContext, who: str) -> str:
    if context.own_certificate and kind is NoticeKind.GUEST_INVITED:
        return INVITED_WITH_CERTIFICATE
    return TO_GUESTS[kind] if _has_no_account(person) and kind in TO_GUESTS else subject_of_notice(kind, who)


def _has_no_account(person: Person) -> bool:
    return person.guest and person.partner is None


def _more(person: Person, kind: NoticeKind, context: MessageContext) -> tuple[str, ...]:
    if _has_no_account(person) and kind is NoticeKind.ENROLMENT_REFUSED:
        return ("The reason is on the page. You can set up something else to sign with there.",)
    if context.own_certificate and kind in OWN_CERTIFICATE:
        lines = OWN_CERTIFICATE[kind]
    else:
        lines = tuple(line for line in MORE.get(kind, ()) if not (context.shut_out and line == REASON))
    return tuple(BY_TEXT.get(line, line) for line in lines) if context.code_by_text else lines


def _deadline(person: Person, kind: NoticeKind, context: MessageContext, translate: Translator) -> list[str]:
    if kind not in DATED or context.deadline is None:
        return []
    return [translate(DEADLINE, deadline=instants.minute(context.deadline, person.zone), zone=person.zone)]


def _html(person: Person, subject: str, lines: list[str], link: tuple[str, str], sender: str) -> str:
    """No picture, no script, nothing to load: who reads mail must not be seen reading it."""
    sentence, address = (escape(text) for text in link)
    anchor = sentence.replace(address, f'<a href="{address}" style="color:#b8331b">{address}</a>')
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    content = f'{paragraphs}<p style="overflow-wrap:anywhere">{anchor}</p>'
    return html_page(person, subject, content, sender)


def html_page(person: Person, subject: str, content: str, sender: str) -> str:
    """The HTML of a message around its *content* (HTML)."""
    return (
        f'<!doctype html><html lang="{person.language.value}"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head>"
        '<body style="margin:0;padding:24px 16px;background:#faf9f7;color:#1f1c19;'
        'font:16px/1.65 system-ui,sans-serif">'
        '<div style="max-width:34em;margin:0 auto;padding:8px 28px 20px;background:#fff;'
        f'border:1px solid #e4e0da;border-top:4px solid #b8331b;border-radius:8px">{content}</div>'
        '<p style="max-width:34em;margin:12px auto;padding:0 28px;font-size:13px;color:#615b54">'
        f"{escape(sender)}</p></body></html>"
    )


_LETS_IN = {
    NoticeKind.INVITED: ("welcome", LinkPurpose.WELCOME),
    NoticeKind.RECOVERY: ("recover", LinkPurpose.RECOVER),
}
_PAGES = {
    NoticeKind.YOUR_TURN: "/contracts/{contract}/sign",
    NoticeKind.SEAL_TURN: "/contracts/{contract}/sign",
    NoticeKind.REMINDED: "/contracts/{contract}/sign",
    NoticeKind.DEPUTY_ASKED: "/deputy/{about}",
    NoticeKind.DRAFT_SHARED: "/contracts/{contract}/discussion",
    NoticeKind.REVIEW_ASKED: "/reviews/{contract}",
    NoticeKind.GUEST_ARRIVED: "/contracts/{contract}/guests/{about}",
    NoticeKind.GUEST_LOCKED: "/contracts/{contract}/guests/{about}",
    NoticeKind.GUEST_ASKS: "/contracts/{contract}/guests/{about}",
    NoticeKind.SEAL_REQUESTED: "/seals/requests/{about}",
    NoticeKind.SEAL_APPROVED: "/seals/requests/{about}",
    NoticeKind.SEAL_REFUSED: "/seals/requests/{about}",
    NoticeKind.SEAL_LAPSED: "/seals/requests/{about}",
    NoticeKind.ENROLMENT_WAITING: "/office",
    NoticeKind.DEPARTED: "/office/people/{about}",
    NoticeKind.CERTIFICATE_TO_END: "/office/people/{about}",
    NoticeKind.ACT_WAITING: "/office/acts/{about}",
    NoticeKind.OFFICER_RECOVERY: "/office",
    NoticeKind.REMOTE_REQUESTED: "/remote/{about}",
    NoticeKind.CAPTURE_SHARED: "/captures/{about}",
    NoticeKind.CAPTURES_TAKEN_OVER: "/captures",
    NoticeKind.CAPTURE_CHANGED: "/captures/{about}",
    NoticeKind.CAPTURE_FAILED: "/captures/{about}",
    NoticeKind.CAPTURES_DUE: "/office/retention",
    NoticeKind.DEPOSIT_DECLARED: "/ownership/{about}",
    NoticeKind.DEPOSITS_DECLARED: "/ownership/batches/{about}",
    NoticeKind.ENROLLED: "/",
    NoticeKind.ENROLMENT_REFUSED: "/settings",
}
_CONTRACT = "/contracts/{contract}"


InvitationOf = Callable[[Transaction, str], GuestInvitation]
"""The invitation whose link leads a guest (subject) in; raises :class:`NotFound`. It may make a new one."""


class PortalAddresses:
    """Addresses of the portal that others reach at *public_url* (without a slash at its end).

    *invitation_of* chooses the link in a mail to a guest; without it, it is that of the invitation that holds.
    """

    def __init__(self, public_url: str, links: LinkTokens, invitation_of: InvitationOf = guests.of_person) -> None:
        self._public_url = public_url.rstrip("/")
        self._links = links
        self._invitation_of = invitation_of

    def notice_url(self, tx: Transaction, notice: Notice) -> str:
        """The whole address of the page that *notice* is about."""
        if notice.kind in _LETS_IN:
            room, purpose = _LETS_IN[notice.kind]
            return f"{self._public_url}/{room}/{self._links.token_of(purpose, notice.about)}"
        if guests.is_invited_by_link(tx, notice.recipient):
            return self._of_guest(tx, notice.recipient)
        page = _PAGES.get(notice.kind, _CONTRACT if notice.contract else "/")
        if notice.kind is NoticeKind.DRAFT_SHARED and notice.contract is None:
            page = "/writing/{about}/discussion"
        if notice.kind is NoticeKind.CAPTURE_SHARED and captures.find_schedule(tx, notice.about) is not None:
            page = "/captures/plans/{about}"
        if page.endswith("{about}") and not notice.about:
            page = "/seals/requests"
        return self._public_url + page.format(contract=notice.contract, about=notice.about)

    def page_url(self, path: str) -> str:
        """The whole address of a page of the portal."""
        return self._public_url + path

    def reminder_url(self, tx: Transaction, reminder: Reminder) -> str:
        """The whole address of the page where what *reminder* asks for is done."""
        duty = reminder.duty
        if guests.is_invited_by_link(tx, duty.person):
            return self._of_guest(tx, duty.person)
        if duty.person.startswith("officer-"):
            return f"{self._public_url}/office/people/{duty.about}"
        if duty.role is ReminderRole.CUSTODIAN:
            return f"{self._public_url}/seals/requests/{duty.about}"
        return f"{self._public_url}/contracts/{reminder.contract}" + (
            "/sign" if duty.role is ReminderRole.SIGNER else ""
        )

    def _of_guest(self, tx: Transaction, guest: str) -> str:
        """Guests have no account: their way in is the link of their invitation, while there is one."""
        try:
            return self.invitation_url(self._invitation_of(tx, guest))
        except NotFound:
            return f"{self._public_url}/"

    def account_link_url(self, link: AccountLink) -> str:
        """The whole address at which the owner of an account uses *link*."""
        room = "welcome" if link.purpose is LinkPurpose.WELCOME else "recover"
        return f"{self._public_url}/{room}/{self._links.token_of(link.purpose, link.id)}"

    def invitation_url(self, invitation: GuestInvitation) -> str:
        """The whole address at which the guest of *invitation* comes in."""
        return f"{self._public_url}/guest/{self._links.token_of(LinkPurpose.GUEST, invitation.id)}"

    def embedded_url(self, link: EmbeddedLink) -> str:
        """The whole address of the frame of *link*."""
        return f"{self._public_url}/embedded/{self._links.token_of(LinkPurpose.EMBEDDED, link.id)}"
