"""The steps of a recorded session, one after the other, and what was seen after each of them.

A step that cannot be done is told, and the next one is tried: what a page offers today may be gone tomorrow. A
click is one of the mouse at the element's place, as a visitor's would be. Where it leads to another page, that one
is waited for; dialogs, windows and downloads are refused as at any other time, and told with the step.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from appliance.web_capture.devtools import BrowserBusy, BrowserGone, BrowserRefused
from appliance.web_capture.frames import DEEPEST, INTO
from appliance.web_capture.model import (
    LONGEST_STEP,
    LONGEST_TARGET,
    MOST_STEPS,
    CaptureFailed,
    CaptureStep,
    StepKind,
    StepOutcome,
    StepResult,
)
from appliance.web_capture.tab import QUIET, SCREEN, TICK, WIDTH, Tab

_PATIENCE: Final = 15.0
"""Seconds for what a step sets going: until the page is quiet again."""
_LONGEST: Final = 20.0
"""Seconds for a step besides those that it asks for, and for looking at what came of it: a script that does not
end is stopped then."""
_WAIT: Final = 10.0
"""Seconds for an element to come, where the step says nothing else."""
_FIND: Final = """(() => {
  let found;
  try { found = document.querySelector(%s); } catch { return {why: 'selector'}; }
  if (!found) return {why: 'none'};
  if (!%s) return {why: ''};
  const method = (name, ...values) => Element.prototype[name].call(found, ...values);
  method('scrollIntoView', {block: 'center', inline: 'center', behavior: 'instant'});
  const box = method('getBoundingClientRect');
  const x = (Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2;
  const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
  if (!(box.width > 0 && box.height > 0 && x >= 0 && y >= 0 && x < innerWidth && y < innerHeight))
    return {why: 'hidden'};
  const top = document.elementFromPoint(x, y);
  const contains = (outer, inner) => Node.prototype.contains.call(outer, inner);
  if (!top || !(contains(found, top) || contains(top, found))) return {why: 'covered'};
  return {why: '', x, y};
})()"""


def require_steps(steps: tuple[CaptureStep, ...]) -> tuple[CaptureStep, ...]:
    """*steps*, if they can be carried out. Raises :class:`CaptureFailed`."""
    if len(steps) > MOST_STEPS:
        raise CaptureFailed("A recorded session has at most {most} steps.", most=MOST_STEPS)
    for number, each in enumerate(steps, start=1):
        if not (math.isfinite(each.seconds) and 0 <= each.seconds <= LONGEST_STEP):
            raise CaptureFailed(
                "Step {number}: give a time of at most {longest} seconds.",
                number=number,
                longest=int(LONGEST_STEP),
            )
        if len(each.target) > LONGEST_TARGET or not each.target.isprintable():
            raise CaptureFailed(
                "Step {number}: a selector has at most {longest} characters, all of them printable.",
                number=number,
                longest=LONGEST_TARGET,
            )
        if len(INTO.split(each.target)) > DEEPEST + 1:
            raise CaptureFailed(
                "Step {number}: a selector leads into at most {deepest} frames.", number=number, deepest=DEEPEST
            )
        if each.kind is StepKind.CLICK and not each.target.strip():
            raise CaptureFailed("Step {number}: say what is to be clicked, by a CSS selector.", number=number)
    return steps


class CaptureSession:
    """Carries out steps on *tab*; *draw* makes PNG of what the browser gives."""

    def __init__(self, tab: Tab, draw: Callable[..., bytes], seconds: float) -> None:
        self._tab = tab
        self._draw = draw
        self._deadline = time.monotonic() + seconds

    def run(self, steps: tuple[CaptureStep, ...]) -> tuple[StepOutcome, ...]:
        """What became of each. Raises as :class:`Tab` does."""
        return tuple(self._outcome(each) for each in steps)

    def _outcome(self, step: CaptureStep) -> StepOutcome:
        if time.monotonic() >= self._deadline:
            return StepOutcome(step, StepResult.LATE, "", self._tab.clock(), self._address())
        self._tab.wanted, self._tab.left = [], False
        try:
            with self._tab.within(self._at_most(step.seconds + _LONGEST)):
                result, why = self._carried_out(step)
        except BrowserRefused:
            result, why = StepResult.REFUSED, "error"
        except BrowserBusy:
            self._tab.interrupt()
            result, why = StepResult.LATE, "busy"
        if result is StepResult.DONE and self._tab.left:
            result = StepResult.LEFT
        at, picture, address = self._seen()
        words = " ".join(filter(None, (why, *self._tab.wanted)))
        return StepOutcome(step, result, words, at, address, picture)

    def _seen(self) -> tuple[datetime, bytes, str]:
        """When, what and where: of a page whose scripts leave no time for that, once none of them runs."""
        for patience in (_LONGEST, 2 * _LONGEST):
            with suppress(BrowserBusy), self._tab.within(patience):
                return self._tab.of_one_page(lambda: (self._tab.clock(), self._picture(), self._address()))
            self._tab.interrupt(for_good=True)
        raise BrowserGone

    def _carried_out(self, step: CaptureStep) -> tuple[StepResult, str]:
        match step.kind:
            case StepKind.SCROLL:
                return self._scroll(step.target)
            case StepKind.CLICK:
                return self._click(step.target)
            case StepKind.WAIT:
                return self._wait(step)
            case StepKind.RECORD:
                asked = {"format": "jpeg", "quality": 80, "maxWidth": WIDTH, "maxHeight": SCREEN}
                self._tab.ask("Page.startScreencast", asked)
                self._tab.wait(self._at_most(step.seconds))
                return StepResult.DONE, ""

    def _scroll(self, target: str) -> tuple[StepResult, str]:
        if target:
            found = self._found(target, shown=True)
            if found["why"] in ("selector", "none"):
                return _not_there(found["why"])
        else:
            self._tab.value("scrollTo({top: 1e9, behavior: 'instant'})")
        self._settle()
        return StepResult.DONE, ""

    def _click(self, target: str) -> tuple[StepResult, str]:
        found = self._found(target, shown=True)
        if found["why"]:
            return _not_there(found["why"])
        self._tab.wait(TICK)  # the page may move once it was scrolled: where it is now is what is clicked
        found = self._found(target, shown=True)
        if found["why"]:
            return _not_there(found["why"])
        place = {"x": _within(found["x"], WIDTH), "y": _within(found["y"], SCREEN)}
        self._tab.ask("Input.dispatchMouseEvent", {"type": "mouseMoved", **place})
        for kind in ("mousePressed", "mouseReleased"):
            self._tab.ask("Input.dispatchMouseEvent", {"type": kind, "button": "left", "clickCount": 1, **place})
        self._tab.wait(2 * TICK)
        self._settle()
        return StepResult.DONE, ""

    def _wait(self, step: CaptureStep) -> tuple[StepResult, str]:
        if not step.target:
            self._tab.wait(self._at_most(step.seconds))
            return StepResult.DONE, ""
        deadline = time.monotonic() + self._at_most(step.seconds or _WAIT)
        while True:
            found = self._found(step.target, shown=False)
            if found["why"] != "none":
                return _not_there(found["why"])
            if time.monotonic() >= deadline:
                return StepResult.NOT_FOUND, ""
            self._tab.wait(TICK)

    def _found(self, target: str, *, shown: bool) -> Mapping[str, Any]:
        """Where the element is that *target* selects, in the middle of the screen if it is to be *shown*."""
        *frames, last = INTO.split(target)
        expression = _FIND % (json.dumps(last), json.dumps(shown))
        try:
            found = (
                self._tab.frames.look(frames, expression, shown=shown) if frames else self._tab.value(expression)
            )
        except BrowserRefused:  # a frame that has just gone
            return {"why": "none"}
        return found if isinstance(found, dict) and isinstance(found.get("why"), str) else {"why": "error"}

    def _settle(self) -> None:
        self._tab.settle(time.monotonic() + self._at_most(_PATIENCE))

    def _at_most(self, seconds: float) -> float:
        return max(0.0, min(seconds, self._deadline - time.monotonic() + QUIET))

    def _address(self) -> str:
        return self._tab.said("location.href")[:2000]

    def _picture(self) -> bytes:
        tile = self._tab.octets("Page.captureScreenshot", {"format": "png"})
        return self._draw("captures.assembled", tiles=[tile], width=WIDTH, height=SCREEN)


def _not_there(why: str) -> tuple[StepResult, str]:
    """Why an element is not used: in one of four words, whatever the browser says."""
    if why == "none":
        return StepResult.NOT_FOUND, ""
    if not why:
        return StepResult.DONE, ""
    return StepResult.REFUSED, why if why in ("selector", "hidden", "covered") else "error"


def _within(place: object, most: int) -> float:
    if not isinstance(place, int | float) or not 0 <= place < most:
        raise TypeError("no place on the screen")  # what an honest browser does not say
    return float(place)
