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
    DESCRIPTOR_BYTES = 16,
    ENCRYPTED = 1,
    DESCRIBED = 8, /* checksum and sizes follow the entry's bytes */
    NAME_SHOWN = 100
};

static uint32_t u16(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p) {
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p) {
    return u32(p) | (uint64_t)u32(p + 4) << 32;
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

static bool contains(const sg_zip_stored_entry *e, const char *part) {
    return memmem(e->name, e->name_length, part, strlen(part)) != NULL;
}

static sg_status tell_compressed(const sg_zip_stored_entry *e, const char *path, sg_error *err) {
    if (contains(e, "/code/"))
        return sg_fail(err, SG_ERR_INPUT,
                "%s is a TorchScript archive, a program; in PyTorch, save its weights: "
                "torch.save(torch.jit.load(FILE).state_dict(), OTHER)",
                path);
    return sg_fail(err, SG_ERR_INPUT,
            "%s: entry %.*s is compressed; PyTorch stores its entries, so something else packed "
            "this archive",
            path, (int)(e->name_length < NAME_SHOWN ? e->name_length : NAME_SHOWN), e->name);
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
    if (u16(record + 10) != 0 || u32(record + 20) != e->size) return tell_compressed(e, path, err);
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

/* Between an entry's bytes and `next` lies nothing, or the descriptor that its header announces. */
static sg_status check_tail(const sg_zip_stored_entry *e, size_t next, const uint8_t *bytes,
        const char *path, sg_error *err) {
    size_t end = (size_t)(e->data - bytes) + e->size;
    if (end > next) return bad_entry(err, path, e, "shares bytes with another");
    if (end == next) return SG_OK;
    const uint8_t *p = bytes + end;
    bool described = u16(bytes + e->begin + 6) & DESCRIBED && next - end == DESCRIPTOR_BYTES &&
                     memcmp(p, "PK\7\10", 4) == 0;
    if (!described) return bad_entry(err, path, e, "is followed by bytes of no entry");
    return u32(p + 4) == e->crc && u32(p + 8) == e->size && u32(p + 12) == e->size
                   ? SG_OK
                   : bad_entry(err, path, e, "does not agree with what follows it");
}

/* Archives that repeat names, share bytes between entries or hide some between them mean something
 * other than weights. */
static sg_status check_entries(const sg_zip_stored *zip, const uint8_t *bytes, size_t directory,
        const char *path, sg_error *err) {
    sg_zip_stored_entry *entries = zip->entries;
    qsort(entries, zip->count, sizeof *entries, by_begin);
    if (entries[0].begin != 0) return bad(err, path, "bytes stand before its first entry");
    for (size_t i = 0; i < zip->count; i++) {
        size_t next = i + 1 < zip->count ? entries[i + 1].begin : directory;
        sg_status st = check_tail(&entries[i], next, bytes, path, err);
        if (st) return st;
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

/* PyTorch always writes the 64-bit end record and its locator too, before `end`. */
static bool has_record64(const uint8_t *bytes, size_t end) {
    if (end < RECORD64_BYTES) return false;
    const uint8_t *p = bytes + end - RECORD64_BYTES;
    return memcmp(p, "PK\6\6", 4) == 0 &&
           memcmp(p + RECORD64_BYTES - LOCATOR64_BYTES, "PK\6\7", 4) == 0;
}

/* Where the plain record says everything, the 64-bit one at `at` must say the same. */
static bool repeats(const uint8_t *bytes, size_t at, size_t count, size_t length, size_t begin) {
    const uint8_t *p = bytes + at, *locator = p + RECORD64_BYTES - LOCATOR64_BYTES;
    return u64(p + 4) == RECORD64_BYTES - LOCATOR64_BYTES - 12 && u32(p + 16) == 0 &&
           u32(p + 20) == 0 && u64(p + 24) == count && u64(p + 32) == count &&
           u64(p + 40) == length && u64(p + 48) == begin && u32(locator + 4) == 0 &&
           u64(locator + 8) == at && u32(locator + 16) == 1;
}

sg_status sg_zip_stored_open(sg_zip_stored *out, const uint8_t *bytes, size_t size, bool check_crc,
        const char *path, sg_error *err) {
    const uint8_t *record = find_end(bytes, size);
    if (!record) return bad(err, path, "its end is missing (truncated?)");
    size_t count = u16(record + 10), length = u32(record + 12), begin = u32(record + 16);
    size_t end = (size_t)(record - bytes);
    if (count == 0xFFFF || begin == 0xFFFFFFFFu || length == 0xFFFFFFFFu)
        return sg_fail(err, SG_ERR_INPUT,
                "%s is a 64-bit zip archive (over 4 GiB or 65534 entries), which is not read here",
                path);
    bool twice = has_record64(bytes, end);
    if (twice) end -= RECORD64_BYTES;
    if (u16(record + 4) != 0 || u16(record + 6) != 0 || u16(record + 8) != count || length > end ||
            begin != end - length)
        return bad(err, path, "its directory is not where its end says");
    if (count == 0 || count > length / CENTRAL_BYTES)
        return bad(err, path, "its directory cannot hold so many entries");
    if (twice && !repeats(bytes, end, count, length, begin))
        return bad(err, path, "its two end records do not agree");
    sg_zip_stored zip = {.entries = calloc(count, sizeof *zip.entries)};
    if (!zip.entries) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", path);
    sg_status st = read_directory(&zip, bytes, begin, end, count, path, err);
    if (!st) st = check_entries(&zip, bytes, begin, path, err);
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
