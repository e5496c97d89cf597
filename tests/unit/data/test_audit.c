/* test_audit.c - an audit of phantoms with planted copies and conflicts finds these and no others,
 * and keeps one image per lesion. SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "data/audit.h"
#include "data/phantom.h"
#include "data/registration.h"
#include "data/union.h"
#include "support/check.h"
#include "support/image_folder.h"
#include <stdlib.h>

enum { PER_CLASS = 8 };

/* One set and one audit for all tests: looking at images is what takes time. */
typedef struct fixture {
    char folder[SG_TEST_PATH];
    sg_audit audit;
    sg_csv truth;
} fixture;

static fixture f;

static const char *path_of(size_t row) {
    return f.audit.manifest.rows[row].path;
}

static int set_up(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_test_folder_make(f.folder);
    sg_phantom_options o = SG_PHANTOM_OPTIONS_INIT;
    o.per_class = PER_CLASS;
    o.size = 128;
    o.duplicates = 0.375;
    o.conflicts = 0.125;
    char *set = sg_path_join(f.folder, "set");
    char *truth = sg_path_join(set, SG_PHANTOM_TRUTH);
    const sg_audit_options how = {0};
    bool done = set && truth && !sg_phantom_write_set(set, &o, false, NULL, NULL, &err) &&
                !sg_csv_read(&f.truth, truth, &err) && !sg_audit_run(&f.audit, set, &how, &err);
    if (!done) print_error("%s\n", err.message);
    free(truth);
    free(set);
    return done ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    sg_audit_dispose(&f.audit);
    sg_csv_dispose(&f.truth);
    sg_test_folder_remove(f.folder);
    return 0;
}

/* What an image was made from, by the truth. */
static const char *source_of(const char *path) {
    int column = sg_csv_column(&f.truth, "source");
    for (size_t i = 0; i < f.truth.rows; i++) {
        if (strcmp(sg_csv_cell(&f.truth, i, 0), path) != 0) continue;
        const char *source = sg_csv_cell(&f.truth, i, column);
        return *source ? source : path;
    }
    fail_msg("%s is not in the truth", path);
    return "";
}

static void groups_are_the_planted_ones(void **state) {
    (void)state;
    const sg_manifest *m = &f.audit.manifest;
    assert_int_equal(m->count, 3 * PER_CLASS);
    size_t together = 0;
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = i + 1; k < m->count; k++) {
            bool same = strcmp(source_of(path_of(i)), source_of(path_of(k))) == 0;
            if (same != (m->rows[i].group == m->rows[k].group))
                fail_msg("%s and %s", path_of(i), path_of(k));
            together += same;
        }
    assert_true(together >= 12);
    for (size_t i = 0; i < f.audit.pair_count; i++) {
        const sg_audit_pair *p = &f.audit.pairs[i];
        assert_true(p->joined && p->a < p->b && p->score > SG_REGISTRATION_COPY);
        assert_true(p->kind != SG_PAIR_FRAME);
    }
}

static void cohort_has_one_image_per_lesion(void **state) {
    (void)state;
    const sg_audit *a = &f.audit;
    const sg_manifest_row *rows = a->manifest.rows;
    size_t kept = 0, conflicts = 0, copies = 0;
    for (size_t i = 0; i < a->manifest.count; i++) {
        size_t others_kept = 0, other_class = 0;
        for (size_t k = 0; k < a->manifest.count; k++) {
            if (k == i || rows[k].group != rows[i].group) continue;
            others_kept += a->fates[k].fate == SG_FATE_KEPT;
            other_class += rows[k].class_index != rows[i].class_index;
        }
        const sg_audit_fate *fate = &a->fates[i];
        if (other_class) {
            assert_int_equal(fate->fate, SG_FATE_CONFLICT);
            assert_true(rows[fate->because].class_index != rows[i].class_index);
            assert_int_equal(rows[fate->because].group, rows[i].group);
        } else if (fate->fate == SG_FATE_KEPT) {
            assert_int_equal(others_kept, 0);
            assert_int_equal(fate->because, -1);
        } else {
            assert_int_equal(fate->fate, SG_FATE_COPY);
            assert_int_equal(a->fates[fate->because].fate, SG_FATE_KEPT);
        }
        kept += fate->fate == SG_FATE_KEPT;
        conflicts += fate->fate == SG_FATE_CONFLICT;
        copies += fate->fate == SG_FATE_COPY;
    }
    assert_true(kept > 5 && conflicts >= 6 && copies >= 4);
}

static const char *own_of(const void *user, size_t row) {
    (void)user;
    return f.audit.manifest.rows[row].own_group;
}

/* Patients hold groups together that no split may divide; lesions stay what the pictures show. A
 * copy joins two patients. */
static void patients_join_groups_and_not_lesions(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_manifest *m = &f.audit.manifest;
    size_t lesions = f.audit.lesion_count;
    assert_int_equal(m->group_count, lesions);
    for (size_t i = 0; i < m->count; i++)
        assert_non_null(m->rows[i].own_group = sg_strdupf("p%zu", i / 3));
    assert_non_null(m->own_grouping = sg_strdup("column:patient"));
    CHECK_OK(sg_audit_make_groups(&f.audit, &err));
    assert_int_equal(f.audit.lesion_count, lesions);
    assert_true(m->group_count < lesions);
    sg_union u;
    CHECK_OK(sg_union_init(&u, m->count, &err));
    for (size_t i = 0; i < f.audit.pair_count; i++)
        sg_union_join(&u, f.audit.pairs[i].a, f.audit.pairs[i].b);
    CHECK_OK(sg_union_join_equal(&u, own_of, NULL, &err));
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(m->rows[i].group == m->rows[k].group,
                    sg_union_find(&u, (uint32_t)i) == sg_union_find(&u, (uint32_t)k));
    sg_union_dispose(&u);
    char *source = sg_manifest_grouping_text(m);
    assert_string_equal(source, "audit and column:patient");
    free(source);
}

/* Of three copies, one pair rejected: the third image holds them together, and that is told. */
static void a_rejected_pair_may_stay_together(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    size_t together = 0;
    for (size_t i = 0; i < f.audit.pair_count; i++) {
        sg_audit_pair *p = &f.audit.pairs[i];
        assert_true(p->together);
        p->verdict = SG_VERDICT_REJECTED;
        CHECK_OK(sg_audit_make_groups(&f.audit, &err));
        bool other_way = false; /* by two joined pairs */
        for (size_t k = 0; k < f.audit.pair_count; k++)
            for (size_t l = 0; l < f.audit.pair_count; l++) {
                const sg_audit_pair *x = &f.audit.pairs[k], *y = &f.audit.pairs[l];
                if (k == i || l == i) continue;
                other_way |= (x->a == p->a || x->b == p->a) && (y->a == p->b || y->b == p->b) &&
                             (x->a == y->a || x->a == y->b || x->b == y->a || x->b == y->b);
            }
        assert_int_equal(p->together, other_way);
        assert_false(p->joined);
        together += other_way;
        p->verdict = SG_VERDICT_OPEN;
    }
    assert_true(together > 0);
    CHECK_OK(sg_audit_make_groups(&f.audit, &err));
}

/* Rejecting every pair of an image sets it free; confirming joins what looks unlike. Changes the
 * audit: comes last. */
static void verdicts_outweigh_scores(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const uint32_t a = f.audit.pairs[0].a, apart = f.audit.pairs[0].b;
    uint32_t lone = 0;
    sg_str text;
    sg_str_init(&text, 0);
    sg_str_append(&text, "a,b,verdict\n");
    for (size_t i = 0; i < f.audit.pair_count; i++) {
        const sg_audit_pair *p = &f.audit.pairs[i];
        if (p->a == apart || p->b == apart)
            sg_str_appendf(&text, "%s,%s,reject\n", path_of(p->b), path_of(p->a));
    }
    while (f.audit.lesions[lone] == f.audit.lesions[apart]) lone++;
    sg_str_appendf(&text, "%s,%s,confirm\nnot/here.png,%s,reject\n", path_of(apart), path_of(lone),
            path_of(lone));
    sg_decisions decisions;
    CHECK_OK(sg_decisions_parse(&decisions, sg_str_text(&text), text.len, "v.csv", &err));
    CHECK_OK(sg_audit_take_decisions(&f.audit, &decisions, &err));
    sg_decisions_dispose(&decisions);
    CHECK_OK(sg_audit_make_groups(&f.audit, &err));
    CHECK_OK(sg_audit_choose_cohort(&f.audit, &err));
    const int *lesions = f.audit.lesions;
    assert_true(lesions[a] != lesions[apart]);
    assert_int_equal(lesions[lone], lesions[apart]);
    assert_int_equal(f.audit.decisions_unused, 1);
    assert_true(f.audit.decisions_used >= 2);
    sg_str_dispose(&text);
}

static void stops_when_asked(void **state) {
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    char *set = sg_path_join(f.folder, "set");
    sg_audit audit;
    sg_pool *pool;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_pool_create(&pool, 0, &err));
    sg_pool_set_stop(pool, &stop);
    const sg_audit_options how = {.pool = pool};
    CHECK_FAILS(sg_audit_run(&audit, set, &how, &err), SG_ERR_INTERRUPTED, "");
    sg_pool_destroy(pool);
    free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(groups_are_the_planted_ones),
            cmocka_unit_test(cohort_has_one_image_per_lesion),
            cmocka_unit_test(stops_when_asked),
            cmocka_unit_test(patients_join_groups_and_not_lesions),
            cmocka_unit_test(a_rejected_pair_may_stay_together),
            cmocka_unit_test(verdicts_outweigh_scores),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
