"""The filters of old files that pyHanko lacks (ISO 32000-2, 7.4.4 and 7.4.5); whoever unpacks contents imports
this module first."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils import filters
from pyhanko.pdf_utils.decode_limits import check_output_size
from pyhanko.pdf_utils.misc import PdfStreamError

_CLEAR, _END, _NARROWEST, _WIDEST = 256, 257, 9, 12
_END_OF_RUNS = 128
_FIRST = [bytes([each]) for each in range(256)] + [b"", b""]


class LzwDecode(filters.Decoder):
    """LZW without a predictor, as contents are packed."""

    def decode_bounded(self, data: bytes, decode_params: Any, max_output_size: int | None) -> bytes:
        """What *data* unpacks to. Raises PdfStreamError for broken data."""
        if int(decode_params.get("/Predictor", 1)) > 1:
            raise NotImplementedError("LZW with a predictor is not supported.")
        early = int(decode_params.get("/EarlyChange", 1))
        unpacked, table, last = bytearray(), list(_FIRST), b""
        width, held, bits = _NARROWEST, 0, 0
        for byte in data:
            held, bits = (held << 8 | byte) & 0xFFFFF, bits + 8
            if bits < width:
                continue
            bits -= width
            code = held >> bits & (1 << width) - 1
            if code == _END:
                return bytes(unpacked)
            if code == _CLEAR:
                table, last, width = list(_FIRST), b"", _NARROWEST
                continue
            if code > len(table) or (code == len(table) and not last):
                break
            found = table[code] if code < len(table) else last + last[:1]
            if last and len(table) < 1 << _WIDEST:
                table.append(last + found[:1])
            unpacked += found
            check_output_size(len(unpacked), max_output_size)
            last = found
            width = min(max((len(table) + early).bit_length(), _NARROWEST), _WIDEST)
        raise PdfStreamError("LZW data are broken.")


class RunLengthDecode(filters.Decoder):
    """Runs of equal bytes."""

    def decode_bounded(self, data: bytes, decode_params: Any, max_output_size: int | None) -> bytes:
        """What *data* unpacks to. Raises PdfStreamError for broken data."""
        unpacked, place = bytearray(), 0
        while place < len(data):
            length = data[place]
            if length == _END_OF_RUNS:
                return bytes(unpacked)
            if length < _END_OF_RUNS:
                unpacked += data[place + 1 : place + length + 2]
                place += length + 2
            else:
                unpacked += data[place + 1 : place + 2] * (257 - length)
                place += 2
            check_output_size(len(unpacked), max_output_size)
        raise PdfStreamError("Run-length data are broken.")


filters.DECODERS |= dict.fromkeys(("/LZWDecode", "/LZW"), LzwDecode)
filters.DECODERS |= dict.fromkeys(("/RunLengthDecode", "/RL"), RunLengthDecode)
