/* toy_training.h - the smallest training there is: a handful of small pictures with labels and
 * parts of one's own choice, mobilenetv2 at 32 pixels, one thread, everything optional off. Tests
 * switch on what they look at. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_TOY_TRAINING_H
#define SG_TESTS_SUPPORT_TOY_TRAINING_H

#include "support/image_folder.h"
#include "train/trainer.h"

typedef struct toy_training {
    char dir[SG_TEST_PATH]; /* images and run, deleted at the end */
    sg_manifest manifest;   /* 0.png, 1.png..., each a group of its own */
    sg_split parts;
    sg_train_options options;
    sg_train_job job;
} toy_training;

/* labels[n] below `classes` (at most 3). All are for training; change t->parts.bins. No file is
 * there yet. */
void toy_training_make(toy_training *t, const int *labels, size_t n, int classes);
/* Writes the pictures; those with equal seeds[i] are equal. */
void toy_training_draw(const toy_training *t, const uint32_t *seeds);
void toy_training_dispose(toy_training *t);

#endif
