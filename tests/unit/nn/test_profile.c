/* Profiles: what is counted, the share of the roof, and files that other programs read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "nn/profile.h"
#include "support/check.h"
#include "support/image_folder.h"
#include <math.h>
#include <stdlib.h>

static void every_call_counts(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_profile *p;
    size_t first, second;
    CHECK_OK(sg_profile_create(&p, &err));
    CHECK_OK(sg_profile_add(&first, p, "conv1", "conv", SG_PROFILE_FORWARD, 8, 16, &err));
    CHECK_OK(sg_profile_add(&second, p, "bn1", "loop", SG_PROFILE_BACKWARD, 4, 0, &err));
    double start = sg_profile_now();
    sg_profile_note(p, first, start - 2);
    sg_profile_note(p, first, start - 1);
    assert_int_equal(p->rows[first].calls, 2);
    assert_int_equal(p->rows[second].calls, 0);
    assert_true(fabs(p->rows[first].seconds - 3) < 0.1);
    assert_true(p->rows[first].least >= 1 && p->rows[first].least < 1.1);
    sg_profile_destroy(p);
}

/* 16 operations at 8 per second take 2 s, 8 bytes at 2 per second 4 s: the longer one counts. */
static void the_roof_is_the_longer_time(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_profile *p;
    size_t row, silent;
    CHECK_OK(sg_profile_create(&p, &err));
    CHECK_OK(sg_profile_add(&row, p, "conv1", "conv", SG_PROFILE_FORWARD, 8, 16, &err));
    CHECK_OK(sg_profile_add(&silent, p, "loss", "loss", SG_PROFILE_AROUND, 0, 0, &err));
    p->rows[row].calls = p->rows[silent].calls = 1;
    p->rows[row].least = p->rows[silent].least = 8;
    assert_true(isnan(sg_profile_roof_share(p, &p->rows[row])));
    p->peak_flops = 8;
    p->peak_bytes = 2;
    assert_true(sg_profile_roof_share(p, &p->rows[row]) == 0.5);
    p->rows[row].bytes = 2;
    assert_true(sg_profile_roof_share(p, &p->rows[row]) == 0.25);
    assert_true(isnan(sg_profile_roof_share(p, &p->rows[silent])));
    sg_profile_destroy(p);
}

static void files_are_read_by_others(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_profile *p;
    size_t row, unused;
    CHECK_OK(sg_profile_create(&p, &err));
    CHECK_OK(sg_profile_add(&unused, p, "never", "loop", SG_PROFILE_FORWARD, 1, 0, &err));
    CHECK_OK(sg_profile_add(&row, p, "conv1", "conv", SG_PROFILE_BACKWARD, 8e6, 0, &err));
    sg_profile_note(p, row, sg_profile_now() - 0.5);
    sg_profile_note(p, row, sg_profile_now() - 0.25);
    char dir[SG_TEST_PATH];
    sg_test_folder_make(dir);
    char *table = sg_path_join(dir, "p.csv");
    char *trace = sg_path_join(dir, "p.json");
    CHECK_OK(sg_profile_write_table(p, table, &err));
    CHECK_OK(sg_profile_write_trace(p, trace, &err));
    sg_csv csv;
    CHECK_OK(sg_csv_read(&csv, table, &err));
    assert_int_equal(csv.rows, 1);
    assert_string_equal(sg_csv_cell(&csv, 0, sg_csv_column(&csv, "phase")), "backward");
    assert_string_equal(sg_csv_cell(&csv, 0, sg_csv_column(&csv, "calls")), "2");
    assert_string_equal(sg_csv_cell(&csv, 0, sg_csv_column(&csv, "roof_share")), "");
    sg_csv_dispose(&csv);
    json_t *json;
    CHECK_OK(sg_json_read(&json, trace, &err));
    json_t *events = json_object_get(json, "traceEvents");
    assert_int_equal(json_array_size(events), 2);
    double duration = json_number_value(json_object_get(json_array_get(events, 1), "dur"));
    assert_true(duration >= 0.25e6 && duration < 0.35e6);
    json_decref(json);
    free(table);
    free(trace);
    sg_test_folder_remove(dir);
    sg_profile_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_call_counts),
            cmocka_unit_test(the_roof_is_the_longer_time),
            cmocka_unit_test(files_are_read_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
