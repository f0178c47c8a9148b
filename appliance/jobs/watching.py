"""The watch as jobs of the scheduler."""

from __future__ import annotations

from contextlib import ExitStack

from appliance.health import Observations
from appliance.health.watching import Watch
from appliance.jobs.scheduler import Job
from appliance.wiring import Appliance


def watching(appliance: Appliance, stack: ExitStack) -> list[Job]:
    """Asks how everything stands, round after round; what it opened is closed by *stack*."""
    settings = appliance.settings
    observations = Observations(settings.home.health)
    stack.callback(observations.close)
    watch = Watch(settings.home, observations, appliance.now)
    return [Job("watch", float(settings.health.seconds), watch.look, at_once=True)]
