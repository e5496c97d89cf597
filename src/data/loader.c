/* loader.c - a ring of batch slots filled sample by sample. Samples are handed out in order as
 * tickets; whoever takes one (a worker, or the consumer while it waits) fills its place in its
 * batch's slot. Slots hold grey planes; the consumer standardises, and mixes, on the way out, so
 * the ring stays small. One mutex guards tickets, slots and the cache; pixels are worked on outside
 * it. SPDX-License-Identifier: Apache-2.0 */
#include "data/loader.h"

#include "base/file.h"
#include "base/thread.h"
#include "data/loader_order.h"
#include "image/codec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct slot {
    float *planes; /* [batch][size][size] */
    int remaining; /* samples not yet finished */
    int failed_at; /* place of the earliest failure, or -1 */
    sg_error error;
} slot;

/* One sample to be filled. */
typedef struct ticket {
    size_t batch;
    int place;
} ticket;

struct sg_loader {
    sg_loader_options options;
    size_t n, batches, plane; /* plane: floats of one image */
    char **paths;
    int *labels;
    uint32_t *samples;
    char *root;

    uint32_t epoch;
    uint32_t *order, *repeat; /* [n] of this epoch */

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    slot *slots;     /* [prefetch]; batch b lives in slot b % prefetch */
    ticket next;     /* to be handed out */
    size_t consumed; /* batch that next returns */
    int active;      /* tickets being worked on */
    bool paused, stop;

    sg_image *cache; /* [n] prepared images; width 0 = not there */
    size_t cached;   /* bytes */

    int thread_count;
    pthread_t *threads;
    float *own_plane; /* standardised from when mixing */

    size_t *index; /* [batch], what sg_batch shows */
    int *batch_labels, *mix_labels, *partner;
    float *mix_share;
    double waited;
};

/* ---- one sample ---- */

static bool cache_get(sg_image *out, sg_loader *l, size_t item) {
    if (!l->options.cache_bytes) return false;
    pthread_mutex_lock(&l->lock);
    *out = l->cache[item];
    pthread_mutex_unlock(&l->lock);
    return out->width > 0;
}

/* Takes the image when there is room; then it lives as long as the loader. */
static bool cache_put(sg_loader *l, size_t item, const sg_image *image) {
    size_t bytes = sg_image_size(image);
    pthread_mutex_lock(&l->lock);
    bool take = l->cache[item].width == 0 && l->cached <= l->options.cache_bytes &&
                bytes <= l->options.cache_bytes - l->cached;
    if (take) {
        l->cache[item] = *image;
        l->cached += bytes;
    }
    pthread_mutex_unlock(&l->lock);
    return take;
}

/* *owned tells whether the caller disposes of the image. */
static sg_status prepare(sg_image *out, bool *owned, sg_loader *l, size_t item, sg_error *err) {
    *owned = false;
    if (cache_get(out, l, item)) return SG_OK;
    sg_image raw = {0};
    sg_status status = sg_image_read(&raw, NULL, l->paths[item], NULL, err);
    if (status) return status;
    status = sg_recipe_prepare(out, NULL, &raw, &l->options.recipe, err);
    sg_image_dispose(&raw);
    if (status) return sg_fail_context(err, status, "%s", l->paths[item]);
    *owned = !cache_put(l, item, out);
    return SG_OK;
}

static void mirror(float *plane, int size) {
    for (int y = 0; y < size; y++) {
        float *row = plane + (size_t)y * (size_t)size;
        for (int x = 0; x < size / 2; x++) {
            float kept = row[x];
            row[x] = row[size - 1 - x];
            row[size - 1 - x] = kept;
        }
    }
}

static sg_status load_sample(float *plane, sg_loader *l, size_t position, sg_error *err) {
    static const double identity[6] = {1, 0, 0, 0, 1, 0};
    size_t item = l->order[position];
    int size = l->options.recipe.size;
    sg_image prepared = {0};
    bool owned;
    sg_status status = prepare(&prepared, &owned, l, item, err);
    if (status) return status;
    sg_augment_draw draw;
    sg_augment_draw_sample(&draw, &l->options.augment, size, l->options.seed, l->epoch,
            l->samples[item], l->repeat[position]);
    bool moved = false;
    for (int i = 0; i < 6; i++) moved |= draw.affine[i] != identity[i];
    status =
            sg_recipe_sample(plane, &prepared, &l->options.recipe, moved ? draw.affine : NULL, err);
    if (owned) sg_image_dispose(&prepared);
    if (status) return sg_fail_context(err, status, "%s", l->paths[item]);
    if (l->options.augment.on) sg_augment_apply(plane, size, &draw);
    if (l->options.flip) mirror(plane, size);
    return SG_OK;
}

/* ---- tickets ---- */

static int batch_count(const sg_loader *l, size_t batch) {
    size_t left = l->n - batch * (size_t)l->options.batch;
    return left < (size_t)l->options.batch ? (int)left : l->options.batch;
}

static bool ticket_ready(const sg_loader *l) {
    return !l->paused && l->next.batch < l->batches &&
           l->next.batch < l->consumed + (size_t)l->options.prefetch;
}

/* With the lock held. */
static ticket take_ticket(sg_loader *l) {
    ticket t = l->next;
    slot *s = &l->slots[t.batch % (size_t)l->options.prefetch];
    if (t.place == 0) {
        s->remaining = batch_count(l, t.batch);
        s->failed_at = -1;
    }
    if (++l->next.place == batch_count(l, t.batch)) l->next = (ticket){t.batch + 1, 0};
    l->active++;
    return t;
}

/* Called with the lock held; gives it up while working. */
static void serve_ticket(sg_loader *l) {
    ticket t = take_ticket(l);
    slot *s = &l->slots[t.batch % (size_t)l->options.prefetch];
    pthread_mutex_unlock(&l->lock);
    sg_error error = SG_ERROR_INIT;
    sg_status status = load_sample(s->planes + (size_t)t.place * l->plane, l,
            t.batch * (size_t)l->options.batch + (size_t)t.place, &error);
    pthread_mutex_lock(&l->lock);
    if (status && (s->failed_at < 0 || t.place < s->failed_at)) {
        s->failed_at = t.place;
        s->error = error;
    }
    s->remaining--;
    l->active--;
    if (s->remaining == 0 || (l->paused && l->active == 0)) pthread_cond_broadcast(&l->done);
}

static void *work(void *user) {
    sg_loader *l = user;
    sg_thread_step_back();
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        if (ticket_ready(l))
            serve_ticket(l);
        else
            pthread_cond_wait(&l->work, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- life ---- */

static sg_status check_options(
        const sg_loader_item *items, size_t n, const sg_loader_options *o, sg_error *err) {
    if (n == 0) return sg_fail(err, SG_ERR_USAGE, "there are no images to load");
    if (n > UINT32_MAX) return sg_fail(err, SG_ERR_USAGE, "%zu images are too many", n);
    if (o->batch < 1 || o->batch > 65536)
        return sg_fail(err, SG_ERR_USAGE, "a batch of %d images is outside 1..65536", o->batch);
    if (o->prefetch < 1 || o->prefetch > 64)
        return sg_fail(err, SG_ERR_USAGE, "prefetching %d batches is outside 1..64", o->prefetch);
    if (o->workers < 0 || o->workers > 1024)
        return sg_fail(err, SG_ERR_USAGE, "%d loader threads are outside 0..1024", o->workers);
    if (o->order == SG_LOADER_BALANCED || o->augment.mixup_alpha > 0.0)
        for (size_t i = 0; i < n; i++)
            if (items[i].label < 0)
                return sg_fail(err, SG_ERR_USAGE,
                        "%s has no class; balanced sampling and mixup need one", items[i].path);
    sg_status status = sg_recipe_check(&o->recipe, err);
    if (!status && o->augment.on) status = sg_augment_check(&o->augment, err);
    return status;
}

static sg_status copy_items(sg_loader *l, const sg_loader_item *items, sg_error *err) {
    for (size_t i = 0; i < l->n; i++) {
        l->labels[i] = items[i].label;
        l->samples[i] = items[i].sample;
        l->paths[i] = l->options.root && items[i].path[0] != '/'
                              ? sg_path_join(l->options.root, items[i].path)
                              : sg_strdup(items[i].path);
        if (!l->paths[i]) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu paths", l->n);
    }
    l->options.root = NULL; /* borrowed; the paths hold it now */
    return SG_OK;
}

static sg_status allocate(sg_loader *l, sg_error *err) {
    size_t n = l->n, b = (size_t)l->options.batch, depth = (size_t)l->options.prefetch;
    if (b > n) b = n;
    l->paths = calloc(n, sizeof *l->paths);
    l->labels = malloc(n * sizeof *l->labels);
    l->samples = malloc(n * sizeof *l->samples);
    l->order = malloc(n * sizeof *l->order);
    l->repeat = malloc(n * sizeof *l->repeat);
    l->cache = calloc(n, sizeof *l->cache);
    l->slots = calloc(depth, sizeof *l->slots);
    l->threads = calloc((size_t)l->options.workers + 1, sizeof *l->threads);
    l->index = malloc(b * sizeof *l->index);
    l->batch_labels = malloc(b * sizeof *l->batch_labels);
    l->mix_labels = malloc(b * sizeof *l->mix_labels);
    l->partner = malloc(b * sizeof *l->partner);
    l->mix_share = malloc(b * sizeof *l->mix_share);
    l->own_plane = malloc(l->plane * sizeof *l->own_plane);
    bool whole = l->paths && l->labels && l->samples && l->order && l->repeat && l->cache &&
                 l->slots && l->threads && l->index && l->batch_labels && l->mix_labels &&
                 l->partner && l->mix_share && l->own_plane;
    for (size_t i = 0; whole && i < depth; i++) {
        l->slots[i].planes = malloc(b * l->plane * sizeof(float));
        whole = l->slots[i].planes != NULL;
    }
    return whole ? SG_OK
                 : sg_fail(err, SG_ERR_MEMORY,
                           "out of memory for %zu batches of %zu images; lower the batch size or "
                           "the prefetch",
                           depth, b);
}

sg_status sg_loader_create(sg_loader **out, const sg_loader_item *items, size_t n,
        const sg_loader_options *options, sg_error *err) {
    sg_status status = check_options(items, n, options, err);
    if (status) return status;
    sg_loader *l = calloc(1, sizeof *l);
    if (!l) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a loader");
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->done, NULL);
    l->options = *options;
    if (!l->options.workers) l->options.prefetch = 1;
    l->paused = true; /* until an epoch is asked for */
    l->n = n;
    l->plane = (size_t)options->recipe.size * (size_t)options->recipe.size;
    size_t batch = (size_t)options->batch;
    l->batches = options->drop_last && n >= batch ? n / batch : (n - 1) / batch + 1;
    status = allocate(l, err);
    if (!status) status = copy_items(l, items, err);
    for (int i = 0; !status && i < options->workers; i++) {
        if (pthread_create(&l->threads[i], NULL, work, l))
            status = sg_fail(err, SG_ERR_MEMORY, "cannot start loader thread %d of %d", i + 1,
                    options->workers);
        else
            l->thread_count++;
    }
    if (status)
        sg_loader_destroy(l);
    else
        *out = l;
    return status;
}

void sg_loader_destroy(sg_loader *l) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
    for (size_t i = 0; i < l->n; i++) {
        if (l->paths) free(l->paths[i]);
        if (l->cache) sg_image_dispose(&l->cache[i]);
    }
    for (int i = 0; l->slots && i < l->options.prefetch; i++) free(l->slots[i].planes);
    void *const blocks[] = {l->paths, l->labels, l->samples, l->order, l->repeat, l->cache,
            l->slots, l->threads, l->index, l->batch_labels, l->mix_labels, l->partner,
            l->mix_share, l->own_plane};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) free(blocks[i]);
    pthread_cond_destroy(&l->done);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

size_t sg_loader_batches(const sg_loader *loader) {
    return loader->batches;
}

double sg_loader_wait_seconds(const sg_loader *loader) {
    return loader->waited;
}

/* ---- epochs and batches ---- */

sg_status sg_loader_start(sg_loader *l, uint32_t epoch, size_t first_batch, sg_error *err) {
    if (first_batch > l->batches)
        return sg_fail(err, SG_ERR_USAGE, "batch %zu is past the %zu of an epoch", first_batch,
                l->batches);
    pthread_mutex_lock(&l->lock);
    l->paused = true;
    while (l->active) pthread_cond_wait(&l->done, &l->lock);
    sg_status status = sg_loader_order_draw(
            l->order, l->repeat, l->labels, l->n, l->options.order, l->options.seed, epoch, err);
    if (!status) {
        l->epoch = epoch;
        l->next = (ticket){first_batch, 0};
        l->consumed = first_batch;
    }
    l->paused = status != SG_OK;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return status;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Until the batch to be returned is whole; helps while there is something to do for it. Without
 * threads of its own the loader works here alone. */
static slot *wait_for_batch(sg_loader *l) {
    double since = now();
    slot *s = &l->slots[l->consumed % (size_t)l->options.prefetch];
    pthread_mutex_lock(&l->lock);
    for (;;) {
        bool handed_out = l->next.batch > l->consumed;
        if (handed_out && s->remaining == 0) break;
        if (!handed_out)
            serve_ticket(l);
        else
            pthread_cond_wait(&l->done, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    l->waited += now() - since;
    return s;
}

static void release_batch(sg_loader *l) {
    pthread_mutex_lock(&l->lock);
    l->consumed++;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

static void write_image(float *image, sg_loader *l, const slot *s, int i) {
    const float *plane = s->planes + (size_t)i * l->plane;
    if (l->partner[i] != i) {
        const float *other = s->planes + (size_t)l->partner[i] * l->plane;
        float share = l->mix_share[i];
        for (size_t k = 0; k < l->plane; k++)
            l->own_plane[k] = share * plane[k] + (1.0f - share) * other[k];
        plane = l->own_plane;
    }
    sg_recipe_standardise(image, plane, &l->options.recipe);
}

sg_status sg_loader_next(sg_batch *out, sg_loader *l, float *images, sg_error *err) {
    if (l->paused) {
        sg_status status = sg_loader_start(l, 0, 0, err);
        if (status) return status;
    }
    if (l->consumed >= l->batches) {
        *out = (sg_batch){0};
        return SG_OK;
    }
    slot *s = wait_for_batch(l);
    if (s->failed_at >= 0) return sg_fail(err, s->error.code, "%s", s->error.message);
    int count = batch_count(l, l->consumed);
    size_t first = l->consumed * (size_t)l->options.batch;
    double alpha = l->options.augment.on ? l->options.augment.mixup_alpha : 0.0;
    sg_augment_draw_mixup(l->mix_share, l->partner, count, alpha, l->options.seed, l->epoch,
            (uint32_t)l->consumed);
    size_t stride = (size_t)l->options.recipe.channels * l->plane;
    for (int i = 0; i < count; i++) {
        l->index[i] = l->order[first + (size_t)i];
        l->batch_labels[i] = l->labels[l->index[i]];
        write_image(images + (size_t)i * stride, l, s, i);
    }
    for (int i = 0; i < count; i++) l->mix_labels[i] = l->batch_labels[l->partner[i]];
    release_batch(l);
    *out = (sg_batch){.count = count,
            .index = l->index,
            .labels = l->batch_labels,
            .mix_labels = alpha > 0.0 ? l->mix_labels : NULL,
            .mix_share = alpha > 0.0 ? l->mix_share : NULL};
    return SG_OK;
}
