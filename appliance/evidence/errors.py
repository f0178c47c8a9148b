"""Why a package was not made, or is not one."""

from __future__ import annotations

from appliance.errors import ApplianceError


class PackageRefused(ApplianceError):
    """These bytes are not an evidence package in its one canonical form; the sentence says where they differ."""

    code = "package-refused"


class EvidenceIncomplete(ApplianceError):
    """A package cannot be made: what it must contain is missing or does not fit together. Nothing was written."""

    code = "evidence-incomplete"
