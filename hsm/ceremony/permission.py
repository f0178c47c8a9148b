"""How officers allow a renewal while the authority stands still: by files with the intent and their assertions."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.renewal import ACT, Permission
from hsm.ceremony.renewal_plan import RenewalPlan
from hsm.config import AuthoritySettings
from hsm.errors import ConfigurationRefused, Malformed
from hsm.intents import OfficerIntent, WebAuthnActivation
from hsm.operations.context import clock_of
from hsm.wire import officer_intent_from_wire

_PARTS = ("credential_id", "client_data", "authenticator_data", "signature")


def intent_for(plan: RenewalPlan, settings: AuthoritySettings) -> OfficerIntent:
    """The intent that officers activate for *plan*, good for as long as the settings allow from now."""
    wall = datetime.fromtimestamp(clock_of(settings.time).read_clock().wall // 1_000_000, UTC)
    expires = wall + timedelta(minutes=settings.activation.longest_minutes)
    return OfficerIntent(ACT, {"plan": plan.sha256.hex()}, expires, secrets.token_bytes(16))


def encode_intent(intent: OfficerIntent) -> bytes:
    """The intent as canonical JSON; the SHA-256 of these bytes is the WebAuthn challenge."""
    return canonical.encode(intent.fields())


def read_permission(intent: Path, activations: Sequence[Path]) -> Permission:
    """The intent and the assertions in files. Raises :class:`ConfigurationRefused` for what is none."""
    try:
        permitted = officer_intent_from_wire(canonical.decode(intent.read_bytes()), ACT)
    except (OSError, Malformed) as error:
        raise ConfigurationRefused("{path} holds no act of a renewal.", path=intent) from error
    return Permission(permitted, [_activation(each) for each in activations])


def in_software(plan: RenewalPlan, settings: AuthoritySettings, subjects: Sequence[str]) -> Permission:
    """Activations by authenticators in software, in the home's ``people/``; for development only."""
    intent, people, given = intent_for(plan, settings), settings.home.root / "people", []
    for subject in subjects:
        path = people / f"{Path(subject).name}.json"
        if not path.exists():
            raise ConfigurationRefused("{subject} has no authenticator in software here.", subject=subject)
        authenticator = SoftwareAuthenticator.load(path)
        given.append(authenticator.activate(subject, intent))
        authenticator.save(path)  # its counter has moved
    return Permission(intent, given)


def _activation(path: Path) -> WebAuthnActivation:
    """An assertion: JSON with ``subject``, and the rest in base64url (WebAuthn Level 3, section 5.2.2)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: _decoded(value[name]) for name in _PARTS}
        return WebAuthnActivation(subject=str(value["subject"]), **parts)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ConfigurationRefused("{path} holds no assertion of an officer.", path=path) from error


def _decoded(text: Any) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
