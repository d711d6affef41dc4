/* The BPF programs of gtrace, which run at chosen call instructions of the Go runtime.
 *
 * There is one for each site, so that what the site means is known when it is compiled: that saves a
 * twentieth of what an event costs the target. SITES lists them. It and all other constants come as
 * -D flags from gtrace_rec/loader.py: OFF_* (offsets in Go's structs), K_* (event kinds), STACK_DEPTH,
 * MAX_STACKS, RING_PAGES, *_REASONS (bit masks over waitReason); where not all goroutines are
 * recorded, SAMPLE_BELOW and CHOSEN_COUNT; where the recorder is limited, LIMITED; where C code is linked
 * in, CGOCALLBACK and CGOCALL, the _SIZE of each and its _FRAME. */
#include <uapi/linux/ptrace.h>
#include "event.h"

/* Registers of Go's ABIInternal: the first three arguments, the current g, the frame pointer. */
#ifdef GOARCH_ARM64
#define ARG1(ctx) ((ctx)->regs[0])
#define ARG2(ctx) ((ctx)->regs[1])
#define ARG3(ctx) ((ctx)->regs[2])
#define G(ctx) ((ctx)->regs[28])
#define FP(ctx) ((ctx)->regs[29])
#define IP(ctx) ((ctx)->pc)
#else
#define ARG1(ctx) ((ctx)->ax)
#define ARG2(ctx) ((ctx)->bx)
#define ARG3(ctx) ((ctx)->cx)
#define G(ctx) ((ctx)->r14)
#define FP(ctx) ((ctx)->bp)
#define IP(ctx) ((ctx)->ip)
#endif

#define __always_inline inline __attribute__((always_inline))

#define STATUS_WAITING 4 /* _Gwaiting, runtime2.go: the same since Go 1.0 */

/* How a site names its goroutine and what else it can tell: SITE_* of gtrace_rec/plan.py. */
#define SITE_ARG1 0    /* gp is the first argument; nothing more to tell */
#define SITE_SELF 1    /* the same, and the site's own address tells why */
#define SITE_CALLER 2  /* the same, and the caller's address tells why */
#define SITE_PARK 3    /* gopark → mcall, on the goroutine's own stack */
#define SITE_WAKE 4    /* ready and injectglist → casgstatus; the waker is m.curg, if any */
#define SITE_CREATE 5  /* newproc1 → casgstatus, Go >= 1.24: goid is set by now */
#define SITE_RUNQPUT 6 /* newproc.func1 → runqput, Go <= 1.23: the new g is argument 2 */
#define SITE_CORO 7    /* coroswitch_m, behind its prologue */
#define SITE_CURRENT 8 /* the current g; nothing more to tell */

/* Events, in the order they were reserved over all processors. Written here, without waking the
 * reader; read by gtrace_rec/ring.py through mmap. */
BPF_RINGBUF_OUTPUT(events, RING_PAGES);

struct stack {
	u64 depth;
	u64 pcs[STACK_DEPTH];
};

/* Key: hash of the stack. Value: its return addresses. Written here once a stack is new, read and
 * emptied by gtrace_rec/stacks.py. */
BPF_TABLE("hash", u64, struct stack, stacks, MAX_STACKS);

/* How much of the target's stack is read at once. To read any of its memory costs 0.1 µs, to read
 * two thousand bytes 0.2 µs; the kernel's own bpf_get_stack pays twice for each frame. */
#define BLOCK 2048 /* where a whole stack is wanted */
#define NEAR 256   /* where only the caller is */

/* Room to look at a stack in. */
struct scratch {
	u64 users; /* probes that hold it or tried to; only the one that finds 1 may use it */
	u64 base;  /* what `block` holds begins at this address of the target's */
	u64 size;  /* at an offset in `block` below this lie two words of it */
	u64 block[BLOCK / 8 + 1];
	struct stack stack;
};

/* By processor: the room that is free unless one probe preempted another. Used here only. */
BPF_PERCPU_ARRAY(cpu_scratch, struct scratch, 1);

/* Key: thread. Value: room for a probe that did preempt another. Used here only. */
BPF_TABLE("lru_hash", u32, struct scratch, thread_scratch, 4096);

/* One zeroed value, to make entries of thread_scratch from. */
BPF_ARRAY(empty_scratch, struct scratch, 1);

/* Why events were lost that a K_GAP record tells of, in its field `reason`: the first of
 * schema.GAP_CAUSES, in their order. */
#define CAUSE_RING_FULL 0
#define CAUSE_EVENT_RATE 1
#define CAUSES 2

#define K_SLOTS 32 /* more than there are kinds: a mask, which the verifier understands */

struct loss {
	u64 pending;  /* losses not yet told of by a K_GAP record */
	u64 first_ts; /* of the pending losses */
	u64 last_ts;
	u64 total;
};

struct tally {
	struct loss losses[CAUSES];
	u64 dropped_kinds;  /* events of kinds that are not to be recorded any more */
	u64 dropped_stacks; /* stacks that are not to be taken any more */
	u64 lost_stack;
	u64 read_faults;
	u64 lost[K_SLOTS]; /* by kind, since the start */
};

/* Per processor: what could not be recorded. Written here, read by gtrace_rec/loader.py. */
BPF_PERCPU_ARRAY(tallies, struct tally, 1);

/* Copy some of the target's memory; zeroes where it cannot be read. */
static __always_inline void copy(struct tally *t, void *to, u32 size, u64 address)
{
	if (bpf_probe_read_user(to, size, (void *)address))
		__sync_fetch_and_add(&t->read_faults, 1);
}

static __always_inline u64 word(struct tally *t, u64 address)
{
	u64 value = 0;

	copy(t, &value, sizeof(value), address);
	return value;
}

/* Take note of an event that is not recorded. */
static __always_inline void lose(struct tally *t, u32 cause, u8 kind, u64 ts)
{
	struct loss *l = &t->losses[cause];

	if (!l->pending)
		l->first_ts = ts;
	l->last_ts = ts;
	__sync_fetch_and_add(&l->pending, 1);
	__sync_fetch_and_add(&l->total, 1);
	__sync_fetch_and_add(&t->lost[kind & (K_SLOTS - 1)], 1);
}

#ifdef LIMITED
#define SECOND 1000000000ULL

struct control {
	u64 per_second;    /* most events a second over all processors; 0: any number */
	u32 dropped_kinds; /* bit mask over K_*: do not record these */
	u32 no_stacks;
};

/* What the recorder allows itself. Written by gtrace_rec/loader.py while this runs, read here. */
BPF_ARRAY(control, struct control, 1);

struct budget {
	u64 second;
	u64 taken; /* events in it, recorded or not */
};

/* What was used of it, approximately: two processors may both begin a second. Written and read here
 * only. */
BPF_ARRAY(budget, struct budget, 1);

/* Whether this event is not to be recorded; `want_stack` is cleared where its stack is not. */
static __always_inline bool limited(struct tally *t, u8 kind, u64 ts, bool *want_stack)
{
	int zero = 0;
	struct control *c = control.lookup(&zero);
	struct budget *b = budget.lookup(&zero);

	if (!c || !b)
		return false;
	if (c->dropped_kinds >> (kind & (K_SLOTS - 1)) & 1) {
		__sync_fetch_and_add(&t->dropped_kinds, 1);
		__sync_fetch_and_add(&t->lost[kind & (K_SLOTS - 1)], 1);
		return true;
	}
	if (c->per_second) {
		u64 second = ts / SECOND;

		if (b->second != second) {
			b->second = second;
			b->taken = 0;
		}
		__sync_fetch_and_add(&b->taken, 1);
		if (b->taken > c->per_second) {
			lose(t, CAUSE_EVENT_RATE, kind, ts);
			return true;
		}
	}
	if (c->no_stacks && *want_stack) {
		__sync_fetch_and_add(&t->dropped_stacks, 1);
		*want_stack = false;
	}
	return false;
}
#endif

#ifdef CHOSEN_COUNT
#define CHOSEN_INCLUDED 1
#define CHOSEN_EXCLUDED 2

/* Key: a start function's entry or a go statement's return address, as linked. Value: CHOSEN_*.
 * Written by gtrace_rec/loader.py before the first probe, read here. */
BPF_TABLE("hash", u64, u8, chosen, CHOSEN_COUNT);

static __always_inline u8 chosen_flags(u64 address)
{
	u8 *flags = chosen.lookup(&address);

	return flags ? *flags : 0;
}
#endif

/* Whether this goroutine is recorded: the rule of gtrace_rec/selection.py. `bias` is what was added
 * to the binary's addresses at load. */
static __always_inline bool wanted(struct tally *t, u64 gp, u64 goid, u64 bias)
{
#ifdef SAMPLE_BELOW
	u64 h = goid; /* MurmurHash3's finalizer */

	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	if ((u32)h >= SAMPLE_BELOW)
		return false;
#endif
#ifdef CHOSEN_COUNT
	u8 flags = chosen_flags(word(t, gp + OFF_G_STARTPC) - bias);

	flags |= chosen_flags(word(t, gp + OFF_G_GOPC) - bias);
#ifdef CHOSEN_ONLY
	if (!(flags & CHOSEN_INCLUDED))
		return false;
#endif
	if (flags & CHOSEN_EXCLUDED)
		return false;
#endif
	return true;
}

/* Id of the goroutine on whose behalf g0 runs; 0 if it is on none's. */
static __always_inline u64 goid_of_curg(struct tally *t, u64 g0)
{
	u64 curg = word(t, word(t, g0 + OFF_G_M) + OFF_M_CURG);

	return curg ? word(t, curg + OFF_G_GOID) : 0;
}

/* Room of this processor's, or of this thread's; NULL if there is none. To be given back. */
static __always_inline struct scratch *claim(u32 tid)
{
	int zero = 0;
	struct scratch *s = cpu_scratch.lookup(&zero);

	if (!s)
		return 0;
	__sync_fetch_and_add(&s->users, 1);
	if (s->users != 1) {
		struct scratch *empty = empty_scratch.lookup(&zero);

		s = thread_scratch.lookup(&tid);
		if (!s && empty) {
			thread_scratch.update(&tid, empty);
			s = thread_scratch.lookup(&tid);
		}
	}
	if (s)
		s->size = 0;
	return s;
}

static __always_inline void give_back(void)
{
	int zero = 0;
	struct scratch *s = cpu_scratch.lookup(&zero);

	if (s)
		__sync_fetch_and_add(&s->users, -1);
}

/* Two words of the target's stack, read along with those above them. NULL if they cannot be. */
static __always_inline u64 *two_words(struct tally *t, struct scratch *s, u64 address, u32 at_most)
{
	u64 at = address - s->base;

	if (at >= s->size) {
		/* To the end of the page: what lies behind need not be there. */
		u64 size = 4096 - address % 4096;

		if (size > at_most)
			size = at_most;
		if (size < 16)
			size = 16;
		if (bpf_probe_read_user(s->block, size, (void *)address)) {
			__sync_fetch_and_add(&t->read_faults, 1);
			s->size = 0;
			return 0;
		}
		s->base = address;
		s->size = size - 8;
		at = 0;
	}
	return &s->block[at / 8 & (BLOCK / 8 - 1)];
}

/* A word that is likely to be among those read last. */
static __always_inline u64 near_word(struct tally *t, struct scratch *s, u64 address)
{
	u64 at = s ? address - s->base : 0;

	if (!s || at >= s->size)
		return word(t, address);
	return s->block[at / 8 & (BLOCK / 8 - 1)];
}

/* Follow the frame pointers from `fp` on. Returns the hash of the stack, which is now a key of
 * `stacks`, or 0. `bias` is what was added to the binary's addresses at load.
 *
 * Where C called Go, what cgocallback found in that register is C's, and need not be a frame pointer.
 * But if Go had called C before, the frames in which it did lie right above: those of asmcgocall, which
 * returns to cgocall, and of cgocall. Else this is a thread of C's own, and the stack ends. */
static __always_inline u64 take_stack(struct tally *t, struct scratch *s, u32 pid, u64 ip, u64 fp,
				      u64 bias)
{
	u64 depth = 1, hash = ((u64)pid << 32 ^ ip) * 0x9e3779b97f4a7c15ULL;
	bool outer = false;

	s->stack.pcs[0] = ip;
	for (int i = 1; i < STACK_DEPTH; i++) {
		if (!fp || fp % 8)
			break; /* the outermost frame, or none of Go's */
		u64 *frame = two_words(t, s, fp, BLOCK);

		if (!frame)
			break;
		u64 pc = frame[1];

#ifdef CGOCALLBACK
		if (outer) {
			if (pc - bias - CGOCALL >= CGOCALL_SIZE)
				break;
			outer = false;
			fp += CGOCALL_FRAME;
		} else if (pc - bias - CGOCALLBACK < CGOCALLBACK_SIZE) {
			outer = true;
			fp += CGOCALLBACK_FRAME;
		} else {
			fp = frame[0];
		}
#else
		fp = frame[0];
#endif
		s->stack.pcs[i] = pc;
		hash = (hash ^ hash >> 32 ^ pc) * 0x9e3779b97f4a7c15ULL;
		depth++;
	}
	hash = (hash ^ hash >> 32) | 1; /* 0 means no stack */
	if (!stacks.lookup(&hash)) {
		s->stack.depth = depth;
		/* Fails only when the map is full: the reader empties it in time. */
		if (stacks.update(&hash, &s->stack)) {
			__sync_fetch_and_add(&t->lost_stack, 1);
			return 0;
		}
	}
	return hash;
}

/* Tell the reader of losses on this processor, now that there is room again. */
static __always_inline void tell_gap(struct tally *t, u32 cause, u32 pid)
{
	struct loss *l = &t->losses[cause];
	struct event *e = events.ringbuf_reserve(sizeof(*e));

	if (!e)
		return;
	u64 lost = l->pending;

	__builtin_memset(e, 0, sizeof(*e));
	e->kind = K_GAP;
	e->reason = cause;
	e->ts = l->first_ts;
	e->obj = l->last_ts;
	e->other_goid = lost;
	e->cpu = bpf_get_smp_processor_id();
	e->pid = pid;
	__sync_fetch_and_add(&l->pending, -lost);
	events.ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* `address` is the site's, as linked. */
static __always_inline int handle(struct pt_regs *ctx, u8 kind, const u8 site, bool want_stack,
				  u64 address)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 ts = bpf_ktime_get_ns();
	u64 gp = ARG1(ctx), arg2 = ARG2(ctx), arg3 = ARG3(ctx), g = G(ctx), fp = FP(ctx);
	u64 ip = IP(ctx);
	u64 goid, other = 0, obj = 0, pc = 0, stack = 0;
	u8 reason = 0, exits = 0;
	int zero = 0;
	struct tally *t = tallies.lookup(&zero);

	/* Keeps the compiler from choosing a register by address: the verifier forbids that. */
	asm volatile("" : "+r"(gp), "+r"(arg2), "+r"(arg3), "+r"(g), "+r"(fp), "+r"(ip));
	if (!t)
		return 0;
	if (site == SITE_PARK) {
		u64 fields[(OFF_G_WAITREASON - OFF_G_GOID) / 8 + 1] = {};

		gp = g;
		copy(t, fields, sizeof(fields), gp + OFF_G_GOID);
		goid = fields[0];
		reason = ((u8 *)fields)[OFF_G_WAITREASON - OFF_G_GOID];
	} else if (site == SITE_CREATE || site == SITE_RUNQPUT) {
		u64 fields[(OFF_G_STARTPC - OFF_G_GOID) / 8 + 1] = {};

		if (site == SITE_RUNQPUT)
			gp = arg2;
		copy(t, fields, sizeof(fields), gp + OFF_G_GOID);
		goid = fields[0];
		pc = fields[(OFF_G_GOPC - OFF_G_GOID) / 8];
		obj = fields[(OFF_G_STARTPC - OFF_G_GOID) / 8];
#ifdef OFF_G_PARENTGOID
		other = fields[(OFF_G_PARENTGOID - OFF_G_GOID) / 8];
#endif
		if (site == SITE_CREATE && (u32)arg3 == STATUS_WAITING)
			kind = K_CREATE_PARKED;
	} else {
		if (site == SITE_CURRENT)
			gp = g;
		goid = word(t, gp + OFF_G_GOID);
	}

	u64 bias = ip - address;

	if (site != SITE_CORO && !wanted(t, gp, goid, bias))
		return 0;
#ifdef LIMITED
	if (site != SITE_CORO && limited(t, kind, ts, &want_stack))
		return 0;
#endif
#ifndef OFF_G_PARENTGOID
	if (site == SITE_CREATE || site == SITE_RUNQPUT)
		other = goid_of_curg(t, g);
#endif
	if (site == SITE_WAKE) {
		other = goid_of_curg(t, g);
		if (!other)
			want_stack = false; /* a timer's or the runtime's: nobody's stack */
	}

#ifdef OFF_G_COROARG
	if (site == SITE_CORO) {
		u64 next = word(t, word(t, gp + OFF_G_COROARG));

		if (next) /* coro.gp: a guintptr, which is the g's address */
			other = word(t, next + OFF_G_GOID);
		/* Two goroutines change their state here; tell only of what is recorded. */
		if (other && !wanted(t, next, other, bias))
			other = 0;
#ifdef OFF_G_COROEXIT
		bpf_probe_read_user(&exits, 1, (void *)(gp + OFF_G_COROEXIT));
#endif
		if (exits || !wanted(t, gp, goid, bias)) { /* gdestroy tells of its end */
			u64 left = goid;

			if (!other)
				return 0;
			kind = K_CORO_RESUME;
			goid = other;
			other = left;
		}
#ifdef LIMITED
		if (limited(t, kind, ts, &want_stack))
			return 0;
#endif
	}
#endif
	struct scratch *s = 0;

	if (want_stack || site == SITE_PARK)
		s = claim(id);
	if (site == SITE_PARK) {
		u64 bit = 1ULL << (reason & 63);
		/* What lies at the frame pointer: the caller's, and the address it goes on at. */
		u64 caller_fp = 0;

		if (s) {
			u64 *frame = two_words(t, s, fp, want_stack ? BLOCK : NEAR);

			if (frame) {
				caller_fp = frame[0];
				pc = frame[1];
			}
		} else {
			u64 frame[2] = {};

			copy(t, frame, sizeof(frame), fp);
			caller_fp = frame[0];
			pc = frame[1];
		}
		if (bit & SUDOG_REASONS) {
			u64 sudog = word(t, g + OFF_G_WAITING);

			if (sudog)
				obj = word(t, sudog + OFF_SUDOG_C);
		} else if (bit & (ARG_REASONS | CALLER_ARG_REASONS)) {
			u64 frame = caller_fp;

			if (bit & CALLER_ARG_REASONS)
				frame = near_word(t, s, frame); /* the caller's caller */
#ifdef GOARCH_ARM64
			frame = near_word(t, s, frame);
#endif
			if (frame)
				obj = near_word(t, s, frame + 16); /* home slot of its first argument */
		}
	} else if (site == SITE_SELF) {
		pc = ip + 1;
	}
	if (want_stack) {
		if (s)
			stack = take_stack(t, s, id >> 32, ip, fp, bias);
		else
			__sync_fetch_and_add(&t->lost_stack, 1);
	}
	/* Behind the stack: before it, the verifier would walk the loop eleven times over. */
	if (site == SITE_WAKE || site == SITE_CALLER)
		pc = near_word(t, s, fp + 8);
	if (want_stack || site == SITE_PARK)
		give_back();

	struct event *e = events.ringbuf_reserve(sizeof(*e));

	if (!e) {
		lose(t, CAUSE_RING_FULL, kind, ts);
		return 0;
	}
	e->ts = ts;
	e->goid = goid;
	e->other_goid = other;
	e->obj = obj;
	e->pc = pc ? pc - 1 : 0; /* into the call, off its return address */
	e->stack = stack;
	e->tid = (u32)id;
	e->pid = id >> 32;
	e->cpu = bpf_get_smp_processor_id();
	e->kind = kind;
	e->reason = reason;
	e->unused = 0;
	events.ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	if (t->losses[CAUSE_RING_FULL].pending)
		tell_gap(t, CAUSE_RING_FULL, id >> 32);
#ifdef LIMITED
	if (t->losses[CAUSE_EVENT_RATE].pending)
		tell_gap(t, CAUSE_EVENT_RATE, id >> 32);
#endif
	return 0;
}

/* Run where only the cost of a probe is of interest. */
int gtrace_nothing(struct pt_regs *ctx) { return 0; }

#define SITE(n, kind, site, stack, address) \
	int gtrace_##n(struct pt_regs *ctx) { return handle(ctx, kind, site, stack, address); }
SITES
