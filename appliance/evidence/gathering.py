"""What packages of contracts and of web captures take from the running appliance alike: the log's part, and the
authority's certificates."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from cryptography import x509

from appliance.config import Settings
from appliance.errors import StateRefused
from appliance.evidence.model import Certificates, LogEntry, LogMaterial
from appliance.ledger import LogProofs
from appliance.ledger.disclosure import VisibleEvents
from appliance.store import witnesses as stored_witnesses
from appliance.store.database import Database
from appliance.store.ledger import StoredCheckpoint
from appliance.verification.paths import PathFinder
from appliance.verification.revocation import without_current_list
from appliance.verification.trust import shown_name
from appliance.witnesses import WitnessPolicy, policy_of
from appliance.witnesses.submitting import answering
from hsm.client import AuthorityClient

PATIENCE: Final = 15.0
"""Seconds to wait for a checkpoint that covers everything."""

TICK: Final = 0.05

_SEALED_WITHIN: Final = timedelta(minutes=1)
"""How long after its lists were got a package is dated, at the latest."""


class LogSources(Protocol):
    """The parts of an appliance that the log's part of a package is gathered from."""

    settings: Settings
    database: Database
    proofs: LogProofs


def log_material(sources: LogSources, entries: Mapping[int, VisibleEvents | None]) -> LogMaterial:
    """The log's part of a package with these *entries*: by their numbers what is seen of each, None where what
    lies behind its commitments stays closed. Waits for a checkpoint over all of them; raises :class:`StateRefused`
    where none comes."""
    policy = policy_of(sources.settings)
    checkpoint = _checkpoint_over(sources, max(entries), policy)
    found = tuple(_entry(sources.proofs, index, entries[index], checkpoint) for index in sorted(entries))
    key = sources.settings.home.log_key.read_text(encoding="ascii").strip()
    told = b"" if policy is None else policy.text
    return LogMaterial(checkpoint.cosigned_note, checkpoint.token, key, found, told)


def _checkpoint_over(sources: LogSources, index: int, policy: WitnessPolicy | None) -> StoredCheckpoint:
    """The newest checkpoint over the entry at *index* with a quorum of witnesses, for which it waits where the
    settings say so; else the newest over it."""
    wanted = policy is not None and policy.demands_witnesses
    seconds = sources.settings.witnesses.export_seconds
    began = time.monotonic()
    while True:
        witnessed = sources.proofs.witnessed(index) if wanted else None
        if witnessed is not None:
            return witnessed
        newest, waited = sources.proofs.latest(), time.monotonic() - began
        is_over = newest is not None and newest.size > index
        if (
            newest is not None
            and is_over
            and (not wanted or waited >= seconds or not _may_come(sources.database, policy))
        ):
            return newest
        if not is_over and waited >= PATIENCE:
            raise StateRefused("The log has no checkpoint over this yet; see that the scheduler runs.")
        time.sleep(TICK)


def _may_come(database: Database, policy: WitnessPolicy | None) -> bool:
    """Whether the witnesses that answer are enough for a quorum."""
    states = database.query(stored_witnesses.states)
    return policy is not None and policy.is_met(answering(policy, states))


def _entry(proofs: LogProofs, index: int, seen: VisibleEvents | None, checkpoint: StoredCheckpoint) -> LogEntry:
    """The entry; what lies behind its commitments only as far as it is *seen*."""
    leaf = proofs.entry(index)
    proof = proofs.proof_file(index, checkpoint)
    if seen is None:
        return LogEntry(index, leaf, proof)
    return LogEntry(index, leaf, proof, seen.opening, withheld=not seen.complete, hidden=not seen.whole)


def certificates_of(authority: AuthorityClient) -> Certificates:
    """Those of the authority, with its newest revocation lists."""
    *intermediates, root = (x509.load_der_x509_certificate(each) for each in authority.authorities())
    return Certificates(
        root=root,
        intermediates=tuple(intermediates),
        timestamping=x509.load_der_x509_certificate(authority.certificate("tsa")),
        evidence=x509.load_der_x509_certificate(authority.certificate("evidence")),
        crls=tuple(authority.crls()),
    )


def current_certificates_of(
    authority: AuthorityClient, now: datetime, stampers: Iterable[x509.Certificate] = ()
) -> Certificates:
    """The same with lists that still count when what is made *now* is dated, also for *stampers*, by whom parts of
    it were dated before; those of issuing CAs are issued anew where they do not. Raises :class:`StateRefused`
    while that of the root, which a ceremony makes, has run out."""
    found, at, stampers = certificates_of(authority), now + _SEALED_WITHIN, tuple(stampers)
    missing = _without_list(found, stampers, at)
    if missing is not None and missing.issuer != found.root.subject:
        authority.issue_crl()
        found = certificates_of(authority)
        missing = _without_list(found, stampers, at)
    if missing is not None:
        issuer = next(each for each in (found.root, *found.intermediates) if each.subject == missing.issuer)
        raise StateRefused(
            "The revocation list of {name} has run out, and a package made now would prove nothing. It can be made"
            " once that list is renewed: ask the operators. The root's is renewed in a ceremony.",
            name=shown_name(issuer),
        )
    return found


def _without_list(
    found: Certificates, stampers: Iterable[x509.Certificate], at: datetime
) -> x509.Certificate | None:
    finder = PathFinder([found.root], found.intermediates)
    paths = [path for each in (found.evidence, found.timestamping, *stampers) for path in finder.paths(each)]
    return without_current_list(paths, found.crls, at)
