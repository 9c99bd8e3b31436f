// Buffers with a shadow: one flag per on-chip element, one last writer per global element.
#pragma once
#include "dtypes.h"

enum Kind {
    UNINITIALIZED_READ,   // an element that nothing wrote was read
    UNINITIALIZED_RESULT, // ... and its value reached a global tensor
    UNINITIALIZED_CHOICE, // ... and its value decided a branch, a bound or the address of a store
    OUT_OF_BOUNDS,
    RACE_WRITE,
    RACE_READ,
    RACE_ATOMIC,
    GUARDED_LOAD,
    GUARDED_STORE,
    DEADLOCK,
    DIVERGENT_BARRIER,
    DEVICE_ASSERT,
    ENDLESS_LOOP,
    UNWRITTEN_OUTPUT,
    SEPARATE_BARRIERS,  // threads meet although they wait at different statements
    KINDS
};
enum { MAX_RANK = 8 };

// The first occurrence of a finding at a site, and how often it occurred. Mirrored in records.py.
struct Record {
    i64 count;
    i64 index[MAX_RANK];
    i64 extra[2];
    i32 block[3];
    i32 rank;
};

enum Flag { UNWRITTEN = 0, CLEAN = 1, TAINTED = 2 };  // TAINTED + k: derived from an unwritten read at site k
enum Space { GLOBAL, CHIP };

struct Buf {
    char* data;
    u8* flag;     // on-chip only
    i32* writer;  // global tensors that the kernel writes: 0 nobody, b+1 block b, -(b+1) atomically, or below
    i64 size;
    i64 shape[MAX_RANK];
    i32 rank;
    DType dtype;
    Space space;
    bool fresh;   // a workspace: what nothing wrote is unwritten, not input
    double safe;  // what a load outside of a global tensor gives
};
enum { ATOMIC_MANY = INT32_MIN, EARLIER_LAUNCH = INT32_MAX };

extern u8 TAINT;       // the taint of the values read since it was last reset
extern bool REVERSED;  // T.Parallel loops run from the end
extern i32 BLOCK_ID;
extern i32 BLOCK[3];
extern Record* RECORDS;

Record* record(Kind kind, int site);  // counts; gives the record on its first occurrence, else null
void record_index(Kind kind, int site, int rank, const i64* index);
void record_many(Kind kind, int site, i64 n, int rank, const i64* index);  // n of them, the first at `index`
void record_flat(Kind kind, int site, const Buf& b, i64 flat);
u8 taint_of(int site);  // the taint that stands for a site
void taint_by(u8 flag, int site, const Buf& b, i64 flat);
void taint_reaches(Kind kind, u8 taint, int site, const Buf* b, i64 flat);
void note_store(Buf& b, i64 flat, int site, bool atomic);
void note_load(const Buf& b, i64 flat, int site);
bool locate(const Buf& b, int rank, const i64* index, i64& flat);

static inline void merge(u8 flag) { if (flag > TAINT) TAINT = flag; }
static inline void choose(int site) { if (TAINT > CLEAN) taint_reaches(UNINITIALIZED_CHOICE, TAINT, site, nullptr, 0); }

template <class T> struct Stored { typedef T type; };
template <> struct Stored<bool> { typedef u8 type; };
template <class T> static inline T at(const Buf& b, i64 i) { return (T)((const typename Stored<T>::type*)b.data)[i]; }
template <> inline bool at<bool>(const Buf& b, i64 i) { return b.data[i] != 0; }

// On-chip access at a flat index that the translator has proven to be in range.
template <class T> static inline T ld(const Buf& b, i64 i, int site) {
    u8 flag = b.flag[i];
    if (__builtin_expect(flag != CLEAN, 0)) taint_by(flag, site, b, i);
    return at<T>(b, i);
}
template <class T> static inline void st(Buf& b, i64 i, T v) {
    ((typename Stored<T>::type*)b.data)[i] = v;
    b.flag[i] = TAINT;
}
template <class T> static inline T poison() { T v; memset((void*)&v, 0xff, sizeof(T)); return v; }
template <> inline bool poison<bool>() { return true; }

template <class T> T ld_outside(const Buf& b, int site, int rank, const i64* index) {
    record_index(OUT_OF_BOUNDS, site, rank, index);
    merge(taint_of(site));
    return poison<T>();
}
// On-chip access with every index checked against its extent.
template <class T, class... I> static inline T ldc(const Buf& b, int site, I... is) {
    i64 index[] = {(i64)is...}, flat;
    if (!locate(b, sizeof...(I), index, flat)) return ld_outside<T>(b, site, sizeof...(I), index);
    return ld<T>(b, flat, site);
}
template <class T, class... I> static inline void stc(Buf& b, int site, T v, I... is) {
    i64 index[] = {(i64)is...}, flat;
    if (!locate(b, sizeof...(I), index, flat)) { record_index(OUT_OF_BOUNDS, site, sizeof...(I), index); return; }
    st<T>(b, flat, v);
}
// Global access, guarded as TileLang guards it.
template <class T, class... I> static inline T gld(const Buf& b, int site, I... is) {
    i64 index[] = {(i64)is...}, flat;
    if (!locate(b, sizeof...(I), index, flat)) { record_index(GUARDED_LOAD, site, sizeof...(I), index); return cvt<T>(b.safe); }
    if (b.writer) note_load(b, flat, site);
    return at<T>(b, flat);
}
template <class T, class... I> static inline void gst(Buf& b, int site, T v, I... is) {
    i64 index[] = {(i64)is...}, flat;
    if (!locate(b, sizeof...(I), index, flat)) { record_index(GUARDED_STORE, site, sizeof...(I), index); return; }
    if (TAINT > CLEAN) taint_reaches(UNINITIALIZED_RESULT, TAINT, site, &b, flat);
    note_store(b, flat, site, false);
    ((typename Stored<T>::type*)b.data)[flat] = v;
}
enum Update { ADD, MAX, MIN, OR, EXCHANGE };
template <class T> static inline T updated(Update op, T old, T v) {
    return op == ADD ? cvt<T>(old + v) : op == MAX ? most<T>(old, v) : op == MIN ? least<T>(old, v) : v;
}
template <class T, class... I> static T atomic_load(const Buf& b, int site, I... is) {
    i64 index[] = {(i64)is...}, flat;
    if (!locate(b, sizeof...(I), index, flat)) return cvt<T>(0.0f);
    return at<T>(b, flat);
}
template <class T> static inline T tainted(T v, u8 taint) { merge(taint); return v; }
template <class T> static inline u64 pack(T v) { u64 x = 0; memcpy(&x, &v, sizeof(T)); return x; }
template <class T> static inline T unpack(u64 x) { T v; memcpy((void*)&v, &x, sizeof(T)); return v; }
// An atomic update of one element, global or on-chip; gives the value before.
template <class T, class... I> static T atomic(Update op, Buf& b, int site, T v, I... is) {
    i64 index[] = {(i64)is...}, flat;
    if (!locate(b, sizeof...(I), index, flat)) {
        record_index(b.space == CHIP ? OUT_OF_BOUNDS : GUARDED_STORE, site, sizeof...(I), index);
        return cvt<T>(0.0f);
    }
    T old = at<T>(b, flat);
    if (b.space == CHIP) {
        if (b.flag[flat] != CLEAN) taint_by(b.flag[flat], site, b, flat);
        b.flag[flat] = TAINT;
    } else {
        if (TAINT > CLEAN) taint_reaches(UNINITIALIZED_RESULT, TAINT, site, &b, flat);
        note_store(b, flat, site, true);
    }
    ((typename Stored<T>::type*)b.data)[flat] = updated(op, old, v);
    return old;
}
