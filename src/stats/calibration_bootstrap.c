/* calibration_bootstrap.c - intervals of calibration.h's figures over groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include "stats/confidence_order.h"

#include <math.h>
#include <stdlib.h>

enum { DEBIASED, LOG_LOSS, BRIER, FIGURES };

typedef struct rows {
    sg_confidence_order order;
    double *log_loss, *brier; /* [n] per row */
} rows;

static void measure(double *values, const uint32_t *weights, void *user) {
    const rows *r = user;
    double total = 0, log_loss = 0, brier = 0;
    for (size_t i = 0; i < r->order.n; i++) {
        total += weights[i];
        log_loss += weights[i] * r->log_loss[i];
        brier += weights[i] * r->brier[i];
    }
    sg_confidence_order_ece(&values[DEBIASED], NULL, NULL, &r->order, weights);
    values[LOG_LOSS] = log_loss / total;
    values[BRIER] = brier / total;
}

sg_status sg_calibration_bootstrap(sg_calibration_intervals *out, const sg_bootstrap_sample *sample,
        const double *probabilities, const sg_bootstrap_options *options, sg_error *err) {
    sg_calibration whole; /* checks every row once, before any draw */
    sg_bootstrap_figure figures[FIGURES];
    size_t n = sample->n, classes = sample->classes, redraws = 0;
    sg_status status =
            sg_calibration_measure(&whole, probabilities, sample->labels, n, classes, err);
    if (status != SG_OK) return status;
    rows r = {{NULL, 0}, calloc(2 * n, sizeof(double)), NULL};
    if (!r.log_loss) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    r.brier = r.log_loss + n;
    for (size_t i = 0; i < n; i++)
        sg_calibration_score_row(&r.log_loss[i], &r.brier[i], probabilities + i * classes,
                sample->labels[i], classes);
    status = sg_confidence_order_make(&r.order, probabilities, sample->labels, n, classes, err);
    if (status == SG_OK)
        status = sg_bootstrap_run(figures, &redraws, sample, measure, &r, FIGURES, options, err);
    sg_confidence_order_dispose(&r.order);
    free(r.log_loss);
    if (status != SG_OK) return status;
    /* In a draw's world the truth is the plain error of the data, so the draws' debiased errors lie
     * about it as the data's own lies about what is sought. */
    double pivot = whole.ece + whole.ece_debiased;
    *out = (sg_calibration_intervals){.ece = {fmax(0, pivot - figures[DEBIASED].percentile.high),
                                              fmax(0, pivot - figures[DEBIASED].percentile.low)},
            .log_loss = figures[LOG_LOSS].bca,
            .brier = figures[BRIER].bca,
            .redraws = redraws};
    return SG_OK;
}
