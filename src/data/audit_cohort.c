/* audit_cohort.c - one image per lesion, none in doubt; and why each other image is not in it.
 *
 * Two images are one lesion when joined pairs hold them together, and may be one when a pair
 * between them is undecided. Among the images of one lesion that may stay, the one with the fewest
 * marks burnt in is kept, then the one with the most pixels, then the first of the manifest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/audit.h"
#include <stdlib.h>

typedef struct choice {
    sg_audit *audit;
    int32_t *kept_of; /* [lesion_count]: row kept of a lesion, or -1 */
    size_t *marks;    /* [count]: marks burnt into an image */
} choice;

static bool is_undecided(const sg_audit_pair *pair) {
    return !pair->joined && pair->verdict == SG_VERDICT_OPEN;
}

static void set_fate(sg_audit *audit, uint32_t row, sg_fate fate, uint32_t because) {
    if (audit->fates[row].fate == SG_FATE_KEPT)
        audit->fates[row] = (sg_audit_fate){fate, (int32_t)because};
}

static void drop_foreign(sg_audit *audit) {
    for (size_t i = 0; i < audit->finding_count; i++)
        if (audit->findings[i].excludes)
            audit->fates[audit->findings[i].row] = (sg_audit_fate){SG_FATE_DOMAIN, -1};
}

/* A lesion with two classes leaves as a whole; each image names one that contradicts it. */
static sg_status drop_conflicts(sg_audit *audit, sg_error *err) {
    const sg_manifest *m = &audit->manifest;
    int32_t *first = malloc((audit->lesion_count + 1) * 2 * sizeof *first);
    if (!first) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the cohort");
    int32_t *other = first + audit->lesion_count;
    for (size_t k = 0; k < audit->lesion_count; k++) first[k] = other[k] = -1;
    for (size_t i = 0; i < m->count; i++) {
        int k = audit->lesions[i];
        if (first[k] < 0)
            first[k] = (int32_t)i;
        else if (other[k] < 0 && m->rows[first[k]].class_index != m->rows[i].class_index)
            other[k] = (int32_t)i;
    }
    for (size_t i = 0; i < m->count; i++) {
        int k = audit->lesions[i];
        if (other[k] < 0) continue;
        bool same = m->rows[i].class_index == m->rows[first[k]].class_index;
        set_fate(audit, (uint32_t)i, SG_FATE_CONFLICT, (uint32_t)(same ? other[k] : first[k]));
    }
    free(first);
    return SG_OK;
}

/* An undecided pair between classes puts both lesions in doubt. */
static sg_status drop_doubtful_labels(sg_audit *audit, sg_error *err) {
    const sg_manifest *m = &audit->manifest;
    const int *lesions = audit->lesions;
    int32_t *doubt = malloc((audit->lesion_count + 1) * sizeof *doubt);
    if (!doubt) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the cohort");
    for (size_t k = 0; k < audit->lesion_count; k++) doubt[k] = -1;
    for (size_t i = 0; i < audit->pair_count; i++) {
        const sg_audit_pair *p = &audit->pairs[i];
        int a = lesions[p->a], b = lesions[p->b];
        bool same = m->rows[p->a].class_index == m->rows[p->b].class_index;
        if (!is_undecided(p) || same || a == b) continue;
        if (doubt[a] < 0) doubt[a] = (int32_t)p->b;
        if (doubt[b] < 0) doubt[b] = (int32_t)p->a;
    }
    for (size_t i = 0; i < m->count; i++)
        if (doubt[lesions[i]] >= 0)
            set_fate(audit, (uint32_t)i, SG_FATE_DOUBT, (uint32_t)doubt[lesions[i]]);
    free(doubt);
    return SG_OK;
}

static bool is_better(const choice *c, size_t row, int32_t than) {
    if (than < 0) return true;
    const sg_manifest_row *x = &c->audit->manifest.rows[row], *y = &c->audit->manifest.rows[than];
    if (c->marks[row] != c->marks[than]) return c->marks[row] < c->marks[than];
    return (int64_t)x->width * x->height > (int64_t)y->width * y->height;
}

static void keep_one_per_lesion(choice *c) {
    const int *lesions = c->audit->lesions;
    size_t n = c->audit->manifest.count;
    for (size_t i = 0; i < n; i++)
        if (c->audit->fates[i].fate == SG_FATE_KEPT && is_better(c, i, c->kept_of[lesions[i]]))
            c->kept_of[lesions[i]] = (int32_t)i;
    for (size_t i = 0; i < n; i++) {
        int32_t kept = c->kept_of[lesions[i]];
        if (kept >= 0 && kept != (int32_t)i)
            set_fate(c->audit, (uint32_t)i, SG_FATE_COPY, (uint32_t)kept);
    }
}

/* Of two lesions that may be one, the later one's image leaves. */
static void drop_doubtful_copies(choice *c) {
    const int *lesions = c->audit->lesions;
    for (size_t i = 0; i < c->audit->pair_count; i++) {
        const sg_audit_pair *p = &c->audit->pairs[i];
        if (!is_undecided(p)) continue;
        int32_t a = c->kept_of[lesions[p->a]], b = c->kept_of[lesions[p->b]];
        if (a < 0 || b < 0 || a == b) continue;
        int32_t keep = a < b ? a : b, drop = a < b ? b : a;
        if (c->audit->fates[keep].fate == SG_FATE_KEPT)
            set_fate(c->audit, (uint32_t)drop, SG_FATE_DOUBT_COPY, (uint32_t)keep);
    }
}

sg_status sg_audit_choose_cohort(sg_audit *audit, sg_error *err) {
    const sg_manifest *m = &audit->manifest;
    choice c = {.audit = audit,
            .kept_of = malloc((audit->lesion_count + 1) * sizeof *c.kept_of),
            .marks = calloc(m->count + 1, sizeof *c.marks)};
    free(audit->fates);
    audit->fates = calloc(m->count + 1, sizeof *audit->fates);
    sg_status status = SG_OK;
    if (!c.kept_of || !c.marks || !audit->fates) {
        status =
                sg_fail(err, SG_ERR_MEMORY, "out of memory for the cohort of %zu images", m->count);
        goto done;
    }
    for (size_t k = 0; k < audit->lesion_count; k++) c.kept_of[k] = -1;
    for (size_t i = 0; i < m->count; i++) audit->fates[i].because = -1;
    for (size_t i = 0; i < audit->finding_count; i++)
        c.marks[audit->findings[i].row] += audit->findings[i].kind == SG_FINDING_MARK;
    drop_foreign(audit);
    status = drop_conflicts(audit, err);
    if (!status) status = drop_doubtful_labels(audit, err);
    if (status) goto done;
    keep_one_per_lesion(&c);
    drop_doubtful_copies(&c);
done:
    free(c.kept_of);
    free(c.marks);
    return status;
}
