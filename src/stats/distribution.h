/* distribution.h - Student's t and Fisher's F, for tests on few folds or readers; the normal lives
 * in interval.h. Degrees of freedom may be fractions, and infinite for t.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_DISTRIBUTION_H
#define SG_STATS_DISTRIBUTION_H

/* Share of the t distribution beyond -|t| and |t|; df > 0. NaN for NaN. */
double sg_student_two_sided(double t, double df);
/* The t with `p` of the distribution below it; 0 < p < 1. */
double sg_student_quantile(double p, double df);
/* Share of the F distribution above f; f >= 0, df1, df2 > 0. */
double sg_fisher_above(double f, double df1, double df2);

#endif
