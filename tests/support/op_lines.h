/* op_lines.h - the table of one-line problems: conformance checks them, `make bench` times them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_OP_LINES_H
#define SUPPORT_OP_LINES_H

#include "backend/backend.h"

#define OP_TOLERANCE 1e-5 /* of a line that does not say otherwise */

typedef struct op_line {
    sg_problem problem;
    double tolerance; /* relative error allowed in float32 */
} op_line;

typedef struct op_lines {
    op_line *items;
    size_t count, capacity;
} op_lines;

/* Appends the problem of one line, or all passes of the operation where the pass is '*'. Empty
 * lines and those beginning with # add nothing. */
SG_MUST_CHECK sg_status op_lines_add(op_lines *lines, const char *text, sg_error *err);
SG_MUST_CHECK sg_status op_lines_read(op_lines *lines, const char *path, sg_error *err);
void op_lines_dispose(op_lines *lines);

#endif
