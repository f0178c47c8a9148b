"""Leaving and coming back, as the organisation's directory says.

1. *depart*: the account is suspended, with all that leads into it: sessions, links, mail that waits. Powers of
   attorney, an open request for enrolment and requests of other software end. Officers are told to end the
   certificate, which makes it final.
2. *offer_work*: what waits for the person goes to the manager, where the settings say so and the manager can take
   it. Whatever stays is listed for officers and initiators, as of everybody who has left.
3. *come_back*: before officers have let the person go, the account is what it was. What ended stays ended.

None of it asks the authority: people are shut out also while that is locked. What they had registered there, and
no officer has confirmed, is dropped by the job that collects registrations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.config import WorkGoesTo
from appliance.contracts.handing_over import HandingOver
from appliance.enrolment_requests import withdraw_enrolment_request
from appliance.ledger.audit_trail import DIRECTORY, EventKind
from appliance.model.accounts import AccountState
from appliance.model.directories import DirectorySource
from appliance.model.notice import Notice, NoticeKind
from appliance.powers.register import end_of_agent
from appliance.store import accounts, directories, members, outbox, people
from appliance.store.database import Transaction

GONE: Final = "The organisation's directory does not have the person any more."
"""Kept with a request for enrolment that ends, and translated when it is shown."""

REASON: Final = (
    "组织目录中已无此人，由其直属上级接手。No longer in the organisation's directory; the manager takes over."
)
"""Why work was handed over, for all who read it: readers of a contract have different languages."""

AT_ONCE: Final = 50
"""Departures of which the work is offered before other jobs get the database."""


class Leaving(AccountsPart):
    """*end_requests* ends what other software has asked of somebody (a subject). Thread-safe."""

    def __init__(
        self,
        context: AccountsContext,
        handing_over: HandingOver,
        end_requests: Callable[[Transaction, str], None],
        goes_to: WorkGoesTo,
    ) -> None:
        super().__init__(context)
        self._handing_over, self._end_requests, self._goes_to = handing_over, end_requests, goes_to

    def depart(self, tx: Transaction, subject: str, source: DirectorySource) -> bool:
        """The directory has disabled or removed *subject*; False for who has departed already.

        Of somebody whom officers had let go before, it is only noted: a later return is a new account."""
        if directories.has_departed(tx, subject):
            return False
        now, account = self._now(), accounts.account(tx, subject)
        left = account.state is AccountState.LEFT
        directories.insert_departure(tx, subject, source, was=account.state, at=now, offered=left)
        if left:
            return False
        accounts.set_state(tx, subject, AccountState.SUSPENDED)
        accounts.end_links_of(tx, subject, now=now)
        outbox.withdraw(tx, subject, now)
        self._sessions.end_all_sessions(tx, subject, by=DIRECTORY)
        self._end_requests(tx, subject)
        withdraw_enrolment_request(tx, subject, reason=GONE, by=DIRECTORY, at=now)
        end_of_agent(tx, subject, by=DIRECTORY, now=now)
        if people.is_enrolled(tx, subject):
            for officer in members.officers(tx):
                outbox.enqueue(tx, Notice(None, officer, NoticeKind.DEPARTED, now, subject))
        self._append_event(tx, EventKind.PERSON_DEPARTED, DIRECTORY, {"subject": subject, "source": source.value})
        return True

    def come_back(self, tx: Transaction, subject: str) -> AccountState | None:
        """The directory has *subject* again: the state of the account before, which it has again; None for who has
        not departed, or was let go."""
        account = accounts.account(tx, subject)
        if account.state is AccountState.LEFT:
            return None
        was = directories.end_departure(tx, subject)
        if was is None:
            return None
        accounts.set_state(tx, subject, was)
        self._append_event(tx, EventKind.PERSON_RETURNED, DIRECTORY, {"subject": subject})
        return was

    def offer_work(self) -> int:
        """Offers the open work of at most :data:`AT_ONCE` people who have departed to their managers; of how many.
        A transaction for each part; what was begun and broken off is gone on with."""
        waiting = self._database.query(directories.to_offer, AT_ONCE)
        for subject in waiting:
            manager = self._database.query(directories.manager_of, subject)
            if manager is not None and self._goes_to is WorkGoesTo.MANAGER:
                self._handing_over.hand_over_all(subject, to=manager, reason=REASON, by=DIRECTORY)
            self._database.commit(directories.set_offered, subject, self._now())
        return len(waiting)
