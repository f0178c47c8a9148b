"""The README and the history of a package, for people: in Chinese and in English, from the package's templates.

The README is prose with the commands of :mod:`appliance.evidence.commands`; the history is a PDF.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from appliance.evidence import authorisation_basis, commands, history
from appliance.evidence.extraction import CertificateStatus, ExtractedSignature, Extraction, certificate_statuses
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput
from appliance.language import Language, Translator, instants, translator
from appliance.language.characters import with_organisation
from appliance.ledger.event_texts import LABELS, fact_label, says_nothing, title_of_event
from appliance.typesetting import typeset
from appliance.verification.trust import shown_name


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("appliance.evidence", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill_html(name: str, **values: Any) -> str:
    """The template *name* (``.html`` escapes what it is given, ``.txt`` does not) with its *values*."""
    return _environment().get_template(name).render(**values)


def fill_text(text: str) -> str:
    """*text* on one line and without control characters, so that a title cannot pose as a line of its own."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


@dataclass(frozen=True, slots=True)
class CheckSteps:
    """One thing to check: what it is, by whom, when (with the zone), and the commands as they are shown."""

    name: str
    title: str
    who: str
    at: str
    commands: tuple[str, ...]


def readme_path(language: Language) -> str:
    """Where the text lies in the package."""
    return f"README.{language.value}.txt"


def render_readme(evidence: EvidenceInput, extraction: Extraction, language: Language) -> bytes:
    """The text in UTF-8."""
    created = int(evidence.created.timestamp())
    stand = certificate_statuses(evidence, extraction)
    text = fill_html(
        readme_path(language),
        contract=fill_text(evidence.contract),
        title=fill_text(evidence.title),
        audience=fill_text(evidence.audience),
        void=history.is_void(history.events(evidence.log.entries), evidence.contract),
        withheld=sum(entry.withheld for entry in evidence.log.entries),
        created=instants.exact(evidence.created, evidence.zone),
        root=_shown([commands.ROOT]),
        listing=_shown([commands.HASHES, commands.UNLISTED]),
        manifest=_shown(_manifest(created)),
        contract_file=_shown(_contract(len(evidence.original), created)),
        signatures=_signatures(evidence, extraction),
        timestamps=_timestamps(evidence, extraction),
        earlier=_earlier(evidence),
        certificates=_shown(_certificates(each for each in stand if not each.revoked_later)),
        revoked=_revoked(evidence, [each for each in stand if each.revoked_later]),
        records=_records(evidence, extraction, translator(language)),
        documents=sorted(evidence.documents),
        grounds=_shown(_grounds(evidence)),
        checkpoint=_shown([*commands.CHECKPOINT, commands.token("log/checkpoint.tst", "log/checkpoint", created)]),
        entry=evidence.log.entries[-1].index,
        inclusion=_shown([commands.inclusion(evidence.log)]),
    )
    return text.encode()


def _manifest(created: int) -> tuple[str, ...]:
    return (*commands.manifest(created), *commands.reply("manifest.json", "manifest.tsq", "manifest.tsr", created))


def _contract(size: int, created: int) -> tuple[str, ...]:
    names = ("contract/contract.signed.pdf", "contract/contract.tsq", "contract/contract.tsr")
    return (commands.original(size), *commands.reply(*names, created))


def _certificates(stand: Iterable[CertificateStatus]) -> Iterable[str]:
    for each in stand:
        yield from commands.of_certificate(each)


def _revoked(evidence: EvidenceInput, stand: Iterable[CertificateStatus]) -> list[CheckSteps]:
    """Those revoked since: what was the matter is their revocation, the time that of the act."""
    return [
        CheckSteps(
            name=each.name,
            title=instants.exact(min(entry.harmful for entry in each.revoked), evidence.zone),
            who=fill_text(shown_name(each.certificate)),
            at=instants.exact(each.acted, evidence.zone),
            commands=_shown(commands.of_certificate(each)),
        )
        for each in stand
    ]


def _grounds(evidence: EvidenceInput) -> Iterable[str]:
    for line in authorisation_basis.lines(evidence.documents, history.events(evidence.log.entries)):
        what, name, where = line.split(" ")
        yield commands.grounds(name, where) if what == "grounds" else commands.letter(name, where)


def _signatures(evidence: EvidenceInput, extraction: Extraction) -> list[CheckSteps]:
    return [
        CheckSteps(
            name=each.number,
            title=each.material.kind,
            who=_who(each.material.name, each.material.organisation),
            at=instants.exact(each.signed.at, evidence.zone),
            commands=_shown(commands.of_signature(each)),
        )
        for each in extraction.signatures
    ]


def _earlier(evidence: EvidenceInput) -> list[CheckSteps]:
    """The signatures that the document carried before: who is named as their signer, and the verdict on them when
    the package was made."""
    judged = {each["field"]: each for each in evidence.report.get("signatures", ())}
    return [
        CheckSteps(
            name=fill_text(field),
            title=fill_text(str(judged.get(field, {}).get("indication") or "INDETERMINATE")),
            who=fill_text(str(judged.get(field, {}).get("signer") or "–")),
            at="",
            commands=(),
        )
        for field in evidence.earlier
    ]


def _timestamps(evidence: EvidenceInput, extraction: Extraction) -> list[CheckSteps]:
    return [
        CheckSteps(
            each.number, "", "", instants.exact(each.at, evidence.zone), _shown(commands.of_timestamp(each))
        )
        for each in extraction.timestamps
    ]


def _records(evidence: EvidenceInput, extraction: Extraction, translate: Translator) -> list[CheckSteps]:
    return [
        CheckSteps(
            name=each.record.name,
            title=translate(each.record.title),
            who=fill_text(each.record.signer),
            at=instants.exact(each.signed.at, evidence.zone),
            commands=_shown(commands.of_record(each)),
        )
        for each in extraction.records
    ]


def _who(name: str, organisation: str) -> str:
    return fill_text(with_organisation(name, organisation))


def _shown(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(commands.indented(command) for command in given)


_LANGUAGE_TAGS: Final = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en"}


def history_path(language: Language) -> str:
    """Where the pages lie in the package."""
    return f"history/history.{language.value}.pdf"


def render_history(evidence: EvidenceInput, extraction: Extraction, language: Language) -> bytes:
    """The PDF. The same values give the same bytes with the same versions of WeasyPrint and fonts.

    Fonts are Noto Sans CJK SC and Noto Serif CJK SC (Debian: fonts-noto-cjk), embedded as subsets. Nothing is
    fetched: the page names no resource. Raises as :func:`appliance.typesetting.typeset`.
    """
    page = fill_html("history.html", **_history_values(evidence, extraction, language))
    return typeset(page, identifier=hashlib.sha256(page.encode()).digest()[:16])


def _history_values(evidence: EvidenceInput, extraction: Extraction, language: Language) -> dict[str, Any]:
    translate = translator(language)
    hidden = {entry.index for entry in evidence.log.entries if entry.hidden}
    return {
        "language": _LANGUAGE_TAGS[language],
        "_": translate,
        "title": evidence.title,
        "contract": evidence.contract,
        "created": instants.exact(evidence.created, evidence.zone),
        "created_iso": evidence.created.isoformat(timespec="seconds"),
        "original": hashlib.sha256(evidence.original).hexdigest(),
        "signed": hashlib.sha256(evidence.signed).hexdigest(),
        "signatures": [_signature(each, evidence.zone) for each in extraction.signatures],
        "audience": evidence.audience,
        "void": history.is_void(history.events(evidence.log.entries), evidence.contract),
        "hidden": len(hidden),
        "events": [
            _event(event, evidence, translate)
            for event in history.events(evidence.log.entries)
            if event.entry not in hidden
        ],
        "log": evidence.log.checkpoint.decode("utf-8", "replace").split("\n\n")[0].split("\n"),
    }


def _event(event: history.PackageEvent, evidence: EvidenceInput, translate: Translator) -> dict[str, Any]:
    clock, _, where = instants.exact(event.at, evidence.zone).partition(" UTC")
    return {
        "title": translate(title_of_event(event.kind)),
        "clock": clock,
        "zone": f"UTC{where}",
        "actor": _actor(event, evidence, translate),
        "entry": event.entry,
        "facts": [(translate(label), value) for label, value in event_facts(event, evidence.names, evidence.zone)],
    }


def _actor(event: history.PackageEvent, evidence: EvidenceInput, translate: Translator) -> str:
    return translate("by itself") if event.actor == "system" else evidence.names.get(event.actor, event.actor)


def _signature(each: ExtractedSignature, zone: str) -> dict[str, Any]:
    certificate = each.signed.certificate
    return {
        "number": each.number,
        "name": each.material.name,
        "organisation": each.material.organisation,
        "kind": each.material.kind,
        "at": instants.exact(each.signed.at, zone),
        "serial": f"{certificate.serial_number:x}",
    }


def event_facts(event: PackageEvent, names: Mapping[str, str], zone: str) -> Iterator[tuple[str, str]]:
    """The fields that people want to see: label (message id) and value, subjects by their names, times in *zone*.

    A signer who is the actor is not named twice.
    """
    fields: dict[str, Any] = {**event.public, **event.private}
    actor = names.get(event.actor)
    for name in LABELS:
        value = fields.get(name)
        if value in (None, ""):
            continue
        shown = _shown_value(str(value), names, zone)
        if event.kind == "party-signed" and name in ("name", "signer") and shown == actor:
            continue
        if says_nothing(event.kind, name, fields, shown):
            continue
        yield fact_label(event.kind, name), shown


def _shown_value(value: str, names: Mapping[str, str], zone: str) -> str:
    if _INSTANT.fullmatch(value):
        return instants.exact(datetime.fromisoformat(value), zone)
    return names.get(value, value)


_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
