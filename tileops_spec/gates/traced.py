"""Trace, then judge: the body's Python in one child, what it came to in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .isolation import Completed, Limits, Outcome, Raised, run_all


def trace_all(requests: Sequence[Mapping[str, Any]], limits: Limits) -> list[Outcome]:
    """Each build as text (TIR in JSON), or the outcome of the trace that gave none.

    All of them end before anything else begins: no process of the candidate is there while one of ours works.
    """
    return [_checked(outcome) for outcome in run_all("trace", requests, limits)]


def run_traced(
    task: str, traces: Sequence[Outcome], payload: Callable[[int, str], Mapping[str, Any]], limits: Limits
) -> Iterator[Outcome]:
    """What `task` makes of each trace, given `payload(place, text)`; traces that gave none stay what they are."""
    texts = [trace.value if isinstance(trace, Completed) else None for trace in traces]
    done = iter(run_all(task, [payload(place, text) for place, text in enumerate(texts) if text is not None], limits))
    for trace, text in zip(traces, texts, strict=True):
        yield trace if text is None else next(done)


def _checked(trace: Outcome) -> Outcome:
    """A trace that claims to have ended well and gives no text has been tampered with."""
    if isinstance(trace, Completed) and not isinstance(trace.value, str):
        return Raised("TypeError", f"tracing gives {type(trace.value).__name__}, not a kernel", None)
    return trace
