/* figures.h - a model over a list of images: logits, and the figures a training watches.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_FIGURES_H
#define SG_TRAIN_FIGURES_H

#include "data/loader.h"
#include "nn/plan.h"

typedef struct sg_figures {
    double loss;                      /* plain cross-entropy: no weights, no smoothing */
    double accuracy, macro_f1, auroc; /* AUROC NaN when a class is absent everywhere */
} sg_figures;

/* logits[n * classes] in item order, labels[n] likewise. The loader gives items in order; the plan
 * is a prediction plan of at least the loader's batch. */
SG_MUST_CHECK sg_status sg_figures_run(
        float *logits, int *labels, sg_plan *plan, sg_loader *loader, int classes, sg_error *err);

SG_MUST_CHECK sg_status sg_figures_measure(sg_figures *out, const float *logits, const int *labels,
        size_t n, int classes, sg_error *err);

#endif
