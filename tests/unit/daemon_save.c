/* Writing the configuration's file: onto everything that may stand in its place, and where it can not be written. The
 * file systems that this needs are mounted in a mount namespace of the test's own; without root those cases are passed
 * over. */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cli/schema.h"
#include "tests/unit/support/bench.h"

struct place {
    char folder[64], path[96], report[SAVE_REPORT];
    struct config *config;
    struct saved_file file;
    bool is_start;
};

static const char text_of_start[] = "// by hand\ninterfaces = ( );\nhostname = \"hand\";\n";

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

/* What is in PATH; "" if there is nothing. */
static const char *text_in(const char *path)
{
    static char text[16384];
    FILE *file = fopen(path, "r");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static const char *beside(const struct place *p, const char *ending)
{
    static char path[2][128];
    static unsigned turn;
    char *to = path[turn++ % 2];
    snprintf(to, sizeof path[0], "%s%s", p->path, ending);
    return to;
}

static void load(struct place *p)
{
    struct config_errors errors = {0};
    config_free(p->config);
    p->config = save_load(&p->file, p->path, &errors);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p->config);
}

static void place_init(struct place *p)
{
    *p = (struct place){0};
    snprintf(p->folder, sizeof p->folder, "/tmp/ferryd-save-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/r.conf", p->folder);
    write_text(p->path, text_of_start);
    load(p);
}

static void place_exit(struct place *p)
{
    config_free(p->config);
    remove_folder(p->folder);
}

static bool save_as(struct place *p, struct save_wish wish)
{
    wish.config = p->config;
    wish.start = p->path;
    return save_file(&wish, &p->file, &p->is_start, p->report);
}

static bool save(struct place *p)
{
    return save_as(p, (struct save_wish){0});
}

static bool says(const struct place *p, const char *text)
{
    bool found = strstr(p->report, text) != NULL;
    if (!found)
        printf("\n  got: %s\n  not: %s\n", p->report, text);
    return found;
}

static void name(struct place *p, const char *hostname)
{
    char why[256];
    CU_ASSERT_FATAL(
        schema_parse(schema_find(&schema_root, "hostname"), hostname, &p->config->hostname, why, sizeof why));
}

/* Nothing but the file and what is kept of it. */
static unsigned files_in(const struct place *p)
{
    unsigned n = 0;
    DIR *folder = opendir(p->folder);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        n += entry->d_name[0] != '.';
    if (folder != NULL)
        closedir(folder);
    return n;
}

static void the_former_files_are_kept(void)
{
    struct place p;
    char hostname[16], expected[32];
    place_init(&p);
    for (int i = 1; i <= 7; i++) {
        snprintf(hostname, sizeof hostname, "h%d", i);
        name(&p, hostname);
        CU_ASSERT(save(&p) && p.is_start);
        if (i == 1)
            CU_ASSERT_STRING_EQUAL(text_in(beside(&p, ".1")), text_of_start);
    }
    CU_ASSERT(says(&p, "r.conf; what was there before is ") && says(&p, "r.conf.1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(p.path), "hostname = \"h7\""));
    for (int i = 1; i <= SAVE_KEPT; i++) {
        snprintf(hostname, sizeof hostname, ".%d", i);
        snprintf(expected, sizeof expected, "\"h%d\"", 7 - i);
        CU_ASSERT_PTR_NOT_NULL(strstr(text_in(beside(&p, hostname)), expected));
    }
    CU_ASSERT_EQUAL(files_in(&p), 1 + SAVE_KEPT);
    CU_ASSERT(save(&p) && says(&p, "already"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(beside(&p, ".1")), "\"h6\""));
    place_exit(&p);
}

static void mode_and_owner_stay(void)
{
    struct place p;
    struct stat is;
    place_init(&p);
    bool root = geteuid() == 0;
    CU_ASSERT_EQUAL(chmod(p.path, 0604), 0);
    CU_ASSERT(!root || chown(p.path, 12, 34) == 0);
    name(&p, "other");
    CU_ASSERT(save(&p));
    CU_ASSERT_EQUAL(stat(p.path, &is), 0);
    CU_ASSERT_EQUAL(is.st_mode & 07777, 0604);
    CU_ASSERT(!root || (is.st_uid == 12 && is.st_gid == 34));
    unlink(p.path);
    CU_ASSERT(save(&p)); /* somebody took it away: nothing can be lost */
    CU_ASSERT_EQUAL(stat(p.path, &is), 0);
    CU_ASSERT_EQUAL(is.st_mode & 07777, 0640);
    place_exit(&p);
}

static void a_file_that_others_changed_is_left_alone(void)
{
    struct place p;
    place_init(&p);
    name(&p, "mine");
    write_text(p.path, "interfaces = ( );\nhostname = \"theirs\";\n");
    CU_ASSERT(!save(&p));
    CU_ASSERT(says(&p, "changed by somebody") && says(&p, "write memory force") && says(&p, "reload configuration"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(p.path), "theirs"));
    CU_ASSERT_EQUAL(files_in(&p), 1);
    CU_ASSERT(save_as(&p, (struct save_wish){.force = true}));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(p.path), "mine"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(beside(&p, ".1")), "theirs"));
    name(&p, "again");
    CU_ASSERT(save(&p)); /* it is as we wrote it */
    write_text(p.path, text_in(p.path));
    name(&p, "again2");
    CU_ASSERT(save(&p)); /* touched, but the same */
    place_exit(&p);
}

static void a_symbolic_link_stays_one(void)
{
    struct place p;
    struct stat is;
    place_init(&p);
    CU_ASSERT_EQUAL(rename(p.path, beside(&p, ".real")), 0);
    CU_ASSERT_EQUAL(symlink("r.conf.real", p.path), 0);
    load(&p);
    name(&p, "linked");
    CU_ASSERT(save(&p));
    CU_ASSERT(lstat(p.path, &is) == 0 && S_ISLNK(is.st_mode));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(beside(&p, ".real")), "linked"));
    CU_ASSERT_STRING_EQUAL(text_in(beside(&p, ".real.1")), text_of_start);
    unlink(beside(&p, ".real"));
    CU_ASSERT(!save(&p) && says(&p, "symbolic link to nothing"));
    place_exit(&p);
}

static void included_files_are_not_swallowed_unawares(void)
{
    struct place p;
    place_init(&p);
    write_text(beside(&p, ".name"), "hostname = \"included\";\n");
    write_text(p.path, "@include \"r.conf.name\"\ninterfaces = ( );\n");
    load(&p);
    p.config->icmp_burst = 7;
    CU_ASSERT(!save(&p) && says(&p, "includes other files") && says(&p, "write memory force"));
    CU_ASSERT_EQUAL(strncmp(text_in(p.path), "@include", 8), 0);
    CU_ASSERT(save_as(&p, (struct save_wish){.force = true}));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(p.path), "\"included\""));
    CU_ASSERT_EQUAL(strncmp(text_in(beside(&p, ".1")), "@include", 8), 0);
    place_exit(&p);
}

static void the_word_include_in_a_text_includes_nothing(void)
{
    struct place p;
    place_init(&p);
    write_text(p.path,
               "// no @include here\n/*\n@include \"x\"\n*/\ninterfaces = ( );\nlog: { level =\n\"info\"; };\n");
    load(&p);
    name(&p, "other");
    CU_ASSERT(save(&p) && says(&p, "was saved"));
    place_exit(&p);
}

static void other_files_are_made_with_care(void)
{
    struct place p;
    char other[128];
    place_init(&p);
    snprintf(other, sizeof other, "%s/copy.conf", p.folder);
    struct save_wish to_other = {.path = other};
    name(&p, "copied");
    CU_ASSERT(save_as(&p, to_other) && !p.is_start && says(&p, "copy.conf"));
    name(&p, "copied2");
    CU_ASSERT(save_as(&p, to_other)); /* one of ours may be replaced */
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(other), "copied2"));
    CU_ASSERT_STRING_EQUAL(text_in(p.path), text_of_start);
    write_text(other, "a diary\n");
    CU_ASSERT(!save_as(&p, to_other) && says(&p, "no configuration"));
    CU_ASSERT_STRING_EQUAL(text_in(other), "a diary\n");
    CU_ASSERT_EQUAL(unlink(other), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", other), 0);
    CU_ASSERT(!save_as(&p, to_other) && says(&p, "symbolic link"));
    unlink(other);
    CU_ASSERT(!save_as(&p, (struct save_wish){.path = "r.conf"}) && says(&p, "'/'"));
    CU_ASSERT(!save_as(&p, (struct save_wish){.path = "/tmp/ferryd-none"}) && says(&p, ".conf"));
    CU_ASSERT(!save_as(&p, (struct save_wish){.path = "/nowhere/x/y.conf"}) && says(&p, "no such directory"));
    CU_ASSERT_EQUAL(mkdir(other, 0700), 0);
    CU_ASSERT(!save_as(&p, to_other) && says(&p, "no plain file"));
    rmdir(other);
    CU_ASSERT(save_as(&p, (struct save_wish){.path = p.path}) && p.is_start); /* by its name it is the same file */
    CU_ASSERT_STRING_EQUAL(text_in(beside(&p, ".1")), text_of_start);
    CU_ASSERT(!save_as(&p, (struct save_wish){.unconfirmed = true}) && says(&p, "commit"));
    place_exit(&p);
}

static void what_does_not_read_back_replaces_nothing(void)
{
    struct place p;
    place_init(&p);
    p.config->icmp_burst = -1; /* no reader takes that */
    CU_ASSERT(!save(&p) && says(&p, "does not read back"));
    CU_ASSERT_STRING_EQUAL(text_in(p.path), text_of_start);
    CU_ASSERT_EQUAL(files_in(&p), 1);
    place_exit(&p);
}

/* ---- file systems ---- */

static bool may_mount(void)
{
    static int may = -1;
    if (may < 0)
        may = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (!may)
        printf(" (no mounts without root) ");
    return may;
}

static void a_file_that_is_a_mount_is_written_in_place(void)
{
    struct place p;
    struct stat before, after;
    if (!may_mount())
        return;
    place_init(&p);
    write_text(beside(&p, ".outside"), text_of_start);
    CU_ASSERT_EQUAL_FATAL(mount(beside(&p, ".outside"), p.path, NULL, MS_BIND, NULL), 0);
    CU_ASSERT_EQUAL(stat(p.path, &before), 0);
    name(&p, "inside");
    CU_ASSERT(save(&p));
    CU_ASSERT(stat(p.path, &after) == 0 && before.st_ino == after.st_ino);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_in(beside(&p, ".outside")), "inside"));
    CU_ASSERT_STRING_EQUAL(text_in(beside(&p, ".1")), text_of_start);
    load(&p);
    CU_ASSERT_EQUAL(files_in(&p), 3);
    CU_ASSERT_EQUAL(umount2(p.path, MNT_DETACH), 0);
    place_exit(&p);
}

static void add_routes(struct place *p, unsigned n)
{
    const struct schema_key *routes = schema_find(&schema_root, "static-routes");
    CU_ASSERT_FATAL(schema_reserve(routes, p->config, n));
    for (unsigned i = 0; i < n; i++) {
        struct config_route *route = schema_add(routes, p->config);
        route->prefix = (struct prefix){.addr = 0x14000000 + (i << 8), .len = 24};
        route->type = 1;
    }
}

static void a_file_system_that_is_full_or_read_only(void)
{
    struct place p;
    if (!may_mount())
        return;
    place_init(&p);
    CU_ASSERT_EQUAL_FATAL(mount("none", p.folder, "tmpfs", 0, "size=64k"), 0);
    write_text(p.path, text_of_start);
    add_routes(&p, 2000);
    CU_ASSERT(!save(&p) && says(&p, "full") && says(&p, "make room"));
    CU_ASSERT_STRING_EQUAL(text_in(p.path), text_of_start);
    CU_ASSERT_EQUAL(files_in(&p), 1);
    write_text(beside(&p, ".outside"), text_of_start); /* and where it is written in place */
    CU_ASSERT_EQUAL(mount(beside(&p, ".outside"), p.path, NULL, MS_BIND, NULL), 0);
    CU_ASSERT(!save(&p) && says(&p, "full"));
    CU_ASSERT_STRING_EQUAL(text_in(p.path), text_of_start);
    CU_ASSERT_EQUAL(umount2(p.path, MNT_DETACH), 0);
    CU_ASSERT_EQUAL(mount("none", p.folder, NULL, MS_REMOUNT | MS_RDONLY, "size=64k"), 0);
    CU_ASSERT(!save(&p) && says(&p, "read-only") && says(&p, "copy running-config"));
    CU_ASSERT_STRING_EQUAL(text_in(p.path), text_of_start);
    CU_ASSERT_EQUAL(umount2(p.folder, MNT_DETACH), 0);
    place_exit(&p);
}

static void without_permission(void)
{
    struct place p;
    place_init(&p);
    name(&p, "other");
    CU_ASSERT_EQUAL(chmod(p.folder, 0555), 0);
    bool root = geteuid() == 0;
    CU_ASSERT(!root || (chown(p.folder, 12, 34) == 0 && chown(p.path, 12, 34) == 0 && seteuid(12) == 0));
    CU_ASSERT(!save(&p) && says(&p, "may not write"));
    CU_ASSERT(!root || seteuid(0) == 0);
    CU_ASSERT_STRING_EQUAL(text_in(p.path), text_of_start);
    CU_ASSERT_EQUAL(chmod(p.folder, 0777), 0);
    if (root) { /* the owner can not be kept by a new file, so the old one is written */
        CU_ASSERT(chmod(p.path, 0666) == 0 && chown(p.path, 0, 0) == 0 && seteuid(12) == 0);
        CU_ASSERT(save(&p));
        CU_ASSERT(seteuid(0) == 0);
        struct stat is;
        CU_ASSERT(stat(p.path, &is) == 0 && is.st_uid == 0 && (is.st_mode & 0777) == 0666);
        CU_ASSERT_PTR_NOT_NULL(strstr(text_in(p.path), "other"));
        CU_ASSERT_STRING_EQUAL(text_in(beside(&p, ".1")), text_of_start);
    }
    place_exit(&p);
}

static const struct unit_case cases[] = {
    {"the former files are kept, and only they", the_former_files_are_kept},
    {"mode and owner stay, a new file is not for everybody", mode_and_owner_stay},
    {"a file that others changed is left alone, unless forced", a_file_that_others_changed_is_left_alone},
    {"a symbolic link stays one", a_symbolic_link_stays_one},
    {"included files are not swallowed unawares", included_files_are_not_swallowed_unawares},
    {"the word @include in a text includes nothing", the_word_include_in_a_text_includes_nothing},
    {"other files are made with care", other_files_are_made_with_care},
    {"what does not read back replaces nothing", what_does_not_read_back_replaces_nothing},
    {"a file that is a mount of its own is written in place", a_file_that_is_a_mount_is_written_in_place},
    {"a file system that is full or read-only leaves all as it was", a_file_system_that_is_full_or_read_only},
    {"without permission all is as it was; an owner is kept", without_permission},
};
UNIT_MAIN("daemon save", cases)
