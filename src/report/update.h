/* update.h - the page that holds a new model against the one in use, on images that neither has
 * seen: figures, what changed, which malignancies are newly missed. Filled by the caller; borrows
 * everything; same input, same bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_UPDATE_H
#define SG_REPORT_UPDATE_H

#include "report/evaluation.h"

typedef struct sg_update_figure {
    const char *name;
    bool percent;
    sg_evaluation_value before, after, difference; /* difference: after - before, paired */
} sg_update_figure;

typedef struct sg_update_case { /* an image whose predicted class changed */
    const char *name;           /* short hash, or the path on request */
    const char *truth, *before, *after;
    double p_before, p_after; /* of the truth */
    const char *mark;         /* "newly missed malignancy", "lost", "gained", "still wrong" */
} sg_update_case;

typedef struct sg_update_page {
    const char *data, *before, *after; /* names */
    bool worse;
    const char *verdict; /* one sentence */
    const sg_update_figure *figures;
    size_t figure_count;
    const sg_update_case *cases; /* newly missed malignancies first */
    size_t case_count;
    const char *const *classes;
    size_t class_count;
    const size_t *confusion_before, *confusion_after; /* [class_count * class_count] */
    const sg_page_fact *facts;
    size_t fact_count;
} sg_update_page;

SG_MUST_CHECK sg_status sg_update_page_write(
        const sg_update_page *page, const char *path, sg_error *err);

#endif
