/* test_aside.c - a folder that is replaced comes back whole or is deleted, and nothing else of the
 * name is touched. SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/aside.h"
#include "base/file.h"
#include "support/image_folder.h"
#include <stdlib.h>
#include <unistd.h>

static char home[SG_TEST_PATH], start[SG_TEST_PATH];

static int make_home(void **state) {
    (void)state;
    sg_test_folder_make(home);
    return getcwd(start, sizeof start) && chdir(home) == 0 ? 0 : -1;
}

static int remove_home(void **state) {
    (void)state;
    if (chdir(start)) return -1;
    sg_test_folder_remove(home);
    return 0;
}

static void check_holds(const char *path, const char *text) {
    char *data;
    size_t size;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_file_read(&data, &size, path, 100, &err));
    assert_string_equal(data, text);
    free(data);
}

static void test_comes_back(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_test_text_write("run", "weights/best", "old");
    CHECK_OK(sg_aside_put("run/", &err)); /* however the name is written */
    assert_false(sg_path_exists("run"));
    assert_true(sg_aside_waits("run"));
    sg_test_text_write("run", "weights/half", "new");
    CHECK_OK(sg_aside_restore("run", &err));
    check_holds("run/weights/best", "old");
    assert_false(sg_path_exists("run/weights/half"));
    assert_false(sg_path_exists("run.replaced"));
    assert_false(sg_path_exists("run/.sonograde-replaced"));
    CHECK_OK(sg_aside_restore("run", &err)); /* nothing waits: nothing happens */
    check_holds("run/weights/best", "old");
}

static void test_is_dropped(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_test_text_write("run", "old", "old");
    CHECK_OK(sg_aside_put("run", &err));
    sg_test_text_write("run", "new", "new");
    CHECK_OK(sg_aside_drop("run", &err));
    assert_false(sg_path_exists("run.replaced"));
    check_holds("run/new", "new");
}

/* The successor was killed: the older folder is still the one that comes back. */
static void test_second_successor(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_test_text_write("run", "old", "old");
    CHECK_OK(sg_aside_put("run", &err));
    sg_test_text_write("run", "stillborn", "x");
    CHECK_OK(sg_aside_put("run", &err));
    assert_false(sg_path_exists("run"));
    CHECK_OK(sg_aside_restore("run", &err));
    check_holds("run/old", "old");
    assert_false(sg_path_exists("run/stillborn"));
}

static void test_strangers_are_left_alone(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_test_text_write("run", "old", "old");
    sg_test_text_write("run.replaced", "letter", "mine");
    assert_false(sg_aside_waits("run"));
    CHECK_FAILS(sg_aside_put("run", &err), SG_ERR_INPUT, "run.replaced");
    CHECK_OK(sg_aside_drop("run", &err));
    CHECK_OK(sg_aside_restore("run", &err));
    check_holds("run/old", "old");
    check_holds("run.replaced/letter", "mine");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_comes_back, make_home, remove_home),
            cmocka_unit_test_setup_teardown(test_is_dropped, make_home, remove_home),
            cmocka_unit_test_setup_teardown(test_second_successor, make_home, remove_home),
            cmocka_unit_test_setup_teardown(test_strangers_are_left_alone, make_home, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
