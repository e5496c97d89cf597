/* toy_training.c - see toy_training.h. SPDX-License-Identifier: Apache-2.0 */
#include "support/toy_training.h"
#include "support/check.h"
#include <stdio.h>
#include <stdlib.h>

void toy_training_make(toy_training *t, const int *labels, size_t n, int classes) {
    static const char *const names[] = {"benign", "malignant", "normal"};
    memset(t, 0, sizeof *t);
    sg_test_folder_make(t->dir);
    sg_manifest *m = &t->manifest;
    *m = (sg_manifest){.count = n, .class_count = (size_t)classes, .group_count = n};
    m->root = sg_strdup(t->dir);
    m->class_names = calloc(3, sizeof *m->class_names);
    m->rows = calloc(n, sizeof *m->rows);
    m->group_labels = calloc(n, sizeof *m->group_labels);
    t->parts = (sg_split){.count = n, .bins = calloc(n, sizeof *t->parts.bins)};
    assert_true(m->root && m->class_names && m->rows && m->group_labels && t->parts.bins);
    for (int c = 0; c < classes; c++) m->class_names[c] = sg_strdup(names[c]);
    for (size_t i = 0; i < n; i++) {
        m->rows[i] = (sg_manifest_row){
                .path = sg_strdupf("%zu.png", i), .class_index = labels[i], .group = (int)i};
        (void)snprintf(m->rows[i].sha256, SG_SHA256_HEX, "%064zx", i);
        m->group_labels[i] = sg_strdupf("P%zu", i);
        t->parts.bins[i] = SG_PART_TRAIN;
    }
    t->options = (sg_train_options){.model = "mobilenetv2",
            .model_options = SG_MODEL_OPTIONS_INIT,
            .new_layer_factor = 1,
            .layer_decay = 1,
            .epochs = 1,
            .batch = 4,
            .optimizer = SG_OPTIMIZER_OPTIONS_INIT,
            .schedule = SG_SCHEDULE_INIT,
            .recipe = SG_RECIPE_INIT,
            .augment = SG_AUGMENT_OFF,
            .threads = 1,
            .backend = "onednn"};
    t->options.recipe.size = 32;
    t->job = (sg_train_job){.options = &t->options,
            .manifest = m,
            .parts = &t->parts,
            .fold = -1,
            .dir = t->dir,
            .run = t->dir};
}

void toy_training_draw(const toy_training *t, const uint32_t *seeds) {
    for (size_t i = 0; i < t->manifest.count; i++)
        sg_test_picture_write(t->dir, t->manifest.rows[i].path, seeds[i]);
}

void toy_training_dispose(toy_training *t) {
    sg_test_folder_remove(t->dir);
    sg_manifest_dispose(&t->manifest);
    sg_split_dispose(&t->parts);
}
