"""Softmax attention in float64, its logarithm of the sum, and its gradients."""

from __future__ import annotations

import math

import torch

LOG2E = math.log2(math.e)


def attend(q, k, v, *, allowed=None, sinks=None, scale: float | None = None):
    """Attention of q (B, H, S, D) over k and v (B, HK, T, D or DV), where `allowed` (…, S, T) holds.

    Gives the output (B, H, S, DV) and the natural logarithm of the sum of exponentials, with the sink in it, (B, H, S).
    """
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    if sinks is not None:
        column = sinks.view(1, -1, 1, 1).expand(*scores.shape[:-1], 1)
        scores = torch.cat([scores, column], -1)
    lse = scores.logsumexp(-1)
    weights = (scores - lse.unsqueeze(-1)).exp()[..., : k.shape[-2]]
    return weights @ v, lse


def visible(queries: int, keys: int, causal: bool, window: int | None = None) -> torch.Tensor:
    """Which keys a query sees, the last one beside the last key: all, those before it, the last `window` of them."""
    row = torch.arange(queries).unsqueeze(1) + keys - queries
    column = torch.arange(keys).unsqueeze(0)
    seen = (column <= row) if causal else torch.ones(queries, keys, dtype=torch.bool)
    return seen & (column > row - window) if window else seen


def swap(x: torch.Tensor) -> torch.Tensor:
    """(B, S, H, D) ↔ (B, H, S, D)."""
    return x.transpose(1, 2).contiguous()


def gradients(q, k, v, d_out, **how) -> dict:
    """What the backward kernels take and give: out, lse (base 2), delta, and the gradients of q, k, v and sinks."""
    sinks = how.pop("sinks", None)
    leaves = [x.clone().requires_grad_() for x in ((q, k, v) if sinks is None else (q, k, v, sinks))]
    out, lse = attend(*leaves[:3], sinks=None if sinks is None else leaves[3], **how)
    dq, dk, dv, *rest = torch.autograd.grad(out, leaves, d_out)
    delta = (out * d_out).sum(-1).detach()
    found = {"out": out.detach(), "lse": lse.detach() * LOG2E, "delta": delta, "dq": dq, "dk": dk, "dv": dv}
    return {**found, "ds": rest[0]} if rest else found
