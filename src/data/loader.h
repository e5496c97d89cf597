/* loader.h - from rows of files to batches of floats, kept ahead of the engine by its own threads,
 * which give way to the engine's.
 *
 * What comes out depends on items, options, epoch and batch only: the same bytes whatever the
 * number of workers, whatever the cache held, and whether the epoch was begun at batch 0 or at
 * batch k. Decoding, cropping, despeckling and CLAHE happen once per image while the cache has
 * room; warp and standardisation happen each time. One consumer thread. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef SG_DATA_LOADER_H
#define SG_DATA_LOADER_H

#include "data/augment.h"
#include "image/recipe.h"
#include <stddef.h>

/* One image. `sample` names its random stream: use the row of the manifest, so that a subset sees
 * the same augmentation as the whole. Paths are relative to options.root, or absolute. */
typedef struct sg_loader_item {
    const char *path;
    int label;
    uint32_t sample;
} sg_loader_item;

typedef enum sg_loader_order {
    SG_LOADER_IN_ORDER, /* as given: evaluation */
    SG_LOADER_SHUFFLE,  /* each once per epoch, shuffled by (seed, epoch): training */
    SG_LOADER_BALANCED  /* n draws with replacement, every class present equally likely */
} sg_loader_order;

typedef struct sg_loader_options {
    const char *root; /* folder the paths start from; NULL = as they are */
    sg_recipe recipe;
    sg_augment augment; /* ignored unless .on */
    sg_loader_order order;
    int batch;      /* images per batch, >= 1 */
    bool drop_last; /* leave out an incomplete last batch, unless it is the only one */
    bool flip;      /* mirror every image left-right: the second look of test-time averaging */
    uint64_t seed;
    int workers;        /* own threads; 0 = load inside sg_loader_next */
    int prefetch;       /* batches in flight, 1..64 */
    size_t cache_bytes; /* most bytes of prepared images kept; 0 = none */
} sg_loader_options;

#define SG_LOADER_OPTIONS_INIT                                                                     \
    {                                                                                              \
        NULL, SG_RECIPE_INIT, SG_AUGMENT_OFF, SG_LOADER_IN_ORDER, 32, false, false, 0, 1, 3,       \
                (size_t)1 << 30                                                                    \
    }

/* What belongs to the images of a batch. Borrowed, valid until the next call on the loader. */
typedef struct sg_batch {
    int count;              /* images; 0 = the epoch is over */
    const size_t *index;    /* [count]: position in the items given */
    const int *labels;      /* [count] */
    const int *mix_labels;  /* [count] partner's label, and */
    const float *mix_share; /* [count] the own image's share; both NULL without mixup */
} sg_batch;

typedef struct sg_loader sg_loader;

/* items and their paths are copied. Expected failures: SG_ERR_USAGE (options, n = 0),
 * SG_ERR_MEMORY. No file is opened yet. */
SG_MUST_CHECK sg_status sg_loader_create(sg_loader **out, const sg_loader_item *items, size_t n,
        const sg_loader_options *options, sg_error *err);
void sg_loader_destroy(sg_loader *loader); /* NULL-safe; waits for its threads */

size_t sg_loader_batches(const sg_loader *loader); /* per epoch */

/* Begins epoch `epoch` at batch `first_batch` (a resume); what was in flight is dropped. Until the
 * first call, next serves epoch 0 from batch 0. */
SG_MUST_CHECK sg_status sg_loader_start(
        sg_loader *loader, uint32_t epoch, size_t first_batch, sg_error *err);

/* images[batch][channels][size][size], standardised; only out->count images are written. After the
 * last batch count is 0, until the next start. An image that cannot be read ends the epoch with an
 * error naming it, whichever thread met it first: the earliest in the batch is reported. */
SG_MUST_CHECK sg_status sg_loader_next(
        sg_batch *out, sg_loader *loader, float *images, sg_error *err);

double sg_loader_wait_seconds(const sg_loader *loader); /* total time next waited for images */

#endif
