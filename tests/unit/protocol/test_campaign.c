/* test_campaign.c - whose folder a campaign takes, and which settings may go on in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "protocol/campaign.h"
#include "support/image_folder.h"
#include <stdio.h>
#include <stdlib.h>

static const char settings[] = "verb: leakage\nepochs: 2\nmodel: mobilenetv2\n";

static char root[SG_TEST_PATH], dir[SG_TEST_PATH + 16];

static int make_root(void **state) {
    (void)state;
    sg_test_folder_make(root);
    (void)snprintf(dir, sizeof dir, "%s/study", root);
    return 0;
}

static int remove_root(void **state) {
    (void)state;
    sg_test_folder_remove(root);
    return 0;
}

static void begin(void) {
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    CHECK_OK(sg_campaign_open(&c, dir, settings, NULL, false, &err));
    sg_campaign_close(&c);
}

static void test_same_settings_go_on(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    begin();
    sg_test_text_write(dir, "arms/one/kept.txt", "kept");
    CHECK_OK(sg_campaign_open(&c, dir, settings, NULL, false, &err));
    char *kept = sg_campaign_path(&c, "arms/one/kept.txt"), *arm = sg_campaign_arm_dir(&c, "one");
    assert_true(sg_path_exists(kept));
    assert_non_null(strstr(arm, "/study/arms/one"));
    free(kept);
    free(arm);
    sg_campaign_close(&c);
}

static void test_other_settings_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
        sg_status status;
    } cases[] = {
            {"verb: leakage\nepochs: 3\nmodel: mobilenetv2\n", "--epochs", SG_ERR_MISMATCH},
            {"verb: leakage\nepochs: 2\n", "--model", SG_ERR_MISMATCH},
            {"verb: leakage\nepochs: 2\nmodel: mobilenetv2\nset: lr=1\n", "--set", SG_ERR_MISMATCH},
            {"verb: compare\nepochs: 2\nmodel: mobilenetv2\n", "sonograde leakage", SG_ERR_USAGE},
    };
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_FAILS(sg_campaign_open(&c, dir, cases[i].text, NULL, false, &err), cases[i].status,
                cases[i].part);
}

/* An older folder may hold a setting that counts no more; others still count. */
static void test_a_key_that_is_free_by_now(void **state) {
    (void)state;
    static const char *const free_by_now[] = {"model", NULL};
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    begin();
    CHECK_OK(sg_campaign_open(&c, dir, "verb: leakage\nepochs: 2\n", free_by_now, false, &err));
    sg_campaign_close(&c);
    CHECK_FAILS(sg_campaign_open(&c, dir, "verb: leakage\n", free_by_now, false, &err),
            SG_ERR_MISMATCH, "--epochs");
}

static void test_overwrite_replaces_campaigns_only(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    begin();
    sg_test_text_write(dir, "arms/one/old.txt", "old");
    CHECK_OK(sg_campaign_open(&c, dir, "verb: leakage\nepochs: 9\n", NULL, true, &err));
    char *old = sg_campaign_path(&c, "arms");
    assert_false(sg_path_exists(old));
    sg_campaign_close(&c); /* before it had trained anything: what was there is back */
    assert_true(sg_path_exists(old));
    free(old);
    sg_test_text_write(root, "letters/love.txt", "dear");
    (void)snprintf(dir, sizeof dir, "%s/letters", root);
    CHECK_FAILS(sg_campaign_open(&c, dir, settings, NULL, true, &err), SG_ERR_INPUT, "no campaign");
    CHECK_FAILS(sg_campaign_open(&c, dir, settings, NULL, false, &err), SG_ERR_USAGE, "not empty");
}

static void test_one_process_at_a_time(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_campaign first, second;
    CHECK_OK(sg_campaign_open(&first, dir, settings, NULL, false, &err));
    CHECK_FAILS(
            sg_campaign_open(&second, dir, settings, NULL, false, &err), SG_ERR_INPUT, "in use");
    CHECK_FAILS(sg_campaign_open(&second, dir, settings, NULL, true, &err), SG_ERR_INPUT, "in use");
    sg_campaign_close(&first);
    CHECK_OK(sg_campaign_open(&second, dir, settings, NULL, false, &err));
    sg_campaign_close(&second);
}

/* A process that was killed before it wrote its settings leaves a folder that can be taken. */
static void test_a_stillborn_folder_is_taken(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    sg_test_text_write(dir, ".lock", "");
    CHECK_OK(sg_campaign_open(&c, dir, settings, NULL, false, &err));
    sg_campaign_close(&c);
}

/* After a refusal the folder is free for the mended command; what was begun is kept. */
static void test_a_refused_start_leaves_nothing(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_campaign c;
    CHECK_OK(sg_campaign_open(&c, dir, settings, NULL, false, &err));
    sg_campaign_end(&c, SG_ERR_USAGE, NULL);
    assert_false(sg_path_exists(dir));
    CHECK_OK(sg_campaign_open(&c, dir, settings, NULL, false, &err));
    sg_campaign_end(&c, SG_ERR_INTERRUPTED, NULL);
    assert_true(sg_path_exists(dir));
    CHECK_OK(sg_campaign_open(&c, dir, settings, NULL, false, &err));
    sg_campaign_end(&c, SG_ERR_USAGE, NULL);
    assert_true(sg_path_exists(dir));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_same_settings_go_on, make_root, remove_root),
            cmocka_unit_test_setup_teardown(
                    test_other_settings_are_refused_by_name, make_root, remove_root),
            cmocka_unit_test_setup_teardown(test_a_key_that_is_free_by_now, make_root, remove_root),
            cmocka_unit_test_setup_teardown(
                    test_overwrite_replaces_campaigns_only, make_root, remove_root),
            cmocka_unit_test_setup_teardown(test_one_process_at_a_time, make_root, remove_root),
            cmocka_unit_test_setup_teardown(
                    test_a_stillborn_folder_is_taken, make_root, remove_root),
            cmocka_unit_test_setup_teardown(
                    test_a_refused_start_leaves_nothing, make_root, remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
