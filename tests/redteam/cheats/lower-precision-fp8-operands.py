# op: gemm
# class: lower precision
# idea: multiply in 8 bits
# source: flashinfer-bench issue 178
# gate: emulate TS431
# without static: emulate TS431
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), threads=128) as (bx, by):
    A_s = T.alloc_shared((64, 32), dtype)
    B_s = T.alloc_shared((64, 32), dtype)
    A_8 = T.alloc_shared((64, 32), "float8_e4m3fn")
    B_8 = T.alloc_shared((64, 32), "float8_e4m3fn")
    acc = T.alloc_fragment((64, 64), "float32")
    T.clear(acc)
    for k in T.Pipelined(T.ceildiv(K, 32), num_stages=2):
        T.copy(A[by * 64, k * 32], A_s)
        T.copy(B[bx * 64, k * 32], B_s)
        T.copy(A_s, A_8)
        T.copy(B_s, B_8)
        T.gemm(A_8, B_8, acc, transpose_B=True)
    T.copy(acc, C[by * 64, bx * 64])
