/* The record of one event, as it lies in the ring buffer.
 *
 * Written by gtrace.bpf.c, read in whole blocks by gtrace_rec/decode.py, whose numpy type has the
 * same fields in the same order. All fields are always written; 0 stands for "none". */
#ifndef GTRACE_EVENT_H
#define GTRACE_EVENT_H

struct event {
	u64 ts;		/* bpf_ktime_get_ns: CLOCK_MONOTONIC */
	u64 goid;
	u64 other_goid; /* parent, waker or coroutine peer; K_GAP: number of events lost */
	u64 obj;	/* what it waits on, or the start function; K_GAP: ts of the last loss */
	u64 pc;
	u64 stack;	/* hash of the user stack: key of the map `stacks` */
	u32 tid;
	u32 pid;
	u16 cpu;
	u8 kind;	/* K_*: index into schema.EVENT_KINDS, or K_GAP */
	u8 reason;	/* K_PARK: the runtime's waitReason; K_GAP: CAUSE_* */
	u32 unused;
};

#endif
