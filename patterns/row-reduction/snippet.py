"""Reduction along rows, then a pass over the same rows: layer normalization, y = (x − mean) / sqrt(var + eps) · g + b.

`kernel` reads each row once and keeps it in registers. `long_rows` is for rows that do not fit: it reads them in
chunks, twice, the second time from L2.
"""

import tilelang.language as T


def kernel(N, dtype, *, block_M=None, threads=128, eps=1e-5):
    # All leading axes are one dynamic M: the caller flattens them.
    M = T.dynamic("M")
    # A reduced width is a power of two, or a multiple of 8 × threads: eight 16-bit elements are one 16-byte load.
    # The columns past N are guarded twice: they must add nothing to the sums, and must not be stored.
    W = 1 << (N - 1).bit_length() if 8 * threads > N else -(-N // (8 * threads)) * 8 * threads
    # About 32 elements a thread: enough loads in flight, few enough registers for many blocks an SM.
    block_M = block_M or max(1, 32 * threads // W)

    @T.prim_func
    def main(
        X: T.Tensor((M, N), dtype),
        G: T.Tensor((N,), dtype),
        Bias: T.Tensor((N,), dtype),
        Y: T.Tensor((M, N), dtype),
    ):
        with T.Kernel(T.ceildiv(M, block_M), threads=threads) as bx:
            # The row stays in its 16-bit dtype (half the registers); the statistics are float32.
            x = T.alloc_fragment((block_M, W), dtype)
            t = T.alloc_fragment((block_M, W), "float32")
            mean = T.alloc_fragment((block_M,), "float32")
            rstd = T.alloc_fragment((block_M,), "float32")

            # Consecutive j go to one thread by eights: 16-byte loads. All of a thread's loads are in flight at once.
            for i, j in T.Parallel(block_M, W):
                x[i, j] = T.if_then_else(bx * block_M + i < M and j < N, X[bx * block_M + i, j], T.cast(0, dtype))
            for i, j in T.Parallel(block_M, W):
                t[i, j] = T.cast(x[i, j], "float32")
            T.reduce_sum(t, mean, dim=1)  # clear=True is the default: mean needs no fill
            for i in T.Parallel(block_M):
                mean[i] = mean[i] / N  # N, not W
            # Two passes over registers, not E[x²] − E[x]²: that difference cancels when |mean| ≫ sigma.
            # A padded column would add mean², so it is masked here too.
            for i, j in T.Parallel(block_M, W):
                t[i, j] = T.if_then_else(j < N, T.cast(x[i, j], "float32") - mean[i], 0.0)
            for i, j in T.Parallel(block_M, W):
                t[i, j] = t[i, j] * t[i, j]
            T.reduce_sum(t, rstd, dim=1)
            for i in T.Parallel(block_M):
                rstd[i] = T.rsqrt(rstd[i] / N + eps)
            # G and Bias come straight from L2: they are the same for every row. One cast, at the very end.
            for i, j in T.Parallel(block_M, W):
                if bx * block_M + i < M and j < N:
                    Y[bx * block_M + i, j] = T.cast(
                        (T.cast(x[i, j], "float32") - mean[i]) * rstd[i] * T.cast(G[j], "float32")
                        + T.cast(Bias[j], "float32"),
                        dtype,
                    )

    return main


def long_rows(N, dtype, *, chunk=8192, threads=256, eps=1e-5):
    M = T.dynamic("M")

    @T.prim_func
    def main(
        X: T.Tensor((M, N), dtype),
        G: T.Tensor((N,), dtype),
        Bias: T.Tensor((N,), dtype),
        Y: T.Tensor((M, N), dtype),
    ):
        with T.Kernel(M, threads=threads) as row:
            x = T.alloc_fragment((chunk,), "float32")
            part = T.alloc_fragment((1,), "float32")
            mean = T.alloc_fragment((1,), "float32")
            m2 = T.alloc_fragment((1,), "float32")
            delta = T.alloc_fragment((1,), "float32")
            T.clear(mean)
            T.clear(m2)
            # Each chunk's mean and squared deviations are merged into the running ones (Chan's formula), which does not
            # cancel. c * chunk elements came before; `size` is this chunk's true length.
            for c in T.serial(T.ceildiv(N, chunk)):
                size = T.min(chunk, N - c * chunk)
                for j in T.Parallel(chunk):
                    x[j] = T.if_then_else(c * chunk + j < N, T.cast(X[row, c * chunk + j], "float32"), 0.0)
                T.reduce_sum(x, part, dim=0)
                for i in T.Parallel(1):
                    delta[i] = part[i] / size
                for j in T.Parallel(chunk):
                    x[j] = T.if_then_else(c * chunk + j < N, (x[j] - delta[0]) * (x[j] - delta[0]), 0.0)
                T.reduce_sum(x, part, dim=0)
                for i in T.Parallel(1):
                    delta[i] = delta[i] - mean[i]
                    m2[i] += part[i] + delta[i] * delta[i] * (c * chunk) * size / (c * chunk + size)
                    mean[i] += delta[i] * size / (c * chunk + size)
            for i in T.Parallel(1):
                m2[i] = T.rsqrt(m2[i] / N + eps)
            for c in T.serial(T.ceildiv(N, chunk)):
                for j in T.Parallel(chunk):
                    if c * chunk + j < N:
                        Y[row, c * chunk + j] = T.cast(
                            (T.cast(X[row, c * chunk + j], "float32") - mean[0])
                            * m2[0]
                            * T.cast(G[c * chunk + j], "float32")
                            + T.cast(Bias[c * chunk + j], "float32"),
                            dtype,
                        )

    return main
