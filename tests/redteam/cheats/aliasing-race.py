# op: gemm
# class: aliasing
# idea: split the sum over blocks that add without atomics
# source: TileOPs issue 840 and races that pass allclose
# gate: emulate TS432
# without static: emulate TS432
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), T.ceildiv(K, 32), threads=128) as (bx, by, bk):
    A_s = T.alloc_shared((64, 32), dtype)
    B_s = T.alloc_shared((64, 32), dtype)
    acc = T.alloc_fragment((64, 64), "float32")
    for k in T.Pipelined(1, num_stages=2):
        T.copy(A[by * 64, bk * 32], A_s)
        T.copy(B[bx * 64, bk * 32], B_s)
        T.gemm(A_s, B_s, acc, transpose_B=True, clear_accum=True)
    for i, j in T.Parallel(64, 64):
        if by * 64 + i < M and bx * 64 + j < N:
            C[by * 64 + i, bx * 64 + j] = C[by * 64 + i, bx * 64 + j] + T.cast(acc[i, j], dtype)
