/* test_reading.c - the facts of a reading page, read back: the map of an image with its colours and
 * why not to trust it; nothing of a name ends a script. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/json.h"
#include "report/reading.h"
#include "support/check.h"
#include "support/image_folder.h"
#include <stdlib.h>
#include <string.h>

static json_t *facts_in(const char *text) {
    static const char begin[] = "id=\"facts\">";
    sg_error err = SG_ERROR_INIT;
    json_t *facts = NULL;
    const char *from = strstr(text, begin);
    assert_non_null(from);
    from += strlen(begin);
    size_t size = strcspn(from, "<");
    CHECK_OK(sg_json_parse(&facts, from, size, "facts", &err));
    return facts;
}

/* Written to a file and read back; the caller's. */
static json_t *facts_of(const sg_reading_page *page) {
    sg_error err = SG_ERROR_INIT;
    char folder[SG_TEST_PATH], *text = NULL;
    size_t size;
    sg_file_writer *to = NULL;
    sg_test_folder_make(folder);
    char *path = sg_path_join(folder, "read.html");
    CHECK_OK(sg_file_writer_open(&to, path, &err));
    CHECK_OK(sg_reading_page_put(to, page, &err));
    CHECK_OK(sg_file_writer_commit(to, &err));
    CHECK_OK(sg_file_read(&text, &size, path, 1 << 20, &err));
    json_t *facts = facts_in(text);
    free(text);
    free(path);
    sg_test_folder_remove(folder);
    return facts;
}

static const char *text_at(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void check_ramp(const json_t *facts) {
    const json_t *ramp = json_object_get(facts, "ramp");
    assert_int_equal(json_array_size(ramp), SG_READING_RAMP);
    for (size_t c = 0; c < 3; c++)
        assert_int_equal(json_integer_value(json_array_get(json_array_get(ramp, 32), c)), 97 + c);
}

static void test_maps(void **state) {
    (void)state;
    const double p[] = {0.25, 0.75};
    const char *const classes[] = {"benign", "malignant"};
    const uint8_t values[] = {0, 1, 2, 253, 254, 255};
    const sg_reading_map map = {"Grad-CAM, </script>", "Not checked.", 3, 2, values};
    const sg_reading_item items[] = {{.name = "<a>",
                                             .sha256 = "",
                                             .p = p,
                                             .low = p,
                                             .high = p,
                                             .abstain = "",
                                             .maps = &map,
                                             .map_count = 1,
                                             .picture = "",
                                             .thumbnail = ""},
            {.name = "b",
                    .sha256 = "",
                    .p = p,
                    .low = p,
                    .high = p,
                    .abstain = "",
                    .picture = "",
                    .thumbnail = ""}};
    sg_reading_page page = {.key = "k",
            .model = "m",
            .population = "",
            .classes = classes,
            .class_count = 2,
            .items = items,
            .count = 2};
    for (int c = 0; c < 3; c++) page.ramp[SG_READING_RAMP - 1][c] = (uint8_t)(97 + c);
    json_t *facts = facts_of(&page);
    const json_t *list = json_object_get(facts, "items");
    const json_t *maps = json_object_get(json_array_get(list, 0), "maps");
    assert_int_equal(json_array_size(maps), 1);
    const json_t *found = json_array_get(maps, 0);
    assert_string_equal(text_at(found, "name"), "Grad-CAM, </script>");
    assert_string_equal(text_at(found, "warning"), "Not checked.");
    assert_string_equal(text_at(found, "values"), "AAEC/f7/");
    assert_int_equal(json_integer_value(json_object_get(found, "width")), 3);
    assert_int_equal(json_integer_value(json_object_get(found, "height")), 2);
    maps = json_object_get(json_array_get(list, 1), "maps");
    assert_true(json_is_array(maps) && json_array_size(maps) == 0);
    check_ramp(facts);
    json_decref(facts);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
