"""Which logs and witnesses count, and how many of them (C2SP ``tlog-policy``): a file of lines ``log``,
``witness``, ``group`` and ``quorum``. Everybody who verifies reads the same file: the scheduler, packages,
``vermilion verify``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from appliance.config import Settings, can_serve
from appliance.errors import ConfigurationError
from appliance.network_addresses import is_loopback
from hsm.errors import AuthorityError
from hsm.note import KeyKind, NoteKey, parse_vkey, verify_cosignature

LARGEST: Final = 256 * 1024
"""Bytes of a policy file."""

MOST: Final = 64
"""Lines of a kind; the specification asks for at least 32. A note that all of these signed can still be read."""

NONE: Final = "none"
"""The quorum that needs no witness; no witness or group may have this name."""

_OCTETS: Final = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")
_LOG_KINDS: Final = frozenset({KeyKind.ED25519, KeyKind.ECDSA})


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness under its ``name`` in the file; ``url`` is its submission prefix, empty where it is not asked."""

    name: str
    key: NoteKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What the witnesses of a policy say of one checkpoint: name of each that cosigned it → when, as it says;
    whether their number meets the policy's quorum."""

    cosigned: Mapping[str, datetime]
    witnesses: int
    is_met: bool


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """A policy as read from ``text``, the file's bytes."""

    text: bytes
    logs: tuple[NoteKey, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: Mapping[str, _Group]
    quorum: str

    @property
    def demands_witnesses(self) -> bool:
        """Whether a checkpoint without cosignatures does not fulfil it (``quorum none`` asks for none)."""
        return self.quorum != NONE

    def is_met(self, cosigned: frozenset[str]) -> bool:
        """Whether these witnesses, by their names in the file, are enough."""
        return self.quorum == NONE or self._witnessed(self.quorum, cosigned)

    def reach(self, sizes: Mapping[str, int]) -> int:
        """The largest size that enough witnesses have come to: no larger checkpoint can have the quorum. *sizes*
        are those that each cosigned last, by their names in the file; who is missing has cosigned none."""
        return self._reach(self.quorum, sizes)

    def judge(self, checkpoint: bytes) -> Witnessing:
        """Who cosigned the *checkpoint*, a signed note. A cosignature that does not verify counts as none, and
        lines of unknown keys are left alone (C2SP ``signed-note``). The log's own signature is for the caller to
        verify.
        """
        found: dict[str, datetime] = {}
        for each in self.witnesses:
            try:
                found[each.name] = verify_cosignature(checkpoint, each.key)
            except AuthorityError:  # not by this one, or not a good one
                continue
        return Witnessing(found, len(self.witnesses), self.is_met(frozenset(found)))

    def _reach(self, name: str, sizes: Mapping[str, int]) -> int:
        group = self.groups.get(name)
        if group is None:
            return sizes.get(name, 0)
        return sorted((self._reach(each, sizes) for each in group.members), reverse=True)[group.least - 1]

    def _witnessed(self, name: str, cosigned: frozenset[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigned
        return sum(self._witnessed(each, cosigned) for each in group.members) >= group.least


def read_policy(path: Path) -> WitnessPolicy:
    """The policy in the file *path*. Raises :class:`ConfigurationError`, which names the line."""
    try:
        return parse_policy(path.read_bytes())
    except OSError as error:
        raise ConfigurationError("{path} cannot be read: {why}.", path=path, why=error.strerror) from error
    except ConfigurationError as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error


def parse_policy(data: bytes) -> WitnessPolicy:
    """The policy in *data*. Raises :class:`ConfigurationError`, which names the line."""
    if len(data) > LARGEST or not _OCTETS.fullmatch(data) or not data.endswith(b"\n"):
        raise ConfigurationError(
            "A witness policy has at most {most} bytes in lines that end with a newline, and no control"
            " characters but tabs.",
            most=LARGEST,
        )
    reading = _Reading()
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        words = [each for each in re.split(rb"[ \t]+", line) if each]
        if not words or words[0].startswith(b"#"):
            continue
        try:
            reading.take([each.decode("utf-8", "surrogateescape") for each in words])
        except (AuthorityError, ConfigurationError) as error:
            raise ConfigurationError("Line {line}: {problem}", line=number, problem=error) from error
    if reading.quorum is None:
        raise ConfigurationError("A witness policy has exactly one line quorum.")
    return WitnessPolicy(data, tuple(reading.logs), tuple(reading.witnesses), dict(reading.groups), reading.quorum)


class _Reading:
    """What was read so far; each line refers only to lines before it."""

    def __init__(self) -> None:
        self.logs: list[NoteKey] = []
        self.witnesses: list[PolicyWitness] = []
        self.groups: dict[str, _Group] = {}
        self.quorum: str | None = None
        self._names: set[str] = set()
        self._grouped: set[str] = set()

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._add_log(parse_vkey(_shown(vkey)))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._add_witness(PolicyWitness(name, parse_vkey(_shown(vkey)), "".join(url)))
            case ["group", name, least, *members] if members:
                self._add_group(name, least, members)
            case ["quorum", name] if self.quorum is None:
                _require(name == NONE or name in self._names, "{name} is not defined above.", name)
                self.quorum = name
            case _:
                raise ConfigurationError("This is no line log, witness, group or (one only) quorum.")

    def _add_log(self, key: NoteKey) -> None:
        _require(key.kind in _LOG_KINDS, "The key of {name} is not one that logs sign with.", key.name)
        _require(key.public not in [each.public for each in self.logs], "{name} is there twice.", key.name)
        self.logs.append(key)
        _require(len(self.logs) <= MOST, "There are too many logs.", key.name)

    def _add_witness(self, witness: PolicyWitness) -> None:
        is_cosigner = witness.key.kind is KeyKind.COSIGNATURE
        _require(is_cosigner, "The key of {name} is not an Ed25519 key for cosignatures (04).", witness.name)
        known = [each.key.public for each in self.witnesses]
        _require(witness.key.public not in known, "The key of {name} is there twice.", witness.name)
        self._name(witness.name)
        self.witnesses.append(witness)
        _require(len(self.witnesses) <= MOST, "There are too many witnesses.", witness.name)

    def _add_group(self, name: str, least: str, members: list[str]) -> None:
        for each in members:
            _require(each in self._names, "{name} is not defined above.", each)
            _require(each not in self._grouped, "{name} is a member already.", each)
            self._grouped.add(each)
        known = {"all": len(members), "any": 1}
        is_number = re.fullmatch("[1-9][0-9]{0,4}", least, re.ASCII) is not None
        count = known.get(least) or (int(least) if is_number else 0)
        _require(1 <= count <= len(members), "The group {name} needs all, any or 1 to all of them.", name)
        self._name(name)
        self.groups[name] = _Group(count, tuple(members))
        _require(len(self.groups) <= MOST, "There are too many groups.", name)

    def _name(self, name: str) -> None:
        _require(name != NONE and name not in self._names, "The name {name} is taken.", name)
        self._names.add(name)


def _require(holds: bool, template: str, name: str) -> None:
    if not holds:
        raise ConfigurationError(template, name=_shown(name))


def _shown(name: str) -> str:
    """*name* as it can be printed: names are octets, which need not be UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def policy_of(settings: Settings) -> WitnessPolicy | None:
    """The policy that *settings* name; None where there are no witnesses. Raises :class:`ConfigurationError`."""
    if not settings.witnesses.configured:
        return None
    path = settings.beside(settings.witnesses.policy)
    policy = read_policy(path)
    for each in policy.witnesses:
        if each.url and not can_serve(each.url):
            raise ConfigurationError("{path}: {url} is no address of a web server.", path=path, url=each.url)
        if not (is_answer_authentic(each.url) or settings.witnesses.plain_http or _is_here(each.url)):
            raise ConfigurationError(
                "{path}: {url} is asked over plain HTTP, where anybody in the network can answer: take https://,"
                " or allow it (witnesses.plain_http).",
                path=path,
                url=each.url,
            )
    return policy


def is_answer_authentic(url: str) -> bool:
    """Whether what is answered at *url* is by the server that it names (TLS). A witness without one has no answer
    at all that could be somebody else's."""
    return not url or urlsplit(url).scheme == "https"


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def require_log(policy: WitnessPolicy, log: NoteKey) -> None:
    """Raises :class:`ConfigurationError` when *policy* names logs, and *log* is none of them."""
    if policy.logs and log not in policy.logs:
        raise ConfigurationError("The witness policy is about other logs than {name}.", name=log.name)
