/* loader.c - how many images a second one core loads: decode, CLAHE, augmenting warp, photometric
 * changes, standardise; nothing cached, no threads of the loader's own.
 *
 *   loader [SIZE [ROUNDS]]      PNG of SIZE x SIZE (500) to 224 px; the fastest of ROUNDS (5)
 *
 * Prints one JSON object. The images are phantoms, written to a folder of their own and removed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/loader.h"
#include "base/file.h"
#include "data/phantom.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PER_CLASS = 8, COUNT = 3 * PER_CLASS };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static sg_status run_epoch(
        double *seconds, sg_loader *loader, uint32_t epoch, float *images, sg_error *err) {
    sg_batch batch;
    double since = now();
    sg_status status = sg_loader_start(loader, epoch, 0, err);
    do {
        if (!status) status = sg_loader_next(&batch, loader, images, err);
    } while (!status && batch.count);
    *seconds = now() - since;
    return status;
}

static sg_status measure(double *best, const char *folder, int rounds, sg_error *err) {
    char names[COUNT][48];
    sg_loader_item items[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const char *class = sg_phantom_class_name((sg_phantom_class)(i / PER_CLASS));
        snprintf(names[i], sizeof names[i], "%s/%s (%d).png", class, class, i % PER_CLASS + 1);
        items[i] = (sg_loader_item){names[i], i / PER_CLASS, (uint32_t)i};
    }
    sg_loader_options o = SG_LOADER_OPTIONS_INIT;
    o.root = folder;
    o.recipe.contrast = SG_CONTRAST_CLAHE;
    o.augment = (sg_augment)SG_AUGMENT_INIT;
    o.batch = 8;
    o.workers = 0;
    o.cache_bytes = 0;
    sg_loader *loader = NULL;
    float *images = malloc(8 * 3 * 224 * 224 * sizeof *images);
    sg_status status = images ? sg_loader_create(&loader, items, COUNT, &o, err)
                              : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    *best = 1e30;
    for (int r = 0; r <= rounds && !status; r++) { /* the first one warms up */
        double seconds;
        status = run_epoch(&seconds, loader, (uint32_t)r, images, err);
        if (r && seconds < *best) *best = seconds;
    }
    sg_loader_destroy(loader);
    free(images);
    return status;
}

int main(int argc, char **argv) {
    int size = argc > 1 ? atoi(argv[1]) : 500, rounds = argc > 2 ? atoi(argv[2]) : 5;
    const char *base = getenv("TMPDIR");
    char folder[512];
    sg_error err = SG_ERROR_INIT;
    snprintf(folder, sizeof folder, "%s/sonograde-loader-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        fprintf(stderr, "loader: cannot make %s\n", folder);
        return 1;
    }
    sg_phantom_options set = {PER_CLASS, size, 1, 0.0, 0.0, 0.0};
    double best = 0.0;
    sg_status status = sg_phantom_write_set(folder, &set, false, NULL, NULL, &err);
    if (!status) status = measure(&best, folder, rounds, &err);
    if (sg_dir_remove(folder, NULL)) fprintf(stderr, "loader: %s is left behind\n", folder);
    if (status) {
        fprintf(stderr, "loader: %s\n", err.message);
        return 1;
    }
    printf("{\"images_per_second\": %.1f, \"size\": %d, \"images\": %d}\n", COUNT / best, size,
            COUNT);
    return 0;
}
