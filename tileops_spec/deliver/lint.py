"""The checks of a spec that need neither torch nor TileLang."""

from __future__ import annotations

from pathlib import Path

from ..analysis.workloads import check_workloads
from ..check import load_spec
from ..check.proofs import check_clauses, check_ranges
from ..check.rules import RULES
from ..check.suppress import read_suppressions, report_unused, suppress
from ..diagnostics.diagnostic import Sink
from ..hardware import check_hardware
from ..ir.spec import Spec

PASSES = (*RULES, check_clauses, check_ranges, check_workloads, check_hardware)
"""What runs over a spec that has loaded, in this order."""


def lint_spec(path: Path, sink: Sink) -> Spec | None:
    """The checked spec; findings go to the sink, and None comes back where one is an error.

    What a comment suppresses does not reach the sink. The findings of a spec that does not load cannot be suppressed.
    """
    own = Sink(sources=sink.sources)
    spec = load_spec(path, own)
    if spec is not None:
        for check in PASSES:
            check(spec, own)
    _heed_comments(path, own, loaded=spec is not None)
    sink.extend(own.diagnostics)
    return None if own.failed else spec


def _heed_comments(path: Path, sink: Sink, *, loaded: bool) -> None:
    source = sink.sources.get(str(path))
    if source is None:
        return
    suppressions = read_suppressions(source, sink)
    if loaded:
        suppress(sink, suppressions)
        report_unused(source, suppressions, sink)
