/* test_calibrator_json.c - calibrators travel in a bundle and come back the same; damage is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/calibrator_json.h"
#include "support/check.h"
#include <math.h>
#include <stdlib.h>

enum { ROWS = 600, CLASSES = 3 };
static double logits[ROWS * CLASSES];
static uint32_t labels[ROWS];

static void fill(void) {
    for (int i = 0; i < ROWS; i++) {
        labels[i] = (uint32_t)(i % CLASSES);
        for (int c = 0; c < CLASSES; c++)
            logits[i * CLASSES + c] =
                    2 * sin(1.7 * i * (c + 1)) + ((int)labels[i] == c ? 1.2 : 0.1 * c);
    }
}

static void check_round_trip(sg_calibrator_kind kind) {
    sg_calibrator made, *back = NULL;
    sg_error err = SG_ERROR_INIT;
    double a[CLASSES], b[CLASSES];
    fill();
    CHECK_OK(sg_calibrator_fit(&made, kind, logits, labels, ROWS, CLASSES, &err));
    json_t *section = sg_calibrator_to_json(&made, "validation", ROWS), *parsed = NULL;
    char *text = sg_json_line(section);
    assert_non_null(text);
    CHECK_OK(sg_json_parse(&parsed, text, strlen(text), "text", &err));
    CHECK_OK(sg_calibrator_from_json(&back, parsed, CLASSES, "m.sgb", &err));
    if (kind == SG_CALIBRATOR_TEMPERATURE) {
        assert_null(back);
        assert_true(json_number_value(json_object_get(parsed, "temperature")) ==
                    made.temperature.value);
    }
    for (int i = 0; back && i < 20; i++) {
        sg_calibrator_apply(&made, a, logits + i * CLASSES, 1);
        sg_calibrator_apply(back, b, logits + i * CLASSES, 1);
        assert_memory_equal(a, b, sizeof a);
    }
    sg_calibrator_free(back);
    sg_calibrator_dispose(&made);
    free(text);
    json_decref(section);
    json_decref(parsed);
}

static void test_round_trips(void **state) {
    (void)state;
    check_round_trip(SG_CALIBRATOR_TEMPERATURE);
    check_round_trip(SG_CALIBRATOR_VECTOR);
    check_round_trip(SG_CALIBRATOR_ISOTONIC);
}

static void test_a_section_without_kind_is_a_temperature(void **state) {
    (void)state;
    sg_calibrator *back = (sg_calibrator *)logits;
    sg_error err = SG_ERROR_INIT;
    json_t *section = json_pack("{s:f}", "temperature", 1.5);
    CHECK_OK(sg_calibrator_from_json(&back, section, CLASSES, "m.sgb", &err));
    assert_null(back);
    CHECK_OK(sg_calibrator_from_json(&back, NULL, CLASSES, "m.sgb", &err));
    json_decref(section);
}

static void test_damage_is_told(void **state) {
    (void)state;
    static const char *const sections[] = {"{\"kind\": \"vector\"}",
            "{\"kind\": \"vector\", \"weight\": [1, 1], \"bias\": [0, 0, 0]}",
            "{\"kind\": \"vector\", \"weight\": [1, 1, \"x\"], \"bias\": [0, 0, 0]}",
            "{\"kind\": \"isotonic\", \"x\": [[0], [0]], \"y\": [[0], [1]]}",
            "{\"kind\": \"isotonic\", \"x\": [[0, 0], [0], [0]], \"y\": [[0, 1], [1], [1]]}",
            "{\"kind\": \"isotonic\", \"x\": [[0, 1], [0], [0]], \"y\": [[1, 0], [1], [1]]}",
            "{\"kind\": \"isotonic\", \"x\": [[0], [0], [0]], \"y\": [[2], [1], [1]]}"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        sg_calibrator *back;
        sg_error err = SG_ERROR_INIT;
        json_t *section = NULL;
        CHECK_OK(sg_json_parse(&section, sections[i], strlen(sections[i]), "text", &err));
        CHECK_FAILS(sg_calibrator_from_json(&back, section, CLASSES, "m.sgb", &err), SG_ERR_FORMAT,
                "m.sgb");
        assert_null(back);
        json_decref(section);
    }
    json_t *section = json_pack("{s:s}", "kind", "later");
    sg_calibrator *back;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_calibrator_from_json(&back, section, CLASSES, "m.sgb", &err), SG_ERR_UNSUPPORTED,
            "newer");
    json_decref(section);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trips),
            cmocka_unit_test(test_a_section_without_kind_is_a_temperature),
            cmocka_unit_test(test_damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
