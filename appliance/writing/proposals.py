"""Versions of a text, and changes that colleagues propose to it: a redline that its owner accepts or rejects.

What somebody proposes is kept as it was. Beside it stands what is left of it: an accepted change comes into the
wording that the proposal changes, a rejected one goes out of the proposed wording, so in what the two differ is
still open. The owner may write on meanwhile: a change is made where the text around it is as it was; where the
text has changed at that very place, it is not made, and the owner is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from appliance.entered_text import require_text
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.discussion import KeptVersion
from appliance.model.writing import Text
from appliance.store import discussions
from appliance.store.database import Database, Transaction
from appliance.writing.comments import DiscussedDraft, open_text, record
from appliance.writing.markup import markup, read_markup
from appliance.writing.redlines import TextChange, changes, html_of, lines_of, made, place_of, unmade
from appliance.writing.texts import put_wording

MOST_VERSIONS: Final = 100
"""Wordings that are kept of one text; the oldest that is no proposal makes room."""

LONGEST_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class OpenProposal:
    """A proposal with the lines that it changes, and its own lines as far as they are still to be decided."""

    draft: DiscussedDraft
    version: KeptVersion
    before: tuple[str, ...]
    after: tuple[str, ...]


class Proposals:
    """``by`` is who acts; whoever may not discuss a text is told that there is none (:class:`NotFound`).
    Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def propose(self, text_id: str, html: str, words: str, *, by: str, seen: int) -> KeptVersion:
        """*html*, what the text is to say, as changes of the version that *by* has *seen*; *words* say why.

        When the text has changed since, only what *by* changed is proposed. Raises :class:`PreconditionRefused`
        when nothing is changed, :class:`StateRefused` when the version that was seen is no longer kept.
        """
        after = lines_of(markup(read_markup(html)))
        words = _tidy(words)
        with self._database.transaction() as tx:
            draft, text = self._text(tx, text_id, by)
            base = self._seen(tx, text, seen)
            before = lines_of(base)
            if after == before:
                raise PreconditionRefused("Nothing is changed; change the text first.")
            _require_room(tx, text)
            proposed = html_of(after)
            proposal = _append(tx, text_id, KeptVersion(0, self._now(), by, proposed, base, proposed, words))
            record(tx, draft, EventKind.CHANGES_PROPOSED, by, proposal.at, proposal=proposal.number)
            return proposal

    def shown(self, text_id: str, *, by: str) -> KeptVersion:
        """The text as it is shown to somebody who will propose changes: kept, so that they can be told apart from
        what the owner writes meanwhile."""
        with self._database.transaction() as tx:
            return keep_version(tx, self._text(tx, text_id, by)[1], self._now())

    def proposal(self, text_id: str, number: int, *, by: str) -> OpenProposal:
        with self._database.reading() as tx:
            return self._proposal(tx, text_id, number, by)

    def wording(self, text_id: str, number: int, *, by: str) -> tuple[DiscussedDraft, str]:
        """A kept version or a proposal as HTML; the text as it is now for 0. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            draft, text = self._text(tx, text_id, by)
            if number == 0:
                return draft, text.wording.html
            version = discussions.version(tx, text_id, number)
            if version is None:
                raise NotFound("This version of the text is not kept any more.")
            return draft, version.html

    def accept(self, text_id: str, number: int, chosen: Collection[str] | None, *, by: str) -> int:
        """The owner takes the *chosen* changes (ids; all for None) over into the text; how many.

        All of them or none: raises :class:`StateRefused` when one was decided already, or when the text has
        changed at the place of one, :class:`DocumentRefused` when the text would become too large.
        """
        with self._database.transaction() as tx:
            found = self._proposal(tx, text_id, number, by)
            found.draft.require_own()
            text = _owned(found)
            now, before, after = lines_of(text.wording.html), found.before, found.after
            wanted = _chosen(found, chosen)
            for change in reversed(wanted):  # from the end, so that the places of the others stay
                at = place_of(change, found.before, lines_of(text.wording.html))
                if at is None:
                    raise _overtaken(wanted)
                now, before = made(now, at, change), made(before, change.first, change)
            if now != lines_of(text.wording.html):
                keep_version(tx, text, self._now())
                put_wording(tx, text, replace(text.wording, html=html_of(now)), by, self._now())
            self._decided(tx, found, before, after, accepted=len(wanted))
            return len(wanted)

    def reject(self, text_id: str, number: int, chosen: Collection[str] | None, *, by: str) -> int:
        """The same for changes that are not to be made; the text stays as it is."""
        with self._database.transaction() as tx:
            found = self._proposal(tx, text_id, number, by)
            found.draft.require_own()
            after, wanted = found.after, _chosen(found, chosen)
            for change in reversed(wanted):
                after = unmade(after, change)
            self._decided(tx, found, found.before, after, rejected=len(wanted))
            return len(wanted)

    def withdraw(self, text_id: str, number: int, *, by: str) -> None:
        """Its author takes a proposal back: what is still open of it is not to be decided any more.

        Raises :class:`PreconditionRefused` for anybody else, :class:`StateRefused` when nothing is open.
        """
        with self._database.transaction() as tx:
            found = self._proposal(tx, text_id, number, by)
            version, now = found.version, self._now()
            if version.author != by:
                raise PreconditionRefused("Only its author can withdraw a proposal.")
            if not version.open:
                raise StateRefused(
                    "This proposal has been decided or withdrawn already; look at what became of it."
                )
            withdrawn = replace(version, rest=version.base, decided=now, withdrawn=True)
            discussions.decide(tx, text_id, version, withdrawn)
            record(tx, found.draft, EventKind.CHANGES_WITHDRAWN, by, now, proposal=number)

    def _decided(
        self,
        tx: Transaction,
        found: OpenProposal,
        before: tuple[str, ...],
        after: tuple[str, ...],
        *,
        accepted: int = 0,
        rejected: int = 0,
    ) -> None:
        version, now = found.version, self._now()
        decided = replace(
            version,
            base=html_of(before),
            rest=html_of(after),
            accepted=version.accepted + accepted,
            rejected=version.rejected + rejected,
            decided=None if changes(before, after) else now,
        )
        discussions.decide(tx, found.draft.id, version, decided)
        public = {"proposal": version.number, "accepted": accepted, "rejected": rejected}
        record(tx, found.draft, EventKind.CHANGES_DECIDED, found.draft.owner, now, **public)

    def _text(self, tx: Transaction, text_id: str, by: str) -> tuple[DiscussedDraft, Text]:
        draft = open_text(tx, text_id, by)
        if draft.text is None:
            raise NotFound("There is no such text; it may have been thrown away.")
        return draft, draft.text

    def _proposal(self, tx: Transaction, text_id: str, number: int, by: str) -> OpenProposal:
        draft, _ = self._text(tx, text_id, by)
        version = discussions.version(tx, text_id, number)
        if version is None or version.base is None or version.rest is None:
            raise NotFound("There is no such proposal.")
        return OpenProposal(draft, version, lines_of(version.base), lines_of(version.rest))

    def _seen(self, tx: Transaction, text: Text, seen: int) -> str:
        """The wording that was shown: version *seen* of those that are kept."""
        version = discussions.version(tx, text.id, seen)
        if version is None:
            raise StateRefused(
                "The text has changed much since this page was opened, and the wording that it showed is no longer"
                " kept. What you typed is still here: copy it, open the page anew, and change the text there."
            )
        return version.html


def keep_version(tx: Transaction, text: Text, now: datetime) -> KeptVersion:
    """The wording of the text as one of its versions, unless it is the newest of them already."""
    last = discussions.last_kept(tx, text.id)
    if last is not None and last.html == text.wording.html:
        return last
    return _append(tx, text.id, KeptVersion(0, now, text.changed_by, text.wording.html))


def _append(tx: Transaction, text_id: str, version: KeptVersion) -> KeptVersion:
    known = discussions.versions(tx, text_id)
    numbered = replace(version, number=known[0].number + 1 if known else 1)
    removable = [each.number for each in known if not each.proposed]
    if len(known) >= MOST_VERSIONS and removable:
        discussions.remove_version(tx, text_id, removable[-1])
    discussions.insert_version(tx, text_id, numbered)
    return numbered


def _require_room(tx: Transaction, text: Text) -> None:
    proposals = sum(each.proposed for each in discussions.versions(tx, text.id))
    if proposals >= MOST_VERSIONS // 2:
        raise PreconditionRefused(
            "{most} changes to this text have been proposed; nobody can propose more.", most=MOST_VERSIONS // 2
        )


def _chosen(found: OpenProposal, chosen: Collection[str] | None) -> list[TextChange]:
    every = changes(found.before, found.after)
    wanted = [each for each in every if chosen is None or each.id in chosen]
    if not wanted or (chosen is not None and len(wanted) < len(set(chosen))):
        raise StateRefused("This change has been decided already; look at what is left of the proposal.")
    return wanted


def _owned(found: OpenProposal) -> Text:
    if found.draft.text is None:
        raise NotFound("There is no such text; it may have been thrown away.")
    return found.draft.text


def _overtaken(wanted: Collection[TextChange]) -> StateRefused:
    if len(wanted) == 1:
        return StateRefused(
            "The text has changed at this place since the change was proposed, so nothing was taken over. Change"
            " the text yourself, then reject the proposal."
        )
    return StateRefused(
        "The text has changed since, at the place of one of these changes, so none was taken over. Accept them one"
        " by one."
    )


def _tidy(words: str) -> str:
    if not words.strip():
        return ""
    return require_text(
        words,
        missing="Write what you have to say.",
        too_long="The reason is too long; {most} characters are possible.",
        most=LONGEST_WORDS,
    )
