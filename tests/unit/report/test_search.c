/* The page of a search: well formed with hostile names, failed and running trials and none at all;
 * the best come first. SPDX-License-Identifier: Apache-2.0 */
#include "report/search.h"

#include "base/file.h"
#include "support/check.h"
#include "support/markup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOT_A_STRETCH false, 0, 0, 0, -1

static const int steps[3] = {1, 2, 3};
static const double values[3] = {0.1, NAN, 0.4};

static char *render(const sg_search_page *in) {
    char path[] = "/tmp/sg-search-XXXXXX", *text;
    size_t size;
    sg_error err = SG_ERROR_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    CHECK_OK(sg_search_page_write(in, path, &err));
    CHECK_OK(sg_file_read(&text, &size, path, 1 << 24, &err));
    markup_assert_well_formed(text, size);
    unlink(path);
    return text;
}

static void test_a_study_is_drawn(void **state) {
    (void)state;
    static const char *const choices[] = {"a<b", "\"c\""};
    static const double lr[5] = {1e-4, 1e-3, 1e-2, 1e-3, NAN}, kind[5] = {0, 1, NAN, 0, 1};
    static const double at[2] = {0, 1}, effect[2] = {0.2, 0.3};
    const sg_search_parameter parameters[] = {{"lr", true, lr, NULL, 0, 0.7, at, effect, 0},
            {"</p><script>", false, kind, choices, 2, 0.1, at, effect, 2}};
    const sg_search_trial trials[] = {
            {0, 0.5, false, steps, values, 3, "lr 0.0001", NULL, NOT_A_STRETCH},
            {1, 0.9, false, steps, values, 3, "lr 0.001", NULL, NOT_A_STRETCH},
            {2, 0.95, true, steps, values, 1, "lr 0.01 <stopped>", NULL, NOT_A_STRETCH},
            {3, NAN, false, NULL, NULL, 0, "lr 0.003", "loss is not finite & more", NOT_A_STRETCH},
            {4, NAN, false, steps, values, 2, "running", NULL, NOT_A_STRETCH}};
    const sg_page_fact facts[] = {{"Model", NULL}, {"Study", "<s>"}};
    sg_search_page page = {
            "What the search found", "auroc", true, facts, 2, parameters, 2, trials, 5, NULL, 0};
    char *text = render(&page);
    /* Highest first; the stopped one is no candidate. */
    markup_assert_order(text, "lr 0.001<", "lr 0.0001<");
    assert_int_equal(markup_count(text, "&lt;stopped&gt;"), 0);
    assert_int_equal(markup_count(text, "loss is not finite &amp; more"), 1);
    free(text);
    page.maximise = false;
    text = render(&page);
    markup_assert_order(text, "lr 0.0001<", "lr 0.001<");
    free(text);
}

/* Paths that go level to a point and there up or down. */
static size_t count_late_steps(const char *text) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "d=\"M")); at++) {
        double x[3], y[3];
        n += sscanf(at, "d=\"M%lf %lfL%lf %lfL%lf %lf", &x[0], &y[0], &x[1], &y[1], &x[2], &y[2]) ==
                     6 &&
             y[0] == y[1] && x[1] == x[2] && x[0] < x[1] && y[1] != y[2];
    }
    return n;
}

/* The best so far rises where the better trial ends, not where the one before did. */
static void test_the_best_is_not_known_before(void **state) {
    (void)state;
    const sg_search_trial trials[] = {{0, 0.5, false, steps, values, 3, "a", NULL, NOT_A_STRETCH},
            {1, 0.9, false, steps, values, 3, "b", NULL, NOT_A_STRETCH}};
    const sg_search_page page = {"p", "auroc", true, NULL, 0, NULL, 0, trials, 2, NULL, 0};
    char *text = render(&page);
    assert_int_equal(count_late_steps(text), 2);
    free(text);
}

static void test_no_finished_trial(void **state) {
    (void)state;
    static const double lr[1] = {1e-4};
    const sg_search_parameter parameter = {"lr", true, lr, NULL, 0, NAN, NULL, NULL, 0};
    const sg_search_trial trial = {0, NAN, false, NULL, NULL, 0, "lr 0.0001", NULL, NOT_A_STRETCH};
    const sg_search_page page = {"p", "loss", false, NULL, 0, &parameter, 1, &trial, 1, NULL, 0};
    free(render(&page));
}

/* A population of two, whose worse member went on from the better one, and a map of two parameters.
 */
static void test_a_population_is_drawn(void **state) {
    (void)state;
    static const char *const choices[] = {"a<b", "c"};
    static const double lr[4] = {1e-4, 1e-3, 1e-3, 2e-3}, kind[4] = {0, 0, 0, 0};
    static const double lr_at[2] = {1e-4, 1e-2}, kind_at[2] = {0, 1}, effect[2] = {0.2, 0.3};
    static const double map[4] = {0.1, 0.4, 0.2, 0.3};
    const sg_search_parameter parameters[] = {{"l<r", true, lr, NULL, 0, 0.7, lr_at, effect, 2},
            {"kind", false, kind, choices, 2, 0.1, kind_at, effect, 2}};
    const sg_search_contour contour = {0, 1, map};
    sg_search_trial trials[4];
    for (int i = 0; i < 4; i++)
        trials[i] = (sg_search_trial){.number = (size_t)i,
                .value = 0.5 + 0.1 * i,
                .settings = "s",
                .is_stretch = true,
                .member = (size_t)(i % 2),
                .from = i / 2,
                .until = i / 2 + 1,
                .parent = i < 2 ? -1 : 1};
    sg_search_page page = {"p", "auroc", true, NULL, 0, parameters, 2, trials, 4, &contour, 1};
    char *text = render(&page);
    assert_int_equal(markup_count(text, "copied another member"), 2); /* in tree and schedule */
    assert_int_equal(markup_count(text, ">led to the best"), 2);
    assert_true(markup_count(text, "l&lt;r and kind") >= 1);
    assert_int_equal(markup_count(text, ">c</text>"), 3);        /* map, slice, coordinates */
    assert_int_equal(markup_count(text, "fill=\"#f3f7fb\""), 1); /* one palest cell, */
    assert_int_equal(markup_count(text, "fill=\"#005aa0\""), 1); /* one darkest */
    free(text);
}

/* Axes end where the search does, not at the next power of ten. */
static void test_axes_end_with_the_range(void **state) {
    (void)state;
    const double low = 3e-5, high = 2e-3;
    const double at[2] = {low * pow(high / low, 0.25), low * pow(high / low, 0.75)};
    static const double lr[1] = {1e-4}, other[1] = {0.5}, other_at[2] = {0.25, 0.75};
    static const double effect[2] = {0.2, 0.3}, map[4] = {0.1, 0.4, 0.2, 0.3};
    const sg_search_parameter parameters[] = {{"lr", true, lr, NULL, 0, 0.7, at, effect, 2},
            {"other", false, other, NULL, 0, 0.1, other_at, effect, 2}};
    const sg_search_contour contour = {0, 1, map};
    const sg_search_trial trial = {
            0, 0.5, false, steps, values, 3, "lr 0.0001", NULL, NOT_A_STRETCH};
    const sg_search_page page = {
            "p", "auroc", true, NULL, 0, parameters, 2, &trial, 1, &contour, 1};
    char *text = render(&page);
    assert_int_equal(markup_count(text, "<figure class=\"wide\"><svg"), 1); /* coordinates */
    assert_int_equal(markup_count(text, ">1e-5</text>"), 0);
    assert_int_equal(markup_count(text, ">0.01</text>"), 0);
    assert_int_equal(markup_count(text, ">1e-4</text>"), 2); /* slice and map */
    assert_int_equal(markup_count(text, ">0.001</text>"), 2);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_study_is_drawn),
            cmocka_unit_test(test_the_best_is_not_known_before),
            cmocka_unit_test(test_no_finished_trial),
            cmocka_unit_test(test_a_population_is_drawn),
            cmocka_unit_test(test_axes_end_with_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
