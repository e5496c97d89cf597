/* thread_wait.c - see thread_wait.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/thread_wait.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Some 0.1 ms: longer than most waits of a training step, shorter than a turn of the scheduler. */
static const char bound[] = "10000";
static const char *const settings[] = {"OMP_WAIT_POLICY=", "GOMP_SPINCOUNT="};

const char *sg_thread_wait_setting(void) {
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++)
        for (char **line = environ; line && *line; line++)
            if (strncmp(*line, settings[s], strlen(settings[s])) == 0) return *line;
    return "as OpenMP comes";
}

void sg_thread_wait_bound(char **argv) {
    char program[PATH_MAX];
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0 || setenv("GOMP_SPINCOUNT", bound, 1)) return;
    program[n] = '\0';
    execv(program, argv);
}
