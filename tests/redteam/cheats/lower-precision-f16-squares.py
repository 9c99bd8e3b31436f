# op: rms_norm
# class: lower precision
# idea: sum the squares in 16 bits
# source: KernelBench submissions that pass 1e-2
# gate: emulate TS431
# without static: emulate TS431
with T.Kernel(T.max(S, 1), threads=128) as b:
    v = T.alloc_fragment((D,), "float32")
    square = T.alloc_fragment((D,), dtype)
    total = T.alloc_fragment((1,), dtype)
    for j in T.Parallel(D):
        v[j] = T.cast(x[b, j], "float32")
    for j in T.Parallel(D):
        square[j] = T.cast(v[j] * v[j], dtype)
    T.reduce_sum(square, total, dim=0)
    for j in T.Parallel(D):
        y[b, j] = T.cast(v[j] * T.rsqrt(T.cast(total[0], "float32") / D + eps) * T.cast(w[j], "float32"), dtype)
