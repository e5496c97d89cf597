/* log.c - hands formatted lines to the caller's sink. Without a sink nothing is formatted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 2048 };

void sg_log_line(const sg_log *log, sg_log_level level, const char *fmt, ...) {
    if (!log || !log->line || level < log->least) return;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n >= 0) log->line(log->user, level, text);
}

void sg_log_progress(const sg_log *log, const char *what, double done, double total) {
    if (log && log->progress) log->progress(log->user, what, done, total);
}
