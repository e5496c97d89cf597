/* test_audit_cohort.c - which image of a lesion is kept, and what undecided pairs do, on an audit
 * made by hand. SPDX-License-Identifier: Apache-2.0 */
#include "data/audit.h"
#include "support/check.h"
#include <stdlib.h>

enum { ROWS = 8, LESIONS = 7 };

/* Rows 0 and 1 show lesion 0; every other row has a lesion of its own. All are of one patient,
 * which is no reason to leave anything out. */
typedef struct bench {
    sg_manifest_row rows[ROWS];
    sg_audit_pair pairs[3];
    sg_finding findings[2];
    int lesions[ROWS];
    sg_audit audit;
} bench;

/* The fates are the audit's own; a bench is zero before its first filling. */
static void fill(bench *b) {
    free(b->audit.fates);
    memset(b, 0, sizeof *b);
    for (int i = 0; i < ROWS; i++) {
        b->lesions[i] = i < 2 ? 0 : i - 1;
        b->rows[i].width = b->rows[i].height = 100;
    }
    b->audit.manifest.rows = b->rows;
    b->audit.manifest.count = ROWS;
    b->audit.manifest.group_count = 1;
    b->audit.lesions = b->lesions;
    b->audit.lesion_count = LESIONS;
    b->audit.pairs = b->pairs;
    b->audit.findings = b->findings;
}

static void choose(bench *b) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_audit_choose_cohort(&b->audit, &err));
}

static void test_fewer_marks_then_more_pixels_then_first(void **state) {
    (void)state;
    bench b = {0};
    fill(&b);
    choose(&b);
    assert_int_equal(b.audit.fates[0].fate, SG_FATE_KEPT);
    assert_int_equal(b.audit.fates[1].fate, SG_FATE_COPY);
    assert_int_equal(b.audit.fates[1].because, 0);

    fill(&b);
    b.rows[1].width = 101;
    choose(&b);
    assert_int_equal(b.audit.fates[0].fate, SG_FATE_COPY);
    assert_int_equal(b.audit.fates[1].fate, SG_FATE_KEPT);

    b.findings[0] = (sg_finding){.kind = SG_FINDING_MARK, .row = 1};
    b.audit.finding_count = 1;
    choose(&b);
    assert_int_equal(b.audit.fates[0].fate, SG_FATE_KEPT);
    assert_int_equal(b.audit.fates[1].fate, SG_FATE_COPY);
    free(b.audit.fates);
}

/* Undecided within a class: one image stays. Between classes: nobody knows the label of either. */
static void test_undecided_pairs(void **state) {
    (void)state;
    bench b = {0};
    fill(&b);
    b.rows[5].class_index = 1;
    b.pairs[0] = (sg_audit_pair){.a = 2, .b = 3};
    b.pairs[1] = (sg_audit_pair){.a = 4, .b = 5};
    b.pairs[2] = (sg_audit_pair){.a = 6, .b = 7, .verdict = SG_VERDICT_REJECTED};
    b.audit.pair_count = 3;
    choose(&b);
    assert_int_equal(b.audit.fates[2].fate, SG_FATE_KEPT);
    assert_int_equal(b.audit.fates[3].fate, SG_FATE_DOUBT_COPY);
    assert_int_equal(b.audit.fates[4].fate, SG_FATE_DOUBT);
    assert_int_equal(b.audit.fates[5].fate, SG_FATE_DOUBT);
    assert_int_equal(b.audit.fates[6].fate, SG_FATE_KEPT);
    assert_int_equal(b.audit.fates[7].fate, SG_FATE_KEPT);
    free(b.audit.fates);
}

/* One lesion under two labels is a contradiction; two lesions of one patient are none. */
static void test_conflicts_are_of_lesions(void **state) {
    (void)state;
    bench b = {0};
    fill(&b);
    b.rows[1].class_index = b.rows[3].class_index = 1;
    choose(&b);
    assert_int_equal(b.audit.fates[0].fate, SG_FATE_CONFLICT);
    assert_int_equal(b.audit.fates[0].because, 1);
    assert_int_equal(b.audit.fates[1].fate, SG_FATE_CONFLICT);
    for (int i = 2; i < ROWS; i++) assert_int_equal(b.audit.fates[i].fate, SG_FATE_KEPT);
    free(b.audit.fates);
}

static void test_what_excludes_comes_first(void **state) {
    (void)state;
    bench b = {0};
    fill(&b);
    b.findings[0] = (sg_finding){.kind = SG_FINDING_DOMAIN, .row = 0, .excludes = true};
    b.findings[1] = (sg_finding){.kind = SG_FINDING_OUTLIER, .row = 2};
    b.audit.finding_count = 2;
    choose(&b);
    assert_int_equal(b.audit.fates[0].fate, SG_FATE_DOMAIN);
    assert_int_equal(b.audit.fates[1].fate, SG_FATE_KEPT);
    assert_int_equal(b.audit.fates[2].fate, SG_FATE_KEPT);
    free(b.audit.fates);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_fewer_marks_then_more_pixels_then_first),
            cmocka_unit_test(test_undecided_pairs),
            cmocka_unit_test(test_conflicts_are_of_lesions),
            cmocka_unit_test(test_what_excludes_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
