"""``/batch/TICKET``: several documents that one person confirms at once: own signatures, requests for a seal, and
approvals of a custodian. Each is an act with a page of its own, on which it can be read whole and confirmed alone;
here they are listed in the order in which they are hashed, with all that a custodian decides by.

One document that cannot be signed any more stops all: nobody confirms a list of which a part does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, Response, make_response, redirect, render_template, request

from appliance.activation_requests import ActivationRequest, BatchedDocument, BatchRequest
from appliance.errors import NotFound, StateRefused
from appliance.pdf.values import InspectionWarning
from hsm.batches import MEMBER, SigningBatch
from hsm.errors import ActivationRefused, RefusalError, UnknownKey
from hsm.intents import SigningIntent
from hsm.operation_types import KnownSubject
from webui.activation.parts import ActivationParts, short_code, speak_to_reader
from webui.activation.posted import posted_activation
from webui.shared import errors, passkeys
from webui.shared.form_pages import Answer
from webui.shared.forms import sentence
from webui.shared.room import Room

_REASONS = (NotFound, StateRefused, ActivationRefused, UnknownKey)
"""What one document is refused for; anything else is no document's fault, such as an authority that is silent."""


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document as it is listed: what :class:`webui.activation.acts.ShownAct` knows of it, without its bytes.
    ``before``: who (names) has confirmed the use of a seal so far; whoever asks for it does so first."""

    ticket: str
    intent: SigningIntent
    signer: KnownSubject
    pages: int
    warnings: tuple[InspectionWarning, ...]
    is_given: bool
    before: tuple[str, ...] = ()

    @property
    def of_seal(self) -> bool:
        """Whether a seal is used on it."""
        return self.signer.is_seal

    @property
    def seen(self) -> str:
        """Its challenge (hex): its link opens this very act, or none, if the request was exchanged meanwhile."""
        return self.intent.challenge().hex()

    @property
    def title(self) -> str:
        """What the intent calls it."""
        return self.intent.title or self.intent.contract


@dataclass(frozen=True, slots=True)
class _Stopped:
    """The document that stops the batch, and why it does."""

    title: str
    refusal: RefusalError


class BatchPages:
    """The views, all of one batch."""

    def __init__(self, parts: ActivationParts, room: Room) -> None:
        self._parts = parts
        self._room = room

    def install(self, app: Flask) -> None:
        """Their addresses."""
        app.add_url_rule("/batch/<ticket>", "batch", self.page)
        app.add_url_rule("/batch/<ticket>", "activate_batch", self.activate, methods=["POST"])

    def page(self, ticket: str) -> Answer:
        """The documents, with the one way to activate them."""
        asked = self._loaded(ticket)
        sizes = self._sizes(asked)
        with self._room.for_list(sizes):
            return self._shown(ticket, asked, *self._listed(asked, sizes))

    def activate(self, ticket: str) -> Answer:
        """Hands the activation to the authority, and the person back to the portal."""
        asked = self._loaded(ticket)
        sizes = self._sizes(asked)
        with self._room.for_list(sizes):
            return self._activated(ticket, asked, sizes)

    def _activated(self, ticket: str, asked: BatchRequest, sizes: Sequence[int]) -> Answer:
        listed, stopped = self._listed(asked, sizes)
        if stopped is None:
            batch = _batch_of(listed)
            if request.form.get("seen", "") != batch.challenge().hex():
                raise StateRefused("This page is too old; open it again in the portal.")
            try:
                if not all(each.is_given for each in listed):
                    self._parts.authority.approve_batch(batch.members, posted_activation(asked.subject))
                return redirect(self._parts.portal(asked.back), 303)
            except RefusalError as refusal:
                number = refusal.values.get(MEMBER)
                if not isinstance(number, int):
                    return self._shown(ticket, asked, listed, None, refusal)
                stopped = _Stopped(listed[number - 1].title, refusal)
        return self._shown(ticket, asked, listed, stopped)

    def _sizes(self, asked: BatchRequest) -> list[int]:
        return [self._parts.requests.size(each.ticket) for each in asked.documents]

    def _loaded(self, ticket: str) -> BatchRequest:
        asked = self._parts.requests.load(BatchRequest, ticket)
        speak_to_reader(self._parts.settings, asked.language, asked.zone)
        return asked

    def _listed(self, asked: BatchRequest, sizes: Sequence[int]) -> tuple[list[ListedDocument], _Stopped | None]:
        """All documents, or those before the one that stops the batch: its request is gone or larger than when
        room was made for it, it is not what its intent signs, it is somebody else's, or it was confirmed alone."""
        listed: list[ListedDocument] = []
        for each, size in zip(asked.documents, sizes, strict=True):
            try:
                listed.append(self._document(asked.subject, each, size))
            except _REASONS as refusal:
                return listed, _Stopped(each.title, refusal)
        alone = next((each for each in listed if each.is_given), None)
        if alone is not None and not all(each.is_given for each in listed):
            return listed, _Stopped(alone.title, StateRefused("You have confirmed it already, on its own."))
        return listed, None

    def _document(self, subject: str, document: BatchedDocument, size: int) -> ListedDocument:
        asked = self._parts.requests.load(ActivationRequest, document.ticket, most=size)
        act, intent = self._parts.acts.act(asked), asked.intent
        if not isinstance(intent, SigningIntent) or act.signer is None or act.kind != "document":
            raise StateRefused("It is no document that can be confirmed together with others.")
        of_person = not act.signer.is_seal
        if of_person and (intent.reason or intent.custodians != 1):
            raise StateRefused("It says what a seal is used for, and no seal is used on it.")
        if asked.subject != subject or (of_person and subject != intent.signer):
            raise StateRefused("It is no document that you sign for yourself.")
        others = [each for each in act.approvals.given if each != subject]
        before = tuple(self._parts.authority.known_subject(each).name for each in others)
        return ListedDocument(document.ticket, intent, act.signer, act.pages, act.warnings, act.is_given, before)

    def _shown(
        self,
        ticket: str,
        asked: BatchRequest,
        listed: list[ListedDocument],
        stopped: _Stopped | None,
        refusal: RefusalError | None = None,
    ) -> Response:
        """The list; after a *refusal* of the whole with its sentence, and without a button when one has
        *stopped* it."""
        shown = {"listed": listed, "stopped": stopped, "back": self._parts.portal(asked.back)}
        if stopped is not None:
            reason = sentence(stopped.refusal)
            status = max(errors.status_of(stopped.refusal), 409)
            return make_response(render_template("batch.html", reason=reason, **shown), status)
        batch = _batch_of(listed)
        known = self._parts.authority.credentials(asked.subject)
        ids = [each.credential_id for each in known if each.credential_id is not None]
        page = render_template(
            "batch.html",
            ticket=ticket,
            batch=batch,
            seen=batch.challenge().hex(),
            code=short_code(batch.challenge()),
            pages=sum(each.pages for each in listed),
            is_given=all(each.is_given for each in listed),
            options=passkeys.request_options(batch.challenge(), ids, self._parts.settings.web.relying_party),
            passkey=bool(ids),
            person=self._parts.authority.known_subject(asked.subject),
            seals=sum(each.of_seal for each in listed),
            problem="" if refusal is None else sentence(refusal),
            **shown,
        )
        return make_response(page, 200 if refusal is None else errors.status_of(refusal))


def _batch_of(listed: list[ListedDocument]) -> SigningBatch:
    return SigningBatch(tuple(each.intent for each in listed))
