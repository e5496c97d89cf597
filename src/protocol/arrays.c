/* arrays.c - see arrays.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/arrays.h"
#include "stats/classification.h"
#include <stdlib.h>
#include <string.h>

void sg_arrays_dispose(sg_arrays *a) {
    free(a->labels);
    free(a->predicted);
    free(a->groups);
    free(a->fold);
    free(a->fold_names);
    free(a->p);
}

static int by_group(const void *a, const void *b) {
    return strcmp((*(const sg_prediction_row *const *)a)->group,
            (*(const sg_prediction_row *const *)b)->group);
}

/* Dense group numbers. */
static sg_status number_groups(sg_arrays *a, const sg_predictions *p, sg_error *err) {
    const sg_prediction_row **order = malloc(a->n * sizeof *order);
    if (!order) return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring %zu images", a->n);
    for (size_t i = 0; i < a->n; i++) order[i] = &p->rows[i];
    qsort(order, a->n, sizeof *order, by_group);
    uint32_t number = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (i && strcmp(order[i]->group, order[i - 1]->group) != 0) number++;
        a->groups[order[i] - p->rows] = number;
    }
    free(order);
    return SG_OK;
}

void sg_arrays_number_folds(sg_arrays *a, const sg_predictions *p, bool official) {
    a->folds = 0;
    for (size_t i = 0; i < a->n; i++) {
        int fold = official ? p->rows[i].official_fold : sg_prediction_fold_key(p, &p->rows[i]);
        size_t f = 0;
        while (f < a->folds && a->fold_names[f] != fold) f++;
        if (f == a->folds) a->fold_names[a->folds++] = fold;
        a->fold[i] = (uint32_t)f;
    }
}

sg_status sg_arrays_make(sg_arrays *a, const sg_predictions *p, sg_error *err) {
    memset(a, 0, sizeof *a);
    a->n = p->count;
    a->classes = (size_t)p->class_count;
    if (a->n == 0) return sg_fail(err, SG_ERR_INPUT, "there are no predictions to measure");
    if (a->classes > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%zu classes are more than the %d that are measured",
                a->classes, SG_STATS_CLASSES_MAX);
    a->labels = malloc(a->n * sizeof *a->labels);
    a->predicted = malloc(a->n * sizeof *a->predicted);
    a->groups = malloc(a->n * sizeof *a->groups);
    a->fold = malloc(a->n * sizeof *a->fold);
    a->fold_names = malloc(a->n * sizeof *a->fold_names);
    a->p = malloc(a->n * a->classes * sizeof *a->p);
    if (!a->labels || !a->predicted || !a->groups || !a->fold || !a->fold_names || !a->p)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring %zu images", a->n);
    for (size_t i = 0; i < a->n; i++) {
        a->labels[i] = (uint32_t)p->rows[i].label;
        a->predicted[i] = (uint32_t)p->rows[i].predicted;
        memcpy(a->p + i * a->classes, p->rows[i].p, a->classes * sizeof *a->p);
    }
    sg_arrays_number_folds(a, p, false);
    return number_groups(a, p, err);
}
