/* calibration_bootstrap.c - intervals of calibration.h's figures over groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/calibration.h"

#include "base/rng.h"
#include "stats/confidence_order.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEBIASED, LOG_LOSS, BRIER, FIRST_BIN, FIGURES = FIRST_BIN + SG_CALIBRATION_BINS };
enum { BIN_GROUPS_MIN = 5 };
/* Apart from the streams of redraws (bootstrap.c) and of the sign-flip test. */
static const uint32_t CONSISTENCY_STREAM = UINT32_MAX - 1;

typedef struct rows {
    sg_confidence_order order;
    double *log_loss, *brier; /* [n] per row */
    const sg_calibration *whole;
} rows;

/* Accuracy in the bins of the data. A draw that has nothing of a bin says nothing about it. */
static void measure_bins(double *values, const uint32_t *weights, const rows *r) {
    const sg_confident_row *row = r->order.rows;
    for (size_t b = 0; b < SG_CALIBRATION_BINS; b++) values[b] = NAN;
    for (size_t b = 0; b < r->whole->bins; b++) {
        uint64_t total = 0, hits = 0;
        for (size_t i = 0; i < r->whole->bin[b].count; i++, row++) {
            total += weights[row->row];
            hits += row->right ? weights[row->row] : 0;
        }
        values[b] = total ? (double)hits / (double)total : r->whole->bin[b].accuracy;
    }
}

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
    measure_bins(values + FIRST_BIN, weights, r);
}

/* Share of draws, outcomes by the stated confidences, whose plain error reaches that of the data.
 * Rows of a group share their luck: copies are right or wrong together. */
static sg_status test_consistency(double *p, const sg_confidence_order *order, double observed,
        const sg_bootstrap_sample *sample, const sg_bootstrap_options *options, sg_error *err) {
    size_t n = order->n, groups = 0, extreme = 0;
    sg_confidence_order drawn = {calloc(n, sizeof *drawn.rows), n};
    uint32_t *group_of = calloc(n, sizeof *group_of);
    double *luck = calloc(n, sizeof *luck), debiased;
    sg_status status = SG_OK;
    if (!drawn.rows || !group_of || !luck)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    if (status == SG_OK) status = sg_order_groups(group_of, &groups, sample->groups, n, err);
    if (status == SG_OK) {
        memcpy(drawn.rows, order->rows, n * sizeof *drawn.rows);
        for (size_t i = 0; i < options->draws; i++) {
            sg_rng rng =
                    sg_rng_make(options->seed, SG_RNG_BOOTSTRAP, (uint32_t)i, CONSISTENCY_STREAM);
            for (size_t g = 0; g < groups; g++) luck[g] = sg_rng_uniform(&rng);
            for (size_t r = 0; r < n; r++)
                drawn.rows[r].right = luck[group_of[drawn.rows[r].row]] < drawn.rows[r].confidence;
            extreme += sg_confidence_order_ece(&debiased, NULL, NULL, &drawn, NULL) >= observed;
        }
        *p = ((double)extreme + 1) / ((double)options->draws + 1);
    }
    free(drawn.rows);
    free(group_of);
    free(luck);
    return status;
}

/* groups[bins]: distinct groups in each bin; *largest: rows in the largest group of all. */
static sg_status count_bin_groups(size_t *groups, size_t *largest, const rows *r,
        const sg_bootstrap_sample *sample, sg_error *err) {
    size_t n = sample->n, all;
    uint32_t *dense = calloc(n, sizeof *dense), *size = calloc(n, sizeof *size);
    size_t *last = calloc(n, sizeof *last); /* bin + 1 that a group was last met in */
    sg_status status = dense && size && last
                               ? sg_order_groups(dense, &all, sample->groups, n, err)
                               : sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    const sg_confident_row *row = r->order.rows;
    for (size_t b = 0; b < r->whole->bins && status == SG_OK; b++) {
        groups[b] = 0;
        for (size_t i = 0; i < r->whole->bin[b].count; i++, row++) {
            uint32_t g = dense[row->row];
            groups[b] += last[g] != b + 1;
            last[g] = b + 1;
            if (++size[g] > *largest) *largest = size[g];
        }
    }
    free(dense);
    free(size);
    free(last);
    return status;
}

static sg_status settle_bins(sg_calibration_intervals *out, const sg_bootstrap_figure *drawn,
        const rows *r, const sg_bootstrap_sample *sample, double confidence, sg_error *err) {
    size_t groups[SG_CALIBRATION_BINS], largest = 0;
    sg_status status = count_bin_groups(groups, &largest, r, sample, err);
    out->wilson = largest <= 1;
    for (size_t b = 0; b < SG_CALIBRATION_BINS; b++) out->bin[b] = (sg_interval){NAN, NAN};
    for (size_t b = 0; b < r->whole->bins && status == SG_OK; b++) {
        double accuracy = r->whole->bin[b].accuracy;
        size_t pieces = groups[b];
        if (out->wilson || accuracy == 0 || accuracy == 1)
            out->bin[b] = sg_interval_wilson(
                    (size_t)llround(accuracy * (double)pieces), pieces, confidence);
        else if (pieces >= BIN_GROUPS_MIN && !drawn[b].degenerate)
            out->bin[b] = drawn[b].bca;
    }
    return status;
}

sg_status sg_calibration_bootstrap(sg_calibration_intervals *out, const sg_bootstrap_sample *sample,
        const double *probabilities, const sg_bootstrap_options *options, sg_error *err) {
    sg_calibration whole; /* checks every row once, before any draw */
    sg_bootstrap_figure figures[FIGURES];
    size_t n = sample->n, classes = sample->classes, redraws = 0;
    sg_status status =
            sg_calibration_measure(&whole, probabilities, sample->labels, n, classes, err);
    if (status != SG_OK) return status;
    rows r = {{NULL, 0}, calloc(2 * n, sizeof(double)), NULL, &whole};
    if (!r.log_loss) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    r.brier = r.log_loss + n;
    for (size_t i = 0; i < n; i++)
        sg_calibration_score_row(&r.log_loss[i], &r.brier[i], probabilities + i * classes,
                sample->labels[i], classes);
    status = sg_confidence_order_make(&r.order, probabilities, sample->labels, n, classes, err);
    if (status == SG_OK)
        status = sg_bootstrap_run(figures, &redraws, sample, measure, &r, FIGURES, options, err);
    double consistency = 1;
    if (status == SG_OK)
        status = test_consistency(&consistency, &r.order, whole.ece, sample, options, err);
    sg_calibration_intervals made = {.redraws = redraws, .consistency_p = consistency};
    if (status == SG_OK)
        status = settle_bins(&made, figures + FIRST_BIN, &r, sample, options->confidence, err);
    sg_confidence_order_dispose(&r.order);
    free(r.log_loss);
    if (status != SG_OK) return status;
    /* In a draw's world the truth is the plain error of the data, so the draws' debiased errors lie
     * about it as the data's own lies about what is sought. */
    double pivot = whole.ece + whole.ece_debiased;
    double low = fmax(0, pivot - figures[DEBIASED].percentile.high);
    bool refuted = consistency <= 0.5 * (1 - options->confidence);
    made.ece = (sg_interval){refuted ? low : 0, fmax(0, pivot - figures[DEBIASED].percentile.low)};
    made.log_loss = figures[LOG_LOSS].bca;
    made.brier = figures[BRIER].bca;
    *out = made;
    return SG_OK;
}
