"""A power of attorney as officers confirm it: the arguments of their intent, read in one way by the page that
shows them and by the authority that states them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hsm.intents import instant, moment_in, not_plain, plain_line, require_plain, required_field
from hsm.names import LONGEST_ORGANISATION, is_name, is_visible

FORMAT: Final = "vermilion-power/1"
"""Of the authority's statement that officers have confirmed a power."""

CONFIRM_POWER: Final = "confirm_power"
"""The kind of the officers' intent."""

_ABOVE_LIMITS = 10**17
"""In the smallest unit of a currency: no contract has such an amount."""

_BY_LAW = "legal-representative"
_BASES = frozenset({"letter", "contract", _BY_LAW})
_MOST_NAMES = 50
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def power_in(details: Mapping[str, Any]) -> dict[str, Any]:
    """The power that officers' arguments name, each of them in its plain form: ``id`` is its number, ``letter``
    the SHA-256 (hex) of its document, ``limit`` in the smallest unit of its currency, None without one. Raises
    :class:`BadRequest`."""
    power: dict[str, Any] = {"id": plain_line(details, "subject"), "limit": None, "currency": None}
    power |= {name: plain_line(details, name) for name in ("agent", "basis", "grantor", "letter", "principal")}
    power |= {name: plain_line(details, name) for name in ("registered_by", "since", "until")}
    power |= {name: _list(details, name) for name in ("counterparties", "kinds", "seals")}
    power["replaces"] = required_field(details, "replaces", int)
    require_plain(is_name(power["id"], "power") and is_name(power["agent"], "person"), "subject")
    by = power["registered_by"]
    require_plain(is_name(by, "person") or is_name(by, "officer"), "registered_by")
    require_plain(all(is_name(each, "seal") for each in power["seals"]), "seals")
    require_plain(power["basis"] in _BASES and power["replaces"] in (0, 1), "basis")
    require_plain(_DIGEST.fullmatch(power["letter"]) is not None, "letter")
    require_plain(_moment(power, "since") < _moment(power, "until"), "until")
    if "limit" in details or "currency" in details:
        power["limit"], power["currency"] = required_field(details, "limit", int), plain_line(details, "currency")
        require_plain(
            0 <= power["limit"] < _ABOVE_LIMITS and _CURRENCY.fullmatch(power["currency"]) is not None, "limit"
        )
    require_plain(power["basis"] != _BY_LAW or not _has_scope(power), "basis")
    return power


def _has_scope(power: Mapping[str, Any]) -> bool:
    """Whether anything bounds it. Bounds of a legal representative would be shown, and would not count."""
    named = any(power[name] for name in ("counterparties", "kinds", "seals", "replaces"))
    return named or power["limit"] is not None


def _list(details: Mapping[str, Any], name: str) -> list[str]:
    found = required_field(details, name, list)
    plain = all(isinstance(each, str) and 1 <= len(each) <= LONGEST_ORGANISATION for each in found)
    require_plain(plain and len(found) <= _MOST_NAMES and all(map(is_visible, found)), name)
    return found


def _moment(power: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = moment_in(power[name])
    except ValueError as error:
        raise not_plain(name) from error
    require_plain(instant(moment) == power[name], name)
    return moment
