# op: gqa_fwd
# class: lower precision
# idea: softmax without its maximum, which holds for randn alone
# source: robust-kbench, problems that test nothing
# gate: emulate TS431
# without static: emulate TS431
with T.Kernel(Sq, H, B, threads=128) as (i, h, b):
    q = T.alloc_fragment((D,), "float32")
    s = T.alloc_fragment((D,), "float32")
    o = T.alloc_fragment((D,), "float32")
    dot = T.alloc_fragment((1,), "float32")
    m = T.alloc_fragment((1,), "float32")
    total = T.alloc_fragment((1,), "float32")
    old = T.alloc_fragment((1,), "float32")
    hk = h // (H // HK)
    for d in T.Parallel(D):
        q[d] = T.cast(Q[b, i, h, d], "float32")
        o[d] = 0.0
    total[0] = 0.0
    m[0] = 0.0
    for j in T.serial(T.min(Sk, i + Sk - Sq + 1) if causal else Sk):
        for d in T.Parallel(D):
            s[d] = q[d] * T.cast(K[b, j, hk, d], "float32")
        T.reduce_sum(s, dot, dim=0)
        old[0] = m[0]
        m[0] = 0.0
        total[0] = total[0] * T.exp(old[0] - m[0]) + T.exp(dot[0] * scale - m[0])
        for d in T.Parallel(D):
            o[d] = o[d] * T.exp(old[0] - m[0]) + T.exp(dot[0] * scale - m[0]) * T.cast(V[b, j, hk, d], "float32")
    for d in T.Parallel(D):
        O[b, i, h, d] = T.cast(o[d] / total[0], dtype)
