/* Classic BPF's macros: named by bcc's bpf.h, used by nothing here. */
