"""What a reading of a directory would change: known users and users as read → differences. No I/O.

Every user gives one :class:`UserChange`, also where nothing is to be done. What an account should be follows from
the user as the directory has them now and the settings alone, and is compared with the account as it is: a
synchronisation that was broken off, other settings, or an officer's change lead to the same result as a first one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from appliance.config import DirectorySettings
from appliance.contact_details import email_address, person_name
from appliance.errors import PreconditionRefused
from appliance.language.characters import words
from appliance.model.accounts import PEOPLES_ROLES, AccountRole, AccountState
from appliance.model.directories import (
    MAPPABLE,
    AddressHolder,
    DirectoryProblem,
    DirectorySource,
    DirectoryUser,
    FollowingAccount,
    HeldKind,
    HeldUser,
    KnownUser,
    StoredUser,
    group_key,
)
from appliance.model.directory_status import SENTENCES, WAITS, DifferenceKind
from appliance.model.people import LONGEST_DEPARTMENT
from hsm.errors import Sentence

LONGEST_SHOWN: Final = 300
"""Characters of a directory's value in a sentence of a dry run."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is to be done, with values as people read them."""

    kind: DifferenceKind
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user's account should be: the prefix of its subject, and what is in it."""

    kind: str
    roles: frozenset[AccountRole]
    name: str
    email: str
    department: str


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be done about one user. ``known``: as they are to be stored; ``held``: what waits; ``target``:
    the subject to which the user is, or would be, linked."""

    stored: StoredUser | None
    known: KnownUser
    wanted: Wanted | None
    differences: tuple[Difference, ...] = ()
    held: HeldUser | None = None
    target: str | None = None
    gone: bool = False
    """Whether the directory, too, has let go somebody whom officers had let go before."""
    roles: frozenset[AccountRole] | None = None
    """The roles that the account is to have instead of its own."""

    @property
    def account(self) -> FollowingAccount | None:
        return self.stored.account if self.stored else None

    @property
    def kinds(self) -> frozenset[DifferenceKind]:
        return frozenset(each.kind for each in self.differences)

    @property
    def changes(self) -> bool:
        """Whether anything is to be written."""
        if self.stored is None:
            return True
        return bool(self.differences) or self.known != self.stored.known or self.held != self.stored.held


@dataclass(frozen=True, slots=True)
class Brake:
    """How many of a directory's people may be gone at once: ``departed`` have within a day. How many there were
    with them, ``provisioned``, is only counted where it matters: of 10,000, for each pushed one, it takes long."""

    departed: int
    provisioned: Callable[[], int]
    settings: DirectorySettings

    def holds(self, going: int) -> bool:
        """Whether *going* more are too many; one or two never are."""
        total = self.departed + going
        if total <= 2:
            return False
        most, percent = self.settings.most_removed, self.settings.most_removed_percent
        return total > most or total * 100 > percent * self.provisioned()


class RoleMapping:
    """The roles that groups give, by the names that the directory gives for them, and no part of these: a common
    name that is missing beside a distinguished name may be anybody's."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._everybody = frozenset(AccountRole(each) for each in settings.everybody)
        self._roles: dict[str, set[AccountRole]] = defaultdict(set)
        for role in MAPPABLE:
            for name in settings.groups_of(role):
                self._roles[group_key(name)].add(role)
        self._found: dict[frozenset[str], frozenset[AccountRole]] = {}

    def roles(self, groups: frozenset[str]) -> frozenset[AccountRole]:
        """What these *groups* give, with what everybody has who does not audit or operate; empty for nothing."""
        found = self._found.get(groups)
        if found is None:
            given = {role for each in groups for role in self._roles.get(group_key(each), ())}
            if given <= PEOPLES_ROLES:
                given |= self._everybody
            found = self._found[groups] = frozenset(given)
        return found


def wanted_of(user: DirectoryUser, mapping: RoleMapping) -> Wanted | DirectoryProblem:
    """What the account of *user* should be, or why there can be none."""
    roles = mapping.roles(user.groups)
    if not roles:
        return DirectoryProblem.NO_ROLE
    if roles <= PEOPLES_ROLES:
        kind = "person"
    elif len(roles) == 1:
        [role] = roles
        kind = role.value
    else:
        return DirectoryProblem.FORBIDDEN_ROLES
    try:
        email = email_address(user.email)
    except PreconditionRefused:
        return DirectoryProblem.NO_ADDRESS
    try:
        name = person_name(user.name)
    except PreconditionRefused:
        return DirectoryProblem.NO_NAME
    department = words(user.department)
    if len(department) > LONGEST_DEPARTMENT:
        department = department[: LONGEST_DEPARTMENT - 1] + "…"
    return Wanted(kind, roles, name, email, department)


@dataclass(frozen=True, slots=True)
class Rules:
    """By what users are compared: the settings, whether people sign in through an identity provider, who has which
    address now (folded), and the clock."""

    settings: DirectorySettings
    single_sign_on: bool
    holder_of: Callable[[str], AddressHolder | None]
    brake: Brake
    now: datetime


Read = Mapping[str, DirectoryUser | None]
"""Users as read, by their keys; None for one whom the directory does not have any more."""


def compare(source: DirectorySource, stored: Sequence[StoredUser], read: Read, rules: Rules) -> list[UserChange]:
    """What is to be done about every user of *stored* and *read*; who is stored and was not *read* stays so."""
    return _Comparison(source, rules).compare(stored, read)


@dataclass(slots=True)
class _Draft:
    """A user while it is decided what becomes of them."""

    stored: StoredUser | None
    known: KnownUser
    wanted: Wanted | None = None
    problem: DirectoryProblem | None = None
    held: HeldUser | None = None
    target: str | None = None
    going: bool = False
    gone: bool = False
    opens: bool = False
    returns: bool = False
    roles: frozenset[AccountRole] | None = None
    differences: list[Difference] = field(default_factory=list)

    @property
    def account(self) -> FollowingAccount | None:
        return self.stored.account if self.stored else None

    @property
    def present(self) -> bool:
        return self.known.removed is None and self.known.user.enabled

    @property
    def follows(self) -> bool:
        """Whether the account is to be as wanted."""
        return self.problem is None and self.wanted is not None and not self.going and self.held is None

    @property
    def claimed(self) -> str | None:
        """The address (folded) that the account is to have."""
        return self.wanted.email.casefold() if self.wanted is not None and self.problem is None else None

    @property
    def has_address(self) -> bool:
        return self.account is not None and self.claimed == self.account.email.casefold()

    def differs(self, kind: DifferenceKind, before: str = "", after: str = "") -> None:
        self.differences.append(Difference(kind, before, after))


class _Comparison:
    def __init__(self, source: DirectorySource, rules: Rules) -> None:
        self._source, self._rules = source, rules
        self._mapping = RoleMapping(rules.settings)

    def compare(self, stored: Sequence[StoredUser], read: Read) -> list[UserChange]:
        """1. what each user is; 2. who goes; 3. who gets which address; 4. what differs."""
        drafts = list(self._drafts(stored, read))
        for draft in drafts:
            self._decide(draft)
        self._brake(drafts)
        self._settle_addresses(drafts)
        return [self._finished(draft) for draft in drafts]

    def _drafts(self, stored: Sequence[StoredUser], read: Read) -> Iterator[_Draft]:
        known = set()
        for each in stored:
            known.add(each.known.user.key)
            if each.known.user.key not in read:
                yield _Draft(each, each.known)
                continue
            user = read[each.known.user.key]
            if user is None:
                yield _Draft(each, replace(each.known, removed=each.known.removed or self._rules.now))
            else:
                yield _Draft(each, replace(each.known, user=user, removed=None))
        for key, user in read.items():
            if key not in known and user is not None:
                yield _Draft(None, KnownUser(_id_for(self._source, key), self._source, user))

    def _decide(self, draft: _Draft) -> None:
        account = draft.account
        wanted = wanted_of(draft.known.user, self._mapping) if draft.present else None
        gone = wanted is None or wanted is DirectoryProblem.NO_ROLE
        if account is not None and account.here and gone:
            draft.going = True
            return
        if wanted is None:
            draft.gone = account is not None and not account.departed  # officers have let them go before
            return
        if isinstance(wanted, DirectoryProblem):
            draft.problem = wanted
            return
        if account is not None and account.state is AccountState.LEFT and not account.departed:
            draft.problem = DirectoryProblem.LET_GO
            return
        draft.wanted = wanted
        if account is None or account.state is AccountState.LEFT:
            draft.opens = True
            if wanted.kind != "person":
                draft.held = self._held(draft, HeldKind.DUTY, f"{wanted.kind} {wanted.email}")
        elif not account.subject.startswith(f"{wanted.kind}-"):
            draft.problem = DirectoryProblem.OTHER_DUTY
        else:
            draft.returns = account.departed
            if wanted.kind != "person" and not draft.has_address:  # invitations and links would go there
                draft.held = self._held(draft, HeldKind.DUTY, f"{wanted.kind} {wanted.email}")

    def _held(self, draft: _Draft, kind: HeldKind, about: str = "") -> HeldUser | None:
        """That it waits; None where exactly this was released."""
        before = draft.stored.held if draft.stored else None
        if before is not None and (before.kind, before.about) == (kind, about):
            return None if before.released else before
        return HeldUser(kind, about)

    def _brake(self, drafts: Sequence[_Draft]) -> None:
        going = [each for each in drafts if each.going]
        if not going:
            return
        held = {id(each): self._held(each, HeldKind.REMOVAL) for each in going}
        free = [each for each in going if held[id(each)] is None]  # released
        rest = [each for each in going if held[id(each)] is not None]
        fresh = [each for each in rest if each.stored is None or held[id(each)] != each.stored.held]
        if fresh and not self._rules.brake.holds(len(fresh)):  # what waits keeps nobody else here who has left
            free += fresh
        kept = {id(each) for each in rest} - {id(each) for each in free}
        for each in going:
            if id(each) in kept:
                each.held, each.going = held[id(each)], False

    # --- addresses

    def _settle_addresses(self, drafts: Sequence[_Draft]) -> None:
        self._refuse_twice(drafts)
        by_subject = {each.account.subject: each for each in drafts if each.account is not None}
        asking = [each for each in drafts if each.claimed is not None and not each.has_address]
        by_claim = {each.claimed: each for each in asking}
        while asking:  # who does not get an address keeps the one that they have, which somebody else may ask for
            draft = asking.pop()
            if self._refuse(draft, by_subject) and draft.account is not None:
                again = by_claim.get(draft.account.email.casefold())
                if again is not None and again.claimed is not None and again.target is None:
                    asking.append(again)

    def _refuse_twice(self, drafts: Sequence[_Draft]) -> None:
        counts = Counter(each.claimed for each in drafts if each.claimed is not None)
        twice = {address for address, count in counts.items() if count > 1}
        if not twice:
            return
        having = {each.claimed for each in drafts if each.claimed in twice and each.has_address}
        for each in drafts:
            if each.claimed in twice and not (each.claimed in having and each.has_address):
                self._with_problem(each, DirectoryProblem.ADDRESS_TWICE)

    def _refuse(self, draft: _Draft, by_subject: Mapping[str, _Draft]) -> bool:
        """Whether the draft does not get the address that it asks for; it has the reason then."""
        address = draft.claimed
        holder = None if address is None else self._rules.holder_of(address)
        own = draft.account.subject if draft.account else None
        if holder is None or (own is not None and holder.subject == own):
            return False
        if not holder.subject:
            problem = DirectoryProblem.ADDRESS_OF_ADMINISTRATOR
        elif not holder.subject.startswith("person-") or holder.outside:
            problem = DirectoryProblem.ADDRESS_OF_DUTY
        else:
            return self._refuse_of_person(draft, holder, by_subject.get(holder.subject))
        self._with_problem(draft, problem)
        return True

    def _refuse_of_person(self, draft: _Draft, holder: AddressHolder, other: _Draft | None) -> bool:
        going = other is not None and other.going
        leaving = other is not None and other.held is not None and other.held.kind is HeldKind.REMOVAL
        gives_up = other is not None and other.follows and not other.has_address
        recreated = (
            holder.login is not None
            and not holder.left
            and (other is None or not other.present)
            and (holder.login.casefold(), draft.claimed)
            == (draft.known.user.login.casefold(), (holder.address or "").casefold())
        )
        recreated = recreated and (holder.departed or going or leaving)
        if not recreated and (holder.left or holder.departed or going or gives_up):
            return False
        followed_here = other is not None or holder.source is self._source
        is_person = draft.wanted is not None and draft.wanted.kind == "person"
        if draft.opens and is_person and (recreated or not followed_here):
            draft.held = self._held(draft, HeldKind.LINK, holder.subject)
            draft.target = holder.subject
        else:
            self._with_problem(draft, DirectoryProblem.ADDRESS_TAKEN)
        return True

    def _with_problem(self, draft: _Draft, problem: DirectoryProblem) -> None:
        draft.problem, draft.opens, draft.returns = problem, False, False
        if draft.held is not None and draft.held.kind is not HeldKind.REMOVAL:
            draft.held = None

    @staticmethod
    def _lasting_problem(draft: _Draft) -> DirectoryProblem | None:
        """What signing in has found about the account, and no reading of the directory shows."""
        lasts = draft.follows and not draft.opens and draft.known.problem == DirectoryProblem.OTHER_IDENTITY
        return DirectoryProblem.OTHER_IDENTITY if lasts else None

    # --- what differs

    def _finished(self, draft: _Draft) -> UserChange:
        stored = draft.stored
        known = replace(draft.known, problem=draft.problem or self._lasting_problem(draft))
        before = stored.held if stored else None
        if draft.held is not None and draft.held != before:
            draft.differs(DifferenceKind.HELD, after=WAITS[draft.held.kind])
        if draft.problem is not None and (stored is None or stored.known.problem != draft.problem):
            draft.differs(DifferenceKind.PROBLEM, after=draft.problem.sentence)
        if draft.going:
            draft.differs(DifferenceKind.DEPARTED)
        elif draft.follows and draft.wanted is not None:
            self._compare_account(draft, draft.wanted)
        elif draft.problem is not None:
            self._withdraw_roles(draft)
        if not draft.differences and (stored is None or known != stored.known or draft.gone):
            draft.differs(DifferenceKind.RECORDED)
        return UserChange(
            stored,
            known,
            draft.wanted,
            tuple(draft.differences),
            draft.held,
            draft.target,
            draft.gone,
            draft.roles,
        )

    def _compare_account(self, draft: _Draft, wanted: Wanted) -> None:
        account = draft.account
        if draft.target is not None:
            draft.differs(DifferenceKind.LINKED, after=draft.target)
            return
        if account is None or draft.opens:
            draft.differs(DifferenceKind.ADDED if account is None else DifferenceKind.REPLACED)
            return
        if draft.returns:
            draft.differs(DifferenceKind.RETURNED)
        if not draft.has_address or account.email != wanted.email:
            draft.differs(DifferenceKind.ADDRESS, account.email, wanted.email)
        if account.department != wanted.department:
            draft.differs(DifferenceKind.DEPARTMENT, account.department, wanted.department)
        self._compare_roles(draft, account, wanted.roles)
        self._compare_names(draft, account, wanted)
        if self._rules.single_sign_on and wanted.kind == "person" and not account.single_sign_on:
            draft.differs(DifferenceKind.SIGN_ON)

    def _withdraw_roles(self, draft: _Draft) -> None:
        """A problem keeps nobody a role that the groups give no more, but for the last one of an account."""
        account = draft.account
        if account is not None and account.here:
            left = account.roles & self._mapping.roles(draft.known.user.groups)
            self._compare_roles(draft, account, left or account.roles)

    def _compare_roles(self, draft: _Draft, account: FollowingAccount, roles: frozenset[AccountRole]) -> None:
        if account.roles != roles:
            draft.roles = roles
            draft.differs(DifferenceKind.ROLES, listed(account.roles), listed(roles))

    def _compare_names(self, draft: _Draft, account: FollowingAccount, wanted: Wanted) -> None:
        if not account.verified and account.name != wanted.name:
            draft.differs(DifferenceKind.NAME, account.name, wanted.name)
        other = wanted.name if account.verified and account.name != wanted.name else None
        if other != account.directory_name:
            draft.differs(DifferenceKind.OTHER_NAME, account.name, other or account.name)


def with_managers(changes: Sequence[UserChange]) -> Iterator[UserChange]:
    """*changes* with those of managers who have an account already."""
    subjects = {each.known.user.key: each.known.subject for each in changes}
    for each in changes:
        account, user = each.account, each.known.user
        manager = subjects.get(user.manager) if user.manager and user.manager != user.key else None
        if manager is not None and not manager.startswith("person-"):
            manager = None
        if account is not None and manager != account.manager:
            differs = Difference(DifferenceKind.MANAGER, account.manager or "", manager or "")
            rest = tuple(one for one in each.differences if one.kind is not DifferenceKind.RECORDED)
            yield replace(each, differences=(*rest, differs))
        else:
            yield each


def listed(roles: frozenset[AccountRole]) -> str:
    """*roles* as one text, always in the same order."""
    return " ".join(sorted(roles))


def _id_for(source: DirectorySource, key: str) -> str:
    """The id of a new user: of a SCIM resource its own, which is its key."""
    if source is DirectorySource.SCIM and re.fullmatch(r"[0-9a-f]{32}", key):
        return key
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Plan:
    """What a synchronisation would do, without doing it."""

    source: DirectorySource
    read: int
    changes: tuple[UserChange, ...]

    @property
    def counts(self) -> Mapping[DifferenceKind, int]:
        """How many of each kind, in the order of the kinds."""
        found = Counter(each.kind for change in self.changes for each in change.differences)
        return {kind: found[kind] for kind in DifferenceKind if found[kind]}

    def sentences(self) -> Iterator[tuple[DifferenceKind, Sentence]]:
        """One for each difference with its kind, by user; on one line, whatever the directory's values hold."""
        for change in self.changes:
            user = change.known.user
            for each in change.differences:
                values = {"name": user.name, "login": user.login, "before": each.before, "after": each.after}
                plain = {name: words(value[:LONGEST_SHOWN]) for name, value in values.items()}
                yield each.kind, Sentence(SENTENCES[each.kind], plain)
