/* Talks to the shell in every way, good and bad: `talk [ROUNDS [SEED]]`. The same arguments say the same again. The
 * server is the real one, over a router in memory.
 *
 * A careful client says lines made by random walks through the tables of whatever mode it stands in, whole or with
 * bytes broken, and behind each a word that nobody knows: what comes before its refusal is the answer, and there has to
 * be one. A crowd of wild ones speaks both protocols in pieces of any size, breaks frames, interrupts, asks for help in
 * the middle of words, stops reading and hangs up. It aborts at the first answer that is missing or no JSON, frame that
 * is none, or session that keeps more output than it may; built with sanitizers, also at what they find. */
#include <stdarg.h>

#include "tests/unit/support/shell.h"

#define ROUNDS_DEFAULT 20000
#define EPISODE        200 /* rounds with one router */
#define CROWD          10
#define ROUTES         1000
#define LINE_ROOM      (COMMAND_LINE_MAX + 512)
#define OUTBOX         (32 * 1024)
/* A step prints rows, a frame's worth of help, or an entry of something; what a filter holds back comes at once. */
#define STEP_MOST   (64 * 1024)
#define FILTER_MOST (8 * 64 * 1024)

struct line {
    size_t len;
    char text[LINE_ROOM];
};

struct talker {
    int fd; /* 0: not there */
    bool framed, reads, broken;
    size_t len, at; /* of the outbox: how much there is, and was sent */
    char outbox[OUTBOX];
    size_t have; /* of the frame that comes in */
    uint8_t frame[FRAME_HEADER + FRAME_TEXT_MAX];
    unsigned asked[256], told[256]; /* frames by type */
};

static struct shell s;
static struct talker crowd[CROWD];
static uint64_t state = 1, seed = 1;
static unsigned long rounds = ROUNDS_DEFAULT, round_number, answers, documents, elsewhere, given_up;
static char last_line[LINE_ROOM];

/* ---- chance ---- */

static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

#define ANY_OF(list) (list)[below(sizeof(list) / sizeof(list)[0])]

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "talk: %s\n  seed %llu, round %lu, last line: %.500s\n", what, (unsigned long long)seed,
            round_number, last_line);
    abort();
}

/* ---- lines ---- */

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->text + line->len, sizeof line->text - line->len, format, args);
    va_end(args);
    line->len += n > 0 && (size_t)n < sizeof line->text - line->len ? (size_t)n : 0;
    line->text[line->len] = '\0';
}

static void add_junk(struct line *line)
{
    static const char *const junk[] = {"",  "-1", "0x10", "4294967296", "99999999999999999999999", "%s%n", "\x1b[2J",
                                       "?", "|",  "json", "\xff\xfe",   "10.0.0.256/33",           "\"",   "é"};
    if (one_in(16)) {
        for (unsigned n = below(5000); n > 0; n--)
            add(line, "%c", (int)('a' + below(26)));
        return;
    }
    add(line, "%s", ANY_OF(junk));
}

static void add_word(struct line *line, const struct command *command)
{
    static const char *const interfaces[] = {"r0", "r1", "lo0", "gone0", "r9", "a-name-of-15-by"};
    static const char *const addresses[] = {"10.0.1.1",  "10.0.2.2", "10.20.3.4", "0.0.0.0", "255.255.255.255",
                                            "224.0.0.5", "10.0.1.9", "11.0.7.1",  "1.2.3"};
    static const char *const words[] = {"name", "x", "a b", "icmp and host 10.0.1.2", "host (", "./file", "10.0.1.2"};
    int64_t range;
    if (one_in(40)) {
        add_junk(line);
        return;
    }
    switch (command->kind) {
    case COMMAND_WORD: {
        int len = (int)strlen(command->word);
        add(line, "%.*s", one_in(3) ? 1 + (int)below((uint32_t)len) : len, command->word);
        break;
    }
    case COMMAND_IF:
        add(line, "%s", ANY_OF(interfaces));
        break;
    case COMMAND_ADDR:
        add(line, "%s", ANY_OF(addresses));
        break;
    case COMMAND_PREFIX:
        add(line, "%s/%u", ANY_OF(addresses), one_in(2) ? 24 : below(34));
        break;
    case COMMAND_NUMBER:
        range = command->max - command->min < 100 || one_in(2) ? command->max - command->min : 100;
        add(line, "%lld", (long long)(command->min + (int64_t)below(range < 1000000 ? (uint32_t)range + 1 : 1000000)));
        break;
    case COMMAND_ANY:
    case COMMAND_REST:
        add(line, "%s", ANY_OF(words));
        break;
    }
}

static void walk(struct line *line, const struct command *const *next)
{
    bool looks = one_in(2); /* there is more to show than to do */
    for (unsigned depth = 0; next != NULL && depth < COMMAND_WORDS_MAX + 2; depth++) {
        unsigned n = 0;
        while (next[n] != NULL)
            n++;
        if (n == 0)
            return;
        const struct command *command = next[below(n)];
        for (unsigned i = 0; i < n && depth == 0 && looks; i++)
            if (strcmp(next[i]->word, "show") == 0)
                command = next[i];
        add(line, "%s", depth > 0 ? " " : "");
        add_word(line, command);
        next = command->next;
        if (command->run != NULL ? one_in(3) : one_in(30))
            return;
    }
}

static void add_filter(struct line *line)
{
    static const char *const kinds[] = {"include", "exclude", "begin", "count", "section", "i", "nonsense", ""};
    static const char *const expressions[] = {"10",         "^ ",          "r[01]",           ".*",
                                              "(a+)+$",     "(",           "[[:digit:]]+/24", "\\bis\\b",
                                              "(?=.*via)S", "x{1,100000}", "^(.|..){40}",     "\xff\xff"};
    for (unsigned n = 1 + (one_in(3) ? below(10) : 0); n > 0; n--) {
        add(line, " | %s", ANY_OF(kinds));
        if (!one_in(5))
            add(line, " %s", ANY_OF(expressions));
        for (unsigned i = one_in(4) ? below(12) : 0; i > 0; i--)
            add(line, "%c", "()[]{}.*+?\\^$|ab01"[below(18)]);
    }
}

/* Of the mode, or of one above it. */
static void make_line(struct line *line, const struct mode *mode)
{
    line->len = 0;
    line->text[0] = '\0';
    while (mode->parent != NULL && one_in(4))
        mode = mode->parent;
    walk(line, mode->root);
    if (one_in(3))
        add(line, " json");
    if (one_in(4))
        add_filter(line);
    if (one_in(12))
        add(line, "%s?", one_in(2) ? " " : "");
}

static void mutate(char *bytes, size_t *len, size_t room)
{
    for (unsigned n = 1 + below(4); n > 0; n--) {
        size_t at = below((uint32_t)*len + 1), some = below(8);
        switch (below(4)) {
        case 0:
            if (at < *len)
                bytes[at] ^= (char)(1 << below(8));
            break;
        case 1:
            if (at < *len)
                bytes[at] = (char)below(256);
            break;
        case 2: /* a few less */
            some = some < *len - at ? some : *len - at;
            memmove(bytes + at, bytes + at + some, *len - at - some);
            *len -= some;
            break;
        default: /* a few twice */
            if (*len + some > room || at + some > *len)
                break;
            memmove(bytes + at + some, bytes + at, *len - at);
            *len += some;
        }
    }
}

/* ---- the server ---- */

static void check_memory(void)
{
    struct session *session;
    for (session = TAILQ_FIRST(&s.cli->sessions); session != NULL; session = TAILQ_NEXT(session, link)) {
        size_t held = evbuffer_get_length(bufferevent_get_output(session->io)) + evbuffer_get_length(session->out) +
                      evbuffer_get_length(session->filtered);
        if (held > SESSION_OUTPUT_HIGH + STEP_MOST + (session->filter != NULL ? FILTER_MOST : 0))
            fail("a session keeps more output than a step makes");
        if (evbuffer_get_length(bufferevent_get_input(session->io)) > 64 * 1024)
            fail("a session takes in more than it can read");
    }
}

/* The kernel takes less for a session than it would, so that what waits is seen to wait. */
static void narrow_sockets(void)
{
    static unsigned last;
    struct session *session;
    if (s.cli->last_number == last)
        return;
    last = s.cli->last_number;
    for (session = TAILQ_FIRST(&s.cli->sessions); session != NULL; session = TAILQ_NEXT(session, link))
        setsockopt(bufferevent_getfd(session->io), SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int));
}

static void turn(void)
{
    shell_turn(&s);
    narrow_sockets();
    check_memory();
    wire_clear(&s.r.core);
}

static void disturb(void)
{
    struct prefix prefix = {0x0b000000 + (below(ROUTES + 20) << 8), 24};
    char text[PREFIX_TEXT];
    switch (below(4)) {
    case 0:
        rib_remove(s.rib, prefix, RIB_STATIC, 1, s.r.now);
        break;
    case 1:
        shell_route(&s, prefix_text(prefix, text), one_in(2) ? "10.0.2.9" : "10.0.1.9", PORT_NONE, RIB_STATIC,
                    one_in(4) ? RIB_BLACKHOLE : RIB_UNICAST);
        break;
    case 2:
        rib_port_changed(s.rib, 1, one_in(2), s.r.now);
        break;
    default:
        cli_log(s.cli, CONFIG_LOG_WARNING, "something happened");
        router_give(&s.r, 0, (struct frame_spec){.src = HOST_1, .dst = one_in(2) ? ROUTER_1 : 0x0a000209});
    }
    s.r.now.ns += below(100) * NS_PER_MS;
}

static bool no_tap(void *context, struct cli_tap *tap)
{
    (void)context, (void)tap;
    return false;
}

static void begin(void)
{
    char text[PREFIX_TEXT];
    shell_begin(&s);
    s.view.tap = no_tap; /* captures would look at this machine's devices */
    s.view.hosts = s.view.resolv_conf = "/nonexistent/names";
    s.reload_good = one_in(2);
    rib_batch_begin(s.rib);
    for (uint32_t i = 0; i < ROUTES; i++)
        shell_route(&s, prefix_text((struct prefix){0x0b000000 + (i << 8), 24}, text), "10.0.2.9", PORT_NONE,
                    RIB_STATIC, RIB_UNICAST);
    rib_batch_end(s.rib, s.r.now);
}

/* ---- the careful client ---- */

static const struct session *session_of(unsigned number)
{
    const struct session *session;
    for (session = TAILQ_FIRST(&s.cli->sessions); session != NULL; session = TAILQ_NEXT(session, link))
        if (session->number == number)
            return session;
    return NULL;
}

static const char *interface_name(const void *context, unsigned i)
{
    struct cli_link link;
    (void)context;
    return s.view.link(s.view.context, i, &link) ? link.name : NULL;
}

/* Commands that take their time by nature are those that hear of an interrupt. */
static bool takes_time(const struct session *session)
{
    return session != NULL && session->busy && session->waiting && session->line.last->run->hears_interrupt;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len < 4096 ? len : 1 + below(4096), MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* it has said `exit` before */
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        turn();
    }
}

struct answer {
    size_t len, room;
    char *text;
};

enum end { ANSWERED, CLOSED, WAITS };

/* Reads on until what comes holds STOP. */
static enum end hear(int fd, unsigned number, const char *stop, struct answer *answer)
{
    answer->len = 0;
    for (unsigned idle = 0; idle < 20000; idle++) {
        if (answer->room - answer->len < 8192)
            answer->text = realloc(answer->text, answer->room = 2 * answer->room + 65536);
        turn();
        ssize_t n = recv(fd, answer->text + answer->len, answer->room - answer->len - 1, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return CLOSED;
        if (n < 0) {
            if (takes_time(session_of(number)))
                return WAITS;
            continue;
        }
        idle = 0;
        answer->len += (size_t)n;
        for (size_t i = 0; i < answer->len; i++) /* what looks at text stops at a NUL */
            if (answer->text[i] == '\0')
                fail("a NUL in an answer");
        answer->text[answer->len] = '\0';
        char *at = strstr(answer->text, stop);
        if (at != NULL && strchr(at, '^') != NULL) {
            *at = '\0';
            return ANSWERED;
        }
    }
    fail("a line is not answered");
}

static void check_json(const char *line, const struct mode *mode, const char *text)
{
    struct command_world world = {.interface = interface_name};
    struct command_line read;
    struct command_error error;
    json_error_t why;
    size_t len = strlen(line);
    if (strchr(line, '|') != NULL || line[len - 1] == '?')
        return;
    while (!command_match(mode->root, &world, line, &read, &error) && mode->parent != NULL &&
           mode->parent->parent != NULL)
        mode = mode->parent;
    if (!read.json)
        return;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (document == NULL) {
        fprintf(stderr, "%s: %.1000s\n", why.text, text);
        fail("an answer is no JSON document");
    }
    json_decref(document);
    documents++;
}

static bool leaves(const char *line)
{
    static const char *const words[] = {"exit", "quit"};
    size_t len = strcspn(line, " ");
    for (unsigned i = 0; i < 2; i++)
        if (len > 0 && strncmp(line, words[i], len) == 0)
            return true;
    return false;
}

/* Says a line, and the word that nobody knows. */
static enum end ask(int fd, unsigned number, const struct line *line, struct answer *answer)
{
    char unknown[32], stop[40];
    snprintf(last_line, sizeof last_line, "%s", line->text);
    snprintf(unknown, sizeof unknown, "\nzz%lu\n", round_number);
    snprintf(stop, sizeof stop, "%% \"zz%lu\"", round_number);
    send_all(fd, line->text, line->len);
    send_all(fd, unknown, strlen(unknown));
    return hear(fd, number, stop, answer);
}

/* One line made by chance; false when the conversation is over. */
static bool say(int fd, unsigned number, struct answer *answer)
{
    struct line line;
    const struct session *session = session_of(number);
    const struct mode *mode = session != NULL ? session->mode : &mode_exec;
    make_line(&line, mode);
    elsewhere += mode != &mode_exec;
    bool broken = one_in(5);
    if (broken)
        mutate(line.text, &line.len, sizeof line.text - 1);
    line.text[line.len] = '\0';
    broken |= line.len > COMMAND_LINE_MAX || memchr(line.text, '\n', line.len) != NULL || line.text[0] == '\0' ||
              strpbrk(line.text, "\r\t") != NULL;
    if (line.text[0] == '\0')
        line.text[0] = ' '; /* would open the other protocol */
    switch (ask(fd, number, &line, answer)) {
    case WAITS:
        given_up++;
        return false;
    case CLOSED:
        if (!broken && !leaves(line.text))
            fail("a session ended without having been asked to");
        return false;
    case ANSWERED:
        answers++;
        if (!broken)
            check_json(line.text, mode, answer->text);
        return true;
    }
    return false;
}

static void careful(void)
{
    static struct answer answer;
    static const char *const openings[] = {"configure terminal", "configure session", "interface r0", "router rip"};
    int fd = shell_connect(&s);
    send_all(fd, "\n", 1);
    unsigned number = s.cli->last_number;
    for (unsigned n = one_in(3) ? 1 + below(2) : 0, i = 0; i < n; i++) {
        struct line line = {0};
        add(&line, "%s", openings[2 * i + below(2)]);
        if (ask(fd, number, &line, &answer) != ANSWERED)
            fail("the way into a mode is not answered");
    }
    for (unsigned n = 1 + below(6); n > 0 && say(fd, number, &answer); n--)
        ;
    close(fd);
    if (round_number + 1 == rounds)
        free(answer.text);
}

/* ---- the crowd ---- */

static void put(struct talker *t, const void *bytes, size_t len)
{
    if (t->len + len > sizeof t->outbox)
        return;
    memcpy(t->outbox + t->len, bytes, len);
    t->len += len;
}

static void put_frame(struct talker *t, uint8_t type, const struct line *line)
{
    char bytes[FRAME_HEADER + LINE_ROOM];
    size_t len = FRAME_HEADER + line->len;
    if (t->len + len > sizeof t->outbox)
        return;
    t->broken |= line->len > FRAME_ASK_MAX;
    bytes[0] = (char)type;
    store_be32((uint8_t *)bytes + 1, (uint32_t)line->len);
    memcpy(bytes + FRAME_HEADER, line->text, line->len);
    t->asked[type]++;
    if (one_in(60)) {
        mutate(bytes, &len, sizeof bytes);
        t->broken = true;
    }
    put(t, bytes, len);
}

static void write_something(struct talker *t)
{
    static const char types[] = {FRAME_COMMAND, FRAME_COMMAND, FRAME_HELP, FRAME_COMPLETE};
    struct line line;
    const struct session *session = TAILQ_FIRST(&s.cli->sessions); /* some session's mode, or another's */
    make_line(&line, session != NULL ? session->mode : &mode_exec);
    if (!t->framed) {
        if (one_in(5))
            mutate(line.text, &line.len, sizeof line.text - 1);
        put(t, line.text, line.len);
        put(t, "\n", 1);
        return;
    }
    char type = ANY_OF(types);
    if (type != FRAME_COMMAND && line.len > 0) /* what a cursor in the middle has before it */
        line.len = below((uint32_t)line.len + 1);
    put_frame(t, (uint8_t)type, &line);
    for (unsigned n = one_in(3) ? 1 + below(3) : 0; n > 0; n--) {
        line.len = 0;
        put_frame(t, FRAME_INTERRUPT, &line);
    }
}

static void take_frame(struct talker *t, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t want = t->have < FRAME_HEADER ? FRAME_HEADER : FRAME_HEADER + load_be32(t->frame + 1);
        if (want > sizeof t->frame)
            fail("a frame is longer than it may be");
        size_t some = want - t->have < len ? want - t->have : len;
        memcpy(t->frame + t->have, bytes, some);
        t->have += some;
        bytes += some;
        len -= some;
        if (t->have < FRAME_HEADER || t->have < FRAME_HEADER + load_be32(t->frame + 1))
            continue;
        static const char types[] = {FRAME_PROMPT, FRAME_OUTPUT, FRAME_REFUSED,  FRAME_DONE,
                                     FRAME_STREAM, FRAME_LENGTH, FRAME_LOG,      FRAME_SCREEN,
                                     FRAME_BYE,    FRAME_HELP,   FRAME_COMPLETE, FRAME_INTERRUPT};
        if (memchr(types, t->frame[0], sizeof types) == NULL)
            fail("a frame of no type");
        t->told[t->frame[0]]++;
        t->have = 0;
    }
}

static void check_told(const struct talker *t)
{
    static const uint8_t types[][2] = {{FRAME_COMMAND, FRAME_DONE},
                                       {FRAME_INTERRUPT, FRAME_INTERRUPT},
                                       {FRAME_HELP, FRAME_HELP},
                                       {FRAME_COMPLETE, FRAME_COMPLETE}};
    for (unsigned i = 0; i < 4 && !t->broken; i++)
        if (t->told[types[i][1]] > t->asked[types[i][0]])
            fail("more was answered than asked");
}

static void hang_up(struct talker *t)
{
    close(t->fd);
    t->fd = 0;
}

static void hear_some(struct talker *t)
{
    uint8_t bytes[20000];
    ssize_t n = recv(t->fd, bytes, 1 + below(sizeof bytes), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        hang_up(t);
        return;
    }
    if (n > 0 && t->framed)
        take_frame(t, bytes, (size_t)n);
    check_told(t);
}

static void arrive(struct talker *t)
{
    memset(t, 0, sizeof *t);
    t->fd = shell_connect(&s);
    t->framed = one_in(2);
    t->reads = !one_in(6);
    if (t->framed)
        put(t, "", 1);
}

static void wild(struct talker *t)
{
    if (t->fd == 0) {
        arrive(t);
        return;
    }
    if (t->at == t->len)
        t->at = t->len = 0;
    if (t->len < OUTBOX / 2)
        write_something(t);
    size_t some = one_in(2) ? 1 + below(16) : OUTBOX;
    some = some < t->len - t->at ? some : t->len - t->at;
    ssize_t n = send(t->fd, t->outbox + t->at, some, MSG_NOSIGNAL);
    t->at += n > 0 ? (size_t)n : 0;
    if (n < 0 && errno != EAGAIN) {
        hang_up(t);
        return;
    }
    if (one_in(80))
        t->reads = !t->reads;
    if (one_in(100))
        hang_up(t);
    else if (one_in(200))
        shutdown(t->fd, SHUT_WR);
    else if (t->reads)
        hear_some(t);
}

/* ---- all of it ---- */

/* Everybody has gone: so have their sessions, and whatever they had running. */
static void finish(void)
{
    for (unsigned i = 0; i < CROWD; i++)
        if (crowd[i].fd != 0)
            hang_up(&crowd[i]);
    for (unsigned i = 0; i < 2000 && s.cli->n_sessions > 0; i++)
        turn();
    struct session *session;
    for (session = TAILQ_FIRST(&s.cli->sessions); session != NULL; session = TAILQ_NEXT(session, link))
        if (!takes_time(session)) /* of a plain client, which may have stopped sending only */
            fail("a session is left that does nothing");
    shell_end(&s);
}

static void talk(void)
{
    for (round_number = 0; round_number < rounds; round_number++) {
        if (round_number % EPISODE == 0)
            begin();
        wild(&crowd[below(CROWD)]);
        turn();
        if (one_in(4))
            disturb();
        if (one_in(4) || round_number + 1 == rounds)
            careful();
        if (round_number % EPISODE == EPISODE - 1 || round_number + 1 == rounds)
            finish();
    }
    printf("\n  %lu rounds: %lu lines answered, %lu of them in JSON, %lu said in configuration, %lu left waiting",
           rounds, answers, documents, elsewhere, given_up);
    CU_ASSERT_TRUE(rounds < 1000 || (answers > rounds / 4 && documents > rounds / 50 && elsewhere > rounds / 50));
}

int main(int argc, char **argv)
{
    static const struct unit_case cases[] = {{"the shell answers whatever is said", talk}};
    if (argc > 1)
        rounds = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    state = seed * 0x9e3779b97f4a7c15u + 1;
    return unit_main("talk", cases, 1, 1, argv);
}
