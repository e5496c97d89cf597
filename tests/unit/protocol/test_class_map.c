/* test_class_map.c - classes of foreign data as classes of a model: the map as it is written, and
 * the map that an error asks for. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/class_map.h"
#include "support/check.h"

static const char *const model[] = {"benign", "malignant", "normal"};

static sg_manifest data_of(char **names, size_t count) {
    return (sg_manifest){.class_names = names, .class_count = count};
}

static void test_map_is_applied(void **state) {
    (void)state;
    static char *names[] = {"B", "cyst", "M", "doppler", "normal"};
    sg_manifest m = data_of(names, 5);
    sg_class_map map;
    sg_error err = SG_ERROR_INIT;
    int index[5];
    CHECK_OK(sg_class_map_parse(&map, " malignant = M; benign=B , cyst ;=doppler;", &err));
    CHECK_OK(sg_class_map_apply(index, &map, &m, model, 3, &err));
    assert_int_equal(index[0], 0);
    assert_int_equal(index[1], 0);
    assert_int_equal(index[2], 1);
    assert_int_equal(index[3], SG_CLASS_LEFT_OUT);
    assert_int_equal(index[4], 2);
    sg_class_map_dispose(&map);
}

static void test_names_alone(void **state) {
    (void)state;
    static char *names[] = {"normal", "benign"};
    sg_manifest m = data_of(names, 2);
    sg_error err = SG_ERROR_INIT;
    int index[2];
    CHECK_OK(sg_class_map_apply(index, NULL, &m, model, 3, &err));
    assert_int_equal(index[0], 2);
    assert_int_equal(index[1], 0);
}

static void test_unknown_class_names_the_map_to_write(void **state) {
    (void)state;
    static char *names[] = {"B", "Malignant_IDC", "benign", "odd"};
    sg_manifest m = data_of(names, 4);
    sg_class_map map;
    sg_error err = SG_ERROR_INIT;
    int index[4];
    CHECK_FAILS(sg_class_map_apply(index, NULL, &m, model, 3, &err), SG_ERR_INPUT,
            "--class-map \"benign=B;malignant=Malignant_IDC;?=odd\"");
    CHECK_OK(sg_class_map_parse(&map, "=odd;benign=B", &err));
    CHECK_FAILS(sg_class_map_apply(index, &map, &m, model, 3, &err), SG_ERR_INPUT,
            "\"=odd;benign=B;malignant=Malignant_IDC\"");
    sg_class_map_dispose(&map);
}

static void test_misspelt_names_are_refused(void **state) {
    (void)state;
    static char *names[] = {"B"};
    sg_manifest m = data_of(names, 1);
    sg_class_map map;
    sg_error err = SG_ERROR_INIT;
    int index[1];
    CHECK_OK(sg_class_map_parse(&map, "bening=B", &err));
    CHECK_FAILS(sg_class_map_apply(index, &map, &m, model, 3, &err), SG_ERR_INPUT,
            "'bening', which the model does not know; there are 'benign'");
    sg_class_map_dispose(&map);
    CHECK_OK(sg_class_map_parse(&map, "benign=B,C", &err));
    CHECK_FAILS(sg_class_map_apply(index, &map, &m, model, 3, &err), SG_ERR_INPUT,
            "'C', which the data do not have");
    sg_class_map_dispose(&map);
}

static void test_bad_text_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {{"", "is empty"}, {" ; ", "is empty"}, {"benign", "has no '='"},
            {"benign=", "nothing stands after 'benign='"}, {"benign=a,,b", "nothing stands"},
            {"benign=a;malignant=a", "names the class 'a' of the data twice"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_class_map map;
        sg_error err = SG_ERROR_INIT;
        CHECK_FAILS(sg_class_map_parse(&map, cases[i].text, &err), SG_ERR_USAGE, cases[i].words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_map_is_applied),
            cmocka_unit_test(test_names_alone),
            cmocka_unit_test(test_unknown_class_names_the_map_to_write),
            cmocka_unit_test(test_misspelt_names_are_refused),
            cmocka_unit_test(test_bad_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
