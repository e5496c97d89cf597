/* test_session_images.c - which images a training sees, and how: augmented for training and never
 * for validation, each once per epoch or balanced. SPDX-License-Identifier: Apache-2.0 */
#include "image/codec.h"
#include "support/check.h"
#include "support/toy_training.h"
#include "train/session.h"
#include <stdlib.h>

enum { TRAIN = 14, VAL = 5, IMAGES = TRAIN + VAL, FLOATS = 3 * 32 * 32 };

/* 10 + 2 + 2 for training, 5 for validation. */
static void set_up(toy_training *t) {
    static const int labels[IMAGES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2};
    uint32_t seeds[IMAGES];
    for (uint32_t i = 0; i < IMAGES; i++) seeds[i] = i;
    toy_training_make(t, labels, IMAGES, 3);
    for (int i = TRAIN; i < IMAGES; i++) t->parts.bins[i] = SG_PART_VAL;
    t->options.batch = 7;
    toy_training_draw(t, seeds);
}

/* One epoch of a loader: the images by their place in its list (the last helping counts), and how
 * often each class came. */
static void read_epoch(
        float images[][FLOATS], int counts[3], sg_loader *loader, int batch, uint32_t epoch) {
    sg_error err = SG_ERROR_INIT;
    float *block = malloc((size_t)batch * FLOATS * sizeof *block);
    sg_batch b;
    assert_non_null(block);
    memset(counts, 0, 3 * sizeof *counts);
    CHECK_OK(sg_loader_start(loader, epoch, 0, &err));
    CHECK_OK(sg_loader_next(&b, loader, block, &err));
    while (b.count) {
        for (int i = 0; i < b.count; i++) {
            memcpy(images[b.index[i]], block + (size_t)i * FLOATS, FLOATS * sizeof *block);
            counts[b.labels[i]]++;
        }
        CHECK_OK(sg_loader_next(&b, loader, block, &err));
    }
    free(block);
}

static float first[IMAGES][FLOATS], second[IMAGES][FLOATS];

/* The file through the recipe and nothing else. */
static void check_plain(const toy_training *t, int row, const float *got) {
    sg_error err = SG_ERROR_INIT;
    static float want[FLOATS];
    sg_image image, prepared;
    char *path = sg_manifest_file(&t->manifest, (size_t)row);
    CHECK_OK(sg_image_read(&image, NULL, path, NULL, &err));
    CHECK_OK(sg_recipe_prepare(&prepared, NULL, &image, &t->options.recipe, &err));
    CHECK_OK(sg_recipe_finish(want, &prepared, &t->options.recipe, NULL, &err));
    assert_memory_equal(got, want, sizeof want);
    sg_image_dispose(&image);
    sg_image_dispose(&prepared);
    free(path);
}

static void test_training_is_augmented_and_validation_is_not(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    sg_session s;
    int counts[3];
    set_up(&t);
    t.options.augment = (sg_augment)SG_AUGMENT_INIT;
    CHECK_OK(sg_session_open(&s, &t.job, &err));
    read_epoch(first, counts, s.train, s.batch, 0);
    read_epoch(second, counts, s.train, s.batch, 1);
    for (int i = 0; i < TRAIN; i++) assert_memory_not_equal(first[i], second[i], sizeof first[i]);
    read_epoch(first, counts, s.val, 32, 1);
    for (int i = 0; i < VAL; i++) check_plain(&t, TRAIN + i, first[i]);
    assert_true(counts[0] == 2 && counts[1] == 2 && counts[2] == 1);
    sg_session_close(&s);
    t.options.augment.on = false;
    CHECK_OK(sg_session_open(&s, &t.job, &err));
    read_epoch(first, counts, s.train, s.batch, 1);
    for (int i = 0; i < TRAIN; i++) check_plain(&t, i, first[i]);
    sg_session_close(&s);
    toy_training_dispose(&t);
}

static void test_sampler(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    sg_session s;
    int counts[3], sums[3] = {0, 0, 0};
    set_up(&t);
    CHECK_OK(sg_session_open(&s, &t.job, &err));
    read_epoch(first, counts, s.train, s.batch, 0);
    assert_true(counts[0] == 10 && counts[1] == 2 && counts[2] == 2);
    sg_session_close(&s);
    t.options.balanced_sampler = true;
    CHECK_OK(sg_session_open(&s, &t.job, &err));
    for (uint32_t epoch = 0; epoch < 12; epoch++) {
        read_epoch(first, counts, s.train, s.batch, epoch);
        for (int c = 0; c < 3; c++) sums[c] += counts[c];
    }
    /* 168 draws, 56 expected of each class, sd 6 */
    for (int c = 0; c < 3; c++) assert_in_range(sums[c], 36, 76);
    sg_session_close(&s);
    toy_training_dispose(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_training_is_augmented_and_validation_is_not),
            cmocka_unit_test(test_sampler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
