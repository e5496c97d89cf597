/* calibrator.h - the ways to mend probabilities behind one type: fit on rows that trained nothing,
 * apply to others, or cross-fit.
 *
 * none         softmax of the logits as they are
 * temperature  one number (calibration.h): the default, safe on few images
 * vector       a factor and a shift per class (vector_scaling.h)
 * isotonic     a rising function per class against the rest, then divided by the row's sum
 * (Zadrozny and Elkan 2002; scikit-learn's CalibratedClassifierCV); refused below
 *              SG_ISOTONIC_ROWS_MIN rows, where it mostly learns noise. It may give 0 and 1.
 * Logits may be log-probabilities: only differences within a row count.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_CALIBRATOR_H
#define SG_STATS_CALIBRATOR_H

#include "stats/calibration.h"
#include "stats/isotonic.h"
#include "stats/vector_scaling.h"

enum { SG_ISOTONIC_ROWS_MIN = 500 };

typedef enum sg_calibrator_kind {
    SG_CALIBRATOR_NONE,
    SG_CALIBRATOR_TEMPERATURE,
    SG_CALIBRATOR_VECTOR,
    SG_CALIBRATOR_ISOTONIC
} sg_calibrator_kind;

const char *sg_calibrator_kind_name(sg_calibrator_kind kind);
/* SG_ERR_USAGE, listing the names, when `name` is none of them. */
SG_MUST_CHECK sg_status sg_calibrator_kind_parse(
        sg_calibrator_kind *out, const char *name, sg_error *err);

typedef struct sg_calibrator {
    sg_calibrator_kind kind;
    size_t classes;
    sg_temperature temperature;                 /* fitted for every kind */
    sg_vector_scaling vector;                   /* of its kind only */
    sg_isotonic isotonic[SG_STATS_CLASSES_MAX]; /* of its kind only; owned */
} sg_calibrator;

/* logits[n * classes], labels[n] below `classes` (1..SG_STATS_CLASSES_MAX). */
SG_MUST_CHECK sg_status sg_calibrator_fit(sg_calibrator *out, sg_calibrator_kind kind,
        const double *logits, const uint32_t *labels, size_t n, size_t classes, sg_error *err);
void sg_calibrator_dispose(sg_calibrator *calibrator); /* NULL-safe */

/* probabilities[n * classes]; may work in place. */
void sg_calibrator_apply(
        const sg_calibrator *calibrator, double *probabilities, const double *logits, size_t n);

/* Cross-fitting: each row is mended by a calibrator fitted on the rows of all other folds, so that
 * calibration is judged on rows that it has not seen. folds[n]: any numbers, at least two distinct;
 * a group must not span folds (the caller's promise). probabilities[n * classes] is not the logits'
 * block. An error names the fold. */
SG_MUST_CHECK sg_status sg_calibrator_crossfit(double *probabilities, sg_calibrator_kind kind,
        const double *logits, const uint32_t *labels, const uint32_t *folds, size_t n,
        size_t classes, sg_error *err);

#endif
