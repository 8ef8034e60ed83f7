#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "tests/unit/support/unit.h"

/* What a service manager that listens at NAME (a first '@' stands for NUL) hears of READY=1. */
static void hear(const char *name, char *heard, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    CU_ASSERT_FATAL(fd >= 0 && bind(fd, (const struct sockaddr *)&address, address_len) == 0);
    setenv("NOTIFY_SOCKET", name, 1);
    notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    ssize_t n = recv(fd, heard, size - 1, 0);
    heard[n > 0 ? n : 0] = '\0';
    close(fd);
}

static void a_socket_in_the_file_system_is_told(void)
{
    char name[64], heard[32];
    snprintf(name, sizeof name, "/tmp/ferryd-notify-%d", (int)getpid());
    hear(name, heard, sizeof heard);
    CU_ASSERT_STRING_EQUAL(heard, "READY=1");
    unlink(name);
}

static void an_abstract_socket_is_told(void)
{
    char name[64], heard[32];
    snprintf(name, sizeof name, "@ferryd-notify-%d", (int)getpid());
    hear(name, heard, sizeof heard);
    CU_ASSERT_STRING_EQUAL(heard, "READY=1");
}

static void nobody_there_does_no_harm(void)
{
    unsetenv("NOTIFY_SOCKET");
    notify("READY=1");
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    notify("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    CU_PASS("it came back");
}

static const struct unit_case cases[] = {
    {"a service manager's socket in the file system is told", a_socket_in_the_file_system_is_told},
    {"an abstract socket is told", an_abstract_socket_is_told},
    {"nobody there does no harm", nobody_there_does_no_harm},
};
UNIT_MAIN("daemon notify", cases)
