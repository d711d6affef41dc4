/* The unit in which bcc's BPF_RINGBUF_OUTPUT counts; the kernel wants a power of two, no more. */
#define PAGE_SIZE 4096
