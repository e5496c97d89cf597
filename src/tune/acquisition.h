/* acquisition.h - how much a point promises. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_ACQUISITION_H
#define SG_TUNE_ACQUISITION_H

/* log of the expected improvement below `best` of a normal variable (minimisation), for
 * sd > 0; finite where EI itself is 0 in double: Ament et al. 2023, "Unexpected improvements to
 * expected improvement". Derivatives with respect to mean and sd may be NULL. */
double sg_log_expected_improvement(
        double mean, double sd, double best, double *by_mean, double *by_sd);

/* What a search maximises: log expected improvement below `best`, or, where kappa > 0, the bound
 * kappa * sd - mean. */
typedef struct sg_acquisition {
    double best, kappa;
} sg_acquisition;
double sg_acquisition_value(
        const sg_acquisition *a, double mean, double sd, double *by_mean, double *by_sd);

#endif
