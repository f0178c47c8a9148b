"""The cache of pictures: bounded, the least recently used go, nothing half-written is ever found."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

from appliance.documents.page_pictures import PictureCache

KIB = 1024


def key(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def age(root: Path, name: object, seconds: float) -> None:
    path = root / key(name)[:2] / key(name)
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_not_there_is_not_there(tmp_path: Path) -> None:
    assert PictureCache(tmp_path / "pages").get(key("a")) is None


def test_another_process_finds_it(tmp_path: Path) -> None:
    PictureCache(tmp_path).put(key("a"), b"picture")
    assert PictureCache(tmp_path).get(key("a")) == b"picture"


def test_it_stays_within_its_bound(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, most=100 * KIB)
    for number in range(200):
        cache.put(key(number), bytes(4 * KIB))
    assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 112 * KIB


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, most=40 * KIB)
    for number in range(10):
        cache.put(key(number), bytes(4 * KIB))
        age(tmp_path, number, 1000 - number)
    assert cache.get(key(0)) is not None  # the oldest, but used just now
    cache.put(key("new"), bytes(4 * KIB))
    assert cache.get(key("new")) is not None
    assert cache.get(key(0)) is not None
    assert cache.get(key(1)) is None


def test_what_killed_writers_left_goes_too(tmp_path: Path) -> None:
    left = tmp_path / "ab" / ".left-behind"
    left.parent.mkdir()
    left.write_bytes(bytes(90 * KIB))
    os.utime(left, (1, 1))
    PictureCache(tmp_path, most=64 * KIB).put(key("a"), bytes(KIB))
    assert not left.exists()


def test_only_one_makes_it(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path)
    made: list[int] = []

    def want(number: int) -> None:
        with PictureCache(tmp_path).making(key("a")):
            if cache.get(key("a")) is None:
                made.append(number)
                time.sleep(0.05)
                cache.put(key("a"), b"picture")

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_disk_that_takes_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / key("a")[:2]).write_bytes(b"a file where a directory should be")
    PictureCache(tmp_path).put(key("a"), b"picture")
    assert (tmp_path / key("a")[:2]).read_bytes().startswith(b"a file")
