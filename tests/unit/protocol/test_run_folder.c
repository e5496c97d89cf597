/* test_run_folder.c - a new run never costs an older one before it has completed an epoch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/aside.h"
#include "protocol/run_folder.h"
#include "support/image_folder.h"
#include <stdio.h>
#include <stdlib.h>

static char root[SG_TEST_PATH], run[SG_TEST_PATH + 16], weights[SG_TEST_PATH + 48];

static int make_run(void **state) {
    (void)state;
    sg_test_folder_make(root);
    (void)snprintf(run, sizeof run, "%s/run", root);
    (void)snprintf(weights, sizeof weights, "%s/weights/best.safetensors", run);
    sg_test_text_write(run, "args.yaml", "epochs: 1\n");
    sg_test_text_write(run, "weights/best.safetensors", "weeks of work");
    return 0;
}

static int remove_run(void **state) {
    (void)state;
    sg_test_folder_remove(root);
    return 0;
}

static void test_given_up(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_run_folder f;
    CHECK_FAILS(sg_run_folder_make(&f, run, false, &err), SG_ERR_USAGE, "--resume");
    CHECK_OK(sg_run_folder_make(&f, run, true, &err));
    assert_false(sg_path_exists(weights));
    sg_test_text_write(run, "args.yaml", "epochs: 2\n");
    CHECK_OK(sg_run_folder_give_up(&f, &err));
    assert_true(sg_path_exists(weights));
    CHECK_OK(sg_run_folder_enter(&f, run, &err)); /* and is unlocked */
    sg_run_folder_leave(&f);
}

static void test_kept(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_run_folder f;
    CHECK_OK(sg_run_folder_make(&f, run, true, &err));
    sg_test_text_write(run, "args.yaml", "epochs: 2\n");
    CHECK_OK(sg_run_folder_keep(&f, &err));
    assert_false(sg_aside_waits(run));
    assert_false(sg_path_exists(weights));
    sg_run_folder_leave(&f);
}

/* Killed between putting the old run aside and beginning the new one, or in the new one's first
 * epoch: the old run is found again, whatever is asked next. */
static void test_after_a_kill(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_run_folder f;
    CHECK_OK(sg_aside_put(run, &err));
    CHECK_FAILS(sg_run_folder_make(&f, run, false, &err), SG_ERR_USAGE, "not empty");
    assert_true(sg_path_exists(weights));
    CHECK_OK(sg_aside_put(run, &err));
    sg_test_text_write(run, "args.yaml", "epochs: 2\n");
    CHECK_OK(sg_run_folder_make(&f, run, true, &err));
    CHECK_OK(sg_run_folder_give_up(&f, &err));
    assert_true(sg_path_exists(weights));
}

static void test_one_process_at_a_time(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_run_folder first, second;
    CHECK_OK(sg_run_folder_enter(&first, run, &err));
    CHECK_FAILS(sg_run_folder_make(&second, run, true, &err), SG_ERR_INPUT, "in use");
    assert_true(sg_path_exists(weights));
    sg_run_folder_leave(&first);
}

static void test_only_runs(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_run_folder f;
    sg_test_text_write(root, "letters/love.txt", "dear");
    char *letters = sg_path_join(root, "letters"), *love = sg_path_join(letters, "love.txt");
    CHECK_FAILS(sg_run_folder_make(&f, letters, true, &err), SG_ERR_INPUT, "no run folder");
    assert_true(sg_path_exists(love));
    free(love);
    free(letters);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_given_up, make_run, remove_run),
            cmocka_unit_test_setup_teardown(test_kept, make_run, remove_run),
            cmocka_unit_test_setup_teardown(test_after_a_kill, make_run, remove_run),
            cmocka_unit_test_setup_teardown(test_one_process_at_a_time, make_run, remove_run),
            cmocka_unit_test_setup_teardown(test_only_runs, make_run, remove_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
