/* Archives: read back field by field as APPNOTE.TXT has them; whole or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/zip_write.h"
#include "support/check.h"
#include <stdlib.h>
#include <string.h>

static uint32_t at(const uint8_t *data, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint32_t)data[i] << (8 * i);
    return value;
}

/* The entry at `directory` and the local record it points to hold this. Returns the next entry. */
static const uint8_t *check_entry(const uint8_t *file, const uint8_t *directory, const char *name,
        const char *content, uint32_t crc) {
    size_t n = strlen(name), size = strlen(content);
    const uint8_t *local = file + at(directory + 42, 4);
    assert_int_equal(at(directory, 4), 0x02014b50);
    assert_int_equal(at(local, 4), 0x04034b50);
    for (int i = 0; i < 2; i++) {
        const uint8_t *common = i ? local + 4 : directory + 6;
        assert_int_equal(at(common + 4, 2), 0); /* stored */
        assert_int_equal(at(common + 10, 4), crc);
        assert_int_equal(at(common + 14, 4), size);
        assert_int_equal(at(common + 18, 4), size);
        assert_int_equal(at(common + 22, 2), n);
    }
    assert_memory_equal(directory + 46, name, n);
    assert_memory_equal(local + 30, name, n);
    assert_memory_equal(local + 30 + n, content, size);
    return directory + 46 + n;
}

static void what_goes_in_stands_there(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_zip_writer *z;
    CHECK_OK(sg_file_write("part", "123456789", 9, &err));
    CHECK_OK(sg_zip_open(&z, "a.zip", &err));
    CHECK_OK(sg_zip_add(z, "empty", "", 0, &err));
    CHECK_OK(sg_zip_add_file(z, "folder/part", "part", &err));
    CHECK_OK(sg_zip_commit(z, &err));
    sg_file_map map;
    CHECK_OK(sg_file_map_open(&map, "a.zip", &err));
    const uint8_t *end = map.data + map.size - 22;
    assert_int_equal(at(end, 4), 0x06054b50);
    assert_int_equal(at(end + 8, 2), 2);
    assert_int_equal(at(end + 10, 2), 2);
    const uint8_t *directory = map.data + at(end + 16, 4);
    assert_ptr_equal(directory + at(end + 12, 4), end);
    directory = check_entry(map.data, directory, "empty", "", 0);
    directory = check_entry(map.data, directory, "folder/part", "123456789", 0xcbf43926);
    assert_ptr_equal(directory, end);
    sg_file_map_close(&map);
}

static void a_broken_one_is_not_there(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_zip_writer *z;
    CHECK_OK(sg_zip_open(&z, "b.zip", &err));
    CHECK_FAILS(sg_zip_add_file(z, "missing", "missing", &err), SG_ERR_MISSING, "missing");
    sg_zip_abandon(z);
    assert_false(sg_path_exists("b.zip"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_goes_in_stands_there),
            cmocka_unit_test(a_broken_one_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
