/* bcc's helpers.h chooses what to declare by this. uprobe_multi needs 6.6, ring buffers 5.8;
 * nothing that these sources use was renamed in between. */
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE KERNEL_VERSION(6, 6, 0)
