"""Attention of one query a sequence: split, paged, latent."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import torch

from .cases import case
from .softmax import attend, swap

DECODE = {"batch": 2, "heads": 8, "groups": 2, "seqlen_kv": 256, "dim": 64}
GQA = "flash_decoding/example_gqa_decode.py"
STAGES = {"num_stages": 2, "threads": 128}


def masked():
    return {"mask": (torch.rand(2, 256, 2) < 0.8).to(torch.uint8)}


@case(GQA, "flashattn", {**DECODE, "block_N": 64, "block_H": 64, "num_split": 1, **STAGES}, inputs=masked)
@case(
    GQA, "flashattn", {**DECODE, "block_N": 64, "block_H": 64, "num_split": 4, **STAGES}, inputs=masked, label="split"
)
def one_query(t):
    allowed = t.mask.bool().permute(0, 2, 1).repeat_interleave(4, 1).unsqueeze(2)
    return {"Output": attend(t.Q.unsqueeze(2), swap(t.K), swap(t.V), allowed=allowed)[0].squeeze(2)}


@case(
    "flash_decoding/example_mha_inference.py",
    "flashattn",
    {
        "batch": 1,
        "heads": 2,
        "seqlen_q": 64,
        "seqlen_kv": 512,
        "dim": 64,
        "is_causal": False,
        "block_M": 64,
        "block_N": 64,
    },
)
def few_queries(t):
    return {"Output": swap(attend(swap(t.Q), swap(t.K), swap(t.V))[0])}


LOGITS = "flash_decoding/example_gqa_decode_varlen_logits.py"
PACKED = {"batch": 3, "heads": 8, "k_heads": 2, "max_seqlen_kv": 256, "dim": 64, "has_sink": False, "block_N": 64}


def ends(*values: int):
    return lambda: {"cu_seqlens_k": torch.tensor(values, dtype=torch.int32)}


@case(LOGITS, "flashattn", {**PACKED, "total_seqlen_k": 720}, inputs=ends(0, 256, 464, 720))
@case(
    LOGITS,
    "flashattn",
    {**PACKED, "total_seqlen_k": 420},
    inputs=ends(0, 100, 356, 420),
    label="short sequences",
    note="Columns of S beyond a short sequence are stored and never computed",
)
def one_query_over_packed_keys(t):
    out = []
    bounds = t.cu_seqlens_k.tolist()
    for i, (low, high) in enumerate(itertools.pairwise(bounds)):
        k, v = (x[low:high].transpose(0, 1).unsqueeze(0) for x in (t.K, t.V))
        out.append(attend(t.Q[i : i + 1].unsqueeze(2), k, v)[0].squeeze(2))
    return {"Output": torch.cat(out)}


def latent(q, q_pe, kv, k_pe, scale: float):
    """Heads (B, H, D) share keys and values kv (B, T, G, D); the last part of a key is k_pe (B, T, G, P)."""
    keys = torch.cat([kv, k_pe], -1)
    queries = torch.cat([q, q_pe], -1).unsqueeze(2)
    return attend(queries, swap(keys), swap(kv), scale=scale)[0].squeeze(2)


MLA = {
    "batch": 1,
    "heads": 64,
    "kv_head_num": 1,
    "seqlen_kv": 256,
    "dim": 128,
    "pe_dim": 64,
    "block_N": 64,
    "block_H": 64,
}
LATENT = "deepseek_mla/example_mla_decode"
RACE = "sum_exp_shared is stored and read after the last barrier that the two warpgroups share"
SPECIALIZED = {**MLA, "dim": 512, "softmax_scale": 0.07}


@case(f"{LATENT}.py", "flashattn", {**MLA, "num_split": 1, "softmax_scale": 0.07})
@case(f"{LATENT}.py", "flashattn", {**MLA, "num_split": 2, "softmax_scale": 0.07}, label="split")
@case(
    f"{LATENT}_persistent.py",
    "flashattn",
    {**MLA, "num_split": 2},
    note="The front end of the wheel refuses it",
    driver=SimpleNamespace(get_num_sms=lambda: 4),
)
@case(f"{LATENT}_ws.py", "flashattn", {**SPECIALIZED, "num_split": 1}, note=RACE)
@case(f"{LATENT}_ws.py", "flashattn", {**SPECIALIZED, "num_split": 2}, label="split", note=RACE)
@case("deepseek_mla/experimental/example_mla_decode_kv_fp8.py", "flashattn", MLA, tolerance=0.03)
@case("warp_specialize/example_warp_specialize_flashmla.py", "flashattn", {**MLA, "dim": 512, "num_split": 1})
def latent_attention(t):
    scale = getattr(t, "softmax_scale", (t.dim + t.pe_dim) ** -0.5)
    return {"Output": latent(t.Q, t.Q_pe, t.KV, t.K_pe, scale)}


PAGES = {"batch": 2, "h_q": 64, "h_kv": 1, "max_seqlen_pad": 256, "dv": 128, "dpe": 64, "block_N": 64, "block_H": 64}


def pages():
    table = torch.randperm(8).view(2, 4).int()
    return {"block_table": table, "cache_seqlens": torch.tensor([200, 256], dtype=torch.int32)}


@case(f"{LATENT}_paged.py", "mla_decode_tilelang", {**PAGES, "num_split": 1, "block_size": 64}, inputs=pages)
@case(
    f"{LATENT}_paged.py",
    "mla_decode_tilelang",
    {**PAGES, "num_split": 2, "block_size": 64},
    inputs=pages,
    label="split",
)
def latent_attention_over_pages(t):
    out = []
    for i, length in enumerate(t.cache_seqlens.tolist()):
        rows = torch.cat([torch.arange(p * 64, p * 64 + 64) for p in t.block_table[i].tolist()])[:length]
        kv, k_pe = t.KV[rows].unsqueeze(0), t.K_pe[rows].unsqueeze(0)
        out.append(latent(t.Q[i : i + 1], t.Q_pe[i : i + 1], kv, k_pe, (t.dv + t.dpe) ** -0.5))
    return {"Output": torch.cat(out)}


SPARSE = {"batch": 2, "heads": 8, "heads_kv": 2, "dim": 64, "dim_v": 64, "block_N": 32, "block_H": 64, **STAGES}
CONTEXT, SPLITS, CHOSEN = 256, 2, 4
LENGTHS = (200, 256)


def sparse_shapes():
    """Extents that these kernels take from their tensors."""
    return {
        "Q": torch.randn(2, 8, 64).half(),
        "K": torch.randn(2, CONTEXT, 2, 64).half(),
        "V": torch.randn(2, CONTEXT, 2, 64).half(),
        "cache_seqlens": torch.tensor(LENGTHS, dtype=torch.int32),
        "glse": torch.zeros(2, 8, SPLITS),
        "Output_partial": torch.zeros(2, 8, SPLITS, 64),
        "Output": torch.empty(2, 8, 64).half(),
    }


def chosen_blocks(length: int) -> torch.Tensor:
    """The last block of a sequence, and others before it, in falling order."""
    last = (length - 1) // 32
    return torch.tensor([last, *sorted(torch.randperm(last)[: CHOSEN - 1].tolist(), reverse=True)], dtype=torch.int32)


def indices():
    table = torch.stack([torch.stack([chosen_blocks(n) for _ in range(2)]) for n in LENGTHS])
    return {**sparse_shapes(), "block_indices": table}


def block_mask():
    chosen = torch.zeros(2, 2, CONTEXT // 32, dtype=torch.bool)
    for i, n in enumerate(LENGTHS):
        for h in range(2):
            chosen[i, h, chosen_blocks(n).long()] = True
    return {**sparse_shapes(), "block_mask": chosen}


@case("blocksparse_attention/example_tilelang_sparse_gqa_decode_varlen_indice.py", "flashattn", SPARSE, inputs=indices)
@case("blocksparse_attention/example_tilelang_sparse_gqa_decode_varlen_mask.py", "flashattn", SPARSE, inputs=block_mask)
def one_query_over_chosen_blocks(t):
    blocks = torch.zeros(2, 2, CONTEXT // 32, dtype=torch.bool)
    if hasattr(t, "block_mask"):
        blocks = t.block_mask
    else:
        blocks.scatter_(2, t.block_indices.long(), True)
    inside = torch.arange(CONTEXT) < torch.tensor(LENGTHS).view(2, 1, 1)
    allowed = (blocks.repeat_interleave(32, 2) & inside).repeat_interleave(4, 1).unsqueeze(2)
    return {"Output": attend(t.Q.unsqueeze(2), swap(t.K), swap(t.V), allowed=allowed)[0].squeeze(2)}
