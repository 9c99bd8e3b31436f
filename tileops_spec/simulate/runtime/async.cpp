// Work that the device does later: wgmma until its wait, TMA loads until a thread waits for the phase that they end.
// Running it late is as legal as running it at once, and shows a missing wait; loads that come at once overwrite what
// late products still read. Forward runs do all at once, reverse runs as late as possible, shuffled runs each thing by
// the temper of the block.
#include "kernel.h"

struct Product { Region a, b, c; bool ta, tb, clear; int site; };
struct Transfer { Region src, dst; bool by_src; int site; i32 barrier; };
enum { QUEUES = 32, DEPTH = 32, TRANSFERS = 256 };
static Product products[QUEUES][DEPTH];
static i32 queued[QUEUES];
static Transfer transfers[TRANSFERS];
static i32 in_flight;

static void run(const Product& p) { tile_gemm(p.a, p.b, p.c, p.ta, p.tb, p.clear, p.site); }
static void retire(i32 queue, i32 remaining) {
    i32 done = queued[queue] - remaining;
    if (done <= 0) return;
    for (i32 i = 0; i < done; i++) run(products[queue][i]);
    memmove(products[queue], products[queue] + done, remaining * sizeof(Product));
    queued[queue] = remaining;
}
void wgmma_issue(i32 queue, const Region& a, const Region& b, const Region& c, bool ta, bool tb, bool clear, int site) {
    if (queued[queue] == DEPTH) retire(queue, DEPTH - 1);
    products[queue][queued[queue]++] = Product{a, b, c, ta, tb, clear, site};
    if (!postpone(PRODUCTS)) retire(queue, 0);
}
void wgmma_wait(u32 queues, i32 remaining) {
    for (i32 q = 0; q < QUEUES; q++)
        if (queues >> q & 1) retire(q, remaining);
}
void tma_load(i32 barrier, const Region& src, const Region& dst, bool by_src, int site) {
    if (in_flight == TRANSFERS || !postpone(LOADS)) return tile_copy(src, dst, by_src, site);
    transfers[in_flight++] = Transfer{src, dst, by_src, site, barrier};
}
bool loads_under_way(i32 barrier) {
    for (i32 i = 0; i < in_flight; i++)
        if (transfers[i].barrier == barrier) return true;
    return false;
}
void land(i32 barrier) {
    i32 kept = 0;
    for (i32 i = 0; i < in_flight; i++) {
        const Transfer& t = transfers[i];
        if (t.barrier == barrier) tile_copy(t.src, t.dst, t.by_src, t.site);
        else transfers[kept++] = t;
    }
    in_flight = kept;
}
void forget_async() {
    memset(queued, 0, sizeof queued);
    in_flight = 0;
}
