/* arrays.h - predictions as the plain arrays that stats takes. Inside protocol only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_ARRAYS_H
#define SG_PROTOCOL_ARRAYS_H

#include "protocol/predictions.h"
#include <stdint.h>

typedef struct sg_arrays {
    size_t n, classes, folds;
    uint32_t *labels, *predicted, *groups, *fold; /* [n]; groups, fold: dense numbers */
    int *fold_names;                              /* [folds] sg_prediction_fold_key */
    double *p;                                    /* [n * classes] */
} sg_arrays;

/* SG_ERR_INPUT without rows or with too many classes. Dispose of it also after a failure. */
SG_MUST_CHECK sg_status sg_arrays_make(
        sg_arrays *out, const sg_predictions *predictions, sg_error *err);
void sg_arrays_dispose(sg_arrays *arrays);
/* fold and fold_names from the run's folds, or from those that the data's authors published. */
void sg_arrays_number_folds(sg_arrays *arrays, const sg_predictions *predictions, bool official);

#endif
