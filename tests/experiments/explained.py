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
_DELTA_RULES = ("delta_net_fwd", "gated_delta_net_fwd", "gated_delta_net_prefill")
_DECODES = ("gqa_decode", "mha_decode", "mla_decode", "gqa_fwd_lse", "gqa_fwd", "mha_fwd")
REASONS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        ("attention_sink",),
        ("exp 2^-8",),
        ("tanh",),
        "in these cases a softcap comes only with a window of one key, whose weight is 1 whatever its score",
    ),
    (
        _DELTA_RULES,
        _ACCUMULATORS,
        ("qn: sum", "o: sum", "u: sum"),
        "sums over K = 16 in most of these cases: one rounding to 16 bits, as the output has itself",
    ),
    (
        ("dsa_decode",),
        _ACCUMULATORS,
        ("s: sum", "p: softmax", "O: sum"),
        "1, 2 or 13 keys in these cases: the weight of one is 1, and p may be rounded to T",
    ),
    (
        ("fused_moe",),
        (*_ACCUMULATORS, "exp 2^-8"),
        ("gate", "up", "h: silu"),
        "h may be rounded to T, and that is carried linearly through the sum over experts (65 of them in these cases)",
    ),
    (
        _DECODES,
        ("f16 accumulator",),
        ("O: sum",),
        "p may be rounded to T: an accumulator that is rounded once for 16 keys errs no more than that",
    ),
    (
        ("moe_topk_gate",),
        (*_ACCUMULATORS, "dropped tile", "stale maximum"),
        ("p: softmax",),
        "the chosen weights are normalized again: what the softmax was divided by cancels",
    ),
    (
        ("gru",),
        _ACCUMULATORS,
        ("q: sum", "h: recurrence"),
        "the state may be rounded to T where it meets its weights, at every step",
    ),
)
"""Ops, kinds of mistakes, parts of places, and the reason."""
