/* explain_files.h - each map as files (PNG, SVG, .npy) and, for some, as a small picture on the
 * page. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EXPLAIN_FILES_H
#define SG_CLI_EXPLAIN_FILES_H

#include "cli/explain_study.h"
#include "image/overlay.h"
#include "report/page.h"

enum { SG_EXPLAIN_PICTURES = 60 };

typedef struct sg_explain_files {
    const char *folder; /* holds maps/ */
    const sg_explain_job *job;
    sg_overlay overlay;
    bool png, svg, npy;
    size_t wanted; /* pictures for the page, at most SG_EXPLAIN_PICTURES */
    sg_page_image pictures[SG_EXPLAIN_PICTURES];
    size_t picture_count;
    struct {
        size_t item;
        sg_explain_method method;
    } shown[SG_EXPLAIN_PICTURES]; /* what each picture is of */
} sg_explain_files;

/* As sg_explain_job wants it; user is an sg_explain_files. */
SG_MUST_CHECK sg_status sg_explain_files_show(void *user, size_t item, const sg_image *image,
        sg_explain_method method, const sg_plane *map, int class_index, sg_error *err);
/* Puts under picture i what speaks against it; text is copied. */
SG_MUST_CHECK sg_status sg_explain_files_mark(
        sg_explain_files *files, size_t i, const char *text, sg_error *err);
void sg_explain_files_dispose(sg_explain_files *files);

#endif
