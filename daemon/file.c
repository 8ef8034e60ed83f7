#include "daemon/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO without a writer does not hold us up */
    if (fd < 0)
        snprintf(why, why_size, "cannot open it: %s", strerror(errno));
    return fd;
}

/* The path is the kernel's, without symbolic links. What has none (an unnamed pipe) is nobody else's to read. */
bool file_is_public(int fd)
{
    char self[32], path[PATH_MAX];
    struct stat is;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(self, path, sizeof path - 1);
    if (n <= 0 || path[0] != '/' || fstat(fd, &is) < 0 || (is.st_mode & S_IROTH) == 0)
        return false;
    path[n] = '\0';
    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (stat(slash == path ? "/" : path, &is) < 0 || (is.st_mode & S_IXOTH) == 0)
            return false;
    }
    return true;
}

/* A pipe may stand in a file's place, but nobody has to write to it: what is silent for too long is given up. Anything
 * else that has nothing yet (a terminal) likewise. -1 with errno set. */
static ssize_t read_patiently(int fd, char *to, size_t size)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, FILE_SILENCE * 1000);
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(fd, to, size) : -1;
        if (got >= 0 || ready <= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
    }
}

ssize_t file_read(int fd, char *to, size_t size, char *why, size_t why_size)
{
    ssize_t got = read_patiently(fd, to, size);
    if (got < 0 && errno == ETIMEDOUT)
        snprintf(why, why_size, "cannot read it: nobody wrote to it for %d seconds", FILE_SILENCE);
    else if (got < 0)
        snprintf(why, why_size, "cannot read it: %s", strerror(errno));
    return got;
}
