/* reference.h - which rows thresholds and calibration may be made from. Inside protocol only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_REFERENCE_H
#define SG_PROTOCOL_REFERENCE_H

#include "protocol/acting.h"
#include "protocol/arrays.h"

sg_reference sg_reference_choose(
        const sg_predictions *predictions, const sg_arrays *rows, const sg_predictions *validation);
/* Row i of `from` (validation, or the predictions themselves) is one for the fold of this key. */
bool sg_reference_has(sg_reference reference, const sg_predictions *predictions,
        const sg_predictions *from, size_t i, int fold_key);

#endif
