"""Trace, then judge: the body's Python in one child, what it came to in another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from .isolation import Completed, Limits, Outcome, Raised, run_all

Step: TypeAlias = tuple[Mapping[str, Any], Callable[[str], Mapping[str, Any]]]
"""What is traced (kernel, factory, arguments), and what `task` is then given, from the traced kernel."""


def run_traced(task: str, steps: Sequence[Step], limits: Limits) -> Iterable[Outcome]:
    """The outcome of each step: that of `task`, or of the trace where that did not get so far.

    All traces end before the first task begins: no process of the candidate is there while one of ours works.
    """
    traces = list(run_all("trace", [request for request, _ in steps], limits))
    known = [_text(trace) for trace in traces]
    payloads = [then(text) for (_, then), text in zip(steps, known, strict=True) if text is not None]
    done = iter(run_all(task, payloads, limits))
    for trace, text in zip(traces, known, strict=True):
        yield _failure(trace) if text is None else next(done)


def _text(trace: Outcome) -> str | None:
    return trace.value if isinstance(trace, Completed) and isinstance(trace.value, str) else None


def _failure(trace: Outcome) -> Outcome:
    """A trace that claims to have ended well and gives no kernel has been tampered with."""
    if isinstance(trace, Completed):
        return Raised("TypeError", f"tracing gives {type(trace.value).__name__}, not a kernel", None)
    return trace
