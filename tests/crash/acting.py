"""A performer (:mod:`tests.crash.performer`) in its process, as whoever gives it orders sees it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from appliance.home import Home


class Acting:
    """One process; when it has died another one takes its place."""

    def __init__(self, home: Home) -> None:
        with (home.logs / "performer.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "setpriv",
                    "--pdeathsig",
                    "KILL",
                    "--",
                    sys.executable,
                    "-m",
                    "tests.crash.performer",
                    str(home.root),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def wait_until_warm(self) -> None:
        assert self._line() == "ready", "the performer did not start; see performer.log"

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it was killed before it heard

    def said(self) -> Iterator[str]:
        """What it says about its order, until that is over or it dies."""
        while (line := self._line()) and line != "done":
            yield line
        if not line:
            self.process.wait()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def died(self) -> bool:
        return self.process.poll() is not None

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()
