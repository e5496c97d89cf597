/* cli.h - what the verbs share: the list of them, exit codes, and how failure is told.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_CLI_H
#define SG_CLI_CLI_H

#include "base/json.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/options.h"
#include <signal.h>
#include <stdio.h>

enum {
    SG_EXIT_OK = 0,
    SG_EXIT_FAILURE = 1,
    SG_EXIT_USAGE = 2,
    SG_EXIT_DATA = 3,
    SG_EXIT_MISMATCH = 4,
    SG_EXIT_WORSE = 5,   /* compare --bundles: the new model is worse */
    SG_EXIT_CHANGED = 6, /* selftest: other answers; drift: other distributions */
    SG_EXIT_SIGINT = 130,
    SG_EXIT_SIGTERM = 143
};

/* Every verb, in the order of --help; ends with NULL. Defined in verbs.c; a verb lives in
 * cmd_<verb>.c and shows itself as `extern const sg_verb sg_verb_<name>`. */
extern const sg_verb *const sg_verbs[];

/* Prints "sonograde: <message>" to stderr and returns the exit code of the status. */
int sg_cli_fail(const sg_error *err);
/* No two paths are one file or folder. why: what is wrong with that, "a member counts once". */
SG_MUST_CHECK sg_status sg_cli_check_distinct(
        const char *const *paths, int count, const char *why, sg_error *err);
/* The option of this name was typed, or stood in a config file. */
bool sg_cli_is_given(const sg_call *call, const char *name);
/* Prints JSON (one document, newline) to stdout and drops the reference. */
void sg_cli_print_json(json_t *value);
/* Writes text to stream with control characters shown as '?': names come from files, and a terminal
 * obeys what it is sent. */
void sg_cli_print_safe(FILE *stream, const char *text);

/* SG_ERR_USAGE when a table, page or bundle would be written under an image's name, more likely a
 * source image than what was meant, or over a file that a run lives by (settings, tables,
 * weights). */
SG_MUST_CHECK sg_status sg_cli_check_output(const char *path, sg_error *err);

/* Set by SIGINT, SIGTERM and SIGUSR1 (value: the signal); long work polls it. A second SIGINT or
 * SIGTERM ends the program at once. */
extern volatile sig_atomic_t sg_cli_stop;
/* Handlers for the above, SIGPIPE ignored (a reader that leaves must not kill a training), and
 * descriptors 0 to 2 open, so that no file we write becomes standard output. */
void sg_cli_prepare(void);

/* Another verb of this program with words of ours, quietly; its exit code, what failed being told.
 */
int sg_cli_run_verb(const sg_call *call, const sg_verb *verb, int argc, char *const *argv);

/* The sink behind sg_call.log: plain lines on stderr; on a terminal a progress line that rewrites
 * itself with rate and time left, elsewhere one line every half minute. */
typedef struct sg_cli_sink {
    sg_log log;
    bool quiet, terminal, color;
    bool line_open;          /* an unfinished progress line is on the screen */
    char what[256];          /* of the progress shown last */
    double began, shown;     /* seconds on the monotonic clock */
    double first, last_done; /* done when it began, and now */
} sg_cli_sink;

/* The sink must not move afterwards: log.user points to it. */
void sg_cli_sink_init(sg_cli_sink *sink, bool quiet);
void sg_cli_sink_finish(sg_cli_sink *sink); /* ends an open progress line */

#endif
