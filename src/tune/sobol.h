/* sobol.h - Sobol' points with the direction numbers of Joe and Kuo (2008), scrambled by nested
 * uniform (Owen) scrambling, so that every seed gives another set with the same evenness.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_SOBOL_H
#define SG_TUNE_SOBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_SOBOL_MAX = 48 }; /* dimensions */

/* Point `index` (from 0; index 0 of the plain sequence is the origin) into out[dims], each in
 * [0, 1). dims <= SG_SOBOL_MAX. */
void sg_sobol_point(double *out, size_t dims, uint32_t index);
/* The same, scrambled by `seed`. */
void sg_sobol_scrambled(double *out, size_t dims, uint32_t index, uint64_t seed);

#endif
