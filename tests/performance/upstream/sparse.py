"""Attention of single tokens over chosen keys: native sparse, sparse latent, indexers, lines and columns."""

from __future__ import annotations

import math

import torch

from .cases import case
from .softmax import LOG2E, attend, swap

NSA = {"batch": 1, "heads": 16, "seq_len": 64, "dim": 32, "block_size": 16, "groups": 16, "selected_blocks": 2}


def native_blocks():
    """The block of a token itself, and one before it (or, at the start, an index that stands for none)."""
    here = torch.arange(64) // 16
    before = torch.where(here > 0, here - 1, 64)
    return {"BlockIndices": torch.stack([before, here], -1).view(1, 64, 1, 2).int()}


def chosen(q, k, v, blocks, scale: float, causal: bool):
    """Each query over its own blocks of 16 keys: q (B, S, H, D), blocks (B, S, HK, n)."""
    length = k.shape[1]
    hit = (torch.arange(length) // 16).view(1, 1, 1, -1, 1) == blocks.unsqueeze(-2)
    allowed = swap(hit.any(-1)).repeat_interleave(q.shape[2] // k.shape[2], 1)
    if causal:
        allowed = allowed & (torch.arange(length) <= torch.arange(q.shape[1]).unsqueeze(1))
    return swap(attend(swap(q), swap(k), swap(v), allowed=allowed, scale=scale)[0])


@case(
    "deepseek_nsa/example_tilelang_nsa_fwd.py",
    "native_sparse_attention",
    {**NSA, "is_causal": True, "scale": 0.2},
    inputs=native_blocks,
)
def native_sparse_attention(t):
    return {"Output": chosen(t.Q, t.K, t.V, t.BlockIndices, t.scale, True)}


NSA_DECODE = "deepseek_nsa/example_tilelang_nsa_decode.py"


@case(
    NSA_DECODE,
    "native_sparse_attention",
    {**NSA, "scale": 0.2 * LOG2E, "selected_blocks": 1},
    inputs=lambda: {"BlockIndices": torch.tensor([2], dtype=torch.int32).view(1, 1, 1, 1)},
)
@case(
    NSA_DECODE,
    "native_sparse_attention",
    {**NSA, "scale": 0.2 * LOG2E},
    inputs=lambda: {"BlockIndices": torch.tensor([1, 3], dtype=torch.int32).view(1, 1, 1, 2)},
    label="two blocks",
    note="The output is not rescaled when a later block has a greater maximum",
)
def native_sparse_attention_of_one(t):
    return {"Output": chosen(t.Q, t.K, t.V, t.BlockIndices, 0.2, False)}


@case(
    "deepseek_nsa/example_tilelang_nsa_bwd.py",
    "tilelang_kernel_preprocess",
    {"batch": 1, "seq_len": 64, "heads": 4, "dim": 64},
)
def nsa_delta(t):
    return {"Delta": (t.O * t.dO).sum(-1)}


TOKENS, CONTEXT, CHOSEN = 4, 160, 64


def sparse_rows():
    """Distinct positions, of which a query sees those that lie before it: the first one always."""
    rows = torch.stack([torch.randperm(CONTEXT - 1)[:CHOSEN] + 1 for _ in range(TOKENS)]).int()
    rows[:, 0] = 0
    return {
        "Q": torch.randn(1, TOKENS, 16, 192).bfloat16(),
        "KV": torch.randn(1, CONTEXT, 1, 192).bfloat16(),
        "Indices": rows.view(1, TOKENS, 1, CHOSEN),
        "Output": torch.zeros(1, TOKENS, 16, 128).bfloat16(),
        "Lse": torch.zeros(1, TOKENS, 16),
    }


@case(
    "deepseek_v32/sparse_mla_fwd.py",
    "sparse_mla_fwd",
    {"heads": 16, "dim": 128, "tail_dim": 64, "topk": CHOSEN, "sm_scale": 0.07, "block_I": 32, "threads": 128},
    inputs=sparse_rows,
    tolerance=0.02,
)
def sparse_latent_attention(t):
    allowed = torch.zeros(TOKENS, CONTEXT, dtype=torch.bool)
    allowed.scatter_(1, t.Indices[0, :, 0].long(), True)
    allowed &= torch.arange(CONTEXT) <= torch.arange(TOKENS).unsqueeze(1)
    out, lse = attend(swap(t.Q), swap(t.KV), swap(t.KV[..., :128]), allowed=allowed, scale=0.07)
    return {"Output": swap(out), "Lse": lse.transpose(1, 2) * LOG2E}


def rows_with_a_start(rows: int, chosen: int, context: int):
    """Positions of which all lie before the queries, which start at a later one."""

    def inputs():
        places = torch.stack([torch.randperm(context)[:chosen] for _ in range(rows)]).int()
        return {
            "Q": torch.randn(1, rows, 64, 576).bfloat16(),
            "KV": torch.randn(1, context, 1, 576).bfloat16(),
            "Indices": places.view(1, rows, 1, chosen),
            "q_start_index_s": torch.tensor([context], dtype=torch.int32),
            "Output": torch.zeros(1, rows, 64, 512).bfloat16(),
            "Lse": torch.zeros(1, rows, 64),
        }

    return inputs


PIPELINED = {
    "heads": 64,
    "dim": 512,
    "tail_dim": 64,
    "topk": 128,
    "kv_stride": 1,
    "sm_scale": 0.05,
    "CP0": False,
    "block_I": 64,
}


@case(
    "deepseek_v32/sparse_mla_fwd_pipelined.py",
    "sparse_mla_fwd",
    PIPELINED,
    inputs=rows_with_a_start(2, 128, 200),
    tolerance=0.02,
    note="sum_exp_shared is stored and read after the last barrier that the two warpgroups share",
)
def specialized_latent_attention_without_lse(t):
    return {"Output": specialized_latent_attention(t)["Output"]}


@case(
    "deepseek_v32/sparse_mla_fwd_seesaw.py",
    "sparse_mla_fwd",
    PIPELINED,
    inputs=rows_with_a_start(2, 128, 200),
    tolerance=0.02,
)
def specialized_latent_attention(t):
    allowed = torch.zeros(2, t.KV.shape[1], dtype=torch.bool).scatter_(1, t.Indices[0, :, 0].long(), True)
    out, lse = attend(swap(t.Q), swap(t.KV), swap(t.KV[..., :512]), allowed=allowed, scale=t.sm_scale)
    return {"Output": swap(out), "Lse": lse.transpose(1, 2) * LOG2E}


def padded_indices():
    chosen = torch.stack([torch.randperm(200)[:128] for _ in range(3)]).int()
    chosen[0, 100:] = -1
    return {"TopkIndices": chosen.view(1, 3, 128)}


@case(
    "deepseek_v4/sparse_attn_fwd_sm90.py",
    "sparse_attn_fwd",
    {"batch": 1, "heads": 64, "seq_len": 3, "seq_len_kv": 200, "dim": 128, "topk": 128, "threads": 128},
    inputs=padded_indices,
    tolerance=0.02,
)
def sparse_attention_with_sinks(t):
    allowed = torch.zeros(3, 201, dtype=torch.bool)
    allowed.scatter_(1, torch.where(t.TopkIndices[0] < 0, 200, t.TopkIndices[0]).long(), True)
    kv = t.KV.unsqueeze(1)
    return {"Output": swap(attend(swap(t.Q), kv, kv, allowed=allowed[:, :200], sinks=t.Sinks)[0])}


@case("deepseek_v32/sparse_mla_bwd.py", "preprocess", {"B": 1, "S": 64, "H": 4, "D": 64})
def sparse_delta(t):
    return {"Delta": (t.O * t.dO).sum(-1)}


INDEXER = "deepseek_v32/fp8_lighting_indexer.py"


def queries_and_keys():
    return {
        "IndexQ": torch.randn(16 * 32, 64).to(torch.float8_e4m3fn),
        "IndexK": torch.randn(200, 64).to(torch.float8_e4m3fn),
        "IndexKScale": torch.rand(200),
        "Logits": torch.zeros(16, 200),
        "Weights": torch.rand(16, 32),
        "CuSeqLenKS": torch.zeros(16, dtype=torch.int32),
        "CuSeqLenKE": torch.full((16,), 200, dtype=torch.int32),
    }


@case(
    INDEXER,
    "mqa_attn_return_logits",
    {"heads": 32, "index_dim": 64, "block_N": 64, "threads": 128},
    inputs=queries_and_keys,
)
def index_logits(t):
    scores = (t.IndexQ @ t.IndexK.T).relu().view(16, 32, 200) * t.Weights.unsqueeze(-1)
    return {"Logits": scores.sum(1) * t.IndexKScale}


def some_logits():
    return {
        "Logits": torch.randn(3, 700),
        "CuSeqLenKS": torch.tensor([0, 10, 100], dtype=torch.int32),
        "CuSeqLenKE": torch.tensor([700, 600, 101], dtype=torch.int32),
    }


@case(INDEXER, "clean_logits_", {"threads": 128, "block_K": 512}, inputs=some_logits)
def cleaned_logits(t):
    place = torch.arange(700)
    inside = (place >= t.CuSeqLenKS.unsqueeze(1)) & (place < t.CuSeqLenKE.unsqueeze(1))
    return {"Logits": t.Logits.masked_fill(~inside, -math.inf)}


def rows_to_select():
    return {
        "input": torch.randn(2, 5000),
        "index": torch.zeros(2, 64, dtype=torch.int32),
        "starts": torch.zeros(2, dtype=torch.int32),
        "ends": torch.full((2,), 5000, dtype=torch.int32),
    }


@case("deepseek_v32/topk_selector.py", "tl_topk_impl", {"topk": 64}, inputs=rows_to_select, unordered=("index",))
def selected(t):
    return {"index": t.input.topk(64).indices.int()}


def lines_and_columns():
    """For each block of 64 queries: whole blocks of keys, in falling order, and single columns before them."""
    offsets = torch.zeros(1, 1, 4, 4, dtype=torch.int32)
    columns = torch.zeros(1, 1, 4, 32, dtype=torch.int32)
    blocks, singles = [], []
    for row in range(4):
        starts = [row * 64, *([(row - 1) * 64] if row else [])]
        places = torch.randperm(max(starts[-1], 1))[:20].sort().values.tolist() if starts[-1] else []
        offsets[0, 0, row, : len(starts)] = torch.tensor(starts)
        columns[0, 0, row, : len(places)] = torch.tensor(places)
        blocks.append(len(starts))
        singles.append(len(places))
    counts = {"BlockCount": blocks, "ColumnCount": singles}
    found = {name: torch.tensor(v, dtype=torch.int32).view(1, 1, 4) for name, v in counts.items()}
    return {**found, "BlockOffset": offsets, "ColumnIndex": columns}


@case(
    "minference/example_vertical_slash_sparse_attn.py",
    "_tl_vs_sparse_flashattn",
    {"batch": 1, "heads": 1, "seq_len": 256, "dim": 64, "vertical_size": 32, "slash_size": 4},
    inputs=lines_and_columns,
)
def lines_and_columns_of_keys(t):
    allowed = torch.zeros(256, 256, dtype=torch.bool)
    for row in range(4):
        queries = allowed[row * 64 : row * 64 + 64]
        for start in t.BlockOffset[0, 0, row, : t.BlockCount[0, 0, row]].tolist():
            queries[:, start : start + 64] = True
        queries[:, t.ColumnIndex[0, 0, row, : t.ColumnCount[0, 0, row]].long()] = True
    return {"Output": attend(t.Q, t.K, t.V, allowed=allowed.tril())[0]}
