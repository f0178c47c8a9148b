"""The people of the office's list: who they are, what ends when they go, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.errors import NotFound, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import AccountState
from appliance.model.office import DepartedPerson, DirectoryEntry, MemberEntry, OfficerDecision, OpenContract
from appliance.model.people import Seal
from appliance.office import effects
from appliance.office.drafts import DecisionDrafts
from appliance.powers.register import end_of_agent
from appliance.store import accounts, members
from appliance.store.database import Transaction, reads
from hsm.names import is_outside
from hsm.operation_types import KnownCredential
from hsm.remote import RemoteUse

PAGE = 50

RETURNED = timedelta(days=30)
"""For so long after they had gone, who came back stands in the list."""


@dataclass(frozen=True, slots=True)
class RollPage:
    """A page of the list; ``following`` is where the next one begins, empty on the last."""

    entries: tuple[MemberEntry, ...]
    following: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with all that an officer wants to know.

    ``contracts`` wait for them: officers read the titles, and of what is still a draft not even these.
    """

    entry: MemberEntry
    credentials: tuple[KnownCredential, ...]
    contracts: tuple[OpenContract, ...]
    seals: tuple[str, ...]
    remote: tuple[RemoteUse, ...] = ()
    """The uses for which they have a key for other software."""
    possible: tuple[RemoteUse, ...] = ()
    """Those for which officers can give them one."""
    directory: DirectoryEntry | None = None
    """What a directory says of them, where their account follows one."""


def _page(found: list[MemberEntry], kept: Sequence[MemberEntry] = ()) -> RollPage:
    known = {entry.subject for entry in kept}
    more = found[PAGE - 1].subject if len(found) > PAGE else ""
    return RollPage((*kept, *(entry for entry in found[:PAGE] if entry.subject not in known)), more)


def _entries(tx: Transaction, subjects: Sequence[str], own: str | None) -> list[MemberEntry]:
    found = (members.member_entry(tx, each) for each in subjects[:PAGE])
    return [members.shown_to(own, entry) for entry in found if entry is not None]


def _custodians(
    tx: Transaction,
    organisation: str,
    words: str,
    kept: Sequence[MemberEntry] = (),
    *,
    own: str | None,
    outside: bool = False,
) -> RollPage:
    words = words.strip()[:100]
    found = members.possible_custodians(tx, organisation, words, own=own, outside=outside, limit=PAGE + 1)
    return _page(found, kept)


class Members(AccountsPart):
    """Reads the list, and lets people go. Thread-safe."""

    def __init__(self, context: AccountsContext, drafts: DecisionDrafts) -> None:
        super().__init__(context)
        self._drafts = drafts

    def page(self, search: str = "", *, own: str | None = None, after: str = "") -> RollPage:
        """People whose name, organisation, department, login or address has *search*, at most :data:`PAGE`; for a
        reader of the *own* organisation, who learns no departments of others. None: for one who may know all."""
        with self._database.reading() as tx:
            found = members.members_page(tx, search.strip()[:100], own=own, after=after[:80], limit=PAGE + 1)
            return _page(found)

    def member(self, subject: str, *, own: str | None = None) -> Member:
        """The person, as a reader of the *own* organisation may see them; None: who may see all. Raises
        :class:`NotFound`."""
        with self._database.reading() as tx:
            entry = members.member_entry(tx, subject)
            if entry is None:
                raise NotFound("There is no person {subject}.", subject=subject)
            contracts, seals = members.open_contracts(tx, subject), members.seals_kept_by(tx, subject)
            directory = members.directory_entry(tx, subject)
        known = tuple(self._authority.credentials(subject))
        remote, possible = self._remote(entry)
        return Member(
            members.shown_to(own, entry), known, tuple(contracts), tuple(seals), remote, possible, directory
        )

    def _remote(self, entry: MemberEntry) -> tuple[tuple[RemoteUse, ...], tuple[RemoteUse, ...]]:
        """For which uses somebody has a key for other software, and for which officers can give one."""
        if not entry.enrolled or is_outside(entry.subject) or not entry.subject.startswith("person-"):
            return (), ()
        has = tuple(each for each in RemoteUse if effects.remote_serial(self._authority, entry.subject, each))
        limits = self._authority.remote_limits()
        return has, tuple(each for each in RemoteUse if getattr(limits, each.value))

    names = reads(members.names)
    names_apart = reads(members.names_apart)
    count_departed = reads(members.count_departed)

    def departed(self, *, own: str | None = None, after: str = "") -> tuple[list[DepartedPerson], str]:
        """Whom their directory has disabled or removed, at most :data:`PAGE`, and where the next page begins."""
        with self._database.reading() as tx:
            found = members.departed(tx, own=own, after=after[:80], limit=PAGE + 1)
        return found[:PAGE], found[PAGE - 1].subject if len(found) > PAGE else ""

    def came_back(self, *, own: str | None = None) -> list[DepartedPerson]:
        """Who departed within :data:`RETURNED` and is there again: what ended meanwhile stays ended."""
        return self._database.query(members.came_back, own=own, since=self._now() - RETURNED, limit=PAGE)

    def possible_custodians(
        self, words: str = "", *, chosen: Sequence[str] = (), own: str | None = None
    ) -> dict[str, RollPage]:
        """By organisation that the authority may name: who can keep a seal of it and has *words* in name, login or
        address, at most :data:`PAGE`; who is *chosen* already is always among them. Departments are for a reader
        of the *own* organisation; None: for one who may see all."""
        with self._database.reading() as tx:
            kept = [each for each in _entries(tx, chosen, own) if not is_outside(each.subject)]
            return {
                each: _custodians(
                    tx, each, words, [entry for entry in kept if entry.organisation == each], own=own
                )
                for each in self._authority.organisations()
            }

    def possible_outside_custodians(
        self, words: str = "", *, chosen: Sequence[str] = ()
    ) -> tuple[dict[str, RollPage], bool]:
        """The same by other company: those of enrolled outside signers, at most :data:`PAGE` that have *words* in
        their name or in such a person's, and those of who is *chosen*; and whether there are more."""
        with self._database.reading() as tx:
            kept = [each for each in _entries(tx, chosen, None) if is_outside(each.subject) and each.organisation]
            found = members.outside_organisations(tx, words.strip()[:100], limit=PAGE + 1)
            wanted = dict.fromkeys([*(each.organisation for each in kept), *found[:PAGE]])
            return {
                each: _custodians(
                    tx, each, "", [entry for entry in kept if entry.organisation == each], own=None, outside=True
                )
                for each in wanted
            }, len(found) > PAGE

    def possible_custodians_of(self, seal: Seal, words: str = "", *, own: str | None = None) -> RollPage:
        """Who can keep *seal* and has *words* in name, login or address, at most :data:`PAGE`, as a reader of the
        *own* organisation may see them."""
        return self._database.query(_custodians, seal.organisation, words, own=own, outside=seal.outside)

    def let_go(self, subject: str, *, by: str) -> OfficerDecision | None:
        """Somebody has left: the decision to activate, or None when there was nothing to end at the authority and
        all is done.

        Raises :class:`StateRefused` for oneself, for the last officer, and for who has left already; of a
        representative, whose partner organisation has closed the account, the certificate is still to be ended.
        """
        entry, signs = self.member(subject).entry, bool(self._authority.credentials(subject))
        if entry.state is AccountState.LEFT and not (entry.partner and signs):
            raise StateRefused("{subject} has left already.", subject=subject)
        self._require_replaceable(subject, by)
        certificate = effects.certificate_of(self._authority, subject)
        if certificate is not None or signs:
            return self._drafts.draft_leaving(subject, by=by)
        with self._database.transaction() as tx:
            self._sessions.end_all_sessions(tx, subject, by=by)
            accounts.set_state(tx, subject, AccountState.LEFT)
            end_of_agent(tx, subject, by=by, now=self._now())
            self._append_event(tx, EventKind.PERSON_LEFT, by, {"subject": subject, "officers": by})
        return None

    def _require_replaceable(self, subject: str, by: str) -> None:
        if subject == by:
            raise StateRefused("Nobody ends their own registration; another officer does.")
        with self._database.reading() as tx:
            remaining = [each for each in members.officers(tx) if each != subject]
        if subject.startswith("officer-") and not remaining:
            raise StateRefused("{subject} is the last officer; appoint another one first.", subject=subject)
