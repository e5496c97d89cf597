/* loader.c - see loader.h. Work is handed out image by image in the order of the epoch; a batch
 * lives in a slot of a ring until the consumer took it. What a worker computes depends on the
 * image's place in the epoch only, so the number of workers cannot show. SPDX-License-Identifier:
 * Apache-2.0 */
#include "data/loader.h"
#include "base/file.h"
#include "base/rng.h"
#include "image/codec.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct slot {
    float *images; /* [batch][channels][size][size] */
    int wanted, done;
    int failed_at; /* position of the earliest failure, -1 = none */
    sg_error error;
} slot;

struct sg_loader {
    sg_loader_item *items; /* paths owned */
    size_t n;
    sg_loader_options options;
    size_t batches, image_floats, plane_floats;

    /* of the running epoch */
    uint32_t epoch;
    size_t *order;     /* [n]: item of each place */
    uint32_t *repeats; /* [n]: how often that item came before in this epoch */
    size_t consumed;   /* batches given out, counted from the epoch's begin */

    /* handing out */
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    size_t next_batch;
    int next_position;
    int busy; /* images being made */
    bool quit, paused, started;
    slot *slots;
    pthread_t *threads;
    int thread_count;

    /* prepared images */
    sg_image *cache; /* [n]; empty where not kept */
    size_t cache_used;

    /* given to the consumer */
    size_t *index;
    int *labels, *mix_labels, *partner;
    float *mix_share, *scratch; /* scratch: [image]; for workers = 0 */
    double waited;
};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory loading images");
}

/* ---- one image ---- */

static sg_status read_prepared(
        sg_image *out, const sg_loader *l, const sg_loader_item *item, sg_error *err) {
    char *joined = l->options.root && item->path[0] != '/'
                           ? sg_path_join(l->options.root, item->path)
                           : sg_strdup(item->path);
    sg_image raw = {0, 0, 0, NULL};
    sg_status st = joined ? sg_image_read(&raw, NULL, joined, NULL, err) : no_memory(err);
    if (!st) st = sg_recipe_prepare(out, NULL, &raw, &l->options.recipe, err);
    sg_image_dispose(&raw);
    free(joined);
    return st;
}

/* The prepared image of an item: borrowed from the cache, or new and then the caller's (*owned). */
static sg_status get_prepared(
        sg_image *out, bool *owned, sg_loader *l, size_t item, sg_error *err) {
    pthread_mutex_lock(&l->lock);
    sg_image kept = l->cache[item];
    pthread_mutex_unlock(&l->lock);
    *owned = !kept.pixels;
    if (kept.pixels) {
        *out = kept;
        return SG_OK;
    }
    sg_status st = read_prepared(out, l, &l->items[item], err);
    if (st) return st;
    size_t bytes = sg_image_size(out);
    pthread_mutex_lock(&l->lock);
    if (!l->cache[item].pixels && l->cache_used + bytes <= l->options.cache_bytes) {
        l->cache[item] = *out;
        l->cache_used += bytes;
        *owned = false;
    }
    pthread_mutex_unlock(&l->lock);
    return SG_OK;
}

static void mirror(float *plane, int size) {
    for (int y = 0; y < size; y++) {
        float *row = plane + (size_t)y * (size_t)size;
        for (int a = 0, b = size - 1; a < b; a++, b--) {
            float kept = row[a];
            row[a] = row[b];
            row[b] = kept;
        }
    }
}

/* Makes the image at a place of the epoch. The first plane of chw serves as the work plane. */
static sg_status make_image(float *chw, float *plane, sg_loader *l, size_t place, sg_error *err) {
    size_t item = l->order[place];
    const sg_recipe *recipe = &l->options.recipe;
    sg_image prepared = {0, 0, 0, NULL};
    bool owned = false;
    sg_status st = get_prepared(&prepared, &owned, l, item, err);
    if (st) return st;
    if (l->options.augment.on) {
        sg_augment_draw draw;
        sg_augment_draw_sample(&draw, &l->options.augment, recipe->size, l->options.seed, l->epoch,
                l->items[item].sample, l->repeats[place]);
        st = sg_recipe_sample(plane, &prepared, recipe, draw.affine, err);
        if (!st) sg_augment_apply(plane, recipe->size, &draw);
    } else {
        st = sg_recipe_sample(plane, &prepared, recipe, NULL, err);
    }
    if (!st && l->options.flip) mirror(plane, recipe->size);
    if (!st) sg_recipe_standardise(chw, plane, recipe);
    if (owned) sg_image_dispose(&prepared);
    return st;
}

/* ---- the order of an epoch ---- */

static void order_balanced(sg_loader *l) {
    int most = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].label > most) most = l->items[i].label;
    sg_rng rng = sg_rng_make(l->options.seed, SG_RNG_SAMPLER, l->epoch, 0);
    for (size_t place = 0; place < l->n;) {
        int wanted = (int)sg_rng_below(&rng, (uint32_t)most + 1);
        uint32_t count = 0;
        for (size_t i = 0; i < l->n; i++) count += l->items[i].label == wanted;
        if (!count) continue; /* a class without images is never drawn */
        uint32_t pick = sg_rng_below(&rng, count);
        size_t i = 0;
        while (l->items[i].label != wanted || pick-- > 0) i++;
        l->order[place++] = i;
    }
}

static sg_status order_epoch(sg_loader *l, sg_error *err) {
    memset(l->repeats, 0, l->n * sizeof *l->repeats);
    for (size_t i = 0; i < l->n; i++) l->order[i] = i;
    if (l->options.order == SG_LOADER_IN_ORDER) return SG_OK;
    uint32_t *work = calloc(l->n, sizeof *work);
    if (!work) return no_memory(err);
    if (l->options.order == SG_LOADER_SHUFFLE) {
        sg_rng rng = sg_rng_make(l->options.seed, SG_RNG_SHUFFLE, l->epoch, 0);
        for (size_t i = 0; i < l->n; i++) work[i] = (uint32_t)i;
        sg_rng_shuffle(&rng, work, l->n);
        for (size_t i = 0; i < l->n; i++) l->order[i] = work[i];
    } else {
        order_balanced(l);
        for (size_t i = 0; i < l->n; i++) l->repeats[i] = work[l->order[i]]++;
    }
    free(work);
    return SG_OK;
}

static int batch_size(const sg_loader *l, size_t batch) {
    size_t left = l->n - batch * (size_t)l->options.batch;
    return left < (size_t)l->options.batch ? (int)left : l->options.batch;
}

/* ---- workers ---- */

static bool has_work(const sg_loader *l) {
    return !l->paused && l->next_batch < l->batches &&
           l->next_batch < l->consumed + (size_t)l->options.prefetch;
}

/* Takes the next image of the epoch; the lock is held. */
static void take_work(sg_loader *l, size_t *batch, int *position) {
    slot *s = &l->slots[l->next_batch % (size_t)l->options.prefetch];
    if (l->next_position == 0) {
        s->wanted = batch_size(l, l->next_batch);
        s->done = 0;
        s->failed_at = -1;
    }
    *batch = l->next_batch;
    *position = l->next_position++;
    if (l->next_position == s->wanted) {
        l->next_position = 0;
        l->next_batch++;
    }
    l->busy++;
}

static void *work(void *user) {
    sg_loader *l = user;
    float *plane = malloc(l->plane_floats * sizeof *plane);
    pthread_mutex_lock(&l->lock);
    while (!l->quit) {
        if (!has_work(l)) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        size_t batch;
        int position;
        take_work(l, &batch, &position);
        slot *s = &l->slots[batch % (size_t)l->options.prefetch];
        pthread_mutex_unlock(&l->lock);
        sg_error err = SG_ERROR_INIT;
        sg_status st = plane ? make_image(s->images + (size_t)position * l->image_floats, plane, l,
                                       batch * (size_t)l->options.batch + (size_t)position, &err)
                             : no_memory(&err);
        pthread_mutex_lock(&l->lock);
        if (st && (s->failed_at < 0 || position < s->failed_at)) {
            s->failed_at = position;
            s->error = err;
        }
        s->done++;
        l->busy--;
        pthread_cond_broadcast(&l->ready);
    }
    pthread_mutex_unlock(&l->lock);
    free(plane);
    return NULL;
}

/* ---- life ---- */

static sg_status check_options(const sg_loader_options *o, size_t n, sg_error *err) {
    sg_status st = sg_recipe_check(&o->recipe, err);
    if (!st && o->augment.on) st = sg_augment_check(&o->augment, err);
    if (st) return st;
    if (n == 0) return sg_fail(err, SG_ERR_USAGE, "there is no image to load");
    if (o->batch < 1 || o->prefetch < 1 || o->prefetch > 64 || o->workers < 0)
        return sg_fail(err, SG_ERR_USAGE,
                "a loader needs a batch of at least 1, 1 to 64 batches in flight and no negative "
                "number of workers");
    return SG_OK;
}

static sg_status copy_items(sg_loader *l, const sg_loader_item *items, sg_error *err) {
    for (size_t i = 0; i < l->n; i++) {
        l->items[i] = items[i];
        l->items[i].path = sg_strdup(items[i].path);
        if (!l->items[i].path) return no_memory(err);
    }
    return SG_OK;
}

static sg_status allocate(sg_loader *l, sg_error *err) {
    size_t batch = (size_t)l->options.batch, size = (size_t)l->options.recipe.size;
    l->plane_floats = size * size;
    l->image_floats = l->plane_floats * (size_t)l->options.recipe.channels;
    l->items = calloc(l->n, sizeof *l->items);
    l->order = calloc(l->n, sizeof *l->order);
    l->repeats = calloc(l->n, sizeof *l->repeats);
    l->cache = calloc(l->n, sizeof *l->cache);
    l->slots = calloc((size_t)l->options.prefetch, sizeof *l->slots);
    l->threads = calloc((size_t)l->options.workers + 1, sizeof *l->threads);
    l->index = calloc(batch, sizeof *l->index);
    l->labels = calloc(batch, sizeof *l->labels);
    l->mix_labels = calloc(batch, sizeof *l->mix_labels);
    l->partner = calloc(batch, sizeof *l->partner);
    l->mix_share = calloc(batch, sizeof *l->mix_share);
    l->scratch = calloc(l->plane_floats, sizeof *l->scratch);
    bool ok = l->items && l->order && l->repeats && l->cache && l->slots && l->threads &&
              l->index && l->labels && l->mix_labels && l->partner && l->mix_share && l->scratch;
    int slots = l->options.workers ? l->options.prefetch : 1;
    for (int i = 0; ok && i < slots; i++) {
        l->slots[i].images = malloc(batch * l->image_floats * sizeof(float));
        ok = l->slots[i].images != NULL;
    }
    return ok ? SG_OK : no_memory(err);
}

sg_status sg_loader_create(sg_loader **out, const sg_loader_item *items, size_t n,
        const sg_loader_options *options, sg_error *err) {
    sg_status st = check_options(options, n, err);
    if (st) return st;
    sg_loader *l = calloc(1, sizeof *l);
    if (!l) return no_memory(err);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    l->options = *options;
    l->n = n;
    size_t batch = (size_t)options->batch;
    l->batches = options->drop_last && n >= batch ? n / batch : (n + batch - 1) / batch;
    l->paused = true;
    char *root = options->root ? sg_strdup(options->root) : NULL;
    l->options.root = root;
    st = options->root && !root ? no_memory(err) : allocate(l, err);
    if (!st) st = copy_items(l, items, err);
    for (int i = 0; i < options->workers && !st; i++) {
        if (pthread_create(&l->threads[i], NULL, work, l))
            st = sg_fail(err, SG_ERR_MEMORY, "cannot start a loader thread");
        else
            l->thread_count++;
    }
    if (st)
        sg_loader_destroy(l);
    else
        *out = l;
    return st;
}

void sg_loader_destroy(sg_loader *l) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->quit = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
    for (size_t i = 0; i < l->n; i++) {
        if (l->cache) sg_image_dispose(&l->cache[i]);
        if (l->items) free((char *)l->items[i].path);
    }
    for (int i = 0; l->slots && i < l->options.prefetch; i++) free(l->slots[i].images);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->ready);
    free((char *)l->options.root);
    free(l->items);
    free(l->order);
    free(l->repeats);
    free(l->cache);
    free(l->slots);
    free(l->threads);
    free(l->index);
    free(l->labels);
    free(l->mix_labels);
    free(l->partner);
    free(l->mix_share);
    free(l->scratch);
    free(l);
}

size_t sg_loader_batches(const sg_loader *l) {
    return l->batches;
}

sg_status sg_loader_start(sg_loader *l, uint32_t epoch, size_t first_batch, sg_error *err) {
    pthread_mutex_lock(&l->lock);
    l->paused = true;
    while (l->busy) pthread_cond_wait(&l->ready, &l->lock);
    l->epoch = epoch;
    sg_status st = order_epoch(l, err);
    l->consumed = first_batch;
    l->next_batch = first_batch;
    l->next_position = 0;
    l->paused = st != SG_OK;
    l->started = st == SG_OK;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return st;
}

/* ---- taking a batch ---- */

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits until the slot of the next batch is whole. */
static sg_status await(slot **out, sg_loader *l, sg_error *err) {
    slot *s = &l->slots[l->consumed % (size_t)l->options.prefetch];
    double start = now_seconds();
    pthread_mutex_lock(&l->lock);
    while (l->next_batch <= l->consumed || s->done < s->wanted)
        pthread_cond_wait(&l->ready, &l->lock);
    pthread_mutex_unlock(&l->lock);
    l->waited += now_seconds() - start;
    *out = s;
    if (s->failed_at < 0) return SG_OK;
    if (err) *err = s->error;
    return s->error.code;
}

/* Without workers the caller does the work. */
static sg_status make_now(slot **out, sg_loader *l, sg_error *err) {
    slot *s = &l->slots[0];
    double start = now_seconds();
    sg_status st = SG_OK;
    s->wanted = batch_size(l, l->consumed);
    for (int i = 0; i < s->wanted && !st; i++)
        st = make_image(s->images + (size_t)i * l->image_floats, l->scratch, l,
                l->consumed * (size_t)l->options.batch + (size_t)i, err);
    l->waited += now_seconds() - start;
    *out = s;
    return st;
}

static bool is_mixed(const sg_loader *l) {
    return l->options.augment.on && l->options.augment.mixup_alpha > 0;
}

static void copy_out(float *images, sg_loader *l, const slot *s) {
    size_t each = l->image_floats;
    if (!is_mixed(l)) {
        memcpy(images, s->images, (size_t)s->wanted * each * sizeof *images);
        return;
    }
    sg_augment_draw_mixup(l->mix_share, l->partner, s->wanted, l->options.augment.mixup_alpha,
            l->options.seed, l->epoch, (uint32_t)l->consumed);
    for (int i = 0; i < s->wanted; i++) {
        const float *a = s->images + (size_t)i * each;
        const float *b = s->images + (size_t)l->partner[i] * each;
        float share = l->mix_share[i];
        for (size_t k = 0; k < each; k++)
            images[(size_t)i * each + k] = share * a[k] + (1 - share) * b[k];
        l->mix_labels[i] = l->labels[l->partner[i]];
    }
}

sg_status sg_loader_next(sg_batch *out, sg_loader *l, float *images, sg_error *err) {
    if (l->consumed >= l->batches) {
        *out = (sg_batch){0, NULL, NULL, NULL, NULL};
        return SG_OK;
    }
    slot *s;
    sg_status st = l->started ? SG_OK : sg_loader_start(l, 0, 0, err);
    if (!st) st = l->thread_count ? await(&s, l, err) : make_now(&s, l, err);
    if (st) return st;
    for (int i = 0; i < s->wanted; i++) {
        size_t item = l->order[l->consumed * (size_t)l->options.batch + (size_t)i];
        l->index[i] = item;
        l->labels[i] = l->items[item].label;
    }
    copy_out(images, l, s);
    *out = (sg_batch){s->wanted, l->index, l->labels, is_mixed(l) ? l->mix_labels : NULL,
            is_mixed(l) ? l->mix_share : NULL};
    pthread_mutex_lock(&l->lock);
    l->consumed++;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return SG_OK;
}

double sg_loader_wait_seconds(const sg_loader *l) {
    return l->waited;
}

/* ---- finding bad files ---- */

typedef struct hunt {
    bool *bad;
    char **reasons;
    const sg_loader_item *items;
    const char *root;
} hunt;

static sg_status try_file(void *user, size_t i, sg_error *err) {
    const hunt *h = user;
    const char *path = h->items[i].path;
    char *joined = h->root && path[0] != '/' ? sg_path_join(h->root, path) : sg_strdup(path);
    if (!joined) return no_memory(err);
    sg_error why = SG_ERROR_INIT;
    sg_image image = {0, 0, 0, NULL};
    sg_status st = sg_image_read(&image, NULL, joined, NULL, &why);
    sg_image_dispose(&image);
    free(joined);
    if (st == SG_ERR_MEMORY) return no_memory(err);
    h->bad[i] = st != SG_OK;
    if (h->reasons) h->reasons[i] = st ? sg_strdup(why.message) : NULL;
    return st && h->reasons && !h->reasons[i] ? no_memory(err) : SG_OK;
}

sg_status sg_loader_find_bad(bool *bad, char **reasons, const sg_loader_item *items, size_t n,
        const char *root, sg_pool *pool, sg_error *err) {
    hunt h = {bad, reasons, items, root};
    return sg_pool_for(pool, n, try_file, &h, err);
}
