/* area_jackknife.c - covariances of areas over groups (delong.h). Rows are sorted once per score;
 * an area without a group is one walk down them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/delong.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

static const uint32_t NO_GROUP = UINT32_MAX;

/* Area of the rows outside group `left`; NaN when a side is empty. */
static double area_without(const double *scores, const uint32_t *order, const uint8_t *positive,
        const uint32_t *group_of, uint32_t left, size_t n) {
    double hits = 0, alarms = 0, pairs = 0;
    for (size_t at = 0, end; at < n; at = end) {
        double run_hits = 0, run_alarms = 0;
        for (end = at; end < n && scores[order[end]] == scores[order[at]]; end++) {
            if (group_of[order[end]] == left) continue;
            if (positive[order[end]])
                run_hits++;
            else
                run_alarms++;
        }
        pairs += run_alarms * (hits + 0.5 * run_hits);
        hits += run_hits;
        alarms += run_alarms;
    }
    return hits > 0 && alarms > 0 ? pairs / (hits * alarms) : NAN;
}

/* *area, and without[groups]. */
static sg_status leave_out(double *area, double *without, const double *scores,
        const uint8_t *positive, const uint32_t *group_of, size_t groups, size_t n, sg_error *err) {
    uint32_t *order = NULL;
    sg_status status = sg_order_falling(&order, scores, 1, n, err);
    if (status != SG_OK) return status;
    *area = area_without(scores, order, positive, group_of, NO_GROUP, n);
    for (uint32_t g = 0; g < groups && status == SG_OK; g++) {
        without[g] = area_without(scores, order, positive, group_of, g, n);
        if (isnan(without[g]))
            status = sg_fail(err, SG_ERR_INPUT,
                    "an area over groups needs two groups on each side, but one side lives in a "
                    "single group");
    }
    free(order);
    return status;
}

sg_status sg_area_jackknife(double *areas, double *covariance, const double *scores, size_t count,
        const uint8_t *positive, const uint32_t *groups, size_t n, sg_error *err) {
    uint32_t *group_of = calloc(n + 1, sizeof *group_of);
    double *without = calloc(count * n + 1, sizeof *without);
    size_t total = 0;
    sg_status status = SG_OK;
    if (!group_of || !without)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory to rank %zu rows", n);
    for (size_t i = 0; i < count * n && status == SG_OK; i++)
        if (isnan(scores[i]))
            status = sg_fail(err, SG_ERR_INPUT, "row %zu has a score that is not a number", i % n);
    if (status == SG_OK) status = sg_order_groups(group_of, &total, groups, n, err);
    if (status == SG_OK && total == 0)
        status = sg_fail(err, SG_ERR_INPUT, "there are no rows to rank");
    double size = (double)total;
    for (size_t s = 0; s < count && status == SG_OK; s++) {
        double *own = without + s * total, mean = 0;
        status = leave_out(&areas[s], own, scores + s * n, positive, group_of, total, n, err);
        /* From the whole area first: where no group matters, exactly nothing is left. */
        for (size_t g = 0; g < total; g++) mean += (own[g] -= areas[s]) / size;
        for (size_t g = 0; g < total; g++) own[g] -= mean;
    }
    for (size_t s = 0; s < count && status == SG_OK; s++)
        for (size_t t = 0; t < count; t++) {
            double sum = 0;
            for (size_t g = 0; g < total; g++)
                sum += without[s * total + g] * without[t * total + g];
            covariance[s * count + t] = (size - 1) / size * sum;
        }
    free(group_of);
    free(without);
    return status;
}
