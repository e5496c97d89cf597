/* explain_items.h - the images that `explain` is about: from the command line or from a data set,
 * each with its class, group and lesion masks where these are known.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EXPLAIN_ITEMS_H
#define SG_CLI_EXPLAIN_ITEMS_H

#include "cli/image_list.h"
#include "data/manifest.h"
#include "infer/bundle.h"

typedef struct sg_explain_item {
    char *path;
    int truth; /* into the bundle's classes; -1: not known */
    uint32_t group;
    char **masks; /* paths */
    size_t mask_count;
    double pixel_mm; /* side of a pixel; 0: not known */
} sg_explain_item;

typedef struct sg_explain_items {
    sg_explain_item *items;
    size_t count, capacity;
} sg_explain_items;

/* Of named files: masks are looked for beside each (X_mask.png, X_mask_1.png...), the class is the
 * folder's name where the bundle knows such a class; each image is its own group. */
SG_MUST_CHECK sg_status sg_explain_items_from_paths(
        sg_explain_items *out, const sg_image_list *paths, const sg_bundle *bundle, sg_error *err);
SG_MUST_CHECK sg_status sg_explain_items_from_manifest(
        sg_explain_items *out, const sg_manifest *manifest, const sg_bundle *bundle, sg_error *err);
/* pixel_mm becomes the size of those that have none; counts the images with masks that then have
 * one and that have none. */
void sg_explain_items_set_pixels(
        sg_explain_items *items, double pixel_mm, size_t *with, size_t *without);
void sg_explain_items_dispose(sg_explain_items *items);

/* All masks of the item joined: *mask is new, [height * width] 0 or 1, or NULL without masks.
 * *lesion: any pixel is set. SG_ERR_INPUT names a mask of another size. */
SG_MUST_CHECK sg_status sg_explain_item_mask(uint8_t **mask, bool *lesion,
        const sg_explain_item *item, int width, int height, sg_error *err);

#endif
