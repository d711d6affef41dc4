/* What a probe costs that does nothing: the same sites as gtrace.bpf.c, and its maps, unused. */
#include <uapi/linux/ptrace.h>

BPF_RINGBUF_OUTPUT(events, RING_PAGES);
BPF_HASH(stacks, u64, u64, 1);
BPF_PERCPU_ARRAY(tallies, u64, 1);

#define SITE(n, kind, site, stack, address) \
	int gtrace_##n(struct pt_regs *ctx) { return 0; }
SITES
