"""Linear attention by chunks: plain, with decay, gated, state-space."""

from __future__ import annotations

import torch

from .cases import case
from .softmax import swap

HEADS = {"B": 1, "S": 128, "H": 2, "DK": 64, "DV": 64}


def causal_product(q, k, v, decay=None):
    """Σ over s ≤ t of (q_t · k_s) v_s, times decay ** (t − s) of each head: q, k, v as (B, S, H, D)."""
    q, k, v = swap(q), swap(k), swap(v)
    length = q.shape[2]
    steps = (torch.arange(length).unsqueeze(1) - torch.arange(length)).double()
    weights = (q @ k.transpose(-1, -2)).masked_fill(steps < 0, 0)
    if decay is not None:
        weights = weights * decay.view(-1, 1, 1) ** steps.clamp_min(0)
    return swap(weights @ v)


def a_sum():
    return {"O": torch.zeros(1, 128, 2, 64)}


@case("linear_attention/example_linear_attn_fwd.py", "tl_fused_chunk_fwd_kernel", HEADS, inputs=a_sum)
def linear_attention(t):
    state = torch.einsum("bshk,bshv->bhkv", t.K, t.V)
    return {"O": causal_product(t.Q * t.DK**-0.5, t.K, t.V), "final_state": state}


@case(
    "linear_attention/example_linear_attn_bwd.py",
    "tl_fused_chunk_bwd_kernel",
    HEADS,
    inputs=lambda: {name: torch.zeros(1, 128, 2, 64) for name in ("dQ", "dK", "dV")},
)
def linear_attention_gradients(t):
    leaves = [x.clone().requires_grad_() for x in (t.Q, t.K, t.V)]
    out = causal_product(leaves[0] * t.DK**-0.5, *leaves[1:])
    return dict(zip(("dQ", "dK", "dV"), torch.autograd.grad(out, leaves, t.dO), strict=True))


@case("linear_attention/example_retention_fwd.py", "chunk_retention_fwd_kernel", HEADS, tolerance=0.02)
def retention(t):
    decay = 1 - 2.0 ** (-5.0 - torch.arange(t.H).double())
    return {"O": causal_product(t.Q * t.DK**-0.5, t.K, t.V, decay).unsqueeze(0)}


MAMBA = {
    "batch": 1,
    "seqlen": 256,
    "chunk_size": 128,
    "ngroups": 1,
    "nheads": 2,
    "headdim": 64,
    "dstate": 128,
    "block_M": 64,
    "block_N": 64,
    "block_K": 64,
}


def decays():
    """Cumulative sums of negative steps, of the size that training gives."""
    return {"dA_cumsum": -torch.rand(1, 2, 2, 128).mul(0.1).cumsum(-1).half()}


def in_chunks(x):
    return x.unflatten(1, (2, 128))


@case("linear_attention/example_mamba_chunk_scan.py", "chunk_scan_fwd", MAMBA, inputs=decays)
def chunk_scan(t):
    a = t.dA_cumsum
    weights = t.cb.repeat_interleave(2, 2).permute(0, 2, 1, 3, 4) * (a.unsqueeze(-1) - a.unsqueeze(-2)).exp()
    weights = (weights * t.dt.unsqueeze(-2)).tril()
    x, c = in_chunks(t.x), in_chunks(t.C.repeat_interleave(2, 2))
    inside = torch.einsum("bhcls,bcshp->bclhp", weights, x)
    before = torch.einsum("bclhn,bchpn,bhcl->bclhp", c, t.prev_states, a.exp())
    return {"Output": (inside + before + x * t.D.view(2, 1)).flatten(1, 2)}


@case("linear_attention/example_mamba_chunk_state.py", "chunk_state_fwd", MAMBA, inputs=decays)
def chunk_state(t):
    b = in_chunks(t.B.repeat_interleave(2, 2))
    scale = (t.dA_cumsum[..., -1:] - t.dA_cumsum).exp() * t.dt
    return {"Output": torch.einsum("bclhn,bhcl,bclhp->bchpn", b, scale, in_chunks(t.x))}


BF16 = {
    "input_dtype": "T.bfloat16",
    "output_dtype": "T.bfloat16",
    "accum_dtype": "T.float32",
    "gate_dtype": "T.float32",
}
CHUNK = {**HEADS, **BF16, "chunk_size": 64}


def gates(length: int = 128, width: tuple[int, ...] = ()):
    """Sums of negative steps within each chunk of 64."""
    steps = -torch.rand(1, length // 64, 64, 2, *width).mul(0.1)
    return steps.cumsum(2).flatten(1, 2)


def gated():
    return {"G": gates()}


def by_chunk(x):
    """(B, S, H, …) → (B, chunks, H, 64, …)."""
    return x.unflatten(1, (-1, 64)).transpose(2, 3)


def whole(x):
    return x.transpose(2, 3).flatten(1, 2).contiguous()


@case("gdn/example_chunk_o.py", "tilelang_chunk_fwd_o", {**CHUNK, "scale": 0.125, "use_g": True}, inputs=gated)
@case(
    "gdn/example_chunk_o.py",
    "tilelang_chunk_fwd_o",
    {**CHUNK, "scale": 0.125, "use_g": False},
    label="no gate",
    inputs=gated,
)
def chunk_output(t):
    q, k, v, g = (by_chunk(x) for x in (t.Q, t.K, t.V, t.G))
    weights = (q @ k.transpose(-1, -2)).tril()
    before = q @ t.HIDDEN
    if t.use_g:
        weights = weights * (g.unsqueeze(-1) - g.unsqueeze(-2)).exp()
        before = before * g.exp().unsqueeze(-1)
    return {"O": whole((weights @ v + before) * t.scale)}


KKT = {key: CHUNK[key] for key in ("B", "S", "H", "DK", "chunk_size", "input_dtype", "output_dtype", "accum_dtype")}


@case("gdn/example_chunk_scaled_dot_kkt.py", "tilelang_chunk_scaled_dot_kkt_fwd", {**KKT, "use_g": True}, inputs=gated)
def scaled_products_of_keys(t):
    k, beta, g = (by_chunk(x) for x in (t.K, t.Beta, t.G))
    weights = (k * beta.unsqueeze(-1)) @ k.transpose(-1, -2) * (g.unsqueeze(-1) - g.unsqueeze(-2)).exp()
    return {"A": whole(weights.tril(-1))}


SUMS = {"B": 1, "S": 128, "H": 2, "input_dtype": "T.float32", "output_dtype": "T.float32"}


@case("gdn/example_cumsum.py", "tilelang_chunk_local_cumsum_scalar", SUMS)
@case("gdn/example_cumsum.py", "tilelang_chunk_local_cumsum_scalar", {**SUMS, "reverse": True}, label="reverse")
@case(
    "gdn/example_cumsum.py",
    "tilelang_chunk_local_cumsum_scalar",
    {**SUMS, "head_first": True, "use_fragment": True},
    label="fragment",
)
def sums_within_chunks(t):
    axis = 2 if getattr(t, "head_first", False) else 1
    g = t.G.unflatten(axis, (-1, 64))
    sums = g.flip(axis + 1).cumsum(axis + 1).flip(axis + 1) if getattr(t, "reverse", False) else g.cumsum(axis + 1)
    return {"G_new": sums.flatten(axis, axis + 1)}


@case("gdn/example_wy_fast.py", "tilelang_recompute_w_u_fwd", CHUNK, inputs=gated)
def rebuilt_w_and_u(t):
    k, v, beta, g, a = (by_chunk(x) for x in (t.K, t.V, t.Beta, t.G, t.A))
    return {
        "U": whole(a @ (v * beta.unsqueeze(-1))),
        "W": whole(a @ (k * (beta * g.exp()).unsqueeze(-1))),
    }


STATE = {
    **CHUNK,
    "state_dtype": "T.float32",
    "use_initial_state": True,
    "store_final_state": True,
    "save_new_value": True,
    "block_DK": 64,
    "block_DV": 32,
}


def small_keys(**others):
    """Keys of unit length, so that the recurrence does not grow."""

    def inputs():
        keys = {
            name: torch.nn.functional.normalize(torch.randn(1, 128, 2, 64), dim=-1).bfloat16() for name in ("K", "W")
        }
        return {**keys, **{name: make() for name, make in others.items()}}

    return inputs


@case(
    "gdn/example_chunk_delta_h.py",
    "tilelang_chunk_gated_delta_rule_fwd_h",
    {**STATE, "use_g": True},
    inputs=small_keys(G=gates),
)
def gated_delta_states(t):
    k, w, u, g = (by_chunk(x) for x in (t.K, t.W, t.U, t.G))
    state, states, values = t.initial_state, [], []
    for i in range(2):
        states.append(state)
        new = u[:, i] - w[:, i] @ state
        values.append(new)
        last = g[:, i, :, -1:]
        scaled = new * (last - g[:, i]).exp().unsqueeze(-1)
        state = state * last.exp().unsqueeze(-1) + k[:, i].transpose(-1, -2) @ scaled
    return {"h": torch.stack(states, 1), "final_state": state, "V_new": whole(torch.stack(values, 1))}


KDA = {**CHUNK, "output_dtype": "T.bfloat16"}


def gates_of_keys():
    return gates(width=(64,))


@case("kda/chunk_o.py", "tilelang_chunk_fwd_o", {**KDA, "scale": 0.125}, inputs=lambda: {"GK": gates_of_keys()})
def chunk_output_by_key(t):
    q, v, g, a = (by_chunk(x) for x in (t.Q, t.V, t.GK, t.A))
    return {"O": whole((q * t.scale * 2.0**g) @ t.HIDDEN + a.tril() @ v)}


@case(
    "kda/wy_fast.py",
    "tilelang_recompute_w_u_fwd",
    {**KDA, "use_qg": False, "use_kg": True},
    inputs=lambda: {"G": gates_of_keys()},
)
def rebuilt_w_u_and_keys(t):
    k, v, beta, g, a = (by_chunk(x) for x in (t.K, t.V, t.Beta, t.G, t.A))
    return {
        "U": whole(a @ (v * beta.unsqueeze(-1))),
        "W": whole(a @ (k * beta.unsqueeze(-1) * 2.0**g)),
        "KG": whole(k * 2.0 ** (g[..., -1:, :] - g)),
    }


LOCAL = {
    "B": 1,
    "S": 128,
    "H": 2,
    "DV": 64,
    "chunk_size": 64,
    "block_DV": 64,
    "input_dtype": "T.bfloat16",
}


@case(
    "kda/chunk_bwd_dv.py",
    "tilelang_chunk_bwd_kernel_dv_local",
    {**LOCAL, "do_dtype": "T.bfloat16", "output_dtype": "T.bfloat16"},
)
def local_gradient_of_values(t):
    return {"dv": whole(by_chunk(t.A).tril().transpose(-1, -2) @ by_chunk(t.DO))}


@case(
    "kda/chunk_bwd_gla_dA.py",
    "tilelang_chunk_bwd_kernel_dv_local",
    {**LOCAL, "do_dtype": "T.bfloat16", "da_dtype": "T.float32", "scale": 0.125},
)
def local_gradient_of_weights(t):
    return {"dA": whole((by_chunk(t.DO) @ by_chunk(t.V).transpose(-1, -2)).tril() * t.scale)}
