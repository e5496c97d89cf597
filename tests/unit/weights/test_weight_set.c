/* test_weight_set.c - files as PyTorch and onnx write them, against what PyTorch says is in them
 * (tests/golden/weights/make.py). SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "support/check.h"
#include "weights/name_map.h"
#include "weights/weight_stats.h"
#include <stdlib.h>

#define GOLDEN "tests/golden/weights/"

static double number(const sg_csv *csv, size_t row, const char *column) {
    double v = 0;
    assert_true(sg_parse_double(&v, sg_csv_cell(csv, row, sg_csv_column(csv, column))));
    return v;
}

static void check_row(const sg_csv *csv, size_t row, const sg_weight_set *set) {
    sg_error err = SG_ERROR_INIT;
    const sg_tensor *t = sg_weight_set_find(set, sg_csv_cell(csv, row, 1));
    if (!t) fail_msg("%s lacks %s", sg_csv_cell(csv, row, 0), sg_csv_cell(csv, row, 1));
    char text[SG_SHAPE_TEXT];
    assert_string_equal(sg_dtype_name(t->dtype), sg_csv_cell(csv, row, 2));
    assert_string_equal(sg_shape_text(text, &t->shape), sg_csv_cell(csv, row, 3));
    sg_weight_stats s;
    CHECK_OK(sg_weight_stats_of(&s, t, &err));
    assert_float_equal(s.mean, number(csv, row, "mean"), 1e-7);
    assert_float_equal(s.sd, number(csv, row, "sd"), 1e-7);
    float x[512];
    assert_true(s.elements > 0 && s.elements <= 512);
    CHECK_OK(sg_tensor_to_f32(x, t, &err));
    assert_float_equal(x[0], number(csv, row, "first"), 1e-6);
    assert_float_equal(x[s.elements - 1], number(csv, row, "last"), 1e-6);
}

static void test_golden(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_csv csv;
    CHECK_OK(sg_csv_read(&csv, GOLDEN "expected.csv", &err));
    size_t files = 0;
    for (size_t row = 0; row < csv.rows; files++) {
        const char *file = sg_csv_cell(&csv, row, 0);
        char *path = sg_strdupf(GOLDEN "%s", file);
        sg_weight_set *set;
        unsigned rules;
        size_t n = 0;
        CHECK_OK(sg_weight_set_open(&set, path, true, &err));
        CHECK_OK(sg_name_map_apply(&rules, set, path, &err));
        for (; row < csv.rows && strcmp(sg_csv_cell(&csv, row, 0), file) == 0; row++, n++)
            check_row(&csv, row, set);
        assert_int_equal(set->count, n);
        sg_weight_set_close(set);
        free(path);
    }
    assert_int_equal(files, 7);
    sg_csv_dispose(&csv);
}

static void test_facts(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_weight_set *set;
    CHECK_OK(sg_weight_set_open(&set, GOLDEN "wrapped.pth", true, &err));
    assert_string_equal(set->wrapper, "state_dict");
    assert_non_null(sg_weight_set_find(set, "module.model.0.weight"));
    sg_weight_set_close(set);
    CHECK_OK(sg_weight_set_open(&set, GOLDEN "legacy.pth", true, &err));
    assert_string_equal(set->format, "PyTorch legacy");
    assert_int_equal(set->copied, 12 * 4 + 8 * 4); /* the turned and the strided one */
    sg_weight_set_close(set);
}

static void rules_of(unsigned *rules, const char *path) {
    sg_error err = SG_ERROR_INIT;
    sg_weight_set *set;
    CHECK_OK(sg_weight_set_open(&set, path, true, &err));
    CHECK_OK(sg_name_map_apply(rules, set, path, &err));
    sg_weight_set_close(set);
}

static void test_rules_are_told(void **state) {
    (void)state;
    unsigned rules;
    rules_of(&rules, GOLDEN "zip.pth");
    assert_int_equal(rules, 0);
    rules_of(&rules, GOLDEN "wrapped.pth");
    assert_int_equal(rules, SG_NAMES_PREFIX);
    rules_of(&rules, GOLDEN "timm_vgg.pth");
    assert_int_equal(rules, SG_NAMES_TIMM_VGG | SG_NAMES_SHAPE);
    rules_of(&rules, GOLDEN "legacy_se.pth");
    assert_int_equal(rules, SG_NAMES_LEGACY_SE | SG_NAMES_SHAPE);
    rules_of(&rules, GOLDEN "sequential.pth");
    assert_int_equal(rules, SG_NAMES_PREFIX | SG_NAMES_SEQUENTIAL);
}

static void test_two_names_become_one(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const float x[2] = {1, 2};
    const sg_shape one = sg_shape_of(2, (int64_t[]){1, 2}), flat = sg_shape_of(1, (int64_t[]){2});
    const sg_safetensors_item items[] = {{"pre_logits.fc1.weight", SG_F32, one, x},
            {"head.fc.bias", SG_F32, flat, x}, {"classifier.6.bias", SG_F32, flat, x}};
    CHECK_OK(sg_safetensors_write("both.safetensors", items, 3, NULL, &err));
    sg_weight_set *set;
    unsigned rules;
    CHECK_OK(sg_weight_set_open(&set, "both.safetensors", true, &err));
    CHECK_FAILS(sg_name_map_apply(&rules, set, "both.safetensors", &err), SG_ERR_FORMAT,
            "classifier.6.bias comes twice");
    sg_weight_set_close(set);
}

static void test_refusals(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_weight_set *set;
    CHECK_FAILS(sg_weight_set_open(&set, GOLDEN "code.pth", true, &err), SG_ERR_INPUT,
            "argparse.Namespace");
    CHECK_FAILS(sg_weight_set_open(&set, GOLDEN "module.pth", true, &err), SG_ERR_INPUT,
            "torch.nn.modules.linear.Linear");
    CHECK_FAILS(sg_weight_set_open(&set, GOLDEN "no_state.pth", true, &err), SG_ERR_FORMAT,
            "no state dict");
    CHECK_FAILS(sg_weight_set_open(&set, GOLDEN "make.py", true, &err), SG_ERR_FORMAT,
            "no weight file that is known here");
    CHECK_FAILS(sg_weight_set_open(&set, "absent.pth", true, &err), SG_ERR_MISSING, "absent.pth");
}

static void test_not_finite_is_counted(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_weight_set *set;
    sg_weight_stats s;
    CHECK_OK(sg_weight_set_open(&set, GOLDEN "not_finite.pth", true, &err));
    CHECK_OK(sg_weight_stats_of(&s, &set->entries[0].tensor, &err));
    assert_int_equal(s.not_finite, 2);
    assert_float_equal(s.mean, 2, 1e-12);
    sg_weight_set_close(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_golden),
            cmocka_unit_test(test_facts),
            cmocka_unit_test(test_rules_are_told),
            cmocka_unit_test(test_two_names_become_one),
            cmocka_unit_test(test_refusals),
            cmocka_unit_test(test_not_finite_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
