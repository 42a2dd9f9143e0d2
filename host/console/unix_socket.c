// SPDX-License-Identifier: Apache-2.0
// Listening on a socket in the file system.
#include "host/console/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// A socket that is left over from a process that died can be replaced; one that answers is in use.
static bool unix_is_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;
    bool stale;

    stale = fd >= 0 && lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
            connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
            errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

static int unix_bind(int fd, const struct sockaddr_un *address)
{
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (!unix_is_stale(address)) {
        errno = EADDRINUSE;
        return -1;
    }
    unlink(address->sun_path);
    return bind(fd, (const struct sockaddr *)address, sizeof(*address));
}

int hull_unix_listen(const char *path, const char *what, bool only_owner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        fprintf(stderr, "hull: the %s's socket name is longer than %zu bytes: %s\n", what,
                sizeof(address.sun_path) - 1, path);
        return -1;
    }
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // The file gets the mode of the socket: there is no moment at which others could connect.
    if (fd < 0 || (only_owner && fchmod(fd, 0600) < 0) || unix_bind(fd, &address) < 0 ||
        listen(fd, 4) < 0) {
        fprintf(stderr, "hull: can't listen on the %s's socket %s: %s\n", what, path,
                strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}
