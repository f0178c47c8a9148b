"""``vermilion evidence``: a package on a disc, or in parts for uploads. Needs no running appliance."""

from __future__ import annotations

import re
from pathlib import Path

import click

from appliance.cli.program import NEW_FILE, NEW_FOLDER, Context
from appliance.evidence import disc, parts
from appliance.language.sizes import KILOBYTE, MEGABYTE

_PACKAGE = click.Path(exists=True, path_type=Path)
_UNITS = {"": 1, "K": KILOBYTE, "M": MEGABYTE, "G": 1024 * MEGABYTE}


class SizeParameter(click.ParamType[int]):
    """A number of bytes, with K, M or G behind it for its multiples of 1024."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes."""
        found = re.fullmatch(r"([1-9]\d{0,11})([KMG]?)B?", str(value).strip().upper())
        if found is None:
            self.fail(f"{value!r} is no size, such as 50M", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.group("evidence")
def evidence_group() -> None:
    """Make a disc image of an evidence package, or parts of it for uploads."""


@evidence_group.command("iso")
@click.argument("package", type=_PACKAGE)
@click.option("--out", required=True, type=NEW_FILE, help="The image, a new file; its sheet lies beside it.")
@click.pass_obj
def iso_command(context: Context, package: Path, out: Path) -> None:
    """Make a disc image of a package (its ZIP, or its folder), with a sheet of digests to be signed by hand."""
    sheet = out.with_name(f"{out.name}.sheet.pdf")
    digest = disc.write_image(disc.whole_package(package), out, sheet, context.terminal.language)
    context.terminal.say("Disc image: {path}", path=out)
    context.terminal.say("SHA-256: {digest}", digest=digest)
    context.terminal.say("Digest sheet, to be printed and signed: {path}", path=sheet)
    context.terminal.say("Whether the package passes was not judged here; run vermilion verify.")


@evidence_group.command("split")
@click.argument("package", type=_PACKAGE)
@click.option("--size", required=True, type=SizeParameter(), help="Bytes of a part, such as 50M.")
@click.option("--out", type=NEW_FOLDER, help="A new folder for the parts; PACKAGE.parts if not given.")
@click.pass_obj
def split_command(context: Context, package: Path, size: int, out: Path | None) -> None:
    """Cut a package into parts for uploads, with a sheet of digests and how to join them."""
    given = package.resolve()
    made = parts.split(disc.whole_package(package), size, out or given.with_name(f"{given.name}.parts"))
    for path in made:
        context.terminal.say("Written: {path}", path=path)
