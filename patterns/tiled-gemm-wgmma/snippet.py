"""Tiled matrix product on Hopper: C[M, N] = A[M, K] · B[K, N] + bias[N], float32 accumulation.

`kernel` is the fast form: persistent blocks, one producer warpgroup that issues TMA loads, two consumer
warpgroups that issue WGMMA. `pipelined` is the short form: the compiler builds the pipeline.
"""

import tilelang.language as T


def kernel(N, K, dtype, *, block_M=128, block_N=256, block_K=64, num_stages=4, group_M=16, num_sms=132):
    # M is dynamic: one compilation serves every M. Tile sizes, strides and loop counts stay compile-time constants.
    M = T.dynamic("M")
    k_tiles = (K + block_K - 1) // block_K
    n_tiles = (N + block_N - 1) // block_N
    # The output leaves through shared memory in column slices: 4 stages of (128 + 256) × 64 × 2 B are 192 KiB, a slice
    # of C 32 KiB more; the whole tile would pass the 227 KiB that a block may have. Slices are multiples of 64 columns.
    slice_N = 128 if block_N % 128 == 0 else 64

    @T.prim_func
    def main(
        A: T.Tensor((M, K), dtype),
        B: T.Tensor((K, N), dtype),
        bias: T.Tensor((N,), dtype),
        C: T.Tensor((M, N), dtype),
    ):
        # One block an SM walks its share of the tiles: loads of the next tile run under this tile's stores.
        with T.Kernel(num_sms, threads=384) as block:
            # The stage is the leading axis. Buffers that gemm reads get the swizzled layout WGMMA wants by themselves.
            A_s = T.alloc_shared((num_stages, block_M, block_K), dtype)
            B_s = T.alloc_shared((num_stages, block_K, block_N), dtype)
            C_s = T.alloc_shared((block_M, slice_N), dtype)
            acc = T.alloc_fragment((block_M, block_N), "float32")
            # full: 128 producer threads arrive, and TMA's bytes count too. empty: 256 consumer threads arrive.
            full = T.alloc_barrier([128] * num_stages)
            empty = T.alloc_barrier([256] * num_stages)
            m_tiles = T.ceildiv(M, block_M)
            my_tiles = T.alloc_var("int32", init=0)  # a loop's extent in a register: TileLang miscounts formulas
            my_tiles = T.ceildiv(m_tiles * n_tiles - block, num_sms)
            tx = T.get_thread_binding()

            # One if/else over the thread index. Two separate `if`s would get a __syncthreads between them and hang.
            if tx < 256:
                T.inc_max_nreg(240)  # the accumulator alone is 128 registers a thread
                for w in T.serial(my_tiles):
                    # Bands of group_M tile rows, walked column by column: A and B tiles are met again in L2.
                    tile = w * num_sms + block
                    band = tile // (group_M * n_tiles) * group_M
                    height = T.min(m_tiles - band, group_M)
                    by = band + tile % (group_M * n_tiles) % height
                    bx = tile % (group_M * n_tiles) // height
                    T.clear(acc)
                    for k in T.serial(k_tiles):
                        it = w * k_tiles + k  # counts on across tiles: stage and parity never restart
                        T.mbarrier_wait_parity(full[it % num_stages], (it // num_stages) % 2)
                        T.wgmma_gemm(
                            A_s[it % num_stages, :, :],
                            B_s[it % num_stages, :, :],
                            acc,
                            policy=T.GemmWarpPolicy.FullRow,  # 64 rows a warpgroup: m64n256, the widest instruction
                        )
                        # Keep one product in flight; the one before has finished, so its stage may be refilled.
                        T.wait_wgmma(1)
                        if k > 0:
                            T.mbarrier_arrive(empty[(it - 1) % num_stages])
                    T.wait_wgmma(0)
                    T.mbarrier_arrive(empty[(w * k_tiles + k_tiles - 1) % num_stages])
                    # Epilogue in float32, before the cast to the output dtype. The guard covers a ragged N.
                    for i, j in T.Parallel(block_M, block_N):
                        acc[i, j] += T.if_then_else(bx * block_N + j < N, bias[bx * block_N + j], 0)
                    for c in T.unroll(block_N // slice_N):
                        T.copy(acc[:, c * slice_N : (c + 1) * slice_N], C_s)
                        T.copy(C_s, C[by * block_M, bx * block_N + c * slice_N])  # TMA store clips ragged M and N
            else:
                T.dec_max_nreg(24)
                for w in T.serial(my_tiles):
                    tile = w * num_sms + block
                    band = tile // (group_M * n_tiles) * group_M
                    height = T.min(m_tiles - band, group_M)
                    by = band + tile % (group_M * n_tiles) % height
                    bx = tile % (group_M * n_tiles) // height
                    for k in T.serial(k_tiles):
                        it = w * k_tiles + k
                        # The + 1 lets the first round through: nothing has been consumed yet.
                        T.mbarrier_wait_parity(empty[it % num_stages], (it // num_stages + 1) % 2)
                        # Always whole tiles: TMA fills what lies outside M, N or K with zeros, which add nothing.
                        T.tma_copy(
                            A[by * block_M : (by + 1) * block_M, k * block_K : (k + 1) * block_K],
                            A_s[it % num_stages, :, :],
                            barrier=full[it % num_stages],
                        )
                        T.tma_copy(
                            B[k * block_K : (k + 1) * block_K, bx * block_N : (bx + 1) * block_N],
                            B_s[it % num_stages, :, :],
                            barrier=full[it % num_stages],
                        )
                        T.mbarrier_arrive(full[it % num_stages])

    return main


def pipelined(N, K, dtype, *, block_M=128, block_N=256, block_K=64, num_stages=4, threads=256, panel=10):
    M = T.dynamic("M")

    @T.prim_func
    def main(
        A: T.Tensor((M, K), dtype),
        B: T.Tensor((K, N), dtype),
        bias: T.Tensor((N,), dtype),
        C: T.Tensor((M, N), dtype),
    ):
        with T.Kernel(T.ceildiv(N, block_N), T.ceildiv(M, block_M), threads=threads) as (bx, by):
            A_s = T.alloc_shared((block_M, block_K), dtype)
            B_s = T.alloc_shared((block_K, block_N), dtype)
            C_s = T.alloc_shared((block_M, block_N), dtype)
            acc = T.alloc_fragment((block_M, block_N), "float32")
            T.use_swizzle(panel)
            T.clear(acc)  # gemm adds to what is there
            for k in T.Pipelined(T.ceildiv(K, block_K), num_stages=num_stages):
                T.copy(A[by * block_M, k * block_K], A_s)
                T.copy(B[k * block_K, bx * block_N], B_s)
                T.gemm(A_s, B_s, acc)
            for i, j in T.Parallel(block_M, block_N):
                acc[i, j] += T.if_then_else(bx * block_N + j < N, bias[bx * block_N + j], 0)
            T.copy(acc, C_s)
            T.copy(C_s, C[by * block_M, bx * block_N])

    return main
