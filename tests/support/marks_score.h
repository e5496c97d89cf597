/* marks_score.h - how well burnt-in marks are found in a phantom set, whose truth is known.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_MARKS_SCORE_H
#define SG_TESTS_MARKS_SCORE_H

#include "image/marks.h"

/* A mark counts as found by a box of its kind whose overlap (intersection over union) is 0.5 or
 * more; a box that finds none is extra. */
typedef struct sg_marks_score {
    int found[SG_MARK_KINDS], missed[SG_MARK_KINDS], extra[SG_MARK_KINDS];
    int images, clean; /* images; those without a mark */
    int clean_flagged; /* clean images with a box */
} sg_marks_score;

/* dir: what sg_phantom_write_set wrote, with its phantom-marks.csv. */
SG_MUST_CHECK sg_status sg_marks_score_set(sg_marks_score *out, const char *dir, sg_error *err);

#endif
