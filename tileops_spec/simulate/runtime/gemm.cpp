#include <stdlib.h>

#include "kernel.h"

// One operand as a dense rows × cols matrix, with the taint of each row and column.
template <class Acc> struct Matrix {
    i64 rows, cols;
    Acc* value;
    u8* row;
    u8* col;
};
static bool inside(const Region& r, int site) {
    for (int d = 0; d < r.buf->rank; d++) {
        i64 last = r.lo[d] + (r.extent[d] < 0 ? 1 : r.extent[d]) - 1;
        if (r.lo[d] >= 0 && last < r.buf->shape[d]) continue;
        i64 index[MAX_RANK];
        for (int k = 0; k < r.buf->rank; k++) index[k] = r.lo[k] + (k == d && r.lo[d] >= 0 ? last - r.lo[d] : 0);
        record_index(OUT_OF_BOUNDS, site, r.buf->rank, index);
        return false;
    }
    return true;
}
static i64 origin(const Region& r) {
    i64 flat = 0;
    for (int d = 0; d < r.buf->rank; d++) flat = flat * r.buf->shape[d] + r.lo[d];
    return flat;
}
template <class Acc, class T> static void fetch(Matrix<Acc>& m, const Buf& b, i64 from, i64 pitch, bool transposed) {
    i64 down = transposed ? 1 : pitch, right = transposed ? pitch : 1;
    for (i64 i = 0; i < m.rows; i++)
        for (i64 j = 0; j < m.cols; j++) m.value[i * m.cols + j] = (Acc)at<T>(b, from + i * down + j * right);
}
// The tensor cores read the upper 19 bits of a float32 operand.
static void truncate_to_tf32(Matrix<float>& m) {
    for (i64 i = 0; i < m.rows * m.cols; i++) m.value[i] = float_of_bits(bits_of_float(m.value[i]) & 0xffffe000u);
}
static void truncate_to_tf32(Matrix<double>&) {}
static void truncate_to_tf32(Matrix<i32>&) {}
template <class Acc> static void fetch_any(Matrix<Acc>& m, const Buf& b, i64 from, i64 pitch, bool transposed) {
    switch (b.dtype) {
        case F16: return fetch<Acc, f16>(m, b, from, pitch, transposed);
        case BF16: return fetch<Acc, bf16>(m, b, from, pitch, transposed);
        case F32: fetch<Acc, float>(m, b, from, pitch, transposed); return truncate_to_tf32(m);
        case F64: return fetch<Acc, double>(m, b, from, pitch, transposed);
        case E4M3: return fetch<Acc, e4m3>(m, b, from, pitch, transposed);
        case E5M2: return fetch<Acc, e5m2>(m, b, from, pitch, transposed);
        case TF32: return fetch<Acc, tf32>(m, b, from, pitch, transposed);
        case I8: return fetch<Acc, i8>(m, b, from, pitch, transposed);
        case U8: return fetch<Acc, u8>(m, b, from, pitch, transposed);
        case I32: return fetch<Acc, i32>(m, b, from, pitch, transposed);
        default: return;  // the translator refuses other operands
    }
}
template <class Acc> static Matrix<Acc> operand(const Region& r, bool transposed, int site) {
    const Buf& b = *r.buf;
    i64 pitch = b.shape[b.rank - 1], from = origin(r);
    i64 h = r.extent[b.rank - 2], w = r.extent[b.rank - 1];
    Matrix<Acc> m{transposed ? w : h, transposed ? h : w, nullptr, nullptr, nullptr};
    m.value = (Acc*)malloc(m.rows * m.cols * sizeof(Acc) + 64);
    m.row = (u8*)malloc(m.rows + m.cols);
    m.col = m.row + m.rows;
    memset(m.row, CLEAN, m.rows + m.cols);
    fetch_any(m, b, from, pitch, transposed);
    if (b.space != CHIP) return m;
    for (i64 i = 0; i < h; i++)
        for (i64 j = 0; j < w; j++) {
            u8 flag = b.flag[from + i * pitch + j];
            if (flag == CLEAN) continue;
            TAINT = CLEAN;
            taint_by(flag, site, b, from + i * pitch + j);
            u8 &p = m.row[transposed ? j : i], &q = m.col[transposed ? i : j];
            if (TAINT > p) p = TAINT;
            if (TAINT > q) q = TAINT;
        }
    return m;
}
// Wider vectors where the processor has them. Without contraction (-ffp-contract=off) every one gives the same values.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif
template <class Acc> static void add_products(const Acc* x, i64 count, const Acc* b, i64 n, Acc* acc) {
    for (i64 k = 0; k < count; k++)
        for (i64 j = 0; j < n; j++) acc[j] += x[k] * b[k * n + j];
}
WIDE static void add_products(const float* x, i64 count, const float* b, i64 n, float* acc) {
    for (i64 k = 0; k < count; k++)
        for (i64 j = 0; j < n; j++) acc[j] += x[k] * b[k * n + j];
}
template <class Acc> static void multiply(const Matrix<Acc>& a, const Matrix<Acc>& b, i64 i, i64 k0, i64 k1, Acc* acc) {
    add_products(a.value + i * a.cols + k0, k1 - k0, b.value + k0 * b.cols, b.cols, acc);
}
// A narrow accumulator is rounded after each instruction's worth of products.
template <class Acc, class T> static void rows(const Matrix<Acc>& a, const Matrix<Acc>& b, const Region& c, bool clear, int site) {
    Buf& out = *c.buf;
    i64 n = b.cols, pitch = out.shape[out.rank - 1], from = origin(c), step = sizeof(T) < 4 ? 16 : a.cols;
    Acc* acc = (Acc*)malloc(n * sizeof(Acc));
    for (i64 i = 0; i < a.rows; i++) {
        T* row = (T*)out.data + from + i * pitch;
        u8* flag = out.flag + from + i * pitch;
        for (i64 j = 0; j < n; j++) {
            acc[j] = clear ? (Acc)0 : (Acc)row[j];
            TAINT = a.row[i] > b.col[j] ? a.row[i] : b.col[j];
            if (!clear && flag[j] != CLEAN) taint_by(flag[j], site, out, from + i * pitch + j);
            flag[j] = TAINT;
        }
        for (i64 k = 0; k < a.cols; k += step) {
            multiply(a, b, i, k, k + step < a.cols ? k + step : a.cols, acc);
            for (i64 j = 0; j < n; j++) acc[j] = (Acc)cvt<T>(acc[j]);
        }
        for (i64 j = 0; j < n; j++) row[j] = cvt<T>(acc[j]);
    }
    free(acc);
}
template <class Acc, class T>
static void gemm(const Region& a, const Region& b, const Region& c, bool ta, bool tb, bool clear, int site) {
    Matrix<Acc> x = operand<Acc>(a, ta, site), y = operand<Acc>(b, tb, site + 1);
    rows<Acc, T>(x, y, c, clear, site + 2);
    free(x.value);
    free(x.row);
    free(y.value);
    free(y.row);
}
void tile_gemm(const Region& a, const Region& b, const Region& c, bool ta, bool tb, bool clear, int site) {
    if (!inside(a, site) || !inside(b, site + 1) || !inside(c, site + 2)) return;
    switch (c.buf->dtype) {
        case F32: return gemm<float, float>(a, b, c, ta, tb, clear, site);
        case F16: return gemm<float, f16>(a, b, c, ta, tb, clear, site);
        case BF16: return gemm<float, bf16>(a, b, c, ta, tb, clear, site);
        case F64: return gemm<double, double>(a, b, c, ta, tb, clear, site);
        case I32: return gemm<i32, i32>(a, b, c, ta, tb, clear, site);
        default: return;  // the translator refuses other accumulators
    }
}
