"""Delivering the outbox: queued → sending → sent, unknown or refused, each step its own commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.model.notice import Notice
from appliance.notices.addresses import Addresses
from appliance.notices.letters import Matter, letter
from appliance.notices.mail import Envelope, Mail, MailRefused, MailUnavailable, MailUnknown
from appliance.store import contracts, outbox, people
from appliance.store.database import Database, Transaction

INTERRUPTED = "the process ended while it was sent"


class Delivery:
    """There is one sender at a time (the scheduler); *issuer* is the organisation in whose name it writes."""

    def __init__(
        self, database: Database, mail: Mail, *, addresses: Addresses, issuer: str, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._mail = mail
        self._addresses = addresses
        self._issuer = issuer
        self._now = now

    def recover(self) -> int:
        """At the start: what a sender that died had in hand is unknown, never sent again by itself; how many."""
        with self._database.transaction() as tx:
            return outbox.give_up_sending(tx, INTERRUPTED)

    def deliver(self, *, most: int = 100) -> int:
        """Send what is due, at most so many; how many were taken by the server."""
        delivered = 0
        for _ in range(most):
            with self._database.transaction() as tx:
                message = outbox.take(tx, self._now())
            if message is None:
                break
            delivered += self._send(message)
        return delivered

    def _send(self, message: outbox.OutboxMessage) -> bool:
        notice = message.notice
        with self._database.reading() as tx:
            person = people.person(tx, notice.recipient)
            words = letter(person, notice.kind, self._matter(tx, notice))
        envelope = Envelope(person.email, person.name, notice.message_id, notice.due)
        try:
            self._mail.send(envelope, words)
        except MailUnavailable as error:
            until = self._now() + outbox.retry_after(message.attempts)
            with self._database.transaction() as tx:
                outbox.postpone(tx, message, reason=str(error), until=until)
        except MailRefused as error:
            with self._database.transaction() as tx:
                outbox.refused(tx, message, str(error))
        except MailUnknown as error:
            with self._database.transaction() as tx:
                outbox.unknown(tx, message, str(error))
        else:
            with self._database.transaction() as tx:
                outbox.sent(tx, message)
            return True
        return False

    def _matter(self, tx: Transaction, notice: Notice) -> Matter:
        address = self._addresses.of(tx, notice)
        if notice.contract is None:
            return Matter(address, self._issuer)
        contract = contracts.load(tx, notice.contract)
        return Matter(address, self._issuer, contract.title, contract.deadline.at)
