/* test_checklist.c - the reporting checklists: complete, filled from what is known, open where only
 * people know. SPDX-License-Identifier: Apache-2.0 */
#include "cli/checklist.h"
#include "support/check.h"
#include <stdio.h>

static json_t *make_metrics(void) {
    return json_pack("{s:i, s:i, s:f, s:[f,f], s:s, s:i, s:[{s:s, s:i}], s:[{s:s, s:i, s:{s:i}, "
                     "s:{s:i, s:{s:i, s:i}}}], s:{s:s}, s:s, s:{s:s}}",
            "n", 20, "groups", 18, "accuracy", 0.9, "accuracy_ci", 0.7, 0.97, "split_unit", "group",
            "seen_images", 0, "per_class", "class", "benign", "support", 20, "models", "model",
            "tiny", "parameters", 1234, "recipe", "size", 64, "training", "images", 30,
            "class_counts", "benign", 20, "malignant", 10, "data", "name", "set", "evaluated_on",
            "test", "ledger", "order", "first look");
}

static const sg_checklist_item *find(
        const sg_checklist *list, const char *name, const char *number) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].list, name) == 0 && strcmp(list->items[i].number, number) == 0)
            return &list->items[i];
    fail_msg("no item %s of %s", number, name);
    return NULL;
}

static void test_lists_are_complete(void **state) {
    (void)state;
    sg_checklist list;
    sg_error err = SG_ERROR_INIT;
    json_t *metrics = make_metrics();
    char number[16];
    CHECK_OK(sg_checklist_make(&list, metrics, &err));
    assert_int_equal(list.count, 44 + 27);
    for (int i = 1; i <= 44; i++) {
        (void)snprintf(number, sizeof number, "%d", i);
        find(&list, "CLAIM 2024", number);
        if (i <= 27) find(&list, "TRIPOD+AI", number);
    }
    sg_checklist_dispose(&list);
    json_decref(metrics);
}

static void test_what_is_known_is_filled(void **state) {
    (void)state;
    sg_checklist list;
    sg_error err = SG_ERROR_INIT;
    json_t *metrics = make_metrics();
    CHECK_OK(sg_checklist_make(&list, metrics, &err));
    const sg_checklist_item *item = find(&list, "CLAIM 2024", "37");
    assert_int_equal(item->state, SG_ITEM_FILLED);
    assert_non_null(strstr(item->answer, "accuracy 0.900 (0.700-0.970)"));
    assert_non_null(strstr(item->answer, "macro F1 none"));
    assert_non_null(strstr(find(&list, "CLAIM 2024", "22")->answer, "tiny, 1234 parameters"));
    assert_non_null(strstr(find(&list, "CLAIM 2024", "26")->answer, "first look"));
    assert_non_null(strstr(find(&list, "CLAIM 2024", "33")->answer, "not in this evaluation"));
    assert_non_null(
            strstr(find(&list, "TRIPOD+AI", "16")->answer, "trained on: benign 20, malignant 10"));
    sg_checklist_dispose(&list);
    json_decref(metrics);
}

/* Human items have no answer; every other one has, if only that nothing was done. */
static void test_human_items_stay_open(void **state) {
    (void)state;
    static const char *const human[] = {"5", "11", "14", "34", "36", "44"};
    sg_checklist list;
    sg_error err = SG_ERROR_INIT;
    json_t *metrics = make_metrics();
    CHECK_OK(sg_checklist_make(&list, metrics, &err));
    for (size_t i = 0; i < sizeof human / sizeof *human; i++)
        assert_int_equal(find(&list, "CLAIM 2024", human[i])->state, SG_ITEM_OPEN);
    for (size_t i = 0; i < list.count; i++) {
        const sg_checklist_item *item = &list.items[i];
        bool idle = item->answer && strstr(item->answer, "not in this evaluation");
        assert_int_equal(item->state == SG_ITEM_OPEN, item->answer == NULL || idle);
    }
    sg_checklist_dispose(&list);
    json_decref(metrics);
}

/* An evaluation is on internal or on external data; the other item is not filled. Relatives that an
 * audit finds across the split are told where disjointness is. */
static void test_what_was_not_done_is_not_filled(void **state) {
    (void)state;
    sg_checklist list;
    sg_error err = SG_ERROR_INIT;
    json_t *metrics = make_metrics();
    CHECK_OK(sg_checklist_make(&list, metrics, &err));
    assert_int_equal(find(&list, "CLAIM 2024", "32")->state, SG_ITEM_FILLED);
    assert_int_equal(find(&list, "CLAIM 2024", "33")->state, SG_ITEM_OPEN);
    assert_int_equal(find(&list, "CLAIM 2024", "20")->state, SG_ITEM_FILLED);
    sg_checklist_dispose(&list);
    json_object_set_new(metrics, "evaluated_on", json_string("external"));
    json_object_set_new(
            metrics, "cohort", json_pack("{s:i}", "images_with_a_relative_in_training", 4));
    CHECK_OK(sg_checklist_make(&list, metrics, &err));
    assert_int_equal(find(&list, "CLAIM 2024", "32")->state, SG_ITEM_OPEN);
    assert_int_equal(find(&list, "CLAIM 2024", "33")->state, SG_ITEM_FILLED);
    assert_int_equal(find(&list, "CLAIM 2024", "20")->state, SG_ITEM_PARTLY);
    assert_non_null(strstr(find(&list, "CLAIM 2024", "20")->answer, "relatives of 4"));
    sg_checklist_dispose(&list);
    json_decref(metrics);
}

/* A document of another version lacks sections: that is told, and nothing breaks. */
static void test_an_empty_document_is_survived(void **state) {
    (void)state;
    sg_checklist list;
    sg_error err = SG_ERROR_INIT;
    json_t *metrics = json_object();
    CHECK_OK(sg_checklist_make(&list, metrics, &err));
    assert_non_null(strstr(find(&list, "CLAIM 2024", "23")->answer, "not known"));
    sg_checklist_dispose(&list);
    json_decref(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lists_are_complete),
            cmocka_unit_test(test_what_is_known_is_filled),
            cmocka_unit_test(test_human_items_stay_open),
            cmocka_unit_test(test_what_was_not_done_is_not_filled),
            cmocka_unit_test(test_an_empty_document_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
