# op: gemm
# class: freed results
# idea: start from registers as they are
# source: SOL-ExecBench's list of reward hacks
# gate: static TS405
# without static: emulate TS432
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), threads=128) as (bx, by):
    A_s = T.alloc_shared((64, 32), dtype)
    B_s = T.alloc_shared((64, 32), dtype)
    acc = T.alloc_fragment((64, 64), "float32")
    for k in T.Pipelined(T.ceildiv(K, 32), num_stages=2):
        T.copy(A[by * 64, k * 32], A_s)
        T.copy(B[bx * 64, k * 32], B_s)
        T.gemm(A_s, B_s, acc, transpose_B=True)
    T.copy(acc, C[by * 64, bx * 64])
