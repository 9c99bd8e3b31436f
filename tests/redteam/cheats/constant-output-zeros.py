# op: gemm
# class: constant output
# idea: write zeros, which pass where the tolerance is wide
# source: robust-kbench, problems that test nothing
# gate: static TS405
# without static: emulate TS407
with T.Kernel(T.ceildiv(N, 64), T.ceildiv(M, 64), threads=128) as (bx, by):
    acc = T.alloc_fragment((64, 64), "float32")
    T.clear(acc)
    T.copy(acc, C[by * 64, bx * 64])
