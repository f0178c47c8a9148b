"""A disc image of an evidence package: ISO 9660 with Joliet (Windows) and Rock Ridge (Linux, macOS).

On the disc are the package as it was made, in a folder of its name everything in it unpacked, and at the root
what is opened first: the offline verifier of this release, and the package's list of evidence and guide. The image
is made by ``xorriso`` (Debian's package of this name), with the time of the manifest in all dates, so that the
same package gives the same bytes with the same version of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.errors import ApplianceError
from appliance.evidence import container, court_pages, manifest
from appliance.evidence.captures.layout import certificate_path
from appliance.evidence.common_files import read_verifier
from appliance.evidence.container import write_container
from appliance.evidence.folder import read_folder
from appliance.evidence.manifest import AnyManifest
from appliance.evidence.model import part
from appliance.evidence.repacked import read_zip
from appliance.language import Language, translator
from appliance.typesetting.typesetter import page_template, typeset_identified
from hsm.checkers import VERIFIER

PROGRAM: Final = "xorriso"
_PATIENCE: Final = 600.0
"""Seconds for one image, which has at most twice the largest package."""
_LARGEST_FILE: Final = container.LARGEST + 64 * 1024 * 1024
"""Bytes of a ZIP that is read: the largest package and its directory."""


class DiscRefused(ApplianceError, code="disc-refused"):
    """No image, or no parts, are made; the sentence says why."""


@dataclass(frozen=True, slots=True)
class WholePackage:
    """A package whose files are exactly those that its manifest lists: its files, and the ZIP as it was made."""

    files: Mapping[str, bytes]
    listed: AnyManifest
    zipped: bytes

    @property
    def manifest_digest(self) -> str:
        """The SHA-256 (hex) of the manifest."""
        return hashlib.sha256(self.files[manifest.MANIFEST]).hexdigest()


def whole_package(path: Path) -> WholePackage:
    """The package in the ZIP or in the folder *path*. Whoever has the folder alone gets the ZIP again: its form is
    fixed by the files.

    Nothing is asked for trust here. Raises :class:`PackageRefused` where the files are not those of the manifest,
    and :class:`FolderUnread`.
    """
    if path.is_dir():
        found = read_folder(path)
    else:
        if path.stat().st_size > _LARGEST_FILE:
            raise DiscRefused("The file is too large to be an evidence package.")
        found = read_zip(path.read_bytes())
    listed = manifest.decode(part(found.files, manifest.MANIFEST))
    manifest.require_same(listed, found.files)
    files = {name: bytes(data) for name, data in found.files.items()}
    return WholePackage(files, listed, write_container(files))


def _first_opened() -> tuple[str, ...]:
    """What of the package lies at the root of the disc, too."""
    paths = court_pages.list_path, court_pages.guide_path, certificate_path
    return tuple(path(language) for path in paths for language in Language)


def write_image(package: WholePackage, image: Path, sheet: Path, language: Language) -> str:
    """Writes the disc *image*, and the *sheet* of digests (PDF) for it; returns the SHA-256 of the image (hex).

    Neither is left behind half-written, and nothing that is there is overwritten. Raises :class:`DiscRefused`,
    and as :func:`appliance.typesetting.typesetter.typeset`.
    """
    require_new(image, sheet)
    with ExitStack() as stack:
        work = Path(stack.enter_context(work_folder(image)))
        root = work / "disc"
        _lay_out(package, root)
        made = work / "image.iso"
        _run(root, made, package.listed)
        digest = digest_of_file(made)
        page = render_sheet(package, image.name, made.stat().st_size, digest, language)
        (work / "sheet.pdf").write_bytes(page)
        place_new((work / "sheet.pdf", sheet), (made, image))
    return digest


def require_new(*targets: Path) -> None:
    """Raises :class:`DiscRefused` where one of the *targets* is there already."""
    for each in targets:
        if each.exists() or each.is_symlink():
            raise DiscRefused("There is a file {path} already.", path=str(each))


@contextmanager
def work_folder(target: Path) -> Iterator[str]:
    """A folder of our own on the file system of *target*. Raises :class:`DiscRefused` where none can be made, and
    for every OSError inside."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            yield folder
    except OSError as error:
        raise DiscRefused(
            "{path} cannot be written: {detail}.", path=str(target), detail=error.strerror or "unknown error"
        ) from error


def place_new(*moves: tuple[Path, Path]) -> None:
    """Gives each finished file its name, on disk for good; where one of the names is taken meanwhile, none is
    left. Raises OSError or :class:`DiscRefused`."""
    placed: list[Path] = []
    try:
        for made, target in moves:
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            _name(made, target)
            placed.append(target)
    except OSError as error:
        for target in placed:
            target.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise DiscRefused("There is a file {path} already.", path=str(moves[len(placed)][1])) from error
        raise


def _name(made: Path, target: Path) -> None:
    """Gives *made* the name *target*, which must be free."""
    try:
        os.link(made, target)  # unlike a rename it does not overwrite
    except FileExistsError:
        raise
    except OSError:  # sticks have file systems without links
        if target.exists():
            raise FileExistsError from None
        made.rename(target)


def name_of(package: WholePackage) -> str:
    """What the package is called on the disc: its contract's system ID, in letters that every system takes."""
    kept = "".join(
        each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in package.listed.identifier
    )
    return kept[:40].strip("-") or "package"


def _lay_out(package: WholePackage, root: Path) -> None:
    name = name_of(package)
    files = {f"{name}.zip": package.zipped}
    files |= {f"{name}/{path}": data for path, data in package.files.items()}
    files |= {VERIFIER: read_verifier()}  # ours: the package may be from anybody, or be older
    files |= {path: package.files[path] for path in _first_opened() if path in package.files}
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _run(root: Path, image: Path, listed: AnyManifest) -> None:
    try:
        done = subprocess.run(
            _command(root, image, listed),
            env={"PATH": os.environ.get("PATH", "/usr/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except FileNotFoundError as error:
        raise DiscRefused(
            "The program {program}, which makes disc images, is not installed (Debian: apt install {program}).",
            program=PROGRAM,
        ) from error
    except subprocess.TimeoutExpired as error:
        raise DiscRefused("The disc image took too long to make.") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        told = next((each for each in lines if "FAILURE" in each or "FATAL" in each), lines[-1] if lines else "")
        raise DiscRefused(
            "The program {program} made no disc image: {detail}.", program=PROGRAM, detail=told[:200]
        )


def _command(root: Path, image: Path, listed: AnyManifest) -> Sequence[str]:
    at, date = listed.created, f"{listed.created:%Y%m%d%H%M%S}00"
    return (
        PROGRAM,
        "-no_rc",
        *("-as", "mkisofs"),
        *("-iso-level", "3", "-J", "-joliet-long", "-r"),
        *("-V", _volume(listed.identifier, at), "-A", "EVIDENCE PACKAGE", "-p", "VERMILION"),
        f"--modification-date={date}",
        *("--set_all_file_dates", date),
        *("-o", str(image), str(root)),
    )


def _volume(contract: str, at: datetime) -> str:
    """The disc's label: at most sixteen letters, as Joliet shows no more (d-characters of ECMA-119, 8.4.8)."""
    kept = re.sub(r"[^A-Z0-9]+", "_", contract.upper()).strip("_")
    return (kept or f"EVIDENCE_{at:%Y}")[:16]


def digest_of_file(path: Path) -> str:
    """The SHA-256 (hex) of a file of any size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def render_sheet(package: WholePackage, image: str, size: int, digest: str, language: Language) -> bytes:
    """The page that goes with a disc, to be signed by hand: the digests of image, package and manifest."""
    rows = [
        (image, size, digest),
        (f"{name_of(package)}.zip", len(package.zipped), hashlib.sha256(package.zipped).hexdigest()),
        (manifest.MANIFEST, len(package.files[manifest.MANIFEST]), package.manifest_digest),
    ]
    page = page_template("appliance.evidence", "templates/disc-sheet.html").render(
        language=language.tag,
        _=translator(language),
        contract=package.listed.identifier,
        audience=package.listed.audience,
        created=package.listed.created,
        name=name_of(package),
        rows=[{"name": name, "size": f"{size:,}", "digest": digest} for name, size, digest in rows],
    )
    [sheet] = typeset_identified([page])
    return sheet
