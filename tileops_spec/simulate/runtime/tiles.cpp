#include <stdlib.h>

#include "kernel.h"

// Elements travel as double (floats) or i64 (integers and bool), so that each operator is written once.
static bool is_integer(DType d) { return d >= I8; }
#define FLOAT_TYPES(X) \
    X(F16, f16) X(BF16, bf16) X(F32, float) X(F64, double) X(E4M3, e4m3) X(E5M2, e5m2) X(E8M0, e8m0) X(TF32, tf32)
#define INT_TYPES(X) \
    X(I8, i8) X(I16, i16) X(I32, i32) X(I64, i64) X(U8, u8) X(U16, u16) X(U32, u32) X(U64, u64) X(BOOL, bool)

static Scalar get(const Buf& b, i64 i) {
    switch (b.dtype) {
#define CASE(D, T) case D: return scalar<T>(at<T>(b, i));
        FLOAT_TYPES(CASE) INT_TYPES(CASE)
#undef CASE
    }
    return Scalar{0, 0};
}
// `from` is the dtype that the scalar was read as: it says which half of the scalar holds the value.
static void put(Buf& b, i64 i, Scalar v, DType from) {
    switch (b.dtype) {
#define CASE(D, T) \
    case D: ((Stored<T>::type*)b.data)[i] = is_integer(from) ? cvt<T>(v.i) : cvt<T>(v.f); return;
        FLOAT_TYPES(CASE) INT_TYPES(CASE)
#undef CASE
    }
}
static Scalar rounded(Scalar v, DType d) {
    switch (d) {
#define CASE(D, T) case D: return scalar<T>(cvt<T>(v.f));
        FLOAT_TYPES(CASE)
#undef CASE
#define CASE(D, T) case D: return scalar<T>((T)v.i);
        INT_TYPES(CASE)
#undef CASE
    }
    return v;
}
static Scalar converted(Scalar v, DType from, DType to) {
    if (is_integer(from) == is_integer(to)) return rounded(v, to);
    if (is_integer(from)) return rounded(Scalar{(double)v.i, v.i}, to);
    switch (to) {
#define CASE(D, T) case D: return scalar<T>(cvt<T>(v.f));
        INT_TYPES(CASE)
#undef CASE
        default: return v;
    }
}

// A walk over the elements of a region. The axes are its dimensions that are not fixed (extent -1).
struct Walk {
    const Region& region;
    Buf& buf;
    int axes;
    int dim[MAX_RANK];
    i64 stride[MAX_RANK];
    explicit Walk(const Region& r) : region(r), buf(*r.buf), axes(0) {
        i64 s = 1;
        for (int d = buf.rank - 1; d >= 0; d--) {
            stride[d] = s;
            s *= buf.shape[d];
        }
        for (int d = 0; d < buf.rank; d++)
            if (r.extent[d] >= 0) dim[axes++] = d;
    }
    i64 extent(int axis) const { return region.extent[dim[axis]]; }
    // The flat index of the element at `at` (one counter an axis), or -1 outside; `index` gets its coordinates.
    i64 locate(const i64* at, i64* index) const {
        i64 flat = 0;
        bool inside = true;
        for (int d = 0; d < buf.rank; d++) index[d] = region.lo[d];
        for (int a = 0; a < axes; a++) index[dim[a]] += at[a];
        for (int d = 0; d < buf.rank; d++) {
            inside = inside && (u64)index[d] < (u64)buf.shape[d];
            flat += index[d] * stride[d];
        }
        return inside ? flat : -1;
    }
};
static bool advance(i64* at, int axes, const i64* extent) {
    for (int a = axes - 1; a >= 0; a--) {
        if (++at[a] < extent[a]) return true;
        at[a] = 0;
    }
    return false;
}
static bool empty(int axes, const i64* extent) {
    for (int a = 0; a < axes; a++)
        if (extent[a] <= 0) return true;
    return false;
}
// Reads one element with all checks; its taint is merged into TAINT.
static Scalar read(const Walk& w, const i64* at, int site) {
    i64 index[MAX_RANK], flat = w.locate(at, index);
    const Buf& b = w.buf;
    if (flat < 0 && b.space == GLOBAL) {
        record_index(GUARDED_LOAD, site, b.rank, index);
        return scalar<double>(b.safe);
    }
    if (flat < 0) {
        record_index(OUT_OF_BOUNDS, site, b.rank, index);
        merge(taint_of(site));
        return Scalar{__builtin_nan(""), -1};
    }
    if (b.space == CHIP) {
        if (b.flag[flat] != CLEAN) taint_by(b.flag[flat], site, b, flat);
    } else if (b.writer) {
        note_load(b, flat, site);
    }
    return get(b, flat);
}
static void write(const Walk& w, const i64* at, Scalar v, DType from, int site) {
    i64 index[MAX_RANK], flat = w.locate(at, index);
    Buf& b = w.buf;
    if (flat < 0) {
        record_index(b.space == GLOBAL ? GUARDED_STORE : OUT_OF_BOUNDS, site, b.rank, index);
        return;
    }
    if (b.space == CHIP) {
        b.flag[flat] = TAINT;
    } else {
        if (TAINT > CLEAN) taint_reaches(UNINITIALIZED_RESULT, TAINT, site, &b, flat);
        note_store(b, flat, site, false);
    }
    put(b, flat, v, from);
}
// Whether a whole row (the last axis) lies inside, has stride 1 and needs no element-wise check.
static i64 plain_row(const Walk& w, i64* at, i64 n) {
    int last = w.axes - 1;
    i64 index[MAX_RANK], saved = at[last];
    if (w.stride[w.dim[last]] != 1 || (w.buf.space == GLOBAL && w.buf.writer)) return -1;
    at[last] = n - 1;
    bool inside = w.locate(at, index) >= 0;
    at[last] = saved;
    return inside ? w.locate(at, index) : -1;
}
static bool copy_plain_row(const Walk& s, const Walk& d, i64* at, i64 n) {
    if (s.buf.dtype != d.buf.dtype || d.buf.space == GLOBAL) return false;
    i64 from = plain_row(s, at, n), to = plain_row(d, at, n);
    if (from < 0 || to < 0) return false;
    if (s.buf.space == CHIP) {
        if (n == 0 || s.buf.flag[from] != CLEAN || memcmp(s.buf.flag + from, s.buf.flag + from + 1, n - 1)) return false;
    }
    i32 size = size_of(s.buf.dtype);
    memmove(d.buf.data + to * size, s.buf.data + from * size, n * size);
    memset(d.buf.flag + to, CLEAN, n);
    return true;
}
void tile_copy(const Region& src, const Region& dst, bool by_src, int site) {
    Walk s(src), d(dst);
    const Walk& base = by_src ? s : d;
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK];
    for (int a = 0; a < base.axes; a++) extent[a] = base.extent(a);
    if (empty(base.axes, extent)) return;
    int axes = base.axes;
    do {
        if (axes && at[axes - 1] == 0 && copy_plain_row(s, d, at, extent[axes - 1])) {
            at[axes - 1] = extent[axes - 1] - 1;
            continue;
        }
        TAINT = CLEAN;
        Scalar v = read(s, at, site);
        write(d, at, v, s.buf.dtype, site + 1);
    } while (advance(at, axes, extent));
}
void tile_fill(const Region& dst, Scalar value, DType from, int site) {
    Walk d(dst);
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK];
    u8 taint = TAINT;
    for (int a = 0; a < d.axes; a++) extent[a] = d.extent(a);
    if (empty(d.axes, extent)) return;
    do {
        TAINT = taint;
        write(d, at, value, from, site);
    } while (advance(at, d.axes, extent));
}
void tile_transpose(const Region& src, const Region& dst, int site) {
    Walk s(src), d(dst);
    i64 at[2], extent[2] = {s.extent(0), s.extent(1)};
    for (at[0] = 0; at[0] < extent[0]; at[0]++)
        for (at[1] = 0; at[1] < extent[1]; at[1]++) {
            TAINT = CLEAN;
            i64 swapped[2] = {at[1], at[0]};
            Scalar v = read(s, at, site);
            write(d, swapped, v, s.buf.dtype, site + 1);
        }
}
void tile_im2col(const Region& image, const Region& dst, i64 row, i64 column, i64 kernel, i64 stride, i64 dilation,
                 i64 pad, int site) {
    Walk s(image), d(dst);
    i64 reach = dilation * (kernel - 1) + 1, channels = s.buf.shape[3];
    i64 height = (s.buf.shape[1] + 2 * pad - reach) / stride + 1, width = (s.buf.shape[2] + 2 * pad - reach) / stride + 1;
    i64 to[2], extent[2] = {d.extent(0), d.extent(1)};
    for (to[0] = 0; to[0] < extent[0]; to[0]++)
        for (to[1] = 0; to[1] < extent[1]; to[1]++) {
            i64 out = row * extent[0] + to[0], patch = column * extent[1] + to[1];
            i64 y = out / width % height * stride + patch / channels / kernel * dilation - pad;
            i64 x = out % width * stride + patch / channels % kernel * dilation - pad;
            i64 from[4] = {out / width / height, y, x, patch % channels};
            bool padding = y < 0 || x < 0 || y >= s.buf.shape[1] || x >= s.buf.shape[2];
            TAINT = CLEAN;
            write(d, to, padding ? scalar<double>(0) : read(s, from, site), padding ? F64 : s.buf.dtype, site + 1);
        }
}
void tile_settle(const Region& reducer, int site) {
    Walk w(reducer);
    u8 pending = taint_of(site);
    i64 at[MAX_RANK] = {0}, index[MAX_RANK], extent[MAX_RANK];
    for (int a = 0; a < w.axes; a++) extent[a] = w.extent(a);
    if (empty(w.axes, extent)) return;
    do {
        i64 flat = w.locate(at, index);
        if (flat >= 0 && w.buf.flag[flat] == pending) w.buf.flag[flat] = CLEAN;
    } while (advance(at, w.axes, extent));
}
static Scalar combine(Reduction op, Scalar a, Scalar b, bool integer) {
    switch (op) {
        case SUM: case ABSSUM: return Scalar{a.f + b.f, a.i + b.i};
        case MAXIMUM: case ABSMAX:
            return integer ? (a.i < b.i ? b : a) : Scalar{__builtin_fmax(a.f, b.f), 0};
        case MINIMUM: return integer ? (b.i < a.i ? b : a) : Scalar{__builtin_fmin(a.f, b.f), 0};
        case BITAND: return Scalar{0, a.i & b.i};
        case BITOR: return Scalar{0, a.i | b.i};
        case BITXOR: return Scalar{0, a.i ^ b.i};
    }
    return a;
}
static Scalar magnitude(Reduction op, Scalar v) {
    if (op != ABSSUM && op != ABSMAX) return v;
    return Scalar{__builtin_fabs(v.f), v.i < 0 ? -v.i : v.i};
}
enum { LANES = 16 };
// Reduces one line. Sums keep LANES partial results, as the threads of a device do, each rounded to the dtype.
static Scalar reduce_line(const Walk& s, i64* at, int dim, i64 n, Reduction op, DType to, int site) {
    Scalar part[LANES];
    int used = 0;
    for (at[dim] = 0; at[dim] < n; at[dim]++) {
        Scalar v = magnitude(op, converted(read(s, at, site), s.buf.dtype, to));
        int lane = (int)(at[dim] % LANES);
        part[lane] = lane >= used ? v : rounded(combine(op, part[lane], v, is_integer(to)), to);
        if (lane >= used) used = lane + 1;
    }
    at[dim] = 0;
    for (; used > 1; used = (used + 1) / 2)
        for (int i = 0; i + (used + 1) / 2 < used; i++)
            part[i] = rounded(combine(op, part[i], part[i + (used + 1) / 2], is_integer(to)), to);
    return part[0];
}
void tile_reduce(const Region& src, const Region& dst, Reduction op, int dim, bool clear, int site) {
    Walk s(src), d(dst);
    i64 at[MAX_RANK] = {0}, to[MAX_RANK] = {0}, extent[MAX_RANK];
    for (int a = 0; a < s.axes; a++) extent[a] = a == dim ? 1 : s.extent(a);
    if (empty(s.axes, extent) || s.extent(dim) <= 0) return;
    DType dtype = d.buf.dtype;
    do {
        TAINT = CLEAN;
        Scalar v = reduce_line(s, at, dim, s.extent(dim), op, dtype, site);
        for (int a = 0, k = 0; a < s.axes; a++)
            if (a != dim) to[k++] = at[a];
            else if (d.axes == s.axes) to[k++] = 0;
        if (!clear) v = rounded(combine(op, magnitude(op, read(d, to, site + 1)), v, is_integer(dtype)), dtype);
        write(d, to, v, dtype, site + 1);
    } while (advance(at, s.axes, extent));
}
void tile_scan(const Region& src, const Region& dst, bool maximum, int dim, bool reverse, int site) {
    Walk s(src), d(dst);
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK], n = s.extent(dim);
    for (int a = 0; a < s.axes; a++) extent[a] = a == dim ? 1 : s.extent(a);
    if (empty(s.axes, extent)) return;
    DType dtype = d.buf.dtype;
    do {
        TAINT = CLEAN;
        Scalar sum = Scalar{0, 0};
        for (i64 i = 0; i < n; i++) {
            at[dim] = reverse ? n - 1 - i : i;
            Scalar v = converted(read(s, at, site), s.buf.dtype, dtype);
            sum = i == 0 ? v : rounded(combine(maximum ? MAXIMUM : SUM, sum, v, is_integer(dtype)), dtype);
            write(d, at, sum, dtype, site + 1);
        }
        at[dim] = 0;
    } while (advance(at, s.axes, extent));
}
static void update(const Walk& d, const i64* at, Update op, Scalar v, int site) {
    i64 index[MAX_RANK];
    d.locate(at, index);
    Buf& b = d.buf;
    i64 flat;
    if (!locate(b, b.rank, index, flat)) {
        record_index(b.space == CHIP ? OUT_OF_BOUNDS : GUARDED_STORE, site, b.rank, index);
        return;
    }
    if (b.space == CHIP) {
        if (b.flag[flat] != CLEAN) taint_by(b.flag[flat], site, b, flat);
        b.flag[flat] = TAINT;
    } else {
        if (TAINT > CLEAN) taint_reaches(UNINITIALIZED_RESULT, TAINT, site, &b, flat);
        note_store(b, flat, site, true);
    }
    Reduction how = op == ADD ? SUM : op == MAX ? MAXIMUM : MINIMUM;
    put(b, flat, rounded(combine(how, get(b, flat), v, is_integer(b.dtype)), b.dtype), b.dtype);
}
void tile_atomic(Update op, const Region& src, const Region& dst, bool by_src, int site) {
    Walk s(src), d(dst);
    const Walk& base = by_src ? s : d;
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK];
    for (int a = 0; a < base.axes; a++) extent[a] = base.extent(a);
    if (empty(base.axes, extent)) return;
    do {
        TAINT = CLEAN;
        Scalar v = converted(read(s, at, site), s.buf.dtype, d.buf.dtype);
        update(d, at, op, v, site + 1);
    } while (advance(at, base.axes, extent));
}
void tile_atomic_value(Update op, Scalar value, DType from, const Region& dst, int site) {
    Walk d(dst);
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK];
    u8 taint = TAINT;
    for (int a = 0; a < d.axes; a++) extent[a] = d.extent(a);
    if (empty(d.axes, extent)) return;
    do {
        TAINT = taint;
        update(d, at, op, converted(value, from, d.buf.dtype), site);
    } while (advance(at, d.axes, extent));
}
