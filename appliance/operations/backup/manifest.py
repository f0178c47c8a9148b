"""The manifest of an archive: what it holds, who made it, what a restore needs. In the clear, without names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from appliance.errors import BackupFailed
from hsm import canonical
from hsm.backup import BackupPartStatement
from hsm.errors import Malformed

FORMAT = 1


@dataclass(frozen=True, slots=True)
class BackupPart:
    """One file of the archive with its SHA-256 (hex) and its size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """``documents`` is how many there are, ``content`` their bytes; ``secrets`` the names of those inside;
    ``created`` is aware; ``authority`` says which keys a restore needs."""

    archive: str
    created: datetime
    release: str
    schema: int
    documents: int
    content: int
    parts: tuple[BackupPart, ...]
    recipients: tuple[str, ...]
    secrets: tuple[str, ...]
    authority: BackupPartStatement

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical.encode(
            {
                "format": FORMAT,
                "archive": self.archive,
                "created": int(self.created.timestamp()),
                "release": self.release,
                "schema": self.schema,
                "documents": self.documents,
                "content": self.content,
                "parts": [[part.name, part.sha256, part.size] for part in self.parts],
                "recipients": list(self.recipients),
                "secrets": list(self.secrets),
                "authority": self.authority.fields(),
            }
        )

    @classmethod
    def decode(cls, data: bytes, archive: str) -> Self:
        """The manifest in *data*, of the archive of that name. Raises :class:`BackupFailed`."""
        try:
            values: dict[str, Any] = canonical.decode(data)
            if values.pop("format") != FORMAT:
                raise BackupFailed("{archive} has a format that this release does not know.", archive=archive)
            manifest = cls(
                **{
                    **values,
                    "created": datetime.fromtimestamp(values["created"], UTC),
                    "parts": tuple(BackupPart(*each) for each in values["parts"]),
                    "recipients": tuple(values["recipients"]),
                    "secrets": tuple(values["secrets"]),
                    "authority": BackupPartStatement.from_fields(values["authority"]),
                }
            )
        except (Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BackupFailed("{archive} is damaged: its manifest cannot be read.", archive=archive) from error
        return manifest

    def part(self, name: str) -> BackupPart:
        """The part *name*. Raises :class:`BackupFailed`."""
        for part in self.parts:
            if part.name == name:
                return part
        raise BackupFailed("{archive} is damaged: {name} is missing.", archive=self.archive, name=name)
