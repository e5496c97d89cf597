/* split.h - which image is trained on and which is tested on, group by group.
 *
 * A split gives every manifest row a number: its fold (k-fold: fold i is the test set of model i)
 * or its part (train, validation, test). Rows with -1 are left out. Classes are spread evenly and a
 * group is never divided; the counts per class and bin are driven to their shares by a greedy
 * placing of the largest groups first and then by exchanging groups between bins while that helps.
 * Same manifest and seed, same split.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_SPLIT_H
#define SG_DATA_SPLIT_H

#include "data/manifest.h"
#include <stdint.h>

typedef enum sg_part { SG_PART_NONE = -1, SG_PART_TRAIN, SG_PART_VAL, SG_PART_TEST } sg_part;
enum { SG_PART_COUNT = 3 };
const char *sg_part_name(sg_part part); /* "train", "val", "test", "none" */

typedef struct sg_split {
    size_t count;    /* rows of the manifest it was made for */
    int folds;       /* 0: train/val/test parts; else the number of folds */
    int *bins;       /* [count]: fold number or sg_part; -1 = left out */
    uint64_t seed;   /* 0 when read from a file */
    bool ungrouped;  /* a group may be on both sides: every report must mark it */
    size_t doubtful; /* groups from pixels that are divided although fine structure does not bear
                        them out (sg_split_check); reports say how many */
} sg_split;

typedef struct sg_split_options {
    uint64_t seed;
    bool ungrouped;    /* draw image by image; when reading: accept a divided group */
    const sg_log *log; /* may be NULL */
} sg_split_options;
#define SG_SPLIT_OPTIONS_INIT                                                                      \
    { 0, false, NULL }

/* shares[3] of train, val, test; they are scaled to sum 1; train and test above 0.
 * SG_ERR_INPUT when a class has too few groups to be in every part with a share. */
SG_MUST_CHECK sg_status sg_split_make_parts(sg_split *out, const sg_manifest *manifest,
        const double shares[SG_PART_COUNT], const sg_split_options *options, sg_error *err);
/* folds 2..100. SG_ERR_INPUT when a class has fewer groups than folds. */
SG_MUST_CHECK sg_status sg_split_make_folds(sg_split *out, const sg_manifest *manifest, int folds,
        const sg_split_options *options, sg_error *err);

/* The same over the rows with usable[row] only; the others are left out (-1). */
SG_MUST_CHECK sg_status sg_split_make_folds_of(sg_split *out, const sg_manifest *manifest,
        const bool *usable, int folds, const sg_split_options *options, sg_error *err);

/* The parts of model `fold`: that fold is test; of the other folds a grouped stratified share
 * becomes val (0 <= val_share < 1; 0 = no val), the rest train. Of a split that has parts already
 * it is a copy (fold is ignored, val kept as it is). */
SG_MUST_CHECK sg_status sg_split_fold_parts(sg_split *out, const sg_split *split,
        const sg_manifest *manifest, int fold, double val_share, uint64_t seed, sg_error *err);

/* Leaves out training rows of `parts` (not folds) until about `share` of them are left in every
 * class, 0 < share <= 1: whole groups, at least one per class, and a smaller share is part of a
 * larger one of the same seed. */
SG_MUST_CHECK sg_status sg_split_thin(
        sg_split *parts, const sg_manifest *manifest, double share, uint64_t seed, sg_error *err);

/* CSV with path,class,fold or path,class,split (folds are numbered from 0; split is train, val or
 * validation, test); fold goes first where both are there. Manifest rows that it does not name are
 * left out. Ends with sg_split_check. SG_ERR_INPUT: a path that the manifest lacks, another
 * class than the manifest's, a path named twice, a divided group (unless options->ungrouped; the
 * result is then marked only if a group is really divided). */
SG_MUST_CHECK sg_status sg_split_read(sg_split *out, const char *csv_path,
        const sg_manifest *manifest, const sg_split_options *options, sg_error *err);
/* Columns path,class,fold|split,group,seed; rows left out are not written. */
void sg_split_put(sg_str *out, const sg_split *split, const sg_manifest *manifest);
/* The same as a file. */
SG_MUST_CHECK sg_status sg_split_write(
        const sg_split *split, const sg_manifest *manifest, const char *csv_path, sg_error *err);

/* SG_ERR_INPUT when a group lies in two bins, naming the group and one file on each side. Groups
 * from pixels join when in doubt, which is right for making a split but no ground for refusing a
 * person's: there the files of a divided group are read, and it is refused only if two images apart
 * have the same bytes or agree in fine structure too (SG_FINGERPRINT_DETAIL), directly or over
 * others; else it counts in split->doubtful and is a warning. */
SG_MUST_CHECK sg_status sg_split_check(
        sg_split *split, const sg_manifest *manifest, const sg_log *log, sg_error *err);

/* Row numbers of a bin in row order; *rows is the caller's (free), NULL when there is none. */
SG_MUST_CHECK sg_status sg_split_select(
        size_t **rows, size_t *count, const sg_split *split, int bin, sg_error *err);
/* counts[bins * class_count + class]: images per bin (folds, or the 3 parts) and class. */
void sg_split_count(size_t *counts, const sg_split *split, const sg_manifest *manifest);
/* Number of bins: folds, or 3. */
int sg_split_bins(const sg_split *split);

void sg_split_dispose(sg_split *split); /* NULL-safe; leaves it empty */

#endif
