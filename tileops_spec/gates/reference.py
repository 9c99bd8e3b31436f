"""The reference gate: the oracle against every reference of the spec, before any body is looked at."""

from __future__ import annotations

from ..diagnostics.diagnostic import Sink
from ..ir.spec import Spec
from .verdict import Stopwatch, Verdict


def check_reference(spec: Spec) -> Verdict:
    """Fails with TS201 and TS202 where the mathematics and a reference differ; `skipped` where there is none."""
    import torch

    from ..analysis.cases import check_satisfiable
    from ..analysis.reference import check_references

    watch, sink = Stopwatch(), Sink()
    check_satisfiable(spec, sink)
    if not sink.failed:
        check_references(spec, sink)
    names = ", ".join(reference.library for reference in spec.references)
    return Verdict(
        gate="reference",
        status="failed" if sink.failed else "passed" if spec.references else "skipped",
        seconds=watch.seconds,
        summary=_summary(sink, names),
        diagnostics=tuple(sink.diagnostics),
        tools={"torch": torch.__version__},
    )


def _summary(sink: Sink, names: str) -> str:
    if sink.failed:
        return sink.errors[0].message
    return f"the mathematics agrees with {names}" if names else "the spec names no reference"
