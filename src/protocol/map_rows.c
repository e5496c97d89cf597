/* map_rows.c - see map_rows.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/map_rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *sg_map_measure_name(sg_map_measure measure) {
    static const char *const names[SG_MAP_MEASURES] = {"pointing", "energy_inside", "iou_best",
            "iou_fixed", "auprc", "peak_distance", "deletion", "insertion", "on_marks", "hot"};
    return names[measure];
}

static bool belongs(const sg_map_row *r, const sg_map_part *p) {
    return (p->map < 0 || r->map == p->map) && (p->truth < 0 || r->truth == p->truth) &&
           (p->correct < 0 || (r->predicted == r->truth) == (p->correct == 1)) &&
           (p->lesion < 0 || r->lesion == p->lesion);
}

static void mean(double *values, const uint32_t *weights, void *user) {
    const sg_map_row *rows = ((sg_map_row **)user)[0];
    size_t n = (size_t)(((sg_map_row **)user)[1] - rows);
    for (int k = 0; k < SG_MAP_MEASURES; k++) {
        double sum = 0, weight = 0;
        for (size_t i = 0; i < n; i++) {
            if (!weights[i] || isnan(rows[i].values[k])) continue;
            sum += weights[i] * rows[i].values[k];
            weight += weights[i];
        }
        values[k] = weight > 0 ? sum / weight : NAN;
    }
}

static int dense_class(int *seen, int *count, int truth) {
    for (int i = 0; i < *count; i++)
        if (seen[i] == truth) return i;
    seen[*count] = truth;
    return (*count)++;
}

/* Draws are made within the classes that are there. */
static sg_status bootstrap(sg_bootstrap_figure *figures, sg_map_row *rows, size_t n,
        const sg_bootstrap_options *options, sg_error *err) {
    enum { CLASSES = 65 };
    int seen[CLASSES], classes = 0;
    uint32_t *numbers = calloc(2 * n + 1, sizeof *numbers);
    if (!numbers) return sg_fail(err, SG_ERR_MEMORY, "out of memory summarising maps");
    for (size_t i = 0; i < n; i++) {
        numbers[i] = (uint32_t)dense_class(seen, &classes, rows[i].truth);
        numbers[n + i] = rows[i].group;
    }
    sg_bootstrap_sample sample = {numbers, numbers + n, n, (size_t)classes};
    sg_map_row *ends[2] = {rows, rows + n};
    sg_status st =
            sg_bootstrap_run(figures, NULL, &sample, mean, ends, SG_MAP_MEASURES, options, err);
    free(numbers);
    return st;
}

static void no_figures(sg_bootstrap_figure *figures) {
    for (int k = 0; k < SG_MAP_MEASURES; k++)
        figures[k] = (sg_bootstrap_figure){NAN, NAN, {NAN, NAN}, {NAN, NAN}, true};
}

static sg_status take(sg_map_row **out, size_t *count, const sg_map_row *rows, size_t n,
        const sg_map_part *part, sg_error *err) {
    sg_map_row *taken = calloc(n + 1, sizeof *taken);
    if (!taken) return sg_fail(err, SG_ERR_MEMORY, "out of memory summarising maps");
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (belongs(&rows[i], part)) taken[(*count)++] = rows[i];
    *out = taken;
    return SG_OK;
}

static int by_group(const void *a, const void *b) {
    uint32_t x = ((const sg_map_row *)a)->group, y = ((const sg_map_row *)b)->group;
    return (x > y) - (x < y);
}

/* Where all or none point into the lesion every draw gives the same; Wilson's interval, with a
 * group as one trial, does not. Reorders the rows. */
static void bound_share(sg_bootstrap_figure *share, sg_map_row *rows, size_t n, double confidence) {
    bool none = share->estimate == 0, all = share->estimate == 1;
    const sg_map_row *last = NULL;
    size_t trials = 0;
    if (!none && !all) return;
    qsort(rows, n, sizeof *rows, by_group);
    for (size_t i = 0; i < n; i++) {
        if (isnan(rows[i].values[SG_MAP_POINTING])) continue;
        trials += !last || last->group != rows[i].group;
        last = &rows[i];
    }
    share->bca = share->percentile = sg_interval_wilson(all ? trials : 0, trials, confidence);
    share->degenerate = false;
}

sg_status sg_map_rows_mean(sg_bootstrap_figure *figures, size_t *images, const sg_map_row *rows,
        size_t n, sg_map_part part, const sg_bootstrap_options *options, sg_error *err) {
    sg_map_row *taken;
    sg_status st = take(&taken, images, rows, n, &part, err);
    if (st) return st;
    no_figures(figures);
    if (*images) st = bootstrap(figures, taken, *images, options, err);
    if (!st) bound_share(&figures[SG_MAP_POINTING], taken, *images, options->confidence);
    free(taken);
    return st;
}

static const sg_map_row *find_row(const sg_map_row *rows, size_t n, int map, size_t image) {
    for (size_t i = 0; i < n; i++)
        if (rows[i].map == map && rows[i].image == image) return &rows[i];
    return NULL;
}

sg_status sg_map_rows_above(sg_bootstrap_figure *figures, const sg_map_row *rows, size_t n,
        sg_map_part part, int baseline, const sg_bootstrap_options *options, sg_error *err) {
    sg_map_row *taken;
    size_t count;
    sg_status st = take(&taken, &count, rows, n, &part, err);
    if (st) return st;
    for (size_t i = 0; i < count; i++) {
        const sg_map_row *base = find_row(rows, n, baseline, taken[i].image);
        for (int k = 0; k < SG_MAP_MEASURES; k++)
            taken[i].values[k] = base ? taken[i].values[k] - base->values[k] : NAN;
    }
    no_figures(figures);
    if (count) st = bootstrap(figures, taken, count, options, err);
    free(taken);
    return st;
}
