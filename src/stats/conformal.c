/* conformal.c - see conformal.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/conformal.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status check_rows(const double *probabilities, const uint32_t *labels, size_t n,
        size_t classes, double alpha, sg_error *err) {
    if (n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to calibrate sets on");
    if (classes == 0 || classes > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu classes: sets are offered for 1 to %d", classes,
                SG_STATS_CLASSES_MAX);
    if (!(alpha > 0 && alpha < 1))
        return sg_fail(err, SG_ERR_INPUT, "a miss rate of %g is not between 0 and 1", alpha);
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= classes)
            return sg_fail(err, SG_ERR_INPUT, "row %zu has class %u of %zu", i, (unsigned)labels[i],
                    classes);
        for (size_t k = 0; k < classes; k++)
            if (!(probabilities[i * classes + k] >= 0 && probabilities[i * classes + k] <= 1))
                return sg_fail(err, SG_ERR_INPUT, "row %zu has a probability of %g", i,
                        probabilities[i * classes + k]);
    }
    return SG_OK;
}

/* The score that all but a share alpha of future rows stay below or at. */
static double quantile_of(double *scores, size_t n, double alpha) {
    double rank = ceil((double)(n + 1) * (1 - alpha) - 1e-9);
    if (rank > (double)n) return INFINITY;
    sg_order_sort(scores, n);
    return scores[rank < 1 ? 0 : (size_t)rank - 1];
}

sg_status sg_conformal_fit(sg_conformal *out, const double *probabilities, const uint32_t *labels,
        size_t n, size_t classes, double alpha, bool by_class, sg_error *err) {
    sg_status status = check_rows(probabilities, labels, n, classes, alpha, err);
    if (status != SG_OK) return status;
    double *scores = calloc(n, sizeof *scores);
    if (!scores) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu scores", n);
    sg_conformal made = {.classes = classes, .alpha = alpha, .by_class = by_class};
    for (size_t k = 0; k < classes; k++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            if (!by_class || labels[i] == k)
                scores[count++] = 1 - probabilities[i * classes + labels[i]];
        made.calibrated[k] = count;
        made.quantile[k] = quantile_of(scores, count, alpha);
    }
    free(scores);
    *out = made;
    return SG_OK;
}

void sg_conformal_sets(
        const sg_conformal *model, uint8_t *member, const double *probabilities, size_t n) {
    for (size_t i = 0; i < n * model->classes; i++)
        member[i] = 1 - probabilities[i] <= model->quantile[i % model->classes];
}

/* What the sets of all rows are, as marks for sg_share_measure. */
typedef struct marks {
    uint8_t *covered, *of_class, *single; /* [n] */
} marks;

static void describe_sets(sg_conformal_figures *f, marks *m, const sg_bootstrap_sample *sample,
        const uint8_t *member) {
    size_t singles = 0, right = 0;
    for (size_t i = 0; i < sample->n; i++) {
        const uint8_t *set = member + i * sample->classes;
        size_t size = 0;
        for (size_t k = 0; k < sample->classes; k++) size += set[k] != 0;
        m->covered[i] = set[sample->labels[i]] != 0;
        m->single[i] = size == 1;
        f->sizes[size]++;
        f->mean_size += (double)size / (double)sample->n;
        singles += size == 1;
        right += size == 1 && m->covered[i];
    }
    f->single_right = singles ? (double)right / (double)singles : NAN;
}

sg_status sg_conformal_measure(sg_conformal_figures *out, const sg_bootstrap_sample *sample,
        const uint8_t *member, const sg_bootstrap_options *options, sg_error *err) {
    size_t n = sample->n;
    if (n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to measure");
    for (size_t i = 0; i < n; i++)
        if (sample->labels[i] >= sample->classes || sample->classes > SG_STATS_CLASSES_MAX)
            return sg_fail(err, SG_ERR_INPUT, "row %zu has class %u of %zu", i,
                    (unsigned)sample->labels[i], sample->classes);
    sg_conformal_figures f = {.mean_size = 0};
    marks m = {calloc(3 * n, 1), NULL, NULL};
    if (!m.covered) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu sets", n);
    m.of_class = m.covered + n;
    m.single = m.of_class + n;
    describe_sets(&f, &m, sample, member);
    sg_status status = sg_share_measure(&f.coverage, sample, NULL, m.covered, options, err);
    if (status == SG_OK) status = sg_share_measure(&f.single, sample, NULL, m.single, options, err);
    for (size_t k = 0; k < sample->classes && status == SG_OK; k++) {
        for (size_t i = 0; i < n; i++) m.of_class[i] = sample->labels[i] == k;
        status = sg_share_measure(&f.by_class[k], sample, m.of_class, m.covered, options, err);
    }
    free(m.covered);
    if (status == SG_OK) *out = f;
    return status;
}
