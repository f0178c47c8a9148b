"""The program's answer is not believed before it is whole, in its form, and a capture of what was ordered."""

from __future__ import annotations

import functools
import hashlib
import io
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance.capture_service.client import SENTENCES, CaptureService, CaptureUnavailable, LiveWay
from appliance.capture_service.messages import CaptureFault, OctetsPart, taken_apart
from appliance.config import CaptureSettings, Settings
from appliance.confinement import frames
from appliance.home import Home
from appliance.language import chinese_messages
from appliance.web_capture.capturing import Capture
from appliance.web_capture.live_view import LivePicture
from appliance.web_capture.model import (
    CaptureFailed,
    CaptureLimits,
    CaptureOrder,
    CaptureProgress,
    CaptureStage,
    CaptureStep,
    ManualLogIn,
    Resolution,
    StepKind,
    StepOutcome,
    StepResult,
    Traffic,
)
from appliance.web_capture.visiting import Visit

ADDRESS = "http://part/"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 1280, 900) + b"..."
WARC = b"\x1f\x8b\x08" + b"w" * 200_000
STEP = StepOutcome(CaptureStep(StepKind.CLICK, "#more"), StepResult.DONE, "", datetime.now(UTC), ADDRESS, PNG)
LONGEST = "An address has at most {longest} characters."
Saying = Callable[..., AbstractContextManager[CaptureService]]


def made(**more: Any) -> Capture:
    """A capture as an honest program says it, but that nothing in it can be opened."""
    now = datetime.now(UTC)
    visit = Visit(ADDRESS, "Title", "text", PNG, b"%PDF-1.7", True, 900, (), "", "HeadlessChrome/150")
    traffic = Traffic(1, 10, resolutions={"part": Resolution("part", "10.0.0.1", (), "", now)})
    whole = Capture(
        address=ADDRESS,
        began=now,
        ended=now,
        warc=WARC,
        wacz=b"PK\x03\x04",
        visit=visit,
        traffic=traffic,
        command=("bwrap",),
        browser_sha256="0" * 64,
        browser_package="",
        limits=CaptureLimits(),
    )
    return replace(whole, **more)


def answer(whole: Capture, *, change: Callable[[Any], Any] = lambda plain: plain) -> list[Any]:
    """What a program says that gives *whole*; *change* is done to its plain values before."""
    parts: list[bytes] = []
    small = taken_apart(change(frames.encode(whole)), parts)
    told = [OctetsPart(len(each), hashlib.sha256(each).hexdigest()) for each in parts]
    return [{"capture": [small, frames.encode(told)]}, *parts]


@pytest.fixture
def say(tmp_path: Path) -> Iterator[Saying]:
    """A service behind whose socket somebody says the given frames (and octets as they are), once."""
    threads: list[threading.Thread] = []

    @contextmanager
    def saying(*said: object) -> Iterator[CaptureService]:
        at = tmp_path / "capture.sock"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(at))
            listening.listen()

            def once() -> None:
                with suppress(OSError), listening.accept()[0] as stream:  # of a client that has gone
                    frames.read(stream, limit=1 << 20)
                    for each in said:
                        if isinstance(each, bytes):
                            stream.sendall(each)
                        else:
                            frames.write(stream, each)
                    stream.shutdown(socket.SHUT_WR)
                    while stream.recv(4096):  # what is still said to a service that has ended would break the pipe
                        pass

            threads.append(threading.Thread(target=once))
            threads[-1].start()
            capture = CaptureSettings(enabled=True, seconds=5, megabytes=1, height=1_000)
            yield CaptureService(Settings(home=Home(tmp_path), capture=capture), at)
            threads[-1].join(30)
            at.unlink()

    yield saying
    assert not any(each.is_alive() for each in threads)


def cause(service: CaptureService) -> CaptureFault:
    with pytest.raises(CaptureUnavailable) as failure:
        service.capture(CaptureOrder(ADDRESS))
    return failure.value.cause


def test_a_whole_answer_is_the_capture(say: Saying) -> None:
    whole, stages = made(), []
    progress = {"progress": frames.encode(CaptureProgress(CaptureStage.LOADING, 1, 10))}
    with say(progress, *answer(whole)) as service:
        assert service.capture(CaptureOrder(ADDRESS), progress=stages.append) == whole
    assert stages == [CaptureProgress(CaptureStage.LOADING, 1, 10)]


PICTURES = {
    "wide": PNG.replace(struct.pack(">I", 1280), struct.pack(">I", 6_000)),
    "high": PNG.replace(struct.pack(">I", 900), struct.pack(">I", 1_001)),
    "empty": PNG.replace(struct.pack(">I", 900), struct.pack(">I", 0)),
    "cut": PNG[:18],
    "none": b"GIF89a",
}
_LATER = datetime.now(UTC) + timedelta(days=1)
LOG_IN = ManualLogIn(datetime.now(UTC), datetime.now(UTC), 3, ("part",))
LIES: dict[str, Callable[[], Capture]] = {
    "another address": lambda: made(address="http://elsewhere.example/"),
    "later": lambda: made(ended=_LATER),
    "earlier": lambda: made(began=datetime(2020, 1, 1, tzinfo=UTC)),
    "backwards": lambda: made(began=datetime.now(UTC) + timedelta(seconds=2)),
    "no zone": lambda: made(began=datetime.now(), ended=datetime.now()),  # noqa: DTZ005 - that is the lie
    "no WARC": lambda: made(warc=b"WARC/1.1"),
    "no WACZ": lambda: made(wacz=b""),
    "steps": lambda: made(steps=(STEP,)),
    "session": lambda: made(session=b"GIF89a"),
    "frames": lambda: made(frames=(datetime.now(),)),  # noqa: DTZ005
    "a log-in that nobody ordered": lambda: made(log_in=LOG_IN),
    "no PDF": lambda: made(visit=replace(made().visit, pdf=b"<html>")),
    "text": lambda: made(visit=replace(made().visit, text="x" * 4_000_001)),
    "title": lambda: made(visit=replace(made().visit, title="x" * 5_000)),
    "height": lambda: made(visit=replace(made().visit, height=1_001)),
    "traffic": lambda: made(traffic=Traffic(-1)),
    "endless traffic": lambda: made(traffic=Traffic(1, 1 << 53)),
    "endless refusals": lambda: made(traffic=Traffic(1, 1, refused_in_all=1 << 60)),
    **{
        f"picture {name}": lambda each=each: made(visit=replace(made().visit, picture=each))  # type: ignore[misc]
        for name, each in PICTURES.items()
    },
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_a_capture_is_none(say: Saying, lie: str) -> None:
    with say(*answer(LIES[lie]())) as service:
        assert cause(service) is CaptureFault.UNBELIEVABLE


def test_what_was_seen_after_each_step_comes_along(say: Saying) -> None:
    order, whole = CaptureOrder(ADDRESS, (STEP.step,)), made(steps=(STEP,), session=b"RIFF    WEBPVP8X")
    with say(*answer(whole)) as service:
        assert service.capture(order) == whole


@pytest.mark.parametrize(
    "lie",
    [
        {"picture": PICTURES["wide"]},
        {"note": "x" * 5_000},
        {"at": datetime.now()},  # noqa: DTZ005 - that is the lie
    ],
)
def test_what_nobody_saw_after_a_step(say: Saying, lie: dict[str, Any]) -> None:
    said = answer(made(steps=(replace(STEP, **lie),)))
    with say(*said) as service, pytest.raises(CaptureUnavailable) as failure:
        service.capture(CaptureOrder(ADDRESS, (STEP.step,)))
    assert failure.value.cause is CaptureFault.UNBELIEVABLE


def dropped(name: str) -> Callable[[Any], Any]:
    return lambda plain: {each: value for each, value in plain.items() if each != name}


@pytest.mark.parametrize(
    "said",
    [
        [],
        [b"\xff" * 64],
        [{"capture": []}],
        [{"capture": [{}, []]}],
        [{"ready": {"product": "x"}}],
        [{"progress": {"stage": "dreaming", "requests": 0, "received": 0}}],
        [{"progress": {"stage": "loading", "requests": "0", "received": 0}}],
        [{"progress": {"stage": "loading", "requests": 1 << 64, "received": 0}}],
        [{"progress": {"stage": "loading", "requests": 0, "received": -1}}],
        [{"failed": {"fault": "odd", "why": "x"}}],
        [{"failed": "x"}],
        [{"refused": {"template": "Call this number.", "values": {}}}],
        [{"refused": {"template": LONGEST, "values": {}}}],
        [{"refused": {"template": LONGEST, "values": {"longest": []}}}],
        [{"refused": {"template": LONGEST, "values": {"longest": 10**5000}}}],
        [
            {
                "refused": {
                    "template": "An address has at most {longest} characters.",
                    "values": {"longest": "x" * 9999},
                }
            }
        ],
        answer(made())[:1],
        [answer(made())[0], b"x" * 200_003],
        answer(made(), change=dropped("visit")),
        answer(made(), change=lambda plain: {**plain, "more": 1}),
        answer(made(), change=lambda plain: {**plain, "warc": "text"}),
        answer(made(), change=lambda plain: {**plain, "began": 7}),
        answer(made(), change=lambda plain: {**plain, "warc": {"part of the octets": 5}}),
        answer(made(), change=lambda plain: {**plain, "warc": {"part of the octets": -1}}),
        [{"capture": [{}, [{"size": 1 << 40, "sha256": ""}]]}],
        [{"capture": [{}, [{"size": -1, "sha256": ""}]]}],
        [{"capture": [{}, [{"size": 0, "sha256": ""}] * 65]}],
    ],
)
def test_what_is_no_answer_is_the_programs_fault(say: Saying, said: list[Any]) -> None:
    with say(*said) as service:
        assert cause(service) is CaptureFault.PROGRAM


def test_what_the_program_says_of_itself_is_on_one_line(say: Saying) -> None:
    said = {"failed": {"fault": "unset", "why": "one\nline\x1b[2J" + "x" * 1_000}}
    with say(said) as service, pytest.raises(CaptureUnavailable) as failure:
        service.capture(CaptureOrder(ADDRESS))
    assert failure.value.cause is CaptureFault.UNSET
    assert str(failure.value).isprintable() and len(str(failure.value)) < 400


def test_a_refusal_is_the_engines(say: Saying) -> None:
    template = "The browser could not be confined ({why})."
    said = {"refused": {"template": template, "values": {"why": "no\nnamespaces"}}}
    with say(said) as service, pytest.raises(CaptureFailed, match=r"confined \(no namespaces\)") as failure:
        service.capture(CaptureOrder(ADDRESS))
    assert failure.value.template == template


def test_endless_progress_ends(say: Saying) -> None:
    told: list[CaptureProgress] = []
    progress = {"progress": frames.encode(CaptureProgress(CaptureStage.LOADING, 1, 10))}
    with say(*[progress] * 25_000) as service, pytest.raises(CaptureUnavailable):
        service.capture(CaptureOrder(ADDRESS), progress=told.append)
    assert len(told) <= 20_000


def test_nobody_listens_on_an_appliance(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "config").symlink_to(tmp_path / "etc")
    settings = Settings(home=Home(tmp_path), capture=CaptureSettings(enabled=True))
    assert cause(CaptureService(settings, tmp_path / "capture.sock")) is CaptureFault.PROGRAM


def test_nothing_is_asked_where_nothing_may_be_captured(tmp_path: Path) -> None:
    assert cause(CaptureService(Settings(home=Home(tmp_path)), tmp_path / "none")) is CaptureFault.UNSET


def test_every_sentence_is_translated() -> None:
    assert set(chinese_messages()) >= SENTENCES


class View:
    """Somebody who waits for one picture, or for none."""

    def __init__(self, looks: int = 1) -> None:
        self.looks, self.seen = looks, list[LivePicture]()

    def opened(self, way: LiveWay) -> None:
        if self.looks:
            way.look()

    def shown(self, picture: LivePicture) -> None:
        self.seen.append(picture)


@functools.cache
def jpeg(size: tuple[int, int] = (1280, 900), **more: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(made, "JPEG", **more)
    return made.getvalue()


def shown(**more: Any) -> dict[str, Any]:
    picture = LivePicture(1, jpeg(), 1280, 900, ADDRESS, "Log in", 60)
    return {"picture": frames.encode(picture) | more}


def logged_in() -> Capture:
    now = datetime.now(UTC)
    return made(log_in=ManualLogIn(now, now, 3, ("part",)), began=now, ended=now)


def test_a_picture_comes_as_it_is_asked_for(say: Saying) -> None:
    """Its words are on one line."""
    view, whole = View(), logged_in()
    with say(shown(title="a\nb"), *answer(whole)) as service:
        assert service.capture(CaptureOrder(ADDRESS, log_in=True), live=view) == whole
    assert [(each.number, each.title, each.jpeg) for each in view.seen] == [(1, "a b", jpeg())]


@pytest.mark.parametrize(
    ("looks", "more"),
    [
        (0, {}),
        (1, {"number": 0}),
        (1, {"width": 1281}),
        (1, {"width": 900, "height": 1280, "jpeg": jpeg((900, 1280))}),
        (1, {"jpeg": jpeg((1281, 900))}),
        (1, {"jpeg": jpeg(progressive=True)}),
        (1, {"jpeg": jpeg(comment=b"<script>")}),
        (1, {"jpeg": jpeg(exif=b"Exif\0\0MM")}),
        (1, {"jpeg": jpeg(icc_profile=b"x" * 200)}),
        (1, {"jpeg": jpeg() + b"<html>"}),
        (1, {"jpeg": jpeg()[:-2]}),
        (1, {"jpeg": jpeg() + jpeg()}),
        (1, {"jpeg": jpeg().replace(b"\xff\xda", b"\xff\xc0\0\x0b\x08\x03\x84\x05\0\x01\x01\x11\0\xff\xda")}),
        (1, {"jpeg": jpeg()[:2] + jpeg()[2:20] * 2 + jpeg()[20:]}),
        (1, {"jpeg": jpeg()[:2] + b"\xff\xe0\x04\x00" + b"JFIF\0" + b"x" * 1017 + jpeg()[20:]}),
        (1, {"jpeg": jpeg()[:18] + b"\x01\x01" + jpeg()[20:]}),
        (1, {"jpeg": jpeg()[:20] + b"\xff\xe2\x00\x10" + b"ICC_PROFILE\0\x01\x01" + jpeg()[20:]}),
        (1, {"jpeg": jpeg()[:20] + (b"\xff\xdb\xff\xff" + b"x" * 0xFFFD) + jpeg()[20:]}),
        (1, {"jpeg": jpeg()[:20] + (b"\xff\xdb\x80\x00" + b"x" * 0x7FFE) * 2 + jpeg()[20:]}),
        (1, {"jpeg": PNG}),
        (1, {"jpeg": b""}),
        (1, {"jpeg": jpeg() + b"\0" * 2**21}),
        (1, {"jpeg": "text"}),
        (1, {"title": "x" * 301}),
        (1, {"seconds_left": -1}),
        (1, {"more": 1}),
    ],
)
def test_a_picture_that_is_none_ends_it(say: Saying, looks: int, more: dict[str, Any]) -> None:
    """Also one that nobody asked for: so a program that a page took over cannot flood anybody."""
    view = View(looks)
    with say(shown(**more), *answer(logged_in())) as service, pytest.raises(CaptureUnavailable) as failure:
        service.capture(CaptureOrder(ADDRESS, log_in=True), live=view)
    assert failure.value.cause in (CaptureFault.UNBELIEVABLE, CaptureFault.PROGRAM)
    assert view.seen == []


@pytest.mark.parametrize(
    "lie",
    [
        {"log_in": None},
        {"log_in": replace(LOG_IN, began=datetime(2020, 1, 1, tzinfo=UTC))},
        {"log_in": replace(LOG_IN, ended=_LATER)},
        {"log_in": replace(LOG_IN, began=datetime.now())},  # noqa: DTZ005 - that is the lie
        {"log_in": replace(LOG_IN, requests=-1)},
        {"log_in": replace(LOG_IN, hosts=("x" * 5_000,))},
    ],
)
def test_what_cannot_be_a_log_in(say: Saying, lie: dict[str, Any]) -> None:
    with say(*answer(replace(logged_in(), **lie))) as service, pytest.raises(CaptureUnavailable) as failure:
        service.capture(CaptureOrder(ADDRESS, log_in=True), live=View(0))
    assert failure.value.cause is CaptureFault.UNBELIEVABLE
