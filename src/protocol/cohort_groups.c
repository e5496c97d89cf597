/* cohort_groups.c - what belongs together by an audit and by the set itself: groups of predictions,
 * and images judged by a model that knew a relative. See cohort.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/union.h"
#include "protocol/cohort.h"
#include "protocol/run.h"
#include <stdlib.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the groups of the cohort");
}

/* One image's group by the audit, and by the set itself (NULL: it has none). */
typedef struct belonging {
    const char *audit, *own;
} belonging;

static const char *audit_group(const void *list, size_t i) {
    return ((const belonging *)list)[i].audit;
}

static const char *own_group(const void *list, size_t i) {
    return ((const belonging *)list)[i].own;
}

/* numbers[n]: equal where either kind of group, or a chain of them, holds two images together. */
static sg_status number_groups(int *numbers, const belonging *list, size_t n, sg_error *err) {
    sg_union u = {0};
    sg_status st = sg_union_init(&u, n, err);
    if (!st) st = sg_union_join_equal(&u, audit_group, list, err);
    if (!st) st = sg_union_join_equal(&u, own_group, list, err);
    if (!st) (void)sg_union_number(&u, numbers);
    sg_union_dispose(&u);
    return st;
}

static sg_status set_group(sg_prediction_row *row, const char *name, sg_error *err) {
    char *group = sg_strdup(name);
    if (!group) return no_memory(err);
    free(row->group);
    row->group = group;
    return SG_OK;
}

sg_status sg_cohort_regroup(sg_predictions *p, const sg_cohort *c, sg_error *err) {
    belonging *list = calloc(p->count + 1, sizeof *list);
    int *numbers = malloc((p->count + 1) * sizeof *numbers);
    const char **names = calloc(p->count + 1, sizeof *names); /* of the sets */
    sg_status st = list && numbers && names ? SG_OK : no_memory(err);
    for (size_t i = 0; i < p->count && !st; i++) {
        const sg_prediction_row *row = &p->rows[i];
        const sg_cohort_image *image = sg_cohort_find(c, row->path, row->sha256);
        if (image)
            list[i] = (belonging){image->group, row->own_group};
        else
            st = sg_fail(err, SG_ERR_INPUT,
                    "%s was judged but not audited; run `sonograde audit` on the folder that is "
                    "evaluated and name its output with --audit",
                    row->path);
    }
    if (!st) st = number_groups(numbers, list, p->count, err);
    for (size_t i = 0; i < p->count && !st; i++) {
        if (!names[numbers[i]]) names[numbers[i]] = list[i].audit;
        st = set_group(&p->rows[i], names[numbers[i]], err);
    }
    free(list);
    free(numbers);
    free(names);
    return st;
}

/* ---- leaks ---- */

/* leaks[n]: an image of the same group lies in another bin (fold or part). groups[n] are dense;
 * the first bin of each tells whether there is a second. */
static sg_status mark_leaks(
        bool *leaks, const int *groups, const int *bins, size_t n, sg_error *err) {
    size_t *first = malloc((n + 1) * sizeof *first);
    bool *divided = calloc(n + 1, sizeof *divided);
    if (!first || !divided) {
        free(first);
        free(divided);
        return no_memory(err);
    }
    for (size_t i = n; i-- > 0;) first[groups[i]] = i;
    for (size_t i = 0; i < n; i++) divided[groups[i]] |= bins[i] != bins[first[groups[i]]];
    for (size_t i = 0; i < n; i++) leaks[i] = divided[groups[i]];
    free(first);
    free(divided);
    return SG_OK;
}

/* Images of the run that are split and audited. */
typedef struct relatives {
    belonging *list;
    int *groups, *bins;
    size_t *rows; /* of the run's manifest */
    bool *leaks;
    size_t count;
} relatives;

static void relatives_dispose(relatives *r) {
    free(r->list);
    free(r->groups);
    free(r->bins);
    free(r->rows);
    free(r->leaks);
}

static sg_status find_relatives(
        relatives *r, const sg_run *run, const sg_cohort *c, sg_error *err) {
    const sg_manifest *m = &run->manifest;
    size_t most = m->count + 1;
    *r = (relatives){calloc(most, sizeof *r->list), malloc(most * sizeof *r->groups),
            malloc(most * sizeof *r->bins), malloc(most * sizeof *r->rows),
            calloc(most, sizeof *r->leaks), 0};
    if (!r->list || !r->groups || !r->bins || !r->rows || !r->leaks) return no_memory(err);
    for (size_t i = 0; i < m->count; i++) {
        const sg_cohort_image *image = sg_cohort_find(c, m->rows[i].path, m->rows[i].sha256);
        if (!image || run->split.bins[i] < 0) continue;
        r->list[r->count] = (belonging){image->group, sg_manifest_own_group(m, i)};
        r->bins[r->count] = run->split.bins[i];
        r->rows[r->count++] = i;
    }
    sg_status st = number_groups(r->groups, r->list, r->count, err);
    return st ? st : mark_leaks(r->leaks, r->groups, r->bins, r->count, err);
}

sg_status sg_cohort_count_leaks(size_t *out, const sg_predictions *p, const sg_cohort *c,
        const char *run_dir, int number, sg_error *err) {
    sg_run run;
    relatives r = {0};
    sg_status st = sg_run_open(&run, run_dir, p->root, NULL, err);
    if (st) return st;
    bool *leaks = calloc(run.manifest.count + 1, sizeof *leaks);
    st = leaks ? find_relatives(&r, &run, c, err) : no_memory(err);
    for (size_t k = 0; k < r.count && !st; k++) leaks[r.rows[k]] = r.leaks[k];
    *out = 0;
    for (size_t i = 0; i < p->count && !st; i++) {
        long row = sg_manifest_find(&run.manifest, p->rows[i].path);
        *out += p->rows[i].run == number && row >= 0 && leaks[row];
    }
    free(leaks);
    relatives_dispose(&r);
    sg_run_close(&run);
    return st;
}
