/* file.h - files and folders, with the promises a run folder needs: a file written here is there
 * whole or not at all (temporary file in the same folder, fsync, rename, fsync of the folder).
 * Paths are bytes; nothing assumes UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_FILE_H
#define SG_BASE_FILE_H

#include "base/str.h"
#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a whole regular file; more than max_bytes is SG_ERR_FORMAT. A terminating NUL is added past
 * the end. *data is the caller's (free). */
SG_MUST_CHECK sg_status sg_file_read(
        char **data, size_t *size, const char *path, size_t max_bytes, sg_error *err);

/* Read-only mapping of a whole file (data NULL when the file is empty). */
typedef struct sg_file_map {
    const uint8_t *data;
    size_t size;
} sg_file_map;
SG_MUST_CHECK sg_status sg_file_map_open(sg_file_map *map, const char *path, sg_error *err);
void sg_file_map_close(sg_file_map *map);

/* Writes the whole content atomically. */
SG_MUST_CHECK sg_status sg_file_write(
        const char *path, const void *data, size_t size, sg_error *err);

/* The same in steps, for content that is made while it is written. Either commit or abandon;
 * abandon is NULL-safe and also right after a failed write. */
typedef struct sg_file_writer sg_file_writer;
SG_MUST_CHECK sg_status sg_file_writer_open(sg_file_writer **out, const char *path, sg_error *err);
SG_MUST_CHECK sg_status sg_file_writer_write(
        sg_file_writer *w, const void *data, size_t size, sg_error *err);
/* Replaces `path`, durable on return. Destroys *w whatever the outcome. */
SG_MUST_CHECK sg_status sg_file_writer_commit(sg_file_writer *w, sg_error *err);
void sg_file_writer_abandon(sg_file_writer *w);

SG_MUST_CHECK sg_status sg_file_append(
        const char *path, const void *data, size_t size, bool sync, sg_error *err);
SG_MUST_CHECK sg_status sg_dir_make(
        const char *path, sg_error *err); /* with parents; ok if there */
SG_MUST_CHECK sg_status sg_dir_remove(const char *path, sg_error *err); /* with all its content */
bool sg_path_exists(const char *path);
bool sg_path_is_dir(const char *path);
SG_MUST_CHECK sg_status sg_dir_is_empty(bool *empty, const char *path, sg_error *err);

/* Names in a folder ('.' and '..' left out), sorted by bytes, NULL-terminated. One block per name
 * plus the array; release with sg_names_free. */
SG_MUST_CHECK sg_status sg_dir_list(char ***names, size_t *count, const char *path, sg_error *err);
void sg_names_free(char **names);

/* "a/b" joined, the caller's; NULL when out of memory. */
char *sg_path_join(const char *folder, const char *name);
const char *sg_path_base(const char *path); /* part after the last '/'; borrowed */
/* The folder that holds the folder of `path` holds `name` (links are followed first). False where
 * path does not exist. */
bool sg_path_marked_above(const char *path, const char *name);

/* Advisory lock on a file (flock), created when absent. SG_ERR_INPUT when another process holds it,
 * naming that process where known. The lock goes with the process. */
typedef struct sg_file_lock {
    int fd;
} sg_file_lock;
SG_MUST_CHECK sg_status sg_file_lock_take(sg_file_lock *lock, const char *path, sg_error *err);
void sg_file_lock_drop(sg_file_lock *lock);

/* SHA-256 in lower-case hex, 64 digits and NUL (libsodium). */
enum { SG_SHA256_HEX = 65 };
void sg_sha256_hex(char out[SG_SHA256_HEX], const void *data, size_t size);
/* The same over parts laid end to end. */
void sg_sha256_parts(
        char out[SG_SHA256_HEX], const void *const *data, const size_t *sizes, size_t count);
/* The same in steps: begin, add each part, end. */
typedef struct sg_sha256 {
    uint64_t state[13];
} sg_sha256;
void sg_sha256_begin(sg_sha256 *hash);
void sg_sha256_add(sg_sha256 *hash, const void *data, size_t size);
void sg_sha256_end(char out[SG_SHA256_HEX], sg_sha256 *hash);
SG_MUST_CHECK sg_status sg_sha256_file(char out[SG_SHA256_HEX], const char *path, sg_error *err);

/* A name that stands for another: the first 64 bits of keyed BLAKE2b (libsodium), 16 hex digits and
 * NUL. The key, text of up to 64 bytes, keeps pseudonyms of different files apart; whoever has it
 * can still try names out. */
enum { SG_PSEUDONYM = 17 };
void sg_pseudonym(char out[SG_PSEUDONYM], const char *key, const char *text);

#endif
