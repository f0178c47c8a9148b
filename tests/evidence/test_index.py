"""What stands in index.txt, in the checkpoint's text or in the name of a private field is nothing that runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping

import pytest

from appliance.evidence import log_files
from appliance.evidence.layout import require_plain_index
from appliance.evidence.model import PackageRefused
from appliance.evidence.package import INDEX
from appliance.evidence.repacked import read_zip
from appliance.verification import Indication
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import resealed
from tests.evidence.test_checkers import check
from tests.evidence.test_forged_packages import Readers, readers
from tests.evidence.unpacked import unpack

__all__ = ["readers"]

RUN = "PPID[$(touch${IFS}RUN)0]"
"""In a calculation bash makes a file of this; other shells make nothing of it."""

Files = Mapping[str, bytes]


def _in_a_place(files: Files) -> dict[str, bytes]:
    index = re.sub(rb"(?m)^(signature 01 \d+) \d+ ", lambda found: found[1] + f" {RUN} ".encode(), files[INDEX])
    return {INDEX: index}


def _in_the_size(files: Files) -> dict[str, bytes]:
    origin, _, rest = files[log_files.CHECKPOINT_TEXT].split(b"\n", 2)
    return {log_files.CHECKPOINT_TEXT: b"\n".join([origin, RUN.encode(), rest])}


def _in_a_name(files: Files) -> dict[str, bytes]:
    """GNU sed has a command that runs others. The checkers of now do not read private fields."""
    path = next(path for path in sorted(files) if path.startswith("log/openings/"))
    return {path: b'{"x/x/;s/.*/touch${IFS}RUN/e;#":{"salt":"00","value":"x"},' + files[path][1:]}


FORGERS: list[Callable[[Files], dict[str, bytes]]] = [_in_a_place, _in_the_size, _in_a_name]


@pytest.mark.parametrize("forge", FORGERS, ids=["a place", "the size", "a name"])
def test_nothing_in_a_package_is_run(
    readers: Readers, package: bytes, authority: TestAuthority, forge: Callable[[Files], dict[str, bytes]]
) -> None:
    changes = forge({path: bytes(data) for path, data in read_zip(package).files.items()})
    forged = resealed(package, dict(changes), authority)
    assert readers.verifier.verify(forged).indication is Indication.FAILED
    for shell in ("sh", "bash"):
        shutil.rmtree(readers.folder, ignore_errors=True)
        unpack(forged, readers.folder)
        status, said = check([shell, "check.sh"], readers.folder)
        assert (status == 0, (readers.folder / "RUN").exists()) == (forge is _in_a_name, False), said


EARLIER = b"""\
created 1
signature 01 1 2 3 4
certificate 01 1 1
record agreement/01 1
agreement 01 00000001
agreed 00000013 01,02 00000001,00000002
grounds 01 00000013
letter power-1 01
checkpoint 1
entry 00000001
"""
"""Lines of packages of earlier releases, which pass for ever."""


@pytest.mark.parametrize(
    "line",
    ["signature 01 1 2", "entry 1", "letter power-1 01 x", "entry 00000001 ", "other", f"created {RUN}", ""],
)
def test_lines_of_other_forms_are_refused(line: str, package: bytes) -> None:
    index = bytes(read_zip(package).files[INDEX])
    require_plain_index(index + EARLIER)
    with pytest.raises(PackageRefused):
        require_plain_index(index + f"{line}\n".encode())


def test_the_last_line_is_whole(package: bytes) -> None:
    with pytest.raises(PackageRefused):
        require_plain_index(bytes(read_zip(package).files[INDEX]) + b"entry 00000001")
