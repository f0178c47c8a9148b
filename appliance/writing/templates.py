"""Templates: published wordings with merge fields, in versions that never change."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.writing import Template, TemplateVersion, Text, TextPurpose
from appliance.store import people
from appliance.store import writing as store
from appliance.store.database import Database, Transaction
from appliance.writing.filling import require_defined
from appliance.writing.texts import Beginning, begun, visible

MOST_SHOWN = 500
"""Templates in one list."""


class Templates:
    """Templates belong to an organisation; its initiators write, use and retire them. Others are told that there
    is no such template (:class:`NotFound`). Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def all(self, by: str) -> list[Template]:
        """Those of the organisation of *by*, by name, the retired ones last; without wordings."""
        with self._database.reading() as tx:
            return store.templates_of(tx, people.person(tx, by).organisation, MOST_SHOWN)

    def load_template(self, template_id: str, by: str) -> Template:
        """The template with all its versions."""
        with self._database.reading() as tx:
            return _visible(tx, template_id, by)

    def version(self, template_id: str, number: int, by: str) -> TemplateVersion:
        """One version, also of a retired template."""
        found = [one for one in self.load_template(template_id, by).versions if one.number == number]
        if not found:
            raise NotFound("There is no such template.")
        return found[0]

    def offered(self, template_id: str, by: str) -> Template:
        """The template, unless it is retired (:class:`StateRefused`)."""
        template = self.load_template(template_id, by)
        if template.retired is not None:
            raise StateRefused(
                "The template “{name}” is retired; choose another one, or have it offered again.",
                name=template.name,
            )
        return template

    def publish(self, text_id: str, *, by: str, seen: int) -> Template:
        """The text becomes a new template, or the next version of the one that it was taken from, and is gone.

        Raises :class:`PreconditionRefused` while text and field definitions do not fit, :class:`StateRefused`
        when the text has changed since *seen*.
        """
        with self._database.transaction() as tx:
            text = visible(tx, text_id, by)
            _require_publishable(text, seen)
            template_id = self._add_version(tx, text, by) if text.template else self._add(tx, text, by)
            store.remove_text(tx, text.id, seen=text.version)
            return store.template(tx, template_id)

    def edit(self, template_id: str, by: str) -> Text:
        """The text in which the next version is written; when somebody is at it already, that one."""
        with self._database.transaction() as tx:
            template = _visible(tx, template_id, by)
            under_way = store.texts_for(tx, template.id)
            if under_way:
                return store.text(tx, under_way[0].id)
            wording = template.current.wording
            beginning = Beginning(
                wording.title,
                template.kind,
                wording.language,
                TextPurpose.TEMPLATE,
                wording.html,
                wording.fields,
                template.id,
            )
            text = begun(by, beginning, self._now())
            store.insert_text(tx, text)
            return text

    def retire(self, template_id: str, *, by: str) -> None:
        """No longer offered; contracts that were made from it stay as they are."""
        self._set_retired(template_id, by, self._now())

    def offer_again(self, template_id: str, *, by: str) -> None:
        """Offered as before."""
        self._set_retired(template_id, by, None)

    def _set_retired(self, template_id: str, by: str, at: datetime | None) -> None:
        with self._database.transaction() as tx:
            template = _visible(tx, template_id, by)
            if (template.retired is None) != (at is None):
                store.retire_template(tx, template.id, at)

    def _add(self, tx: Transaction, text: Text, by: str) -> str:
        template = Template(
            id=secrets.token_hex(12),
            organisation=people.person(tx, by).organisation,
            name=text.wording.title,
            kind=text.kind,
            language=text.wording.language,
            retired=None,
            versions=(TemplateVersion(1, text.wording, self._now(), by),),
        )
        store.insert_template(tx, template)
        return template.id

    def _add_version(self, tx: Transaction, text: Text, by: str) -> str:
        template = _visible(tx, text.template or "", by)
        number = template.current.number + 1
        store.insert_version(tx, template.id, TemplateVersion(number, text.wording, self._now(), by))
        store.describe_template(
            tx, template.id, name=text.wording.title, kind=text.kind, language=text.wording.language
        )
        return template.id


def _visible(tx: Transaction, template_id: str, by: str) -> Template:
    template = store.template(tx, template_id)
    reader = people.person(tx, by)
    if reader.guest or template.organisation != reader.organisation:
        raise NotFound("There is no such template.")
    return template


def _require_publishable(text: Text, seen: int) -> None:
    if text.purpose is not TextPurpose.TEMPLATE:
        raise PreconditionRefused("This text is written for one contract; it cannot be published as a template.")
    if text.version != seen:
        raise StateRefused("The text has changed since this page was loaded; load it again and look at it.")
    if not text.wording.html:
        raise PreconditionRefused("The text is empty; write something first.")
    require_defined(text.wording)
