/* derived.h - data sets made from another one for an experiment: the lesion mask drawn into the
 * images, or augmented copies beside the originals. Both keep the relative paths, classes and
 * groups of their source, so that images are found again.
 *
 * A set is written once into a folder of its own; its manifest.csv comes last and says that it is
 * whole. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_DERIVED_H
#define SG_PROTOCOL_DERIVED_H

#include "data/augment.h"
#include "data/manifest.h"
#include "image/recipe.h"
#include <signal.h>

typedef struct sg_derivation {
    const char *dir; /* of the new set */
    const sg_manifest *source;
    const sg_log *log;
    const volatile sig_atomic_t *stop; /* may be NULL */
} sg_derivation;

/* Pixels under a mask are moved half way to white, as a blended overlay does; images without a mask
 * are copied. Opens the set when it is there already. */
SG_MUST_CHECK sg_status sg_derive_masked(
        sg_manifest *out, const sg_derivation *derivation, sg_error *err);

typedef struct sg_copies {
    int count; /* augmented copies of each image, 1..100 */
    sg_recipe recipe;
    sg_augment augment;
    uint64_t seed;
} sg_copies;
/* Originals, and beside each `X.png` its copies `X_copy1.png`... as the network's square. A copy is
 * in the group of its original. */
SG_MUST_CHECK sg_status sg_derive_copies(
        sg_manifest *out, const sg_derivation *derivation, const sg_copies *copies, sg_error *err);

#endif
