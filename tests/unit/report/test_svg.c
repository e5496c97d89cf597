/* Charts: well formed whatever goes in, the same bytes each time, marks where the data say.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/svg.h"

#include "report/svg_draw.h"
#include "support/markup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char hostile[] = "</text><script>alert('x')</script>\xFF & \"more\"";

static void check_and_dispose(sg_str *out) {
    assert_false(out->failed);
    markup_assert_well_formed(sg_str_text(out), out->len);
    /* A number that cannot be drawn would be a lone "-" in a coordinate. */
    static const char *const lost[] = {
            "=\"-\"", "M-", "L-", "V-", "H-", " -\"", "=\"nan", "=\"inf"};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        assert_null(strstr(sg_str_text(out), lost[i]));
    assert_null(strstr(sg_str_text(out), "<script"));
    sg_str_dispose(out);
}

static sg_svg_chart make_chart(const sg_svg_series *series, size_t count) {
    return (sg_svg_chart){.title = hostile,
            .x = {.label = hostile},
            .y = {.label = hostile},
            .series = series,
            .count = count,
            .diagonal = true};
}

static void test_charts_survive_any_data(void **state) {
    (void)state;
    static const double odd[6] = {NAN, INFINITY, -INFINITY, 0, -1e300, 1e300};
    static const double same[3] = {0.5, 0.5, 0.5}, zero[3] = {0, 0, 0}, tiny[2] = {1e-12, 2e-12};
    const struct {
        const double *values;
        size_t n;
    } data[] = {{odd, 6}, {odd, 1}, {same, 3}, {zero, 3}, {tiny, 2}, {same, 1}, {same, 0}};
    for (size_t d = 0; d < sizeof data / sizeof *data; d++)
        for (int logarithmic = 0; logarithmic < 2; logarithmic++) {
            const sg_svg_series s = {.name = hostile,
                    .x = data[d].values,
                    .y = data[d].values,
                    .n = data[d].n,
                    .low = data[d].values,
                    .high = data[d].values,
                    .markers = true,
                    .color = d};
            sg_svg_chart chart = make_chart(&s, 1);
            chart.x.logarithmic = chart.y.logarithmic = logarithmic;
            const sg_svg_mark mark = {NAN, hostile};
            chart.marks = &mark;
            chart.mark_count = 1;
            sg_str out;
            sg_str_init(&out, 0);
            sg_svg_put_chart(&out, &chart);
            check_and_dispose(&out);
        }
    sg_str out;
    sg_str_init(&out, 0);
    const sg_svg_chart empty = {0};
    sg_svg_put_chart(&out, &empty);
    check_and_dispose(&out);
}

static void test_same_input_same_bytes(void **state) {
    (void)state;
    static const double y[5] = {0.1, 0.4, NAN, 0.8, 0.9};
    const sg_svg_series s[2] = {
            {.name = "a", .y = y, .n = 5}, {.name = "b", .y = y, .n = 5, .color = 1}};
    const sg_svg_chart chart = make_chart(s, 2);
    sg_str a, b;
    sg_str_init(&a, 0);
    sg_str_init(&b, 0);
    sg_svg_put_chart(&a, &chart);
    sg_svg_put_chart(&b, &chart);
    assert_string_equal(sg_str_text(&a), sg_str_text(&b));
    /* The NaN lifts the pen: two moves in each path. Series differ by dash, not by colour alone. */
    assert_int_equal(markup_count(sg_str_text(&a), "L"), 4);
    assert_true(markup_count(sg_str_text(&a), "stroke-dasharray=\"7 3\"") >= 1);
    sg_str_dispose(&a);
    sg_str_dispose(&b);
}

static void test_scales_put_values_where_they_belong(void **state) {
    (void)state;
    sg_svg_scale scale;
    sg_svg_extent extent = {0};
    const double values[3] = {3, NAN, 47};
    sg_svg_extend(&extent, values, 3, false);
    sg_svg_scale_fit(&scale, &(sg_svg_axis){0}, &extent);
    scale.from = 100;
    scale.to = 200;
    assert_true(scale.low == 0 && scale.high == 50);
    assert_true(sg_svg_scale_at(&scale, 25) == 150);
    assert_true(sg_svg_scale_at(&scale, 99) == 200);
    assert_true(isnan(sg_svg_scale_at(&scale, NAN)));
    sg_svg_scale_fit(&scale, &(sg_svg_axis){.logarithmic = true}, &(sg_svg_extent){1, 10000, true});
    scale.from = 0;
    scale.to = 4;
    assert_true(fabs(sg_svg_scale_at(&scale, 100) - 2) < 1e-12);
    assert_true(isnan(sg_svg_scale_at(&scale, 0)));
}

static void expect_ticks(sg_svg_axis axis, double low, double high, const char *expected) {
    sg_svg_scale scale;
    char all[512] = "", text[40];
    sg_svg_scale_fit(&scale, &axis, &(sg_svg_extent){low, high, true});
    for (size_t i = 0; i < scale.ticks; i++) {
        sg_svg_format_tick(text, sizeof text, &scale, scale.tick[i]);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", text);
    }
    assert_string_equal(all, expected);
}

static void test_ticks_are_round_numbers(void **state) {
    (void)state;
    expect_ticks((sg_svg_axis){.low = 0, .high = 1, .percent = true}, 0, 0,
            "0 % 20 % 40 % 60 % 80 % 100 %");
    expect_ticks((sg_svg_axis){0}, 0, 6e-4, "0 2e-4 4e-4 6e-4");
    expect_ticks((sg_svg_axis){0}, 0.31, 1.19, "0.2 0.4 0.6 0.8 1.0 1.2");
    expect_ticks((sg_svg_axis){.whole = true}, 1, 20, "5 10 15 20");
    expect_ticks((sg_svg_axis){.whole = true}, 1, 3, "1 2 3");
    expect_ticks((sg_svg_axis){.logarithmic = true}, 0.001, 1e6, "0.001 0.1 10 1000 1e5");
}

static void test_matrix_says_counts_and_shares(void **state) {
    (void)state;
    static const char *const names[2] = {"benign", hostile};
    static const size_t counts[4] = {30, 10, 0, 0};
    const sg_svg_matrix matrix = {"m", "truth", "predicted", names, 2, counts};
    sg_str out;
    sg_str_init(&out, 0);
    sg_svg_put_matrix(&out, &matrix);
    assert_non_null(strstr(sg_str_text(&out), ">30<"));
    assert_non_null(strstr(sg_str_text(&out), ">75.0 %<"));
    assert_non_null(strstr(sg_str_text(&out), ">- %<"));
    check_and_dispose(&out);
}

static void test_bars_histograms_and_boxes(void **state) {
    (void)state;
    static const char *const names[3] = {"benign", "malignant", hostile};
    static const double values[6] = {1, 2, NAN, 0, 5, 6}, edges[4] = {0, 1, 2, 3};
    const sg_svg_bars bars = {.title = hostile,
            .categories = names,
            .category_count = 3,
            .series = names,
            .series_count = 2,
            .values = values,
            .low = values,
            .high = values,
            .values_shown = true};
    const sg_svg_histogram histogram = {.title = hostile,
            .edges = edges,
            .bins = 3,
            .series = names,
            .series_count = 2,
            .counts = values,
            .y = {.whole = true}};
    const sg_svg_box boxes_of[2] = {{hostile, true, 1, 2, 3, 4, 5, values, 6, NAN},
            {NULL, false, 0, 0, 0, 0, 0, values, 1, 1}};
    const sg_svg_boxes boxes = {.title = hostile, .boxes = boxes_of, .count = 2};
    sg_str out;
    sg_str_init(&out, 0);
    sg_svg_put_bars(&out, &bars);
    check_and_dispose(&out);
    sg_svg_put_histogram(&out, &histogram);
    check_and_dispose(&out);
    sg_svg_put_boxes(&out, &boxes);
    check_and_dispose(&out);
    sg_svg_put_bars(&out, &(sg_svg_bars){0});
    check_and_dispose(&out);
    sg_svg_put_histogram(&out, &(sg_svg_histogram){0});
    check_and_dispose(&out);
    sg_svg_put_boxes(&out, &(sg_svg_boxes){0});
    check_and_dispose(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_charts_survive_any_data),
            cmocka_unit_test(test_same_input_same_bytes),
            cmocka_unit_test(test_scales_put_values_where_they_belong),
            cmocka_unit_test(test_ticks_are_round_numbers),
            cmocka_unit_test(test_matrix_says_counts_and_shares),
            cmocka_unit_test(test_bars_histograms_and_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
