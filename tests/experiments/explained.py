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
_LICENSED = (
    "less than the rounding to T that the mathematics licenses on the way to the output: in the same mathematics "
    "without that cast it is caught"
)
"""Tried: every `T(…)` in the mathematics replaced by `f32(…)`, and the same trials run again."""
REASONS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        ("attention_sink",),
        ("exp 2^-8",),
        ("tanh",),
        "one case has an effect, with a softcap of 0.19 and a window of one key: tanh, and so the weight of that key "
        "beside the sink, moves by less than the licensed rounding of p to f16",
    ),
    (
        ("delta_net_fwd", "gated_delta_net_fwd", "gated_delta_net_prefill"),
        _ACCUMULATORS,
        ("qn: sum", "kn: sum", "u: sum", "o: sum", "S: recurrence"),
        _LICENSED,
    ),
    (
        ("dsa_decode",),
        ("f16 accumulator",),
        ("O: sum",),
        "in all cases with an effect the output is bf16, with 3 bits less than the accumulator of 13 terms",
    ),
    (
        ("dsa_decode",),
        ("exp 2^-8",),
        ("p: softmax",),
        "three cases have an effect: in two p may be rounded to bf16, as much as the mistake; in one, with 2 keys, the "
        "licensed roundings of p to f16 count linearly",
    ),
    (("fused_moe",), (*_ACCUMULATORS, "exp 2^-8"), ("up: sum", "h: silu"), _LICENSED),
    (("gla_fwd", "gla_bwd"), _ACCUMULATORS, ("o: sum", "dq: sum", "dk: sum", "dv: sum"), _LICENSED),
    (("gru", "lstm"), (*_ACCUMULATORS, "exp 2^-8"), ("q: sum", "a: sum", "n: sigmoid", "h: recurrence"), _LICENSED),
    (("ssd_chunk_scan",), _ACCUMULATORS, ("carried: sum",), _LICENSED),
    (
        ("mhc_pre",),
        ("bf16 accumulator",),
        ("x_layer: sum",),
        "one case has an effect: sums of 3 terms that cancel to 0 come out as 4e-9",
    ),
    (
        ("moe_topk_gate",),
        (*_ACCUMULATORS, "dropped tile", "stale maximum"),
        ("p: softmax",),
        "the chosen weights are normalized again: what the softmax was divided by cancels, and 1.2e-7 is left at most",
    ),
)
"""Ops, kinds of mistakes, parts of places, and the reason."""
