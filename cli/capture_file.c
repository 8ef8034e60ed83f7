#define _GNU_SOURCE /* syscall */
#include "cli/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/capture_socket.h"

#define BUFFER_SIZE (4 * CAPTURE_SNAPLEN)

struct capture_file {
    const char *path; /* the caller's */
    int fd;
    bool failed;
    uint64_t written, most;
    size_t len; /* of what is not yet written */
    uint8_t buffer[BUFFER_SIZE];
};

/* ---- a new one ---- */

/* Each thread of Linux has credentials of its own, as long as nobody asks libc, which changes those of all. */
bool capture_file_become(const struct capture_owner *owner, char *why, size_t size)
{
    if (owner->uid == geteuid())
        return true;
    if (syscall(SYS_setgroups, owner->n_groups, owner->groups) == 0) {
        (void)setfsgid(owner->gid);
        (void)setfsuid(owner->uid);
        /* the only way to hear of a failure is to ask again, for what nobody can be */
        if (setfsgid((gid_t)-1) == (int)owner->gid && setfsuid((uid_t)-1) == (int)owner->uid)
            return true;
    }
    snprintf(why, size,
             "a capture's file belongs to whoever asked for it, and ferryd may not write as others here (it has no "
             "CAP_SETUID and CAP_SETGID): capture as the user that ferryd runs as");
    return false;
}

static const char *cure(int error)
{
    switch (error) {
    case EEXIST:
        return "; an existing file is never written over: remove it, or choose another name";
    case ENOENT:
        return "; ferryd makes the file, but not its folder";
    case EROFS:
    case EACCES:
    case EPERM:
        return "; as a service ferryd may write below /var/lib/ferryd";
    default:
        return "";
    }
}

struct capture_file *capture_file_new(const char *path, uint64_t most, char *why, size_t size)
{
    struct capture_file *file = malloc(sizeof *file);
    if (file == NULL) {
        snprintf(why, size, "the system gave no memory");
        return NULL;
    }
    file->path = path;
    file->most = most;
    file->written = file->len = 0;
    file->failed = false;
    file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return file;
    snprintf(why, size, "%s can not be made: %s%s", path, strerror(errno), cure(errno));
    free(file);
    return NULL;
}

void capture_file_free(struct capture_file *file)
{
    if (file == NULL)
        return;
    close(file->fd);
    free(file);
}

uint64_t capture_file_size(const struct capture_file *file)
{
    return file->written;
}

/* ---- writing ---- */

/* A block that is there in part would make readers complain. */
static bool write_failed(struct capture_file *file, size_t written, int error, char *why, size_t size)
{
    size_t whole = pcapng_whole(file->buffer, written);
    file->written += whole;
    (void)!ftruncate(file->fd, (off_t)file->written);
    (void)lseek(file->fd, (off_t)file->written, SEEK_SET);
    file->len = 0;
    file->failed = true;
    snprintf(why, size, "writing to %s failed: %s; what is in it up to there can be read", file->path, strerror(error));
    return false;
}

bool capture_file_flush(struct capture_file *file, char *why, size_t size)
{
    size_t written = 0;
    while (written < file->len) {
        ssize_t n = write(file->fd, file->buffer + written, file->len - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return write_failed(file, written, n < 0 ? errno : ENOSPC, why, size);
        written += (size_t)n;
    }
    file->written += written;
    file->len = 0;
    return true;
}

bool capture_file_begin(struct capture_file *file, const char *application, const char *device, const char *filter,
                        char *why, size_t size)
{
    file->len = pcapng_section(file->buffer, BUFFER_SIZE, application);
    file->len += pcapng_interface(file->buffer + file->len, BUFFER_SIZE - file->len, device, CAPTURE_SNAPLEN, filter);
    return capture_file_flush(file, why, size);
}

enum capture_added capture_file_add(struct capture_file *file, const struct pcapng_packet *packet, char *why,
                                    size_t size)
{
    size_t len = pcapng_packet(file->buffer + file->len, BUFFER_SIZE - file->len, packet);
    if (len == 0) {
        if (!capture_file_flush(file, why, size))
            return CAPTURE_FAILED;
        len = pcapng_packet(file->buffer, BUFFER_SIZE, packet);
    }
    if (file->written + file->len + len + PCAPNG_STATISTICS_SIZE > file->most)
        return CAPTURE_FULL;
    file->len += len;
    return CAPTURE_ADDED;
}

bool capture_file_end(struct capture_file *file, const struct pcapng_statistics *statistics, char *why, size_t size)
{
    bool good = !file->failed && capture_file_flush(file, why, size);
    char again[1]; /* the first reason is the one to tell */
    file->len = pcapng_statistics(file->buffer, BUFFER_SIZE, statistics);
    if (good)
        return capture_file_flush(file, why, size);
    (void)capture_file_flush(file, again, sizeof again);
    return false;
}
