/* repeated.c - see repeated.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/repeated.h"

#include "stats/delong.h"
#include "stats/distribution.h"
#include "stats/order.h"
#include "stats/roc.h"

#include <math.h>
#include <stdlib.h>

static sg_status check_confidence(double confidence, sg_error *err) {
    if (confidence > 0 && confidence < 1) return SG_OK;
    return sg_fail(err, SG_ERR_INPUT, "a confidence of %g is not between 0 and 1", confidence);
}

sg_status sg_resampled_t_test(sg_resampled_t *out, const double *difference, size_t runs,
        double train, double test, double confidence, sg_error *err) {
    sg_status status = check_confidence(confidence, err);
    if (status != SG_OK) return status;
    if (runs < 2) return sg_fail(err, SG_ERR_INPUT, "a t-test needs at least two runs");
    if (!(train > 0 && test > 0))
        return sg_fail(err, SG_ERR_INPUT, "%g training and %g test rows make no run", train, test);
    double mean = 0, squares = 0, count = (double)runs;
    for (size_t i = 0; i < runs; i++) {
        if (!isfinite(difference[i]))
            return sg_fail(err, SG_ERR_INPUT, "run %zu has a difference that is not finite", i);
        mean += difference[i] / count;
    }
    for (size_t i = 0; i < runs; i++) squares += (difference[i] - mean) * (difference[i] - mean);
    double error = sqrt((1 / count + test / train) * squares / (count - 1)), df = count - 1;
    double half = sg_student_quantile(0.5 + 0.5 * confidence, df) * error;
    double t = error > 0 ? mean / error : mean == 0 ? 0 : NAN;
    *out = (sg_resampled_t){
            mean, error, t, df, sg_student_two_sided(t, df), {mean - half, mean + half}};
    return SG_OK;
}

sg_status sg_holm_adjust(double *adjusted, const double *p, size_t count, sg_error *err) {
    double *known = calloc(count + 1, sizeof *known);
    uint32_t *place = calloc(count + 1, sizeof *place), *falling = NULL;
    size_t tests = 0;
    sg_status status = SG_OK;
    if (!known || !place)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu tests", count);
    for (size_t i = 0; i < count && status == SG_OK; i++) {
        if (isnan(p[i])) continue;
        if (!(p[i] >= 0 && p[i] <= 1))
            status = sg_fail(err, SG_ERR_INPUT, "test %zu has a p of %g", i, p[i]);
        known[tests] = p[i];
        place[tests++] = (uint32_t)i;
    }
    if (status == SG_OK) status = sg_order_falling(&falling, known, 1, tests, err);
    if (status == SG_OK) {
        double reached = 0;
        for (size_t i = 0; i < count; i++) adjusted[i] = p[i];
        for (size_t step = 0; step < tests; step++) { /* from the smallest p */
            uint32_t test = falling[tests - 1 - step];
            reached = fmax(reached, fmin(1, (double)(tests - step) * known[test]));
            adjusted[place[test]] = reached;
        }
    }
    free(known);
    free(place);
    free(falling);
    return status;
}

/* Adds one fold's area to the mean, where the fold has one with a variance. */
static sg_status add_fold(sg_fold_auc *made, double *scores, uint8_t *positive, size_t n,
        double confidence, sg_error *err) {
    size_t positives = 0;
    for (size_t i = 0; i < n; i++) positives += positive[i] != 0;
    if (positives < 2 || n - positives < 2) return SG_OK;
    sg_delong d;
    sg_status status = sg_delong_measure(&d, scores, positive, n, confidence, err);
    if (status != SG_OK) return status;
    made->mean += d.auc;
    made->variance += d.variance;
    made->folds++;
    return SG_OK;
}

static sg_status add_folds(sg_fold_auc *made, const double *scores, const uint8_t *positive,
        const uint32_t *fold_of, size_t folds, size_t n, double confidence, sg_error *err) {
    double *own = calloc(n + 1, sizeof *own);
    uint8_t *side = calloc(n + 1, 1);
    sg_status status = SG_OK;
    if (!own || !side) status = sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    for (size_t f = 0; f < folds && status == SG_OK; f++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            if (fold_of[i] != f) continue;
            own[count] = scores[i];
            side[count++] = positive[i];
        }
        status = add_fold(made, own, side, count, confidence, err);
    }
    free(own);
    free(side);
    return status;
}

sg_status sg_fold_auc_measure(sg_fold_auc *out, const double *scores, const uint8_t *positive,
        const uint32_t *folds, size_t n, double confidence, sg_error *err) {
    sg_fold_auc made = {0};
    size_t count = 0;
    sg_status status = sg_roc_auc(&made.mixing_models, scores, positive, n, err);
    if (status == SG_OK) status = check_confidence(confidence, err);
    if (status != SG_OK) return status;
    uint32_t *fold_of = calloc(n + 1, sizeof *fold_of);
    if (!fold_of) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    status = sg_order_groups(fold_of, &count, folds, n, err);
    if (status == SG_OK)
        status = add_folds(&made, scores, positive, fold_of, count, n, confidence, err);
    free(fold_of);
    if (status != SG_OK) return status;
    if (!made.folds)
        return sg_fail(err, SG_ERR_INPUT, "no fold has two rows on each side for an area");
    double size = (double)made.folds;
    made.mean /= size;
    made.variance /= size * size;
    double half = sg_normal_quantile(0.5 + 0.5 * confidence) * sqrt(made.variance);
    made.interval = (sg_interval){fmax(0, made.mean - half), fmin(1, made.mean + half)};
    *out = made;
    return SG_OK;
}
