/* op_lines.c - see op_lines.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/op_lines.h"
#include "base/file.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sg_status add_one(op_lines *lines, const char *text, double tolerance, sg_error *err) {
    op_line line = {.tolerance = tolerance};
    sg_status status = sg_problem_parse(&line.problem, text, err);
    if (!status)
        status = sg_grow(&lines->items, &lines->capacity, lines->count + 1, sizeof line, err);
    if (!status) lines->items[lines->count++] = line;
    return status;
}

sg_status op_lines_add(op_lines *lines, const char *text, sg_error *err) {
    double tolerance = OP_TOLERANCE;
    text += strspn(text, " \t");
    if (*text == '\0' || *text == '#') return SG_OK;
    if (*text == '~') {
        char *end;
        tolerance = strtod(text + 1, &end);
        text = end + strspn(end, " \t");
    }
    const char *star = strchr(text, '*');
    if (!star) return add_one(lines, text, tolerance, err);
    for (sg_pass pass = SG_PASS_INFER; pass <= SG_PASS_BACKWARD_WEIGHTS; pass++) {
        char *line = sg_strdupf("%.*s%s%s", (int)(star - text), text, sg_pass_name(pass), star + 1);
        if (!line) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a problem line");
        sg_status status = add_one(lines, line, tolerance, err);
        free(line);
        if (status) return status;
        if (!sg_problem_has_pass(&lines->items[lines->count - 1].problem)) lines->count--;
    }
    return SG_OK;
}

sg_status op_lines_read(op_lines *lines, const char *path, sg_error *err) {
    char *text, *save = NULL;
    size_t size;
    sg_status status = sg_file_read(&text, &size, path, 1 << 20, err);
    if (status) return status;
    for (char *line = strtok_r(text, "\n", &save); line && !status;
            line = strtok_r(NULL, "\n", &save))
        status = op_lines_add(lines, line, err);
    free(text);
    return status;
}

void op_lines_dispose(op_lines *lines) {
    free(lines->items);
    *lines = (op_lines){NULL, 0, 0};
}
