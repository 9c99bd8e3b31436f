"""Trace, then judge: the body's Python in one child, what it came to in another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .isolation import Completed, Limits, Outcome, Raised, run_all, run_batches


def trace_all(requests: Sequence[Mapping[str, Any]], limits: Limits) -> list[Outcome]:
    """Each build as text (TIR in JSON), or the outcome of the trace that gave none.

    All of them end before anything else begins: no process of the candidate is there while one of ours works.
    """
    return [_checked(outcome) for outcome in run_batches("trace", requests, limits)]


def inspect_all(traces: Sequence[Outcome], kernel: str, limits: Limits) -> Iterator[Outcome]:
    """What each trace does to its tensors, and where it changes its mind (`tasks.inspect`)."""
    payloads = [{"function": each.value, "kernel": kernel} for each in traces if isinstance(each, Completed)]
    return _beside(traces, run_batches("inspect", payloads, limits))


def run_traced(
    task: str, traces: Sequence[Outcome], payload: Callable[[int, str], Mapping[str, Any]], limits: Limits
) -> Iterator[Outcome]:
    """What `task` makes of each trace, given `payload(place, text)`; traces that gave none stay what they are."""
    texts = [trace.value if isinstance(trace, Completed) else None for trace in traces]
    payloads = [payload(place, text) for place, text in enumerate(texts) if text is not None]
    return _beside(traces, run_all(task, payloads, limits))


def _beside(traces: Sequence[Outcome], outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The outcomes in the places of the traces that gave a text, the other traces in theirs."""
    done = iter(outcomes)
    for trace in traces:
        yield next(done) if isinstance(trace, Completed) else trace


def _checked(trace: Outcome) -> Outcome:
    """A trace that claims to have ended well and gives no text has been tampered with."""
    if isinstance(trace, Completed) and not isinstance(trace.value, str):
        return Raised("TypeError", f"tracing gives {type(trace.value).__name__}, not a kernel", None)
    return trace
