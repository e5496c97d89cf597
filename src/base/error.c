/* error.c - formatting into the caller's fixed-size error; nothing here allocates, so it works when
 * memory is out and from any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sonograde/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
        [SG_OK] = "ok",
        [SG_ERR_USAGE] = "usage",
        [SG_ERR_MEMORY] = "memory",
        [SG_ERR_IO] = "io",
        [SG_ERR_MISSING] = "missing",
        [SG_ERR_FORMAT] = "format",
        [SG_ERR_INPUT] = "input",
        [SG_ERR_SHAPE] = "shape",
        [SG_ERR_UNSUPPORTED] = "unsupported",
        [SG_ERR_MISMATCH] = "mismatch",
        [SG_ERR_NUMERIC] = "numeric",
        [SG_ERR_INTERRUPTED] = "interrupted",
        [SG_ERR_INTERNAL] = "internal",
};

sg_status sg_fail(sg_error *err, sg_status code, const char *fmt, ...) {
    if (!err) return code;
    /* Formatted aside first: an argument may be err->message itself. */
    char text[SG_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof text, fmt, args) < 0) text[0] = '\0';
    va_end(args);
    err->code = code;
    memcpy(err->message, text, sizeof text);
    return code;
}

sg_status sg_fail_context(sg_error *err, sg_status code, const char *fmt, ...) {
    if (!err) return code;
    char text[SG_ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0) n = 0;
    size_t used = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    if (snprintf(text + used, sizeof text - used, ": %s", err->message) < 0) text[used] = '\0';
    memcpy(err->message, text, sizeof text);
    if (err->code == SG_OK) err->code = code;
    return err->code;
}

const char *sg_status_name(sg_status code) {
    size_t i = (size_t)code;
    if (i >= sizeof status_names / sizeof *status_names) return "unknown";
    return status_names[i];
}
