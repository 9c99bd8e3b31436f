"""Elementwise, normalization, casts, selection, mixtures of experts, transforms."""

from __future__ import annotations

import math

import torch

from .cases import case


@case(
    "elementwise/example_elementwise_add.py",
    "elementwise_add",
    {
        "M": 100,
        "N": 72,
        "block_M": 32,
        "block_N": 32,
        "threads": 128,
        "in_dtype": "T.float32",
        "out_dtype": "T.float32",
    },
)
def sum_of_two(t):
    return {"C": t.A + t.B}


@case("online_softmax/online_softmax.py", "softmax_kernel", {"BLOCK_N": 128}, M=24, N=512)
def softmax(t):
    return {"Y": t.X.softmax(1)}


@case("norm/rms_norm.py", "rms_norm", {"M": 24, "N": 256, "blk_m": 1})
@case("norm/rms_norm.py", "rms_norm_splitk", {"M": 24, "N": 256, "blk_m": 4, "blk_k": 64})
def rms_norm(t):
    return {"B": t.A * (t.A.square().mean(-1, keepdim=True) + 1e-12).rsqrt()}


def normalized(x):
    mean, rstd = x.mean(-1), (x.var(-1, correction=0) + 1e-5).rsqrt()
    return mean, rstd, (x - mean.unsqueeze(-1)) * rstd.unsqueeze(-1)


@case("norm/layernorm.py", "_layernorm_fwd", {"N": 24, "D": 256})
def layer_norm(t):
    mean, rstd, unit = normalized(t.X)
    return {"Y": unit * t.gamma + t.beta, "Mean": mean, "Rstd": rstd}


def statistics():
    x = torch.randn(64, 256).bfloat16()
    mean, rstd, _ = normalized(x.double())
    return {"X": x, "Mean": mean.float(), "Rstd": rstd.float(), "DGamma": torch.zeros(256), "DBeta": torch.zeros(256)}


@case("norm/layernorm.py", "_layernorm_bwd", {"N": 64, "D": 256}, inputs=statistics)
def layer_norm_gradients(t):
    x, gamma = t.X.clone().requires_grad_(), t.gamma.clone().requires_grad_()
    y = torch.nn.functional.layer_norm(x, (256,), gamma, torch.zeros_like(gamma), 1e-5)
    dx, dgamma = torch.autograd.grad(y, (x, gamma), t.DY)
    return {"DX": dx, "DGamma": dgamma, "DBeta": t.DY.sum(0)}


def scaled_groups(x, size: int):
    groups = x.unflatten(-1, (-1, size))
    scale = groups.abs().amax(-1).clamp_min(1e-4) / 448
    return (groups / scale.unsqueeze(-1)).clamp(-448, 448).flatten(-2), scale


@case("cast/example_per_token_cast_to_fp8.py", "per_token_cast_to_fp8", {"M": 24, "N": 256, "blk_m": 8}, tolerance=0.04)
def cast_by_token(t):
    quantized, scale = scaled_groups(t.X, 128)
    return {"X_fp8": quantized, "X_amax": scale}


@case(
    "cast/example_group_per_split_token_cast_to_fp8.py",
    "group_per_split_token_cast_to_fp8",
    {"M": 40, "N": 256, "BG": 2, "M_max": 24, "blk_m": 8},
    inputs=lambda: {"batch_sizes": torch.tensor([24, 16], dtype=torch.int32)},
    tolerance=0.04,
)
def cast_by_group_and_token(t):
    quantized, scale = torch.zeros(2, 24, 256).double(), torch.zeros(2, 24, 2).double()
    for i, part in enumerate(t.X.split([24, 16])):
        quantized[i, : len(part)], scale[i, : len(part)] = scaled_groups(part, 128)
    return {"X_fp8": quantized, "X_amax": scale}


def activations():
    return {
        "x": torch.randn(48, 256).bfloat16(),
        "quant": torch.zeros(48, 256, dtype=torch.float8_e4m3fn),
        "scale": torch.zeros(48, 2),
    }


@case(
    "deepseek_v4/act_quant.py", "fp8_quant_kernel", {"N": 256, "round_scale": False}, inputs=activations, tolerance=0.04
)
@case(
    "deepseek_v4/act_quant.py",
    "fp8_quant_kernel",
    {"N": 256},
    inputs=activations,
    label="powers of two",
    tolerance=0.04,
)
def block_quantization(t):
    groups = t.x.unflatten(-1, (-1, 128))
    scale = groups.abs().amax(-1).clamp_min(1e-4) / 448
    if getattr(t, "round_scale", True):
        scale = 2.0 ** scale.log2().ceil()
    return {"quant": (groups / scale.unsqueeze(-1)).flatten(-2), "scale": scale}


@case("topk/example_topk.py", "tl_topk", {"M": 24, "N": 64, "topk": 6, "blk_m": 8})
def best(t):
    values, places = t.logits.topk(t.topk)
    return {"topk_gates": values, "topk_indices": places.int()}


HADAMARD = {"b": 4, "dtype": "T.float32"}


@case("hadamard_transform/example_hadamard.py", "hadamard", {**HADAMARD, "n": 256})
@case("hadamard_transform/example_hadamard.py", "hadamard", {**HADAMARD, "n": 2048}, label="several warps")
def hadamard(t):
    matrix = torch.ones(1, 1).double()
    while len(matrix) < t.n:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return {"B": t.A @ matrix}


def expert(x, gate, up, down):
    return (torch.nn.functional.silu(x @ gate.T) * (x @ up.T)) @ down.T


EXPERT = {"dhidden": 128, "dexpert": 64, "block_token": 64, "block_dhidden": 64, "block_dexpert": 64, "threads": 128}
MOE = "fusedmoe/example_fusedmoe_tilelang.py"


@case(
    MOE,
    "moe_forward_tilelang_shared",
    {**EXPERT, "num_tokens": 80, "dtype": "T.float16"},
    inputs=lambda: {"up_logits": torch.zeros(80, 64).half()},
)
def shared_expert(t):
    return {"output": expert(t.input, t.shared_W_gate, t.shared_W_up, t.shared_W_down)}


SIZES = (40, 64, 70)


def routing():
    offsets, padded, owner = [0], [0], []
    for i, size in enumerate(SIZES):
        tiles = -(-size // 64)
        offsets.append(offsets[-1] + size)
        padded.append(padded[-1] + tiles * 64)
        owner += [i] * tiles
    owner += [len(SIZES) - 1] * (math.ceil(sum(SIZES) / 64) + len(SIZES) - len(owner))
    table = {
        "group_sizes": SIZES,
        "group_offsets": offsets[:-1],
        "group_padded_offsets": padded[:-1],
        "group_idx_for_bx": owner,
    }
    found = {name: torch.tensor(values, dtype=torch.int32) for name, values in table.items()}
    return {**found, "up_logits": torch.zeros(sum(SIZES), 64).half()}


@case(
    MOE,
    "moe_forward_tilelang_routed",
    {**EXPERT, "n_routed_experts": 3, "group_sum": sum(SIZES), "group_count": 3, "dtype": "T.float16"},
    inputs=routing,
)
def routed_experts(t):
    weights = zip(t.routed_expert_gate, t.routed_expert_up, t.routed_expert_down, strict=True)
    out = torch.cat([expert(x, *w) for x, w in zip(t.input.split(SIZES), weights, strict=True)])
    return {"output": out * t.routed_expert_weights.unsqueeze(-1)}


def streams():
    return {
        "a": torch.randn(6, 4, 4),
        "b": torch.randn(6, 4, 256).bfloat16(),
        "c": torch.randn(6, 4),
        "d": torch.randn(6, 256).bfloat16(),
        "x": torch.zeros(6, 4, 256).bfloat16(),
    }


@case("deepseek_mhc/example_mhc_post.py", "mhc_post_tilelang", {"hc": 4, "hidden": 256, "h_blk": 128}, inputs=streams)
def mixed_streams(t):
    return {"x": t.c.unsqueeze(-1) * t.d.unsqueeze(1) + torch.einsum("nio,nih->noh", t.a, t.b)}


@case("rand/rand_uint.py", "tilelang_rand_1d", {"M": 256})
def random_bits(t):
    return {}
