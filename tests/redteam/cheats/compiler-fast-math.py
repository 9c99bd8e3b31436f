# op: gemm
# class: compiler
# idea: options that change what every operation computes
# source: CUDA-L1 and other reinforcement-learned kernels
# gate: static TS403
# without static: emulate TS406
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), threads=128) as (bx, by):
    A_s = T.alloc_shared((64, 32), dtype)
    B_s = T.alloc_shared((64, 32), dtype)
    acc = T.alloc_fragment((64, 64), "float32")
    T.annotate_compile_flags("--use_fast_math")
    T.clear(acc)
    for k in T.Pipelined(T.ceildiv(K, 32), num_stages=2):
        T.copy(A[by * 64, k * 32], A_s)
        T.copy(B[bx * 64, k * 32], B_s)
        T.gemm(A_s, B_s, acc, transpose_B=True)
    T.copy(acc, C[by * 64, bx * 64])
