/* zip_stored.c - see zip_stored.h. End record, central directory, local headers, in that order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/zip_stored.h"
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    COMMENT_MAX = 65535,
    LOCATOR64_BYTES = 20,
    RECORD64_BYTES = 56 + LOCATOR64_BYTES,
    ENCRYPTED = 1,
    NAME_SHOWN = 100
};

static uint32_t u16(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p) {
    return u16(p) | u16(p + 2) << 16;
}

static sg_status bad(sg_error *err, const char *path, const char *what) {
    return sg_fail(err, SG_ERR_FORMAT, "%s is a damaged zip archive: %s", path, what);
}

static sg_status bad_entry(
        sg_error *err, const char *path, const sg_zip_stored_entry *e, const char *what) {
    return sg_fail(err, SG_ERR_FORMAT, "%s is a damaged zip archive: entry %.*s %s", path,
            (int)(e->name_length < NAME_SHOWN ? e->name_length : NAME_SHOWN), e->name, what);
}

bool sg_zip_stored_is(const uint8_t *bytes, size_t size) {
    return size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

/* The end record reaches exactly to the end of the file. */
static const uint8_t *find_end(const uint8_t *bytes, size_t size) {
    for (size_t comment = 0; comment <= COMMENT_MAX && comment + END_BYTES <= size; comment++) {
        const uint8_t *p = bytes + size - END_BYTES - comment;
        if (memcmp(p, "PK\5\6", 4) == 0 && u16(p + 20) == comment) return p;
    }
    return NULL;
}

/* One record of the central directory, whose bytes are known to be there. */
static sg_status read_entry(sg_zip_stored_entry *e, const uint8_t *record, const uint8_t *bytes,
        size_t directory, const char *path, sg_error *err) {
    *e = (sg_zip_stored_entry){.name = (const char *)record + CENTRAL_BYTES,
            .name_length = u16(record + 28),
            .crc = u32(record + 16),
            .size = u32(record + 24),
            .begin = u32(record + 42)};
    if (u16(record + 8) & ENCRYPTED) return bad_entry(err, path, e, "is encrypted");
    if (u16(record + 10) != 0 || u32(record + 20) != e->size)
        return sg_fail(err, SG_ERR_UNSUPPORTED,
                "%s: entry %.*s is compressed; PyTorch stores its entries, so something else "
                "packed this archive",
                path, (int)(e->name_length < NAME_SHOWN ? e->name_length : NAME_SHOWN), e->name);
    if (e->begin > directory || directory - e->begin < LOCAL_BYTES)
        return bad_entry(err, path, e, "lies outside the archive");
    const uint8_t *local = bytes + e->begin;
    size_t head = LOCAL_BYTES + (size_t)u16(local + 26) + u16(local + 28);
    size_t room = directory - e->begin;
    if (memcmp(local, "PK\3\4", 4) != 0 || u16(local + 8) != 0 || head > room ||
            u16(local + 26) != e->name_length ||
            memcmp(local + LOCAL_BYTES, e->name, e->name_length) != 0)
        return bad_entry(err, path, e, "does not agree with its own header");
    if (e->size > room - head) return bad_entry(err, path, e, "lies outside the archive");
    e->data = local + head;
    return SG_OK;
}

static int by_begin(const void *a, const void *b) {
    const sg_zip_stored_entry *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static int compare_names(const char *a, size_t n, const char *b, size_t m) {
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int by_name(const void *a, const void *b) {
    const sg_zip_stored_entry *x = a, *y = b;
    return compare_names(x->name, x->name_length, y->name, y->name_length);
}

/* Archives that repeat names or share bytes between entries mean something other than weights. */
static sg_status check_entries(
        const sg_zip_stored *zip, const uint8_t *bytes, const char *path, sg_error *err) {
    sg_zip_stored_entry *entries = zip->entries;
    qsort(entries, zip->count, sizeof *entries, by_begin);
    for (size_t i = 1; i < zip->count; i++) {
        const sg_zip_stored_entry *before = &entries[i - 1];
        if ((size_t)(before->data - bytes) + before->size > entries[i].begin)
            return bad_entry(err, path, before, "shares bytes with another");
    }
    qsort(entries, zip->count, sizeof *entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&entries[i - 1], &entries[i]) == 0)
            return bad_entry(err, path, &entries[i], "comes twice");
    return SG_OK;
}

static uint32_t crc32_of(const uint8_t *data, size_t size) {
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++) v = v & 1 ? v >> 1 ^ 0xEDB88320u : v >> 1;
        table[i] = v;
    }
    for (size_t i = 0; i < size; i++) crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
    return ~crc;
}

static sg_status check_crcs(const sg_zip_stored *zip, const char *path, sg_error *err) {
    for (size_t i = 0; i < zip->count; i++) {
        const sg_zip_stored_entry *e = &zip->entries[i];
        if (crc32_of(e->data, e->size) != e->crc)
            return bad_entry(err, path, e, "does not match its checksum");
    }
    return SG_OK;
}

static sg_status read_directory(sg_zip_stored *zip, const uint8_t *bytes, size_t begin, size_t end,
        size_t count, const char *path, sg_error *err) {
    size_t at = begin;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = bytes + at;
        if (end - at < CENTRAL_BYTES || memcmp(record, "PK\1\2", 4) != 0)
            return bad(err, path, "its directory is cut short");
        size_t length =
                (size_t)CENTRAL_BYTES + u16(record + 28) + u16(record + 30) + u16(record + 32);
        if (length > end - at) return bad(err, path, "its directory is cut short");
        sg_status st = read_entry(&zip->entries[i], record, bytes, begin, path, err);
        if (st) return st;
        zip->count++;
        at += length;
    }
    return at == end ? SG_OK : bad(err, path, "its directory is longer than its entries");
}

/* PyTorch always writes the 64-bit end record and its locator too; where the plain record says
 * everything, they add nothing. */
static bool has_record64(const uint8_t *bytes, size_t end) {
    if (end < RECORD64_BYTES) return false;
    const uint8_t *p = bytes + end - RECORD64_BYTES;
    return memcmp(p, "PK\6\6", 4) == 0 &&
           memcmp(p + RECORD64_BYTES - LOCATOR64_BYTES, "PK\6\7", 4) == 0;
}

sg_status sg_zip_stored_open(sg_zip_stored *out, const uint8_t *bytes, size_t size, bool check_crc,
        const char *path, sg_error *err) {
    const uint8_t *record = find_end(bytes, size);
    if (!record) return bad(err, path, "its end is missing (truncated?)");
    size_t count = u16(record + 10), length = u32(record + 12), begin = u32(record + 16);
    size_t end = (size_t)(record - bytes);
    if (count == 0xFFFF || begin == 0xFFFFFFFFu || length == 0xFFFFFFFFu)
        return sg_fail(err, SG_ERR_UNSUPPORTED,
                "%s is a 64-bit zip archive (over 4 GiB or 65534 entries), which is not read here",
                path);
    if (has_record64(bytes, end)) end -= RECORD64_BYTES;
    if (u16(record + 4) != 0 || u16(record + 6) != 0 || u16(record + 8) != count || length > end ||
            begin != end - length)
        return bad(err, path, "its directory is not where its end says");
    if (count == 0 || count > length / CENTRAL_BYTES)
        return bad(err, path, "its directory cannot hold so many entries");
    sg_zip_stored zip = {.entries = calloc(count, sizeof *zip.entries)};
    if (!zip.entries) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", path);
    sg_status st = read_directory(&zip, bytes, begin, end, count, path, err);
    if (!st) st = check_entries(&zip, bytes, path, err);
    if (!st && check_crc) st = check_crcs(&zip, path, err);
    if (st)
        sg_zip_stored_close(&zip);
    else
        *out = zip;
    return st;
}

void sg_zip_stored_close(sg_zip_stored *zip) {
    if (!zip) return;
    free(zip->entries);
    *zip = (sg_zip_stored){0};
}

/* An entry's name against folder + "/" + name. */
static int compare_joined(const sg_zip_stored_entry *e, const char *folder, size_t folder_length,
        const char *name, size_t length) {
    size_t n = e->name_length < folder_length ? e->name_length : folder_length;
    int order = memcmp(e->name, folder, n);
    if (order) return order;
    if (e->name_length <= folder_length) return -1;
    if (e->name[folder_length] != '/') return (unsigned char)e->name[folder_length] < '/' ? -1 : 1;
    return compare_names(
            e->name + folder_length + 1, e->name_length - folder_length - 1, name, length);
}

const sg_zip_stored_entry *sg_zip_stored_find(const sg_zip_stored *zip, const char *folder,
        size_t folder_length, const char *name, size_t length) {
    size_t low = 0, high = zip->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const sg_zip_stored_entry *e = &zip->entries[middle];
        int order = compare_joined(e, folder, folder_length, name, length);
        if (!order) return e;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
