/* test_npy.c - the header that NumPy reads, to the byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/npy.h"
#include "support/check.h"
#include "support/image_folder.h"
#include <stdlib.h>

static void test_bytes(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char folder[SG_TEST_PATH], *bytes;
    size_t size;
    const float values[6] = {1, 2, 3, 4, 5, -6};
    const size_t shape[] = {2, 3};
    const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,)}     ";
    sg_test_folder_make(folder);
    char *path = sg_path_join(folder, "a.npy");
    CHECK_OK(sg_npy_write(path, values, shape, 2, &err));
    CHECK_OK(sg_file_read(&bytes, &size, path, 1000, &err));
    assert_int_equal(size, 128 + sizeof values);
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    assert_memory_equal(bytes + 10, header, strlen(header));
    assert_int_equal(bytes[127], '\n');
    assert_memory_equal(bytes + 128, values, sizeof values);
    free(bytes);
    free(path);
    sg_test_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
