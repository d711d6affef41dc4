/* The one BPF program of gtrace: runs at chosen call instructions of the Go runtime.
 *
 * What a site means stands in its attach cookie (struct cookie below). Constants come as -D flags
 * from gtrace_rec/loader.py: OFF_* (offsets in Go's structs), K_* (event kinds), STACK_DEPTH,
 * MAX_STACKS, RING_PAGES, CHAN_REASONS and ARG_REASONS (bit masks over waitReason); where not all
 * goroutines are recorded, SAMPLE_BELOW and CHOSEN_COUNT. */
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

#define COOKIE_KIND(c) ((u8)(c))
#define COOKIE_SITE(c) ((u8)((c) >> 8))
#define COOKIE_STACK(c) (((c) >> 16) & 1)
#define COOKIE_ADDRESS(c) ((c) >> 24) /* of the site, as linked */

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

/* Key: thread. Value: room to take a stack in. By thread, not by processor, because a probe can be
 * preempted by another thread's on the same processor. Written and read here only. */
BPF_TABLE("lru_hash", u32, struct stack, scratch, 16384);

/* One zeroed stack, to make scratch entries from. */
BPF_ARRAY(empty_stack, struct stack, 1);

struct tally {
	u64 pending;  /* losses not yet told of by a K_GAP record */
	u64 first_ts; /* of the pending losses */
	u64 last_ts;
	u64 lost_stack;
	u64 read_faults;
	u64 lost[K_COUNT]; /* by kind, since the start */
};

/* Per processor: what could not be recorded. Written here, read by gtrace_rec/loader.py. */
BPF_PERCPU_ARRAY(tallies, struct tally, 1);

/* Read one word of the target's memory; 0 where it cannot be read. */
static __always_inline u64 word(struct tally *t, u64 address)
{
	u64 value = 0;

	if (bpf_probe_read_user(&value, sizeof(value), (void *)address))
		__sync_fetch_and_add(&t->read_faults, 1);
	return value;
}

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

static __always_inline u64 take_stack(struct pt_regs *ctx, struct tally *t, u64 id)
{
	u32 tid = id;
	struct stack *s = scratch.lookup(&tid);

	if (!s) {
		int zero = 0;
		struct stack *empty = empty_stack.lookup(&zero);

		if (!empty)
			return 0;
		scratch.update(&tid, empty);
		s = scratch.lookup(&tid);
		if (!s)
			goto lost;
	}
	long bytes = bpf_get_stack(ctx, s->pcs, sizeof(s->pcs), BPF_F_USER_STACK);

	if (bytes <= 0)
		goto lost;
	u64 depth = (u64)bytes / 8, hash = depth ^ (id >> 32 << 32); /* of this process */

	for (int i = 0; i < STACK_DEPTH; i++) {
		if (i >= depth)
			break;
		hash = (hash ^ s->pcs[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	hash |= 1; /* 0 means no stack */
	if (!stacks.lookup(&hash)) {
		s->depth = depth;
		/* Fails only when the map is full: the reader empties it in time. */
		if (stacks.update(&hash, s))
			goto lost;
	}
	return hash;
lost:
	__sync_fetch_and_add(&t->lost_stack, 1);
	return 0;
}

/* Tell the reader of losses on this processor, now that there is room again. */
static __always_inline void tell_gap(struct tally *t, u32 pid)
{
	struct event *e = events.ringbuf_reserve(sizeof(*e));

	if (!e)
		return;
	u64 lost = t->pending;

	__builtin_memset(e, 0, sizeof(*e));
	e->kind = K_GAP;
	e->ts = t->first_ts;
	e->obj = t->last_ts;
	e->other_goid = lost;
	e->cpu = bpf_get_smp_processor_id();
	e->pid = pid;
	__sync_fetch_and_add(&t->pending, -lost);
	events.ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

static __always_inline int handle(struct pt_regs *ctx, u64 cookie)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 ts = bpf_ktime_get_ns();
	u64 gp = ARG1(ctx), arg2 = ARG2(ctx), arg3 = ARG3(ctx), g = G(ctx), fp = FP(ctx);
	u64 ip = IP(ctx);
	u64 goid, other = 0, obj = 0, pc = 0, stack = 0;
	u8 kind = COOKIE_KIND(cookie), site = COOKIE_SITE(cookie), reason = 0;
	bool want_stack = COOKIE_STACK(cookie);
	int zero = 0;
	struct tally *t = tallies.lookup(&zero);

	/* Keeps the compiler from choosing a register by address: the verifier forbids that. */
	asm volatile("" : "+r"(gp), "+r"(arg2), "+r"(arg3), "+r"(g), "+r"(fp), "+r"(ip));
	if (!t)
		return 0;
	if (site == SITE_PARK || site == SITE_CURRENT)
		gp = g;
	else if (site == SITE_RUNQPUT)
		gp = arg2;
	goid = word(t, gp + OFF_G_GOID);
	u64 bias = ip - COOKIE_ADDRESS(cookie);

	if (site != SITE_CORO && !wanted(t, gp, goid, bias))
		return 0;
	if (site == SITE_PARK) {
		u64 frame[2] = {}; /* the caller's frame pointer, the return address into it */

		bpf_probe_read_user(&reason, 1, (void *)(gp + OFF_G_WAITREASON));
		bpf_probe_read_user(frame, sizeof(frame), (void *)fp);
		pc = frame[1];
		u64 bit = 1ULL << (reason & 63);

		if (bit & CHAN_REASONS) {
			u64 sudog = word(t, gp + OFF_G_WAITING);

			if (sudog)
				obj = word(t, sudog + OFF_SUDOG_C);
		} else if (bit & (ARG_REASONS | CALLER_ARG_REASONS)) {
			if (bit & CALLER_ARG_REASONS)
				frame[0] = word(t, frame[0]); /* the caller's caller */
#ifdef GOARCH_ARM64
			frame[0] = word(t, frame[0]);
#endif
			obj = word(t, frame[0] + 16); /* home slot of its first argument */
		}
	} else if (site == SITE_SELF) {
		pc = ip + 1;
	} else if (site == SITE_CALLER) {
		pc = word(t, fp + 8);
	} else if (site == SITE_WAKE) {
		pc = word(t, fp + 8);
		u64 curg = word(t, word(t, g + OFF_G_M) + OFF_M_CURG);

		if (curg)
			other = word(t, curg + OFF_G_GOID);
		else
			want_stack = false; /* a timer's or the runtime's: nobody's stack */
	} else if (site == SITE_CREATE || site == SITE_RUNQPUT) {
		u64 curg = word(t, word(t, g + OFF_G_M) + OFF_M_CURG);

		if (curg)
			other = word(t, curg + OFF_G_GOID);
		pc = word(t, gp + OFF_G_GOPC);
		obj = word(t, gp + OFF_G_STARTPC);
		if (site == SITE_CREATE && (u32)arg3 == STATUS_WAITING)
			kind = K_CREATE_PARKED;
#ifdef OFF_G_COROARG
	} else if (site == SITE_CORO) {
		u64 next = word(t, word(t, gp + OFF_G_COROARG));

		if (next) /* coro.gp: a guintptr, which is the g's address */
			other = word(t, next + OFF_G_GOID);
		/* Two goroutines change their state here; tell only of what is recorded. */
		if (other && !wanted(t, next, other, bias))
			other = 0;
		if (!wanted(t, gp, goid, bias)) {
			if (!other)
				return 0;
			kind = K_RUN;
			goid = other;
			other = 0;
		}
#endif
	}
	if (want_stack)
		stack = take_stack(ctx, t, id);

	struct event *e = events.ringbuf_reserve(sizeof(*e));

	if (!e) {
		if (!t->pending)
			t->first_ts = ts;
		t->last_ts = ts;
		__sync_fetch_and_add(&t->pending, 1);
		if (kind < K_COUNT)
			__sync_fetch_and_add(&t->lost[kind], 1);
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
	if (t->pending)
		tell_gap(t, id >> 32);
	return 0;
}

/* Kernels before 6.6 have no uprobe_multi, and bcc's own attach has no cookies: there, SITES lists
 * one program per site. */
#ifdef SITES
#define SITE(n, cookie) \
	int gtrace_##n(struct pt_regs *ctx) { return handle(ctx, cookie); }
SITES
#else
int gtrace(struct pt_regs *ctx)
{
	return handle(ctx, bpf_get_attach_cookie(ctx));
}
#endif
