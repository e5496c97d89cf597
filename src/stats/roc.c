/* roc.c - see roc.h. Everything here is one walk over the rows sorted by falling score, stopping at
 * the end of each run of equal scores.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/roc.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows seen so far on the walk: all with a score >= threshold. */
typedef struct walk {
    const uint32_t *order;
    const double *scores;
    const uint8_t *positive;
    size_t n, at;
    size_t hits, alarms; /* positive and negative rows so far */
    double threshold;
} walk;

/* Moves past one run of equal scores; false at the end. */
static bool advance(walk *w) {
    if (w->at == w->n) return false;
    w->threshold = w->scores[w->order[w->at]];
    do {
        if (w->positive[w->order[w->at]])
            w->hits++;
        else
            w->alarms++;
        w->at++;
    } while (w->at < w->n && w->scores[w->order[w->at]] == w->threshold);
    return true;
}

static size_t count_positive(const uint8_t *positive, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += positive[i] != 0;
    return count;
}

static sg_status check_scores(const double *scores, size_t n, sg_error *err) {
    for (size_t i = 0; i < n; i++)
        if (isnan(scores[i]))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has a score that is not a number", i);
    return SG_OK;
}

void sg_curve_dispose(sg_curve *curve) {
    if (!curve) return;
    free(curve->x);
    memset(curve, 0, sizeof *curve);
}

/* x, y and threshold share one block, owned by x. */
static sg_status make_curve(sg_curve *curve, size_t capacity, sg_error *err) {
    *curve = (sg_curve){.x = calloc(capacity, 3 * sizeof(double))};
    if (!curve->x)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a curve of %zu points", capacity);
    curve->y = curve->x + capacity;
    curve->threshold = curve->y + capacity;
    return SG_OK;
}

static void add_point(sg_curve *curve, double x, double y, double threshold) {
    curve->x[curve->count] = x;
    curve->y[curve->count] = y;
    curve->threshold[curve->count] = threshold;
    curve->count++;
}

sg_status sg_roc_auc(
        double *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err) {
    sg_status status = check_scores(scores, n, err);
    if (status != SG_OK) return status;
    size_t hits = count_positive(positive, n);
    if (hits == 0 || hits == n) {
        *out = NAN;
        return SG_OK;
    }
    uint32_t *order = NULL;
    status = sg_order_falling(&order, scores, 1, n, err);
    if (status != SG_OK) return status;
    walk w = {.order = order, .scores = scores, .positive = positive, .n = n};
    double area = 0; /* in units of pairs */
    for (size_t before_hits = 0, before_alarms = 0; advance(&w);
            before_hits = w.hits, before_alarms = w.alarms)
        area += (double)(w.alarms - before_alarms) * 0.5 * (double)(w.hits + before_hits);
    free(order);
    *out = area / ((double)hits * (double)(n - hits));
    return SG_OK;
}

sg_status sg_roc_curve(
        sg_curve *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err) {
    sg_status status = check_scores(scores, n, err);
    if (status != SG_OK) return status;
    size_t hits = count_positive(positive, n);
    if (hits == 0 || hits == n)
        return sg_fail(err, SG_ERR_INPUT,
                "a ROC curve needs both sides, but %zu of %zu rows are positive", hits, n);
    uint32_t *order = NULL;
    sg_curve curve = {0};
    status = sg_order_falling(&order, scores, 1, n, err);
    if (status == SG_OK) status = make_curve(&curve, n + 1, err);
    if (status == SG_OK) {
        add_point(&curve, 0, 0, INFINITY);
        walk w = {.order = order, .scores = scores, .positive = positive, .n = n};
        while (advance(&w))
            add_point(&curve, (double)w.alarms / (double)(n - hits), (double)w.hits / (double)hits,
                    w.threshold);
        *out = curve;
    }
    free(order);
    return status;
}

sg_status sg_precision_recall_curve(
        sg_curve *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err) {
    sg_status status = check_scores(scores, n, err);
    if (status != SG_OK) return status;
    size_t hits = count_positive(positive, n);
    if (hits == 0)
        return sg_fail(err, SG_ERR_INPUT,
                "a precision-recall curve needs positive rows; none of %zu is", n);
    uint32_t *order = NULL;
    sg_curve curve = {0};
    status = sg_order_falling(&order, scores, 1, n, err);
    if (status == SG_OK) status = make_curve(&curve, n + 1, err);
    if (status == SG_OK) {
        add_point(&curve, 0, 1, INFINITY);
        walk w = {.order = order, .scores = scores, .positive = positive, .n = n};
        while (advance(&w))
            add_point(&curve, (double)w.hits / (double)hits,
                    (double)w.hits / (double)(w.hits + w.alarms), w.threshold);
        *out = curve;
    }
    free(order);
    return status;
}

sg_status sg_average_precision(
        double *out, const double *scores, const uint8_t *positive, size_t n, sg_error *err) {
    sg_status status = check_scores(scores, n, err);
    if (status != SG_OK) return status;
    size_t hits = count_positive(positive, n);
    if (hits == 0) {
        *out = NAN;
        return SG_OK;
    }
    uint32_t *order = NULL;
    status = sg_order_falling(&order, scores, 1, n, err);
    if (status != SG_OK) return status;
    walk w = {.order = order, .scores = scores, .positive = positive, .n = n};
    double sum = 0;
    for (size_t before = 0; advance(&w); before = w.hits)
        sum += (double)(w.hits - before) * (double)w.hits / (double)(w.hits + w.alarms);
    free(order);
    *out = sum / (double)hits;
    return SG_OK;
}

static sg_status measure_column(double *area, const double *probabilities, const uint32_t *labels,
        size_t n, size_t classes, size_t k, double *scores, uint8_t *positive, sg_error *err) {
    for (size_t i = 0; i < n; i++) {
        scores[i] = probabilities[i * classes + k];
        positive[i] = labels[i] == k;
    }
    return sg_roc_auc(area, scores, positive, n, err);
}

sg_status sg_roc_one_vs_rest(double *macro, double *per_class, const double *probabilities,
        const uint32_t *labels, size_t n, size_t classes, sg_error *err) {
    double *scores = calloc(n ? n : 1, sizeof *scores);
    uint8_t *positive = calloc(n ? n : 1, 1);
    double *areas = calloc(classes ? classes : 1, sizeof *areas);
    sg_status status = SG_OK;
    if (!scores || !positive || !areas) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu scores", n);
        goto done;
    }
    double sum = 0;
    size_t present = 0;
    for (size_t k = 0; k < classes; k++) {
        status = measure_column(
                &areas[k], probabilities, labels, n, classes, k, scores, positive, err);
        if (status != SG_OK) goto done;
        if (isnan(areas[k])) continue;
        sum += areas[k];
        present++;
    }
    if (per_class) memcpy(per_class, areas, classes * sizeof *areas);
    *macro = present ? sum / (double)present : NAN;
done:
    free(scores);
    free(positive);
    free(areas);
    return status;
}
