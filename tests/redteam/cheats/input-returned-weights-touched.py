# op: rms_norm
# class: input returned
# idea: read the weights, and multiply by 1
# source: robust-kbench, problems that test nothing
# gate: emulate TS431
# without static: emulate TS431
with T.Kernel(T.max(S, 1), threads=128) as b:
    v = T.alloc_fragment((D,), "float32")
    square = T.alloc_fragment((D,), "float32")
    total = T.alloc_fragment((1,), "float32")
    for j in T.Parallel(D):
        v[j] = T.cast(x[b, j], "float32")
    for j in T.Parallel(D):
        square[j] = v[j] * v[j]
    T.reduce_sum(square, total, dim=0)
    for j in T.Parallel(D):
        y[b, j] = T.cast(v[j] * T.rsqrt(total[0] / D + eps) * (T.cast(w[j], "float32") * 0.0 + 1.0), dtype)
