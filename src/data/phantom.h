/* phantom.h - simulated breast ultrasound, the built-in data set: B-mode images of three classes
 * with lesion masks, laid out and named as BUSI is. Not anatomy for its own sake: enough physics
 * that the signs a radiologist reads (orientation, margin, echo, enhancement, shadow, halo,
 * calcifications) arise the way they do in a scanner, and enough distractors that none is free.
 * docs/internals/phantom.md has the model and its sources.
 *
 * An image depends on (seed, class, index, size) only; threads and set size do not matter.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_PHANTOM_H
#define SG_DATA_PHANTOM_H

#include "base/log.h"
#include "base/thread.h"
#include "image/image.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum sg_phantom_class {
    SG_PHANTOM_BENIGN,
    SG_PHANTOM_MALIGNANT,
    SG_PHANTOM_NORMAL,
    SG_PHANTOM_CLASSES
} sg_phantom_class;

enum { SG_PHANTOM_MASKS = 2 }; /* most lesions in one image */

typedef struct sg_phantom {
    sg_image image;                   /* grey, size x size */
    sg_image masks[SG_PHANTOM_MASKS]; /* 0 or 255; a normal has one, all black */
    int mask_count;
    const char *finding; /* "cyst", "fibroadenoma", "carcinoma", "none"; static text */
} sg_phantom;

typedef struct sg_phantom_options {
    int per_class; /* images in each class, 1..100000 */
    int size;      /* side in pixels, 32..2048 */
    uint64_t seed;
    double duplicates; /* share of each class that is near-copies of its other images, 0..0.5 */
    double conflicts;  /* share of each class that is copies of another class's images, 0..0.5 */
    double marks;      /* chance that an original carries burnt-in marks, 0..1 */
} sg_phantom_options;
#define SG_PHANTOM_OPTIONS_INIT                                                                    \
    { 150, 224, 1, 0.0, 0.0, 0.0 }

/* Name of a class: "benign", "malignant", "normal". */
const char *sg_phantom_class_name(sg_phantom_class c);

/* One image. index: 0-based number within its class. SG_ERR_USAGE on a size outside its range. */
SG_MUST_CHECK sg_status sg_phantom_make(sg_phantom *out, sg_phantom_class c, uint32_t index,
        uint64_t seed, int size, sg_error *err);
void sg_phantom_dispose(sg_phantom *phantom); /* NULL-safe */

/* Writes a set: DIR/<class>/<class> (N).png, ..._mask.png, ..._mask_1.png, and
 * DIR/phantom-truth.csv, one row per image: path,class,kind,finding,source,m0..m5,gain,flip,marks.
 * kind is original, duplicate or conflict; a copy names its source and the affine from its pixels
 * to the source's; marks lists burnt-in "caliper:x,y,w,h", "text:..." and "pictogram:...", joined
 * by ';'. DIR/phantom-marks.csv has the same boxes one a row: path,kind,x,y,width,height. DIR is
 * made; a failure, or an interruption through the pool (sg_pool_set_stop), leaves nothing behind.
 * Progress goes to the log. SG_ERR_INPUT when it holds anything but a phantom set, or one and not
 * overwrite: then it is replaced, in the end and whole. */
SG_MUST_CHECK sg_status sg_phantom_write_set(const char *dir, const sg_phantom_options *options,
        bool overwrite, sg_pool *pool, const sg_log *log, sg_error *err);

/* The table that makes a folder a phantom set. */
#define SG_PHANTOM_TRUTH "phantom-truth.csv"
/* The boxes of burnt-in marks. */
#define SG_PHANTOM_MARK_TABLE "phantom-marks.csv"
/* Is all that a folder with such a table holds part of the set? SG_ERR_INPUT naming the first thing
 * that is not. */
SG_MUST_CHECK sg_status sg_phantom_check_owned(const char *dir, sg_error *err);

/* True when the image lies in a set that sg_phantom_write_set made (the truth file is beside its
 * class folder), however the path is written. */
bool sg_phantom_is_member(const char *image_path);

#endif
