/* training.h - curves.svg: how a training went, one sheet of panels.
 *
 * Arrays have one value per epoch, NaN or NULL where nothing was measured. Borrowed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_TRAINING_H
#define SG_REPORT_TRAINING_H

#include "base/str.h"
#include "sonograde/error.h"
#include <stddef.h>

typedef struct sg_training_curves {
    const char *title; /* "mobilenetv2, seed 0" */
    size_t epochs;
    const double *train_loss, *val_loss;
    const double *train_accuracy, *val_accuracy, *val_macro_f1;
    const double *learning_rate;
    size_t best_epoch;      /* counted from 1; 0: none is marked */
    const char *best_label; /* what chose it: "best macro F1"; NULL: "best" */
} sg_training_curves;

void sg_training_put_curves(sg_str *out, const sg_training_curves *curves);
SG_MUST_CHECK sg_status sg_training_curves_write(
        const sg_training_curves *curves, const char *path, sg_error *err);

#endif
