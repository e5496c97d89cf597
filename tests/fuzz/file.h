/* file.h - bytes of a fuzzer as a file, for parsers that take a path.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_FUZZ_FILE_H
#define SG_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct fuzz_file {
    int fd;
    char path[64]; /* a regular file in memory, gone when closed */
} fuzz_file;

static inline fuzz_file fuzz_file_open(const uint8_t *data, size_t size) {
    fuzz_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    if (f.fd < 0 || write(f.fd, data, size) != (ssize_t)size) abort();
    (void)snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

static inline void fuzz_file_close(fuzz_file *f) {
    close(f->fd);
}

#endif
