"""A database with contracts, clients, and what sends their events; the clock is the test's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.acting_client import ClientReach
from appliance.captures.telling import tell
from appliance.egress import ExchangeLimits
from appliance.events import (
    EventFeed,
    WebhookActor,
    WebhookDelivery,
    Webhooks,
    WebhookSecrets,
    WebhookTargets,
)
from appliance.events.delivery import LIMITS
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.captures import CaptureState, CaptureWork, OrderedCapture
from appliance.model.deposits import Deposit
from appliance.model.webhooks import WebhookEndpoint
from appliance.store import captures, contracts, ownership, people
from appliance.store import webhooks as store
from appliance.store.database import Database, Transaction
from tests.appliance.contracts.samples import contract
from tests.appliance.store.seeds import CERTIFICATE, person, seeded

ERP, OTHER = "client-erp", "client-other"
HOUSE, SUBSIDIARY = "甲公司示例有限公司", "乙公司示例有限公司"
OPERATOR = WebhookActor("administrator-chen")
KEY = bytes(range(32))


class Site:
    """``clients`` are those that are active, with what they may reach."""

    def __init__(
        self, database: Database, targets: Sequence[str] = (), *, limits: ExchangeLimits = LIMITS, trust: str = ""
    ) -> None:
        self.database = database
        self.ahead = timedelta()
        self.clients: dict[str, ClientReach] = {
            ERP: ClientReach(ERP, frozenset({HOUSE}), captures=True, deposits=True),
            OTHER: ClientReach(OTHER, frozenset({SUBSIDIARY})),
        }
        allowed = WebhookTargets(targets, development=True)
        keys = WebhookSecrets(KEY)
        self.feed = EventFeed(self.database)
        self.webhooks = Webhooks(self.database, allowed, keys, self.reach_of, self.now)
        self.delivery = WebhookDelivery(
            self.database, allowed, keys, self.reach_of, self.now, limits=limits, trust=trust or None
        )

    @classmethod
    @contextmanager
    def at(cls, path: Path, targets: Sequence[str] = (), *, limits: ExchangeLimits = LIMITS) -> Iterator[Site]:
        """One with a database of its own at *path*, with people of two companies."""
        with closing(seeded(path)) as database:
            with database.transaction() as tx:
                people.insert_person(tx, replace(person(5), organisation=SUBSIDIARY), CERTIFICATE)
            site = cls(database, targets, limits=limits)
            yield site
            site.delivery.close()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def reach_of(self, _tx: Transaction, client: str) -> ClientReach | None:
        return self.clients.get(client)

    def add_contract(
        self, contract_id: str, *, by: str = "person-1", kind: str = "采购", client: str | None = None
    ) -> None:
        """A contract with the first entry of its history, made by *client* or by a person."""
        with self.database.transaction() as tx:
            made = replace(contract(), id=contract_id, initiator=by, kind=kind, parties=())
            contracts.insert_contract(tx, made)
        self.append(contract_id, EventKind.CONTRACT_DRAFTED, **({} if client is None else {"client": client}))

    def append(self, contract_id: str, kind: EventKind = EventKind.CONTRACT_SENT, **public: Any) -> int:
        """One entry of the contract's history; its number."""
        return self.database.commit(append_event, AuditEvent(kind, self.now(), "person-1", contract_id, public))

    def add_capture(self, number: int, client: str | None, by: str = "person-1") -> OrderedCapture:
        """A capture of *by* that waits, ordered by *client* or by hand."""
        made = OrderedCapture(
            id=f"{number:024x}",
            owner=by,
            address="https://example.com/",
            purpose="示例",
            ordered=self.now(),
            state=CaptureState.WAITING,
            work=CaptureWork(self.now()),
            client=client,
        )
        self.database.commit(captures.insert_capture, made)
        return made

    def tell(self, capture: OrderedCapture, kind: EventKind) -> None:
        """What becomes of *capture*."""
        with self.database.transaction() as tx:
            tell(tx, capture, kind, self.now())

    def add_deposit(self, number: int, organisation: str, by: str = "person-1") -> None:
        """A deposit of *by*, who was of this *organisation*."""
        deposit = f"{number:024x}"
        event = AuditEvent(EventKind.OWNERSHIP_DEPOSITED, self.now(), by, None, {"deposit": deposit})
        with self.database.transaction() as tx:
            entry = append_event(tx, event)
            stamp = self.now(), b"token"
            made = Deposit(deposit, by, organisation, "示例", deposit * 2 + "0" * 16, 1, None, *stamp, entry)
            ownership.insert_deposit(tx, made, [])

    def webhook_to(self, url: str, types: Sequence[str] = (), client: str = ERP) -> tuple[str, str]:
        """An active webhook of *client*: its id and its secret."""
        made = self.webhooks.create(client, url, types, by=OPERATOR)
        return made.id, self.webhooks.make_secret(made.id, WebhookActor.of_client(client))

    def deliver(self) -> None:
        """One round, until all of it is done."""
        self.delivery.run_round()
        assert self.delivery.wait(60)

    def skip_pause(self, webhook_id: str) -> None:
        """As if the pause after a failure were over."""
        with self.database.transaction() as tx:
            tx.update("webhooks", {"retry_at": None}, id=webhook_id)

    def webhook(self, webhook_id: str) -> WebhookEndpoint:
        return self.database.query(store.webhook, webhook_id)
