/* peak.h - the point of a mixed space where an acquisition is greatest. Private to src/tune.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_PEAK_H
#define SG_TUNE_PEAK_H

#include "base/rng.h"
#include "tune/acquisition.h"
#include "tune/surrogate.h"

/* point[space->count]. near: a point around which it is looked more closely. held[space->count]:
 * parameters that keep its values; NULL: none. */
void sg_peak_find(double *point, sg_surrogate *s, const sg_acquisition *acquisition,
        const double *near, const bool *held, sg_rng *rng);

#endif
