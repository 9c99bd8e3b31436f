"""The loop that the atheris targets share: `python -m tests.fuzz.fuzz_math -runs=100000 tests/fuzz/corpus/math`.

Every option is libFuzzer's; the first failure ends the run. In the environment, LEVEL=syntax only reads each input, as
YAML and as the language, where otherwise the whole checker and the formatter run; KEEP=folder goes on after a failure,
and writes one input for each place that raised, beside its text and its traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

SECONDS = 5
"""What one input may take."""


def fuzz(make: Callable[[bytes], bytes]) -> None:
    """Run atheris over what `make` writes of its bytes, with the invariants instrumented."""
    import atheris

    with atheris.instrument_imports(include=["tileops_spec"]):
        from .invariants import hold, hold_syntax

        hold(b"op: probe")  # what is imported late is instrumented as well
    if os.environ.get("LEVEL") == "syntax":
        hold = hold_syntax
    keep = os.environ.get("KEEP")
    check = _kept(make, hold, Path(keep)) if keep else lambda data: hold(make(data))
    atheris.Setup([sys.argv[0], f"-timeout={SECONDS}", *sys.argv[1:]], check)
    atheris.Fuzz()


def _kept(make: Callable[[bytes], bytes], hold: Callable[[bytes], object], folder: Path) -> Callable[[bytes], None]:
    """The check with failures written to a folder, the first of each place."""
    folder.mkdir(parents=True, exist_ok=True)
    places: set[tuple[str, str, int]] = set()

    def check(data: bytes) -> None:
        try:
            hold(make(data))
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = (type(error).__name__, last.filename, last.lineno or 0)
            if place not in places:
                places.add(place)
                name = folder / f"{type(error).__name__}-{sha256(data).hexdigest()[:12]}"
                name.write_bytes(data)
                name.with_suffix(".yaml").write_bytes(make(data))
                name.with_suffix(".txt").write_text(traceback.format_exc(), encoding="utf-8")

    return check
