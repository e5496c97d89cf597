/* test_split_thin.c - fewer training images: by whole groups, in every class, one inside the other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "data/split.h"

enum { ROWS = 60, PER_GROUP = 2, GROUPS = ROWS / PER_GROUP };

static sg_manifest_row rows[ROWS];
static int bins[ROWS];

/* Rows 0..29 benign, 30..59 malignant; two to a group; every third group is for testing. */
static sg_manifest make(sg_split *parts) {
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (sg_manifest_row){.class_index = i >= ROWS / 2, .group = i / PER_GROUP};
        bins[i] = i / PER_GROUP % 3 == 0 ? SG_PART_TEST : SG_PART_TRAIN;
    }
    *parts = (sg_split){.count = ROWS, .bins = bins};
    return (sg_manifest){.rows = rows, .count = ROWS, .class_count = 2, .group_count = GROUPS};
}

static int count(int bin, int class_index) {
    int n = 0;
    for (int i = 0; i < ROWS; i++) n += bins[i] == bin && rows[i].class_index == class_index;
    return n;
}

static void test_share_by_class_and_group(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_split parts;
    sg_manifest m = make(&parts);
    assert_int_equal(count(SG_PART_TRAIN, 0), 20);
    CHECK_OK(sg_split_thin(&parts, &m, 0.5, 3, &err));
    for (int c = 0; c < 2; c++) {
        assert_int_equal(count(SG_PART_TRAIN, c), 10);
        assert_int_equal(count(SG_PART_TEST, c), 10);
    }
    for (int i = 0; i < ROWS; i += PER_GROUP) assert_int_equal(bins[i], bins[i + 1]);
}

static void test_a_smaller_share_is_part_of_a_larger(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_split parts;
    int large[ROWS], other = 0;
    sg_manifest m = make(&parts);
    CHECK_OK(sg_split_thin(&parts, &m, 0.6, 3, &err));
    memcpy(large, bins, sizeof large);
    m = make(&parts);
    CHECK_OK(sg_split_thin(&parts, &m, 0.2, 3, &err));
    for (int i = 0; i < ROWS; i++)
        if (bins[i] == SG_PART_TRAIN) assert_int_equal(large[i], SG_PART_TRAIN);
    m = make(&parts);
    CHECK_OK(sg_split_thin(&parts, &m, 0.6, 4, &err));
    for (int i = 0; i < ROWS; i++) other += bins[i] != large[i];
    assert_true(other > 0);
}

static void test_ends_of_the_range(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_split parts;
    sg_manifest m = make(&parts);
    CHECK_OK(sg_split_thin(&parts, &m, 0.0001, 3, &err));
    assert_int_equal(count(SG_PART_TRAIN, 0), PER_GROUP);
    assert_int_equal(count(SG_PART_TRAIN, 1), PER_GROUP);
    m = make(&parts);
    CHECK_OK(sg_split_thin(&parts, &m, 1, 3, &err));
    assert_int_equal(count(SG_PART_TRAIN, 0), 20);
    CHECK_FAILS(sg_split_thin(&parts, &m, 0, 3, &err), SG_ERR_USAGE, "share");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_share_by_class_and_group),
            cmocka_unit_test(test_a_smaller_share_is_part_of_a_larger),
            cmocka_unit_test(test_ends_of_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
