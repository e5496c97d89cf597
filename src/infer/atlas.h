/* atlas.h - the training images as a bundle's members see them: penultimate features (the input of
 * the last layer, brought to unit length), hashes,
 * classes and group numbers. Answers which training images a picture resembles and whether it is
 * farther from all of them than pictures of the domain are.
 *
 * Distances are 1 - cosine. A picture's distance is the mean to its SG_NEIGHBOURS nearest training
 * images, one per group, averaged over the members (after Sun et al. 2022, deep nearest
 * neighbours). No pixels, names or paths are held. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_ATLAS_H
#define SG_INFER_ATLAS_H

#include "base/file.h"
#include "base/json.h"
#include "weights/safetensors.h"

enum { SG_NEIGHBOURS = 5, SG_ATLAS_FEWEST = 20, SG_ATLAS_MOST = 5000 };

typedef struct sg_atlas_image {
    char sha256[SG_SHA256_HEX];
    int label;
    uint32_t group; /* numbers mean nothing outside this atlas */
} sg_atlas_image;

typedef struct sg_atlas {
    sg_atlas_image *images;
    size_t count;
    int members;
    size_t *widths;   /* [members] length of a feature vector */
    float **features; /* [members], each [count][width]; unit length */
    bool *trained;    /* [members][count] the member's weights come from this image */
    double limit;     /* distance beyond which a picture is out of the domain */
    size_t measured;  /* distances that the limit was learned from */
    bool held_out;    /* of images that the member was not trained on */
} sg_atlas;

/* widths[members]; everything zero until filled. */
SG_MUST_CHECK sg_status sg_atlas_create(
        sg_atlas **out, size_t count, const size_t *widths, int members, sg_error *err);
void sg_atlas_destroy(sg_atlas *atlas); /* NULL-safe */

/* Features of image `row` as the member gave them. */
void sg_atlas_set_features(sg_atlas *atlas, int member, size_t row, const float *raw);
/* Sets the limit: 95th percentile of the distances that
 * members give images marked in held_out[members][count], or, where fewer than SG_ATLAS_FEWEST are,
 * their own training images against other groups. SG_ERR_INPUT when there are too few of these too.
 */
SG_MUST_CHECK sg_status sg_atlas_learn(sg_atlas *atlas, const bool *held_out, sg_error *err);

typedef struct sg_neighbour {
    const sg_atlas_image *image; /* borrowed from the atlas */
    double distance;             /* mean over the members that were trained on it */
} sg_neighbour;
typedef struct sg_resemblance {
    double distance;
    sg_neighbour neighbours[SG_NEIGHBOURS]; /* nearest first, one per group */
    int count;
} sg_resemblance;
/* raw[members]: a picture's features, any length. */
SG_MUST_CHECK sg_status sg_atlas_ask(
        sg_resemblance *out, const sg_atlas *atlas, const float *const *raw, sg_error *err);

/* Section `atlas` without the features; they are the tensors of sg_atlas_tensor_name. New
 * reference; NULL when out of memory. */
json_t *sg_atlas_to_json(const sg_atlas *atlas);
char *sg_atlas_tensor_name(int member); /* the caller's; NULL when out of memory */
/* SG_ERR_FORMAT when section and tensors do not fit each other, the members or the classes. */
SG_MUST_CHECK sg_status sg_atlas_from_json(sg_atlas **out, const json_t *section,
        const sg_safetensors *file, int members, int classes, sg_error *err);

#endif
