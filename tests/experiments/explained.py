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
_LICENSED = "an operand of that sum may be rounded to T: a rounding to 16 bits after every 16 terms adds less"
REASONS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        ("attention_sink",),
        ("exp 2^-8",),
        ("tanh",),
        "in these cases a softcap comes only with a window of one key, whose weight is 1 whatever its score",
    ),
    (
        ("delta_net_fwd", "gated_delta_net_fwd", "gated_delta_net_prefill"),
        _ACCUMULATORS,
        ("qn: sum", "kn: sum", "u: sum", "o: sum", "S: recurrence"),
        "o may round qn and S to T before they meet: one rounding more of either adds less",
    ),
    (
        ("dsa_decode",),
        _ACCUMULATORS,
        ("s: sum", "p: softmax", "O: sum"),
        "few keys in these cases: the weight of one is 1, and p may be rounded to T",
    ),
    (
        ("fused_moe",),
        (*_ACCUMULATORS, "exp 2^-8"),
        ("gate", "up", "h: silu"),
        "h may be rounded to T, and that is carried linearly through the sum over experts",
    ),
    (("gqa_decode", "mha_decode", "mla_decode", "gqa_fwd_lse"), ("f16 accumulator",), ("O: sum",), _LICENSED),
    (("gla_fwd", "gla_bwd"), _ACCUMULATORS, ("o: sum", "dq: sum", "dk: sum", "dv: sum"), _LICENSED),
    (("gru", "lstm"), (*_ACCUMULATORS, "exp 2^-8"), ("q: sum", "a: sum", "n: sigmoid", "h: recurrence"), _LICENSED),
    (("ssd_chunk_scan",), _ACCUMULATORS, ("carried: sum",), _LICENSED),
    (
        ("mhc_pre",),
        ("bf16 accumulator",),
        ("x_layer: sum", "x_res: sum"),
        "a sum of 2 or 3 terms: one rounding to bf16, as the output has itself",
    ),
    (
        ("moe_topk_gate",),
        (*_ACCUMULATORS, "dropped tile", "stale maximum"),
        ("p: softmax",),
        "the chosen weights are normalized again: what the softmax was divided by cancels",
    ),
)
"""Ops, kinds of mistakes, parts of places, and the reason."""
