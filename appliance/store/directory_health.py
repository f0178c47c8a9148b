"""How synchronisations went and what waits after them, as health checks and figures ask for it every few seconds.
Each function reads little, in the caller's transaction; ``directories`` has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.model.directories import DirectorySource, HeldKind
from appliance.model.directory_status import ProviderState
from appliance.store.database import Transaction
from hsm.rows import Query


@dataclass(frozen=True, slots=True)
class RoundsSoFar:
    """``success`` is the end of the last synchronisation that did not fail, None before the first; ``failure`` the
    sentence of the one that failed since, if any; ``began`` the beginning of the oldest that is kept."""

    began: datetime
    success: datetime | None
    failure: str | None


def rounds_so_far(tx: Transaction, source: DirectorySource) -> RoundsSoFar | None:
    """None before the first synchronisation with *source*."""
    return _ROUNDS.first(tx, "WHERE source = ?1 HAVING count(*)", (source,))


_ROUNDS = Query(
    RoundsSoFar,
    "SELECT min(began) AS began, max(ended) FILTER (WHERE outcome <> 'failed') AS success,"
    " (SELECT CASE outcome WHEN 'failed' THEN problem END FROM directory_rounds WHERE source = ?1"
    " ORDER BY number DESC LIMIT 1) AS failure FROM directory_rounds",
)


@dataclass(frozen=True, slots=True)
class HeldCount:
    """So many users of one kind wait for two administrators, the first of them ``since``."""

    kind: HeldKind
    count: int
    since: datetime


def held_counts(tx: Transaction) -> Mapping[HeldKind, HeldCount]:
    """By kind; a kind of which nothing waits is left out."""
    found = _HELD.all(tx, "WHERE released IS NULL GROUP BY kind")
    return {each.kind: each for each in found}


_HELD = Query(HeldCount, "SELECT kind, count(*) AS count, min(since) AS since FROM directory_held")


def count_problems(tx: Transaction) -> int:
    """Users who cannot come in, or whose account does not follow them."""
    return tx.count("SELECT count(*) FROM directory_users WHERE problem IS NOT NULL")


def count_users(tx: Transaction, source: DirectorySource) -> int:
    """Users whom *source* has now."""
    return tx.count("SELECT count(*) FROM directory_users WHERE source = ? AND removed IS NULL", (source,))


@dataclass(frozen=True, slots=True)
class LastingDepartures:
    """``count`` people who have departed and whose certificates nobody has ended, the first of them ``since``."""

    count: int
    since: datetime


def lasting_departures(tx: Transaction, *, before: datetime) -> LastingDepartures | None:
    """Those since *before*; None when there is nobody."""
    return _DEPARTURES.first(
        tx,
        "WHERE departures.since < ? AND accounts.state <> 'left'"
        " AND EXISTS (SELECT 1 FROM certificates WHERE subject = departures.subject) HAVING count(*)",
        (before,),
    )


_DEPARTURES = Query(
    LastingDepartures,
    "SELECT count(*) AS count, min(departures.since) AS since FROM departures"
    " JOIN accounts ON accounts.subject = departures.subject",
)


def provider_state(tx: Transaction, issuer: str) -> ProviderState:
    """What the portal has noted of it."""
    return _PROVIDER.first(tx, "WHERE issuer = ?", (issuer,)) or ProviderState(issuer)


_PROVIDER = Query(ProviderState, "SELECT issuer, since, at, problem FROM sign_on_failures")


def provider_failed(tx: Transaction, issuer: str, problem: str, *, at: datetime) -> None:
    """Notes that the provider did not answer, or not with what can be believed."""
    row = {"issuer": issuer, "since": at, "at": at, "problem": problem}
    tx.insert(
        "sign_on_failures",
        row,
        conflict="ON CONFLICT (issuer) DO UPDATE SET at = excluded.at, problem = excluded.problem",
    )


def provider_answered(tx: Transaction, issuer: str) -> None:
    """Notes that it does; writes nothing where it did before."""
    tx.delete("sign_on_failures", issuer=issuer)
