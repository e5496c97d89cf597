/* batch.h - a batch of images as columns of numbers, from a table or JSON of predictions or from
 * the images themselves: what `drift` compares. Inside cli only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_BATCH_H
#define SG_CLI_BATCH_H

#include "base/log.h"
#include "infer/predict.h"
#include <signal.h>

enum { SG_BATCH_COLUMNS = 96 };

typedef struct sg_batch {
    char *names[SG_BATCH_COLUMNS];    /* owned */
    double *values[SG_BATCH_COLUMNS]; /* [rows], NaN: none; owned */
    size_t columns, rows, capacity;
} sg_batch;

typedef struct sg_batch_source {
    const char *path;        /* folder or image, .json of `predict --json`, else a CSV */
    sg_predictor *predictor; /* asked about images; NULL: their traits only */
    const sg_log *log;
    const volatile sig_atomic_t *stop;
} sg_batch_source;

/* Columns that mean the same from every source: p_<class>, members_agree, quality, distance, and
 * the traits of image/quality.h. SG_ERR_FORMAT when a table has none of them. */
SG_MUST_CHECK sg_status sg_batch_read(sg_batch *out, const sg_batch_source *source, sg_error *err);
void sg_batch_dispose(sg_batch *batch);
int sg_batch_column(const sg_batch *batch, const char *name); /* or -1 */

#endif
