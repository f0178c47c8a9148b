"""Room on the disk: what is new waits outside, before what goes on has too little."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest

from appliance.documents.blobs import BlobStore
from appliance.documents.headroom import Headroom
from appliance.documents.intake import Intake
from appliance.errors import StorageError
from appliance.pdf.workshop import PdfWorkshop


def test_what_fits_beside_the_reserve_comes_in(tmp_path: Path) -> None:
    Headroom(tmp_path, reserve=0).require(1)


def test_what_would_touch_the_reserve_is_refused_with_what_is_free(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(StorageError, match="nothing new is taken in") as refused:
        Headroom(tmp_path, reserve=2 * free).require(1)
    assert int(str(refused.value.values["free"])) <= free // 2**20 + 1

    with pytest.raises(StorageError):
        Headroom(tmp_path, reserve=0).require(free)


def test_a_document_without_room_is_not_even_read(tmp_path: Path) -> None:
    nobody = cast(PdfWorkshop, None)  # whoever is asked nothing needs no answer
    intake = Intake(nobody, BlobStore(tmp_path), Headroom(tmp_path, reserve=2**60))

    with pytest.raises(StorageError):
        intake.accept(b"%PDF-1.7")
    assert list(tmp_path.iterdir()) == []
