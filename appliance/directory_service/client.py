"""The other end of ``vermilion-directory``: asks it, checks every answer, and gives out
whole ones only.

Where there is no such service, in development, the client starts the same program itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from appliance.config import Settings
from appliance.confinement import frames
from appliance.confinement.requested_programs import plain_reason, requested
from appliance.directory_service.messages import (
    BATCH,
    FINDINGS,
    LARGEST_FRAME,
    LONGEST_VALUE,
    MOST_GROUPS,
    MOST_USERS,
    DirectoryFault,
    Finding,
    FrameKind,
    Outcome,
    ProviderDescription,
    RequestKind,
    TokenReply,
)
from appliance.directory_service.request import seconds_for
from appliance.errors import ApplianceError
from appliance.model.directories import DirectoryUser

T = TypeVar("T")

_WAY = 10.0
"""Seconds beside the program's own: for its start, and for it to say itself that it was late."""
_MOST_FINDINGS = 1000

_ASKED_DIRECTORY = {
    DirectoryFault.UNSET: "No directory can be asked as it is set up: {why}.",
    DirectoryFault.PROGRAM: "The service that asks the directory does not answer: {why}.",
    DirectoryFault.UNREACHABLE: "The directory {server} cannot be reached: {why}.",
    DirectoryFault.LATE: "The directory {server} did not answer in time: {why}.",
    DirectoryFault.TLS: "There is no secure connection with the directory {server}: {why}.",
    DirectoryFault.REFUSED: "The directory {server} does not let us read: {why}.",
    DirectoryFault.INCOMPLETE: "The directory {server} answered only in part: {why}.",
    DirectoryFault.UNBELIEVABLE: "What the directory {server} answered cannot be believed: {why}.",
}
_ASKED_PROVIDER = {
    DirectoryFault.UNSET: "No identity provider can be asked as it is set up: {why}.",
    DirectoryFault.PROGRAM: "The service that asks the identity provider does not answer: {why}.",
    DirectoryFault.UNREACHABLE: "The identity provider {server} cannot be reached: {why}.",
    DirectoryFault.LATE: "The identity provider {server} did not answer in time: {why}.",
    DirectoryFault.TLS: "There is no secure connection with the identity provider {server}: {why}.",
    DirectoryFault.REFUSED: "The identity provider {server} refused what we asked: {why}.",
    DirectoryFault.INCOMPLETE: "The identity provider {server} answered only in part: {why}.",
    DirectoryFault.UNBELIEVABLE: "What the identity provider {server} answered cannot be believed: {why}.",
}
SENTENCES = frozenset([*_ASKED_DIRECTORY.values(), *_ASKED_PROVIDER.values()])
"""Every sentence of DirectoryUnavailable; ``why`` is English, as programs and servers say it."""


class DirectoryUnavailable(ApplianceError, code="directory-unavailable"):
    """The directory or the identity provider gave no answer that counts; ``cause`` says why. Nothing may follow
    from what it may have said before."""

    def __init__(self, cause: DirectoryFault, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.cause = cause


class _Nonsense(Exception):
    """The program said what it never says."""


class DirectoryService:
    """Asks by the socket *at*; where there is none, and the home is nobody else's, by a program of our own."""

    def __init__(self, settings: Settings, at: Path) -> None:
        self._settings = settings
        self._at = at

    def read_users(self) -> Iterator[DirectoryUser]:
        """Everybody whom the LDAP directory has, once all of it is here and can be believed.

        The names of groups are common names (where no other group below ``ldap.groups`` has the same one) and
        distinguished names, as the directory writes them. A value that is no text, or too long, is as if it
        were not there. Raises :class:`DirectoryUnavailable`.
        """
        reading = _UserReading()
        for frame in self._answer(RequestKind.USERS):
            if self._of(RequestKind.USERS, reading.take, frame):
                return iter(reading.users)
        raise self._unavailable(RequestKind.USERS, DirectoryFault.PROGRAM, "it ended early")

    def check(self) -> list[Finding]:
        """What comes of each step of a reading, in order; a step that fails is the last one."""
        found: list[Finding] = []
        try:
            for frame in self._answer(RequestKind.CHECK):
                match frame:
                    case {"finding": plain} if len(found) < _MOST_FINDINGS:
                        found.append(self._of(RequestKind.CHECK, _finding, plain))
                    case {"complete": int(count)} if count == len(found):
                        return found
                    case _:
                        break
            raise self._unavailable(RequestKind.CHECK, DirectoryFault.PROGRAM, "its answer is none")
        except DirectoryUnavailable as problem:
            return [*found, Finding("failed", Outcome.BAD, {"problem": problem})]

    def provider(self) -> ProviderDescription:
        """The identity provider as it describes itself now. Raises :class:`DirectoryUnavailable`."""
        plain = self._single(RequestKind.PROVIDER, FrameKind.PROVIDER)
        return self._of(RequestKind.PROVIDER, partial(frames.decode, ProviderDescription), plain)

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> TokenReply:
        """What the identity provider gives for *code* (RFC 6749, 4.1.3, RFC 7636, 4.5). Raises
        :class:`DirectoryUnavailable`."""
        arguments = {"code": code, "verifier": verifier, "redirect_uri": redirect_uri}
        plain = self._single(RequestKind.EXCHANGE, FrameKind.TOKENS, arguments)
        return self._of(RequestKind.EXCHANGE, partial(frames.decode, TokenReply), plain)

    def _single(self, kind: RequestKind, frame: FrameKind, arguments: Mapping[str, str] | None = None) -> Any:
        for each in self._answer(kind, arguments):
            if each.keys() == {frame.value}:
                return each[frame.value]
            break
        raise self._unavailable(kind, DirectoryFault.PROGRAM, "its answer is none")

    def _of(self, kind: RequestKind, job: Callable[[Any], T], plain: Any) -> T:
        try:
            return job(plain)
        except _Unbelievable as error:
            raise self._unavailable(kind, DirectoryFault.UNBELIEVABLE, str(error)) from error
        except (_Nonsense, ValueError) as error:
            raise self._unavailable(kind, DirectoryFault.PROGRAM, "its answer is none") from error

    def _answer(self, kind: RequestKind, arguments: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """The frames of the answer, one after the other; that of a failure is raised."""
        deadline = time.monotonic() + seconds_for(kind, self._settings) + _WAY
        try:
            home = self._settings.home
            module = "appliance.directory_service"
            with requested(module, self._at, home.root, deadline, managed=home.is_managed) as stream:
                frames.write(stream, {"kind": kind.value, "arguments": dict(arguments or {})})
                while True:
                    frame = frames.read(stream, limit=LARGEST_FRAME, deadline=deadline)
                    if not isinstance(frame, dict):
                        raise frames.FrameError("its answer is none")
                    self._raise_failure(kind, frame)
                    yield frame
        except TimeoutError as error:
            raise self._unavailable(kind, DirectoryFault.LATE, "the time is up") from error
        except (OSError, frames.FrameError) as error:
            raise self._unavailable(kind, DirectoryFault.PROGRAM, str(error)) from error

    def _raise_failure(self, kind: RequestKind, frame: dict[str, Any]) -> None:
        if "failed" not in frame:
            return
        match frame["failed"]:
            case {"fault": str(fault), "why": str(why)} if fault in tuple(DirectoryFault):
                raise self._unavailable(kind, DirectoryFault(fault), why)
        raise frames.FrameError("its answer is none")

    def _unavailable(self, kind: RequestKind, fault: DirectoryFault, why: str) -> DirectoryUnavailable:
        plain = plain_reason(why)
        if kind in (RequestKind.USERS, RequestKind.CHECK):
            return DirectoryUnavailable(fault, _ASKED_DIRECTORY[fault], server=self._settings.ldap.url, why=plain)
        return DirectoryUnavailable(fault, _ASKED_PROVIDER[fault], server=self._settings.openid.issuer, why=plain)


class _Unbelievable(Exception):
    """The answer is in its form, and cannot be true."""


class _UserReading:
    """The frames of one reading become users."""

    def __init__(self) -> None:
        self.users: list[DirectoryUser] = []
        self._keys: set[str] = set()
        self._groups: list[tuple[str, ...]] = []
        self._sets: dict[tuple[int, ...], frozenset[str]] = {}

    def take(self, frame: dict[str, Any]) -> bool:
        """Whether *frame* was the last one, of a whole reading."""
        match frame:
            case {"groups": list(groups)} if len(groups) <= BATCH and len(self._groups) < MOST_GROUPS:
                self._groups += [_names(group) for group in groups]
            case {"users": list(users)} if len(users) <= BATCH and len(self.users) < MOST_USERS:
                self.users += [self._user(user) for user in users]
            case {"complete": int(count)} if count == len(self.users):
                if not count:
                    raise _Unbelievable("nobody is there")
                return True
            case _:
                raise _Nonsense
        return False

    def _user(self, plain: Any) -> DirectoryUser:
        match plain:
            case {"enabled": bool(enabled), "groups": list(groups), **texts} if texts.keys() == set(_TEXTS):
                checked = {name: _text(texts[name]) for name in _TEXTS}
                user = DirectoryUser(**checked, enabled=enabled, groups=self._names_of(groups))
            case _:
                raise _Nonsense
        if not user.key:
            raise _Unbelievable("somebody has no key")
        if user.key in self._keys:
            raise _Unbelievable(f"two people have the key {user.key}")
        self._keys.add(user.key)
        return user

    def _names_of(self, numbers: list[Any]) -> frozenset[str]:
        """The names of all these groups; one set for all who are in the same ones."""
        if not all(type(each) is int and 0 <= each < len(self._groups) for each in numbers):
            raise _Nonsense
        wanted = tuple(numbers)
        if wanted not in self._sets:
            self._sets[wanted] = frozenset(name for each in wanted for name in self._groups[each])
        return self._sets[wanted]


_TEXTS = ("key", "login", "name", "email", "department", "manager")


def _names(group: Any) -> tuple[str, ...]:
    if not isinstance(group, list) or len(group) > 2:
        raise _Nonsense
    return tuple(_text(name) for name in group)


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > LONGEST_VALUE:
        raise _Nonsense
    return value


def _finding(plain: Any) -> Finding:
    found = frames.decode(Finding, plain)
    if found.code not in FINDINGS:
        raise _Nonsense
    try:
        str(found)
    except (KeyError, IndexError) as error:
        raise _Nonsense from error
    return found
