/* error.h - how every function of sonograde reports failure.
 *
 * A fallible function returns sg_status (0 is success) and takes a `sg_error *err` as its last
 * argument. The error lives on the caller's stack, is never allocated, and may be NULL. Outputs are
 * written only on success. Messages are one sentence that names the file or value and, where there
 * is one, the remedy; they carry no trailing newline.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SONOGRADE_ERROR_H
#define SONOGRADE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SG_MUST_CHECK     __attribute__((warn_unused_result))
#define SG_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define SG_API            __attribute__((visibility("default")))
#else
#define SG_MUST_CHECK
#define SG_PRINTF(fmt, a)
#define SG_API
#endif

typedef enum sg_status {
    SG_OK = 0,
    SG_ERR_USAGE,       /* the caller asked for something that makes no sense: exit 2 */
    SG_ERR_MEMORY,      /* an allocation failed: exit 1 */
    SG_ERR_IO,          /* the system refused a read, write, rename...: exit 1 */
    SG_ERR_MISSING,     /* a file or folder that was named is not there: exit 3 */
    SG_ERR_FORMAT,      /* a file is truncated, damaged or lies about itself: exit 3 */
    SG_ERR_INPUT,       /* well-formed data that cannot be used (empty class, NaN, leak): exit 3 */
    SG_ERR_SHAPE,       /* tensor shapes do not fit together: exit 3 */
    SG_ERR_UNSUPPORTED, /* valid, but not offered by this build or backend: exit 1 */
    SG_ERR_MISMATCH, /* a resume would not repeat the run (other data, threads, library): exit 4 */
    SG_ERR_NUMERIC,  /* NaN or infinity where training cannot go on: exit 1 */
    SG_ERR_INTERRUPTED, /* a signal asked to stop; state was saved: exit 130 or 143 */
    SG_ERR_INTERNAL     /* a promise inside sonograde was broken; a bug: exit 1 */
} sg_status;

enum { SG_ERROR_MESSAGE_MAX = 1024 };

typedef struct sg_error {
    sg_status code;
    char message[SG_ERROR_MESSAGE_MAX];
} sg_error;

#define SG_ERROR_INIT                                                                              \
    { SG_OK, "" }

/* Fills *err (when not NULL) and returns `code`, so that failing is one line. */
SG_API sg_status sg_fail(sg_error *err, sg_status code, const char *fmt, ...) SG_PRINTF(3, 4);

/* Puts "<context>: " before the message of a failed call; returns err->code (or `code` when err is
 * NULL). For the place where a path, row or layer is known. */
SG_API sg_status sg_fail_context(sg_error *err, sg_status code, const char *fmt, ...)
        SG_PRINTF(3, 4);

/* Short stable name of a status ("format", "io", ...). Never NULL. */
SG_API const char *sg_status_name(sg_status code);

#ifdef __cplusplus
}
#endif
#endif
