/* risk_coverage.c - see risk_coverage.h. Within a run of m rows of equal confidence, e of them
 * wrong, the mean over orders of wrong rows among its first j is e j / m.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/risk_coverage.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status check_rows(const double *confidence, size_t n, sg_error *err) {
    if (n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no rows to measure");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(confidence[i]))
            return sg_fail(err, SG_ERR_INPUT, "row %zu has a confidence that is not finite", i);
    return SG_OK;
}

/* Sum of the risks at each of the run's rows, after `accepted` rows with `errors`. */
static double sum_risks(double accepted, double errors, uint64_t rows, double wrong) {
    double sum = 0;
    for (uint64_t j = 1; j <= rows; j++)
        sum += (errors + wrong * (double)j / (double)rows) / (accepted + (double)j);
    return sum;
}

sg_status sg_risk_coverage_measure(sg_risk_coverage *out, const double *confidence,
        const uint8_t *wrong, size_t n, sg_error *err) {
    sg_status status = check_rows(confidence, n, err);
    if (status != SG_OK) return status;
    uint32_t *order = NULL;
    sg_risk_coverage c = {.coverage = calloc(3 * n, sizeof(double))};
    if (!c.coverage) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu rows", n);
    status = sg_order_falling(&order, confidence, 1, n, err);
    if (status != SG_OK) {
        free(c.coverage);
        return status;
    }
    c.risk = c.coverage + n;
    c.least = c.risk + n;
    double errors = 0, rows = (double)n;
    for (size_t at = 0, end; at < n; at = end) {
        double run = 0;
        for (end = at; end < n && confidence[order[end]] == confidence[order[at]]; end++)
            run += wrong[order[end]] != 0;
        c.aurc += sum_risks((double)at, errors, end - at, run) / rows;
        errors += run;
        c.coverage[c.count] = (double)end / rows;
        c.risk[c.count] = errors / (double)end;
        c.least[c.count++] = confidence[order[at]];
    }
    c.aurc_best = sum_risks(rows - errors, 0, (uint64_t)errors, errors) / rows;
    free(order);
    *out = c;
    return SG_OK;
}

void sg_risk_coverage_dispose(sg_risk_coverage *curve) {
    if (!curve) return;
    free(curve->coverage);
    memset(curve, 0, sizeof *curve);
}

size_t sg_risk_coverage_at_risk(const sg_risk_coverage *curve, double risk) {
    for (size_t i = curve->count; i-- > 0;)
        if (curve->risk[i] <= risk + 1e-12) return i;
    return curve->count;
}

typedef struct rows {
    const double *confidence, *coverage;
    const uint8_t *wrong;
    size_t n, count;
    uint32_t *order;
} rows;

/* Risk of the first `wanted` rows, which end inside the run at hand. */
static double risk_within(double accepted, double errors, double run, double wrong, double wanted) {
    return (errors + wrong * (wanted - accepted) / run) / wanted;
}

static void measure(double *values, const uint32_t *weights, void *user) {
    const rows *r = user;
    uint64_t total = 0, accepted = 0, errors = 0;
    double area = 0;
    for (size_t i = 0; i < r->n; i++) total += weights[i];
    for (size_t c = 0; c < r->count; c++) values[1 + c] = NAN;
    for (size_t at = 0, end; at < r->n; at = end) {
        uint64_t run = 0, wrong = 0;
        double level = r->confidence[r->order[at]];
        for (end = at; end < r->n && r->confidence[r->order[end]] == level; end++) {
            run += weights[r->order[end]];
            wrong += r->wrong[r->order[end]] ? weights[r->order[end]] : 0;
        }
        if (!run) continue;
        double before = (double)accepted, lost = (double)errors;
        area += sum_risks(before, lost, run, (double)wrong);
        accepted += run;
        errors += wrong;
        for (size_t c = 0; c < r->count; c++) {
            double wanted = r->coverage[c] * (double)total;
            if (isnan(values[1 + c]) && (double)accepted >= wanted - 1e-9)
                values[1 + c] = risk_within(before, lost, (double)run, (double)wrong, wanted);
        }
    }
    values[0] = area / (double)total;
}

sg_status sg_risk_coverage_bootstrap(sg_bootstrap_figure *figures,
        const sg_bootstrap_sample *sample, const double *confidence, const uint8_t *wrong,
        const double *coverage, size_t count, const sg_bootstrap_options *options, sg_error *err) {
    rows r = {confidence, coverage, wrong, sample->n, count, NULL};
    sg_status status = check_rows(confidence, r.n, err);
    for (size_t c = 0; c < count && status == SG_OK; c++)
        if (!(coverage[c] > 0 && coverage[c] <= 1))
            status = sg_fail(
                    err, SG_ERR_INPUT, "a coverage of %g is not above 0, up to 1", coverage[c]);
    if (status == SG_OK) status = sg_order_falling(&r.order, confidence, 1, r.n, err);
    if (status == SG_OK)
        status = sg_bootstrap_run(figures, NULL, sample, measure, &r, 1 + count, options, err);
    free(r.order);
    return status;
}
