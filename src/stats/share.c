/* share.c - see share.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/share.h"

#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

typedef struct rows {
    const uint8_t *among, *hit;
    size_t n;
} rows;

static void measure(double *values, const uint32_t *weights, void *user) {
    const rows *r = user;
    uint64_t hits = 0, total = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->among && !r->among[i]) continue;
        total += weights[i];
        hits += r->hit[i] ? weights[i] : 0;
    }
    values[0] = total ? (double)hits / (double)total : NAN;
}

/* Groups and the largest one, among the rows that count. */
static sg_status count_groups(
        size_t *groups, uint32_t *largest, const uint32_t *group_of, const rows *r, sg_error *err) {
    uint32_t *size = calloc(2 * r->n + 1, sizeof *size);
    if (!size) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu groups", r->n);
    uint32_t *dense = size + r->n;
    size_t all = 0;
    sg_status status = sg_order_groups(dense, &all, group_of, r->n, err);
    *groups = *largest = 0;
    for (size_t i = 0; i < r->n && status == SG_OK; i++) {
        if (r->among && !r->among[i]) continue;
        uint32_t now = ++size[dense[i]];
        *groups += now == 1;
        if (now > *largest) *largest = now;
    }
    free(size);
    return status;
}

sg_status sg_share_measure(sg_share *out, const sg_bootstrap_sample *sample, const uint8_t *among,
        const uint8_t *hit, const sg_bootstrap_options *options, sg_error *err) {
    rows r = {among, hit, sample->n};
    sg_share made = {.value = NAN, .interval = {NAN, NAN}};
    uint32_t largest = 0;
    sg_status status = count_groups(&made.groups, &largest, sample->groups, &r, err);
    if (status != SG_OK) return status;
    for (size_t i = 0; i < r.n; i++) {
        if (among && !among[i]) continue;
        made.n++;
        made.hits += hit[i] != 0;
    }
    if (made.n) made.value = (double)made.hits / (double)made.n;
    bool agreed = made.hits == 0 || made.hits == made.n;
    made.wilson = largest <= 1 || agreed;
    if (made.wilson && made.n) {
        made.interval = sg_interval_wilson(made.hits ? (agreed ? made.groups : made.hits) : 0,
                made.groups, options->confidence);
    } else if (made.n) {
        sg_bootstrap_figure figure;
        status = sg_bootstrap_run(&figure, NULL, sample, measure, &r, 1, options, err);
        if (status != SG_OK) return status;
        if (!figure.degenerate) made.interval = figure.bca;
    }
    *out = made;
    return SG_OK;
}
