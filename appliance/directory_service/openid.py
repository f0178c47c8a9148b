"""What the program asks the identity provider (OpenID Connect Core 1.0, Discovery 1.0)."""

from __future__ import annotations

from typing import Any

from appliance.directory_service.messages import DirectoryFault, RequestFailed
from appliance.directory_service.request import Request


def describe(request: Request) -> dict[str, Any]:
    """The fields of ProviderDescription. Raises RequestFailed."""
    raise RequestFailed(DirectoryFault.UNSET, "no identity provider can be asked yet")


def exchange(request: Request) -> dict[str, Any]:
    """The fields of TokenReply. Raises RequestFailed."""
    raise RequestFailed(DirectoryFault.UNSET, "no identity provider can be asked yet")
