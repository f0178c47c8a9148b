"""How the walls are put up: once around the zygote, then closer around every child.

1. zygote: own user, network, IPC and mount namespaces where allowed; no capabilities; no new privileges; Landlock.
2. child: dies with the zygote, cannot be traced or dumped, resource limits, seccomp.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from appliance.confinement import kernel, landlock
from appliance.confinement.limits import ConfinementLimits

_NOWHERE, _STANDARD_ERROR = 1, 2
"""The pool starts the zygote with standard input and output from and to nowhere."""
FIRST = 500
"""Of 1000: how much sooner than others of its size."""

_PACKAGES = Path(__file__).resolve().parents[2]


def enclose_zygote(cache: Path) -> None:
    """Walls that all children inherit. The process must have a single thread."""
    _go_first()
    kernel.leave_shared_namespaces()
    kernel.forbid_new_privileges()
    landlock.restrict_to_reading(_readable(cache))
    kernel.drop_capabilities()


def enclose_child(keep: int, limits: ConfinementLimits, program: bytes) -> None:
    """The last walls, before the first untrusted byte: only descriptor *keep* and the standard ones stay open."""
    kernel.die_with_parent()
    kernel.forbid_dumps_and_tracing()
    os.dup2(_NOWHERE, _STANDARD_ERROR)  # what was the service's own log until here
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    for kind, bound in (
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_NOFILE, limits.files),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (bound, bound))
    kernel.forbid_new_privileges()
    kernel.install_filter(program)


def _go_first() -> None:
    """Where memory runs out, the reader of a stranger's file ends, not who serves everybody (proc(5))."""
    place = Path("/proc/self/oom_score_adj")
    with suppress(OSError):  # without it the kernel goes by size
        place.write_text(str(max(FIRST, int(place.read_text()))))


def _readable(cache: Path) -> list[Path]:
    """Interpreter, libraries, fonts, this code, the cache: what a lazy import or a font look-up may need."""
    system = [Path(name) for name in ("/usr", "/lib", "/lib64", "/etc/fonts")]
    return [*system, Path(sys.prefix), Path(sys.base_prefix), _PACKAGES / "appliance", _PACKAGES / "hsm", cache]
