"""The register of API clients, and their access tokens (OAuth 2.0, client credentials: RFC 6749, 4.4).

1. A client proves who it is, by one of three ways: a secret (:meth:`ApiClients.with_secret`), a certificate
   (:meth:`~ApiClients.with_certificate`), or an assertion that the token endpoint verifies with
   :meth:`~ApiClients.public_keys` and then uses up (:meth:`~ApiClients.use_assertion`).
2. It is granted a token, of which the SHA-256 is kept (:meth:`ApiClients.grant`).
3. With each request the token says which client it is (:meth:`ApiClients.access_of`). One that was granted for a
   certificate does so only over connections that were made by that certificate (RFC 8705, 3).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.acting_client import ClientReach
from appliance.api_clients.rules import require_authentication, tidy_origins, tidy_terms
from appliance.errors import ClientRefused, PreconditionRefused, StateRefused, TokenRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.api_clients import (
    ApiClient,
    ClientAuthentication,
    ClientState,
    ClientTerms,
    GrantedAccess,
    KeptAuthentication,
    Scope,
)
from appliance.store import api_clients, people
from appliance.store.database import Database, Transaction, reads
from hsm.intents import instant

LIFETIME: Final = timedelta(minutes=10)
"""How long an access token is valid."""

USE_NOTED: Final = timedelta(minutes=1)
"""How exactly it is kept when a client was last used; each note is a write."""

LONGEST_OVERLAP: Final = timedelta(days=90)
"""How long two secrets or certificates of a client may be valid beside each other."""

LONGEST_ASSERTION: Final = timedelta(hours=1, minutes=5)
"""How long an assertion may be valid, an hour and by what clocks differ: so long its id is remembered."""

_BYTES: Final = 32
"""Of secrets and tokens: 256 random bits, so that a plain digest protects them."""


def new_client_id() -> str:
    """``client-`` and 16 hexadecimal digits."""
    return f"client-{secrets.token_hex(8)}"


def new_secret() -> str:
    """A secret for a client, of 256 random bits (base64url)."""
    return secrets.token_urlsafe(_BYTES)


def secret_digest(secret: str) -> bytes:
    """The SHA-256 of a secret or a token as it is written: what is kept of it, and sent to be approved."""
    return hashlib.sha256(secret.encode()).digest()


def current_reach(tx: Transaction, client_id: str, *, scope: Scope) -> ClientReach | None:
    """What the client may reach now by *scope*; None for one that is unknown or suspended, or has it no more. For
    what is done later in its name."""
    found = api_clients.find_client(tx, client_id)
    if found is None or found.state is not ClientState.ACTIVE or scope not in found.scopes:
        return None
    return found.reach


class ApiClients:
    """Thread-safe, and safe between processes. *by* is who changes the register, as the log names it: ``root``,
    ``administrator-LOGIN``."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], *, house: str = "", development: bool = False
    ) -> None:
        """*house* is the organisation that runs the appliance, which counts before anybody of it is registered;
        *development*: pages of this computer may embed links without TLS."""
        self._database = database
        self._now = now
        self._house = house
        self._development = development

    find = reads(api_clients.load_client)
    """The client with this id. Raises :class:`NotFound`."""

    def is_known(self, client_id: str) -> bool:
        """Whether there is a client with this id, active or not."""
        return self._database.query(api_clients.find_client, client_id) is not None

    list_clients = reads(api_clients.all_clients)
    """All clients, by name."""

    def with_secret(self, client_id: str, secret: str) -> ApiClient:
        """The client with this id, if *secret* is its own. Raises :class:`ClientRefused`."""
        client, kept = self._known(client_id)
        given, now = secret_digest(secret), self._now()
        old = kept.old_secret if kept.old_until is not None and now < kept.old_until else None
        matches = [
            hmac.compare_digest(given, each or bytes(_BYTES)) and each is not None for each in (kept.secret, old)
        ]
        return _admitted(client, any(matches))

    def access_with_secret(self, client_id: str, secret: str, scope: Scope) -> GrantedAccess:
        """What *secret*, the client's own, proves for one request, as a token with this *scope* would: the
        scope if the client has it. Raises :class:`ClientRefused`."""
        client, now = self.with_secret(client_id, secret), self._now()
        self._note_use(client, now)
        return GrantedAccess(client, client.scopes & {scope}, now)

    def with_certificate(self, client_id: str, thumbprint: str) -> ApiClient:
        """The client with this id, if *thumbprint*, the SHA-256 (hex) of the certificate (DER) by which the TLS
        connection was made, is that of its own (RFC 8705, 2.2), and counts now. Raises :class:`ClientRefused`."""
        client, kept = self._known(client_id)
        given, now = thumbprint.lower(), self._now()
        held = (kept.certificate, kept.certificate_expires), (kept.old_certificate, kept.old_certificate_until)
        return _admitted(client, any(given == each and (until is None or now < until) for each, until in held))

    def public_keys(self, client_id: str) -> Mapping[str, Any]:
        """The JWK set (RFC 7517) by which the client's assertions are verified. Raises :class:`ClientRefused`
        for a client that has none, is not known, or is suspended."""
        client, kept = self._known(client_id)
        _admitted(client, kept.keys is not None)
        found: Mapping[str, Any] = json.loads(kept.keys or "{}")
        return found

    def use_assertion(self, client_id: str, jti: str, until: datetime) -> ApiClient:
        """The client, once its assertion is used up: *jti* is the id of one whose signature, audience and times
        were verified, *until* when it expires. Raises :class:`ClientRefused` for one that was used before, has
        expired, or is valid for more than :data:`LONGEST_ASSERTION`."""
        now = self._now()
        with self._database.transaction() as tx:
            fits = bool(jti) and now < until <= now + LONGEST_ASSERTION
            client = _admitted(api_clients.find_client(tx, client_id), fits)
            api_clients.forget_expired(tx, now)
            return _admitted(client, api_clients.use_assertion(tx, client_id, secret_digest(jti), until))

    def grant(
        self, client: ApiClient, scopes: Set[Scope], *, certificate: str | None = None
    ) -> tuple[str, GrantedAccess]:
        """A new token for *client*, who has just proven who it is, and what it proves: *scopes* from now on for
        :data:`LIFETIME`, over connections by this *certificate* alone where there is one.

        Raises :class:`PreconditionRefused` for no scope, and one that the client does not have;
        :class:`ClientRefused` for one that was suspended meanwhile.
        """
        if not scopes or not scopes <= client.scopes:
            allowed = " ".join(sorted(client.scopes))
            raise PreconditionRefused("This API client may ask for these scopes: {scopes}.", scopes=allowed)
        token, now = secrets.token_urlsafe(_BYTES), self._now()
        with self._database.transaction() as tx:
            known = api_clients.find_client(tx, client.id)
            expires = (now + LIFETIME).replace(microsecond=0)
            access = GrantedAccess(_admitted(known, True), frozenset(scopes), expires, certificate)
            api_clients.forget_expired(tx, now)
            api_clients.insert_token(tx, secret_digest(token), access)
            api_clients.save_use(tx, client.id, now)
        return token, access

    def access_of(self, token: str, certificate: str | None = None) -> GrantedAccess:
        """What *token* proves over a connection that was made by this *certificate* (SHA-256, hex), or by none.
        Raises :class:`TokenRefused`."""
        now = self._now()
        access = self._database.query(api_clients.find_token, secret_digest(token))
        if (
            access is None
            or now >= access.expires
            or access.client.state is not ClientState.ACTIVE
            or access.certificate not in (None, certificate)
        ):
            raise TokenRefused("The access token is not valid; ask for a new one.")
        self._note_use(access.client, now)
        return access

    def _note_use(self, client: ApiClient, now: datetime) -> None:
        if client.last_used is None or now - client.last_used >= USE_NOTED:
            self._database.commit(api_clients.save_use, client.id, now)

    def create(
        self,
        client_id: str,
        terms: ClientTerms,
        authentication: ClientAuthentication,
        *,
        by: str,
    ) -> ApiClient:
        """A new client. Raises :class:`PreconditionRefused` for terms that are not in order, organisations that
        are none of the house's, and an id, a name or a certificate that another has."""
        now = self._now()
        require_authentication(authentication, now)
        with self._database.transaction() as tx:
            terms = self._tidy(tx, client_id, terms)
            client = ApiClient(
                client_id,
                terms.name,
                terms.scopes,
                terms.organisations,
                terms.kinds,
                ClientState.ACTIVE,
                now,
                origins=terms.origins,
            )
            client = replace(
                client,
                certificate=authentication.certificate,
                certificate_expires=authentication.certificate_expires,
            )
            api_clients.insert_client(tx, client, authentication)
            _record(
                tx,
                EventKind.API_CLIENT_CREATED,
                client,
                by,
                now,
                authenticated_by=_way(authentication),
                certificate=authentication.certificate,
            )
        return client

    def require_possible(
        self, client_id: str, terms: ClientTerms, authentication: ClientAuthentication
    ) -> ClientTerms:
        """*terms* in their one form, for whoever asks others to approve them. Raises as :meth:`create`."""
        require_authentication(authentication, self._now())
        with self._database.reading() as tx:
            return self._tidy(tx, client_id, terms)

    def _tidy(self, tx: Transaction, client_id: str, terms: ClientTerms) -> ClientTerms:
        organisations = sorted({*people.organisations(tx), self._house} - {""})
        return tidy_terms(client_id, terms, organisations, development=self._development)

    def require_origins(self, client_id: str, origins: Set[str]) -> frozenset[str]:
        """*origins* in their one form, for whoever asks others to approve them. Raises as
        :meth:`change_origins`."""
        client = self.find(client_id)
        return tidy_origins(origins, client.scopes, development=self._development)

    def change_origins(self, client_id: str, origins: Set[str], *, by: str) -> ApiClient:
        """Links may be embedded in pages of these *origins* alone from now on, those that the client has got
        before, too. Raises :class:`NotFound`, :class:`PreconditionRefused` for what is no origin, and
        :class:`StateRefused` when nothing is different."""
        now = self._now()
        with self._database.transaction() as tx:
            client = api_clients.load_client(tx, client_id)
            tidy = tidy_origins(origins, client.scopes, development=self._development)
            if not api_clients.set_origins(tx, client_id, tidy):
                raise StateRefused("{name} has these origins already.", name=client.name)
            client = replace(client, origins=tidy)
            _record(tx, EventKind.API_CLIENT_ORIGINS_CHANGED, client, by, now)
            return client

    def suspend(self, client_id: str, *, by: str) -> ApiClient:
        """It gets no token any more, and those that it has end at once. Raises :class:`NotFound`,
        :class:`StateRefused` for one that is suspended."""
        with self._database.transaction() as tx:
            client = _changed(tx, client_id, ClientState.SUSPENDED)
            api_clients.end_tokens_of(tx, client_id)
            _record(tx, EventKind.API_CLIENT_SUSPENDED, client, by, self._now())
        return client

    def resume(self, client_id: str, *, by: str) -> ApiClient:
        """It gets tokens again. Raises :class:`NotFound`, :class:`StateRefused` for one that is not suspended."""
        with self._database.transaction() as tx:
            client = _changed(tx, client_id, ClientState.ACTIVE)
            _record(tx, EventKind.API_CLIENT_RESUMED, client, by, self._now())
        return client

    def change_secret(self, client_id: str, digest: bytes, *, old_until: datetime | None, by: str) -> ApiClient:
        """The secret with this *digest* (SHA-256) counts from now on; the one before *old_until* then, or, with
        None, no longer, which ends the client's tokens too.

        Raises :class:`NotFound`, :class:`StateRefused` for a client that has no secret, and
        :class:`PreconditionRefused` for a moment that is past or too far away.
        """
        now = self._now()
        require_authentication(ClientAuthentication(secret=digest), now)
        _require_overlap(
            "The old secret stays valid until a moment in the future, which is before {latest}.", old_until, now
        )
        with self._database.transaction() as tx:
            client = api_clients.load_client(tx, client_id)
            if not api_clients.change_secret(tx, client_id, digest, old_until=old_until):
                raise StateRefused("{name} proves who it is without a secret.", name=client.name)
            if old_until is None:
                api_clients.end_tokens_of(tx, client_id)
            until = None if old_until is None else instant(old_until)
            _record(tx, EventKind.API_CLIENT_SECRET_CHANGED, client, by, now, old_until=until)
        return client

    def change_certificate(
        self, client_id: str, certificate: str, expires: datetime, *, old_until: datetime | None, by: str
    ) -> ApiClient:
        """The *certificate* with this SHA-256 (hex) counts from now on, until it *expires*; the one before until
        *old_until* too, or, with None, no longer, which ends the client's tokens too.

        Raises :class:`NotFound`, :class:`StateRefused` for a client that has no certificate, and
        :class:`PreconditionRefused` for one that has expired or is another client's, and for a moment that is past
        or too far away.
        """
        now = self._now()
        require_authentication(ClientAuthentication(certificate=certificate, certificate_expires=expires), now)
        _require_overlap(
            "The old certificate stays valid until a moment in the future, which is before {latest}.",
            old_until,
            now,
        )
        with self._database.transaction() as tx:
            before = api_clients.load_client(tx, client_id)
            ends = old_until and min(old_until, before.certificate_expires or old_until)
            if not api_clients.change_certificate(tx, client_id, certificate, expires, old_until=ends):
                raise StateRefused("{name} proves who it is without a certificate.", name=before.name)
            if ends is None:
                api_clients.end_tokens_of(tx, client_id)
            until = None if ends is None else instant(ends)
            client = replace(before, certificate=certificate, certificate_expires=expires)
            changed = {"certificate": certificate, "old_until": until}
            _record(tx, EventKind.API_CLIENT_CERTIFICATE_CHANGED, client, by, now, **changed)
        return client

    def _known(self, client_id: str) -> tuple[ApiClient | None, KeptAuthentication]:
        return self._database.query(_of, client_id)


_NOTHING: Final = KeptAuthentication()


def _of(tx: Transaction, client_id: str) -> tuple[ApiClient | None, KeptAuthentication]:
    """The client and its authentication; for one that is not known an authentication that nothing fits."""
    return api_clients.find_client(tx, client_id), api_clients.authentication_of(tx, client_id) or _NOTHING


def _require_overlap(sentence: str, old_until: datetime | None, now: datetime) -> None:
    latest = now + LONGEST_OVERLAP
    if old_until is not None and not now < old_until < latest:
        raise PreconditionRefused(sentence, latest=instant(latest))


def _admitted(client: ApiClient | None, proven: bool) -> ApiClient:
    """*client*, which is known and active and has *proven* who it is. Raises :class:`ClientRefused`."""
    if client is None or not proven or client.state is not ClientState.ACTIVE:
        raise ClientRefused("The API client is not known here, or did not prove who it is.")
    return client


def _changed(tx: Transaction, client_id: str, state: ClientState) -> ApiClient:
    client = api_clients.load_client(tx, client_id)
    if not api_clients.set_state(tx, client_id, state):
        raise StateRefused("{name} is {state} already.", name=client.name, state=state)
    return replace(client, state=state)


def _way(authentication: ClientAuthentication) -> str:
    if authentication.secret is not None:
        return "secret"
    return "keys" if authentication.keys is not None else "certificate"


def _record(tx: Transaction, kind: EventKind, client: ApiClient, by: str, now: datetime, **more: Field) -> None:
    """The log keeps ids and scopes as they are; names stand behind commitments."""
    public: dict[str, Field] = {"api_client": client.id, "scopes": " ".join(sorted(client.scopes))}
    public |= {name: value for name, value in more.items() if value is not None}
    private: dict[str, Field] = {
        "name": client.name,
        "organisations": "; ".join(sorted(client.organisations)),
        "kinds": "; ".join(sorted(client.kinds)) or None,
        "origins": " ".join(sorted(client.origins)) or None,
    }
    append_event(tx, AuditEvent(kind, now, by, None, public, private))
