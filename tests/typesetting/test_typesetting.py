"""Pages are set in processes that end: what they may read, what ends them, and what stays outside them."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest

from appliance.errors import ConfinementFailed
from appliance.typesetting.typesetter import TypesettingFailure, typeset, typeset_identified, typeset_together
from tests.conformance.waiting import eventually

pytestmark = pytest.mark.usefixtures("typeset_anew")
PAGE = "<!doctype html><html lang=zh-CN><body><p>示例合同</p>{}</body></html>"
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def test_the_same_page_with_an_identifier_is_the_same_file() -> None:
    name = b"sixteen bytes ok"
    assert typeset(PAGE.format(""), identifier=name) == typeset(PAGE.format(""), identifier=name)


def test_pages_that_are_set_together_are_those_that_are_set_alone() -> None:
    name, pages = b"sixteen bytes ok", [PAGE.format(f"<h1>第{number}份合同 Müller</h1>") for number in range(3)]
    assert typeset_together(pages, identifier=name) == [typeset(each, identifier=name) for each in pages]
    with pytest.raises(ConfinementFailed):
        typeset_together([*pages, PAGE.format('<img src="http://127.0.0.1:9/picture.svg">')], identifier=name)


LATIN = '<p style="font-family: DejaVu Sans">Latin, in another typeface</p>'


def test_typefaces_are_embedded_as_bare_outlines_and_look_as_they_did(tmp_path: Path) -> None:
    """What WeasyPrint embeds is several times larger; a typeface that is not CID-keyed stays as it is."""
    page = PAGE.format("<h1>签署《合同》 office 0.5</h1><p style='font-weight: bold'>粗体 Bold</p>" + LATIN)
    ours, theirs = tmp_path / "ours.pdf", tmp_path / "theirs.pdf"
    ours.write_bytes(typeset(page))
    code = "import sys, weasyprint; weasyprint.HTML(string=sys.argv[1]).write_pdf(sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, page, theirs], check=True)
    assert _looks(ours) == _looks(theirs)
    assert ours.stat().st_size * 3 < theirs.stat().st_size
    with pikepdf.Pdf.open(ours) as pdf:
        fonts = [each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and "/FontName" in each]
        bare = [each.FontFile3.Subtype for each in fonts if "/FontFile3" in each]
        assert bare and set(bare) == {"/CIDFontType0C"}
        assert any("/FontFile2" in each for each in fonts)


def _looks(file: Path) -> tuple[bytes, ...]:
    """The page as a picture, and as text."""
    orders = (["pdftoppm", "-r", "150", file], ["pdftotext", file, "-"])
    return tuple(subprocess.run(each, capture_output=True, check=True).stdout for each in orders)


def test_pages_of_ours_are_identified_by_what_they_say() -> None:
    pages = [PAGE.format(each) for each in ("one", "two")]
    one, two = typeset_identified(pages)
    assert one != two
    assert typeset_identified(pages[::-1]) == [two, one]


def test_a_page_shows_what_it_carries_and_loads_nothing_else(tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="ascii")
    assert typeset(PAGE.format(f'<img src="{DOT}">'), images=True).startswith(b"%PDF-")
    for address in (picture.as_uri(), "http://127.0.0.1:9/picture.svg"):
        with pytest.raises(ConfinementFailed) as refused:
            typeset(PAGE.format(f'<img src="{address}">'), images=True)
        assert refused.value.values["cause"] == TypesettingFailure.CRASHED.value


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(ConfinementFailed) as refused:
        typeset(PAGE.format(""), patience=0.01)
    assert refused.value.values["cause"] == TypesettingFailure.TOO_LARGE.value


def test_no_process_that_stays_has_the_typesetter_in_it() -> None:
    """It keeps typefaces and their tables for each thread that ever used it, and never gives them back."""
    code = "import sys, webui.portal.process, appliance.jobs.__main__; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


ATTEMPTS = """
import ctypes, json, os, socket, sys, threading
from appliance.typesetting import program

program.enclose()
libc = ctypes.CDLL(None, use_errno=True)

def raw(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def in_a_thread():
    done = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join()
    return done[0]

attempts = {
    "socket": lambda: socket.socket(socket.AF_INET),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "pair": socket.socketpair,
    "connect": lambda: raw("connect", 0, b"\\1\\0/x", 4),
    "send": lambda: raw("sendto", 0, b"x", 1, 0, None, 0),
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "fork": lambda: os.fork() or os._exit(0),
    "write": lambda: open("/dev/null", "w"),
    "trace": lambda: raw("ptrace", 16, os.getppid(), 0, 0),
    "kill": lambda: os.kill(os.getppid(), 0),
    "low descriptor": lambda: os.read(int(sys.argv[1]), 1),
    "high descriptor": lambda: os.read(int(sys.argv[2]), 1),
    "thread": in_a_thread,
}
found = {}
for name, attempt in attempts.items():
    try:
        found[name] = f"let through: {attempt()!r}"
    except OSError as error:
        found[name] = error.errno
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)
"""


def test_the_process_has_no_sockets_programs_or_processes() -> None:
    """Its standard input is a socket here, so that there is one to connect with; two more descriptors are open,
    one of them beyond those that the process may open itself. Whoever reads from one finds its end."""
    ours, theirs = socket.socketpair()
    with ours, theirs, Path("/dev/null").open("rb") as low:
        high = fcntl.fcntl(low, fcntl.F_DUPFD, 200)
        done = subprocess.run(
            [sys.executable, "-c", ATTEMPTS, str(low.fileno()), str(high)],
            stdin=theirs,
            pass_fds=[low.fileno(), high],
            capture_output=True,
            text=True,
            check=True,
        )
        os.close(high)
    found = json.loads(done.stdout)
    assert found.pop("thread") == "let through: 1", "Pango reads its fonts in one"
    assert (found.pop("low descriptor"), found.pop("high descriptor")) == (errno.EBADF, errno.EBADF)
    assert set(found.values()) <= {errno.EPERM, errno.EACCES} and len(found) == 10, found


def test_the_process_that_sets_pages_is_the_enclosed_one() -> None:
    """As the product starts it: the kernel says that a filter holds before it has read what it is to set."""
    command = [sys.executable, "-m", "appliance.typesetting.program", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        try:
            eventually(lambda: "\nSeccomp:\t2\n" in Path(f"/proc/{child.pid}/status").read_text(encoding="ascii"))
            assert child.poll() is None
        finally:
            child.kill()
