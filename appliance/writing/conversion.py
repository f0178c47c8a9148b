"""The program that confines itself and becomes LibreOffice, for one file.

No network (a namespace of its own, where the kernel allows), no capabilities, no files but the installed ones and
one folder that is removed afterwards (Landlock), limits on memory, processor time, files and output.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from appliance.confinement import kernel

MEBIBYTE = 1024 * 1024
_INSTALLED = tuple(
    map(
        Path,
        (
            "/usr",
            "/lib",
            "/lib64",
            "/etc/fonts",
            "/etc/libreoffice",
            "/etc/ld.so.cache",
            "/var/lib/libreoffice",
            "/var/spool/libreoffice",
            "/var/cache/fontconfig",
            "/proc",
        ),
    )
)
_MEETING = Path("/tmp")  # noqa: S108  # covered by a folder of our own
_DEVICES = tuple(map(Path, ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")))


def enclose(folder: Path) -> Path:
    """Confines this process: only *folder* can be written. Returns where that folder is now."""
    kernel.die_with_parent()
    kernel.limit_resources(seconds=60, memory=4096 * MEBIBYTE, files=512, written=256 * MEBIBYTE)
    # LibreOffice opens a socket in /tmp whatever TMPDIR says, so the folder stands there if it can.
    alone = kernel.leave_shared_namespaces() and kernel.cover(_MEETING, folder)
    inside = _MEETING if alone else folder
    kernel.forbid_new_privileges()
    kernel.restrict_to_programs(_INSTALLED, writing=(inside, *_DEVICES), meeting=() if alone else (_MEETING,))
    kernel.drop_capabilities()
    return inside


def main(program: str, folder: str, name: str) -> None:
    """Become *program*, which converts the file *name* of *folder* into ``out`` there."""
    inside = enclose(Path(folder))
    os.environ.update(HOME=str(inside), TMPDIR=str(inside))
    os.chdir(inside)
    os.execv(  # noqa: S606  # a fixed program, no shell
        program,
        [
            program,
            "--headless",
            "--norestore",
            "--nologo",
            "--nolockcheck",
            "--nodefault",
            f"-env:UserInstallation=file://{inside}/profile",
            "--convert-to",
            "pdf:writer_pdf_Export",
            "--outdir",
            f"{inside}/out",
            f"{inside}/{name}",
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
