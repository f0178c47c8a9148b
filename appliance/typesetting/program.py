"""The program that sets its pages and ends: order (CBOR) on standard input, the PDFs (CBOR) on standard output.
The number behind its name says by how much it gives way to other processes (nice(1)).

It confines itself before it reads the order: no sockets, no new programs or processes, no files but for reading
what is installed (a filter of system calls, Landlock), and limits on memory, processor time and output.
"""

from __future__ import annotations

import mimetypes
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cbor2

from appliance.confinement import kernel, sandbox

_FIRST_OTHER = 3
"""The first descriptor that is none of the three standard ones."""
MEBIBYTE = 1024 * 1024
_PACKAGES = Path(__file__).resolve().parents[2]
_READABLE = (
    *map(Path, ("/usr", "/lib", "/lib64", "/etc/fonts", "/var/cache/fontconfig")),
    Path(sys.prefix),
    Path(sys.base_prefix),
    _PACKAGES / "appliance",
    _PACKAGES / "hsm",
)


def enclose() -> None:
    """Confines this process, which must have a single thread."""
    program = sandbox.threaded_seccomp_program()  # while files can still be written
    # Before fewer are allowed, which those beyond would outlast.
    os.closerange(_FIRST_OTHER, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    kernel.die_with_parent()
    kernel.forbid_dumps_and_tracing()
    kernel.limit_resources(seconds=90, memory=3072 * MEBIBYTE, files=64)
    kernel.leave_shared_namespaces()
    kernel.forbid_new_privileges()
    kernel.restrict_to_reading(_READABLE)
    kernel.drop_capabilities()
    kernel.install_filter(program)


def main() -> None:
    """Set what standard input says.

    It ends without tidying up: Pango's thread for fontconfig may be at work still, and would fall over libraries
    that the interpreter has unloaded under it.
    """
    enclose()
    mimetypes.knownfiles.clear()  # WeasyPrint would look into /etc, which is closed
    order = cbor2.loads(sys.stdin.buffer.read())
    cbor2.dump(_set(order["pages"], **order["manner"]), sys.stdout.buffer)
    sys.stdout.buffer.flush()
    os._exit(0)


def _set(pages: Sequence[tuple[str, bytes | None]], *, tagged: bool, images: bool) -> list[bytes]:
    from weasyprint import HTML  # noqa: PLC0415  # only once confined
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    from appliance.typesetting import outlines  # noqa: PLC0415

    outlines.embed_outlines()
    allowed = URLFetcher(allowed_protocols=("data",) if images else (), fail_on_errors=True)
    manner: dict[str, Any] = {
        "finisher": outlines.name_outlines,
        "font_config": FontConfiguration(),
        "pdf_tags": tagged,
    }
    read = ((HTML(string=page, url_fetcher=allowed), identifier) for page, identifier in pages)
    return [bytes(page.write_pdf(pdf_identifier=identifier, **manner)) for page, identifier in read]


if __name__ == "__main__":
    if (less := int(sys.argv[1])) > 0:  # units allow setpriority(2) only where pages are set that nobody waits for
        os.nice(less)
    main()
