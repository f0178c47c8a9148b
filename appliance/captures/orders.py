"""What may be ordered: an address, a purpose, steps, and a plan to capture again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from appliance.entered_text import require_text
from appliance.errors import PreconditionRefused
from appliance.model.captures import DEFAULT_TIMES, LONGEST_PAUSE, LONGEST_PURPOSE, MOST_TIMES, CapturePlan
from appliance.web_capture.capturing import require_address
from appliance.web_capture.model import CaptureOrder, CaptureStep, StepKind
from appliance.web_capture.session import require_steps


@dataclass(frozen=True, slots=True)
class CaptureDraft:
    """What somebody wants captured, as they entered it; with ``log_in`` they log in by hand before."""

    address: str
    purpose: str
    steps: tuple[CaptureStep, ...] = ()
    log_in: bool = False

    def accepted(self) -> CaptureDraft:
        """The same without outer blanks. Raises :class:`CaptureFailed` for the address and the steps,
        :class:`PreconditionRefused` for the purpose."""
        address = require_address(self.address.strip())
        purpose = require_text(
            self.purpose,
            missing="Say what the capture is for; it stands on the certificate.",
            too_long="The purpose is too long; {most} characters are possible.",
            most=LONGEST_PURPOSE,
        )
        steps = tuple(CaptureStep(each.kind, each.target.strip(), each.seconds) for each in self.steps)
        return CaptureDraft(address, purpose, require_steps(steps), self.log_in)


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """That an address is captured ``times`` in all, every so many days ``at`` a time of day."""

    at: time
    every: int = 1
    times: int = DEFAULT_TIMES

    def accepted(self, zone: str, now: datetime) -> CapturePlan:
        """The plan that begins *now*, by the clocks of *zone*. Raises :class:`PreconditionRefused`."""
        if not 1 <= self.every <= LONGEST_PAUSE:
            raise PreconditionRefused("From one capture to the next it is 1 to {most} days.", most=LONGEST_PAUSE)
        if not 2 <= self.times <= MOST_TIMES:
            raise PreconditionRefused("A plan has 2 to {most} captures.", most=MOST_TIMES)
        today = now.astimezone(ZoneInfo(zone)).date()
        return CapturePlan(self.every, self.at.replace(second=0, microsecond=0), zone, today, self.times)


def steps_to_text(steps: Sequence[CaptureStep]) -> str:
    """*steps* as they are kept."""
    told = [{"kind": each.kind.value, "target": each.target, "seconds": each.seconds} for each in steps]
    return json.dumps(told, ensure_ascii=False)


def steps_of_text(text: str) -> tuple[CaptureStep, ...]:
    """The steps that :func:`steps_to_text` wrote."""
    told: list[Mapping[str, Any]] = json.loads(text)
    return tuple(CaptureStep(StepKind(each["kind"]), each["target"], each["seconds"]) for each in told)


def order_of(address: str, steps: str, *, log_in: bool = False) -> CaptureOrder:
    """What the engine is asked for."""
    return CaptureOrder(address, steps_of_text(steps), log_in)
