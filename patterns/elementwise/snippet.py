"""One pass over flat tensors: y = x · sigmoid(a · x) + r.

`kernel` knows nothing of the extent at compile time. `columns` is for rows of a static length, which a row vector goes
with.
"""

import tilelang.language as T


def kernel(dtype, *, per_thread=16, threads=256, a=1.702):
    # All axes are one dynamic S: the caller flattens them.
    S = T.dynamic("S")
    block = per_thread * threads

    @T.prim_func
    def main(X: T.Tensor((S,), dtype), R: T.Tensor((S,), dtype), Y: T.Tensor((S,), dtype)):
        with T.Kernel(T.ceildiv(S, block), threads=threads) as b:
            x = T.alloc_fragment((block,), dtype)
            r = T.alloc_fragment((block,), dtype)
            # Where the whole tile lies inside, no element needs a guard, and the copies are 16 bytes an access. All
            # loads of a thread are in flight before the arithmetic begins.
            if (b + 1) * block <= S:
                T.copy(X[b * block], x)
                T.copy(R[b * block], r)
                for i in T.Parallel(block):
                    v = T.cast(x[i], "float32")
                    x[i] = T.cast(v * T.sigmoid(a * v) + T.cast(r[i], "float32"), dtype)
                T.copy(x, Y[b * block])
            else:
                # The last block of a ragged S: the same, element by element.
                for i in T.Parallel(block):
                    if b * block + i < S:
                        v = T.cast(X[b * block + i], "float32")
                        Y[b * block + i] = T.cast(v * T.sigmoid(a * v) + T.cast(R[b * block + i], "float32"), dtype)

    return main


def columns(N, dtype, *, per_thread=16, threads=256):
    S = T.dynamic("S")
    # A tile is some rows by up to 1024 columns: where rows are a multiple of 8 elements long, a static guard on the
    # column keeps 16-byte accesses; the guard on the dynamic row costs nothing.
    width = min(1024, 1 << (N - 1).bit_length())
    rows = max(1, per_thread * threads // width)

    @T.prim_func
    def main(X: T.Tensor((S, N), dtype), W: T.Tensor((N,), dtype), Y: T.Tensor((S, N), dtype)):
        with T.Kernel(T.ceildiv(S, rows) * T.ceildiv(N, width), threads=threads) as block:
            x = T.alloc_fragment((rows, width), dtype)
            by = block // T.ceildiv(N, width)
            bx = block % T.ceildiv(N, width)
            T.copy(X[by * rows, bx * width], x)
            for i, j in T.Parallel(rows, width):
                if bx * width + j < N:
                    x[i, j] = T.cast(T.cast(x[i, j], "float32") * T.cast(W[bx * width + j], "float32"), dtype)
            T.copy(x, Y[by * rows, bx * width])

    return main
