/* stop.c - see stop.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/stop.h"

#include <math.h>
#include <stdlib.h>

/* Smaller is better from here on. */
static double cost(double value, bool maximise) {
    if (isnan(value)) return INFINITY;
    return maximise ? -value : value;
}

/* Its cost at `step`; NaN when it has none there. */
static double cost_at(const sg_step_values *v, int step, bool maximise) {
    for (size_t i = 0; i < v->count; i++)
        if (v->steps[i] == step) return cost(v->values[i], maximise);
    return NAN;
}

static double best_cost(const sg_step_values *v, bool maximise) {
    double best = INFINITY;
    for (size_t i = 0; i < v->count; i++) best = fmin(best, cost(v->values[i], maximise));
    return best;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static bool below_median(const sg_stop_options *o, double mine, double *costs, size_t n) {
    if (n < o->enough || n == 0) return false;
    qsort(costs, n, sizeof *costs, by_value);
    double median = n % 2 ? costs[n / 2] : 0.5 * (costs[n / 2 - 1] + costs[n / 2]);
    return mine > median;
}

static bool outside_best_third(double mine, const double *costs, size_t n) {
    size_t better = 0, keep = (n + 1) / 3;
    for (size_t i = 0; i < n; i++) better += costs[i] < mine;
    return better >= (keep ? keep : 1);
}

static bool is_rung(int step, int first) {
    for (long rung = first; rung <= step; rung *= 3)
        if (rung == step) return true;
    return false;
}

bool sg_stop_now(const sg_stop_options *o, const sg_step_values *mine, const sg_step_values *others,
        size_t count) {
    if (o->rule == SG_STOP_NONE || mine->count == 0 || count == 0) return false;
    int step = mine->steps[mine->count - 1];
    if (step < o->first) return false;
    if (o->rule == SG_STOP_ASHA && !is_rung(step, o->first > 0 ? o->first : 1)) return false;
    double *costs = malloc(count * sizeof *costs);
    if (!costs) return false; /* going on costs time, never a result */
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        double c = cost_at(&others[i], step, o->maximise);
        if (!isnan(c)) costs[n++] = c;
    }
    bool stop = o->rule == SG_STOP_MEDIAN
                        ? below_median(o, best_cost(mine, o->maximise), costs, n)
                        : outside_best_third(
                                  cost(mine->values[mine->count - 1], o->maximise), costs, n);
    free(costs);
    return stop;
}
