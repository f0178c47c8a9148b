"""What is found afterwards, beside what clients were told: databases, blobs, the log, the verifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from pysqlite3 import dbapi2 as sqlite

from appliance.contracts.recovery import LEASE_TIMEOUT
from appliance.home import Home
from appliance.ledger.check import LogCheck
from appliance.ledger.entry import TimestampEntry
from appliance.ledger.sequencer import Sequencer
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.model.contract import Contract, ContractState, PartyState, RevisionKind
from appliance.model.intent import IntentState
from appliance.store import intents, ledger
from appliance.store.retention import is_needed
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.note import parse_vkey
from hsm.timestamp import IssuedToken, parse_token
from tests.crash.tally import Tally
from tests.log import count_timestamps, entry_of_timestamp
from tests.world import contract_now

OPEN = {IntentState.SIGNING, IntentState.SIGNED, IntentState.STAMPED}


class Judge:
    """Compares what clients were told with one home, which it opens as an appliance of its own."""

    def __init__(self, appliance: Appliance, home: Home) -> None:
        self._appliance = appliance
        self._home = home
        self._serials: set[int] = set()
        self._tokens: list[bytes] = []

    def contract(
        self, contract_id: str, acknowledged: Iterable[str], party: str, *, expected: bool | None = None
    ) -> Tally:
        """The contract of a round after recovery: whole, and what was acknowledged is so.

        *expected*: whether *party* must have signed, where that is certain.
        """
        contract = contract_now(self._appliance, contract_id)
        tally = Tally()
        signed = {each.id for each in contract.parties if each.state is PartyState.SIGNED}
        for act in acknowledged:
            done = contract.state is ContractState.COMPLETED if act == "sealed" else party in signed
            tally.found_or_lost(done, f"{act} in {contract_id}")
        if expected is not None and (party in signed) != expected:
            tally.half(f"{contract_id}: recovery made {sorted(signed)} of it")
        self._judge_intents(contract, signed, tally)
        self._judge_revisions(contract, signed, tally)
        return tally

    def approvals(self, approved: Iterable[str]) -> Tally:
        """Intents that people have activated: the authority still knows it, also where nothing was signed."""
        tally = Tally()
        for intent_id in approved:
            intent = self._appliance.database.query(intents.load_intent, intent_id).intent
            remembered = self._appliance.authority.approvals(intent).enough
            tally.found_or_lost(remembered, f"the activation of {intent_id}")
        return tally

    def tokens(self, tokens: Iterable[bytes]) -> Tally:
        """Tokens that somebody holds: each has its row and its entry, no serial came twice."""
        tally = Tally()
        self._feed()
        for token in tokens:
            info = parse_token(token)
            if info.serial in self._serials:
                tally.duplicate(f"serial {info.serial:x}")
            self._serials.add(info.serial)
            self._tokens.append(token)
            tally.found_or_lost(self._is_recorded(token), f"timestamp {info.serial:x}")
        return tally

    def everything(self) -> Tally:
        """The whole home, once more at the end: the log is walked, databases and blobs are looked through."""
        tally = Tally()
        self._feed()
        with AuthorityClient(self._home.authority_socket("scheduler")) as scheduler:
            Sequencer(self._appliance.database, scheduler).run_once()
            key = parse_vkey((self._home.trust / "log.vkey").read_text("ascii"))
            report = LogCheck(self._appliance.database, scheduler, key=key).check()
        tally.note("entries in the log", report.size)
        tally.note("checkpoints", report.checkpoints)
        for token in self._tokens:
            if not self._is_recorded(token):
                tally.lose(f"timestamp {parse_token(token).serial:x} at the end")
        self._judge_databases(tally)
        self._judge_blobs(tally)
        return tally

    def _feed(self) -> None:
        """As the scheduler does it, which may do it at the same time."""
        TimestampFeeder(self._appliance.database, self._home.timestamp_spool).run_once()

    def _is_recorded(self, token: bytes) -> bool:
        info = parse_token(token)
        with self._appliance.database.reading() as tx:
            entry = entry_of_timestamp(tx, info.serial)
            recorded = TimestampEntry.of(IssuedToken(info.serial, info.gen_time, token)).leaf()
            return entry is not None and ledger.leaf(tx, entry) == recorded

    def _judge_intents(self, contract: Contract, signed: set[str], tally: Tally) -> None:
        with self._appliance.database.reading() as tx:
            attempts = intents.of_contract(tx, contract.id)
        for record in attempts:
            if record.state in OPEN:
                tally.half(f"intent {record.id} of {contract.id} is {record.state}")
            if record.state is IntentState.PREPARED and self._is_used_up(record.intent.nonce):
                tally.half(f"intent {record.id} is prepared, and its activation is used up")
        completed = Counter(record.intent.party for record in attempts if record.state is IntentState.COMPLETED)
        for party, times in completed.items():
            if times > 1:
                tally.duplicate(f"party {party} has {times} completed signatures")
        if set(completed) != signed:
            tally.half(f"{contract.id}: signed {sorted(signed)}, completed {sorted(completed)}")

    def _judge_revisions(self, contract: Contract, signed: set[str], tally: Tally) -> None:
        revisions = [each.party for each in contract.revisions if each.kind is RevisionKind.SIGNATURE]
        if len(revisions) != len(set(revisions)):
            tally.duplicate(f"{contract.id} has two signature revisions of one party")
        if {party for party in revisions if party} != signed:
            tally.half(f"{contract.id}: revisions of {revisions}, signed {sorted(signed)}")
        archives = sum(each.kind is RevisionKind.ARCHIVE for each in contract.revisions)
        if archives > 1 or (archives == 1) != (contract.state is ContractState.COMPLETED):
            tally.half(f"{contract.id} is {contract.state} with {archives} archives")
        report = self._appliance.verifier.verify_pdf(self._appliance.contracts.document(contract))
        signatures = [each for each in report.signatures if not each.document_timestamp]
        if len(signatures) != len(signed):
            tally.half(f"{contract.id}: {len(signatures)} signatures in the file, {len(signed)} parties signed")
        if signed and report.indication is not Indication.PASSED:
            tally.lose(f"{contract.id} does not verify: {report.reasons}")

    def _is_used_up(self, nonce: bytes) -> bool:
        authority = sqlite.connect(f"file:{self._home.root}/authority/authority.db?mode=ro", uri=True)
        try:
            return authority.execute("SELECT 1 FROM acts WHERE nonce = ?", (nonce,)).fetchone() is not None
        finally:
            authority.close()

    def _judge_databases(self, tally: Tally) -> None:
        for path in (self._home.database, self._home.root / "authority/authority.db"):
            database = sqlite.connect(path)
            try:
                for pragma, good in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
                    found = database.execute(f"PRAGMA {pragma}").fetchall()
                    if found != good:
                        tally.lose(f"{path.name}: {pragma} says {found[:3]}")
            finally:
                database.close()
        with self._appliance.database.reading() as tx:
            nonces = tx.execute("SELECT count(*), count(DISTINCT nonce) FROM intents").fetchone()
            issued = count_timestamps(tx)
        if nonces[0] != nonces[1]:
            tally.duplicate("a nonce was used for two intents")
        tally.note("tokens recorded, reply lost", issued - len(self._tokens) - self._kept_by_the_appliance())

    def _kept_by_the_appliance(self) -> int:
        """Timestamps in signatures, archives and checkpoints."""
        with self._appliance.database.reading() as tx:
            queries = (
                "SELECT count(*) FROM intents WHERE stamped IS NOT NULL",
                "SELECT count(*) FROM revisions WHERE kind = 'archive'",
                "SELECT count(*) FROM checkpoints",
                "SELECT count(*) FROM agreements",
            )
            return sum(int(tx.execute(query).fetchone()[0]) for query in queries)

    def _judge_blobs(self, tally: Tally) -> None:
        self._appliance.blobs.sweep(before=self._appliance.now() + timedelta(hours=1))
        swept = sum(self._appliance.retention.remove_ownerless_blobs() for _ in range(256))
        tally.note("blobs without owner, swept", swept)
        with self._appliance.database.reading() as tx:
            for path in self._home.blobs.glob("??/*"):
                if not is_needed(tx, path.name):
                    tally.half(f"the blob {path.name} has no owner")
            wanted = {row[0] for row in tx.execute("SELECT digest FROM revisions")}
        for digest in wanted:
            self._appliance.blobs.get(digest)  # there, and undamaged

    def recover(self) -> dict[str, str]:
        """What recovery cannot close now, with the reason."""
        try:
            return self._appliance.recovery.run().pending
        except AuthorityError as error:
            return {"recovery": str(error)}


LATER = LEASE_TIMEOUT + timedelta(seconds=1)
"""A clock that is so far ahead finds what a living process has given up."""
