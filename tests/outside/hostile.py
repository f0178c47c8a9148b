"""What an authority outside may do instead of answering well: each way by its name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

from hsm.timestamp import FailInfo, build_request, order_for, response_refused
from tests.outside.openssl_authority import Answering, OutsideTsa, send

_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\n"


def ways(tsa: OutsideTsa) -> dict[str, tuple[Answering, str]]:
    """Each with the word that is recorded for it."""
    other = build_request(order_for(b"\x01" * 32, nonce=7))

    def silent(_handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        time.sleep(8)

    def drips(handler: BaseHTTPRequestHandler, request: bytes) -> None:
        for octet in _HEAD + tsa.reply(request):
            handler.wfile.write(bytes([octet]))
            handler.wfile.flush()
            time.sleep(0.05)

    def endless_head(handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        for _ in range(100_000):
            handler.wfile.write(b"X: " + b"y" * 60_000 + b"\r\n")

    def huge(handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        handler.wfile.write(_HEAD)
        for piece in _pieces(200):
            handler.wfile.write(piece)

    def closes(handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        handler.connection.close()

    def redirects(handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", tsa.url)
        handler.end_headers()

    def fails(handler: BaseHTTPRequestHandler, _request: bytes) -> None:
        handler.send_error(500)

    def without_nonce(request: bytes) -> bytes:
        return build_request(order_for(_digest_in(request)))

    def flipped(request: bytes) -> bytes:
        reply = bytearray(tsa.reply(request))
        reply[-1] ^= 1
        return bytes(reply)

    return {
        "silent": (silent, "late"),
        "drips": (drips, "late"),
        "an endless head": (endless_head, "unreachable"),
        "huge": (huge, "wrong"),
        "closes": (closes, "unreachable"),
        "redirects": (redirects, "refused"),
        "fails": (fails, "refused"),
        "says no": (lambda h, _r: send(h, response_refused(FailInfo.SYSTEM_FAILURE, "No.")), "wrong"),
        "garbage": (lambda h, _r: send(h, b"\x30\x80" * 2000), "wrong"),
        "empty": (lambda h, _r: send(h, b""), "wrong"),
        "a page": (lambda h, _r: send(h, b"<html>", kind="text/html"), "wrong"),
        "another imprint and nonce": (lambda h, _r: send(h, tsa.reply(other)), "wrong"),
        "no nonce": (lambda h, r: send(h, tsa.reply(without_nonce(r))), "wrong"),
        "a flipped bit": (lambda h, r: send(h, flipped(r)), "wrong"),
    }


def _pieces(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield bytes(1 << 20)


def _digest_in(request: bytes) -> bytes:
    at = request.index(b"\x04\x20") + 2
    return request[at : at + 32]
