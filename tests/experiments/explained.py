"""Why the bound lets a mistake through, where it does: looked into by hand."""

from __future__ import annotations

from .faults import Fault


def explanation(op: str, fault: Fault) -> str:
    """The reason, or `not explained`."""
    for ops, kinds, places, why in REASONS:
        if op in ops and fault.kind in kinds and any(part in fault.place for part in places):
            return why
    return "not explained"


_ACCUMULATORS = ("f16 accumulator", "bf16 accumulator")
REASONS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str], ...] = ()
