/* cli.h - what the verbs share: the list of them, exit codes, and how failure is told.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_CLI_H
#define SG_CLI_CLI_H

#include "base/json.h"
#include "base/log.h"
#include "cli/options.h"
#include <signal.h>

enum {
    SG_EXIT_OK = 0,
    SG_EXIT_FAILURE = 1,
    SG_EXIT_USAGE = 2,
    SG_EXIT_DATA = 3,
    SG_EXIT_MISMATCH = 4,
    SG_EXIT_SIGINT = 130,
    SG_EXIT_SIGTERM = 143
};

/* Every verb, in the order of --help; ends with NULL. Defined in main.c; a verb lives in
 * cmd_<verb>.c and shows itself as `extern const sg_verb sg_verb_<name>`. */
extern const sg_verb *const sg_verbs[];

/* Prints "sonograde: <message>" to stderr and returns the exit code of the status. */
int sg_cli_fail(const sg_error *err);
/* Prints JSON (one document, newline) to stdout and drops the reference. */
void sg_cli_print_json(json_t *value);
/* Set by SIGINT, SIGTERM and SIGUSR1 (value: the signal); long work polls it. Installed by main. */
extern volatile sig_atomic_t sg_cli_stop;

#define SG_RESEARCH_USE "Research use only. Not a medical device."

#endif
