// Cooperative threads of one block: barriers, collectives and a scheduler that sees deadlocks.
#pragma once
#include "memory.h"

// A tile operator runs once, by the last of its participants to arrive: true for that one.
// The others return false after it has called collective_done.
bool collective_begin(int site, i32 participants, i32 fiber);
void collective_done(int site);
// The barrier that TileLang puts between statements that share memory. Threads that do not come are waited for only as
// long as something else can run. Participants 0: known only at run time.
void soft_sync(int site, i32 participants);
void sync_all(int site, i32 fiber);                         // __syncthreads
void sync_named(int site, i32 id, i32 count, i32 fiber);    // bar.sync
void arrive_named(int site, i32 id, i32 count);             // bar.arrive
void mbarrier_arrive(int site, i32 barrier, i32 arrivals);
void mbarrier_wait(int site, i32 barrier, i32 parity, i32 fiber);
u64 exchange(u64 value, i32 fiber, i32 lane_of, i32 width, int site);  // warp shuffle
u64 warp_reduce(u64 value, i32 fiber, u64 (*op)(u64, u64), int site);
u32 vote(bool yes, i32 fiber, int site);  // the lanes of the warp that say yes, as bits
// Combines the values of all threads along one axis of the block: `extent` threads at a distance of `stride`.
u64 block_reduce(u64 value, i32 fiber, i32 stride, i32 extent, u64 (*op)(u64, u64), int site);
void abort_block();                                         // gives up the block; does not return
void endless(int site);

static inline i32 barrier_at(i32 base, i32 n, i64 i, int site) {
    if ((u64)i < (u64)n) return base + (i32)i;
    record_index(OUT_OF_BOUNDS, site, 1, &i);
    return base;
}
