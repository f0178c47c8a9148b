"""Synchronising with a directory of ten thousand people, and how that grows; what the directory takes to answer is
measured where it is read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from appliance.config import OpenIdSettings
from appliance.directories import DirectoryAccounts
from appliance.model.directories import DirectorySource, DirectoryUser
from appliance.wiring import open_appliance
from tests.bench.measure import Figure, median
from tests.bench.stage import founded_home

SIZES = (1_000, 10_000)
FIRST, AGAIN = 60.0, 5.0
"""Seconds for ten thousand new people, and for as many of whom nothing has changed."""

ROUNDS = 3
TEAM = 10
"""People whom each manager has."""


def figures() -> list[Figure]:
    """Seconds of a first synchronisation, without and with an identity provider; of one that finds nothing
    changed, of one that finds one in a hundred changed, and of a dry run."""
    first: dict[str, float] = {}
    invited: dict[str, float] = {}
    same: dict[str, tuple[float, ...]] = {}
    changed: dict[str, tuple[float, ...]] = {}
    plan: dict[str, tuple[float, ...]] = {}
    for size in SIZES:
        everybody = [_user(number) for number in range(size)]
        with _following(single_sign_on=False) as accounts:
            invited[f"{size:,}"] = _seconds(accounts, everybody)
        with _following(single_sign_on=True) as accounts:
            first[f"{size:,}"] = _seconds(accounts, everybody)
            same[f"{size:,}"] = tuple(_seconds(accounts, everybody) for _ in range(ROUNDS))
            changed[f"{size:,}"] = tuple(_seconds(accounts, _moved(everybody, each)) for each in range(ROUNDS))
            plan[f"{size:,}"] = tuple(_planned(accounts, everybody) for _ in range(ROUNDS))
    return [
        _figure("directory: first synchronisation, people sign in through a provider", first, FIRST),
        _figure("directory: first synchronisation, everybody is invited by mail", invited, FIRST),
        _figure("directory: synchronisation, nothing has changed", same, AGAIN),
        _figure("directory: synchronisation, one in a hundred has changed", changed, AGAIN),
        _figure("directory: dry run, one in a hundred has changed", plan, AGAIN),
    ]


def _figure(work: str, taken: dict[str, float] | dict[str, tuple[float, ...]], target: float) -> Figure:
    rounds = {size: each if isinstance(each, tuple) else (each,) for size, each in taken.items()}
    growth = {size: median(each) for size, each in rounds.items()}
    largest = f"{SIZES[-1]:,}"
    return Figure(
        work,
        "s",
        growth[largest],
        rounds[largest],
        target=target,
        smaller_is_better=True,
        note=f"{largest} people; without the time that the directory takes",
        growth=growth,
    )


def _user(number: int) -> DirectoryUser:
    groups = {"staff", "contract managers"} if number % 3 == 0 else {"staff"}
    return DirectoryUser(
        key=f"{number:032x}",
        login=f"user{number}",
        name=f"人员{number}",
        email=f"user{number}@enterprise.example",
        department=f"部门{number % 50}",
        manager=f"{number // TEAM:032x}" if number else "",
        groups=frozenset(groups),
    )


def _moved(everybody: list[DirectoryUser], turn: int) -> list[DirectoryUser]:
    """One in a hundred is in another department; each *turn* it is another one."""
    return [
        replace(each, department=f"新部门{turn}") if number % 100 == 0 else each
        for number, each in enumerate(everybody)
    ]


def _seconds(accounts: DirectoryAccounts, users: list[DirectoryUser]) -> float:
    started = time.perf_counter()
    accounts.synchronise(DirectorySource.LDAP, users)
    return time.perf_counter() - started


def _planned(accounts: DirectoryAccounts, users: list[DirectoryUser]) -> float:
    started = time.perf_counter()
    accounts.plan(DirectorySource.LDAP, users)
    return time.perf_counter() - started


@contextmanager
def _following(*, single_sign_on: bool) -> Iterator[DirectoryAccounts]:
    with founded_home() as settings:
        directory = replace(settings.directory, initiator=["contract managers"])
        provider = (
            OpenIdSettings("https://id.enterprise.example", "vermilion") if single_sign_on else OpenIdSettings()
        )
        with open_appliance(replace(settings, directory=directory, openid=provider)) as appliance:
            yield appliance.directory_accounts
