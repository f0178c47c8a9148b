"""The files of a package that somebody unpacked: a folder, read as a ZIP is that was zipped again.

The rules are those of :mod:`appliance.evidence.repacked`: plain paths, none twice or alike but for case, what
operating systems add left out and named, at most as many files and bytes as a package may have. Files and folders
alone are read: nothing is followed that is a link (``openat(2)`` with ``O_NOFOLLOW`` on each level, so that none
can be put there meanwhile), and no device, pipe or socket is opened. A folder that holds none of the names that a
package has is not searched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.evidence.container import LARGEST, MOST_FILES
from appliance.evidence.layout import belongs_at_root
from appliance.evidence.manifest import MANIFEST
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import PackageFiles, added_among, placed_inside
from appliance.language.sizes import ByteSize

_NO_LINK: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = _NO_LINK | os.O_DIRECTORY
_FILE: Final = _NO_LINK | os.O_NONBLOCK | os.O_NOCTTY


class FolderUnread(ApplianceError, code="folder-unread"):
    """A folder that is no unpacked package, or that the system does not let us read: nothing is known of it."""


@dataclass(slots=True)
class _Found:
    """What was found below a folder: names as in a ZIP, and what is to be read, by its name."""

    names: list[bytes] = field(default_factory=list)
    contents: dict[bytes, bytes] = field(default_factory=dict)
    size: int = 0


def read_folder(folder: Path) -> PackageFiles:
    """The files of the package in *folder*.

    Raises :class:`FolderUnread` for a folder that is none, and :class:`PackageRefused` for one whose content is
    not a package's. Memory is bounded by the largest package.
    """
    with _open_folder(os.fsencode(folder), None, str(folder)) as root:
        _require_package(root, folder)
        found = _Found()
        _walk(root, b"", found)
    files = {
        path: memoryview(found.contents[name])
        for name, path in zip(found.names, placed_inside(found.names, b""), strict=True)
        if path
    }
    return PackageFiles(dict(sorted(files.items())), added_among(found.names))


@contextmanager
def _open_folder(name: bytes, parent: int | None, shown: str) -> Iterator[int]:
    try:
        opened = os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        if parent is None and _is_link(name):
            raise FolderUnread("{path} is a link; give the folder itself.", path=shown) from error
        raise _unreadable(shown, error) from error
    try:
        yield opened
    finally:
        os.close(opened)


def _is_link(name: bytes) -> bool:
    """Whether *name* is a symbolic link, to whatever."""
    try:
        return stat.S_ISLNK(os.lstat(name).st_mode)
    except OSError:
        return False


def _unreadable(shown: str, error: OSError) -> FolderUnread:
    return FolderUnread("{path} cannot be read: {detail}.", path=shown, detail=error.strerror or "unknown error")


def _names_in(opened: int, shown: str) -> list[bytes]:
    """What lies in the folder, sorted; no more names than a package may have are taken."""
    names: list[bytes] = []
    try:
        with os.scandir(opened) as entries:
            for entry in entries:
                names.append(os.fsencode(entry.name))
                if len(names) > MOST_FILES:
                    raise _too_many()
    except OSError as error:
        raise _unreadable(shown, error) from error
    return sorted(names)


def _too_many() -> PackageRefused:
    return PackageRefused("The package has more than {limit} files; it was not read.", limit=MOST_FILES)


def _require_package(root: int, folder: Path) -> None:
    """Whether anything here belongs to a package; where it lies one folder further down, as on a disc, that one is
    named."""
    names = _names_in(root, str(folder))
    if os.fsencode(MANIFEST) in names:
        return
    for name in names:
        if _has_manifest(root, name):
            raise FolderUnread(
                "The package is not in this folder but in the folder {name} in it; give that one.",
                name=os.fsdecode(name),
            )
    if not any(belongs_at_root(os.fsdecode(name)) for name in names):
        raise FolderUnread("The folder is no unpacked evidence package: it has no file {path}.", path=MANIFEST)


def _has_manifest(root: int, name: bytes) -> bool:
    try:
        inner = os.open(name, _FOLDER, dir_fd=root)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.stat(MANIFEST, dir_fd=inner, follow_symlinks=False).st_mode)
    except OSError:
        return False
    finally:
        os.close(inner)


def _walk(opened: int, above: bytes, found: _Found) -> None:
    """Everything below the folder *opened*, whose name in the package is *above* (``name/``, or nothing)."""
    for name in _names_in(opened, os.fsdecode(above) or "."):
        path = above + name
        shown = path.decode("utf-8", "replace")
        try:
            mode = os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode
        except OSError as error:
            raise _unreadable(shown, error) from error
        if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            raise PackageRefused("The package has a link or a device in the place of the file {path}.", path=shown)
        found.names.append(path + b"/" if stat.S_ISDIR(mode) else path)
        if len(found.names) > MOST_FILES:
            raise _too_many()
        if added_among([found.names[-1]]):
            continue
        if stat.S_ISREG(mode):
            found.contents[path] = _content(name, opened, shown, found)
            continue
        placed_inside(found.names[-1:], b"")  # nothing is searched below a name that no package has
        with _open_folder(name, opened, shown) as inner:
            _walk(inner, path + b"/", found)


def _content(name: bytes, parent: int, shown: str, found: _Found) -> bytes:
    """The bytes of a file, as many as it had when it was opened."""
    try:
        with os.fdopen(os.open(name, _FILE, dir_fd=parent), "rb") as stream:
            state = os.fstat(stream.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise PackageRefused(
                    "The package has a link or a device in the place of the file {path}.", path=shown
                )
            found.size += state.st_size
            if found.size > LARGEST:
                raise PackageRefused(
                    "The files of the package have more than {bytes}; they were not read.", bytes=ByteSize(LARGEST)
                )
            content = stream.read(state.st_size + 1)
    except OSError as error:
        raise _unreadable(shown, error) from error
    if len(content) != state.st_size:
        raise PackageRefused("The file {path} in the package was changed or cut off.", path=shown)
    return content
