"""Texts that are being written: one closed form, a version for each change, never a silent overwrite; and
templates: published wordings with merge fields, in versions that never change.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.acting_client import acting_client
from appliance.contracts.signatories import closed_role
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.language.characters import words
from appliance.model.contract import GuestDetails
from appliance.model.template_parties import LONGEST_PHRASE, LONGEST_ROLE, RoleKind, TemplateParties, TemplateRole
from appliance.model.writing import MergeField, Template, TemplateVersion, Text, TextPurpose, Wording
from appliance.store import people, retention
from appliance.store import writing as store
from appliance.store.database import Database, Transaction
from appliance.writing.filling import require_defined
from appliance.writing.markup import markup, read_markup
from appliance.writing.merge_fields import require_definition
from hsm.errors import Sentence
from hsm.intents import LONGEST_TITLE

MOST_SHOWN = 200
"""Texts in one list."""

MOST_FIELDS = 100
LONGEST_KIND = 80


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new text begins with; ``html`` may be anything, it is reduced to the closed set of elements."""

    title: str
    kind: str
    language: Language
    purpose: TextPurpose = TextPurpose.CONTRACT
    html: str = ""
    fields: tuple[MergeField, ...] = ()
    template: str | None = None


class Texts:
    """A text for a contract is its owner's alone; one for a template is everybody's in the owner's organisation.

    Every change names the version that was ``seen``; when somebody was faster, :class:`StateRefused` says who and
    when, and nothing changes. Whoever may not see a text is told that there is none (:class:`NotFound`).
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def new(self, by: str, beginning: Beginning) -> Text:
        """A new text of *by*. Raises :class:`PreconditionRefused` and :class:`DocumentRefused`."""
        text = begun(by, beginning, self._now())
        self._database.commit(store.insert_text, text)
        return text

    def load_text(self, text_id: str, by: str) -> Text:
        return self._database.query(visible, text_id, by)

    def mine(self, by: str, purpose: TextPurpose = TextPurpose.CONTRACT) -> list[Text]:
        """The texts of *by* without their wordings, the last changed first."""
        return self._database.query(store.texts_of, by, purpose, MOST_SHOWN)

    def of_contract(self, contract_id: str, by: str) -> Text | None:
        """The text of *by* that went into the contract, without its wording."""
        return self._database.query(store.text_of_contract, contract_id, by)

    def save(self, text_id: str, html: str, *, by: str, seen: int) -> Text:
        """*html*, reduced, becomes the wording. The same wording again changes nothing, not even the version."""
        clean = markup(read_markup(html))
        with self._database.transaction() as tx:
            text = _current(tx, text_id, by, seen)
            if text.wording.html == clean:
                return text
            return self._put(tx, text, replace(text.wording, html=clean), by)

    def describe(self, text_id: str, *, title: str, kind: str, language: Language, by: str, seen: int) -> Text:
        """Another title, type or language."""
        with self._database.transaction() as tx:
            text = _current(tx, text_id, by, seen)
            wording = replace(text.wording, title=_title(title), language=language)
            return self._put(tx, replace(text, kind=_kind(kind)), wording, by)

    def define(
        self, text_id: str, field: MergeField, *, by: str, seen: int, instead_of: str | None = None
    ) -> Text:
        """A new merge field, or *field* in the place of the one called *instead_of*.

        A name stays when a field is changed: the text refers to it. Raises :class:`PreconditionRefused`.
        """
        require_definition(field)
        with self._database.transaction() as tx:
            text = _current(tx, text_id, by, seen)
            fields = _with(text.wording.fields, field, instead_of)
            return self._put(tx, text, replace(text.wording, fields=fields), by)

    def undefine(self, text_id: str, name: str, *, by: str, seen: int) -> Text:
        """Without the merge field *name*; where it stands in the text it stays until it is taken out there."""
        with self._database.transaction() as tx:
            text = _current(tx, text_id, by, seen)
            fields = tuple(field for field in text.wording.fields if field.name != name)
            return self._put(tx, text, replace(text.wording, fields=fields), by)

    def belongs_to(self, text_id: str, contract_id: str, *, by: str) -> None:
        """The text went into the draft *contract_id*."""
        with self._database.transaction() as tx:
            text = visible(tx, text_id, by)
            if text.contract != contract_id:
                self._put(tx, replace(text, contract=contract_id), text.wording, by)

    def discard(self, text_id: str, *, by: str, seen: int) -> None:
        """Thrown away; what was made of it stays."""
        with self._database.transaction() as tx:
            text = _current(tx, text_id, by, seen)
            store.remove_text(tx, text.id, seen=text.version)

    def _put(self, tx: Transaction, text: Text, wording: Wording, by: str) -> Text:
        return put_wording(tx, text, wording, by, self._now())


def put_wording(tx: Transaction, text: Text, wording: Wording, by: str, now: datetime) -> Text:
    """The next version of the text, with this *wording*."""
    changed = replace(text, wording=wording, version=text.version + 1, changed=now, changed_by=by)
    if not store.replace_text(tx, changed, seen=text.version):
        raise NotFound("There is no such text; it may have been thrown away.")
    return changed


def begun(by: str, beginning: Beginning, now: datetime) -> Text:
    """The text that begins with *beginning*, not yet kept."""
    wording = Wording(
        _title(beginning.title), beginning.language, markup(read_markup(beginning.html)), beginning.fields
    )
    return Text(
        id=secrets.token_hex(12),
        owner=by,
        purpose=beginning.purpose,
        kind=_kind(beginning.kind),
        wording=wording,
        version=1,
        created=now,
        changed=now,
        changed_by=by,
        template=beginning.template,
    )


def visible(tx: Transaction, text_id: str, by: str) -> Text:
    """The text, for somebody who may see it. Raises :class:`NotFound`."""
    text = store.text(tx, text_id)
    owner, reader = people.person(tx, text.owner), people.person(tx, by)
    shared = (
        text.purpose is TextPurpose.TEMPLATE and not reader.guest and owner.organisation == reader.organisation
    )
    if text.owner != by and not shared:
        raise NotFound("There is no such text; it may have been thrown away.")
    return text


def _current(tx: Transaction, text_id: str, by: str, seen: int) -> Text:
    """The text at the version that *by* has seen. Raises :class:`StateRefused`."""
    text = visible(tx, text_id, by)
    if text.version == seen:
        return text
    if text.changed_by == by:
        raise StateRefused(
            "You changed this text in another window at {at}. What is on this page is kept here; look at the other"
            " one, then decide which stays.",
            at=text.changed,
        )
    raise StateRefused(
        "{name} changed this text at {at}. What is on this page is kept here; look at the other one, then decide"
        " which stays.",
        name=people.person(tx, text.changed_by).name,
        at=text.changed,
    )


def _with(fields: tuple[MergeField, ...], field: MergeField, instead_of: str | None) -> tuple[MergeField, ...]:
    names = [known.name for known in fields]
    if instead_of is not None:
        if instead_of not in names:
            raise PreconditionRefused("The text has no merge field “{name}” any more.", name=instead_of)
        kept = replace(field, name=instead_of)
        return tuple(kept if known.name == instead_of else known for known in fields)
    if field.name in names:
        raise PreconditionRefused("The text has a merge field “{name}” already.", name=field.name)
    if len(fields) >= MOST_FIELDS:
        raise PreconditionRefused("A text has at most {most} merge fields.", most=MOST_FIELDS)
    return (*fields, field)


def _title(title: str) -> str:
    tidy = words(title)
    if not tidy:
        raise PreconditionRefused("The text needs a title.")
    if len(tidy) > LONGEST_TITLE:
        raise PreconditionRefused("The title has more than {most} characters; shorten it.", most=LONGEST_TITLE)
    return tidy


def _kind(kind: str) -> str:
    tidy = words(kind)
    if not tidy:
        raise PreconditionRefused("Say what type of contract it is, such as purchase or services.")
    if len(tidy) > LONGEST_KIND:
        raise PreconditionRefused("The type has more than {most} characters; shorten it.", most=LONGEST_KIND)
    return tidy


MOST_TEMPLATES = 500
"""Templates in one list."""


class Templates:
    """Templates belong to an organisation; its initiators write, use and retire them. Others are told that there
    is no such template (:class:`NotFound`), and so is an API client that acts (:mod:`appliance.acting_client`), of
    one out of its reach. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def all(self, by: str) -> list[Template]:
        """Those of the organisation of *by*, by name, the retired ones last; without wordings."""
        with self._database.reading() as tx:
            found = store.templates_of(tx, people.person(tx, by).organisation, MOST_TEMPLATES)
        return [each for each in found if _reached(each)]

    def load_template(self, template_id: str, by: str) -> Template:
        """The template with all its versions."""
        return self._database.query(_visible, template_id, by)

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

    def keep_parties(self, template_id: str, parties: TemplateParties, *, by: str, seen: int) -> Template:
        """The next version, with the same text and other *parties*, copies and annexes. Raises
        :class:`PreconditionRefused` for roles that cannot be, :class:`StateRefused` when *seen* is not the newest
        version, or an annex is gone."""
        tidy = replace(parties, roles=tidy_roles(parties.roles))
        with self._database.transaction() as tx:
            template = _visible(tx, template_id, by)
            current = template.current
            if current.number != seen:
                raise StateRefused("The template has a newer version; look at its parties again.")
            for annex in tidy.annexes:
                if not retention.is_needed(tx, annex.digest):  # its contract has just lost it
                    raise StateRefused("The annex “{name}” is gone; look at the contract again.", name=annex.name)
            if current.parties != tidy:
                version = TemplateVersion(seen + 1, current.wording, self._now(), by, tidy)
                store.insert_version(tx, template.id, version)
            return store.template(tx, template_id)

    def closed_roles(self, parties: TemplateParties) -> dict[str, Sentence]:
        """The roles that nobody takes any more, with the reason: name → sentence."""
        with self._database.reading() as tx:
            found = {role.name: closed_role(tx, role) for role in parties.roles}
        return {name: reason for name, reason in found.items() if reason is not None}

    def values_of_roles(self, version: TemplateVersion, guests: Sequence[GuestDetails], by: str) -> dict[str, str]:
        """The values of the fields that the roles fill, in a contract that *by* makes with these *guests*."""
        with self._database.reading() as tx:
            subjects = {role.subject or by for role in version.parties.roles if role.kind is not RoleKind.SEAL}
            known = {each: people.person(tx, each) for each in subjects}
            called = {subject: person.organisation or person.name for subject, person in known.items()}
            seals = (role.subject for role in version.parties.roles if role.kind is RoleKind.SEAL)
            called |= {seal: people.seal(tx, seal).organisation for seal in seals}
        names = version.parties.names({**called, "": called.get(by, "")}, guests)
        return {name: names[role] for name, role in version.named_by_role.items()}

    def retire(self, template_id: str, *, by: str) -> None:
        """No longer offered; contracts that were made from it stay as they are."""
        self._set_retired(template_id, by, self._now())

    def offer_again(self, template_id: str, *, by: str) -> None:
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
        version = TemplateVersion(number, text.wording, self._now(), by, template.current.parties)
        store.insert_version(tx, template.id, version)
        store.describe_template(
            tx, template.id, name=text.wording.title, kind=text.kind, language=text.wording.language
        )
        return template.id


def _visible(tx: Transaction, template_id: str, by: str) -> Template:
    template = store.template(tx, template_id)
    reader = people.person(tx, by)
    if reader.guest or template.organisation != reader.organisation or not _reached(template):
        raise NotFound("There is no such template.")
    return template


def _reached(template: Template) -> bool:
    """Whether the client that acts, if one does, reaches *template*."""
    reach = acting_client()
    return reach is None or reach.covers(template.organisation, template.kind)


def tidy_roles(roles: Sequence[TemplateRole]) -> tuple[TemplateRole, ...]:
    """*roles* with tidied names and words. Raises :class:`PreconditionRefused` for one without a name, or two of
    the same."""
    tidy = tuple(replace(role, name=words(role.name), words=words(role.words)) for role in roles)
    names = [role.name.casefold() for role in tidy]
    for role in tidy:
        if not 0 < len(role.name) <= LONGEST_ROLE:
            raise PreconditionRefused("Name each role in 1 to {most} characters: Buyer.", most=LONGEST_ROLE)
        if names.count(role.name.casefold()) > 1:
            raise PreconditionRefused("Two roles are called “{name}”; tell them apart.", name=role.name)
        if len(role.words) > LONGEST_PHRASE:
            raise PreconditionRefused("The words have more than {most} characters.", most=LONGEST_PHRASE)
    return tidy


def _require_publishable(text: Text, seen: int) -> None:
    if text.purpose is not TextPurpose.TEMPLATE:
        raise PreconditionRefused("This text is written for one contract; it cannot be published as a template.")
    if text.version != seen:
        raise StateRefused("The text has changed since this page was loaded; load it again and look at it.")
    if not text.wording.html:
        raise PreconditionRefused("The text is empty; write something first.")
    require_defined(text.wording)
