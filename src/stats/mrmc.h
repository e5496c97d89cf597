/* mrmc.h - several readers, the same images: means and differences of a figure that hold for other
 * readers and other images, both drawn at random.
 *
 * Obuchowski and Rockette (1995) with the degrees of freedom of Hillis (2007) and his limits on
 * covariances. Input are the readers' figures and the covariances that the images give them: of
 * areas, sg_delong_covariance (every reader read every image). A pure function of those, so any
 * figure with known covariances will do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_MRMC_H
#define SG_STATS_MRMC_H

#include "sonograde/error.h"
#include "stats/interval.h"
#include <stddef.h>

typedef struct sg_mrmc_mean {
    double mean, standard_error, df;
    sg_interval interval; /* NaN where the standard error is 0: perfect readers have no spread */
    double t, p;          /* against 0, two-sided; NaN without a standard error */
    double mean_square;   /* between readers; 0 for one reader */
    double cov2;          /* mean covariance of two readers; the variance for one reader */
} sg_mrmc_mean;

/* figures[readers] and covariance[readers * readers] of one way of reading. One reader: cases are
 * random only, df is infinite, and the result holds for that reader. */
SG_MUST_CHECK sg_status sg_mrmc_average(sg_mrmc_mean *out, const double *figures,
        const double *covariance, size_t readers, double confidence, sg_error *err);

/* The readers' mean less one fixed rival (a model) on the same images: figures[readers + 1] and
 * covariance[(readers + 1)^2], the rival last. The average of readers' own differences, so the
 * rival's part of the images' luck cancels (Hupse et al. 2013; Chakraborty 2017, ch. 22). */
SG_MUST_CHECK sg_status sg_mrmc_against(sg_mrmc_mean *out, const double *figures,
        const double *covariance, size_t readers, double confidence, sg_error *err);

typedef struct sg_mrmc_test {
    double f, df1, df2, p; /* all ways are equal; p NaN where df2 is infinite and ways > 2 */
    double ms_way, ms_reader, ms_both; /* mean squares: between ways, readers, interaction */
    double variance, cov1, cov2, cov3; /* of one figure; same reader; same way; neither */
} sg_mrmc_test;

/* Every reader read in each of `ways` (>= 2) ways, with and without the model, say; readers >= 2.
 * figures[w * readers + r], covariance likewise in both indices. means[ways] (each from its own
 * data) and differences[ways * (ways - 1) / 2] (0 less 1, 0 less 2, ... 1 less 2, ...) may be NULL.
 */
SG_MUST_CHECK sg_status sg_mrmc_compare(sg_mrmc_test *out, sg_mrmc_mean *means,
        sg_mrmc_mean *differences, const double *figures, const double *covariance, size_t ways,
        size_t readers, double confidence, sg_error *err);

#endif
