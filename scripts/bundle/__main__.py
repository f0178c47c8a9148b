"""``python -m scripts.bundle --out DIR --key DIR``: makes the bundle of this checkout."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import click

from appliance.store import latest
from scripts.bundle import archive, debian, wheels
from scripts.bundle.bill import bill
from scripts.bundle.commands import run
from scripts.bundle.errors import BundleFailed
from scripts.bundle.signing import BundleKey

CHECKOUT = Path(__file__).resolve().parents[2]
_DOCUMENTS = ("installation.md", "operations.md", "high-availability.md", "high-availability.zh.md")
COPIED = ("provisioning", "systemd", "LICENSE", "CHANGELOG.md", *(f"docs/{name}" for name in _DOCUMENTS))
PACKAGES = sorted((CHECKOUT / "provisioning/roles").glob("*/files/packages.txt"))


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--key", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--version", default="", help="Another version than the checkout's, to try an upgrade to the same code."
)
def main(out: Path, key: Path, version: str) -> None:
    """Make the bundle in OUT, signed by the key in KEY (a GnuPG home; made when there is none)."""
    try:
        debian.require_suite()
        debian.require_tools()
        with closing(BundleKey(key.absolute())) as signer, tempfile.TemporaryDirectory() as scratch:
            click.echo(make(out.absolute(), signer, Path(scratch), version or _version()))
            click.echo(
                f"signed by {signer.fingerprint}; operators get vermilion-bundle.asc, and the"
                " fingerprint, by other ways than the archive"
            )
    except BundleFailed as error:
        click.echo(f"bundle: {error}", err=True)
        sys.exit(1)


def make(out: Path, signer: BundleKey, scratch: Path, version: str) -> str:
    """Makes the bundle of that *version*; a line that says where it is and how large."""
    moment = int(run(("git", "log", "-1", "--format=%ct"), within=CHECKOUT))
    machine, architecture = platform.machine(), run(("dpkg", "--print-architecture")).strip()
    root = scratch / f"vermilion-{version}-{debian.SUITE}-{architecture}"
    root.mkdir()
    _copy(root)
    wheels.download(CHECKOUT / "requirements/runtime.txt", root / "wheels", machine=machine)
    shutil.copy(CHECKOUT / "requirements/runtime.txt", root / "requirements.txt")
    _our_wheel(root, scratch, version=version, moment=moment)
    debs = debian.gather([name for each in PACKAGES for name in debian.wanted(each)], root / "debian")
    debian.index(root / "debian", version=version, date=format_datetime(datetime.fromtimestamp(moment, UTC)))
    signer.sign_release(root / "debian/Release")
    told = bill(version, moment=moment, debs=debs, debian=root / "debian", wheels=root / "wheels")
    (root / "bom.cdx.json").write_text(told, encoding="utf-8")
    _release(root, version=version, architecture=architecture, moment=moment)
    signer.sign(archive.write_manifest(root), root / archive.SIGNATURE)
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{root.name}.tar"
    signature = target.with_name(f"{target.name}.sig")
    signature.unlink(missing_ok=True)
    archive.pack(root, target, moment=moment)
    signer.sign(target, signature)
    (out / "vermilion-bundle.asc").write_bytes(signer.public())
    (out / "vermilion-bundle.fingerprint").write_text(f"{signer.fingerprint}\n", encoding="ascii")
    return f"{target} ({target.stat().st_size / 1e6:.0f} MB, {len(debs)} Debian packages)"


def _version() -> str:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _copy(root: Path) -> None:
    """What is committed, and nothing that lies about: git names the files."""
    for name in run(("git", "ls-files", "-z", *COPIED), within=CHECKOUT).split("\0"):
        if name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, root / name)
    shutil.move(root / "provisioning/install", root / "install")


def _our_wheel(root: Path, scratch: Path, *, version: str, moment: int) -> None:
    """Built from the committed files alone, so that what lies in the checkout cannot get in."""
    source = scratch / "source"
    source.mkdir()
    tar = scratch / "source.tar"
    run(("git", "archive", "--output", str(tar), "HEAD"), within=CHECKOUT)
    run(("tar", "-xf", str(tar), "-C", str(source)))
    project = source / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace(f'version = "{_version()}"', f'version = "{version}"', 1), encoding="utf-8")
    wheels.build(source, root / "wheels", moment=moment)


def _release(root: Path, *, version: str, architecture: str, moment: int) -> None:
    """*moment* is Unix time in seconds; of one version, `install` takes no earlier build over a later one."""
    told = {
        "version": version,
        "built": moment,
        "commit": run(("git", "rev-parse", "HEAD"), within=CHECKOUT).strip(),
        "debian": debian.SUITE,
        "architecture": architecture,
        "python": wheels.PYTHON,
        "schema": latest(),
    }
    (root / "release.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
