"""Texts and templates in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from appliance.errors import NotFound
from appliance.language import Language
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
from appliance.store.moments import loaded, stored


def insert_text(tx: Transaction, text: Text) -> None:
    """A new text."""
    tx.execute(
        "INSERT INTO texts (id, owner, purpose, title, kind, language, html, fields, version, created, changed,"
        " changed_by, template, contract) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            text.id,
            text.owner,
            text.purpose,
            text.wording.title,
            text.kind,
            text.wording.language,
            text.wording.html,
            _written(text.wording.fields),
            text.version,
            stored(text.created),
            stored(text.changed),
            text.changed_by,
            text.template,
            text.contract,
        ),
    )


def text(tx: Transaction, text_id: str) -> Text:
    """The text with this id. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT id, owner, purpose, title, kind, language, html, fields, version, created, changed, changed_by,"
        " template, contract FROM texts WHERE id = ?",
        (text_id,),
    ).fetchone()
    if row is None:
        raise NotFound("There is no such text; it may have been thrown away.")
    return _text(row)


def texts_of(tx: Transaction, owner: str, purpose: TextPurpose, limit: int) -> list[Text]:
    """The newest texts of *owner*, without their wording (``html`` is empty), the last changed first."""
    rows = tx.execute(
        "SELECT id, owner, purpose, title, kind, language, '', '[]', version, created, changed, changed_by,"
        " template, contract FROM texts WHERE owner = ? AND purpose = ? ORDER BY changed DESC, id LIMIT ?",
        (owner, purpose, limit),
    )
    return [_text(row) for row in rows]


def texts_for(tx: Transaction, template: str) -> list[Text]:
    """The texts in which the next version of *template* is being written, without their wording."""
    rows = tx.execute(
        "SELECT id, owner, purpose, title, kind, language, '', '[]', version, created, changed, changed_by,"
        " template, contract FROM texts WHERE template = ? ORDER BY changed DESC, id",
        (template,),
    )
    return [_text(row) for row in rows]


def replace_text(tx: Transaction, text: Text, *, seen: int) -> bool:
    """Puts *text* in the place of the version *seen* of the same text; False when that is no longer there."""
    changed = tx.execute(
        "UPDATE texts SET title = ?, kind = ?, language = ?, html = ?, fields = ?, version = ?, changed = ?,"
        " changed_by = ?, template = ?, contract = ? WHERE id = ? AND version = ?",
        (
            text.wording.title,
            text.kind,
            text.wording.language,
            text.wording.html,
            _written(text.wording.fields),
            seen + 1,
            stored(text.changed),
            text.changed_by,
            text.template,
            text.contract,
            text.id,
            seen,
        ),
    )
    return bool(changed.rowcount == 1)


def remove_text(tx: Transaction, text_id: str, *, seen: int) -> bool:
    """Throws the text away if it is still at version *seen*."""
    removed = tx.execute("DELETE FROM texts WHERE id = ? AND version = ?", (text_id, seen))
    return bool(removed.rowcount == 1)


def insert_template(tx: Transaction, template: Template) -> None:
    """A new template with its versions."""
    tx.execute(
        "INSERT INTO templates (id, organisation, name, kind, language, retired) VALUES (?, ?, ?, ?, ?, ?)",
        (template.id, template.organisation, template.name, template.kind, template.language, None),
    )
    for version in template.versions:
        insert_version(tx, template.id, version)


def insert_version(tx: Transaction, template_id: str, version: TemplateVersion) -> None:
    """The next version of a template."""
    tx.execute(
        "INSERT INTO template_versions (template, number, html, fields, at, author) VALUES (?, ?, ?, ?, ?, ?)",
        (
            template_id,
            version.number,
            version.wording.html,
            _written(version.wording.fields),
            stored(version.at),
            version.by,
        ),
    )


def describe_template(tx: Transaction, template_id: str, *, name: str, kind: str, language: Language) -> None:
    """Name, type and language as the newest version has them."""
    tx.execute(
        "UPDATE templates SET name = ?, kind = ?, language = ? WHERE id = ?", (name, kind, language, template_id)
    )


def retire_template(tx: Transaction, template_id: str, at: datetime | None) -> None:
    """Retired *at*, or offered again for None."""
    tx.execute("UPDATE templates SET retired = ? WHERE id = ?", (stored(at) if at else None, template_id))


def template(tx: Transaction, template_id: str) -> Template:
    """The template with all its versions. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT id, organisation, name, kind, language, retired FROM templates WHERE id = ?", (template_id,)
    ).fetchone()
    if row is None:
        raise NotFound("There is no such template.")
    versions = tx.execute(
        "SELECT number, html, fields, at, author FROM template_versions WHERE template = ? ORDER BY number",
        (template_id,),
    ).fetchall()
    return _template(row, versions)


def templates_of(tx: Transaction, organisation: str, limit: int) -> list[Template]:
    """The templates of *organisation* by name, each with its newest version and without wordings."""
    rows = tx.execute(
        "SELECT t.id, t.organisation, t.name, t.kind, t.language, t.retired, v.number, '', '[]', v.at, v.author"
        " FROM templates t JOIN template_versions v ON v.template = t.id"
        " AND v.number = (SELECT max(number) FROM template_versions WHERE template = t.id)"
        " WHERE t.organisation = ? ORDER BY t.retired IS NOT NULL, t.name, t.id LIMIT ?",
        (organisation, limit),
    ).fetchall()
    return [_template(row[:6], [row[6:]]) for row in rows]


def _text(row: tuple[Any, ...]) -> Text:
    return Text(
        id=row[0],
        owner=row[1],
        purpose=TextPurpose(row[2]),
        kind=row[4],
        wording=Wording(row[3], Language(row[5]), row[6], _read(row[7])),
        version=row[8],
        created=loaded(row[9]),
        changed=loaded(row[10]),
        changed_by=row[11],
        template=row[12],
        contract=row[13],
    )


def _template(row: tuple[Any, ...], versions: Iterable[tuple[Any, ...]]) -> Template:
    language = Language(row[4])
    return Template(
        id=row[0],
        organisation=row[1],
        name=row[2],
        kind=row[3],
        language=language,
        retired=loaded(row[5]),
        versions=tuple(
            TemplateVersion(
                number=version[0],
                wording=Wording(row[2], language, version[1], _read(version[2])),
                at=loaded(version[3]),
                by=version[4],
            )
            for version in versions
        ),
    )


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
