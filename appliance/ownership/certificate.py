"""The certificate of deposit (电子数据存证证明): what was deposited, by whom and when, with the whole timestamp on
it, so that the paper alone proves the time to whoever has the files.

The timestamp stands there as QR codes (ISO/IEC 18004), from which anybody gets its bytes back with a code
reader and ``base32`` of every Linux system. A reply has 2 to 6 KB, and one code holds 2,953 bytes at most, in
squares that no printer and camera get right. So there are several codes of a moderate size, each with its
place ahead: ``TSR/2/4:``. Behind it stands a part of the reply in Base32 (RFC 4648, 6), whose signs QR codes
store in five and a half bits each.
"""

from __future__ import annotations

import base64
import itertools
import textwrap
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import segno

from appliance.language import Language, instants, translator
from appliance.model.deposits import (
    CREATIONS,
    HOLDER_KINDS,
    WORK_KINDS,
    DepositedFile,
    WorkDetails,
    readable_name,
)
from appliance.ownership.declaration import load_declaration
from appliance.ownership.manifest import digest_of
from appliance.typesetting.typesetter import page_template, typeset

MOST_LISTED: Final = 300
"""Files that the certificate lists, some eight pages of them; the manifest has all."""

_MOST_LETTERS: Final = 12_000
"""Characters of all names in the list: with long ones, fewer files fill these pages."""

_LINE: Final = 76

_LONGEST_LISTED: Final = 200
"""Characters of a name in the list: three hundred names of a thousand take a minute to set."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What stands on the certificate. ``files`` are in the manifest's order, ``serial`` is the timestamp's number
    in hex, ``reply`` the timestamp whole (DER TimeStampResp). ``version`` counts from 1, ``predecessor`` is the
    number of the version before. ``client`` is the name of the program that handed it in, if one did; ``declarer``
    is the name of who has made the declaration, as that program says, and ``obtained`` the day on which it was
    obtained. ``heading`` is what the enterprise calls the certificate, empty for its usual name."""

    number: str
    title: str
    depositor: str
    organisation: str
    work: WorkDetails
    files: tuple[DepositedFile, ...]
    at: datetime
    zone: str
    serial: str
    reply: bytes
    issuer: str
    address: str
    version: int = 1
    predecessor: str | None = None
    client: str = ""
    declarer: str = ""
    obtained: date | None = None
    heading: str = ""

    @property
    def digest(self) -> str:
        """What was timestamped (SHA-256, hex)."""
        return digest_of(self.files)

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where that of one is not known."""
        return total_size(self.files)


def total_size(files: tuple[DepositedFile, ...]) -> int | None:
    """Bytes of all *files*; None where that of one is not known."""
    sizes = [each.size for each in files]
    known = [each for each in sizes if each is not None]
    return sum(known) if len(known) == len(sizes) else None


def _listed(files: tuple[DepositedFile, ...]) -> tuple[DepositedFile, ...]:
    """Those of *files* that the certificate lists: the first ones, none where there is one alone."""
    if len(files) == 1:
        return ()
    letters = itertools.accumulate(len(_listed_name(each.name)) for each in files[:MOST_LISTED])
    return files[: max(2, sum(each <= _MOST_LETTERS for each in letters))]


def _listed_name(name: str) -> str:
    """The *name* as the list has it: of a long one its beginning and its end, where kinds and numbers stand."""
    shown = readable_name(name)
    half = _LONGEST_LISTED // 2
    return shown if len(shown) <= _LONGEST_LISTED else f"{shown[:half]}…{shown[-half:]}"


def certificate_pdf(facts: CertificateFacts, language: Language) -> bytes:
    """A4 pages with their typefaces embedded; not sealed yet. Raises as
    :func:`appliance.typesetting.typeset`."""
    return typeset(certificate_html(facts, language), images=True)


def certificate_html(facts: CertificateFacts, language: Language) -> str:
    """The page before it is set."""
    text = base64.b64encode(facts.reply).decode()
    return page_template("appliance.ownership", "certificate.html").render(
        facts=facts,
        work=facts.work,
        kind=WORK_KINDS[facts.work.kind],
        creation=CREATIONS[facts.work.creation],
        holder_kind=HOLDER_KINDS[facts.work.holder.kind],
        language=language.value,
        moment=instants.exact(facts.at, facts.zone),
        digest=[facts.digest[start : start + 8] for start in range(0, 64, 8)],
        declaration=load_declaration(facts.work.declaration),
        words=load_declaration(facts.work.declaration).words[language].split("\n"),
        listed=_listed(facts.files),
        readable=readable_name,
        listed_name=_listed_name,
        codes=[drawn_code(each) for each in codes_of(facts.reply)],
        lines=textwrap.wrap(text, _LINE),
        translate=translator(language),
    )


PER_CODE: Final = 970
"""Characters in one code, at most: version 20 of 40 at error correction M, 97 modules a side."""

_WHOLE: Final = 8
"""Characters that stand for whole octets together, so that each part decodes by itself."""

_QUIET: Final = 4

_MASK: Final = 3
"""Of the eight by which a code may be mixed (7.8); readers take any. The text is as good as random, so that
trying all of them would find nothing better, and takes five times as long."""


def codes_of(reply: bytes) -> list[str]:
    """What stands in each code, in order, for *reply* (DER)."""
    text = base64.b32encode(reply).decode()
    room = PER_CODE - len("TSR/99/99:")
    count = -(-len(text) // room)
    size = -(-len(text) // (count * _WHOLE)) * _WHOLE
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    return [f"TSR/{number}/{len(parts)}:{part}" for number, part in enumerate(parts, 1)]


def drawn_code(text: str) -> str:
    """The code of *text* with its quiet zone as the address (``data:``) of a PNG, a pixel for each module. Drawn
    as lines, the codes of a page take longer than all else on it, and ten times the room."""
    code = segno.make(text, error="m", micro=False, boost_error=False, mask=_MASK)
    return str(code.png_data_uri(border=_QUIET, scale=1))
