/* test_safetensors.c - what is written is read back; what lies is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"
#include "weights/safetensors.h"
#include <stdlib.h>

static const float weights[6] = {1, -2, 3, -4, 5, -6};
static const double wide[2] = {0.5, -0.25};

static void write_two(const char *path) {
    sg_error err = SG_ERROR_INIT;
    sg_safetensors_item items[2] = {
            {"b.weight", SG_F32, sg_shape_of(2, (int64_t[]){2, 3}), weights},
            {"a.wide", SG_F64, sg_shape_of(1, (int64_t[]){2}), wide},
    };
    json_t *meta = json_pack("{s:s}", "format", "pt");
    CHECK_OK(sg_safetensors_write(path, items, 2, meta, &err));
    json_decref(meta);
}

/* A file with this header and `size` bytes of data. */
static void write_raw(const char *path, const char *header, size_t size) {
    sg_error err = SG_ERROR_INIT;
    size_t n = strlen(header);
    char *bytes = calloc(8 + n + size + 1, 1);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(n >> (8 * i));
    memcpy(bytes + 8, header, n);
    CHECK_OK(sg_file_write(path, bytes, 8 + n + size, &err));
    free(bytes);
}

static void test_round_trip(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    write_two("two.safetensors");
    sg_safetensors *file;
    CHECK_OK(sg_safetensors_open(&file, "two.safetensors", true, &err));
    assert_int_equal(file->count, 2);
    const sg_tensor *t = sg_safetensors_find(file, "b.weight");
    assert_non_null(t);
    assert_int_equal(t->shape.dims[1], 3);
    assert_memory_equal(t->data, weights, sizeof weights);
    assert_memory_equal(sg_safetensors_find(file, "a.wide")->data, wide, sizeof wide);
    assert_null(sg_safetensors_find(file, "c"));
    assert_string_equal(sg_safetensors_meta(file, "format"), "pt");
    sg_safetensors_close(file);
}

/* The reference writer's order: wider types first, then names; header padded to eight bytes. */
static void test_bytes_are_canonical(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    write_two("one.safetensors");
    char *bytes;
    size_t size;
    CHECK_OK(sg_file_read(&bytes, &size, "one.safetensors", 1 << 20, &err));
    size_t header = (unsigned char)bytes[0] | (size_t)(unsigned char)bytes[1] << 8;
    assert_int_equal(header % 8, 0);
    assert_int_equal(size, 8 + header + sizeof wide + sizeof weights);
    assert_memory_equal(bytes + 8 + header, wide, sizeof wide);
    free(bytes);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    write_two("whole.safetensors");
    char *bytes;
    size_t size;
    CHECK_OK(sg_file_read(&bytes, &size, "whole.safetensors", 1 << 20, &err));
    for (size_t n = 0; n < size; n++) {
        sg_safetensors *file = NULL;
        CHECK_OK(sg_file_write("cut.safetensors", bytes, n, &err));
        assert_int_not_equal(sg_safetensors_open(&file, "cut.safetensors", true, &err), SG_OK);
        assert_null(file);
    }
    free(bytes);
}

static void test_damaged_data_is_found(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    write_two("damaged.safetensors");
    char *bytes;
    size_t size;
    CHECK_OK(sg_file_read(&bytes, &size, "damaged.safetensors", 1 << 20, &err));
    bytes[size - 1] ^= 1;
    CHECK_OK(sg_file_write("damaged.safetensors", bytes, size, &err));
    free(bytes);
    sg_safetensors *file;
    CHECK_FAILS(sg_safetensors_open(&file, "damaged.safetensors", true, &err), SG_ERR_FORMAT,
            "SHA-256");
    CHECK_OK(sg_safetensors_open(&file, "damaged.safetensors", false, &err));
    sg_safetensors_close(file);
}

static void test_lies_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t size;
        sg_status status;
        const char *part;
    } cases[] = {
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, SG_ERR_FORMAT,
                    "bytes follow"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, SG_ERR_FORMAT,
                    "hole"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
             "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                    12, SG_ERR_FORMAT, "hole or overlaps"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
             "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
                    16, SG_ERR_FORMAT, "duplicate"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, SG_ERR_FORMAT,
                    "does not fill"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],"
             "\"data_offsets\":[0,8]}}",
                    8, SG_ERR_SHAPE, "tensor a"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, SG_ERR_FORMAT,
                    "no count"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, SG_ERR_FORMAT,
                    "outside"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,80]}}", 8, SG_ERR_FORMAT,
                    "outside"},
            {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8,
                    SG_ERR_INPUT, "F8_E4M3"},
            {"{\"__metadata__\":{\"x\":1}}", 0, SG_ERR_FORMAT, "no string"},
            {"[1]", 0, SG_ERR_FORMAT, "'{'"},
            {"{\"a\":1}", 0, SG_ERR_FORMAT, "exactly"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_safetensors *file;
        write_raw("lie.safetensors", cases[i].header, cases[i].size);
        CHECK_FAILS(sg_safetensors_open(&file, "lie.safetensors", true, &err), cases[i].status,
                cases[i].part);
    }
}

static void test_empty_and_scalar_tensors_are_legal(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_safetensors *file;
    write_raw("legal.safetensors",
            "{\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
            "\"none\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[0,0]}}",
            8);
    CHECK_OK(sg_safetensors_open(&file, "legal.safetensors", true, &err));
    assert_int_equal(sg_safetensors_find(file, "n")->shape.rank, 0);
    assert_int_equal(sg_shape_count(&sg_safetensors_find(file, "none")->shape), 0);
    sg_safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_bytes_are_canonical),
            cmocka_unit_test(test_every_truncation_is_refused),
            cmocka_unit_test(test_damaged_data_is_found),
            cmocka_unit_test(test_lies_are_refused),
            cmocka_unit_test(test_empty_and_scalar_tensors_are_legal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
