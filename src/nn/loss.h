/* loss.h - softmax cross-entropy over logits, as torch.nn.CrossEntropyLoss(weight, label_smoothing)
 * defines it, with focal loss and soft (mixed) targets beside it. Plain arrays in and out: the last
 * few numbers of a network need no backend. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_NN_LOSS_H
#define SG_NN_LOSS_H

#include "sonograde/error.h"
#include <stdint.h>

enum { SG_MAX_CLASSES = 64 };

typedef struct sg_loss_options {
    int classes;
    const double *class_weights; /* [classes], or NULL for all 1 */
    double label_smoothing;      /* [0, 1) */
    double focal_gamma;          /* 0 = cross-entropy; else Lin et al. 2017, smoothing must be 0 */
} sg_loss_options;

/* Mean loss over n rows, weighted as torch does: sum_i w(y_i) l_i / sum_i w(y_i), smoothing
 * included as torch includes it. mix: second labels and the share of the first (NULL = none; loss
 * is lam*L(first) + (1-lam)*L(second)). grad[n*classes] = d loss / d logits; may be NULL.
 * SG_ERR_NUMERIC when a logit or the loss is not finite. */
SG_MUST_CHECK sg_status sg_loss_softmax(double *loss, float *grad, const float *logits,
        const int *labels, const int *mix_labels, const float *mix_share, int64_t n,
        const sg_loss_options *options, sg_error *err);
/* The same in double, for the oracle tests. */
SG_MUST_CHECK sg_status sg_loss_softmax_f64(double *loss, double *grad, const double *logits,
        const int *labels, int64_t n, const sg_loss_options *options, sg_error *err);

/* p[classes] = softmax(logits / temperature), in double. */
void sg_softmax(double *p, const float *logits, int classes, double temperature);

#endif
