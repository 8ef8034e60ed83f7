/* Files of captures: new ones only, of bounded size, whole to their end. */
#include "cli/capture_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/capture_socket.h"
#include "tests/unit/support/unit.h"

static char folder[64], path[96], why[512];
static uint8_t frame[CAPTURE_SNAPLEN];

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/ferryd-capture-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    why[0] = '\0';
}

static void end(void)
{
    unlink(path);
    rmdir(folder);
}

static uint64_t size_of_file(void)
{
    struct stat st;
    CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

/* What is in the file is whole blocks. */
static bool is_whole(void)
{
    size_t size = size_of_file();
    uint8_t *bytes = malloc(size + 1);
    int fd = open(path, O_RDONLY);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    CU_ASSERT_EQUAL(read(fd, bytes, size + 1), (ssize_t)size);
    bool whole = pcapng_whole(bytes, size) == size;
    close(fd);
    free(bytes);
    return whole;
}

static struct capture_file *new_file(uint64_t most)
{
    struct capture_file *file = capture_file_new(path, most, why, sizeof why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE(capture_file_begin(file, "ferryd", "r0", NULL, why, sizeof why));
    return file;
}

static enum capture_added add(struct capture_file *file, uint32_t len)
{
    const struct pcapng_packet packet = {.frame = frame, .len = len, .wire_len = len};
    return capture_file_add(file, &packet, why, sizeof why);
}

static void new_only(void)
{
    begin();
    mode_t before = umask(0);
    capture_file_free(new_file(1000000));
    umask(before);
    struct stat st;
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
    CU_ASSERT_PTR_NULL(capture_file_new(path, 1000000, why, sizeof why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "File exists; an existing file is never written over"));
    char other[128];
    snprintf(other, sizeof other, "%s/none", folder);
    unlink(path);
    CU_ASSERT_EQUAL(symlink(other, path), 0);
    CU_ASSERT_PTR_NULL(capture_file_new(path, 1000000, why, sizeof why));
    CU_ASSERT_NOT_EQUAL(access(other, F_OK), 0);
    end();
}

static void bounded(void)
{
    const struct pcapng_statistics none = {0};
    for (uint64_t most = 300; most < 1000; most += 7) {
        begin();
        struct capture_file *file = new_file(most);
        while (add(file, 60) == CAPTURE_ADDED)
            continue;
        CU_ASSERT_EQUAL(add(file, 60), CAPTURE_FULL);
        CU_ASSERT_TRUE(capture_file_end(file, &none, why, sizeof why));
        CU_ASSERT_EQUAL(capture_file_size(file), size_of_file());
        CU_ASSERT_TRUE(size_of_file() <= most && size_of_file() + 100 > most);
        CU_ASSERT_TRUE(is_whole());
        capture_file_free(file);
        end();
    }
}

/* More than the buffer holds, of the largest frames. */
static void large(void)
{
    const struct pcapng_statistics none = {0};
    begin();
    struct capture_file *file = new_file(10000000);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(add(file, CAPTURE_SNAPLEN), CAPTURE_ADDED);
    CU_ASSERT_TRUE(capture_file_end(file, &none, why, sizeof why));
    CU_ASSERT_TRUE(size_of_file() > 20 * CAPTURE_SNAPLEN && is_whole());
    capture_file_free(file);
    end();
}

/* A limit of the process stands for a disk that is full. */
static void full_disk(void)
{
    const struct pcapng_statistics none = {0};
    struct rlimit before, small;
    begin();
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &small);
    struct capture_file *file = new_file(10000000);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(add(file, 60), CAPTURE_ADDED);
    CU_ASSERT_FALSE(capture_file_flush(file, why, sizeof why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "File too large; what is in it up to there can be read"));
    CU_ASSERT_TRUE(is_whole() && size_of_file() > 500);
    why[0] = '\0';
    CU_ASSERT_FALSE(capture_file_end(file, &none, why, sizeof why));
    CU_ASSERT_STRING_EQUAL(why, "");
    CU_ASSERT_TRUE(is_whole());
    capture_file_free(file);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    end();
}

static const struct unit_case cases[] = {
    {"a file is new, and its owner's only", new_only},
    {"a file never grows beyond its bound", bounded},
    {"frames of the largest size are written", large},
    {"a full disk leaves a file that can be read", full_disk},
};
UNIT_MAIN("capture_file", cases)
