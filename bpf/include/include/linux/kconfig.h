/* Forced into every compile by bcc: the one setting its helpers.h asks for. */
#define CONFIG_BPF_SYSCALL 1
