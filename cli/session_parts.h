/* What the parts of a session ask of each other; for session*.c and job.c alone. */
#ifndef CLI_SESSION_PARTS_H
#define CLI_SESSION_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/session.h"

/* ---- session_output.c ---- */

/* A frame, cut to FRAME_TEXT_MAX bytes. */
void session_send(struct session *s, enum frame_type type, const void *bytes, size_t len);

/* What steps have printed goes out. */
void session_flush(struct session *s);

/* The filter has lines left to look at: session_flush goes on with them. */
bool session_is_behind(const struct session *s);

/* The answer is complete: what its filter has kept goes out as well. False, with a sentence in WHY, when that could not
 * look at everything. */
bool session_end_filter(struct session *s, char *why, size_t size);

void session_prompt(struct session *s);

/* The end of a command's answer. */
void session_done(struct session *s, bool success);

/* The same, for a command that was refused: SENTENCE for JSON, TEXT for people. */
void session_refuse(struct session *s, bool json, const char *sentence, const char *text);

/* The last that is said; nothing more is taken. */
void session_bye(struct session *s, const char *why);

/* ---- session_command.c ---- */

/* Begins what LINE says, or refuses it. */
void session_run(struct session *s, const char *line);

/* Takes the running command one step. */
void session_step_job(struct session *s);

/* The running command ends as it stands. */
void session_end_job(struct session *s);

/* A line that ended with a question mark: for those without a key for it. */
void session_help(struct session *s, const char *line);

/* FRAME_HELP and FRAME_COMPLETE. */
void session_answer(struct session *s, enum frame_type type, const char *line);

/* ---- session_input.c ---- */

/* Is there something to read that can be read now? */
bool session_has_input(const struct session *s);
void session_read(struct session *s);

/* ---- session_tell.c ---- */

/* Does S debug KIND, and that of INTERFACE (NULL: of none)? */
bool session_debugs(const struct session *s, enum debug_kind kind, const char *interface);

/* A line of debugging, unless there were too many. */
void session_say_debug(struct session *s, const char *line);

/* Each second: how much was left out, when nothing follows that would say so. */
void session_tell_left_out(struct cli *cli);

/* ---- debug_packet.c ---- */

/* Follows packets for whichever sessions debug them now, or for nobody. False as session_debug_changed. */
bool debug_packets_follow(struct cli *cli);

/* Each second: interfaces may have come and gone, and packets may have been passed over. */
void debug_packets_look(struct cli *cli);

#endif
