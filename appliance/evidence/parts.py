"""An evidence package in parts, for platforms that take files up to a size: plain pieces of its bytes, one after
the other, and a sheet (text) with the digest of each, and with the commands that join them.

Whoever joins them has the package again, byte for byte; nothing of ours is needed for that.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from appliance.evidence.disc import DiscRefused, WholePackage, name_of, place_new
from appliance.language import Language
from appliance.language.sizes import ByteSize
from appliance.typesetting.typesetter import page_template

SMALLEST: Final = 64 * 1024
"""Bytes of a part."""
MOST: Final = 150
"""Parts: the command prompt of Windows takes 8191 letters, in which all of their names stand."""
_FORMS: Final = {Language.CHINESE: "templates/parts.zh.txt", Language.ENGLISH: "templates/parts.en.txt"}


def split(package: WholePackage, size: int, folder: Path) -> list[Path]:
    """Writes the package in parts of *size* bytes (the last is shorter), and their sheets, into the new *folder*.
    Returns their paths, the parts first.

    The folder is there with all of them or not at all. Raises :class:`DiscRefused`.
    """
    if size < SMALLEST:
        raise DiscRefused("A part has at least {size}.", size=ByteSize(SMALLEST))
    pieces = [package.zipped[at : at + size] for at in range(0, len(package.zipped), size)]
    if len(pieces) > MOST:
        raise DiscRefused("That would be more than {limit} parts; choose larger ones.", limit=MOST)
    if folder.exists() or folder.is_symlink():
        raise DiscRefused("There is a file {path} already.", path=str(folder))
    files = _named(package, pieces)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
            for name, content in files.items():
                (Path(work) / name).write_bytes(content)
            folder.mkdir()
            try:
                place_new(*((Path(work) / name, folder / name) for name in files))
            except BaseException:
                folder.rmdir()
                raise
    except OSError as error:
        raise DiscRefused(
            "{path} cannot be written: {detail}.", path=str(folder), detail=error.strerror or "unknown error"
        ) from error
    return [folder / name for name in files]


def _named(package: WholePackage, pieces: list[bytes]) -> dict[str, bytes]:
    name = f"{name_of(package)}.zip"
    parts = {f"{name}.{number:03}": piece for number, piece in enumerate(pieces, start=1)}
    values = {
        "name": name,
        "contract": package.listed.identifier,
        "size": len(package.zipped),
        "digest": hashlib.sha256(package.zipped).hexdigest(),
        "manifest": package.manifest_digest,
        "parts": [(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in parts.items()],
    }
    sheets = {
        f"{name}.parts.{language.value}.txt": _sheet(form, values).encode("utf-8-sig")
        for language, form in _FORMS.items()
    }
    return parts | sheets


def _sheet(form: str, values: dict[str, object]) -> str:
    """With the ends of line of Windows, where people join parts most often."""
    text = page_template("appliance.evidence", form).render(values)
    return text.replace("\n", "\r\n")
