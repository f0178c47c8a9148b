"""The bill of materials: every package in the bundle, in CycloneDX 1.6 (ECMA-424)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scripts.bundle.debian import SUITE, Deb
from scripts.bundle.digests import sha256_of

_WHEEL = re.compile(r"^(?P<name>[^-]+)-(?P<version>[^-]+)-")


def bill(version: str, *, moment: int, debs: Iterable[Deb], debian: Path, wheels: Path) -> str:
    """The bill as JSON. The same contents give the same text: its serial number is derived from them."""
    components = [
        *(_of_deb(deb, debian) for deb in debs),
        *(_of_wheel(path) for path in sorted(wheels.glob("*.whl"))),
    ]
    bom = Bom(components=components)
    bom.metadata.timestamp = datetime.fromtimestamp(moment, UTC)
    bom.metadata.component = Component(
        name="vermilion", version=version, type=ComponentType.APPLICATION, bom_ref=f"vermilion@{version}"
    )
    told = "".join(sorted(f"{each.bom_ref.value}\n" for each in components))
    bom.serial_number = uuid5(NAMESPACE_URL, f"vermilion@{version}\n{told}")
    bom.register_dependency(bom.metadata.component, components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _of_deb(deb: Deb, directory: Path) -> Component:
    name, version = deb.name, deb.version
    path = directory / f"{name}_{version.replace(':', '%3a')}_{deb.architecture}.deb"
    qualifiers = {"arch": deb.architecture, "distro": SUITE}
    return _component(path, PackageURL("deb", "debian", name, version, qualifiers))


def _of_wheel(path: Path) -> Component:
    found = _WHEEL.match(path.name)
    if found is None:
        raise ValueError(f"{path.name} is not named like a wheel")
    return _component(path, PackageURL("pypi", None, found["name"].replace("_", "-").lower(), found["version"]))


def _component(path: Path, address: PackageURL) -> Component:
    return Component(
        name=address.name,
        version=address.version,
        type=ComponentType.LIBRARY,
        purl=address,
        bom_ref=str(address),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256_of(path))],
    )
