"""One target under atheris: ``python -m tests.fuzz.guided TARGET FOLDER SECONDS``; it prints its figures."""

from __future__ import annotations

import sys
import warnings

import atheris

from tests.fuzz.corpus import FOLDER


def main() -> None:
    """Ends with libFuzzer's own status: not 0 when something was found, which then lies in the folder."""
    name, folder, seconds = sys.argv[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # atheris rewrites byte code, which makes others' modules complain
        with atheris.instrument_imports(include=["hsm", "webui", "gunicorn.http", "tests.conformance.oracle"]):
            from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented while imported
    options = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-verbosity=0",
        f"-artifact_prefix={folder}/found-",
    ]
    atheris.Setup([sys.argv[0], *options, folder, str(FOLDER / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
