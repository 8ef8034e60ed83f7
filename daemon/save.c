#include "daemon/save.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/change.h"
#include "daemon/router.h"

struct save {
    struct saves *saves;
    struct save *next;
    struct cli_asker *asker; /* NULL: forgotten */
    struct save_wish wish;   /* its configuration is held */
    char *path;
    bool good, is_start;
    char report[SAVE_REPORT];
};

struct saves {
    struct router *router;
    struct save *first; /* under way */
};

static void write_file(void *data)
{
    struct save *save = data;
    save->good = save_file(&save->wish, &save->saves->router->file, &save->is_start, save->report);
}

static void free_save(struct save *save)
{
    config_release(save->saves->router, save->wish.config);
    free(save->path);
    free(save);
}

static void was_written(void *data)
{
    struct save *save = data, **at = &save->saves->first;
    struct router *r = save->saves->router;
    while (*at != save)
        at = &(*at)->next;
    *at = save->next;
    if (save->good && save->is_start)
        changes_were_saved(r->changes, save->wish.config);
    if (save->asker != NULL)
        save->asker->done(save->asker, save->good, save->report);
    free_save(save);
}

void saves_ask(struct saves *saves, const char *path, bool force, struct cli_asker *asker)
{
    struct router *r = saves->router;
    struct cli_unconfirmed unconfirmed;
    struct save *save = calloc(1, sizeof *save);
    if (save != NULL) {
        save->saves = saves;
        save->asker = asker;
        save->path = path == NULL ? NULL : strdup(path);
        save->wish = (struct save_wish){.config = config_hold(r->running),
                                        .start = r->options.config_path,
                                        .path = save->path,
                                        .force = force,
                                        .unconfirmed = changes_unconfirmed(r->changes, &unconfirmed)};
        if ((path == NULL || save->path != NULL) && worker_do(r->worker, write_file, was_written, save)) {
            save->next = saves->first;
            saves->first = save;
            return;
        }
        free_save(save);
    }
    asker->done(asker, false, "no memory to save the configuration; nothing was written");
}

void saves_forget(struct saves *saves, struct cli_asker *asker)
{
    for (struct save *save = saves->first; save != NULL; save = save->next)
        if (save->asker == asker)
            save->asker = NULL;
}

struct saves *saves_new(struct router *router)
{
    struct saves *saves = calloc(1, sizeof *saves);
    if (saves != NULL)
        saves->router = router;
    return saves;
}

void saves_free(struct saves *saves)
{
    free(saves);
}
