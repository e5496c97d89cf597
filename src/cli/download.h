/* download.h - one file over HTTP(S) with libcurl: resumable, checked, and there whole or not at
 * all.
 *
 * Bytes go to PATH.part, with the server's validator (ETag or Last-Modified) in PATH.part.tag. A
 * later call goes on from there (Range, If-Range); a server that answers with the whole file is
 * taken at its word and begins anew. Only a file whose digest is right is renamed to PATH.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_DOWNLOAD_H
#define SG_CLI_DOWNLOAD_H

#include "base/log.h"
#include <signal.h>
#include <stdint.h>

typedef struct sg_download {
    const char *url, *path;
    const char *name;   /* for progress and errors */
    const char *sha256; /* the first hex digits, 8 to 64; NULL = none known, nothing is compared */
    int64_t size_max;   /* bytes beyond which the answer is refused */
    int stall_s;        /* give up after so long without a byte */
    const sg_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
} sg_download;

/* Expected failures: SG_ERR_MISSING (404), SG_ERR_IO (no network, other answers, a redirect loop, a
 * connection that ends too early, a full disk), SG_ERR_FORMAT (another digest, or more
 * than size_max; the bytes are deleted), SG_ERR_INPUT (another process fetches the same),
 * SG_ERR_INTERRUPTED. Otherwise what was received stays for the next call. */
SG_MUST_CHECK sg_status sg_download_file(const sg_download *download, sg_error *err);

/* SG_ERR_FORMAT unless the file's SHA-256 begins with `sha256` (NULL = anything). */
SG_MUST_CHECK sg_status sg_check_sha256(const char *path, const char *sha256, sg_error *err);

#endif
