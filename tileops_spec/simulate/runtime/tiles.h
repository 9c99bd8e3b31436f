// Tile operators: loops over regions of buffers of any dtype, compiled once.
#pragma once
#include "memory.h"

struct Region {
    Buf* buf;
    i64 lo[MAX_RANK];
    i64 extent[MAX_RANK];
};
// A scalar on its way into a region: floats as double, integers as i64.
struct Scalar { double f; i64 i; };
template <class T> static inline Scalar scalar(T v) { return Scalar{(double)v, (i64)v}; }
template <> inline Scalar scalar<double>(double v) { return Scalar{v, cvt<i64>(v)}; }
template <> inline Scalar scalar<float>(float v) { return Scalar{v, cvt<i64>(v)}; }
template <> inline Scalar scalar<f16>(f16 v) { return scalar<float>(v); }
template <> inline Scalar scalar<bf16>(bf16 v) { return scalar<float>(v); }
template <> inline Scalar scalar<e4m3>(e4m3 v) { return scalar<float>(v); }
template <> inline Scalar scalar<e5m2>(e5m2 v) { return scalar<float>(v); }
template <> inline Scalar scalar<e8m0>(e8m0 v) { return scalar<float>(v); }
template <> inline Scalar scalar<tf32>(tf32 v) { return scalar<float>(v); }

enum Reduction { SUM, ABSSUM, MAXIMUM, ABSMAX, MINIMUM, BITAND, BITOR, BITXOR };

// `by_src`: the extents of src give the iteration space, else those of dst. An extent of -1 fixes a dimension.
// `site` is that of the first region, `site + 1` that of the second, and so on.
void tile_copy(const Region& src, const Region& dst, bool by_src, int site);
void tile_fill(const Region& dst, Scalar value, DType from, int site);
void tile_gemm(const Region& a, const Region& b, const Region& c, bool ta, bool tb, bool clear, int site);
void tile_reduce(const Region& src, const Region& dst, Reduction op, int dim, bool clear, int site);
void tile_scan(const Region& src, const Region& dst, bool maximum, int dim, bool reverse, int site);
void tile_transpose(const Region& src, const Region& dst, int site);
// The patches that a square kernel of a convolution sees in an image (N, H, W, C), as a matrix with a row for each output
// element and a column for each (kernel row, kernel column, channel): its tile at (row, column), in units of tiles.
void tile_im2col(const Region& image, const Region& dst, i64 row, i64 column, i64 kernel, i64 stride, i64 dilation,
                 i64 pad, int site);
void tile_settle(const Region& reducer, int site);  // its elements are combined: the taint of `site` goes
void tile_atomic(Update op, const Region& src, const Region& dst, bool by_src, int site);
void tile_atomic_value(Update op, Scalar value, DType from, const Region& dst, int site);

// Asynchronous forms (async.cpp). A queue belongs to one group of threads.
void wgmma_issue(i32 queue, const Region& a, const Region& b, const Region& c, bool ta, bool tb, bool clear, int site);
void wgmma_wait(u32 queues, i32 remaining);
void tma_load(i32 barrier, const Region& src, const Region& dst, bool by_src, int site);
bool loads_under_way(i32 barrier);
void land(i32 barrier);  // the transfers that count for this barrier
void forget_async();
enum Lateness { PRODUCTS, LOADS, TURNS, LATENESSES };
bool postpone(Lateness what);  // whether to do it late, by the policy of the run and the temper of the block
