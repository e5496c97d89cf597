/* log.h - how library code says something without printing: lines with a level go to a sink that
 * the caller gives (the command line's goes to stderr). A NULL log is silent.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_LOG_H
#define SG_BASE_LOG_H

#include "sonograde/error.h"

typedef enum sg_log_level { SG_LOG_DEBUG, SG_LOG_INFO, SG_LOG_WARN } sg_log_level;

typedef struct sg_log {
    void (*line)(void *user, sg_log_level level, const char *text); /* no newline in text */
    /* Long work: `done` of `total` (0 = unknown) of what `what` names, e.g. "epoch 3/20, batch";
     * text behind a colon may change on the way. May be NULL. Called often; the sink decides what
     * to show. */
    void (*progress)(void *user, const char *what, double done, double total);
    void *user;
    sg_log_level least; /* lower levels are dropped */
} sg_log;

void sg_log_line(const sg_log *log, sg_log_level level, const char *fmt, ...) SG_PRINTF(3, 4);
void sg_log_progress(const sg_log *log, const char *what, double done, double total);

#endif
