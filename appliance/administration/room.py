"""What everything about administrators is done with: one place to hand over what all of it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from appliance.accounts.codes import LoginCodes
from appliance.accounts.passkeys import PasskeyVerifier
from appliance.accounts.tickets import Tickets
from appliance.administration.confirmed import RootConfirmations
from appliance.administration.journal import AdministrationJournal
from appliance.config import SessionSettings
from appliance.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class AdministrationContext:
    """The collaborators; every one is thread-safe. ``portal`` opens the portal's database when it is needed, so
    that the administration opens while that one does not. ``welcome_code`` is the code that goes with the link
    which an act (by its id) makes."""

    database: Database
    portal: Callable[[], Database]
    journal: AdministrationJournal
    codes: LoginCodes
    tickets: Callable[[], Tickets]
    passkeys: Callable[[], PasskeyVerifier]
    confirmed: RootConfirmations
    welcome_code: Callable[[str], str]
    limits: SessionSettings
    now: Callable[[], datetime]

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction of the administration; what it wrote into the journal then goes into the log."""
        with self.database.transaction() as tx:
            yield tx
        self.journal.forward_to_log()
