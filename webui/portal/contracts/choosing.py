"""What somebody wants to see of the list: the filter in an address, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from appliance.model.listing import ContractBucket, ContractFilter
from webui.shared.language import translate

NAMES = ("bucket", "q", "party", "kind", "since", "until")
LONGEST = 100
"""Characters of one word to search for; more is cut off, as no title or name is longer."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """``typed`` is what stands in the fields, ``address`` the same without what is empty, ``problems`` a sentence
    for each field that cannot be understood (it does not restrict then)."""

    filter: ContractFilter
    typed: Mapping[str, str]
    address: Mapping[str, str]
    problems: Mapping[str, str]

    @property
    def narrowed(self) -> bool:
        """Whether one of the fields is used that are folded away."""
        return any(self.typed[name] for name in ("party", "kind", "since", "until"))

    @property
    def filtered(self) -> bool:
        """Whether anything restricts the list."""
        return bool(self.address) or self.filter.after is not None


def read_filter(arguments: Mapping[str, str]) -> ListFilter:
    """The choice that the address of a list states."""
    typed = {name: " ".join(arguments.get(name, "").split())[:LONGEST] for name in NAMES}
    problems: dict[str, str] = {}
    if typed["bucket"] not in tuple(ContractBucket):
        typed["bucket"] = ""
    wanted = ContractFilter(
        bucket=ContractBucket(typed["bucket"]) if typed["bucket"] else None,
        kind=typed["kind"] or None,
        party=typed["party"] or None,
        since=_day(typed, "since", problems),
        until=_day(typed, "until", problems),
        query=typed["q"] or None,
        after=arguments.get("after") or None,
    )
    return ListFilter(wanted, typed, {name: value for name, value in typed.items() if value}, problems)


def buckets() -> list[tuple[str, str]]:
    """The states that can be chosen: value and name."""
    say = translate()
    return [
        ("", say("Any state")),
        (ContractBucket.DRAFT, say("Drafts")),
        (ContractBucket.TO_SIGN, say("For me to sign")),
        (ContractBucket.WAITING, say("Waiting for others")),
        (ContractBucket.DUE_SOON, say("Due soon")),
        (ContractBucket.DONE, say("Completed")),
        (ContractBucket.ENDED, say("Ended without a contract")),
    ]


def _day(typed: Mapping[str, str], name: str, problems: dict[str, str]) -> date | None:
    if not typed[name]:
        return None
    try:
        return date.fromisoformat(typed[name])
    except ValueError:
        problems[name] = translate()("“{value}” is not a day; write it like 2026-11-25.", value=typed[name])
        return None
