/* Contents come from the copy that bcc carries and forces in first. */
#include <linux/types.h>
