// Regions element by element: scalars of any dtype, and walks over them. Part of the runtime's one translation unit.
#pragma once
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
