// SPDX-License-Identifier: Apache-2.0
// A socket in the file system that listens.
#ifndef HOST_CONSOLE_UNIX_SOCKET_H
#define HOST_CONSOLE_UNIX_SOCKET_H

#include <stdbool.h>

// Replaces one that is left over from a process that died. `only_owner`: mode 0600, else as the umask
// has it. The descriptor, non-blocking, or -1 after having said on stderr what went wrong with the
// socket of `what`.
int hull_unix_listen(const char *path, const char *what, bool only_owner);

#endif
