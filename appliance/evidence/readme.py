"""The README and the history of a package, for people: in Chinese and in English, from the package's templates.

The README is prose with the commands of :mod:`appliance.evidence.commands`; the history is a PDF.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from appliance.evidence import commands, history
from appliance.evidence.extraction import CertificateStatus, ExtractedSignature, Extraction, certificate_statuses
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput, SignatureMaterial
from appliance.language import Language, Translator, instants, translator
from appliance.language.characters import with_organisation
from appliance.ledger.event_texts import LABELS, fact_label, says_nothing, title_of_event, value_as_message
from appliance.typesetting.typesetter import page_template, typeset_identified
from appliance.verification.trust import shown_name


def fill_text(text: str) -> str:
    """*text* on one line and without control characters, so that a title cannot pose as a line of its own."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


@dataclass(frozen=True, slots=True)
class CheckSteps:
    """One thing to check: what it is, by whom, when (with the zone), and the commands as they are shown; for a
    signature, how many documents were confirmed ``together`` with it, 0 for one that was confirmed alone, and the
    ``method`` of an outside signer; of a seal's, the same for each approval of its use that was given with others
    (``approved``)."""

    name: str
    title: str
    who: str
    at: str
    commands: tuple[str, ...]
    together: int = 0
    method: str = ""
    approved: tuple[int, ...] = ()


def readme_path(language: Language) -> str:
    """Where the text lies in the package."""
    return f"README.{language.value}.txt"


def render_readme(evidence: EvidenceInput, extraction: Extraction, language: Language) -> bytes:
    """The text in UTF-8."""
    created, events = int(evidence.created.timestamp()), history.events(evidence.log.entries)
    statuses = certificate_statuses(evidence, extraction)
    revoked = [each for each in statuses if each.revoked_later]
    current = [each for each in statuses if not each.revoked_later]
    listed = ("manifest.json", "manifest.tsq", "manifest.tsr")
    signed = ("contract/contract.signed.pdf", "contract/contract.tsq", "contract/contract.tsr")
    text = page_template("appliance.evidence", f"templates/{readme_path(language)}").render(
        _steps(evidence, extraction, revoked, translator(language)),
        contract=fill_text(evidence.contract),
        title=fill_text(evidence.title),
        number=fill_text(evidence.number),
        audience=fill_text(evidence.audience),
        void=history.is_void(events, evidence.contract),
        related=_related(evidence, translator(language)),
        withheld=sum(entry.withheld for entry in evidence.log.entries),
        created=instants.exact(evidence.created, evidence.zone),
        root=_shown([commands.ROOT]),
        listing=_shown([commands.HASHES, commands.UNLISTED]),
        manifest=_shown([*commands.manifest(created), *commands.reply(*listed, created)]),
        contract_file=_shown([commands.original(len(evidence.original)), *commands.reply(*signed, created)]),
        certificates=_shown(command for each in current for command in commands.of_certificate(each)),
        earlier=_earlier(evidence),
        documents=sorted(each for each in evidence.documents if not each.startswith(history.ANNEXES)),
        annexes=_annexes(evidence, translator(language)),
        checkpoint=_shown([*commands.CHECKPOINT, commands.checkpoint_token(created)]),
        witnessed=bool(evidence.log.policy),
        entry=evidence.log.entries[-1].index,
        inclusion=_shown([commands.inclusion(evidence.log)]),
    )
    return text.encode()


def _annex_name(event: history.PackageEvent, say: Translator) -> str:
    """How the annex is called, and where its pages are in the document."""
    name, merged = fill_text(str(event.private.get("name") or "")), event.public.get("merged")
    return name if merged is None else say("{name} (pages {pages} of the document)", name=name, pages=str(merged))


def _annexes(evidence: EvidenceInput, say: Translator) -> list[tuple[str, str]]:
    """The path of each annex in the package, and the name that it came with, as the log has it."""
    names = {
        str(event.public["annex"]): _annex_name(event, say)
        for event in history.events(evidence.log.entries)
        if event.kind == "annex-attached"
    }
    return [
        (path, names.get(hashlib.sha256(evidence.documents[path]).hexdigest(), ""))
        for path in sorted(evidence.documents)
        if path.startswith(history.ANNEXES)
    ]


def _related(evidence: EvidenceInput, translate: Translator) -> list[str]:
    """A sentence for each contract that changes this one, or that it changes."""
    told = history.events(evidence.log.entries)
    found = history.related_contracts(told, evidence.contract)
    return [fill_text(translate(each.template, **each.values)) for each in found]


def _steps(
    evidence: EvidenceInput, extraction: Extraction, revoked: Iterable[CertificateStatus], translate: Translator
) -> dict[str, list[CheckSteps]]:
    """What is checked one by one, under the template's names. For certificates *revoked* since, the title is when
    they were, the time that of what they signed."""
    step = partial(_step, evidence.zone)
    return {
        "signatures": _signature_steps(evidence, extraction),
        "timestamps": [step(each.number, each.at, commands.of_timestamp(each)) for each in extraction.timestamps],
        "records": [
            step(
                each.record.name,
                each.signed.at,
                commands.of_record(each),
                translate(each.record.title),
                each.record.signer,
            )
            for each in extraction.records
        ],
        "revoked": [
            step(
                each.name,
                each.acted,
                commands.of_certificate(each),
                instants.exact(min(entry.harmful for entry in each.revoked), evidence.zone),
                shown_name(each.certificate),
            )
            for each in revoked
        ],
    }


def _signature_steps(evidence: EvidenceInput, extraction: Extraction) -> list[CheckSteps]:
    told = history.events(evidence.log.entries)
    together = history.confirmed_together(each.public for each in told if each.kind == history.SIGNED)
    approved = history.approved_together((each.kind, each.public) for each in told)
    return [
        replace(
            _step(
                evidence.zone,
                each.number,
                each.signed.at,
                commands.of_signature(each),
                each.material.kind,
                _signer(each.material),
            ),
            together=together.get(each.material.field, 0),
            method=each.material.method,
            approved=tuple(approved.get(each.material.field, ())),
        )
        for each in extraction.signatures
    ]


def _step(zone: str, name: str, at: datetime, given: Iterable[str], title: str = "", who: str = "") -> CheckSteps:
    return CheckSteps(name, title, fill_text(who), instants.exact(at, zone), _shown(given))


def _earlier(evidence: EvidenceInput) -> list[CheckSteps]:
    """The signatures that the document carried before: who is named as their signer, and the verdict on them when
    the package was made."""
    judged = {each["field"]: each for each in evidence.report.get("signatures", ())}
    found = [(field, judged.get(field, {})) for field in evidence.earlier]
    return [
        CheckSteps(
            name=fill_text(field),
            title=fill_text(str(each.get("indication") or "INDETERMINATE")),
            who=fill_text(str(each.get("signer") or "–")),
            at="",
            commands=(),
        )
        for field, each in found
    ]


def _signer(material: SignatureMaterial) -> str:
    return with_organisation(material.name, material.organisation)


def _shown(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(commands.indented(command) for command in given)


def history_path(language: Language) -> str:
    """Where the pages lie in the package."""
    return f"history/history.{language.value}.pdf"


def render_histories(evidence: EvidenceInput, extraction: Extraction) -> dict[Language, bytes]:
    """The PDFs. The same values give the same bytes with the same versions of WeasyPrint and fonts.

    Fonts are Noto Sans CJK SC and Noto Serif CJK SC (Debian: fonts-noto-cjk), embedded as subsets. Nothing is
    fetched: the page names no resource. Raises as :func:`appliance.typesetting.typesetter.typeset`.
    """
    template = page_template("appliance.evidence", "templates/history.html")
    pages = [template.render(_history_values(evidence, extraction, each)) for each in Language]
    return dict(zip(Language, typeset_identified(pages), strict=True))


def heading_values(evidence: EvidenceInput, language: Language) -> dict[str, Any]:
    """What the template of every typeset page is given."""
    return {
        "language": language.tag,
        "_": translator(language),
        "title": evidence.title,
        "number": evidence.number,
        "contract": evidence.contract,
        "audience": evidence.audience,
        "created": instants.exact(evidence.created, evidence.zone),
        "created_iso": evidence.created.isoformat(timespec="seconds"),
        "signed": hashlib.sha256(evidence.signed).hexdigest(),
        "void": history.is_void(history.events(evidence.log.entries), evidence.contract),
    }


def _history_values(evidence: EvidenceInput, extraction: Extraction, language: Language) -> dict[str, Any]:
    translate = translator(language)
    hidden = {entry.index for entry in evidence.log.entries if entry.hidden}
    return heading_values(evidence, language) | {
        "original": hashlib.sha256(evidence.original).hexdigest(),
        "signatures": [_signature(each, evidence.zone) for each in extraction.signatures],
        "related": _related(evidence, translate),
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
        "facts": [
            (translate(label), translate(value) if label == LABELS["method"] else value)
            for label, value in event_facts(event, evidence.names, evidence.zone)
        ],
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
        if event.kind == history.SIGNED and name in ("name", "signer") and shown == actor:
            continue
        if says_nothing(event.kind, name, fields, shown):
            continue
        yield fact_label(event.kind, name), value_as_message(name, shown) or shown


def _shown_value(value: str, names: Mapping[str, str], zone: str) -> str:
    if _INSTANT.fullmatch(value):
        return instants.exact(datetime.fromisoformat(value), zone)
    return names.get(value, value)


_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
