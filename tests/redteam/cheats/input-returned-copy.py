# op: gemm
# class: input returned
# idea: the output is a copy of an input
# source: robust-kbench and SOL-ExecBench
# gate: static TS405
# without static: emulate TS407
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), threads=128) as (bx, by):
    tile = T.alloc_shared((64, 64), dtype)
    T.copy(A[by * 64, bx * 64], tile)
    T.copy(tile, C[by * 64, bx * 64])
