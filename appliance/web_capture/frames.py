"""The frames of a page: what is written in them, and the elements in them that steps name.

A frame of another site has a process and a DevTools session of its own, which comes by itself (flat sessions,
``Target.setAutoAttach``); others answer in that of the page. All are asked in worlds of scripts that their own
cannot change. A page can have any number of frames, and any of them may be busy for ever: so many are looked at,
for so long, and nothing of the rest holds up the page.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.web_capture.devtools import BrowserBusy, BrowserRefused, DevTools, Event

INTO: Final = re.compile(r"\s+>>>\s+")
"""Between the selector of a frame and one for what is in it, as Robot Framework's Browser library has it."""
DEEPEST: Final = 5
"""Frames in frames that a selector names."""
_MOST: Final = 50
"""Frames that are looked at, and sessions of frames."""
_MOST_MADE: Final = 1_000
_PATIENCE: Final = 2.0
"""Seconds for one frame."""
_TOGETHER: Final = 10.0
_LONGEST_ADDRESS: Final = 2_000
_OF_SERVERS: Final = ("http:", "https:", "about:", "chrome-error:")
_WORDS: Final = """innerWidth > 1 && innerHeight > 1 && location.protocol !== 'chrome-error:' ?
  [location.href.slice(0, 2000), (document.documentElement?.innerText ?? '').slice(0, %d)] : ['', '']"""
"""Of a frame that is shown: of one that is not, what is written would be its scripts."""
_OWNER: Final = """(() => {
  let found;
  try { found = document.querySelector(%s); } catch { return 'selector'; }
  if (!found) return 'none';
  const box = Element.prototype.getBoundingClientRect.call(found);
  if (%s && (box.bottom <= 0 || box.right <= 0 || box.top >= innerHeight || box.left >= innerWidth))
    Element.prototype.scrollIntoView.call(found, {block: 'center', inline: 'center', behavior: 'instant'});
  return found;
})()"""
_OUTWARD: Final = """function(x, y) {
  const box = Element.prototype.getBoundingClientRect.call(this), style = getComputedStyle(this);
  x = box.left + (this.clientLeft + parseFloat(style.paddingLeft) + x) * box.width / this.offsetWidth;
  y = box.top + (this.clientTop + parseFloat(style.paddingTop) + y) * box.height / this.offsetHeight;
  if (!(x >= 0 && y >= 0 && x < innerWidth && y < innerHeight)) return {why: 'hidden'};
  return document.elementFromPoint(x, y) === this ? {why: '', x, y} : {why: 'covered'};
}"""
"""From a place in a frame to the same place in what the frame is in."""


class Frames:
    """Those of the tab *target*, whose DevTools session is *session*; not thread-safe. ``made`` are addresses of
    pages that no server sent, in any frame: a script's own (``blob:``), or in their address (``data:``)."""

    def __init__(self, tools: DevTools, session: str, target: str) -> None:
        self._tools = tools
        self._page = session, target
        self._own: dict[str, str] = {}
        self._held = False
        self.made: dict[str, None] = {}
        self._listen(session)

    def take(self, event: Event) -> bool:
        """Whether *event* was one of frames alone, and needs nobody else."""
        told = event.get("params", {})
        if event["method"] == "Target.attachedToTarget":
            self._attach(told["targetInfo"], str(told["sessionId"]))
            return True
        if event["method"] == "Target.detachedFromTarget":
            gone = told.get("sessionId")
            self._own = {frame: session for frame, session in self._own.items() if session != gone}
            return True
        if event["method"] == "Page.frameNavigated":
            self._note(told["frame"].get("url"))
            return self.of(event) != self._page[0]
        return False

    def of(self, event: Event) -> str:
        """The session in which *event* was told, and may be answered."""
        told = event.get("sessionId")
        return str(told) if told in self._own.values() else self._page[0]

    def hold(self) -> None:
        """What :meth:`appliance.web_capture.tab.Tab.hold` does to the page, for frames with a session."""
        self._held = True
        for session in self._own.values():
            self._tell_to_hold(session)

    def interrupt(self) -> None:
        """Ends the script that runs now, in the page and in each frame."""
        for session in (self._page[0], *self._own.values()):
            self._tools.tell("Runtime.terminateExecution", session=session)

    def words(self, most: int) -> tuple[str, bool]:
        """What is written in the frames that are shown, *most* characters, each after a line with its address
        (without a query, which often is another one each time); and whether that is all of it."""
        deadline, parts, left, whole = time.monotonic() + _TOGETHER, list[str](), most, True
        frames = list(islice(self._all(), _MOST + 1))
        for session, frame in frames[:_MOST]:
            if time.monotonic() >= deadline or left <= 0:
                return "".join(parts), False
            try:
                found = self._evaluated(session, frame, _WORDS % left).get("value")
            except BrowserRefused:  # it has gone
                continue
            except BrowserBusy:
                whole = False
                continue
            address, text = (str(each) for each in found) if isinstance(found, list) else ("", "")
            if text.strip():
                parts.append(f"\n\n--- {_named(address)} ---\n{text}")
                left -= len(parts[-1])
        return "".join(parts)[:most], whole and len(frames) <= _MOST

    def look(self, frames: Sequence[str], expression: str, *, shown: bool) -> Any:
        """What *expression* is in the frame that the last of *frames* selects in the one before, and so on from
        the page. Its ``x`` and ``y``, where it has them, become those in the window."""
        session, frame = self._page
        owners = []
        for selector in frames:
            owner = self._evaluated(session, frame, _OWNER % (json.dumps(selector), json.dumps(shown)), kept=True)
            if "objectId" not in owner:
                return {"why": owner.get("value")}
            owners.append((session, str(owner["objectId"])))
            node = self._ask(session, "DOM.describeNode", {"objectId": owner["objectId"]})["node"]
            if not (frame := str(node.get("frameId", ""))):
                return {"why": "none"}
            session = self._own.get(frame, session)
        found = self._evaluated(session, frame, expression).get("value")
        for outer, holder in reversed(owners):
            if isinstance(found, dict) and "x" in found and "y" in found:
                found = self._outward(outer, holder, found)
        return found

    def _outward(self, session: str, owner: str, found: Mapping[str, Any]) -> Any:
        asked = {
            "objectId": owner,
            "functionDeclaration": _OUTWARD,
            "arguments": [{"value": found["x"]}, {"value": found["y"]}],
            "returnByValue": True,
        }
        return self._ask(session, "Runtime.callFunctionOn", asked).get("result", {}).get("value")

    def _all(self) -> Iterator[tuple[str, str]]:
        """Session and identifier of each frame but the page's own, outer ones before those that they hold."""
        for top, session in ((None, self._page[0]), *self._own.items()):
            try:
                waiting = [self._ask(session, "Page.getFrameTree", {})["frameTree"]]
            except (BrowserRefused, BrowserBusy):
                continue
            while waiting:
                tree = waiting.pop(0)
                self._note(tree["frame"].get("url"))
                if top is not None or "parentId" in tree["frame"]:
                    yield session, str(tree["frame"]["id"])
                waiting += tree.get("childFrames", [])[:_MOST]

    def _attach(self, target: Mapping[str, Any], session: str) -> None:
        self._note(target.get("url"))
        if len(self._own) >= _MOST:
            return
        self._own[str(target["targetId"])] = session
        self._tools.tell("Page.enable", session=session)
        self._listen(session)
        if self._held:
            self._tell_to_hold(session)

    def _listen(self, session: str) -> None:
        wanted = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self._tools.tell("Target.setAutoAttach", {**wanted, "filter": [{"type": "iframe"}]}, session=session)

    def _tell_to_hold(self, session: str) -> None:
        documents = {"patterns": [{"urlPattern": "*", "resourceType": "Document"}]}
        self._tools.tell("Fetch.enable", documents, session=session)
        self._tools.tell("Emulation.setScriptExecutionDisabled", {"value": True}, session=session)

    def _note(self, address: object) -> None:
        text = str(address or "")[:_LONGEST_ADDRESS].encode("utf-8", "replace").decode()
        if text and not text.startswith(_OF_SERVERS) and len(self.made) < _MOST_MADE:
            self.made[text] = None

    def _evaluated(self, session: str, frame: str, expression: str, *, kept: bool = False) -> Mapping[str, Any]:
        """The result of *expression*: a value, or an object that is *kept* where it is."""
        made = self._ask(session, "Page.createIsolatedWorld", {"frameId": frame, "worldName": "capture"})
        asked = {"expression": expression, "contextId": made["executionContextId"], "returnByValue": not kept}
        return dict(self._ask(session, "Runtime.evaluate", asked).get("result", {}))

    def _ask(self, session: str, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._tools.ask(method, parameters, session=session, seconds=_PATIENCE)


def _named(address: str) -> str:
    """It without what differs from visit to visit, or is itself the page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc}{parts.path}"
    return address if parts.scheme == "about" else f"{parts.scheme}:"
