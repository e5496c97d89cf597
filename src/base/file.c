/* file.c - reading, mapping, atomic writing, appending, locking and hashing of files.
 * Every write ends in one of two states: the old content, or the whole new one on disk.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/io_error.h"
#include "base/sha256_blocks.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BUFFER = 64 * 1024, READ_BUFFER = 64 * 1024, TEMP_TRIES = 10000 };

/* ---- reading ---- */

/* O_NONBLOCK so that a FIFO in a folder of images cannot hang us; no effect on regular files. */
static sg_status open_regular(int *fd, size_t *size, const char *path, sg_error *err) {
    int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f < 0) return sg_io_fail(err, "cannot open", path);
    struct stat info;
    if (fstat(f, &info)) {
        sg_status status = sg_io_fail(err, "cannot examine", path);
        close(f);
        return status;
    }
    if (!S_ISREG(info.st_mode)) {
        close(f);
        return sg_fail(err, SG_ERR_IO, "%s: is %s, not a file", path,
                S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
    }
    *fd = f;
    *size = (size_t)info.st_size;
    return SG_OK;
}

/* Reads up to n bytes; fewer only at the end of the file. -1 on error. */
static ssize_t read_full(int fd, void *data, size_t n) {
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, (char *)data + done, n - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

sg_status sg_file_read(
        char **data, size_t *size, const char *path, size_t max_bytes, sg_error *err) {
    int fd;
    size_t n;
    sg_status status = open_regular(&fd, &n, path, err);
    if (status) return status;
    char *buffer = NULL;
    if (n > max_bytes) {
        status = sg_fail(err, SG_ERR_FORMAT, "%s: is %zu bytes, more than the %zu allowed here",
                path, n, max_bytes);
        goto done;
    }
    buffer = malloc(n + 1);
    if (!buffer) {
        status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory (%zu bytes)", path, n);
        goto done;
    }
    ssize_t got = read_full(fd, buffer, n);
    if (got < 0) {
        status = sg_io_fail(err, "cannot read", path);
        goto done;
    }
    buffer[got] = '\0';
    *data = buffer;
    *size = (size_t)got;
    buffer = NULL;
done:
    free(buffer);
    close(fd);
    return status;
}

sg_status sg_file_map_open(sg_file_map *map, const char *path, sg_error *err) {
    int fd;
    size_t n;
    sg_status status = open_regular(&fd, &n, path, err);
    if (status) return status;
    void *data = NULL;
    if (n > 0) {
        data = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) status = sg_io_fail(err, "cannot map", path);
    }
    close(fd);
    if (!status) *map = (sg_file_map){.data = data, .size = n};
    return status;
}

void sg_file_map_close(sg_file_map *map) {
    if (!map) return;
    if (map->data) munmap((void *)(uintptr_t)map->data, map->size);
    *map = (sg_file_map){0};
}

/* ---- writing ---- */

static bool write_full(int fd, const void *data, size_t n) {
    const char *p = data;
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

struct sg_file_writer {
    int fd;
    bool direct; /* the target is a device or pipe: nothing to rename */
    char *path;  /* the target, symbolic links resolved */
    char *temp;
    size_t used;
    char buffer[WRITE_BUFFER];
};

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return sg_strdup(".");
    if (slash == path) return sg_strdup("/");
    return sg_strdupf("%.*s", (int)(slash - path), path);
}

static void destroy_writer(sg_file_writer *w) {
    if (w->fd >= 0) close(w->fd);
    if (w->temp) unlink(w->temp);
    free(w->temp);
    free(w->path);
    free(w);
}

/* Opens a fresh file beside the target. O_EXCL settles who owns a name, also between threads. */
static sg_status open_temp(sg_file_writer *w, sg_error *err) {
    char *folder = folder_of(w->path);
    if (!folder) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", w->path);
    sg_status status = SG_OK;
    for (int i = 0; i < TEMP_TRIES && w->fd < 0 && !status; i++) {
        char *temp = sg_strdupf("%s/.sonograde-%ld-%d.tmp", folder, (long)getpid(), i);
        if (!temp) {
            status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", w->path);
            break;
        }
        w->fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) {
            w->temp = temp;
            break;
        }
        if (errno != EEXIST) status = sg_io_fail(err, "cannot create", w->path);
        free(temp);
    }
    if (!status && w->fd < 0)
        status = sg_fail(
                err, SG_ERR_IO, "%s: too many stale .sonograde-*.tmp files in %s", w->path, folder);
    free(folder);
    return status;
}

sg_status sg_file_writer_open(sg_file_writer **out, const char *path, sg_error *err) {
    struct stat info;
    bool there = stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode))
        return sg_fail(err, SG_ERR_IO, "cannot write %s: it is a folder; name a file", path);
    sg_file_writer *w = malloc(sizeof *w);
    if (!w) return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    w->fd = -1;
    w->temp = NULL;
    w->used = 0;
    w->direct = there && !S_ISREG(info.st_mode);
    /* A link stays a link: what it points to is replaced. */
    w->path = there && !w->direct ? realpath(path, NULL) : sg_strdup(path);
    sg_status status = SG_OK;
    if (!w->path) {
        status = sg_fail(err, SG_ERR_MEMORY, "%s: out of memory", path);
    } else if (w->direct) {
        w->fd = open(w->path, O_WRONLY | O_CLOEXEC);
        if (w->fd < 0) status = sg_io_fail(err, "cannot write", path);
    } else {
        status = open_temp(w, err);
    }
    if (status)
        destroy_writer(w);
    else
        *out = w;
    return status;
}

static sg_status flush(sg_file_writer *w, sg_error *err) {
    size_t n = w->used;
    w->used = 0;
    if (write_full(w->fd, w->buffer, n)) return SG_OK;
    return sg_io_fail(err, "cannot write", w->path);
}

sg_status sg_file_writer_write(sg_file_writer *w, const void *data, size_t size, sg_error *err) {
    if (size > WRITE_BUFFER - w->used) {
        sg_status status = flush(w, err);
        if (status) return status;
    }
    if (size >= WRITE_BUFFER) {
        if (write_full(w->fd, data, size)) return SG_OK;
        return sg_io_fail(err, "cannot write", w->path);
    }
    if (size) memcpy(w->buffer + w->used, data, size);
    w->used += size;
    return SG_OK;
}

/* Makes the rename itself durable. Some file systems cannot sync a folder; that is not an error. */
static void sync_folder_of(const char *path) {
    char *folder = folder_of(path);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

sg_status sg_file_writer_commit(sg_file_writer *w, sg_error *err) {
    sg_status status = flush(w, err);
    if (!status && !w->direct && fsync(w->fd)) status = sg_io_fail(err, "cannot sync", w->path);
    if (!status) {
        int fd = w->fd;
        w->fd = -1;
        if (close(fd)) status = sg_io_fail(err, "cannot write", w->path);
    }
    if (!status && !w->direct) {
        if (rename(w->temp, w->path)) {
            status = sg_io_fail(err, "cannot replace", w->path);
        } else {
            free(w->temp);
            w->temp = NULL;
            sync_folder_of(w->path);
        }
    }
    destroy_writer(w);
    return status;
}

void sg_file_writer_abandon(sg_file_writer *w) {
    if (w) destroy_writer(w);
}

sg_status sg_file_write(const char *path, const void *data, size_t size, sg_error *err) {
    sg_file_writer *w;
    sg_status status = sg_file_writer_open(&w, path, err);
    if (status) return status;
    status = sg_file_writer_write(w, data, size, err);
    if (!status) return sg_file_writer_commit(w, err);
    sg_file_writer_abandon(w);
    return status;
}

sg_status sg_file_append(
        const char *path, const void *data, size_t size, bool sync, sg_error *err) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return sg_io_fail(err, "cannot open", path);
    struct stat info;
    sg_status status = SG_OK;
    if (fstat(fd, &info)) {
        status = sg_io_fail(err, "cannot examine", path);
    } else if (!write_full(fd, data, size) || (sync && fsync(fd))) {
        status = sg_io_fail(err, "cannot append to", path);
        /* Takes back a half-written line; a device cannot and need not be cut. */
        if (S_ISREG(info.st_mode) && ftruncate(fd, info.st_size))
            status = sg_fail_context(err, status, "a part may have been written");
    }
    if (close(fd) && !status) status = sg_io_fail(err, "cannot append to", path);
    return status;
}

/* ---- locking ---- */

/* Holder's process id from the lock file's text; 0 when it says none. */
static long long lock_holder(int fd) {
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) return 0;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    long long pid;
    return sg_parse_int64(&pid, text) ? pid : 0;
}

sg_status sg_file_lock_take(sg_file_lock *lock, const char *path, sg_error *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return sg_io_fail(err, "cannot open", path);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        sg_status status;
        bool held = errno == EWOULDBLOCK;
        long long pid = held ? lock_holder(fd) : 0;
        if (!held)
            status = sg_io_fail(err, "cannot lock", path);
        else if (pid > 0)
            status = sg_fail(
                    err, SG_ERR_INPUT, "%s: in use by process %lld; wait or stop it", path, pid);
        else
            status = sg_fail(err, SG_ERR_INPUT, "%s: in use by another process", path);
        close(fd);
        return status;
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n) {
        sg_status status = sg_io_fail(err, "cannot write", path);
        close(fd);
        return status;
    }
    lock->fd = fd;
    return SG_OK;
}

/* The file stays, empty: removing it would race with a process that has just opened it. */
void sg_file_lock_drop(sg_file_lock *lock) {
    if (!lock || lock->fd < 0) return;
    if (ftruncate(lock->fd, 0) == 0) (void)fsync(lock->fd);
    close(lock->fd);
    lock->fd = -1;
}

/* ---- hashing ---- */

static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(sg_sha256), "room for libsodium's state");

static crypto_hash_sha256_state *state_of(sg_sha256 *hash) {
    return (crypto_hash_sha256_state *)(void *)hash->state;
}

void sg_sha256_begin(sg_sha256 *hash) {
    crypto_hash_sha256_init(state_of(hash));
}

/* Whole blocks go through the processor's own instructions, where it has them; the rest, and where
 * it has none everything, through libsodium, whose state counts bits. */
void sg_sha256_add(sg_sha256 *hash, const void *bytes, size_t size) {
    enum { BLOCK = 64 };
    const unsigned char *data = bytes;
    crypto_hash_sha256_state *state = state_of(hash);
    size_t pending = (size_t)(state->count / 8 % BLOCK);
    if (size >= 2 * BLOCK && sg_sha256_has_blocks()) {
        size_t first = (BLOCK - pending) % BLOCK, blocks = (size - first) / BLOCK;
        crypto_hash_sha256_update(state, data, first);
        sg_sha256_blocks(state->state, data + first, blocks);
        state->count += (uint64_t)blocks * BLOCK * 8;
        data += first + blocks * BLOCK;
        size -= first + blocks * BLOCK;
    }
    crypto_hash_sha256_update(state, data, size);
}

void sg_sha256_end(char out[SG_SHA256_HEX], sg_sha256 *hash) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(state_of(hash), digest);
    sodium_bin2hex(out, SG_SHA256_HEX, digest, sizeof digest);
}

void sg_sha256_parts(
        char out[SG_SHA256_HEX], const void *const *data, const size_t *sizes, size_t count) {
    sg_sha256 hash;
    sg_sha256_begin(&hash);
    for (size_t i = 0; i < count; i++) sg_sha256_add(&hash, data[i], sizes[i]);
    sg_sha256_end(out, &hash);
}

void sg_sha256_hex(char out[SG_SHA256_HEX], const void *data, size_t size) {
    sg_sha256_parts(out, &data, &size, 1);
}

sg_status sg_sha256_file(char out[SG_SHA256_HEX], const char *path, sg_error *err) {
    int fd;
    size_t size;
    sg_status status = open_regular(&fd, &size, path, err);
    if (status) return status;
    sg_sha256 hash;
    sg_sha256_begin(&hash);
    unsigned char buffer[READ_BUFFER];
    ssize_t n;
    while ((n = read_full(fd, buffer, sizeof buffer)) > 0) sg_sha256_add(&hash, buffer, (size_t)n);
    if (n < 0) status = sg_io_fail(err, "cannot read", path);
    close(fd);
    if (!status) sg_sha256_end(out, &hash);
    return status;
}

void sg_pseudonym(char out[SG_PSEUDONYM], const char *key, const char *text) {
    unsigned char digest[crypto_generichash_BYTES_MIN];
    size_t length = strnlen(key, crypto_generichash_KEYBYTES_MAX);
    (void)crypto_generichash(digest, sizeof digest, (const unsigned char *)text, strlen(text),
            (const unsigned char *)key, length);
    sodium_bin2hex(out, SG_PSEUDONYM, digest, (SG_PSEUDONYM - 1) / 2);
}
