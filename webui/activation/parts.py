"""What the pages of the activation service are made of."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.activation_requests import ActivationRequests
from appliance.config import Settings, is_zone
from appliance.language import Language
from hsm.client import AuthorityClient
from hsm.intents import in_groups
from webui.activation.acts import ShownActs
from webui.shared.language import local_path, speak_to


@dataclass(frozen=True, slots=True)
class ActivationParts:
    """What the service is made of."""

    settings: Settings
    requests: ActivationRequests
    acts: ShownActs
    authority: AuthorityClient

    def portal(self, back: str) -> str:
        """An address of the portal, whatever a request asks to go back to."""
        return self.settings.web.origin + local_path(back)


def speak_to_reader(settings: Settings, language: str, zone: str) -> None:
    """Has the answer speak in the *language* and *zone* of a request; the settings' for what is neither."""
    interface = settings.interface
    wanted = Language(language) if language in tuple(Language) else interface.language
    speak_to(wanted, zone if is_zone(zone) else interface.zone)


def short_code(challenge: bytes) -> str:
    """Twenty digits (hex) of an act, to compare it on a second device: an authenticator shows no text."""
    return in_groups(challenge.hex())
