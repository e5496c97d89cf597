/* sobol.h - Sobol' points with the direction numbers of Joe and Kuo (2008), scrambled by nested
 * uniform (Owen) scrambling, so that every seed gives another set with the same evenness.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_SOBOL_H
#define SG_TUNE_SOBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_SOBOL_MAX = 48 }; /* dimensions */

typedef struct sg_sobol {
    size_t dims;
    uint32_t direction[SG_SOBOL_MAX][32];
} sg_sobol;

void sg_sobol_init(sg_sobol *sobol, size_t dims); /* dims <= SG_SOBOL_MAX */
/* Point `index` (from 0; index 0 of the plain sequence is the origin) into out[dims], each in
 * [0, 1). */
void sg_sobol_point(double *out, const sg_sobol *sobol, uint32_t index);
/* The same, scrambled by `seed`. */
void sg_sobol_scrambled(double *out, const sg_sobol *sobol, uint32_t index, uint64_t seed);

#endif
