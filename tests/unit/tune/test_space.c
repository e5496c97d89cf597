/* Spaces: their lines of text, refusals, and the maps between points, unit cube and features.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tune/space.h"

#include "base/rng.h"
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void fill(sg_space *space) {
    sg_error err = SG_ERROR_INIT;
    memset(space, 0, sizeof *space);
    CHECK_OK(sg_space_add(space, "lr", "float(1e-5, 1e-2, log)", &err));
    CHECK_OK(sg_space_add(space, "epochs", "int 3 9", &err));
    CHECK_OK(sg_space_add(space, "batch", "ordered 8 16 32 64", &err));
    CHECK_OK(sg_space_add(space, "optimizer", "choice adamw sgd", &err));
    CHECK_OK(sg_space_add(space, "momentum", "float 0.5 0.99 if optimizer = sgd", &err));
    CHECK_OK(sg_space_add(space, "depth", "int 1 1000 log", &err));
    CHECK_OK(sg_space_add(space, "weight-decay", "fixed 0.02", &err));
}

static void test_lines_read_back(void **state) {
    (void)state;
    static const char *const lines[] = {"float 1e-05 0.01 log", "int 3 9", "ordered 8 16 32 64",
            "choice adamw sgd", "float 0.5 0.99 if optimizer = sgd", "int 1 1000 log"};
    sg_space space;
    sg_str text;
    fill(&space);
    sg_str_init(&text, 0);
    assert_int_equal(space.count, 6);
    for (size_t i = 0; i < space.count; i++) {
        sg_str_clear(&text);
        sg_dimension_put(&text, &space, i);
        assert_string_equal(sg_str_text(&text), lines[i]);
    }
    assert_int_equal(space.fixed_count, 1);
    assert_string_equal(space.fixed[0].value, "0.02");
    assert_int_equal(sg_space_find(&space, "momentum"), 4);
    assert_int_equal(sg_space_find(&space, "weight-decay"), -1);
    sg_str_dispose(&text);
    sg_space_dispose(&space);
}

/* Counts of blocks and names of files hold what otherwise separates. */
static void test_quoted_values(void **state) {
    (void)state;
    static const char *const lines[] = {"choice '3,4,6,3' '2,2,2,2' plain", "choice \"a'b c\" d'e"};
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    sg_str text;
    sg_str_init(&text, 0);
    CHECK_OK(sg_space_add(&space, "blocks", lines[0], &err));
    CHECK_OK(sg_space_add(&space, "files", lines[1], &err));
    CHECK_OK(sg_space_add(&space, "x", "int 1 2 if blocks = plain \"2,2,2,2\"", &err));
    CHECK_OK(sg_space_add(&space, "y", "fixed '1, 2'", &err));
    assert_string_equal(space.params[0].choices[1], "2,2,2,2");
    assert_string_equal(space.params[1].choices[0], "a'b c");
    assert_string_equal(space.fixed[0].value, "1, 2");
    for (size_t i = 0; i < 2; i++) {
        sg_str_clear(&text);
        sg_dimension_put(&text, &space, i);
        assert_string_equal(sg_str_text(&text), lines[i]);
    }
    sg_str_clear(&text);
    sg_dimension_put(&text, &space, 2);
    assert_string_equal(sg_str_text(&text), "int 1 2 if blocks = '2,2,2,2' plain");
    CHECK_FAILS(sg_space_add(&space, "z", "choice 'a b", &err), SG_ERR_USAGE, "not closed");
    sg_str_dispose(&text);
    sg_space_dispose(&space);
}

static void test_bad_lines_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *part;
    } bad[] = {
            {"a", "float 2 1", "the lower bound 2 is above the upper bound 1"},
            {"a", "float 0 1 log", "above zero"},
            {"a", "float 1 1", "write 'fixed 1'"},
            {"a", "float 1 nan", "are not two numbers"},
            {"a", "float 1", "float LOW HIGH"},
            {"a", "float 1 2 cubic", "'cubic' is not known"},
            {"a", "int 1.5 3", "whole numbers"},
            {"a", "choice", "has 0 choices"},
            {"a", "choice x", "has 1 choices"},
            {"a", "choice x y x", "'x' stands there twice"},
            {"a", "ordered 8 4", "rising numbers"},
            {"a", "normal 0 1", "begins with 'normal'"},
            {"a", "", "is empty"},
            {"", "int 1 2", "needs a name"},
            {"lr", "int 1 2", "given twice"},
            {"weight-decay", "int 1 2", "given twice"},
            {"a", "int 1 2 if nothing = 1", "not among the parameters before it"},
            {"a", "int 1 2 if lr = 1", "no choices to depend on"},
            {"a", "int 1 2 if batch = 12", "no choice '12'"},
            {"a", "int 1 2 if batch", "if OTHER = A B"},
    };
    sg_error err = SG_ERROR_INIT;
    sg_space space;
    fill(&space);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAILS(
                sg_space_add(&space, bad[i].name, bad[i].text, &err), SG_ERR_USAGE, bad[i].part);
        assert_int_equal(space.count, 6);
    }
    sg_space_dispose(&space);
}

static void test_a_file_names_its_line(void **state) {
    (void)state;
    char path[] = "/tmp/sg-space-XXXXXX";
    const char text[] = "# a space\nlr: float 1e-5 1e-2 log\nbatch: ordered 8 4\n";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_space_read(&space, path, &err), SG_ERR_USAGE, "line 3");
    assert_non_null(strstr(err.message, path));
    sg_space_dispose(&space);
    unlink(path);
}

static void test_unit_and_back(void **state) {
    (void)state;
    sg_space space;
    fill(&space);
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 0, 0);
    size_t counts[4] = {0};
    for (int k = 0; k < 2000; k++) {
        double unit[SG_SPACE_MAX], point[SG_SPACE_MAX], back[SG_SPACE_MAX], again[SG_SPACE_MAX];
        for (size_t i = 0; i < space.count; i++) unit[i] = sg_rng_uniform(&rng);
        sg_space_from_unit(&space, unit, point);
        assert_true(point[0] >= 1e-5 && point[0] <= 1e-2);
        assert_true(point[1] >= 3 && point[1] <= 9 && point[1] == floor(point[1]));
        assert_true(point[5] >= 1 && point[5] <= 1000 && point[5] == floor(point[5]));
        assert_true(isnan(point[4]) == (point[3] == 0));
        counts[(size_t)point[2]]++;
        sg_space_to_unit(&space, point, back);
        assert_true(fabs(back[0] - unit[0]) < 1e-12);
        sg_space_from_unit(&space, back, again);
        assert_true(fabs(again[0] / point[0] - 1) < 1e-12);
        again[0] = point[0];
        if (!isnan(point[4])) assert_true(fabs(again[4] - point[4]) < 1e-12);
        again[4] = point[4];
        assert_true(sg_space_equal(&space, point, again));
    }
    for (int i = 0; i < 4; i++) assert_in_range(counts[i], 400, 600);
    sg_space_dispose(&space);
}

static void test_features(void **state) {
    (void)state;
    sg_space space;
    fill(&space);
    assert_int_equal(sg_space_width(&space), 7);
    double point[SG_SPACE_MAX] = {1e-5, 9, 2, 1, 0.5, 1};
    double x[7];
    sg_space_features(&space, point, x);
    assert_true(x[0] == 0 && fabs(x[2] - 2.0 / 3) < 1e-15);
    assert_true(x[3] == 0 && fabs(x[4] * x[4] - 0.5) < 1e-15 && x[5] == 0);
    point[4] = NAN;
    sg_space_features(&space, point, x);
    assert_true(x[5] == 0.5);
    sg_space_dispose(&space);
}

static void test_values_as_text(void **state) {
    (void)state;
    sg_space space;
    sg_str text;
    fill(&space);
    sg_str_init(&text, 0);
    sg_dimension_value_put(&text, &space.params[0], 0.00012345678901234);
    sg_str_append(&text, " ");
    sg_dimension_value_put(&text, &space.params[2], 3);
    sg_str_append(&text, " ");
    sg_dimension_value_put(&text, &space.params[5], 1000);
    assert_string_equal(sg_str_text(&text), "0.000123456789012 64 1000");
    sg_str_dispose(&text);
    sg_space_dispose(&space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lines_read_back),
            cmocka_unit_test(test_quoted_values),
            cmocka_unit_test(test_bad_lines_are_refused),
            cmocka_unit_test(test_a_file_names_its_line),
            cmocka_unit_test(test_unit_and_back),
            cmocka_unit_test(test_features),
            cmocka_unit_test(test_values_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
