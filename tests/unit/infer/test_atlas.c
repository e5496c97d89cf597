/* test_atlas.c - nearest training images, the limit of the domain, and the way into a file and
 * back, on made-up features. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "infer/atlas.h"
#include "support/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 60, WIDTH = 8, MEMBERS = 2 };

/* Image i lies at angle i degrees in the plane of the first two features; groups of two. Member 0
 * is trained on the first 30, member 1 on all. The rest of member 0 is held out. */
static sg_atlas *make(bool held_out[MEMBERS * COUNT]) {
    sg_error err = SG_ERROR_INIT;
    sg_atlas *a;
    const size_t widths[MEMBERS] = {WIDTH, 3};
    CHECK_OK(sg_atlas_create(&a, COUNT, widths, MEMBERS, &err));
    for (size_t i = 0; i < COUNT; i++) {
        float f[WIDTH] = {0};
        f[0] = 7 * cosf((float)i * 0.0174533f); /* any length */
        f[1] = 7 * sinf((float)i * 0.0174533f);
        for (int m = 0; m < MEMBERS; m++) {
            sg_atlas_set_features(a, m, i, f);
            a->trained[(size_t)m * COUNT + i] = m == 1 || i < 30;
            if (held_out) held_out[(size_t)m * COUNT + i] = m == 0 && i >= 30;
        }
        snprintf(a->images[i].sha256, SG_SHA256_HEX, "%064zu", i);
        a->images[i].label = (int)i % 3;
        a->images[i].group = (uint32_t)i / 2;
    }
    return a;
}

static double between(double degrees) {
    return 1 - cos(degrees * 3.14159265358979 / 180);
}

static void ask(sg_resemblance *out, const sg_atlas *a, double degrees) {
    sg_error err = SG_ERROR_INIT;
    float f[WIDTH] = {0};
    f[0] = (float)cos(degrees * 3.14159265358979 / 180);
    f[1] = (float)sin(degrees * 3.14159265358979 / 180);
    const float *const raw[MEMBERS] = {f, f};
    CHECK_OK(sg_atlas_ask(out, a, raw, &err));
}

/* At 10 degrees the nearest groups are 10-11, 8-9, 12-13, 6-7, 14-15, at 0, 1, 2, 3, 4 degrees. */
static void test_neighbours(void **state) {
    (void)state;
    sg_atlas *a = make(NULL);
    sg_resemblance r;
    ask(&r, a, 10);
    assert_int_equal(r.count, SG_NEIGHBOURS);
    const size_t expected[] = {10, 9, 12, 7, 14};
    double mean = 0;
    for (size_t k = 0; k < SG_NEIGHBOURS; k++) {
        assert_ptr_equal(r.neighbours[k].image, &a->images[expected[k]]);
        assert_true(fabs(r.neighbours[k].distance - between((double)k)) < 1e-6);
        mean += between((double)k) / SG_NEIGHBOURS;
    }
    assert_true(fabs(r.distance - mean) < 1e-6);
    /* Member 0 knows nothing past 29: its distance is the larger, its images count for one only. */
    ask(&r, a, 50);
    double own = 0;
    for (int k = 0; k < SG_NEIGHBOURS; k++) own += between(21 + 2 * k) / SG_NEIGHBOURS;
    assert_true(fabs(r.distance - (mean + own) / 2) < 1e-5);
    assert_ptr_equal(r.neighbours[0].image, &a->images[50]);
    sg_atlas_destroy(a);
}

static void test_limit(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    bool held_out[MEMBERS * COUNT], none[MEMBERS * COUNT] = {0};
    sg_atlas *a = make(held_out);
    CHECK_OK(sg_atlas_learn(a, held_out, &err));
    assert_true(a->held_out);
    assert_int_equal(a->measured, 30);
    /* image 59 is the farthest: 30, 32, 34, 36 and 38 degrees from what member 0 knows */
    double most = 0;
    for (int k = 0; k < SG_NEIGHBOURS; k++) most += between(30 + 2 * k) / SG_NEIGHBOURS;
    assert_true(a->limit < most && a->limit > 0.85 * most);
    CHECK_OK(sg_atlas_learn(a, none, &err)); /* training images against other groups */
    assert_true(!a->held_out);
    assert_int_equal(a->measured, 90);
    assert_true(a->limit < between(8) && a->limit > between(2));
    for (size_t i = 0; i < COUNT; i++) a->images[i].group = 0;
    CHECK_FAILS(sg_atlas_learn(a, none, &err), SG_ERR_INPUT, "too few");
    float same[WIDTH] = {1};
    for (size_t i = 0; i < COUNT; i++) {
        a->images[i].group = (uint32_t)i;
        for (int m = 0; m < MEMBERS; m++) sg_atlas_set_features(a, m, i, same);
    }
    CHECK_FAILS(sg_atlas_learn(a, none, &err), SG_ERR_INPUT, "do not differ");
    sg_atlas_destroy(a);
}

static void write_it(const char *path, const sg_atlas *a, size_t rows) {
    sg_error err = SG_ERROR_INIT;
    sg_safetensors_item items[MEMBERS];
    for (int m = 0; m < MEMBERS; m++) {
        int64_t dims[] = {(int64_t)rows, (int64_t)a->widths[m]};
        items[m] = (sg_safetensors_item){
                sg_atlas_tensor_name(m), SG_F32, sg_shape_of(2, dims), a->features[m]};
    }
    CHECK_OK(sg_safetensors_write(path, items, MEMBERS, NULL, &err));
    for (int m = 0; m < MEMBERS; m++) free((char *)items[m].name);
}

static sg_status read_it(
        sg_atlas **out, const char *path, const json_t *section, int classes, sg_error *err) {
    sg_safetensors *file;
    sg_status st = sg_safetensors_open(&file, path, true, err);
    if (!st) st = sg_atlas_from_json(out, section, file, MEMBERS, classes, err);
    sg_safetensors_close(file);
    return st;
}

static void test_file(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    bool held_out[MEMBERS * COUNT];
    sg_atlas *a = make(held_out), *b;
    CHECK_OK(sg_atlas_learn(a, held_out, &err));
    json_t *section = sg_atlas_to_json(a);
    write_it("a.safetensors", a, COUNT);
    CHECK_OK(read_it(&b, "a.safetensors", section, 3, &err));
    assert_true(b->limit == a->limit && b->held_out && b->measured == a->measured);
    assert_memory_equal(b->images, a->images, COUNT * sizeof *a->images);
    assert_memory_equal(b->trained, a->trained, MEMBERS * COUNT * sizeof *a->trained);
    assert_memory_equal(b->features[1], a->features[1], COUNT * 3 * sizeof(float));
    sg_atlas_destroy(b);
    CHECK_FAILS(read_it(&b, "a.safetensors", section, 2, &err), SG_ERR_FORMAT, "image 3");
    write_it("less.safetensors", a, COUNT - 1);
    CHECK_FAILS(read_it(&b, "less.safetensors", section, 3, &err), SG_ERR_FORMAT, "not theirs");
    a->features[0][5] = NAN;
    write_it("nan.safetensors", a, COUNT);
    CHECK_FAILS(read_it(&b, "nan.safetensors", section, 3, &err), SG_ERR_FORMAT, "unit length");
    json_object_set_new(section, "limit", json_real(0));
    CHECK_FAILS(read_it(&b, "a.safetensors", section, 3, &err), SG_ERR_FORMAT, "limit");
    json_decref(section);
    sg_atlas_destroy(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_neighbours),
            cmocka_unit_test(test_limit),
            cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
