#include <stdlib.h>

#include "kernel.h"

u8 TAINT;
bool REVERSED;
i32 BLOCK_ID;
i32 BLOCK[3];
Record* RECORDS;

i32 size_of(DType dtype) {
    static const u8 size[] = {2, 2, 4, 8, 1, 1, 1, 4, 1, 2, 4, 8, 1, 2, 4, 8, 1};
    return size[dtype];
}
static Record* counted(Kind kind, int site, i64 n) {
    Record* r = RECORDS + (i64)site * KINDS + kind;
    bool first = r->count == 0;
    r->count += n;
    if (!first) return nullptr;
    memcpy(r->block, BLOCK, sizeof BLOCK);
    return r;
}
Record* record(Kind kind, int site) { return counted(kind, site, 1); }
void record_many(Kind kind, int site, i64 n, int rank, const i64* index) {
    if (n <= 0) return;
    if (Record* r = counted(kind, site, n)) {
        r->rank = rank;
        for (int d = 0; d < rank; d++) r->index[d] = index[d];
    }
}
void record_index(Kind kind, int site, int rank, const i64* index) { record_many(kind, site, 1, rank, index); }
static void unflatten(const Buf& b, i64 flat, i64* index) {
    for (int d = b.rank - 1; d >= 0; d--) {
        index[d] = b.shape[d] ? flat % b.shape[d] : 0;
        flat = b.shape[d] ? flat / b.shape[d] : 0;
    }
}
void record_flat(Kind kind, int site, const Buf& b, i64 flat) {
    i64 index[MAX_RANK];
    unflatten(b, flat, index);
    record_index(kind, site, b.rank, index);
}
// Site of the first unwritten read behind a taint. Sites beyond 254 share one: the message is then less exact.
static i32 origin_of[256];
u8 taint_of(int site) {
    u8 t = (u8)(TAINTED + site % 254);
    origin_of[t] = site;
    return t;
}
void taint_by(u8 flag, int site, const Buf& b, i64 flat) {
    if (flag == UNWRITTEN) {
        record_flat(UNINITIALIZED_READ, site, b, flat);
        flag = taint_of(site);
    }
    merge(flag);
}
void taint_reaches(Kind kind, u8 taint, int site, const Buf* b, i64 flat) {
    int origin = origin_of[taint];
    Record* r = record(kind, origin);
    if (!r) return;
    r->extra[0] = site;
    if (b) {
        r->rank = b->rank;
        unflatten(*b, flat, r->index);
    }
}
bool locate(const Buf& b, int rank, const i64* index, i64& flat) {
    i64 at = 0;
    for (int d = 0; d < rank; d++) {
        if ((u64)index[d] >= (u64)b.shape[d]) return false;
        at = at * b.shape[d] + index[d];
    }
    flat = at;
    return true;
}
void note_store(Buf& b, i64 flat, int site, bool atomic) {
    if (!b.writer) return;
    i32 me = BLOCK_ID + 1, old = b.writer[flat];
    bool other = old != 0 && old != EARLIER_LAUNCH && old != me && old != -me;
    if (atomic) {
        if (other && old > 0) record_flat(RACE_ATOMIC, site, b, flat);
        b.writer[flat] = other && old < 0 ? (i32)ATOMIC_MANY : old > 0 && old != EARLIER_LAUNCH ? old : -me;
    } else {
        if (other) {
            record_flat(RACE_WRITE, site, b, flat);
            Record* r = RECORDS + (i64)site * KINDS + RACE_WRITE;
            if (r->count == 1) r->extra[0] = old < 0 ? -1 : old - 1;
        }
        b.writer[flat] = me;
    }
}
void note_load(const Buf& b, i64 flat, int site) {
    i32 me = BLOCK_ID + 1, old = b.writer[flat];
    if (old == 0 && b.fresh) taint_by(UNWRITTEN, site, b, flat);
    if (old != 0 && old != EARLIER_LAUNCH && old != me && old != -me) record_flat(RACE_READ, site, b, flat);
}

static void shape_of(Buf& b, DType dtype, int rank, const i64* shape) {
    b.dtype = dtype;
    b.rank = rank;
    b.size = 1;
    for (int d = 0; d < rank; d++) b.size *= b.shape[d] = shape[d];
}
void make_global(Buf& b, DType dtype, void* data, int rank, const i64* shape, bool written, double safe) {
    shape_of(b, dtype, rank, shape);
    b.space = GLOBAL;
    b.data = (char*)data;
    b.flag = nullptr;
    b.writer = written ? (i32*)calloc(b.size ? b.size : 1, sizeof(i32)) : nullptr;
    b.fresh = false;
    b.safe = safe;
}
void make_workspace(Buf& b, DType dtype, int rank, const i64* shape) {
    make_global(b, dtype, nullptr, rank, shape, true, 0);
    b.data = (char*)malloc(b.size * size_of(dtype) + 1);
    memset(b.data, 0xff, b.size * size_of(dtype));
    b.fresh = true;
}
void free_workspace(Buf& b) {
    free(b.data);
    free(b.writer);
}
void next_launch(Buf& b) {
    for (i64 i = 0; b.writer && i < b.size; i++)
        if (b.writer[i] != 0) b.writer[i] = EARLIER_LAUNCH;
}
void make_chip(Buf& b, DType dtype, int rank, const i64* shape) {
    shape_of(b, dtype, rank, shape);
    b.space = CHIP;
    b.data = (char*)malloc(b.size * size_of(dtype) + 1);
    b.flag = (u8*)malloc(b.size + 1);
    b.writer = nullptr;
    b.fresh = false;
    b.safe = 0;
}
void alias(Buf& b, DType dtype, int rank, const i64* shape, const Buf& of) {
    shape_of(b, dtype, rank, shape);
    b.space = of.space;
    b.data = of.data;
    b.flag = of.flag;
    b.writer = of.writer;
    b.fresh = of.fresh;
    b.safe = of.safe;
}
void free_chip(Buf& b) {
    free(b.data);
    free(b.flag);
}
void finish_global(Buf& b, int site) {
    if (!b.writer) return;
    i64 missing = 0, first = 0;
    for (i64 i = 0; i < b.size; i++)
        if (b.writer[i] == 0 && missing++ == 0) first = i;
    i64 index[MAX_RANK];
    unflatten(b, first, index);
    if (missing < b.size) record_many(UNWRITTEN_OUTPUT, site, missing, b.rank, index);
    free(b.writer);
    b.writer = nullptr;
}
