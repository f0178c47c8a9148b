"""Representatives of partner organisations: inviting, naming the administrator, and leaving.

1. Somebody of the house invites the first one, who becomes the partner's administrator; and with the
   registration a colleague of that one, too. While there is an administrator, that one invites the others, ends
   their accounts, and names another administrator.
2. Each has an account that is set up by one link, as every account is, and signs once officers have confirmed the
   passkey; from then on every contract takes a link and the passkey alone.
3. Where no administrator is left, an officer names one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from appliance.accounts.accounts import AccountAdministration, InvitedAccount
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.contact_details import email_address, person_name, telephone_number
from appliance.enrolment_requests import withdraw_enrolment_request
from appliance.entered_text import problem_at, require_zone
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind, Field
from appliance.model.accounts import AccountRole, AccountState, NewAccount
from appliance.model.contract import GUEST_PREFIX
from appliance.model.notice import Notice, NoticeKind
from appliance.model.partners import Partner, PartnerDetails, Representative, RepresentativeDetails, VouchingMeans
from appliance.model.people import Person
from appliance.partners.register import PartnerRegister
from appliance.powers.register import end_of_agent
from appliance.store import accounts, members, outbox, partners
from appliance.store.database import Transaction, reads

LONGEST_EMAIL = 64
"""The address is the login, too."""

LEFT = "The person no longer acts for the partner organisation."
"""Kept with what ends, and translated when it is shown."""

FIRST_PEOPLE = 2
"""Whom the house can invite when it registers a partner: who signs, and who keeps the seal."""

FOUND = 20
"""Representatives that one search shows."""


class Representatives(AccountsPart):
    """``by`` is who acts (a subject): somebody of the house, or a representative, who may do it only as the
    administrator of the own partner; others get the :class:`NotFound` of a missing partner.
    Thread-safe."""

    def __init__(
        self, context: AccountsContext, administration: AccountAdministration, register: PartnerRegister
    ) -> None:
        super().__init__(context)
        self._administration, self._register = administration, register

    of_partner = reads(partners.representatives_of)
    representative = reads(partners.load_representative)
    left_with_work = reads(partners.left_with_work)

    def search(self, words: str) -> list[Representative]:
        """At most :data:`FOUND` who can be a party, by organisation, name or address; none for no words."""
        wanted = words.strip()[:100]
        with self._database.reading() as tx:
            return partners.who_can_sign(tx, wanted, limit=FOUND) if wanted else []

    def register(
        self,
        details: PartnerDetails,
        means: VouchingMeans,
        note: str,
        people: Sequence[RepresentativeDetails],
        *,
        by: str,
    ) -> Partner:
        """A new partner, and an invitation to each of its first *people*, of whom the first is the administrator:
        all of it, or nothing. *people* may be empty.

        Raises as :meth:`PartnerRegister.register` and :meth:`invite`, and :class:`PreconditionRefused` for more
        than :data:`FIRST_PEOPLE`.
        """
        _require_sound(*people)
        if len(people) > FIRST_PEOPLE:
            raise PreconditionRefused("At most {most} people are invited with the company.", most=FIRST_PEOPLE)

        def invite_them(tx: Transaction, partner: Partner) -> None:
            for number, each in enumerate(people):
                self._open(tx, partner, each, administrator=number == 0, by=by)

        return self._register.register(details, means, note, by=by, also=invite_them)

    def invite(self, partner_id: str, details: RepresentativeDetails, *, by: str) -> InvitedAccount:
        """A new representative with an account, and the link by mail that sets it up; the first one is the
        administrator.

        Raises :class:`PreconditionRefused` for values that cannot be, and where the administrator invites;
        :class:`StateRefused` for a mail address that is taken.
        """
        _require_sound(details)
        with self._database.transaction() as tx:
            partner = self._partner(tx, partner_id, by)
            first = self._require_inviter(tx, partner, by)
            return self._open(tx, partner, details, administrator=first, by=by)

    def invite_again(self, partner_id: str, subject: str, *, by: str) -> InvitedAccount:
        """A new link in place of the old one. Raises :class:`StateRefused` for an account that is set up."""
        with self._database.reading() as tx:
            self._require_looking_after(tx, partner_id, subject, by)
        return self._administration.invite_again(subject, by=by)

    def deactivate(self, partner_id: str, subject: str, *, by: str) -> Representative:
        """Somebody no longer acts for the partner: the account closes for good; sessions, links, requests and
        powers of attorney end, and officers are asked to end the certificate. What waits is for a colleague.

        Raises :class:`StateRefused` for somebody who has left, :class:`PreconditionRefused` for oneself.
        """
        now = self._now()
        if subject == by:
            raise PreconditionRefused("Name another administrator first, who then ends your account.")
        pending = self._authority.pending_credentials(subject)
        with self._database.transaction() as tx:
            found = self._require_looking_after(tx, partner_id, subject, by)
            if found.state is AccountState.LEFT:
                raise StateRefused("{subject} has left already.", subject=found.name)
            self._sessions.end_all_sessions(tx, subject, by=by)
            accounts.end_links_of(tx, subject, now=now)
            accounts.close_account(tx, subject)
            withdraw_enrolment_request(tx, subject, reason=LEFT, by=by, at=now)
            end_of_agent(tx, subject, by=by, now=now)
            if found.administrator:
                partners.set_administrator(tx, partner_id, None)
            if found.enrolled:
                for officer in members.officers(tx):
                    outbox.enqueue(tx, Notice(None, officer, NoticeKind.CERTIFICATE_TO_END, now, subject))
            self._append_event(tx, EventKind.REPRESENTATIVE_LEFT, by, {"partner": partner_id, "subject": subject})
            for each in pending:  # nobody gets in by what was set up and not confirmed
                self._authority.drop_pending(subject, each.fingerprint)
            return partners.load_representative(tx, partner_id, subject)

    def name_administrator(self, partner_id: str, subject: str, *, by: str) -> Representative:
        """*subject* is the administrator from now on. Raises :class:`PreconditionRefused` for anybody but the
        administrator, or an officer where none is left, and :class:`StateRefused` for an account that is not set
        up."""
        with self._database.transaction() as tx:
            partner = self._partner(tx, partner_id, by)
            if not by.startswith(GUEST_PREFIX):
                self._require_officer_may_name(tx, partner, by)
            found = partners.load_representative(tx, partner_id, subject)
            if found.state is not AccountState.ACTIVE:
                raise StateRefused("{name} has not set up the account yet, or has left.", name=found.name)
            if not found.administrator:
                partners.set_administrator(tx, partner_id, subject)
                self._append_event(
                    tx, EventKind.PARTNER_ADMINISTRATOR_NAMED, by, {"partner": partner_id, "subject": subject}
                )
            return partners.load_representative(tx, partner_id, subject)

    def _open(
        self, tx: Transaction, partner: Partner, details: RepresentativeDetails, *, administrator: bool, by: str
    ) -> InvitedAccount:
        """Person, account and invitation. Raises :class:`StateRefused` for a mail address that is taken."""
        email = email_address(details.email)
        if partners.is_address_taken(tx, email):
            raise StateRefused("{email} belongs to another account; each human has one.", email=email)
        person = self._person(partner, details, email)
        roles = frozenset({AccountRole.REPRESENTATIVE})
        new = NewAccount("person", email.lower(), person.name, partner.name, email, roles)
        self._registry.register(tx, person, None, by=by)
        phone = telephone_number(details.phone) if details.phone.strip() else ""
        partners.insert_representative(
            tx, person.subject, partner.id, administrator=administrator, phone=phone, at=self._now(), by=by
        )
        invited = self._administration.open_and_invite(tx, person.subject, new, by=by)
        public: dict[str, Field] = {
            "partner": partner.id,
            "subject": person.subject,
            "administrator": int(administrator),
        }
        self._append_event(tx, EventKind.REPRESENTATIVE_INVITED, by, public)
        return invited

    def _person(self, partner: Partner, details: RepresentativeDetails, email: str) -> Person:
        return Person(
            subject=f"{GUEST_PREFIX}{secrets.token_hex(6)}",
            name=person_name(details.name),
            organisation=partner.name,
            email=email,
            language=details.language or self._interface.language,
            zone=require_zone(details.zone).key if details.zone else self._interface.zone,
            guest=True,
            partner=partner.id,
        )

    def _partner(self, tx: Transaction, partner_id: str, by: str) -> Partner:
        """The partner, which *by* may look after: of the house, or its administrator."""
        partner = partners.load_partner(tx, partner_id)
        if by.startswith(GUEST_PREFIX) and partners.administered_by(tx, by) != partner_id:
            raise NotFound("There is no partner {partner}.", partner=partner_id)
        return partner

    def _require_inviter(self, tx: Transaction, partner: Partner, by: str) -> bool:
        """Whether whoever *by* invites is the first, and so the administrator."""
        here = [
            each for each in partners.representatives_of(tx, partner.id) if each.state is not AccountState.LEFT
        ]
        if here and not by.startswith(GUEST_PREFIX):
            raise PreconditionRefused(
                "{organisation} has representatives already; its administrator invites others.",
                organisation=partner.name,
            )
        return not here

    def _require_looking_after(self, tx: Transaction, partner_id: str, subject: str, by: str) -> Representative:
        """The representative, whose account *by* may end: the administrator, an officer, or who invited somebody
        who has not come yet."""
        self._partner(tx, partner_id, by)
        found = partners.load_representative(tx, partner_id, subject)
        invited = found.state is AccountState.INVITED and found.invited_by == by
        if not (by.startswith(GUEST_PREFIX) or invited or by in members.officers(tx)):
            raise PreconditionRefused(
                "The administrator of {organisation} looks after its representatives; if there is none, an officer"
                " does.",
                organisation=found.organisation,
            )
        return found

    def _require_officer_may_name(self, tx: Transaction, partner: Partner, by: str) -> None:
        everybody = partners.representatives_of(tx, partner.id)
        acting = [each for each in everybody if each.administrator and each.state is AccountState.ACTIVE]
        if acting:
            raise PreconditionRefused("{name} is the administrator and names another one.", name=acting[0].name)
        if by not in members.officers(tx):
            raise PreconditionRefused("An officer names the administrator of a partner that has none.")


def representative_problems(details: RepresentativeDetails) -> dict[str, PreconditionRefused]:
    """What is wrong with the details, by the name of the field; empty when nothing is."""
    found = problem_at("name", person_name, details.name) | problem_at("email", _login_address, details.email)
    if details.phone.strip():
        found |= problem_at("phone", telephone_number, details.phone)
    if details.zone:
        found |= problem_at("zone", require_zone, details.zone)
    return found


def _require_sound(*people: RepresentativeDetails) -> None:
    for each in people:
        for problem in representative_problems(each).values():
            raise problem


def _login_address(typed: str) -> str:
    address = email_address(typed)
    if len(address) > LONGEST_EMAIL:
        raise PreconditionRefused(
            "The address is the login, too, and has at most {most} characters for that.", most=LONGEST_EMAIL
        )
    return address
