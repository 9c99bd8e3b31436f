#include <stdlib.h>
#include <sys/mman.h>

#include "kernel.h"

// Switching contexts without the signal mask, so without a system call.
#if defined(__x86_64__)
typedef void* Context;
extern "C" __attribute__((visibility("hidden"))) void tospec_switch(void** save, void* load);
asm(".text\n.hidden tospec_switch\n.globl tospec_switch\n.type tospec_switch,@function\ntospec_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
    ".size tospec_switch,.-tospec_switch\n");
static void swap(Context& save, Context& load) { tospec_switch(&save, load); }
static void prepare(Context& c, char* stack, size_t size, void (*entry)()) {
    void** top = (void**)(((uintptr_t)stack + size) & ~(uintptr_t)15);
    *--top = nullptr;  // keeps the stack aligned as after a call
    *--top = (void*)entry;
    for (int i = 0; i < 6; i++) *--top = nullptr;
    c = top;
}
#else
#include <ucontext.h>
typedef ucontext_t Context;
static void swap(Context& save, Context& load) { swapcontext(&save, &load); }
static void prepare(Context& c, char* stack, size_t size, void (*entry)()) {
    getcontext(&c);
    c.uc_stack.ss_sp = stack;
    c.uc_stack.ss_size = size;
    c.uc_link = nullptr;
    makecontext(&c, entry, 0);
}
#endif

enum State { RUNNABLE, BLOCKED, SOFT, DONE };
enum Mood { NEVER, ALWAYS, COIN };
enum Wait { ON_COLLECTIVE, ON_MBARRIER, ON_SYNC, ON_NAMED, ON_WARP };
struct Fiber {
    Context context;
    State state;
    u8 taint;
    bool slow;        // goes on when no other can
    const void* key;  // what a blocked fiber waits for
    int site;
    i64 wait[2];      // kind and identity of that, for the finding
};
struct Mbarrier { i32 arrivals, pending; u32 phase; bool held; };  // held: all arrived, the loads have yet to land
struct Named { i32 arrived, site; u32 generation; };  // site: of the first that arrived
struct Warp { i32 arrived, live, site; u32 generation; u64 slot[2][32]; };

static const size_t ALL_STACKS = (size_t)128 << 20;  // reserved, not used: touched pages alone count
static char* stacks;
static size_t stack_size;
static Fiber fibers[2048];
static Context scheduler;
static i32 current, count, live, width, aborted, policy;
static u64 seed, first_temper;
static void (*entry)(i32);
static Mbarrier mbarriers[1024];
static Named named[18];  // 16 is __syncthreads, 17 meets for block_reduce
static u64 slots[2][2048];
static Warp warps[64];
static i32* arrived_at;  // per site, the arrivals at a collective
static i32 sites;

static u64 next_random() {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
// The blocks of a shuffled run take these tempers in turn. Coins alone seldom fall so that a product is late, its threads
// give way for long, and the load that overwrites what it reads comes at once.
struct Temper { Mood moods[LATENESSES]; bool some_slow; };
static const Temper TEMPERS[] = {
    // products, loads, turns
    {{ALWAYS, NEVER, NEVER}, true}, {{COIN, COIN, COIN}, false}, {{NEVER, ALWAYS, NEVER}, true}};
static const Temper FORWARD = {{NEVER, NEVER, NEVER}, false}, REVERSE = {{ALWAYS, ALWAYS, ALWAYS}, false};
static const Temper* temper = &FORWARD;
static u64 slow_part;
static void take_temper(u64 turn) {
    temper = policy == 0 ? &FORWARD : policy == 1 ? &REVERSE : &TEMPERS[turn % 3];
    slow_part = turn / 3;
}
// Where some threads are slow, those of one role, or of a quarter of the block: another one in each round of the tempers.
static bool is_slow(i32 fiber) {
    i32 parts = count < 4 ? count : 4;
    return temper->some_slow && (i64)fiber * parts / count == (i64)(slow_part % parts);
}
bool postpone(Lateness what) {
    Mood mood = temper->moods[what];
    return mood == ALWAYS || (mood == COIN && next_random() % 2);
}
static void leave() {
    Fiber& f = fibers[current];
    f.taint = TAINT;
    swap(f.context, scheduler);
    TAINT = fibers[current].taint;
}
static void block(const void* key, int site, Wait kind, i64 identity) {
    Fiber& f = fibers[current];
    f.state = BLOCKED;
    f.key = key;
    f.site = site;
    f.wait[0] = kind;
    f.wait[1] = identity;
    leave();
}
static void wake(const void* key) {
    for (i32 i = 0; i < count; i++)
        if (fibers[i].state == BLOCKED && fibers[i].key == key) fibers[i].state = RUNNABLE;
}
static void release(Named& b) {
    b.arrived = 0;
    b.generation++;
    wake(&b);
}
// Counts an arrival; the statement at which the first one waits is the one where all should.
template <class Meeting> static void arrive(Meeting& m, int site) {
    if (m.arrived++ == 0) m.site = site;
    else if (m.site != site)
        if (Record* r = record(SEPARATE_BARRIERS, site)) r->extra[0] = m.site;
}
static void complete_sync_if_all_arrived(int site) {
    Named& b = named[16];
    if (b.arrived == 0 || b.arrived < live) return;
    if (live < count) record(DIVERGENT_BARRIER, site);
    release(b);
}
static void complete_warp_if_all_arrived(Warp& w) {
    if (w.arrived == 0 || w.arrived < w.live) return;
    i32 first = (i32)(&w - warps) * 32, lanes = count - first < 32 ? count - first : 32;
    if (w.live < lanes) record(DIVERGENT_BARRIER, w.site);
    w.arrived = 0;
    w.generation++;
    wake(&w);
}
static void run_fiber() {
    entry(current);
    Fiber& f = fibers[current];
    f.state = DONE;
    live--;
    for (i32 i = 0; i < count; i++)
        if (fibers[i].state == BLOCKED && fibers[i].key == &named[16]) { complete_sync_if_all_arrived(fibers[i].site); break; }
    if (width == 1) {
        warps[current / 32].live--;
        complete_warp_if_all_arrived(warps[current / 32]);
    }
    swap(f.context, scheduler);
}
void abort_block() {
    aborted = 1;
    swap(fibers[current].context, scheduler);
}
void endless(int site) {
    record(ENDLESS_LOOP, site);
    abort_block();
}
static void report_deadlock() {
    for (i32 i = 0; i < count; i++) {
        Fiber& f = fibers[i];
        if (f.state != BLOCKED) continue;
        Record* r = record(DEADLOCK, f.site);
        if (!r) continue;
        r->rank = 1;
        r->index[0] = (i64)i * width;
        r->extra[0] = f.wait[0];
        r->extra[1] = f.wait[1];
    }
}
// The next runnable fiber after the one that left, in the order of the policy; -1 when there is none.
static i32 pick() {
    i32 start = policy == 2 ? (i32)(next_random() % count) : current;
    i32 step = policy == 1 ? count - 1 : 1;
    i32 waiting = -1;
    for (i32 n = 0, i = (start + step) % count; n < count; n++, i = (i + step) % count) {
        if (fibers[i].state != RUNNABLE) continue;
        if (!fibers[i].slow) return i;
        if (waiting < 0) waiting = i;
    }
    return waiting;
}
static void pass_soft(int site) {
    arrived_at[site] = 0;
    for (i32 i = 0; i < count; i++)
        if (fibers[i].state == SOFT && fibers[i].site == site) fibers[i].state = RUNNABLE;
}
// Nothing can run: those that wait at the earliest soft barrier go on without the others.
static bool release_soft() {
    int first = -1;
    for (i32 i = 0; i < count; i++)
        if (fibers[i].state == SOFT && (first < 0 || fibers[i].site < first)) first = fibers[i].site;
    if (first >= 0) pass_soft(first);
    return first >= 0;
}
static void schedule() {
    current = policy == 1 ? 0 : count - 1;
    while (live > 0 && !aborted) {
        i32 next = pick();
        if (next < 0) {
            if (release_soft()) continue;
            report_deadlock();
            aborted = 1;
            return;
        }
        current = next;
        swap(scheduler, fibers[next].context);
    }
}

// Lets the others go first, so that work after an arrive that should have come before it is seen to be late.
static void give_way() {
    if (count > 1 && (fibers[current].slow || postpone(TURNS))) leave();
}

bool collective_begin(int site, i32 participants, i32) {
    if (participants == 1) return true;
    if (++arrived_at[site] == participants) return true;
    block(&arrived_at[site], site, ON_COLLECTIVE, participants);
    return false;
}
void collective_done(int site) {
    if (!arrived_at[site]) return;
    arrived_at[site] = 0;
    wake(&arrived_at[site]);
}
void soft_sync(int site, i32 participants) {
    if (count == 1 || participants == 1) return;
    fibers[current].state = SOFT;
    fibers[current].site = site;
    if (++arrived_at[site] == participants) pass_soft(site);
    leave();
}
void sync_all(int site, i32) {
    Named& b = named[16];
    arrive(b, site);
    u32 generation = b.generation;
    complete_sync_if_all_arrived(site);
    if (b.generation == generation) block(&b, site, ON_SYNC, 0);
}
void arrive_named(int site, i32 id, i32 threads) {
    Named& b = named[id & 15];
    b.arrived += width;
    if (b.arrived >= threads) release(b);
}
void sync_named(int site, i32 id, i32 threads, i32) {
    Named& b = named[id & 15];
    u32 generation = b.generation;
    arrive_named(site, id, threads);
    if (b.generation == generation) block(&b, site, ON_NAMED, id);
}
static void complete_phase(Mbarrier& b) {
    land((i32)(&b - mbarriers));
    b.held = false;
    b.phase++;
    wake(&b);
}
// A phase that late loads count for ends when a thread waits for it: until then they may be under way.
void mbarrier_arrive(int, i32 barrier, i32 arrivals) {
    Mbarrier& b = mbarriers[barrier];
    if (b.held) complete_phase(b);
    for (b.pending -= arrivals; b.pending <= 0; b.pending += b.arrivals) {
        b.held = !b.held && loads_under_way(barrier);
        if (b.held) wake(&b);
        else complete_phase(b);
    }
    give_way();
}
void mbarrier_wait(int site, i32 barrier, i32 parity, i32) {
    Mbarrier& b = mbarriers[barrier];
    while ((b.phase & 1) == (u32)(parity & 1)) {
        if (b.held) complete_phase(b);
        else block(&b, site, ON_MBARRIER, (i64)barrier * 2 + (parity & 1));
    }
}
static u32 meet_warp(Warp& w, int site) {
    u32 generation = w.generation;
    arrive(w, site);
    complete_warp_if_all_arrived(w);
    if (w.generation == generation) block(&w, site, ON_WARP, 0);
    return generation & 1;
}
u64 exchange(u64 value, i32 fiber, i32 lane, i32 lanes, int site) {
    Warp& w = warps[fiber / 32];
    i32 me = fiber % 32, base = me / lanes * lanes;
    w.slot[w.generation & 1][me] = value;
    u32 side = meet_warp(w, site);
    return lane < 0 || lane >= lanes ? value : w.slot[side][base + lane];
}
u64 warp_reduce(u64 value, i32 fiber, u64 (*op)(u64, u64), int site) {
    Warp& w = warps[fiber / 32];
    w.slot[w.generation & 1][fiber % 32] = value;
    u32 side = meet_warp(w, site);
    u64 all = w.slot[side][0];
    i32 lanes = count - fiber / 32 * 32 < 32 ? count - fiber / 32 * 32 : 32;
    for (i32 i = 1; i < lanes; i++) all = op(all, w.slot[side][i]);
    return all;
}
u32 vote(bool yes, i32 fiber, int site) {
    Warp& w = warps[fiber / 32];
    w.slot[w.generation & 1][fiber % 32] = yes;
    u32 side = meet_warp(w, site), bits = 0;
    for (i32 i = 0; i < 32 && fiber / 32 * 32 + i < count; i++) bits |= (u32)(w.slot[side][i] & 1) << i;
    return bits;
}
u64 block_reduce(u64 value, i32 fiber, i32 stride, i32 extent, u64 (*op)(u64, u64), int site) {
    Named& b = named[17];
    u32 generation = b.generation;
    u64* slot = slots[generation & 1];
    slot[fiber] = value;
    if (++b.arrived == count) release(b);
    else block(&b, site, ON_SYNC, 0);
    i32 first = fiber - fiber / stride % extent * stride;
    u64 all = slot[first];
    for (i32 i = 1; i < extent; i++) all = op(all, slot[first + i * stride]);
    return all;
}

void begin(const Options& options, Record* records) {
    policy = options.order;
    seed = options.seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull;
    if (!seed) seed = 1;
    first_temper = options.seed;
    REVERSED = options.reversed != 0;
    RECORDS = records;
    aborted = 0;
    TAINT = CLEAN;
}
static void reserve(i32 n, i32 highest_site) {
    if (!stacks) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        stacks = (char*)mmap(nullptr, ALL_STACKS, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (stacks == MAP_FAILED) abort();
    }
    stack_size = (ALL_STACKS / n < ((size_t)4 << 20) ? ALL_STACKS / n : (size_t)4 << 20) & ~(size_t)4095;
    if (highest_site > sites) {
        arrived_at = (i32*)realloc(arrived_at, highest_site * sizeof(i32));
        sites = highest_site;
    }
    memset(arrived_at, 0, sites * sizeof(i32));
}
static void reset_block(const Launch& l, Chip* chips, int n, i64 turn) {
    for (int c = 0; c < n; c++)
        for (i32 i = 0; i < chips[c].copies; i++) {
            Buf& b = chips[c].first[i];
            memset(b.data, 0xff, b.size * size_of(b.dtype));
            memset(b.flag, UNWRITTEN, b.size);
        }
    for (i32 i = 0; i < l.barriers; i++) mbarriers[i] = Mbarrier{l.arrivals[i], l.arrivals[i], 0, false};
    forget_async();
    take_temper(first_temper + (u64)turn);
    memset(named, 0, sizeof named);
    memset(warps, 0, sizeof warps);
    count = live = l.fibers;
    width = l.width;
    entry = l.body;
    for (i32 i = 0; i < count; i++) {
        fibers[i].state = RUNNABLE;
        fibers[i].taint = CLEAN;
        fibers[i].slow = is_slow(i);
        if (width == 1) warps[i / 32].live++;
        prepare(fibers[i].context, stacks + stack_size * i, stack_size, run_fiber);
    }
}
static i64* shuffled(i64 n) {
    i64* order = (i64*)malloc((n ? n : 1) * sizeof(i64));
    for (i64 i = 0; i < n; i++) order[i] = policy == 1 ? n - 1 - i : i;
    if (policy == 2)
        for (i64 i = n - 1; i > 0; i--) {
            i64 j = (i64)(next_random() % (u64)(i + 1)), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
    return order;
}
void launch(const Launch& l, Chip* chips, int n) {
    i64 blocks = l.grid[0] * l.grid[1] * l.grid[2];
    if (blocks <= 0 || aborted) return;
    reserve(l.fibers, l.sites);
    i64* order = shuffled(blocks);
    for (i64 i = 0; i < blocks && !aborted; i++) {
        BLOCK_ID = (i32)order[i];
        BLOCK[0] = (i32)(order[i] % l.grid[0]);
        BLOCK[1] = (i32)(order[i] / l.grid[0] % l.grid[1]);
        BLOCK[2] = (i32)(order[i] / l.grid[0] / l.grid[1]);
        reset_block(l, chips, n, i);
        schedule();
    }
    free(order);
}
