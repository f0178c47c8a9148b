"""The agreement on electronic signing: its versioned text, the sides that accept it, and who has accepted it.

The text that comes along counts its versions; an enterprise's own text, in ``config/agreement``, is versioned by
its content. Either way a changed text is another version, and is asked for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from appliance.errors import ConfigurationError, PreconditionRefused
from appliance.language import Language
from appliance.language.sizes import ByteSize
from appliance.model.contract import Contract, Party
from appliance.model.declarations import AgreementRecord, AgreementSide
from appliance.model.people import Person
from appliance.store import intents
from appliance.store.database import Transaction

VERSION: Final = "2"
"""Of the text that comes along; counts up with every change of it."""

OF_PERSONS: Final = "1"
"""The version that held for persons, not between parties."""

_MOST: Final = 200_000
"""Bytes of a text of one's own."""


@dataclass(frozen=True, slots=True)
class AgreementText:
    """One version of the text; ``words`` has it in each language, as people read it (Markdown)."""

    version: str
    words: Mapping[Language, str]

    def digests(self) -> dict[str, str]:
        """SHA-256 (hex) over each language's UTF-8 bytes."""
        return {language.value: _digest(words) for language, words in self.words.items()}


@cache
def standard_text(version: str = VERSION) -> AgreementText:
    """The text of *version* that comes along."""
    folder = resources.files("appliance.contracts").joinpath("agreements")
    words = {
        language: folder.joinpath(f"electronic-signing-{version}.{language.value}.md").read_text("utf-8")
        for language in Language
    }
    return AgreementText(version, words)


def load_text(folder: Path) -> AgreementText:
    """The enterprise's own text, ``zh.md`` and ``en.md`` in *folder*; or the one that comes along.

    Raises :class:`ConfigurationError` for a text in one language alone, and for one without a title.
    """
    paths = {language: folder / f"{language.value}.md" for language in Language}
    if not any(path.exists() for path in paths.values()):
        return standard_text()
    words = {language: _read(path) for language, path in paths.items()}
    digests = "\n".join(_digest(words[language]) for language in sorted(words))
    return AgreementText(f"own-{_digest(digests)[:32]}", words)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        words = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "The agreement on electronic signing {path} cannot be read; it is needed in both languages, in UTF-8.",
            path=path,
        ) from error
    if not words.startswith("# ") or len(content) > _MOST:
        raise ConfigurationError(
            "The agreement on electronic signing {path} must begin with “# ” and its title, and have at most"
            " {most}.",
            path=path,
            most=ByteSize(_MOST),
        )
    return words


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def acceptances_between(
    tx: Transaction, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[AgreementRecord, ...] | None:
    """The acceptances for *own*, by entry, that name every one of *others*; None when one is not named.

    Where there are no others (everybody signs for the same side), the side's first acceptance suffices.
    """
    if not others:
        return tuple(intents.agreements_of_side(tx, own.key, version, limit=1)) or None
    found = [intents.agreement_naming(tx, own.key, other.key, version) for other in others]
    known = {record.entry or 0: record for record in found if record is not None}
    return None if None in found else tuple(known[entry] for entry in sorted(known))


def sides_not_named(
    tx: Transaction, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[AgreementSide, ...]:
    """Those of *others* whom no acceptance for *own* names."""
    return tuple(other for other in others if intents.agreement_naming(tx, own.key, other.key, version) is None)


def require_acceptances(
    tx: Transaction, own: AgreementSide, others: Sequence[AgreementSide], version: str
) -> tuple[AgreementRecord, ...]:
    """As :func:`resting_on`; raises :class:`PreconditionRefused` where that is None."""
    records = acceptances_between(tx, own, others, version)
    if records is not None:
        return records
    if not others:
        raise PreconditionRefused(
            "{party} has not accepted the agreement on electronic signing (version {version}).",
            party=own.name,
            version=version,
        )
    raise PreconditionRefused(
        "{party} has not accepted the agreement on electronic signing (version {version}) with {others}.",
        party=own.name,
        version=version,
        others=", ".join(side.name for side in sides_not_named(tx, own, others, version)),
    )


def side_of(party: Party) -> AgreementSide:
    """The organisation that *party* signs for; the signer, where that is none."""
    organisation = party.organisation.strip()
    return AgreementSide(organisation) if organisation else AgreementSide(party.name, party.subject)


def side_of_person(person: Person) -> AgreementSide:
    """The side that *person* is on."""
    organisation = person.organisation.strip()
    return AgreementSide(organisation) if organisation else AgreementSide(person.name, person.subject)


def sides_of(contract: Contract) -> tuple[AgreementSide, ...]:
    """Every side of *contract*, each once, in the order of signing."""
    return distinct(side_of(party) for party in contract.parties)


def distinct(sides: Iterable[AgreementSide], *, but: AgreementSide | None = None) -> tuple[AgreementSide, ...]:
    """*sides*, each once, without the side *but*."""
    known = {each.key: each for each in sides}
    return tuple(side for key, side in known.items() if but is None or key != but.key)
