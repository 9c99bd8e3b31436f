// Regions by rows: what a walk does element by element, where no element needs a look of its own.
#pragma once
#include "walk.h"

enum { ROW = 256 };  // elements at a time; a multiple of the lanes of a reduction
struct Row {
    double f[ROW];  // of a float dtype
    i64 i[ROW];     // of an integer dtype
};
// The n elements along one axis, from `at` on. Those in [first, last) lie inside; `flat` is the place of the first of all.
struct Span {
    i64 flat, stride, first, last, n;
    i64 index[MAX_RANK];
    bool whole() const { return first == 0 && last == n; }
    i64 place(i64 j) const { return flat + j * stride; }
};
static Span span_of(const Walk& w, const i64* at, int axis, i64 n) {
    Span s;
    int along = w.dim[axis];
    s.flat = 0;
    s.stride = w.stride[along];
    s.n = n;
    for (int d = 0; d < w.buf.rank; d++) s.index[d] = w.region.lo[d];
    for (int a = 0; a < w.axes; a++) s.index[w.dim[a]] += at[a];
    bool inside = true;
    for (int d = 0; d < w.buf.rank; d++) {
        s.flat += s.index[d] * w.stride[d];
        inside = inside && (d == along || (u64)s.index[d] < (u64)w.buf.shape[d]);
    }
    i64 start = s.index[along], room = w.buf.shape[along] - start;
    s.first = !inside || start >= 0 ? 0 : -start < n ? -start : n;
    s.last = !inside || room <= s.first ? s.first : room < n ? room : n;
    return s;
}
static void record_outside(Kind kind, const Walk& w, int axis, const Span& s, int site) {
    i64 index[MAX_RANK];
    memcpy(index, s.index, sizeof index);
    if (s.first == 0) index[w.dim[axis]] += s.last;
    record_many(kind, site, s.n - (s.last - s.first), w.buf.rank, index);
}
// Whether every element has been written, by this block or before it, or lies outside of a global tensor.
static bool may_load(const Buf& b, const Span& s) {
    if (b.space == CHIP) {
        u8 other = 0;
        for (i64 j = 0; s.whole() && j < s.n; j++) other |= b.flag[s.place(j)] ^ CLEAN;
        return s.whole() && other == 0;
    }
    i32 me = BLOCK_ID + 1;
    for (i64 j = s.first; b.writer && j < s.last; j++) {
        i32 old = b.writer[s.place(j)];
        if (old == 0 ? b.fresh : old != EARLIER_LAUNCH && old != me && old != -me) return false;
    }
    return true;
}
static bool may_store(const Buf& b, const Span& s) { return b.space == GLOBAL || s.whole(); }

template <class T, class V> static void get_values(const Buf& b, const Span& s, V* out) {
    for (i64 j = s.first; j < s.last; j++) out[j] = (V)at<T>(b, s.place(j));
}
template <class T, class V> static void put_values(Buf& b, const Span& s, const V* in) {
    typename Stored<T>::type* data = (typename Stored<T>::type*)b.data;
    for (i64 j = s.first; j < s.last; j++) data[s.place(j)] = cvt<T>(in[j]);
}
static void get_row(const Buf& b, const Span& s, Row& row) {
    switch (b.dtype) {
#define CASE(D, T) case D: return get_values<T>(b, s, row.f);
        FLOAT_TYPES(CASE)
#undef CASE
#define CASE(D, T) case D: return get_values<T>(b, s, row.i);
        INT_TYPES(CASE)
#undef CASE
    }
}
static void put_row(Buf& b, const Span& s, const Row& row, DType from) {
    switch (b.dtype) {
#define CASE(D, T) case D: return is_integer(from) ? put_values<T>(b, s, row.i) : put_values<T>(b, s, row.f);
        FLOAT_TYPES(CASE) INT_TYPES(CASE)
#undef CASE
    }
}
// What each element of a clean store leaves beside its value.
static void note_row(const Walk& w, int axis, const Span& s, int site) {
    Buf& b = w.buf;
    if (!s.whole()) record_outside(GUARDED_STORE, w, axis, s, site);
    for (i64 j = s.first; b.space == CHIP && j < s.last; j++) b.flag[s.place(j)] = CLEAN;
    for (i64 j = s.first; b.space == GLOBAL && b.writer && j < s.last; j++) note_store(b, s.place(j), site, false);
}
static void load_row(const Walk& w, int axis, const Span& s, int site, Row& row) {
    get_row(w.buf, s, row);
    if (s.whole()) return;
    record_outside(GUARDED_LOAD, w, axis, s, site);
    for (i64 j = 0; j < s.n; j++)
        if (j < s.first || j >= s.last) row.f[j] = w.buf.safe, row.i[j] = cvt<i64>(w.buf.safe);
}
static void store_row(const Walk& w, int axis, const Span& s, const Row& row, DType from, int site) {
    note_row(w, axis, s, site);
    put_row(w.buf, s, row, from);
}
static bool copy_row(const Walk& s, const Walk& d, const i64* at, int axis, i64 n, int site) {
    Span from = span_of(s, at, axis, n), to = span_of(d, at, axis, n);
    if (!may_load(s.buf, from) || !may_store(d.buf, to)) return false;
    bool alike = s.buf.dtype == d.buf.dtype && from.stride == 1 && to.stride == 1 && from.whole() && to.whole();
    if (alike) {
        i32 size = size_of(s.buf.dtype);
        note_row(d, axis, to, site + 1);
        memcpy(d.buf.data + to.flat * size, s.buf.data + from.flat * size, n * size);
        return true;
    }
    Row row;
    load_row(s, axis, from, site, row);
    store_row(d, axis, to, row, s.buf.dtype, site + 1);
    return true;
}
static i64 piece(i64 at, i64 extent) { return extent - at < ROW ? extent - at : (i64)ROW; }
