/* event_facts.c - what TensorBoard shows of a training beside its curves: the settings that one
 * would compare runs by, and the first training images as the network gets them before
 * augmentation. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "image/codec.h"
#include "train/session.h"
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 4, ROWS = 2, MOST_SIZE = 1024 /* pixels of an image on the sheet */ };

void sg_event_facts_dispose(sg_event_facts *f) {
    if (!f) return;
    json_decref(f->settings);
    free(f->png);
    *f = (sg_event_facts){0};
}

static json_t *settings_of(const sg_session *s) {
    const sg_train_options *o = s->options;
    return json_pack("{s:s, s:f, s:f, s:i, s:i, s:s, s:I, s:f, s:f, s:f, s:i, s:b, s:f, s:f}",
            "model", o->model, "lr", o->schedule.learning_rate, "weight_decay",
            o->optimizer.weight_decay, "batch", s->batch, "epochs", o->epochs, "optimizer",
            o->optimizer.kind == SG_OPTIMIZER_SGD ? "sgd" : "adamw", "seed", (json_int_t)o->seed,
            "label_smoothing", o->label_smoothing, "layer_decay", o->layer_decay, "ema",
            o->optimizer.ema, "size", o->recipe.size, "augment", (int)o->augment.on,
            "new_layer_factor", o->new_layer_factor, "initialisation", s->progress.init_share);
}

/* One training image into its place of the sheet. */
static sg_status put_tile(sg_image *sheet, int place, const sg_train_job *job, size_t row,
        float *plane, sg_error *err) {
    int size = job->options->recipe.size;
    char *path = sg_path_join(job->manifest->root, job->manifest->rows[row].path);
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory drawing training images");
    sg_image image = {0}, prepared = {0};
    sg_status st = sg_image_read(&image, NULL, path, NULL, err);
    if (!st) st = sg_recipe_prepare(&prepared, NULL, &image, &job->options->recipe, err);
    if (!st) st = sg_recipe_sample(plane, &prepared, &job->options->recipe, NULL, err);
    for (int y = 0; y < size && !st; y++)
        for (int x = 0; x < size; x++) {
            int column = place % COLUMNS * size + x, line = place / COLUMNS * size + y;
            float v = plane[y * size + x];
            sheet->pixels[(size_t)line * (size_t)sheet->width + (size_t)column] =
                    (uint8_t)(255 * (v < 0          ? 0
                                            : v > 1 ? 1
                                                    : v) +
                              0.5f);
        }
    sg_image_dispose(&image);
    sg_image_dispose(&prepared);
    free(path);
    return st;
}

/* The training images are spread evenly over the sheet's places. */
static sg_status draw(sg_image *sheet, const sg_train_job *job, size_t images, sg_error *err) {
    size_t size = (size_t)job->options->recipe.size, seen = 0, places = COLUMNS * ROWS, place = 0;
    float *plane = malloc(size * size * sizeof *plane);
    if (!plane) return sg_fail(err, SG_ERR_MEMORY, "out of memory drawing training images");
    sg_status st = SG_OK;
    for (size_t i = 0; i < job->manifest->count && place < places && !st; i++) {
        if (job->parts->bins[i] != SG_PART_TRAIN) continue;
        if (seen++ * places < place * images) continue;
        st = put_tile(sheet, (int)place++, job, i, plane, err);
    }
    free(plane);
    return st;
}

/* A picture is nice to have: where an image cannot be read, the loader is the one to say so. */
static void add_picture(sg_event_facts *f, const sg_session *s) {
    int size = s->options->recipe.size;
    sg_error ignored = SG_ERROR_INIT;
    sg_image sheet = {0};
    if (size > MOST_SIZE) return;
    sg_status st = sg_image_create(&sheet, COLUMNS * size, ROWS * size, 1, &ignored);
    if (!st) memset(sheet.pixels, 0, sg_image_size(&sheet));
    if (!st) st = draw(&sheet, s->job, s->train_count, &ignored);
    if (!st) st = sg_image_encode_png(&f->png, &f->png_size, &sheet, &ignored);
    if (!st) {
        f->width = sheet.width;
        f->height = sheet.height;
    }
    sg_image_dispose(&sheet);
}

sg_status sg_event_facts_make(sg_event_facts *out, const sg_session *s, sg_error *err) {
    sg_event_facts f = {.settings = settings_of(s)};
    if (!f.settings) return sg_fail(err, SG_ERR_MEMORY, "out of memory describing the training");
    add_picture(&f, s);
    *out = f;
    return SG_OK;
}
