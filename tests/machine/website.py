"""A web site of the organisation beside the tested machine: an honest page, and ones that try what they can."""

from __future__ import annotations

import json
import sys

from tests.machine.employing import READY
from tests.web_capture.servers import Answer, Asked, Server, page

PORT = 9447
PRICE = "¥ 99.00"
GUARDED = (
    *("https://127.0.0.1/", "https://localhost/", "http://127.0.0.1/", "https://127.0.0.1:8445/"),
    *("http://127.0.0.1:22/", "https://sign.enterprise.example/", "file:///etc/vermilion/appliance.toml"),
)
"""What the hostile page asks for: the portal, the activation service, other ports of the machine, a file of it."""

_TRIES = """<!doctype html><title>hostile</title><p id=said>trying</p><script>
const wanted = %s;
async function tried(address) {
  try { await fetch(address, {mode: 'no-cors', signal: AbortSignal.timeout(3000)}) } catch (error) { }
}
Promise.all(wanted.map(tried)).then(found => {
  document.getElementById('said').textContent = 'tried ' + found.length;
  document.body.append(Object.assign(document.createElement('iframe'), {src: wanted.at(-1)}));
});
</script>"""
_BOMB = """<!doctype html><title>bomb</title><p>it eats memory</p><script>
for (let number = 0; number < 200; number++) new Worker(URL.createObjectURL(new Blob([
  'const held = []; (function more() { held.push(new Uint8Array(1 << 26).fill(1)); setTimeout(more, 0) })()'])));
</script>"""


def _answer(asked: Asked) -> Answer:
    pages = {
        "/": f"<!doctype html><title>夏季新款</title><h1>{PRICE}</h1>",
        "/hostile": _TRIES % json.dumps(GUARDED),
        "/bomb": _BOMB,
    }
    return page(pages[asked.path]) if asked.path in pages else page("none", status="404 Not Found")


def website() -> str:
    """Serves until nobody listens any more (standard input is closed)."""
    server = Server({"127.0.0.1": _answer, "localhost": _answer}, port=PORT)
    try:
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        server.close()
    return "over"
