// What a generated kernel includes, and what it provides.
#pragma once
#include "fibers.h"
#include "tiles.h"

struct Options {
    i32 order;     // of blocks and threads: 0 forward, 1 reverse, 2 shuffled
    i32 reversed;  // T.Parallel loops
    u64 seed;
};
struct Chip {  // an on-chip buffer: what to allocate, and where its descriptors are
    Buf* first;
    i32 copies;
};
struct Launch {
    i64 grid[3];
    i32 fibers;   // how many run a block
    i32 width;    // threads that one fiber stands for
    i32 sites;    // one above the highest site
    i32 barriers; // mbarrier objects
    const i32* arrivals;
    void (*body)(i32 fiber);
};
void begin(const Options& options, Record* records);
void make_global(Buf& b, DType dtype, void* data, int rank, const i64* shape, bool written, double safe);
// A tensor of the kernel's own in global memory, alive across its launches.
void make_workspace(Buf& b, DType dtype, int rank, const i64* shape);
void free_workspace(Buf& b);
void next_launch(Buf& b);
void make_chip(Buf& b, DType dtype, int rank, const i64* shape);
void alias(Buf& b, DType dtype, int rank, const i64* shape, const Buf& of);
void launch(const Launch& l, Chip* chips, int n);
void finish_global(Buf& b, int site);
void free_chip(Buf& b);
i32 size_of(DType dtype);
