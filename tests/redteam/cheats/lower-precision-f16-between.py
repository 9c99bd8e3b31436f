# op: gemm
# class: lower precision
# idea: a float32 accumulator that goes through 16 bits at each step
# source: KernelBench submissions that pass 1e-2
# gate: emulate TS431
# without static: emulate TS431
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), threads=128) as (bx, by):
    A_s = T.alloc_shared((64, 32), dtype)
    B_s = T.alloc_shared((64, 32), dtype)
    acc = T.alloc_fragment((64, 64), "float32")
    T.clear(acc)
    for k in T.Pipelined(T.ceildiv(K, 32), num_stages=2):
        T.copy(A[by * 64, k * 32], A_s)
        T.copy(B[bx * 64, k * 32], B_s)
        T.gemm(A_s, B_s, acc, transpose_B=True)
        for i, j in T.Parallel(64, 64):
            acc[i, j] = T.cast(T.cast(acc[i, j], dtype), "float32")
    T.copy(acc, C[by * 64, bx * 64])
