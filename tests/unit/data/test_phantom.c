/* test_phantom.c - phantoms repeat, show the signs of their class, and tell the truth about copies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/file.h"
#include "data/phantom.h"
#include "image/codec.h"
#include "image/warp.h"
#include "support/check.h"
#include "support/image_folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 96, MANY = 40 };

static void make(sg_phantom *p, sg_phantom_class c, uint32_t index, uint64_t seed) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_phantom_make(p, c, index, seed, SIZE, &err));
}

static void test_same_index_same_pixels(void **state) {
    (void)state;
    sg_phantom a, b, other;
    make(&a, SG_PHANTOM_MALIGNANT, 3, 1);
    make(&b, SG_PHANTOM_MALIGNANT, 3, 1);
    assert_memory_equal(a.image.pixels, b.image.pixels, SIZE * SIZE);
    assert_memory_equal(a.masks[0].pixels, b.masks[0].pixels, SIZE * SIZE);
    make(&other, SG_PHANTOM_MALIGNANT, 4, 1);
    assert_memory_not_equal(a.image.pixels, other.image.pixels, SIZE * SIZE);
    sg_phantom_dispose(&other);
    make(&other, SG_PHANTOM_MALIGNANT, 3, 2);
    assert_memory_not_equal(a.image.pixels, other.image.pixels, SIZE * SIZE);
    sg_phantom_dispose(&other);
    sg_phantom_dispose(&a);
    sg_phantom_dispose(&b);
}

/* Width and height of what a mask covers, its area, and mean grey inside and under it. */
typedef struct look {
    double width, height, area, inside, below;
} look;

static look look_at(const sg_phantom *p) {
    const uint8_t *mask = p->masks[0].pixels, *grey = p->image.pixels;
    int x0 = SIZE, x1 = -1, y0 = SIZE, y1 = -1, below = 0;
    look l = {0};
    for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x++) {
            assert_true(mask[y * SIZE + x] == 0 || mask[y * SIZE + x] == 255);
            if (!mask[y * SIZE + x]) continue;
            if (x < x0) x0 = x;
            if (x > x1) x1 = x;
            if (y < y0) y0 = y;
            if (y > y1) y1 = y;
            l.area++;
            l.inside += grey[y * SIZE + x];
        }
    }
    l.width = x1 - x0 + 1;
    l.height = y1 - y0 + 1;
    if (l.area > 0) l.inside /= l.area;
    for (int y = y1 + 2; y < y1 + 8 && y < SIZE; y++)
        for (int x = (3 * x0 + x1) / 4; x <= (x0 + 3 * x1) / 4; x++, below++)
            l.below += grey[y * SIZE + x];
    if (below) l.below /= below;
    return l;
}

static void test_signs_of_the_classes(void **state) {
    (void)state;
    int tall[2] = {0};
    double behind[2] = {0};
    for (int c = 0; c < 2; c++) {
        for (uint32_t i = 0; i < MANY; i++) {
            sg_phantom p;
            make(&p, c, i, 7);
            look l = look_at(&p);
            assert_true(l.area > 20.0 && l.area < 0.5 * SIZE * SIZE);
            tall[c] += l.height > l.width;
            behind[c] += l.below / MANY;
            assert_string_not_equal(p.finding, "none");
            sg_phantom_dispose(&p);
        }
    }
    assert_true(tall[SG_PHANTOM_BENIGN] < MANY / 4);
    assert_true(tall[SG_PHANTOM_MALIGNANT] > MANY / 2);
    /* Shadow behind the one, enhancement behind the other. */
    assert_true(behind[SG_PHANTOM_MALIGNANT] + 10.0 < behind[SG_PHANTOM_BENIGN]);
}

static void test_normals_have_black_masks(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        sg_phantom p;
        make(&p, SG_PHANTOM_NORMAL, i, 7);
        assert_int_equal(p.mask_count, 1);
        assert_string_equal(p.finding, "none");
        assert_true(look_at(&p).area == 0.0);
        sg_phantom_dispose(&p);
    }
}

/* Pictures are exposed as pictures: neither empty nor burnt out, and none like another. */
static void test_exposure(void **state) {
    (void)state;
    for (int c = 0; c < SG_PHANTOM_CLASSES; c++) {
        for (uint32_t i = 0; i < MANY; i++) {
            sg_phantom p;
            make(&p, c, i, 3);
            double sum = 0.0;
            int full = 0;
            for (int k = 0; k < SIZE * SIZE; k++) {
                sum += p.image.pixels[k];
                full += p.image.pixels[k] == 255;
            }
            double mean = sum / (SIZE * SIZE);
            if (mean < 25.0 || mean > 170.0 || full > SIZE * SIZE / 10)
                fail_msg("%s %u: mean %.1f, %d at 255", sg_phantom_class_name(c), i, mean, full);
            sg_phantom_dispose(&p);
        }
    }
}

static void test_size_is_checked(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_phantom p;
    CHECK_FAILS(sg_phantom_make(&p, SG_PHANTOM_NORMAL, 0, 1, 8, &err), SG_ERR_USAGE, "32..2048");
}

static void read_grey(sg_image *out, const char *dir, const char *name) {
    sg_error err = SG_ERROR_INIT;
    char *path = sg_path_join(dir, name);
    CHECK_OK(sg_image_read(out, NULL, path, NULL, &err));
    assert_int_equal(out->channels, 1);
    free(path);
}

/* Mean grey difference between a copy and its source seen through the affine of the truth file,
 * over the middle, where neither border nor marks disturb much. */
static double misfit(const sg_image *copy, const sg_image *source, const double m[6], double gain) {
    sg_error err = SG_ERROR_INIT;
    float *seen = malloc((size_t)copy->width * (size_t)copy->height * sizeof *seen);
    assert_non_null(seen);
    CHECK_OK(sg_warp_affine(seen, copy->width, copy->height, source, (sg_rect){0}, m, 0.0f, &err));
    double sum = 0.0;
    int n = 0;
    for (int y = copy->height / 4; y < copy->height * 3 / 4; y++) {
        for (int x = copy->width / 4; x < copy->width * 3 / 4; x++, n++) {
            double want = (double)seen[y * copy->width + x] * gain;
            sum += fabs((want > 255.0 ? 255.0 : want) - copy->pixels[y * copy->width + x]);
        }
    }
    free(seen);
    return sum / n;
}

static void check_marks(const sg_image *copy, const char *marks) {
    while (*marks) {
        int x, y, w, h, used = 0;
        char kind[16];
        assert_int_equal(sscanf(marks, "%15[^:]:%d,%d,%d,%d%n", kind, &x, &y, &w, &h, &used), 5);
        assert_true(x >= 0 && y >= 0 && x + w <= copy->width && y + h <= copy->height);
        int bright = 0;
        for (int v = y; v < y + h; v++)
            for (int u = x; u < x + w; u++) bright += copy->pixels[v * copy->width + u] >= 235;
        if (strcmp(kind, "caliper") == 0)
            assert_true(bright >= w + h - 1);
        else {
            assert_string_equal(kind, "text");
            assert_true(bright > 10);
        }
        marks += used;
        if (*marks == ';') marks++;
    }
}

static void test_set_tells_the_truth(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH];
    sg_test_folder_make(dir);
    sg_phantom_options o = {20, SIZE, 5, 0.4, 0.2, 0.0};
    CHECK_OK(sg_phantom_write_set(dir, &o, false, NULL, NULL, &err));
    char *path = sg_path_join(dir, "phantom-truth.csv");
    sg_csv truth;
    CHECK_OK(sg_csv_read(&truth, path, &err));
    free(path);
    assert_int_equal(truth.rows, 60);
    int kind = sg_csv_column(&truth, "kind"), source = sg_csv_column(&truth, "source");
    int m0 = sg_csv_column(&truth, "m0"), gain_at = sg_csv_column(&truth, "gain");
    int duplicates = 0, conflicts = 0, marked = 0;
    for (size_t r = 0; r < truth.rows; r++) {
        const char *name = sg_csv_cell(&truth, r, 0), *from = sg_csv_cell(&truth, r, source);
        const char *what = sg_csv_cell(&truth, r, kind);
        if (strcmp(what, "original") == 0) {
            assert_string_equal(from, "");
            continue;
        }
        bool same_class = strncmp(name, from, 4) == 0;
        assert_true(same_class == (strcmp(what, "duplicate") == 0));
        duplicates += same_class;
        conflicts += !same_class;
        sg_image a, b;
        read_grey(&a, dir, name);
        read_grey(&b, dir, from);
        double m[6], gain;
        for (int i = 0; i < 6; i++)
            assert_true(sg_parse_double(&m[i], sg_csv_cell(&truth, r, m0 + i)));
        assert_true(sg_parse_double(&gain, sg_csv_cell(&truth, r, gain_at)));
        double off = misfit(&a, &b, m, gain);
        if (off > 6.0) fail_msg("%s is not %s: %.1f levels apart", name, from, off);
        const char *marks = sg_csv_cell(&truth, r, sg_csv_column(&truth, "marks"));
        marked += *marks != '\0';
        check_marks(&a, marks);
        sg_image_dispose(&a);
        sg_image_dispose(&b);
    }
    assert_int_equal(duplicates, 24);
    assert_int_equal(conflicts, 12);
    assert_true(marked > 8);
    sg_csv_dispose(&truth);
    sg_test_folder_remove(dir);
}

/* Pixels of a box, or of the whole picture when box is NULL, that marks made brighter by 20 or
 * more. */
static int count_ink(const sg_image *with, const sg_image *without, const long long box[4]) {
    int ink = 0;
    assert_true(with->width == without->width && with->height == without->height);
    for (int y = 0; y < with->height; y++) {
        for (int x = 0; x < with->width; x++) {
            bool in = !box ||
                      (x >= box[0] && x < box[0] + box[2] && y >= box[1] && y < box[1] + box[3]);
            size_t at = (size_t)y * (size_t)with->width + (size_t)x;
            ink += in && with->pixels[at] >= without->pixels[at] + 20;
        }
    }
    return ink;
}

/* Every box of the side file holds ink, and unmarked pictures are those of a set without marks. */
static void test_marks_have_boxes(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH], plain[SG_TEST_PATH];
    sg_test_folder_make(dir);
    sg_test_folder_make(plain);
    sg_phantom_options o = {8, 128, 5, 0.0, 0.0, 0.7};
    CHECK_OK(sg_phantom_write_set(dir, &o, false, NULL, NULL, &err));
    o.marks = 0.0;
    CHECK_OK(sg_phantom_write_set(plain, &o, false, NULL, NULL, &err));
    char *path = sg_path_join(dir, "phantom-marks.csv");
    sg_csv marks;
    CHECK_OK(sg_csv_read(&marks, path, &err));
    free(path);
    int kinds[3] = {0}, clean = 0;
    for (int i = 0; i < 24; i++) {
        const char *class = sg_phantom_class_name(i / 8);
        char name[96];
        snprintf(name, sizeof name, "%s/%s (%d).png", class, class, i % 8 + 1);
        sg_image with, without;
        read_grey(&with, dir, name);
        read_grey(&without, plain, name);
        int boxes = 0;
        for (size_t r = 0; r < marks.rows; r++) {
            if (strcmp(sg_csv_cell(&marks, r, 0), name) != 0) continue;
            const char *kind = sg_csv_cell(&marks, r, 1);
            long long box[4];
            for (int k = 0; k < 4; k++)
                assert_true(sg_parse_int64(&box[k], sg_csv_cell(&marks, r, 2 + k)));
            if (count_ink(&with, &without, box) < 4) fail_msg("%s: no ink in a %s", name, kind);
            kinds[strcmp(kind, "caliper") == 0 ? 0 : strcmp(kind, "text") == 0 ? 1 : 2]++;
            boxes++;
        }
        clean += boxes == 0;
        assert_true(boxes > 0 || count_ink(&with, &without, NULL) == 0);
        sg_image_dispose(&with);
        sg_image_dispose(&without);
    }
    assert_true(kinds[0] >= 8 && kinds[1] >= 4 && kinds[2] >= 2 && clean >= 2 && clean <= 14);
    sg_csv_dispose(&marks);
    sg_test_folder_remove(dir);
    sg_test_folder_remove(plain);
}

static void hash_set(char out[SG_SHA256_HEX], const char *dir) {
    sg_error err = SG_ERROR_INIT;
    sg_str all;
    sg_str_init(&all, 0);
    for (int c = 0; c < SG_PHANTOM_CLASSES; c++) {
        char **names, *folder = sg_path_join(dir, sg_phantom_class_name(c));
        size_t n;
        CHECK_OK(sg_dir_list(&names, &n, folder, &err));
        for (size_t i = 0; i < n; i++) {
            char hex[SG_SHA256_HEX], *path = sg_path_join(folder, names[i]);
            CHECK_OK(sg_sha256_file(hex, path, &err));
            sg_str_append(&all, names[i]);
            sg_str_append(&all, hex);
            free(path);
        }
        sg_names_free(names);
        free(folder);
    }
    sg_sha256_hex(out, all.data, all.len);
    sg_str_dispose(&all);
}

static void test_threads_change_nothing(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH], one[SG_SHA256_HEX], four[SG_SHA256_HEX];
    sg_test_folder_make(dir);
    sg_phantom_options o = {6, 48, 5, 0.2, 0.2, 0.0};
    sg_pool *pool;
    CHECK_OK(sg_phantom_write_set(dir, &o, false, NULL, NULL, &err));
    hash_set(one, dir);
    CHECK_OK(sg_pool_create(&pool, 3, &err));
    CHECK_OK(sg_phantom_write_set(dir, &o, true, pool, NULL, &err));
    sg_pool_destroy(pool);
    hash_set(four, dir);
    assert_string_equal(one, four);
    sg_test_folder_remove(dir);
}

static void test_only_phantoms_are_replaced(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH];
    sg_test_folder_make(dir);
    sg_phantom_options o = {1, 32, 5, 0.0, 0.0, 0.0};
    sg_test_text_write(dir, "thesis.txt", "years of work");
    CHECK_FAILS(
            sg_phantom_write_set(dir, &o, true, NULL, NULL, &err), SG_ERR_INPUT, "no phantom set");
    sg_test_folder_remove(dir);
    CHECK_OK(sg_phantom_write_set(dir, &o, false, NULL, NULL, &err));
    CHECK_FAILS(
            sg_phantom_write_set(dir, &o, false, NULL, NULL, &err), SG_ERR_INPUT, "--overwrite");
    CHECK_OK(sg_phantom_write_set(dir, &o, true, NULL, NULL, &err));
    char image[SG_TEST_PATH + 64];
    snprintf(image, sizeof image, "%s/benign/benign (1).png", dir);
    assert_true(sg_phantom_is_member(image));
    snprintf(image, sizeof image, "%s/benign", dir);
    assert_false(sg_phantom_is_member(image));
    assert_false(sg_phantom_is_member("benign.png"));
    sg_test_folder_remove(dir);
}

static void test_options_are_checked(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_phantom_options o = {4, 32, 5, 0.5, 0.5, 0.0};
    CHECK_FAILS(
            sg_phantom_write_set("x", &o, false, NULL, NULL, &err), SG_ERR_USAGE, "no original");
    o.marks = 1.5;
    CHECK_FAILS(sg_phantom_write_set("x", &o, false, NULL, NULL, &err), SG_ERR_USAGE, "marks");
    o.duplicates = 0.6;
    CHECK_FAILS(sg_phantom_write_set("x", &o, false, NULL, NULL, &err), SG_ERR_USAGE, "duplicates");
    o.per_class = 0;
    CHECK_FAILS(sg_phantom_write_set("x", &o, false, NULL, NULL, &err), SG_ERR_USAGE, "per class");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_same_index_same_pixels),
            cmocka_unit_test(test_signs_of_the_classes),
            cmocka_unit_test(test_normals_have_black_masks),
            cmocka_unit_test(test_exposure),
            cmocka_unit_test(test_size_is_checked),
            cmocka_unit_test(test_set_tells_the_truth),
            cmocka_unit_test(test_marks_have_boxes),
            cmocka_unit_test(test_threads_change_nothing),
            cmocka_unit_test(test_only_phantoms_are_replaced),
            cmocka_unit_test(test_options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
