/* zip_write.c - see zip_write.h. Records of APPNOTE.TXT 4.3: local header and bytes of each file,
 * then the central directory and its end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/zip_write.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    VERSION = 20,
    UTF8_NAMES = 0x0800,
    FIRST_DAY = 0x0021, /* 1980-01-01, the format's own beginning */
    MOST_FILES = 65535
};

struct sg_zip_writer {
    sg_file_writer *file;
    sg_str directory;
    uint64_t at;
    int count;
};

static void put(sg_str *out, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(value >> (8 * i));
        sg_str_append_n(out, &byte, 1);
    }
}

/* CRC-32 (ISO 3309) by a table: half a gigabyte of weights goes through it. */
static uint32_t crc32_of(const unsigned char *data, size_t size) {
    uint32_t table[256], crc = 0xffffffffu;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = (c >> 1) ^ (0xedb88320u & (0u - (c & 1u)));
        table[i] = c;
    }
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

sg_status sg_zip_open(sg_zip_writer **out, const char *path, sg_error *err) {
    sg_zip_writer *z = calloc(1, sizeof *z);
    if (!z) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    sg_str_init(&z->directory, 0);
    sg_status st = sg_file_writer_open(&z->file, path, err);
    if (st)
        sg_zip_abandon(z);
    else
        *out = z;
    return st;
}

void sg_zip_abandon(sg_zip_writer *z) {
    if (!z) return;
    sg_file_writer_abandon(z->file);
    sg_str_dispose(&z->directory);
    free(z);
}

/* Version needed to name length: what both headers of a file share. */
static void put_common(sg_str *out, uint32_t crc, size_t size, size_t name) {
    put(out, VERSION, 2);
    put(out, UTF8_NAMES, 2);
    put(out, 0, 2); /* stored */
    put(out, 0, 2); /* midnight */
    put(out, FIRST_DAY, 2);
    put(out, crc, 4);
    put(out, (uint32_t)size, 4);
    put(out, (uint32_t)size, 4);
    put(out, (uint32_t)name, 2);
    put(out, 0, 2);
}

sg_status sg_zip_add(
        sg_zip_writer *z, const char *name, const void *data, size_t size, sg_error *err) {
    size_t length = strlen(name);
    if (z->at + size > UINT32_MAX - (1u << 20) || length > UINT16_MAX || z->count == MOST_FILES)
        return sg_fail(err, SG_ERR_UNSUPPORTED,
                "%s: the archive would pass 4 GiB or 65535 files, more than the format holds",
                name);
    uint32_t crc = crc32_of(data, size);
    sg_str head;
    sg_str_init(&head, 0);
    put(&head, LOCAL, 4);
    put_common(&head, crc, size, length);
    sg_str_append(&head, name);
    put(&z->directory, CENTRAL, 4);
    put(&z->directory, 3 << 8 | VERSION, 2); /* made on Unix, for the mode below */
    put_common(&z->directory, crc, size, length);
    put(&z->directory, 0, 2);              /* no comment */
    put(&z->directory, 0, 2);              /* disk */
    put(&z->directory, 0, 2);              /* internal attributes */
    put(&z->directory, 0100644u << 16, 4); /* a plain file, rw-r--r-- */
    put(&z->directory, (uint32_t)z->at, 4);
    sg_str_append(&z->directory, name);
    sg_status st = sg_str_check(&head, err);
    if (!st) st = sg_file_writer_write(z->file, head.data, head.len, err);
    if (!st && size) st = sg_file_writer_write(z->file, data, size, err);
    z->at += head.len + size;
    z->count++;
    sg_str_dispose(&head);
    return st;
}

sg_status sg_zip_add_file(sg_zip_writer *z, const char *name, const char *path, sg_error *err) {
    sg_file_map map;
    sg_status st = sg_file_map_open(&map, path, err);
    if (st) return st;
    st = sg_zip_add(z, name, map.data, map.size, err);
    sg_file_map_close(&map);
    return st;
}

sg_status sg_zip_commit(sg_zip_writer *z, sg_error *err) {
    uint32_t begin = (uint32_t)z->at, size = (uint32_t)z->directory.len;
    put(&z->directory, END, 4);
    put(&z->directory, 0, 4); /* disks */
    put(&z->directory, (uint32_t)z->count, 2);
    put(&z->directory, (uint32_t)z->count, 2);
    put(&z->directory, size, 4);
    put(&z->directory, begin, 4);
    put(&z->directory, 0, 2);
    sg_status st = sg_str_check(&z->directory, err);
    if (!st) st = sg_file_writer_write(z->file, z->directory.data, z->directory.len, err);
    if (!st) {
        st = sg_file_writer_commit(z->file, err);
        z->file = NULL;
    }
    sg_zip_abandon(z);
    return st;
}
