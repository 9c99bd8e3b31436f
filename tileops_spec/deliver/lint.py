"""The checks of a spec that need neither torch nor TileLang."""

from __future__ import annotations

from pathlib import Path

from ..analysis.workloads import check_workloads
from ..check import load_spec
from ..diagnostics.diagnostic import Sink
from ..hardware import check_hardware
from ..ir.spec import Spec

PASSES = (check_workloads, check_hardware)
"""What runs over a spec that has loaded, in this order."""


def lint_spec(path: Path, sink: Sink) -> Spec | None:
    """The checked spec; findings go to the sink, and None comes back where one is an error."""
    before = len(sink.errors)
    spec = load_spec(path, sink)
    if spec is None:
        return None
    for check in PASSES:
        check(spec, sink)
    return spec if len(sink.errors) == before else None
