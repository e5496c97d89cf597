/* explain_output.h - what `explain` leaves behind: a picture per map, scores.csv, explain.json and
 * the page. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EXPLAIN_OUTPUT_H
#define SG_CLI_EXPLAIN_OUTPUT_H

#include "cli/explain_verdict.h"
#include "report/page.h"

typedef struct sg_explain_output {
    const sg_explain_job *job;
    const sg_explain_study *study;
    const char *data; /* name of what was explained */
    const char *folder;
    bool checked, permuted; /* which sanity checks were run */
    bool flip_average;
    const char *layer; /* NULL: the model's own */
    sg_bootstrap_options draws;
    const sg_explain_verdict *verdicts; /* [SG_EXPLAIN_METHODS], of a scored set; or NULL */
    const sg_explain_past *past;        /* of an earlier one; or NULL */
    const sg_page_image *pictures;
    size_t picture_count;
} sg_explain_output;

/* One row per image and map, and what the bundle said of the image. */
SG_MUST_CHECK sg_status sg_explain_write_scores(const sg_explain_output *out, sg_error *err);
/* explain.json: settings, figures with intervals, checks. *document is the caller's reference. */
SG_MUST_CHECK sg_status sg_explain_write_json(
        json_t **document, const sg_explain_output *out, sg_error *err);
SG_MUST_CHECK sg_status sg_explain_write_page(const sg_explain_output *out, sg_error *err);
/* gates.csv: mean of every channel's gate by block and class. Nothing without gates. */
SG_MUST_CHECK sg_status sg_explain_write_gates(const sg_explain_output *out, sg_error *err);

/* "Grad-CAM", "middle of the image", "Grad-CAM, untrained network"; the caller's buffer. */
const char *sg_explain_map_title(char *buffer, size_t size, int map);
enum { SG_EXPLAIN_MARKS = 160 }; /* bytes that hold all marks of a method */
/* What is said against a method, here or in the earlier study; "" for nothing. The caller's buffer.
 */
const char *sg_explain_marks(
        char *buffer, size_t size, const sg_explain_output *out, sg_explain_method method);
/* Whether rows of this map can be there. */
bool sg_explain_has_map(const sg_explain_output *out, int map);

#endif
