"""The checks of a spec that need neither torch nor TileLang."""

from __future__ import annotations

from pathlib import Path

from ..analysis.workloads import check_workloads
from ..check.load import load_source
from ..check.proofs import check_clauses, check_ranges
from ..check.rules import RULES
from ..check.suppress import read_suppressions, report_unused, suppress
from ..diagnostics.diagnostic import Sink
from ..diagnostics.text import SourceText
from ..hardware import check_hardware
from ..ir.spec import Spec
from ..source.files import read_source

PASSES = (*RULES, check_clauses, check_ranges, check_workloads, check_hardware)
"""What runs over a spec that has loaded, in this order."""


def lint_spec(path: Path, sink: Sink) -> Spec | None:
    """The checked spec; findings go to the sink, and None comes back where one is an error.

    What a comment suppresses does not reach the sink. The findings of a spec that does not load cannot be suppressed.
    """
    source = read_source(path, sink)
    return lint_source(source, sink) if source else None


def lint_source(source: SourceText, sink: Sink, *, named: bool = True) -> Spec | None:
    """The same for a text that has been read; `named` says that its path must be named like its op."""
    own = Sink(sources=sink.sources)
    spec = load_source(source, own, named=named)
    if spec is not None:
        for check in PASSES:
            check(spec, own)
    _heed_comments(source, own, loaded=spec is not None)
    sink.extend(own.diagnostics)
    return None if own.failed else spec


def _heed_comments(source: SourceText, sink: Sink, *, loaded: bool) -> None:
    suppressions = read_suppressions(source, sink)
    if loaded:
        suppress(sink, suppressions)
        report_unused(source, suppressions, sink)
