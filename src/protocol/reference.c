/* reference.c - see reference.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/reference.h"

const char *sg_reference_name(sg_reference reference) {
    static const char *const names[] = {"none", "validation images", "the other folds",
            "images behind the bundle's calibration"};
    return names[reference];
}

sg_reference sg_reference_choose(
        const sg_predictions *p, const sg_arrays *rows, const sg_predictions *validation) {
    if (validation && validation->count) return SG_REFERENCE_VALIDATION;
    bool folds = rows->folds > 1 && p->folds > 1 && rows->fold_names[0] >= 0;
    return folds ? SG_REFERENCE_OTHER_FOLDS : SG_REFERENCE_NONE;
}

bool sg_reference_has(sg_reference reference, const sg_predictions *p, const sg_predictions *from,
        size_t i, int fold_key) {
    int key = sg_prediction_fold_key(from, &from->rows[i]);
    if (reference == SG_REFERENCE_VALIDATION) return key == fold_key;
    bool same_run = p->runs < 2 || key / SG_FOLD_KEYS == fold_key / SG_FOLD_KEYS;
    return reference == SG_REFERENCE_OTHER_FOLDS && same_run && key != fold_key;
}
