"""Attention with an online softmax: [B, H, S, D] layout, causal, each query sees the last `window` keys.

Query i stands at key position i + Sk − Sq (the ends are aligned), with Sk ≥ Sq. `kernel` is the fast form: a producer
warpgroup issues TMA loads, two consumer warpgroups run Q·Kᵀ of one block under the softmax of the one before.
`pipelined` is the short form.
"""

import math

import tilelang.language as T


def kernel(B, H, HK, D, window, dtype, *, block_M=128, block_N=128, num_stages=2, num_sms=132):
    Sq, Sk = T.dynamic("Sq, Sk")
    # exp2 is one instruction, exp is two: log2(e) goes into the scale.
    scale = math.log2(math.e) / math.sqrt(D)
    # s * scale - m is fused, rounded once. Over a maximum rounded down it would exceed 0: at scores of 2^31 by 128, and
    # exp2 of that is infinite. So m is rounded up, by at most this share.
    up = 2.0**-23
    rows = T.GemmWarpPolicy.FullRow  # a row's scores stay in one warpgroup: row reductions are four-lane shuffles

    @T.prim_func
    def main(
        Q: T.Tensor((B, H, Sq, D), dtype),
        K: T.Tensor((B, HK, Sk, D), dtype),
        V: T.Tensor((B, HK, Sk, D), dtype),
        Out: T.Tensor((B, H, Sq, D), dtype),
    ):
        # One block an SM walks (query block, batch, head) tiles: loads of the next tile run under this tile's end.
        with T.Kernel(num_sms, threads=384) as block:
            Q_s = T.alloc_shared((block_M, D), dtype)
            K_s = T.alloc_shared((num_stages, block_N, D), dtype)
            V_s = T.alloc_shared((num_stages, block_N, D), dtype)
            O_s = T.alloc_shared((block_M, D), dtype)
            s = T.alloc_fragment((block_M, block_N), "float32")
            p = T.alloc_fragment((block_M, block_N), dtype)
            o = T.alloc_fragment((block_M, D), "float32")
            m = T.alloc_fragment((block_M,), "float32")
            m_new = T.alloc_fragment((block_M,), "float32")
            alpha = T.alloc_fragment((block_M,), "float32")
            part = T.alloc_fragment((block_M,), "float32")
            total = T.alloc_fragment((block_M,), "float32")
            # full: 128 producer threads arrive, and TMA's bytes count too. free: 256 consumer threads arrive.
            q_full = T.alloc_barrier(128)
            q_free = T.alloc_barrier(256)
            k_full = T.alloc_barrier([128] * num_stages)
            v_full = T.alloc_barrier([128] * num_stages)
            k_free = T.alloc_barrier([256] * num_stages)
            v_free = T.alloc_barrier([256] * num_stages)
            # Blocks of K and V consumed and issued so far, over all tiles: stage and parity never restart.
            used = T.alloc_var("int32", init=0)
            sent = T.alloc_var("int32", init=0)

            off = Sk - Sq
            q_blocks = T.ceildiv(Sq, block_M)
            # A loop's extent is a register, not a formula: TileLang counts the threads that meet at a barrier inside by
            # what encloses it, and gives up ("required shared-memory sync inside a divergent region") on long formulas.
            my_tiles = T.alloc_var("int32", init=0)
            my_tiles = T.ceildiv(q_blocks * B * H - block, num_sms)
            tx = T.get_thread_binding()

            # One if/else over the thread index. Two separate `if`s would get a __syncthreads between them and hang.
            if tx < 256:
                T.inc_max_nreg(240)
                for w in T.serial(my_tiles):
                    # Query blocks vary slowest, the last first: late rows see more keys, and long tiles must not be
                    # left for the end. Heads vary fastest: tiles that run together share K and V in L2.
                    tile = w * num_sms + block
                    i0 = (q_blocks - 1 - tile // (B * H)) * block_M
                    b = tile // H % B
                    h = tile % H
                    # Blocks of keys wholly above the diagonal or before the window are never visited.
                    hi = T.min(T.ceildiv(Sk, block_N), T.ceildiv(i0 + block_M + off, block_N))
                    lo = T.max(i0 + off - window + 1, 0) // block_N
                    T.clear(o)
                    T.mbarrier_wait_parity(q_full, w % 2)

                    # First the last block: it holds the diagonal and the ragged end of Sk, so it is always masked.
                    T.mbarrier_wait_parity(k_full[used % num_stages], (used // num_stages) % 2)
                    T.wgmma_gemm(Q_s, K_s[used % num_stages, :, :], s, transpose_B=True, clear_accum=True, policy=rows)
                    T.wait_wgmma(0)
                    T.mbarrier_arrive(k_free[used % num_stages])
                    for i, j in T.Parallel(block_M, block_N):
                        s[i, j] = T.if_then_else(
                            (hi - 1) * block_N + j > T.min(Sk - 1, i0 + i + off)
                            or (hi - 1) * block_N + j <= i0 + i + off - window,
                            -T.infinity("float32"),
                            s[i, j],
                        )
                    T.reduce_max(s, m_new, dim=1)
                    for i in T.Parallel(block_M):
                        # A finite floor, not −inf: −inf − (−inf) would be NaN on a row that a block masks wholly.
                        m[i] = T.max(m_new[i] * scale, -1e30)
                        m[i] += T.abs(m[i]) * up
                    for i, j in T.Parallel(block_M, block_N):
                        s[i, j] = T.exp2(s[i, j] * scale - m[i])
                    T.reduce_sum(s, total, dim=1)
                    T.copy(s, p)  # the cast to 16 bits; p feeds the second product from registers

                    for k in T.serial(1, hi - lo):
                        n = used + k
                        # Two products in flight: Q·Kᵀ of this block, then P·V of the one before.
                        T.mbarrier_wait_parity(k_full[n % num_stages], (n // num_stages) % 2)
                        T.wgmma_gemm(Q_s, K_s[n % num_stages, :, :], s, transpose_B=True, clear_accum=True, policy=rows)
                        T.mbarrier_wait_parity(v_full[(n - 1) % num_stages], ((n - 1) // num_stages) % 2)
                        T.wgmma_gemm(p, V_s[(n - 1) % num_stages, :, :], o, policy=rows)
                        T.wait_wgmma(1)  # the older one, Q·Kᵀ, is done; P·V runs under the softmax below
                        T.mbarrier_arrive(k_free[n % num_stages])
                        # Mask only blocks that cross the diagonal or the window's edge: the test is uniform in a block.
                        if (hi - k) * block_N > i0 + off + 1 or (hi - 1 - k) * block_N < i0 + block_M + off - window:
                            for i, j in T.Parallel(block_M, block_N):
                                s[i, j] = T.if_then_else(
                                    (hi - 1 - k) * block_N + j > T.min(Sk - 1, i0 + i + off)
                                    or (hi - 1 - k) * block_N + j <= i0 + i + off - window,
                                    -T.infinity("float32"),
                                    s[i, j],
                                )
                        T.reduce_max(s, m_new, dim=1)
                        for i in T.Parallel(block_M):
                            m_new[i] = T.max(m_new[i] * scale, -1e30)
                            m_new[i] = T.max(m[i], m_new[i] + T.abs(m_new[i]) * up)
                            alpha[i] = T.exp2(m[i] - m_new[i])
                            m[i] = m_new[i]
                        for i, j in T.Parallel(block_M, block_N):
                            s[i, j] = T.exp2(s[i, j] * scale - m[i])
                        T.reduce_sum(s, part, dim=1)
                        for i in T.Parallel(block_M):
                            total[i] = total[i] * alpha[i] + part[i]
                        T.wait_wgmma(0)  # before o and p are touched
                        T.mbarrier_arrive(v_free[(n - 1) % num_stages])
                        for i, j in T.Parallel(block_M, D):
                            o[i, j] *= alpha[i]
                        T.copy(s, p)

                    T.mbarrier_arrive(q_free)
                    used += hi - lo
                    T.mbarrier_wait_parity(v_full[(used - 1) % num_stages], ((used - 1) // num_stages) % 2)
                    T.wgmma_gemm(p, V_s[(used - 1) % num_stages, :, :], o, policy=rows)
                    T.wait_wgmma(0)
                    T.mbarrier_arrive(v_free[(used - 1) % num_stages])
                    # One reciprocal a row, not a division an element: an IEEE division is a call of its own.
                    for i in T.Parallel(block_M):
                        total[i] = 1.0 / T.max(total[i], 1e-30)  # rows past Sq may have summed nothing
                    for i, j in T.Parallel(block_M, D):
                        o[i, j] *= total[i]
                    T.copy(o, O_s)
                    T.copy(O_s, Out[b, h, i0 : i0 + block_M, :])  # TMA store: rows past Sq are clipped
            else:
                T.dec_max_nreg(24)
                for w in T.serial(my_tiles):
                    tile = w * num_sms + block
                    i0 = (q_blocks - 1 - tile // (B * H)) * block_M
                    b = tile // H % B
                    h = tile % H
                    hk = h // (H // HK)  # grouped queries: H // HK heads read one head of K and V
                    hi = T.min(T.ceildiv(Sk, block_N), T.ceildiv(i0 + block_M + off, block_N))
                    lo = T.max(i0 + off - window + 1, 0) // block_N
                    T.mbarrier_wait_parity(q_free, (w + 1) % 2)  # the + 1 lets the first round through
                    T.tma_copy(Q[b, h, i0 : i0 + block_M, :], Q_s, barrier=q_full)
                    T.mbarrier_arrive(q_full)
                    for k in T.serial(hi - lo):
                        n = sent + k
                        T.mbarrier_wait_parity(k_free[n % num_stages], (n // num_stages + 1) % 2)
                        T.tma_copy(
                            K[b, hk, (hi - 1 - k) * block_N : (hi - k) * block_N, :],
                            K_s[n % num_stages, :, :],
                            barrier=k_full[n % num_stages],
                        )
                        T.mbarrier_arrive(k_full[n % num_stages])
                        T.mbarrier_wait_parity(v_free[n % num_stages], (n // num_stages + 1) % 2)
                        # Rows past Sk come as zeros: p is 0 there, and 0 · 0 adds nothing (0 · NaN would).
                        T.tma_copy(
                            V[b, hk, (hi - 1 - k) * block_N : (hi - k) * block_N, :],
                            V_s[n % num_stages, :, :],
                            barrier=v_full[n % num_stages],
                        )
                        T.mbarrier_arrive(v_full[n % num_stages])
                    sent += hi - lo

    return main


def pipelined(B, H, HK, D, window, dtype, *, block_M=128, block_N=128, num_stages=2, threads=256):
    Sq, Sk = T.dynamic("Sq, Sk")
    scale = math.log2(math.e) / math.sqrt(D)
    up = 2.0**-23
    rows = T.GemmWarpPolicy.FullRow

    @T.prim_func
    def main(
        Q: T.Tensor((B, H, Sq, D), dtype),
        K: T.Tensor((B, HK, Sk, D), dtype),
        V: T.Tensor((B, HK, Sk, D), dtype),
        Out: T.Tensor((B, H, Sq, D), dtype),
    ):
        with T.Kernel(H, B, T.ceildiv(Sq, block_M), threads=threads) as (h, b, qb):
            Q_s = T.alloc_shared((block_M, D), dtype)
            K_s = T.alloc_shared((block_N, D), dtype)
            V_s = T.alloc_shared((block_N, D), dtype)
            O_s = T.alloc_shared((block_M, D), dtype)
            s = T.alloc_fragment((block_M, block_N), "float32")
            p = T.alloc_fragment((block_M, block_N), dtype)
            o = T.alloc_fragment((block_M, D), "float32")
            m = T.alloc_fragment((block_M,), "float32")
            m_new = T.alloc_fragment((block_M,), "float32")
            alpha = T.alloc_fragment((block_M,), "float32")
            part = T.alloc_fragment((block_M,), "float32")
            total = T.alloc_fragment((block_M,), "float32")
            i0 = (T.ceildiv(Sq, block_M) - 1 - qb) * block_M
            off = Sk - Sq
            hk = h // (H // HK)
            hi = T.min(T.ceildiv(Sk, block_N), T.ceildiv(i0 + block_M + off, block_N))
            lo = T.max(i0 + off - window + 1, 0) // block_N
            T.copy(Q[b, h, i0 : i0 + block_M, :], Q_s)
            T.clear(o)
            T.clear(total)
            T.fill(m, -1e30)
            for k in T.Pipelined(hi - lo, num_stages=num_stages):
                T.copy(K[b, hk, (lo + k) * block_N : (lo + k + 1) * block_N, :], K_s)
                T.copy(V[b, hk, (lo + k) * block_N : (lo + k + 1) * block_N, :], V_s)
                T.clear(s)
                T.gemm(Q_s, K_s, s, transpose_B=True, policy=rows)
                for i, j in T.Parallel(block_M, block_N):
                    s[i, j] = T.if_then_else(
                        (lo + k) * block_N + j > T.min(Sk - 1, i0 + i + off)
                        or (lo + k) * block_N + j <= i0 + i + off - window,
                        -T.infinity("float32"),
                        s[i, j],
                    )
                T.reduce_max(s, m_new, dim=1)
                for i in T.Parallel(block_M):
                    m_new[i] = T.max(m_new[i] * scale, -1e30)
                    m_new[i] = T.max(m[i], m_new[i] + T.abs(m_new[i]) * up)
                    alpha[i] = T.exp2(m[i] - m_new[i])
                    m[i] = m_new[i]
                for i, j in T.Parallel(block_M, block_N):
                    s[i, j] = T.exp2(s[i, j] * scale - m[i])
                T.reduce_sum(s, part, dim=1)
                for i in T.Parallel(block_M):
                    total[i] = total[i] * alpha[i] + part[i]
                for i, j in T.Parallel(block_M, D):
                    o[i, j] *= alpha[i]
                T.copy(s, p)
                T.gemm(p, V_s, o, policy=rows)
            for i in T.Parallel(block_M):
                total[i] = 1.0 / T.max(total[i], 1e-30)
            for i, j in T.Parallel(block_M, D):
                o[i, j] *= total[i]
            T.copy(o, O_s)
            T.copy(O_s, Out[b, h, i0 : i0 + block_M, :])

    return main
