"""Room on the disk: what is new waits outside, before what goes on has too little."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest

from appliance.documents.blobs import BlobStore, is_full, require_space
from appliance.documents.intake import Intake
from appliance.errors import StorageError
from appliance.pdf.workshop import PdfWorkshop

GIB = 1024**3


@pytest.mark.parametrize(
    ("total", "free", "full"),
    [
        (100 * GIB, 6 * GIB, False),
        (100 * GIB, 4 * GIB, True),  # less than 5 %
        (30 * GIB, 2 * GIB, False),
        (30 * GIB, 2 * GIB - 1, True),  # more than 5 %, but less than 2 GiB
        (10 * GIB, 1 * GIB, False),  # a small disk is measured by its share alone
        (10 * GIB, GIB // 3, True),
    ],
)
def test_a_disk_is_full_before_nothing_is_left(total: int, free: int, full: bool) -> None:
    assert is_full(total=total, free=free) is full


def test_what_would_take_the_rest_is_refused_with_what_is_free(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    free = shutil.disk_usage(tmp_path).free

    with pytest.raises(StorageError, match="nothing new is taken in") as refused:
        require_space(tmp_path, 2 * free)
    assert int(str(refused.value.values["free"])) > 0


def test_a_document_without_room_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = cast(PdfWorkshop, None)  # whoever is asked nothing needs no answer
    intake = Intake(nobody, BlobStore(tmp_path), tmp_path, lambda _: None)
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(100 * GIB, 99 * GIB, 1 * GIB))

    with pytest.raises(StorageError):
        intake.accept(b"%PDF-1.7")
    assert list(tmp_path.iterdir()) == []
