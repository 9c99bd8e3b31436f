"""Flash attention forward: online softmax, causal bounds, grouped heads, dynamic lengths."""

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import build, translate

BATCH, HEADS, KV_HEADS, DIM = 2, 4, 2, 32
TILE_Q, TILE_K = 32, 32


def flash_attention(causal: bool, dtype: str):
    sq, sk = T.dynamic("sq"), T.dynamic("sk")
    scale = DIM**-0.5 * 1.4426950408889634
    shape_q, shape_k = (BATCH, sq, HEADS, DIM), (BATCH, sk, KV_HEADS, DIM)

    @T.prim_func
    def kernel(
        Q: T.Tensor(shape_q, dtype),
        K: T.Tensor(shape_k, dtype),
        V: T.Tensor(shape_k, dtype),
        O: T.Tensor(shape_q, dtype),  # noqa: E741
    ):
        with T.Kernel(T.ceildiv(sq, TILE_Q), HEADS, BATCH, threads=128) as (bx, by, bz):
            q = T.alloc_shared((TILE_Q, DIM), dtype)
            k = T.alloc_shared((TILE_K, DIM), dtype)
            v = T.alloc_shared((TILE_K, DIM), dtype)
            s = T.alloc_fragment((TILE_Q, TILE_K), "float32")
            p = T.alloc_fragment((TILE_Q, TILE_K), dtype)
            o = T.alloc_fragment((TILE_Q, DIM), "float32")
            top = T.alloc_fragment((TILE_Q,), "float32")
            old = T.alloc_fragment((TILE_Q,), "float32")
            factor = T.alloc_fragment((TILE_Q,), "float32")
            part = T.alloc_fragment((TILE_Q,), "float32")
            total = T.alloc_fragment((TILE_Q,), "float32")
            T.copy(Q[bz, bx * TILE_Q : (bx + 1) * TILE_Q, by, :], q)
            T.clear(o)
            T.clear(total)
            T.fill(top, -T.infinity("float32"))
            tiles = T.ceildiv(sk, TILE_K)
            last = T.min(tiles, T.ceildiv((bx + 1) * TILE_Q + sk - sq, TILE_K)) if causal else tiles
            for t in T.Pipelined(last, num_stages=2):
                T.copy(K[bz, t * TILE_K : (t + 1) * TILE_K, by // (HEADS // KV_HEADS), :], k)
                for i, j in T.Parallel(TILE_Q, TILE_K):
                    column, row = t * TILE_K + j, bx * TILE_Q + i + sk - sq
                    visible = T.And(column < sk, column <= row) if causal else column < sk
                    s[i, j] = T.if_then_else(visible, 0, -T.infinity("float32"))
                T.gemm(q, k, s, transpose_B=True, policy=T.GemmWarpPolicy.FullRow)
                T.copy(V[bz, t * TILE_K : (t + 1) * TILE_K, by // (HEADS // KV_HEADS), :], v)
                T.copy(top, old)
                T.reduce_max(s, top, dim=1, clear=False)
                for i in T.Parallel(TILE_Q):
                    factor[i] = T.exp2((old[i] - top[i]) * scale)
                for i, j in T.Parallel(TILE_Q, TILE_K):
                    s[i, j] = T.exp2((s[i, j] - top[i]) * scale)
                T.reduce_sum(s, part, dim=1)
                T.copy(s, p)
                for i in T.Parallel(TILE_Q):
                    total[i] = total[i] * factor[i] + part[i]
                for i, j in T.Parallel(TILE_Q, DIM):
                    o[i, j] *= factor[i]
                T.gemm(p, v, o, policy=T.GemmWarpPolicy.FullRow)
            for i, j in T.Parallel(TILE_Q, DIM):
                o[i, j] /= total[i]
            T.copy(o, O[bz, bx * TILE_Q : (bx + 1) * TILE_Q, by, :])

    return kernel


def expected(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> torch.Tensor:
    mask = torch.ones(q.shape[1], k.shape[1]).tril(k.shape[1] - q.shape[1]).bool() if causal else None
    q, k, v = (x.double().transpose(1, 2) for x in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True).transpose(1, 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("causal", [True, False])
def test_flash_attention(causal: bool, dtype: torch.dtype) -> None:
    kernel = build(translate(flash_attention(causal, str(dtype)[6:])))
    for sq, sk in ((1, 70), (50, 50), (33, 97)):
        q = torch.randn(BATCH, sq, HEADS, DIM).to(dtype)
        k, v = (torch.randn(BATCH, sk, KV_HEADS, DIM).to(dtype) for _ in range(2))
        o = torch.full_like(q, torch.nan)
        assert kernel.run([q, k, v, o]).ok
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(o.double(), expected(q, k, v, causal), rtol=2 * eps, atol=2 * eps)
