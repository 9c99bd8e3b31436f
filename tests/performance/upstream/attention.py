"""Attention over whole sequences: forward, backward, packed, with sinks, over selected blocks."""

from __future__ import annotations

import torch

from .cases import case
from .softmax import LOG2E, attend, gradients, swap, visible

FOLDER = "flash_attention/example_"
PLAIN = {"batch": 1, "heads": 2, "dim": 64}
TILE = {"block_M": 64, "block_N": 64}


@case(
    f"{FOLDER}mha_fwd_bhsd.py", "flashattn", {**PLAIN, "seq_q": 128, "seq_kv": 192, "is_causal": True}, label="causal"
)
@case(f"{FOLDER}mha_fwd_bhsd.py", "flashattn", {**PLAIN, "seq_q": 128, "seq_kv": 128, "is_causal": False})
def forward(t):
    allowed = visible(t.seq_q, t.seq_kv, t.is_causal)
    return {"Output": attend(t.Q, t.K, t.V, allowed=allowed)[0]}


@case(f"{FOLDER}mha_fwd_bshd.py", "flashattn", {**PLAIN, "seq_len": 128, "is_causal": True}, label="causal")
@case(f"{FOLDER}mha_fwd_bshd.py", "flashattn", {**PLAIN, "seq_len": 128, "is_causal": False})
@case(f"{FOLDER}gqa_fwd_bshd.py", "flashattn", {**PLAIN, "heads": 4, "groups": 2, "seq_len": 128, "is_causal": True})
def forward_bshd(t):
    allowed = visible(t.seq_len, t.seq_len, t.is_causal)
    return {"Output": swap(attend(swap(t.Q), swap(t.K), swap(t.V), allowed=allowed)[0])}


LENGTHS = ((50, 70), (78, 90), (64, 64))


def packed_lengths(most: bool = True):
    def inputs():
        ends = [torch.tensor([0, *(p[side] for p in LENGTHS)]).cumsum(0).int() for side in (0, 1)]
        found = {"cu_seqlens_q": ends[0], "cu_seqlens_k": ends[1]}
        return {**found, "max_seqlen_q": max(p[0] for p in LENGTHS)} if most else found

    return inputs


def by_sequence(q, k, v, **how):
    """Packed q (S, H, D) and k, v (T, HK, D): attention within each sequence."""
    out = []
    causal, window = how.pop("causal", False), how.pop("window", None)
    for a, b, c in zip(
        q.split([p[0] for p in LENGTHS]), *(x.split([p[1] for p in LENGTHS]) for x in (k, v)), strict=True
    ):
        allowed = visible(len(a), len(b), causal, window)
        each = (x.transpose(0, 1).unsqueeze(0) for x in (a, b, c))
        out.append(attend(*each, allowed=allowed, **how)[0][0].transpose(0, 1))
    return torch.cat(out)


PACKED = {"batch_size": 3, "UQ": 192, "UKV": 224, "heads": 2, "dim": 64}


@case(f"{FOLDER}mha_fwd_varlen.py", "flashattn", {**PACKED, "is_causal": True}, inputs=packed_lengths(), label="causal")
@case(f"{FOLDER}mha_fwd_varlen.py", "flashattn", {**PACKED, "is_causal": False}, inputs=packed_lengths())
@case(
    f"{FOLDER}gqa_fwd_varlen.py",
    "flashattn",
    {**PACKED, "heads": 4, "groups": 2, "is_causal": True},
    inputs=packed_lengths(),
)
def forward_packed(t):
    return {"Output_unpad": by_sequence(t.Q_unpad, t.K_unpad, t.V_unpad, causal=t.is_causal)}


@case(
    "attention_sink/example_gqa_sink_fwd_varlen.py",
    "flashattn_sink",
    {**PACKED, "heads": 4, "groups": 2, "is_causal": True},
    inputs=packed_lengths(),
)
def forward_packed_with_sinks(t):
    return {"Output_unpad": by_sequence(t.Q_unpad, t.K_unpad, t.V_unpad, causal=True, sinks=t.Sinks)}


SINK = "attention_sink/example_mha_sink_fwd_bhsd.py"


@case(SINK, "flashattn", {**PLAIN, "seq_q": 128, "seq_kv": 192})
@case(SINK, "flashattn", {**PLAIN, "seq_q": 128, "seq_kv": 192, "window_size": 64}, label="window")
def forward_with_sinks(t):
    allowed = visible(t.seq_q, t.seq_kv, True, getattr(t, "window_size", None))
    return {"Output": attend(t.Q, t.K, t.V, allowed=allowed, sinks=t.Sinks)[0]}


def drawn(**shapes):
    return {name: torch.randn(shape).half() for name, shape in shapes.items()}


BHSD, BSHD = (1, 2, 128, 64), (1, 128, 2, 64)


@case(f"{FOLDER}mha_bwd_bhsd.py", "flashattn_fwd", {**PLAIN, **TILE, "seq_len": 128, "is_causal": True})
def forward_with_lse(t):
    out, lse = attend(t.Q, t.K, t.V, allowed=visible(128, 128, t.is_causal))
    return {"Output": out, "lse": lse * LOG2E}


@case(f"{FOLDER}mha_bwd_bshd.py", "flashattn_fwd", {**PLAIN, **TILE, "seq_len": 128, "is_causal": True})
@case(
    f"{FOLDER}gqa_bwd.py",
    "flashattn_fwd",
    {**TILE, "batch": 1, "heads": 4, "groups": 2, "dim_qk": 64, "dim_v": 32, "seq_len": 128, "is_causal": True},
)
def forward_with_lse_bshd(t):
    out, lse = attend(swap(t.Q), swap(t.K), swap(t.V), allowed=visible(128, 128, t.is_causal))
    return {"Output": swap(out), "lse": lse * LOG2E}


@case(f"{FOLDER}mha_bwd_bhsd.py", "flashattn_bwd_preprocess", {**PLAIN, "seq_len": 128})
def delta(t):
    return {"Delta": (t.O * t.dO).sum(-1)}


@case(f"{FOLDER}mha_bwd_bshd.py", "flashattn_bwd_preprocess", {**PLAIN, "seq_len": 128})
@case(f"{FOLDER}gqa_bwd.py", "flashattn_bwd_preprocess", {"batch": 1, "heads": 2, "seq_len": 128, "dim_v": 64})
def delta_bshd(t):
    return {"Delta": (t.O * t.dO).sum(-1).transpose(1, 2).contiguous()}


@case(f"{FOLDER}mha_bwd_bhsd.py", "flashattn_bwd_postprocess", {**PLAIN, "seq_len": 128})
def cast_gradient(t):
    return {"dQ_out": t.dQ}


def saved(shape, keys, values, *, layout, causal, window=None, sinks=False, accumulators=(), dtype=torch.float32):
    """Inputs of a backward kernel: what the forward one saved, and zeros where gradients are accumulated."""

    def inputs():
        d_out_shape = (*shape[:-1], values[-1])
        x = drawn(Q=shape, K=keys, V=values, dO=d_out_shape, **({"Sinks": (shape[1],)} if sinks else {}))
        length = shape[2] if layout is not swap else shape[1]
        q, k, v, d_out = (layout(x[name].double()) for name in ("Q", "K", "V", "dO"))
        extra = {"sinks": x["Sinks"].double()} if sinks else {}
        found = gradients(q, k, v, d_out, allowed=visible(length, length, causal, window), **extra)
        x.pop("Sinks", None)
        x |= {"lse": found["lse"].float(), "Delta": found["delta"].float(), "dQ": torch.zeros(shape)}
        for name in accumulators:
            x[name] = torch.zeros(keys if name == "dK" else values, dtype=dtype)
        return x

    return inputs


def same(x):
    return x


BACKWARD = {**PLAIN, **TILE, "seq_len": 128}


@case(
    f"{FOLDER}mha_bwd_bhsd.py",
    "flashattn_bwd",
    {**BACKWARD, "is_causal": True},
    inputs=saved(BHSD, BHSD, BHSD, layout=same, causal=True),
    label="causal",
)
@case(
    f"{FOLDER}mha_bwd_bhsd.py",
    "flashattn_bwd",
    {**BACKWARD, "is_causal": False},
    inputs=saved(BHSD, BHSD, BHSD, layout=same, causal=False),
)
def backward(t):
    g = gradients(t.Q, t.K, t.V, t.dO, allowed=visible(128, 128, t.is_causal))
    return {"dQ": g["dq"], "dK": g["dk"], "dV": g["dv"]}


GROUPS = {"batch": 1, "heads": 4, "groups": 2, "dim_qk": 64, "dim_v": 32, "seq_len": 128, **TILE}
WIDE, KEYS, VALUES = (1, 128, 4, 64), (1, 128, 2, 64), (1, 128, 2, 32)
GQA = saved(WIDE, KEYS, VALUES, layout=swap, causal=True, accumulators=("dK", "dV"))


@case(
    f"{FOLDER}mha_bwd_bshd.py",
    "flashattn_bwd",
    {**BACKWARD, "is_causal": True},
    inputs=saved(BSHD, BSHD, BSHD, layout=swap, causal=True),
)
@case(f"{FOLDER}gqa_bwd.py", "flashattn_bwd_atomic_add", {**GROUPS, "is_causal": True}, inputs=GQA)
@case(f"{FOLDER}gqa_bwd_tma_reduce.py", "flashattn_bwd_atomic_add", {**GROUPS, "is_causal": True}, inputs=GQA)
def backward_bshd(t):
    g = gradients(swap(t.Q), swap(t.K), swap(t.V), swap(t.dO), allowed=visible(128, 128, t.is_causal))
    return {"dQ": swap(g["dq"]), "dK": swap(g["dk"]), "dV": swap(g["dv"])}


PARTS = saved(WIDE, KEYS, VALUES, layout=swap, causal=True)


@case(f"{FOLDER}gqa_bwd.py", "flashattn_bwd_split", {**GROUPS, "is_causal": True}, inputs=PARTS)
@case(f"{FOLDER}gqa_bwd_tma_reduce.py", "flashattn_bwd_split_novarlen", {**GROUPS, "is_causal": True}, inputs=PARTS)
def backward_in_parts(t):
    """Each query head of a group gives its own part of dK and dV."""
    q, k, v, d_out = (swap(x) for x in (t.Q, t.K, t.V, t.dO))
    wide_k, wide_v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
    g = gradients(q, wide_k, wide_v, d_out, allowed=visible(128, 128, True))

    def parts(x):
        return x.unflatten(1, (2, 2)).permute(2, 0, 3, 1, 4).contiguous()

    return {"dQ": swap(g["dq"]), "dK": parts(g["dk"]), "dV": parts(g["dv"])}


@case(
    f"{FOLDER}gqa_bwd_tma_reduce_varlen.py",
    "flashattn_fwd",
    {
        "batch": 3,
        "total_q": 192,
        "total_kv": 224,
        "N_CTX": 128,
        "heads": 4,
        "max_seq_len": 128,
        "dim_qk": 64,
        "dim_v": 32,
        "is_causal": False,
        "groups": 2,
        **TILE,
    },
    inputs=packed_lengths(most=False),
)
def forward_packed_bwd(t):
    return {"Output": by_sequence(t.Q, t.K, t.V)}


OVERRUN = "`sinks` has one element for each head and is indexed by the row of a tile"
SINK_BWD = {"batch": 1, "heads": 2, "seq_len": 128, "dim": 64}
SINK_GQA = {"batch": 1, "heads": 4, "groups": 2, "seq_len": 128, "dim": 64}
SINK_FILES = "attention_sink/example_mha_sink_bwd_bhsd.py", "attention_sink/example_gqa_sink_bwd_bhsd.py"


@case(SINK_FILES[0], "flashattn_fwd", SINK_BWD, note=OVERRUN)
@case(SINK_FILES[0], "flashattn_fwd", {**SINK_BWD, "window_size": 64}, label="window", note=OVERRUN)
@case(SINK_FILES[0], "flashattn_fwd", {**SINK_BWD, "heads": 64, "seq_len": 64}, label="64 heads")
@case(SINK_FILES[1], "flashattn_fwd", SINK_GQA, note=OVERRUN)
@case(SINK_FILES[1], "flashattn_fwd", {**SINK_GQA, "heads": 64, "seq_len": 64}, label="64 heads")
def forward_with_sinks_and_lse(t):
    allowed = visible(t.seq_len, t.seq_len, True, getattr(t, "window_size", None))
    out, lse = attend(t.Q, t.K, t.V, allowed=allowed, sinks=t.Sinks)
    return {"Output": out, "lse": lse * LOG2E}


@case(SINK_FILES[0], "flashattn_bwd", SINK_BWD, inputs=saved(BHSD, BHSD, BHSD, layout=same, causal=True, sinks=True))
@case(
    SINK_FILES[0],
    "flashattn_bwd",
    {**SINK_BWD, "window_size": 64},
    inputs=saved(BHSD, BHSD, BHSD, layout=same, causal=True, window=64, sinks=True),
    label="window",
)
def backward_from_lse(t):
    """The sink is in lse: the weights do not add up to one, which the gradients of q, k, v follow."""
    seen = visible(128, 128, True, getattr(t, "window_size", None))
    return gradients_from_lse(t, seen, repeats=1)


@case(
    SINK_FILES[1],
    "flashattn_bwd",
    SINK_GQA,
    inputs=saved(
        (1, 4, 128, 64),
        (1, 2, 128, 64),
        (1, 2, 128, 64),
        layout=same,
        causal=True,
        sinks=True,
        accumulators=("dK", "dV"),
    ),
)
def backward_from_lse_of_groups(t):
    return gradients_from_lse(t, visible(128, 128, True), repeats=2)


def gradients_from_lse(t, seen, repeats: int):
    k, v = (x.repeat_interleave(repeats, 1) for x in (t.K, t.V))
    scale = t.Q.shape[-1] ** -0.5
    weights = (2.0 ** (t.Q @ k.transpose(-1, -2) * scale * LOG2E - t.lse.unsqueeze(-1))) * seen
    d_scores = weights * (t.dO @ v.transpose(-1, -2) - t.Delta.unsqueeze(-1)) * scale

    def of_heads(x):
        return x.unflatten(1, (-1, repeats)).sum(2)

    d_k, d_v = d_scores.transpose(-1, -2) @ t.Q, weights.transpose(-1, -2) @ t.dO
    return {"dQ": d_scores @ k, "dK": of_heads(d_k), "dV": of_heads(d_v)}


@case(SINK_FILES[0], "flashattn_bwd_dsink", {"batch": 1, "heads": 2, "seq_len": 256})
@case(SINK_FILES[1], "flashattn_bwd_dsink", {"batch": 1, "heads": 2, "seq_len": 256})
def gradient_of_sinks(t):
    return {"dsinks": -(2.0 ** (t.Sinks.view(1, -1, 1) * LOG2E - t.lse)) * t.Delta}


SPARSE = {**PLAIN, "is_causal": True}


def mask(rows: int, columns: int, past: int, dtype=torch.bool):
    """Some blocks, and always the one on the diagonal, without which a row would see nothing."""

    def inputs():
        chosen = torch.rand(1, 2, rows, columns) < 0.5
        for row in range(rows):
            chosen[..., row, row + past] = True
        return {"BlockSparseMask": chosen.to(dtype)}

    return inputs


@case(
    "blocksparse_attention/example_tilelang_block_sparse_attn.py",
    "blocksparse_flashattn",
    {**SPARSE, "seq_len": 256, "downsample_len": 4},
    inputs=mask(4, 4, 0),
)
@case(
    "seer_attention/block_sparse_attn_tilelang.py",
    "blocksparse_flashattn",
    {**SPARSE, "seq_q": 256, "seq_kv": 256, "downsample_len": 4},
    inputs=mask(4, 4, 0, torch.int8),
)
def chosen_blocks(t):
    blocks = t.BlockSparseMask.bool().repeat_interleave(64, 2).repeat_interleave(64, 3)
    return {"Output": attend(t.Q, t.K, t.V, allowed=blocks & visible(256, 256, True))[0]}
