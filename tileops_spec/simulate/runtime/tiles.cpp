#include <stdlib.h>

#include "rows.h"

void tile_copy(const Region& src, const Region& dst, bool by_src, int site) {
    Walk s(src), d(dst);
    const Walk& base = by_src ? s : d;
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK];
    for (int a = 0; a < base.axes; a++) extent[a] = base.extent(a);
    if (empty(base.axes, extent)) return;
    int axes = base.axes, last = axes - 1;
    bool rows = axes > 0 && s.axes == d.axes && s.buf.data != d.buf.data;
    do {
        i64 n = rows && at[last] % ROW == 0 ? piece(at[last], extent[last]) : 0;
        if (n > 0 && copy_row(s, d, at, last, n, site)) {
            at[last] += n - 1;
            continue;
        }
        TAINT = CLEAN;
        Scalar v = read(s, at, site);
        write(d, at, v, s.buf.dtype, site + 1);
    } while (advance(at, axes, extent));
}
static bool fill_row(const Walk& d, const i64* at, i64 n, const Row& row, DType from, int site) {
    Span to = span_of(d, at, d.axes - 1, n);
    if (!may_store(d.buf, to)) return false;
    store_row(d, d.axes - 1, to, row, from, site);
    return true;
}
void tile_fill(const Region& dst, Scalar value, DType from, int site) {
    Walk d(dst);
    i64 at[MAX_RANK] = {0}, extent[MAX_RANK];
    u8 taint = TAINT;
    for (int a = 0; a < d.axes; a++) extent[a] = d.extent(a);
    if (empty(d.axes, extent)) return;
    Row row;
    for (int j = 0; j < ROW; j++) row.f[j] = value.f, row.i[j] = value.i;
    int last = d.axes - 1;
    do {
        i64 n = taint == CLEAN && last >= 0 && at[last] % ROW == 0 ? piece(at[last], extent[last]) : 0;
        if (n > 0 && fill_row(d, at, n, row, from, site)) {
            at[last] += n - 1;
            continue;
        }
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
// The values along one axis from `at` on, in the dtype `to`; the taints of all of them are merged into TAINT.
static void read_row(const Walk& s, i64* at, int axis, i64 n, DType to, int site, Row& row) {
    Span from = span_of(s, at, axis, n);
    DType dtype = s.buf.dtype;
    if (may_load(s.buf, from)) {
        load_row(s, axis, from, site, row);
    } else {
        i64 start = at[axis];
        for (i64 j = 0; j < n; j++) {
            at[axis] = start + j;
            Scalar v = read(s, at, site);
            row.f[j] = v.f, row.i[j] = v.i;
        }
        at[axis] = start;
    }
    if (dtype == to) return;
    for (i64 j = 0; j < n; j++) {
        Scalar v = converted(Scalar{row.f[j], row.i[j]}, dtype, to);
        row.f[j] = v.f, row.i[j] = v.i;
    }
}
// float32, the usual one, without a look at the dtype an element: a sum of two floats is exact enough in double.
static void combine_floats(Reduction op, Scalar* part, const double* v, i64 n) {
    bool sum = op == SUM || op == ABSSUM, least = op == MINIMUM, plain = op == SUM || op == MAXIMUM || op == MINIMUM;
    for (i64 j = 0; j < n; j++) {
        double a = part[j % LANES].f, b = plain ? v[j] : __builtin_fabs(v[j]);
        bool other = a != a || (least ? b < a : b > a);
        part[j % LANES].f = sum ? (double)(float)(a + b) : other ? b : a;
    }
}
static void combine_any(Reduction op, Scalar* part, const Row& row, i64 from, i64 n, DType to) {
    for (i64 j = from; j < n; j++) {
        Scalar v = magnitude(op, Scalar{row.f[j], row.i[j]});
        part[j % LANES] = rounded(combine(op, part[j % LANES], v, is_integer(to)), to);
    }
}
// Reduces one line. Sums keep LANES partial results, as the threads of a device do, each rounded to the dtype.
static Scalar reduce_line(const Walk& s, i64* at, int dim, i64 n, Reduction op, DType to, int site) {
    Scalar part[LANES];
    Row row;
    bool floats = to == F32 && (op == SUM || op == ABSSUM || op == MAXIMUM || op == ABSMAX || op == MINIMUM);
    int used = n < LANES ? (int)n : LANES;
    for (at[dim] = 0; at[dim] < n; at[dim] += ROW) {
        i64 count = piece(at[dim], n), from = at[dim] == 0 ? used : 0;
        read_row(s, at, dim, count, to, site, row);
        for (i64 j = 0; j < from; j++) part[j] = magnitude(op, Scalar{row.f[j], row.i[j]});
        if (floats) combine_floats(op, part, row.f + from, count - from);
        else combine_any(op, part, row, from, count, to);
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
