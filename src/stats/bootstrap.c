/* bootstrap.c - see bootstrap.h: drawing groups, running the statistic, and intervals from what it
 * gave.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/bootstrap.h"

#include "base/rng.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REDRAWS_PER_DRAW_MAX = 100 };

/* Groups as lists of rows, classes as lists of groups (both in compressed rows). */
typedef struct plan {
    size_t n, classes, groups;
    const uint32_t *labels;
    uint32_t *group_of;      /* [n] */
    uint32_t *row_start;     /* [groups + 1] into rows */
    uint32_t *rows;          /* [n] */
    uint32_t *stratum;       /* [groups] class of the group's first row */
    uint32_t *stratum_start; /* [classes + 1] into members */
    uint32_t *members;       /* [groups] */
    uint32_t *weights;       /* [n] of the draw at hand */
    uint32_t *drawn;         /* [classes] rows of the draw by class */
    bool *in_data;           /* [classes] */
} plan;

static void dispose_plan(plan *p) {
    free(p->group_of);
    free(p->row_start);
    free(p->rows);
    free(p->stratum);
    free(p->stratum_start);
    free(p->members);
    free(p->weights);
    free(p->drawn);
    free(p->in_data);
}

/* Lists items 0..n by key: start[keys + 1] and list[n], items of a key in rising order. */
static void list_by_key(
        uint32_t *start, uint32_t *list, const uint32_t *key, size_t n, size_t keys) {
    for (size_t i = 0; i < n; i++) start[key[i] + 1]++;
    for (size_t k = 0; k < keys; k++) start[k + 1] += start[k];
    for (size_t i = 0; i < n; i++) list[start[key[i]]++] = (uint32_t)i;
    memmove(start + 1, start, keys * sizeof *start);
    start[0] = 0;
}

static sg_status make_plan(plan *p, const sg_bootstrap_sample *sample, sg_error *err) {
    size_t n = sample->n, classes = sample->classes;
    if (n == 0 || classes == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to draw from");
    for (size_t i = 0; i < n; i++)
        if (sample->labels[i] >= classes)
            return sg_fail(err, SG_ERR_INPUT, "row %zu has class %u of %zu", i,
                    (unsigned)sample->labels[i], classes);
    *p = (plan){.n = n, .classes = classes, .labels = sample->labels};
    p->group_of = calloc(n, sizeof(uint32_t));
    p->row_start = calloc(n + 1, sizeof(uint32_t));
    p->rows = calloc(n, sizeof(uint32_t));
    p->stratum = calloc(n, sizeof(uint32_t));
    p->stratum_start = calloc(classes + 1, sizeof(uint32_t));
    p->members = calloc(n, sizeof(uint32_t));
    p->weights = calloc(n, sizeof(uint32_t));
    p->drawn = calloc(classes, sizeof(uint32_t));
    p->in_data = calloc(classes, sizeof(bool));
    if (!p->group_of || !p->row_start || !p->rows || !p->stratum || !p->stratum_start ||
            !p->members || !p->weights || !p->drawn || !p->in_data)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a bootstrap over %zu rows", n);
    sg_status status = sg_order_groups(p->group_of, &p->groups, sample->groups, n, err);
    if (status != SG_OK) return status;
    list_by_key(p->row_start, p->rows, p->group_of, n, p->groups);
    for (size_t g = 0; g < p->groups; g++) p->stratum[g] = sample->labels[p->rows[p->row_start[g]]];
    list_by_key(p->stratum_start, p->members, p->stratum, p->groups, classes);
    for (size_t i = 0; i < n; i++) p->in_data[sample->labels[i]] = true;
    return SG_OK;
}

/* Fills p->weights; false when a class of the data is not in the draw. */
static bool draw_groups(plan *p, sg_rng *rng) {
    memset(p->weights, 0, p->n * sizeof *p->weights);
    memset(p->drawn, 0, p->classes * sizeof *p->drawn);
    for (size_t k = 0; k < p->classes; k++) {
        const uint32_t *members = p->members + p->stratum_start[k];
        uint32_t size = p->stratum_start[k + 1] - p->stratum_start[k];
        for (uint32_t j = 0; j < size; j++) {
            uint32_t g = members[sg_rng_below(rng, size)];
            for (uint32_t r = p->row_start[g]; r < p->row_start[g + 1]; r++) {
                p->weights[p->rows[r]]++;
                p->drawn[p->labels[p->rows[r]]]++;
            }
        }
    }
    for (size_t k = 0; k < p->classes; k++)
        if (p->in_data[k] && !p->drawn[k]) return false;
    return true;
}

static bool all_exist(const double *values, const double *estimates, size_t count) {
    for (size_t s = 0; s < count; s++)
        if (isnan(values[s]) && !isnan(estimates[s])) return false;
    return true;
}

/* draws_of[s * draws + i]: statistic s in draw i. */
static sg_status run_draws(double *draws_of, size_t *redraws, plan *p, const double *estimates,
        sg_bootstrap_statistic statistic, void *user, size_t count,
        const sg_bootstrap_options *options, double *values, sg_error *err) {
    size_t thrown = 0;
    for (size_t i = 0; i < options->draws; i++) {
        for (uint32_t attempt = 0;; attempt++) {
            if (attempt > REDRAWS_PER_DRAW_MAX)
                return sg_fail(err, SG_ERR_INPUT,
                        "the bootstrap found no draw with all classes in %d tries; a class lives "
                        "in "
                        "too few groups for an interval",
                        REDRAWS_PER_DRAW_MAX);
            sg_rng rng = sg_rng_make(options->seed, SG_RNG_BOOTSTRAP, (uint32_t)i, attempt);
            if (draw_groups(p, &rng)) {
                statistic(values, p->weights, user);
                if (all_exist(values, estimates, count)) break;
            }
            thrown++;
        }
        for (size_t s = 0; s < count; s++) draws_of[s * options->draws + i] = values[s];
    }
    *redraws = thrown;
    return SG_OK;
}

/* left_out[s * groups + g]: statistic s without group g; NaN where its class has no other group. */
static void run_jackknife(double *left_out, plan *p, sg_bootstrap_statistic statistic, void *user,
        size_t count, double *values) {
    for (size_t i = 0; i < p->n; i++) p->weights[i] = 1;
    for (size_t g = 0; g < p->groups; g++) {
        uint32_t k = p->stratum[g];
        bool alone = p->stratum_start[k + 1] - p->stratum_start[k] == 1;
        for (uint32_t r = p->row_start[g]; r < p->row_start[g + 1]; r++) p->weights[p->rows[r]] = 0;
        if (!alone) statistic(values, p->weights, user);
        for (size_t s = 0; s < count; s++) left_out[s * p->groups + g] = alone ? NAN : values[s];
        for (uint32_t r = p->row_start[g]; r < p->row_start[g + 1]; r++) p->weights[p->rows[r]] = 1;
    }
}

sg_status sg_bootstrap_acceleration(double *out, const double *jackknife, const uint32_t *stratum,
        size_t m, size_t strata, sg_error *err) {
    double *sum = calloc(strata ? 2 * strata : 1, sizeof *sum);
    if (!sum) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu strata", strata);
    double *size = sum + strata;
    for (size_t i = 0; i < m; i++)
        if (!isnan(jackknife[i])) {
            sum[stratum[i]] += jackknife[i];
            size[stratum[i]]++;
        }
    double cubes = 0, squares = 0;
    for (size_t i = 0; i < m; i++) {
        double members = size[stratum[i]];
        if (isnan(jackknife[i]) || members < 2) continue;
        double u = (members - 1) / members * (sum[stratum[i]] / members - jackknife[i]);
        squares += u * u;
        cubes += u * u * u;
    }
    free(sum);
    *out = squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
    return SG_OK;
}

sg_interval sg_bootstrap_bca(const double *sorted, size_t draws, double estimate,
        double acceleration, double confidence) {
    size_t below = 0, equal = 0;
    for (size_t i = 0; i < draws; i++) {
        below += sorted[i] < estimate;
        equal += sorted[i] == estimate;
    }
    double bias = sg_normal_quantile(((double)below + 0.5 * (double)equal) / (double)draws);
    double level[2] = {0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence};
    double bound[2];
    for (int side = 0; side < 2; side++) {
        double shifted = bias + sg_normal_quantile(level[side]);
        double scale = 1 - acceleration * shifted;
        if (isfinite(bias) && scale > 0) level[side] = sg_normal_cdf(bias + shifted / scale);
        bound[side] = sg_quantile_sorted(sorted, draws, level[side]);
    }
    return (sg_interval){bound[0], bound[1]};
}

/* Intervals of one statistic; sorts `draws` in place. */
static sg_status summarize(sg_bootstrap_figure *figure, double *draws, size_t count,
        double estimate, const double *jackknife, const plan *p, double confidence, sg_error *err) {
    *figure = (sg_bootstrap_figure){estimate, NAN, {NAN, NAN}, {NAN, NAN}, false};
    if (isnan(estimate)) return SG_OK;
    double mean = 0, squares = 0, acceleration = 0;
    for (size_t i = 0; i < count; i++) mean += draws[i] / (double)count;
    for (size_t i = 0; i < count; i++) squares += (draws[i] - mean) * (draws[i] - mean);
    sg_status status = sg_bootstrap_acceleration(
            &acceleration, jackknife, p->stratum, p->groups, p->classes, err);
    if (status != SG_OK) return status;
    sg_order_sort(draws, count);
    figure->standard_error = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
    figure->percentile.low = sg_quantile_sorted(draws, count, 0.5 - 0.5 * confidence);
    figure->percentile.high = sg_quantile_sorted(draws, count, 0.5 + 0.5 * confidence);
    figure->bca = sg_bootstrap_bca(draws, count, estimate, acceleration, confidence);
    double slack = 1e-12 * fmax(1, fabs(estimate)); /* draws may sum in another order */
    figure->degenerate =
            fabs(draws[0] - estimate) <= slack && fabs(draws[count - 1] - estimate) <= slack;
    return SG_OK;
}

sg_status sg_bootstrap_run(sg_bootstrap_figure *figures, size_t *redraws,
        const sg_bootstrap_sample *sample, sg_bootstrap_statistic statistic, void *user,
        size_t count, const sg_bootstrap_options *options, sg_error *err) {
    if (options->draws == 0 || options->draws > UINT32_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu bootstrap draws make no interval", options->draws);
    if (!(options->confidence > 0 && options->confidence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a confidence of %g is not between 0 and 1",
                options->confidence);
    plan p = {0};
    double *draws_of = NULL, *left_out = NULL, *values = NULL, *estimates = NULL;
    size_t thrown = 0;
    sg_status status = make_plan(&p, sample, err);
    if (status != SG_OK) goto done;
    draws_of = calloc(count * options->draws + 1, sizeof *draws_of);
    left_out = calloc(count * p.groups + 1, sizeof *left_out);
    values = calloc(count + 1, sizeof *values);
    estimates = calloc(count + 1, sizeof *estimates);
    if (!draws_of || !left_out || !values || !estimates) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu draws of %zu figures",
                options->draws, count);
        goto done;
    }
    for (size_t i = 0; i < p.n; i++) p.weights[i] = 1;
    statistic(estimates, p.weights, user);
    run_jackknife(left_out, &p, statistic, user, count, values);
    status = run_draws(
            draws_of, &thrown, &p, estimates, statistic, user, count, options, values, err);
    for (size_t s = 0; s < count && status == SG_OK; s++)
        status = summarize(&figures[s], draws_of + s * options->draws, options->draws, estimates[s],
                left_out + s * p.groups, &p, options->confidence, err);
    if (status == SG_OK && redraws) *redraws = thrown;
done:
    dispose_plan(&p);
    free(draws_of);
    free(left_out);
    free(values);
    free(estimates);
    return status;
}
