"""What the APIs of 企业微信 and 钉钉 have in common: a token in the query, and errors as ``errcode`` in answers
of 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from directory_adapters.errors import AddressBookError
from directory_adapters.transport import Call, Patience, Transport

LONGEST_REASON = 200
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Codes:
    """What codes of errors mean: ``busy`` passes by itself, ``stale`` with a new token; ``absent`` says that
    there is no such person; ``advice`` is what the administrator does about others."""

    busy: frozenset[str]
    stale: frozenset[str]
    absent: frozenset[str]
    advice: Mapping[str, str]


class NoSuchMemberError(AddressBookError):
    """The server says that there is no such person."""


class Vendor:
    """Asks one API with tokens from *token*, which gets a new one each time."""

    def __init__(self, transport: Transport, token: Callable[[], str], codes: Codes, patience: Patience) -> None:
        self._transport, self._new_token, self._codes, self._patience = transport, token, codes, patience
        self._token = ""

    def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, content: Any = None
    ) -> dict[str, Any]:
        """The members of an answer without an error. Raises :class:`AddressBookError` for an error that does not
        pass, :class:`NoSuchMemberError` among them, and what the transport raises."""
        renewed = False
        for attempt in range(self._patience.attempts):
            self._token = self._token or self._new_token()
            asked = {**(query or {}), "access_token": self._token}
            value = self._transport.send(Call(method, path, asked, content)).value
            code = code_of(value)
            if code == "0":
                return value
            if code in self._codes.stale and not renewed:
                self._token, renewed = "", True
            elif code in self._codes.busy and attempt + 1 < self._patience.attempts:
                self._transport.rest(attempt)
            else:
                raise self._refusal(path, code, value)
        raise AddressBookError(f"{path}: still refused after {self._patience.attempts} attempts.")

    def _refusal(self, path: str, code: str, value: Mapping[str, Any]) -> AddressBookError:
        reason = " ".join(str(value.get("sub_msg") or value.get("errmsg") or "").split())
        if self._token:
            reason = reason.replace(self._token, HIDDEN)
        advice = self._codes.advice.get(code, "")
        kind = NoSuchMemberError if code in self._codes.absent else AddressBookError
        return kind(f"{path}: error {code}: {reason[:LONGEST_REASON]}{f' ({advice})' if advice else ''}")


def code_of(value: Mapping[str, Any]) -> str:
    """The code in an answer, ``0`` for success. 钉钉 has the one that matters in ``sub_code`` where ``errcode``
    is 88."""
    code = value.get("errcode")
    if not isinstance(code, int) or isinstance(code, bool):
        raise AddressBookError(
            "An answer has no errcode: this is not the server of the address book, or a gateway."
        )
    sub = value.get("sub_code")
    return str(sub) if sub else str(code)


def listed(value: Mapping[str, Any], member: str, path: str) -> list[dict[str, Any]]:
    """The objects in the list *member*. Raises :class:`AddressBookError` if there is none: a missing list is not
    an empty one."""
    found = value.get(member)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise AddressBookError(f"{path}: the answer has no list {member}: the address book was not read.")
    return found


def text_of(value: Mapping[str, Any], member: str, what: str) -> str:
    """The text *member*, never empty. Raises :class:`AddressBookError`, naming *what* it belongs to."""
    found = value.get(member)
    if not isinstance(found, str) or not found.strip():
        raise AddressBookError(
            f"{what} has no {member}: the application may not read it. Give it the permission for this field."
        )
    return found.strip()


def number_of(value: Mapping[str, Any], member: str, what: str) -> int:
    """The number *member*. Raises :class:`AddressBookError`, naming *what* it belongs to."""
    found = value.get(member)
    if not isinstance(found, int) or isinstance(found, bool):
        raise AddressBookError(f"{what} has no number {member}: the address book was not read.")
    return found


def mails_of(value: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, str]:
    """The addresses among *fields* that are there."""
    return {name: text.strip() for name in fields if isinstance(text := value.get(name), str) and text.strip()}
