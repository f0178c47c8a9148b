"""Texts and templates in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from appliance.errors import NotFound
from appliance.language import Language
from appliance.model.template_parties import TemplateParties
from appliance.model.writing import (
    Currency,
    MergeField,
    MergeFieldKind,
    Template,
    TemplateVersion,
    Text,
    TextPurpose,
    Wording,
)
from appliance.store.database import Transaction
from hsm.codec import decode_answer, encode
from hsm.rows import Query, columns, fields_of

_TEXT = (
    "SELECT id, owner, purpose, title, kind, language, html, fields, version, created, changed, changed_by,"
    " template, contract FROM texts"
)
_WITHOUT_WORDING = _TEXT.replace("html, fields", "'' AS html, '[]' AS fields")
_VERSION = (
    "SELECT v.number, t.name AS title, t.language, v.html, v.fields, v.at, v.author AS by, v.parties"
    " FROM template_versions AS v JOIN templates AS t ON t.id = v.template WHERE t.id = ?"
)


def insert_text(tx: Transaction, text: Text) -> None:
    tx.insert(
        "texts",
        fields_of(text, "id owner purpose kind version created changed changed_by template contract")
        | fields_of(text.wording, "title language html")
        | {"fields": _written(text.wording.fields)},
    )


def text(tx: Transaction, text_id: str) -> Text:
    """The text with this id. Raises :class:`NotFound`."""
    missing = NotFound("There is no such text; it may have been thrown away.")
    return _TEXTS.one(tx, f"{_TEXT} WHERE id = ?", (text_id,), missing=missing)


def texts_of(tx: Transaction, owner: str, purpose: TextPurpose, limit: int) -> list[Text]:
    """The newest texts of *owner*, without their wording (``html`` is empty), the last changed first."""
    condition = "WHERE owner = ? AND purpose = ? ORDER BY changed DESC, rowid DESC LIMIT ?"
    return _TEXTS.all(tx, f"{_WITHOUT_WORDING} {condition}", (owner, purpose, limit))


def texts_for(tx: Transaction, template: str) -> list[Text]:
    """The texts in which the next version of *template* is being written, without their wording."""
    return _TEXTS.all(tx, f"{_WITHOUT_WORDING} WHERE template = ? ORDER BY changed DESC, rowid DESC", (template,))


def text_of_contract(tx: Transaction, contract: str, owner: str) -> Text | None:
    """The newest text of *owner* that went into the contract, without its wording."""
    condition = "WHERE contract = ? AND owner = ? ORDER BY changed DESC, rowid DESC LIMIT 1"
    return _TEXTS.first(tx, f"{_WITHOUT_WORDING} {condition}", (contract, owner))


def replace_text(tx: Transaction, text: Text, *, seen: int) -> bool:
    """Puts *text* in the place of the version *seen* of the same text; False when that is no longer there."""
    return tx.update(
        "texts",
        fields_of(text, "kind changed changed_by template contract")
        | {
            "title": text.wording.title,
            "language": text.wording.language,
            "html": text.wording.html,
            "fields": _written(text.wording.fields),
            "version": seen + 1,
        },
        id=text.id,
        version=seen,
    )


def remove_text(tx: Transaction, text_id: str, *, seen: int) -> bool:
    """Throws the text away if it is still at version *seen*."""
    return tx.changed("DELETE FROM texts WHERE id = ? AND version = ?", (text_id, seen))


def insert_template(tx: Transaction, template: Template) -> None:
    tx.insert("templates", fields_of(template, "id organisation name kind language") | {"retired": None})
    for version in template.versions:
        insert_version(tx, template.id, version)


def insert_version(tx: Transaction, template_id: str, version: TemplateVersion) -> None:
    tx.insert(
        "template_versions",
        {"template": template_id, "author": version.by, "fields": _written(version.wording.fields)}
        | {"parties": json.dumps(encode(version.parties), ensure_ascii=False)}
        | fields_of(version, "number at")
        | fields_of(version.wording, "html"),
    )
    for annex in version.parties.annexes:
        tx.execute("INSERT INTO template_documents VALUES (?) ON CONFLICT DO NOTHING", (annex.digest,))


def describe_template(tx: Transaction, template_id: str, *, name: str, kind: str, language: Language) -> None:
    """Name, type and language as the newest version has them."""
    tx.update("templates", {"name": name, "kind": kind, "language": language}, id=template_id)


def retire_template(tx: Transaction, template_id: str, at: datetime | None) -> None:
    """Retired *at*, or offered again for None."""
    tx.execute("UPDATE templates SET retired = ? WHERE id = ?", (at, template_id))


def template(tx: Transaction, template_id: str) -> Template:
    """The template with all its versions. Raises :class:`NotFound`."""
    versions = _VERSIONS.all(tx, f"{_VERSION} ORDER BY v.number", (template_id,))
    missing = NotFound("There is no such template.")
    return _TEMPLATES.one(tx, "WHERE id = ?", (template_id,), versions=tuple(versions), missing=missing)


def templates_of(tx: Transaction, organisation: str, limit: int) -> list[Template]:
    """The templates of *organisation* by name, each with its newest version and without wordings."""
    condition = "WHERE organisation = ? ORDER BY retired IS NOT NULL, name, id LIMIT ?"
    found = _TEMPLATES.all(tx, f"{condition}", (organisation, limit), versions=())
    newest = f"{_VERSION} ORDER BY v.number DESC LIMIT 1".replace("v.html, v.fields", "'' AS html, '[]' AS fields")
    return [replace(each, versions=tuple(_VERSIONS.all(tx, newest, (each.id,)))) for each in found]


def _written(fields: Iterable[MergeField]) -> str:
    return json.dumps([asdict(field) for field in fields], ensure_ascii=False)


def _read(fields: str) -> tuple[MergeField, ...]:
    return tuple(_field(described) for described in json.loads(fields))


def _field(described: dict[str, Any]) -> MergeField:
    return MergeField(
        **{
            **described,
            "kind": MergeFieldKind(described["kind"]),
            "currency": Currency(described["currency"]),
            "choices": tuple(described["choices"]),
        }
    )


def _wording(title: str, language: str, html: str, fields: str) -> Wording:
    return Wording(title, Language(language), html, _read(fields))


def _parties(kept: str) -> TemplateParties:
    return decode_answer(TemplateParties, json.loads(kept))


_WORDING = columns(_wording, "title", "language", "html", "fields")
_TEXTS = Query(Text, wording=_WORDING)
_VERSIONS = Query(TemplateVersion, wording=_WORDING, parties=_parties)
_TEMPLATES = Query(Template, "SELECT id, organisation, name, kind, language, retired FROM templates")
