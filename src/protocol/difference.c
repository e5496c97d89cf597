/* difference.c - see difference.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/difference.h"
#include "stats/bootstrap.h"
#include "stats/classification.h"
#include "stats/paired.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 2, FIGURES = 3, PATTERNS = 100000 };

/* The union of both tables, in order of paths. */
typedef struct joined {
    size_t n, classes;
    uint32_t *labels, *groups;
    int8_t *said[SIDES]; /* class number, -1 = not judged by that side */
    int malignant;
} joined;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory comparing predictions");
}

static void joined_dispose(joined *j) {
    free(j->labels);
    free(j->groups);
    free(j->said[0]);
    free(j->said[1]);
}

static int by_path(const void *a, const void *b) {
    return strcmp((*(const sg_prediction_row *const *)a)->path,
            (*(const sg_prediction_row *const *)b)->path);
}

static const sg_prediction_row **sorted(const sg_predictions *p) {
    const sg_prediction_row **rows = malloc((p->count + 1) * sizeof *rows);
    for (size_t i = 0; rows && i < p->count; i++) rows[i] = &p->rows[i];
    if (rows) qsort(rows, p->count, sizeof *rows, by_path);
    return rows;
}

/* Which side comes first: -1 base alone, 1 other alone, 0 the same image. */
static int side_order(const sg_prediction_row *const *a, size_t i, size_t n,
        const sg_prediction_row *const *b, size_t k, size_t m) {
    if (i >= n) return 1;
    if (k >= m) return -1;
    int order = strcmp(a[i]->path, b[k]->path);
    return order < 0 ? -1 : order > 0;
}

static sg_status check_classes(const sg_predictions *a, const sg_predictions *b, sg_error *err) {
    if (!a->count || !b->count)
        return sg_fail(err, SG_ERR_INPUT, "there are no predictions to compare");
    bool same = a->class_count == b->class_count;
    for (int c = 0; same && c < a->class_count; c++)
        same = strcmp(a->classes[c], b->classes[c]) == 0;
    if (!same || a->class_count > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT,
                "the two sides tell different classes apart, so their figures do not compare");
    return SG_OK;
}

typedef struct named {
    const char *group;
    size_t row;
} named;

static int by_group(const void *a, const void *b) {
    return strcmp(((const named *)a)->group, ((const named *)b)->group);
}

static size_t number_groups(uint32_t *groups, named *names, size_t n) {
    uint32_t number = 0;
    qsort(names, n, sizeof *names, by_group);
    for (size_t i = 0; i < n; i++) {
        if (i && strcmp(names[i].group, names[i - 1].group) != 0) number++;
        groups[names[i].row] = number;
    }
    return n ? number + 1 : 0;
}

static int find_malignant(const sg_predictions *p) {
    for (int c = 0; c < p->class_count; c++)
        if (strcasecmp(p->classes[c], "malignant") == 0) return c;
    return -1;
}

/* Fills j and the counts of *out. */
static sg_status join(joined *j, sg_difference *out, const sg_predictions *base,
        const sg_predictions *other, sg_error *err) {
    size_t most = base->count + other->count;
    const sg_prediction_row **a = sorted(base), **b = sorted(other);
    named *names = malloc(most * sizeof *names);
    *j = (joined){0, (size_t)base->class_count, malloc(most * sizeof *j->labels),
            malloc(most * sizeof *j->groups), {malloc(most), malloc(most)}, find_malignant(base)};
    sg_status st = SG_OK;
    if (!a || !b || !names || !j->labels || !j->groups || !j->said[0] || !j->said[1])
        st = no_memory(err);
    for (size_t i = 0, k = 0; !st && (i < base->count || k < other->count); j->n++) {
        int order = side_order(a, i, base->count, b, k, other->count);
        const sg_prediction_row *row = order <= 0 ? a[i] : b[k];
        j->labels[j->n] = (uint32_t)row->label;
        names[j->n] = (named){row->group, j->n};
        j->said[0][j->n] = (int8_t)(order <= 0 ? a[i]->predicted : -1);
        j->said[1][j->n] = (int8_t)(order >= 0 ? b[k]->predicted : -1);
        out->shared += order == 0;
        out->only_base += order < 0;
        out->only_other += order > 0;
        i += order <= 0;
        k += order >= 0;
    }
    if (!st) out->groups = number_groups(j->groups, names, j->n);
    free(a);
    free(b);
    free(names);
    return st;
}

/* ---- the figures of one side as a statistic of row weights ---- */

typedef double confusion[SG_STATS_CLASSES_MAX][SG_STATS_CLASSES_MAX];

static void count(confusion cells, const joined *j, int side, const uint32_t *weights) {
    for (size_t t = 0; t < j->classes; t++) memset(cells[t], 0, j->classes * sizeof(double));
    for (size_t i = 0; i < j->n; i++)
        if (j->said[side][i] >= 0)
            cells[j->labels[i]][j->said[side][i]] += weights ? weights[i] : 1;
}

/* accuracy, macro F1 (every class counts, as stats/classification.h), sensitivity. */
static void side_figures(
        double values[FIGURES], const joined *j, int side, const uint32_t *weights) {
    confusion cells;
    double all = 0, right = 0, f1 = 0;
    count(cells, j, side, weights);
    for (size_t c = 0; c < j->classes; c++) {
        double support = 0, predicted = 0;
        for (size_t q = 0; q < j->classes; q++) {
            support += cells[c][q];
            predicted += cells[q][c];
        }
        all += support;
        right += cells[c][c];
        f1 += support + predicted > 0 ? 2 * cells[c][c] / (support + predicted) : 0;
        if ((int)c == j->malignant) values[2] = support > 0 ? cells[c][c] / support : NAN;
    }
    values[0] = all > 0 ? right / all : NAN;
    values[1] = all > 0 ? f1 / (double)j->classes : NAN;
    if (j->malignant < 0) values[2] = NAN;
}

static void differences(double *values, const uint32_t *weights, void *user) {
    const joined *j = user;
    double base[FIGURES], other[FIGURES];
    side_figures(base, j, 0, weights);
    side_figures(other, j, 1, weights);
    for (int f = 0; f < FIGURES; f++) values[f] = other[f] - base[f];
}

static sg_status measure_figures(sg_difference *out, joined *j, size_t draws, sg_error *err) {
    sg_bootstrap_sample sample = {j->labels, j->groups, j->n, j->classes};
    sg_bootstrap_options options = SG_BOOTSTRAP_OPTIONS_INIT;
    sg_bootstrap_figure figures[FIGURES];
    sg_difference_figure *const to[FIGURES] = {&out->accuracy, &out->macro_f1, &out->sensitivity};
    double base[FIGURES], other[FIGURES];
    options.draws = draws;
    sg_status st = sg_bootstrap_run(figures, NULL, &sample, differences, j, FIGURES, &options, err);
    if (st) return st;
    side_figures(base, j, 0, NULL);
    side_figures(other, j, 1, NULL);
    for (int f = 0; f < FIGURES; f++)
        *to[f] = (sg_difference_figure){base[f], other[f], other[f] - base[f],
                figures[f].degenerate ? (sg_interval){NAN, NAN} : figures[f].bca};
    return SG_OK;
}

/* Exchanges the two sides over whole groups; images of one side alone say nothing here. */
static sg_status test_shared(sg_difference *out, const joined *j, sg_error *err) {
    double *gain = calloc(j->n + 1, sizeof *gain);
    if (!gain) return no_memory(err);
    for (size_t i = 0; i < j->n; i++) {
        if (j->said[0][i] < 0 || j->said[1][i] < 0) continue;
        bool base = j->said[0][i] == (int)j->labels[i], other = j->said[1][i] == (int)j->labels[i];
        gain[i] = (double)other - (double)base;
        out->gained += other && !base;
        out->lost += base && !other;
    }
    sg_sign_flip flip;
    sg_status st = sg_sign_flip_test(&flip, gain, j->groups, j->n, PATTERNS, 0, err);
    if (!st) out->p = out->shared ? flip.p : NAN;
    free(gain);
    return st;
}

sg_status sg_difference_measure(sg_difference *out, const sg_predictions *base,
        const sg_predictions *other, size_t draws, sg_error *err) {
    sg_difference found = {0};
    joined j;
    sg_status st = check_classes(base, other, err);
    if (st) return st;
    st = join(&j, &found, base, other, err);
    if (!st) st = measure_figures(&found, &j, draws, err);
    if (!st) st = test_shared(&found, &j, err);
    joined_dispose(&j);
    if (!st) *out = found;
    return st;
}

sg_status sg_difference_shared(sg_shared_row **rows, size_t *count_out, const sg_predictions *base,
        const sg_predictions *other, sg_error *err) {
    const sg_prediction_row **a = sorted(base), **b = sorted(other);
    sg_shared_row *found = malloc((base->count + 1) * sizeof *found);
    sg_status st = a && b && found ? SG_OK : no_memory(err);
    size_t n = 0;
    for (size_t i = 0, k = 0; !st && i < base->count && k < other->count;) {
        int order = side_order(a, i, base->count, b, k, other->count);
        if (order == 0) found[n++] = (sg_shared_row){a[i], b[k]};
        i += order <= 0;
        k += order >= 0;
    }
    free(a);
    free(b);
    if (st) {
        free(found);
        return st;
    }
    *rows = found;
    *count_out = n;
    return SG_OK;
}
