/* npy.c - see npy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/npy.h"
#include "base/file.h"
#include <string.h>

enum { HEAD = 128, PREFIX = 10 }; /* magic, version, length of the header's text */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they lie");

sg_status sg_npy_write(
        const char *path, const float *values, const size_t *shape, size_t rank, sg_error *err) {
    char head[HEAD];
    sg_str text;
    sg_file_writer *w;
    size_t count = 1;
    sg_str_init(&text, HEAD);
    sg_str_append(&text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < rank; i++) {
        sg_str_appendf(&text, "%zu,", shape[i]);
        count *= shape[i];
    }
    sg_str_append(&text, ")}");
    memset(head, ' ', HEAD);
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = HEAD - PREFIX;
    head[9] = 0;
    head[HEAD - 1] = '\n';
    sg_status st = sg_str_check(&text, err);
    if (!st) memcpy(head + PREFIX, sg_str_text(&text), text.len);
    sg_str_dispose(&text);
    if (!st) st = sg_file_writer_open(&w, path, err);
    if (st) return st;
    st = sg_file_writer_write(w, head, HEAD, err);
    if (!st) st = sg_file_writer_write(w, values, count * sizeof *values, err);
    if (!st) return sg_file_writer_commit(w, err);
    sg_file_writer_abandon(w);
    return st;
}
