/* The kernel's register frame, as BPF programs on uprobes see it. */
#ifndef GTRACE_PTRACE_H
#define GTRACE_PTRACE_H
#include <linux/types.h>
#ifdef GOARCH_ARM64
struct pt_regs { /* struct user_pt_regs */
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};
#else
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
#endif
#endif
