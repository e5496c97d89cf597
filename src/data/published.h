/* published.h - data sets that are published as a table beside a folder of images, read as they
 * come out of their archives. Their classes are named as their authors name them and their groups
 * are the patients they tell.
 *
 *   BUS-BRA   bus_data.csv (ID, Case, Pathology), Images/ID.png, Masks/mask_*.png, and the official
 *             folds 5-fold-cv.csv or 10-fold-cv.csv (ID, kFold). Groups: Case.
 *   BUS-UCLM  images/ABCD_000.png and masks/ of the same names in colour: green is benign, red is
 *             malignant (also where both occur), black is normal. Groups: the four letters.
 *   BrEaST    the clinical table saved as CSV (CaseID, Image_filename, Mask_tumor_filename,
 *             Classification) beside the images or their folder. Groups: CaseID.
 *
 * Inside data only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_PUBLISHED_H
#define SG_DATA_PUBLISHED_H

#include "data/manifest_internal.h"

typedef struct sg_published sg_published;

/* *set = the data set that dir, or the only folder in it, holds (*root is then that folder, the
 * caller's), or NULL. */
SG_MUST_CHECK sg_status sg_published_find(
        const sg_published **set, char **root, const char *dir, sg_error *err);

/* Fills rows, masks, groups, official folds and the name; builder->manifest.root is set. A file
 * that is named and not there is SG_ERR_INPUT, or is listed in the skips under skip_bad. */
SG_MUST_CHECK sg_status sg_published_read(sg_manifest_builder *builder, const sg_published *set,
        const sg_manifest_options *options, sg_error *err);

#endif
