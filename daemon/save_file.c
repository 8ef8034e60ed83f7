#define _GNU_SOURCE /* mkostemp */
#include "daemon/save_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/routes_file.h"
#include "daemon/config_file.h"
#include "daemon/config_text.h"
#include "daemon/config_token.h"

#define NEW_MODE 0640 /* there may be keys in it */
#define ENDING   ".conf"

struct bytes {
    char *at;
    size_t n;
};

struct saving {
    const struct save_wish *wish;
    struct saved_file *file;
    char *report;
    bool is_start;
    char target[PATH_MAX];    /* what is written, no symbolic link any more */
    char temporary[PATH_MAX]; /* beside it; "": there is none */
    bool exists;
    struct stat was;
    struct bytes old, text; /* what is there, and what shall be */
};

__attribute__((format(printf, 2, 3))) static bool say(struct saving *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->report, SAVE_REPORT, format, args);
    va_end(args);
    return false;
}

/* PATH can not be written, as errno says. */
static bool explain(struct saving *s, const char *path)
{
    const char *again = s->is_start ? "write memory" : "copy running-config";
    switch (errno) {
    case EROFS:
        return say(s,
                   "%s can not be written: its file system is read-only. Nothing was changed; mount it writable, or "
                   "copy running-config to a file elsewhere",
                   path);
    case ENOSPC:
    case EDQUOT:
        return say(s, "%s can not be written: its file system is full. Nothing was changed; make room, and %s again",
                   path, again);
    case EACCES:
    case EPERM:
        return say(s,
                   "%s can not be written: ferryd (uid %lu) may not write into its directory. Nothing was changed; "
                   "let it, or copy running-config to a file elsewhere",
                   path, (unsigned long)geteuid());
    case ENOENT:
        return say(s, "%s can not be written: there is no such directory. Nothing was changed; make it, and %s again",
                   path, again);
    default:
        return say(s, "%s can not be written: %s. Nothing was changed", path, strerror(errno));
    }
}

/* ---- bytes ---- */

static struct saved_file print_of(const struct bytes *bytes)
{
    struct saved_file print = {.known = true, .size = bytes->n, .hash = 14695981039346656037U};
    for (size_t i = 0; i < bytes->n; i++)
        print.hash = (print.hash ^ (unsigned char)bytes->at[i]) * 1099511628211U;
    return print;
}

static bool same_print(const struct saved_file *a, const struct saved_file *b)
{
    return a->known && b->known && a->size == b->size && a->hash == b->hash;
}

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n) == 0);
}

/* All of FD, a plain file. */
static bool read_bytes(int fd, struct bytes *bytes)
{
    size_t room = 0;
    ssize_t n = 0;
    *bytes = (struct bytes){0};
    do {
        bytes->n += (size_t)n;
        if (bytes->n == room) {
            char *grown = room < CONFIG_TEXT_MAX ? realloc(bytes->at, room * 2 + 65536) : NULL;
            errno = grown == NULL ? EFBIG : errno;
            if (grown == NULL)
                return false;
            bytes->at = grown;
            room = room * 2 + 65536;
        }
        n = read(fd, bytes->at + bytes->n, room - bytes->n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n == 0;
}

static bool write_bytes(int fd, const struct bytes *bytes)
{
    for (size_t done = 0; done < bytes->n;) {
        ssize_t n = write(fd, bytes->at + done, bytes->n - done);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            done += (size_t)n;
    }
    return true;
}

/* Opens what may be anything, without waiting for it. */
static int open_plain(const char *path, int how, struct stat *is)
{
    int fd = open(path, how | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && fstat(fd, is) == 0 && S_ISREG(is->st_mode))
        return fd;
    if (fd >= 0) {
        close(fd);
        errno = EINVAL;
    }
    return -1;
}

/* It is taken before the file is read: if somebody writes in between, a later saving is refused rather than what they
 * wrote lost. */
struct config *save_load(struct saved_file *file, const char *path, struct config_errors *errors)
{
    struct saved_file print = {0};
    struct stat is;
    char target[PATH_MAX];
    int fd = realpath(path, target) == NULL ? -1 : open_plain(target, O_RDONLY, &is);
    if (fd >= 0) {
        struct bytes bytes;
        if (read_bytes(fd, &bytes))
            print = print_of(&bytes);
        free(bytes.at);
        close(fd);
    }
    struct config *config = config_load(path, errors);
    if (config != NULL)
        *file = print;
    return config;
}

/* ---- what is to be written ---- */

/* The file of the start may be a symbolic link: what it points to is written, and the link stays. */
static bool find_start(struct saving *s)
{
    struct stat is;
    const char *path = s->wish->start;
    s->is_start = true;
    if (realpath(path, s->target) != NULL)
        return true;
    if (errno != ENOENT)
        return explain(s, path);
    if (lstat(path, &is) == 0)
        return say(s, "%s is a symbolic link to nothing. Nothing was changed; make what it points to, or remove it",
                   path);
    if (snprintf(s->target, sizeof s->target, "%s", path) < (int)sizeof s->target)
        return true;
    errno = ENAMETOOLONG;
    return explain(s, path);
}

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n > m && strcmp(text + n - m, ending) == 0;
}

/* The daemon may write what whoever asks may not, so it makes and replaces nothing that is no configuration. */
static bool find_other(struct saving *s)
{
    struct stat is, start;
    const char *path = s->wish->path;
    if (path[0] != '/')
        return say(s, "\"%s\" does not begin with '/': a file is named from the root. Nothing was written", path);
    if (stat(path, &is) == 0 && stat(s->wish->start, &start) == 0 && is.st_dev == start.st_dev &&
        is.st_ino == start.st_ino)
        return find_start(s);
    if (lstat(path, &is) == 0 && S_ISLNK(is.st_mode))
        return say(s, "%s is a symbolic link: name the file itself. Nothing was written", path);
    if (!ends_in(path, ENDING))
        return say(s, "the name of a configuration ends in " ENDING ": \"%s\" does not. Nothing was written", path);
    if (snprintf(s->target, sizeof s->target, "%s", path) < (int)sizeof s->target)
        return true;
    errno = ENAMETOOLONG;
    return explain(s, path);
}

static bool read_old(struct saving *s)
{
    int fd = open_plain(s->target, O_RDONLY, &s->was);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 && errno == EINVAL)
        return say(s, "%s is no plain file. Nothing was written", s->target);
    s->exists = true;
    bool good = fd >= 0 && read_bytes(fd, &s->old);
    if (!good)
        say(s, "%s can not be read, so it is not written either: %s", s->target, strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

static bool is_configuration(const char *path)
{
    struct config_errors errors = {0};
    struct config *config = config_load_alone(path, &errors);
    config_free(config);
    return config != NULL;
}

/* The word in a comment or a string is none. */
static bool includes_others(const struct bytes *text)
{
    struct source f = source_of("", text->at, text->n);
    enum token token = TOKEN_END;
    while (text->n > 0 && (token = source_token(&f)) != TOKEN_END && token != TOKEN_BAD && token != TOKEN_INCLUDE)
        ;
    return token == TOKEN_INCLUDE;
}

static bool may_be_replaced(struct saving *s)
{
    if (s->is_start && s->wish->unconfirmed)
        return say(s,
                   "the running configuration waits to be confirmed, and may be undone: commit lets it stay, and then "
                   "write memory saves it. Nothing was written");
    if (!s->exists)
        return true;
    if (!s->is_start) {
        if (is_configuration(s->target))
            return true;
        return say(s, "%s is there and is no configuration of ferryd: it is not replaced. Choose another name",
                   s->target);
    }
    struct saved_file print = print_of(&s->old);
    if (!s->wish->force && includes_others(&s->old))
        return say(s,
                   "%s includes other files, and what is written stands in one. Nothing was written: write memory "
                   "force makes one file of them (and keeps this one as %s.1)",
                   s->target, s->target);
    if (s->wish->force || same_print(&print, s->file) || same_bytes(&s->old, &s->text))
        return true;
    return say(s,
               "%s was changed by somebody since it was read or written. Nothing was written: reload configuration "
               "takes over what it says now, write memory force replaces it (and keeps it as %s.1)",
               s->target, s->target);
}

static bool make_text(struct saving *s)
{
    FILE *to = open_memstream(&s->text.at, &s->text.n);
    bool good = to != NULL && config_write_all(s->wish->config, to);
    if (to != NULL && fclose(to) != 0)
        good = false;
    return good || say(s, "there is no memory for the text of the configuration. Nothing was written");
}

/* ---- beside it ---- */

/* The new file, with the mode and owner of the one it replaces. *in_place when it can not have them. */
static bool fill_temporary(struct saving *s, int fd, bool *in_place)
{
    *in_place = s->exists && fchown(fd, s->was.st_uid, s->was.st_gid) < 0;
    if (fchmod(fd, s->exists ? s->was.st_mode & 07777 : NEW_MODE) < 0)
        return false;
    return write_bytes(fd, &s->text) && fsync(fd) == 0;
}

/* What can not be read back would be lost. */
static bool reads_back(struct saving *s)
{
    struct config_errors errors = {0};
    struct config *config = config_load_alone(s->temporary, &errors);
    if (config != NULL) /* those stand in a file of their own */
        config->routes_file = routes_file_get(s->wish->config->routes_file);
    bool good = config != NULL && config_equal(config, s->wish->config);
    config_free(config);
    return good || say(s,
                       "what was written for %s does not read back as the same configuration. Nothing was changed; "
                       "please report it with what show running-config says",
                       s->target);
}

static bool make_temporary(struct saving *s, bool *in_place)
{
    if (snprintf(s->temporary, sizeof s->temporary, "%s.XXXXXX", s->target) >= (int)sizeof s->temporary) {
        s->temporary[0] = '\0';
        errno = ENAMETOOLONG;
        return explain(s, s->target);
    }
    int fd = mkostemp(s->temporary, O_CLOEXEC);
    if (fd < 0) {
        s->temporary[0] = '\0';
        return explain(s, s->target);
    }
    bool good = fill_temporary(s, fd, in_place) || explain(s, s->target);
    close(fd);
    return good && reads_back(s);
}

/* ---- the former ones ---- */

static void kept_name(const struct saving *s, unsigned i, char to[PATH_MAX + 16])
{
    snprintf(to, PATH_MAX + 16, "%s.%u", s->target, i);
}

/* A copy, where the file itself is going to be written over. */
static bool copy_former(struct saving *s)
{
    char to[PATH_MAX + 16];
    kept_name(s, 1, to);
    if (unlink(to) < 0 && errno != ENOENT)
        return explain(s, to);
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return explain(s, to);
    if (fchown(fd, s->was.st_uid, s->was.st_gid) == 0)
        (void)fchmod(fd, s->was.st_mode & 07777);
    bool good = (write_bytes(fd, &s->old) && fsync(fd) == 0) || explain(s, to);
    close(fd);
    if (!good)
        unlink(to);
    return good;
}

/* The file is FILE.1 as well, so that there is one of its name all the time. */
static bool keep_former(struct saving *s)
{
    char from[PATH_MAX + 16], to[PATH_MAX + 16];
    for (unsigned i = SAVE_KEPT; i > 1; i--) {
        kept_name(s, i - 1, from);
        kept_name(s, i, to);
        if (rename(from, to) < 0 && errno != ENOENT)
            return explain(s, to);
    }
    return link(s->target, from) == 0 || copy_former(s);
}

/* ---- in its place ---- */

static bool overwrite(int fd, const struct bytes *bytes)
{
    return lseek(fd, 0, SEEK_SET) == 0 && write_bytes(fd, bytes) && ftruncate(fd, (off_t)bytes->n) == 0 &&
           fsync(fd) == 0;
}

/* For a file that is a mount of its own, or has an owner that a new one can not be given: not at once, but room is made
 * first, and what was there is kept and put back. */
static bool write_in_place(struct saving *s)
{
    struct stat is;
    if (!copy_former(s))
        return false;
    int fd = open_plain(s->target, O_RDWR, &is);
    if (fd < 0)
        return explain(s, s->target);
    if (is.st_dev != s->was.st_dev || is.st_ino != s->was.st_ino) {
        close(fd);
        return say(s, "%s was replaced by somebody just now. Nothing was written: try again", s->target);
    }
    int why = s->text.n > s->old.n ? posix_fallocate(fd, 0, (off_t)s->text.n) : 0;
    bool good = why == 0 || why == EOPNOTSUPP || why == EINVAL;
    errno = why;
    if (good && !overwrite(fd, &s->text)) {
        good = false;
        why = errno;
    }
    if (!good) {
        bool back = overwrite(fd, &s->old);
        errno = why;
        explain(s, s->target);
        if (!back)
            say(s, "%s could not be written: %s. It is damaged now; what was in it is %s.1", s->target, strerror(why),
                s->target);
    }
    close(fd);
    return good;
}

static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static bool put_in_place(struct saving *s, bool in_place)
{
    if (!in_place && rename(s->temporary, s->target) == 0) {
        s->temporary[0] = '\0';
        return true;
    }
    if (!in_place && errno != EBUSY && errno != EXDEV)
        return explain(s, s->target);
    return write_in_place(s);
}

/* A relative path in what was written is seen from its folder. */
static bool finds_routes(const struct saving *s)
{
    const char *routes = s->wish->config->routes_path;
    char path[2 * PATH_MAX];
    if (routes == NULL || routes[0] == '\0' || routes[0] == '/')
        return true;
    int folder = (int)(strrchr(s->target, '/') - s->target);
    snprintf(path, sizeof path, "%.*s/%s", folder, s->target, routes);
    return access(path, F_OK) == 0;
}

/* ---- all of it ---- */

static bool replace(struct saving *s)
{
    bool in_place = false;
    if (!make_temporary(s, &in_place))
        return false;
    if (s->is_start && s->exists && !keep_former(s))
        return false;
    if (!put_in_place(s, in_place))
        return false;
    sync_folder(s->target);
    say(s, "the running configuration was saved to %s", s->target);
    size_t len = strlen(s->report);
    if (s->is_start && s->exists)
        snprintf(s->report + len, SAVE_REPORT - len, "; what was there before is %s.1", s->target);
    else if (!s->is_start && !finds_routes(s))
        snprintf(s->report + len, SAVE_REPORT - len, "; its routes file %s is looked for beside it: copy that too",
                 s->wish->config->routes_path);
    return true;
}

static bool save(struct saving *s)
{
    if (!(s->wish->path == NULL ? find_start(s) : find_other(s)) || !read_old(s) || !make_text(s) ||
        !may_be_replaced(s))
        return false;
    if (s->exists && same_bytes(&s->old, &s->text)) {
        say(s, "%s says what is running already", s->target);
        return true;
    }
    return replace(s);
}

bool save_file(const struct save_wish *wish, struct saved_file *file, bool *is_start, char report[SAVE_REPORT])
{
    struct saving s = {.wish = wish, .file = file, .report = report};
    report[0] = '\0';
    bool good = save(&s);
    if (s.temporary[0] != '\0')
        unlink(s.temporary);
    if (good && s.is_start)
        *file = print_of(&s.text);
    *is_start = s.is_start;
    free(s.old.at);
    free(s.text.at);
    return good;
}
