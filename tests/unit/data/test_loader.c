/* test_loader.c - the same bytes for any number of workers, any cache and any beginning; orders;
 * errors that name the file. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "data/loader.h"
#include "image/codec.h"
#include "support/check.h"
#include "support/image_folder.h"

#include <dirent.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { IMAGES = 11, SIDE = 32, BATCH = 4, FLOATS = 3 * SIDE * SIDE };

static char folder[SG_TEST_PATH];
static char names[IMAGES][24];
static sg_loader_item items[IMAGES];

static int make_images(void **state) {
    (void)state;
    sg_test_folder_make(folder);
    for (int i = 0; i < IMAGES; i++) {
        snprintf(names[i], sizeof names[i], "a (%d).png", i);
        sg_test_picture_write(folder, names[i], (uint32_t)i + 1);
        /* Labels 0, 1 and 2; one image only of the last. */
        items[i] = (sg_loader_item){names[i], i == 0 ? 2 : i % 2, 100u + (uint32_t)i};
    }
    return 0;
}

static int remove_images(void **state) {
    (void)state;
    sg_test_folder_remove(folder);
    return 0;
}

static sg_loader_options training(int workers) {
    sg_loader_options o = SG_LOADER_OPTIONS_INIT;
    o.root = folder;
    o.recipe.size = SIDE;
    o.augment = (sg_augment)SG_AUGMENT_INIT;
    o.augment.speckle = 0.1;
    o.augment.mixup_alpha = 0.3;
    o.order = SG_LOADER_SHUFFLE;
    o.batch = BATCH;
    o.seed = 9;
    o.workers = workers;
    return o;
}

/* Everything an epoch gave, from `first` on. */
typedef struct epoch {
    float images[IMAGES][FLOATS];
    size_t index[IMAGES];
    int labels[IMAGES], mix_labels[IMAGES];
    float mix_share[IMAGES];
    int count, batches;
} epoch;

static void run_epoch(epoch *e, sg_loader *l, uint32_t number, size_t first) {
    sg_error err = SG_ERROR_INIT;
    static float images[BATCH * FLOATS];
    memset(e, 0, sizeof *e);
    CHECK_OK(sg_loader_start(l, number, first, &err));
    for (;;) {
        sg_batch b;
        CHECK_OK(sg_loader_next(&b, l, images, &err));
        if (!b.count) break;
        for (int i = 0; i < b.count; i++) {
            memcpy(e->images[e->count], images + (size_t)i * FLOATS, sizeof e->images[0]);
            e->index[e->count] = b.index[i];
            e->labels[e->count] = b.labels[i];
            e->mix_labels[e->count] = b.mix_labels ? b.mix_labels[i] : -1;
            e->mix_share[e->count] = b.mix_share ? b.mix_share[i] : -1.0f;
            e->count++;
        }
        e->batches++;
    }
}

static void load(epoch *e, const sg_loader_options *o, uint32_t number, size_t first) {
    sg_error err = SG_ERROR_INIT;
    sg_loader *l;
    CHECK_OK(sg_loader_create(&l, items, IMAGES, o, &err));
    run_epoch(e, l, number, first);
    sg_loader_destroy(l);
}

static void test_workers_and_cache_change_nothing(void **state) {
    (void)state;
    static epoch want, got;
    sg_loader_options o = training(0);
    load(&want, &o, 2, 0);
    assert_int_equal(want.count, IMAGES);
    assert_int_equal(want.batches, 3);
    static const struct {
        int workers, prefetch;
        size_t cache;
    } cases[] = {{1, 3, 1u << 20}, {3, 1, 1u << 20}, {3, 4, 0}, {5, 8, 5000}, {0, 3, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        o = training(cases[i].workers);
        o.prefetch = cases[i].prefetch;
        o.cache_bytes = cases[i].cache;
        load(&got, &o, 2, 0);
        assert_memory_equal(&want, &got, sizeof want);
    }
}

static void test_resume_repeats_the_rest(void **state) {
    (void)state;
    static epoch whole, rest;
    sg_loader_options o = training(2);
    load(&whole, &o, 4, 0);
    load(&rest, &o, 4, 2);
    assert_int_equal(rest.count, IMAGES - 2 * BATCH);
    assert_memory_equal(
            rest.images, whole.images[2 * BATCH], (size_t)rest.count * sizeof whole.images[0]);
    assert_memory_equal(rest.mix_share, whole.mix_share + 2 * BATCH,
            (size_t)rest.count * sizeof whole.mix_share[0]);
}

/* One loader, restarted in the middle of an epoch, gives what fresh loaders give. */
static void test_restart_drops_what_was_in_flight(void **state) {
    (void)state;
    static epoch want, got;
    static float images[BATCH * FLOATS];
    sg_error err = SG_ERROR_INIT;
    sg_loader_options o = training(3);
    load(&want, &o, 1, 0);
    sg_loader *l;
    CHECK_OK(sg_loader_create(&l, items, IMAGES, &o, &err));
    for (int i = 0; i < 20; i++) {
        sg_batch b;
        CHECK_OK(sg_loader_start(l, 7, 0, &err));
        if (i % 2) CHECK_OK(sg_loader_next(&b, l, images, &err));
    }
    run_epoch(&got, l, 1, 0);
    assert_memory_equal(&want, &got, sizeof want);
    sg_loader_destroy(l);
}

static void test_epochs_differ(void **state) {
    (void)state;
    static epoch a, b;
    sg_loader_options o = training(1);
    load(&a, &o, 0, 0);
    load(&b, &o, 1, 0);
    assert_memory_not_equal(a.index, b.index, sizeof a.index);
    assert_memory_not_equal(a.images, b.images, sizeof a.images);
    int seen[IMAGES] = {0};
    for (int i = 0; i < IMAGES; i++) seen[a.index[i]]++;
    for (int i = 0; i < IMAGES; i++) assert_int_equal(seen[i], 1);
    for (int i = 0; i < IMAGES; i++) assert_int_equal(a.labels[i], items[a.index[i]].label);
}

/* A subset sees the augmentation that the whole set sees, image by image. */
static void test_sample_names_the_stream(void **state) {
    (void)state;
    static epoch whole;
    static float images[2 * FLOATS];
    sg_error err = SG_ERROR_INIT;
    sg_loader_options o = training(0);
    o.order = SG_LOADER_IN_ORDER;
    o.augment.mixup_alpha = 0.0;
    load(&whole, &o, 3, 0);
    sg_loader *l;
    sg_batch b;
    CHECK_OK(sg_loader_create(&l, items + 6, 2, &o, &err));
    CHECK_OK(sg_loader_start(l, 3, 0, &err));
    CHECK_OK(sg_loader_next(&b, l, images, &err));
    assert_int_equal(b.count, 2);
    assert_memory_equal(images, whole.images[6], sizeof images);
    sg_loader_destroy(l);
}

/* The evaluation path is the recipe and nothing else; flip mirrors it. */
static void test_evaluation_is_the_recipe(void **state) {
    (void)state;
    static epoch plain, mirrored;
    static float want[FLOATS];
    sg_error err = SG_ERROR_INIT;
    sg_loader_options o = training(1);
    o.augment = (sg_augment)SG_AUGMENT_OFF;
    o.order = SG_LOADER_IN_ORDER;
    load(&plain, &o, 0, 0);
    o.flip = true;
    load(&mirrored, &o, 0, 0);
    for (uint32_t i = 0; i < IMAGES; i++) {
        sg_image image, prepared;
        char *path = sg_path_join(folder, names[i]);
        CHECK_OK(sg_image_read(&image, NULL, path, NULL, &err));
        free(path);
        CHECK_OK(sg_recipe_prepare(&prepared, NULL, &image, &o.recipe, &err));
        CHECK_OK(sg_recipe_finish(want, &prepared, &o.recipe, NULL, &err));
        assert_int_equal(plain.index[i], i);
        assert_memory_equal(want, plain.images[i], sizeof want);
        sg_image_dispose(&image);
        sg_image_dispose(&prepared);
        for (int row = 0; row < 3 * SIDE; row++)
            for (int x = 0; x < SIDE; x++)
                assert_true(mirrored.images[i][row * SIDE + x] ==
                            plain.images[i][row * SIDE + SIDE - 1 - x]);
    }
    assert_true(plain.mix_share[0] == -1.0f);
}

static void test_balanced_draws_classes_alike(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static epoch e;
    sg_loader_options o = training(1);
    o.order = SG_LOADER_BALANCED;
    o.augment.mixup_alpha = 0.0;
    sg_loader *l;
    CHECK_OK(sg_loader_create(&l, items, IMAGES, &o, &err));
    int seen[3] = {0}, repeats = 0, equal = 0;
    for (uint32_t k = 0; k < 60; k++) {
        run_epoch(&e, l, k, 0);
        assert_int_equal(e.count, IMAGES);
        for (int i = 0; i < IMAGES; i++) {
            seen[e.labels[i]]++;
            for (int j = 0; j < i; j++) {
                if (e.index[i] != e.index[j]) continue;
                repeats++;
                equal += memcmp(e.images[i], e.images[j], sizeof e.images[0]) == 0;
            }
        }
    }
    sg_loader_destroy(l);
    for (int c = 0; c < 3; c++) assert_in_range(seen[c], 185, 255); /* 220 expected, sd 12 */
    assert_true(repeats > 100);
    assert_int_equal(equal, 0); /* a second helping is augmented anew */
}

static void test_mixup_mixes(void **state) {
    (void)state;
    static epoch mixed, plain;
    sg_loader_options o = training(2);
    o.augment.speckle = 0.0;
    load(&mixed, &o, 0, 0);
    o.augment.mixup_alpha = 0.0;
    load(&plain, &o, 0, 0);
    float share[BATCH];
    int partner[BATCH];
    sg_augment_draw_mixup(share, partner, BATCH, 0.3, o.seed, 0, 0);
    for (int i = 0; i < BATCH; i++) {
        assert_true(mixed.mix_share[i] == share[i]);
        assert_int_equal(mixed.mix_labels[i], plain.labels[partner[i]]);
        for (int k = 0; k < FLOATS; k++) {
            float want =
                    share[i] * plain.images[i][k] + (1.0f - share[i]) * plain.images[partner[i]][k];
            assert_true(fabsf(mixed.images[i][k] - want) < 1e-4f);
        }
    }
}

static void test_last_batch(void **state) {
    (void)state;
    static epoch e;
    sg_loader_options o = training(1);
    o.drop_last = true;
    load(&e, &o, 0, 0);
    assert_int_equal(e.count, 8);
    sg_error err = SG_ERROR_INIT;
    sg_loader *l;
    CHECK_OK(sg_loader_create(&l, items, 3, &o, &err)); /* the only batch is kept */
    assert_int_equal(sg_loader_batches(l), 1);
    run_epoch(&e, l, 0, 0);
    assert_int_equal(e.count, 3);
    sg_loader_destroy(l);
}

static void test_bad_image_is_named(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_test_text_write(folder, "broken.png", "not an image");
    static float images[BATCH * FLOATS];
    for (int workers = 0; workers < 4; workers++) {
        sg_loader_item own[IMAGES];
        memcpy(own, items, sizeof own);
        own[5].path = "broken.png";
        own[7].path = "absent.png";
        sg_loader_options o = training(workers);
        o.order = SG_LOADER_IN_ORDER;
        sg_loader *l;
        sg_batch b;
        CHECK_OK(sg_loader_create(&l, own, IMAGES, &o, &err));
        CHECK_OK(sg_loader_next(&b, l, images, &err));
        CHECK_FAILS(sg_loader_next(&b, l, images, &err), SG_ERR_FORMAT, "broken.png");
        CHECK_OK(sg_loader_start(l, 0, 2, &err));
        CHECK_OK(sg_loader_next(&b, l, images, &err));
        assert_int_equal(b.count, 3);
        sg_loader_destroy(l);
    }
}

static void test_bad_options(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_loader *l;
    sg_loader_options o = training(1);
    CHECK_FAILS(sg_loader_create(&l, items, 0, &o, &err), SG_ERR_USAGE, "no images");
    o.batch = 0;
    CHECK_FAILS(sg_loader_create(&l, items, IMAGES, &o, &err), SG_ERR_USAGE, "batch");
    o = training(1);
    o.augment.rotation_deg = -1.0;
    CHECK_FAILS(sg_loader_create(&l, items, IMAGES, &o, &err), SG_ERR_USAGE, "rotation_deg");
    o = training(1);
    CHECK_OK(sg_loader_create(&l, items, IMAGES, &o, &err));
    CHECK_FAILS(sg_loader_start(l, 0, 4, &err), SG_ERR_USAGE, "batch 4");
    sg_loader_destroy(l);
}

/* Threads of this process that give way to others. */
static int meek_threads(int own) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int meek = 0;
    for (const struct dirent *d; (d = readdir(tasks));)
        meek += *d->d_name != '.' && getpriority(PRIO_PROCESS, (id_t)atoi(d->d_name)) > own;
    closedir(tasks);
    return meek;
}

static void test_own_threads_give_way(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_loader *l;
    sg_loader_options o = training(2);
    int own = getpriority(PRIO_PROCESS, 0);
    if (own == 19) skip(); /* nobody can give way to this */
    assert_int_equal(meek_threads(own), 0);
    CHECK_OK(sg_loader_create(&l, items, IMAGES, &o, &err));
    while (meek_threads(own) < 2) sched_yield(); /* it is the first thing they do */
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
    sg_loader_destroy(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_own_threads_give_way),
            cmocka_unit_test(test_workers_and_cache_change_nothing),
            cmocka_unit_test(test_resume_repeats_the_rest),
            cmocka_unit_test(test_restart_drops_what_was_in_flight),
            cmocka_unit_test(test_epochs_differ),
            cmocka_unit_test(test_sample_names_the_stream),
            cmocka_unit_test(test_evaluation_is_the_recipe),
            cmocka_unit_test(test_balanced_draws_classes_alike),
            cmocka_unit_test(test_mixup_mixes),
            cmocka_unit_test(test_last_batch),
            cmocka_unit_test(test_bad_image_is_named),
            cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, make_images, remove_images);
}
