"""The log over HTTP, without a web framework: what each address answers, from the parameters as they were sent."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.ledger.proofs import LogProofs, ParameterRefused
from appliance.ledger.tree import TileName, Tiles

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """A body and its media type; ``lasting`` when it is the same for ever, so that anybody may keep it."""

    content_type: str
    body: bytes
    lasting: bool


class LogAnswers:
    """What ``/log/…`` answers. Parameters are text, None where they were not sent.

    Raises :class:`ParameterRefused` (400) for what is no number or out of range, :class:`NotFound` (404) for a log
    without a checkpoint and for tiles that do not exist (yet).
    """

    def __init__(self, proofs: LogProofs, tiles: Tiles) -> None:
        self._proofs = proofs
        self._tiles = tiles

    def checkpoint(self) -> LogAnswer:
        """``/log/checkpoint``: the newest signed note."""
        return LogAnswer("text/plain; charset=utf-8", self._proofs.checkpoint().note, lasting=False)

    def checkpoint_timestamp(self) -> LogAnswer:
        """``/log/checkpoint.tst``: the timestamp token (DER) over the newest note."""
        return LogAnswer("application/vnd.etsi.timestamp-token", self._proofs.checkpoint().token, lasting=False)

    def entry(self, index: str | None) -> LogAnswer:
        """``/log/entry?index=``: the leaf's bytes."""
        return LogAnswer(_JSON, self._proofs.entry(_number("index", index)), lasting=True)

    def inclusion(self, index: str | None, size: str | None) -> LogAnswer:
        """``/log/proof/inclusion?index=&size=``: ``{"hashes": [base64, …]}``."""
        return _hashes(self._proofs.inclusion(_number("index", index), _number("size", size)))

    def consistency(self, old: str | None, new: str | None) -> LogAnswer:
        """``/log/proof/consistency?from=&to=``: ``{"hashes": [base64, …]}``, empty for equal sizes."""
        return _hashes(self._proofs.consistency(_number("from", old), _number("to", new)))

    def proof_file(self, index: str | None) -> LogAnswer:
        """``/log/proof/file?index=``: the C2SP ``.tlog-proof`` that leads to the newest checkpoint."""
        body = self._proofs.proof_file(_number("index", index))
        return LogAnswer("text/plain; charset=utf-8", body, lasting=False)

    def tile(self, path: str) -> LogAnswer:
        """``/log/tile/{path}``: a tile of hashes or of entries."""
        return LogAnswer("application/octet-stream", self._tiles.tile(TileName.parse(path)), lasting=True)


def _number(name: str, text: str | None) -> int:
    if text is None:
        raise ParameterRefused("The parameter {name} is missing.", name=name)
    if not _NUMBER.fullmatch(text):
        raise ParameterRefused(
            "The parameter {name} must be a whole number in plain digits, 0 or more.", name=name
        )
    return int(text)


def _hashes(hashes: Sequence[bytes]) -> LogAnswer:
    encoded = [base64.b64encode(each).decode() for each in hashes]
    return LogAnswer(_JSON, json.dumps({"hashes": encoded}).encode(), lasting=True)
