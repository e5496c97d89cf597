/* split.c - making splits and asking them.
 *
 * Groups with the same counts per class are interchangeable, so the search runs over how many
 * groups of each kind go to each bin: kinds are few where groups are many. Cost of a bin: squared
 * distance of its class counts from its shares, half weight for its total, and a wall against
 * leaving a class out. A greedy placing is improved by exchanges; where these end more than an
 * image from a share, groups are thrown about at random and exchanged again, the best placing kept.
 * Which groups of a kind go where is drawn by the seed. SPDX-License-Identifier: Apache-2.0 */
#include "data/split.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FOLDS = 100, MAX_RETURN = 4, KICKS = 100 };
/* Streams of the generator: the outer split, one per fold for the inner ones, the search. */
enum { OUTER_STREAM = 0, INNER_STREAM = 1, KICK_STREAM = INNER_STREAM + MAX_FOLDS };
static const double wall = 1e6, least_gain = 1e-7;
static const long long evaluation_budget = 100000000, kick_budget = 4000000;

const char *sg_part_name(sg_part part) {
    static const char *const names[] = {"none", "train", "val", "test"};
    return names[part + 1];
}

void sg_split_dispose(sg_split *split) {
    if (!split) return;
    free(split->bins);
    *split = (sg_split){0};
}

int sg_split_bins(const sg_split *split) {
    return split->folds ? split->folds : SG_PART_COUNT;
}

/* ---- kinds of groups ---- */

typedef struct unit { /* what is placed as one: a group, or an image */
    int id;
    int kind;
} unit;

typedef struct placing {
    size_t class_count, unit_count, kind_count;
    int bins;
    const double *weights; /* [bins], sum 1 */
    unit *units;           /* sorted by kind: largest kind first */
    uint32_t *tallies;     /* [unit_count of ids][class_count], by id */
    size_t *kind_first;    /* [kind_count + 1] into units */
    size_t *placed;        /* [bins][kind_count]: groups of a kind in a bin */
    double *counts;        /* [bins][class_count]: images */
    double *totals;        /* [class_count] */
} placing;

static const uint32_t *kind_tally(const placing *p, size_t kind) {
    return p->tallies + (size_t)p->units[p->kind_first[kind]].id * p->class_count;
}

typedef struct sort_unit {
    const uint32_t *tally;
    size_t classes;
    uint32_t images;
    int id;
} sort_unit;

/* Larger first, then by class counts, then by number. */
static int compare_units(const void *a, const void *b) {
    const sort_unit *x = a, *y = b;
    if (x->images != y->images) return x->images > y->images ? -1 : 1;
    for (size_t c = 0; c < x->classes; c++)
        if (x->tally[c] != y->tally[c]) return x->tally[c] > y->tally[c] ? -1 : 1;
    return x->id - y->id;
}

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for a split");
}

static void placing_dispose(placing *p) {
    free(p->units);
    free(p->tallies);
    free(p->kind_first);
    free(p->placed);
    free(p->counts);
    free(p->totals);
}

static int unit_of(const sg_manifest *m, size_t row, bool ungrouped) {
    return ungrouped ? (int)row : m->rows[row].group;
}

static sg_status sort_into_kinds(placing *p, size_t ids, sg_error *err) {
    sort_unit *order = calloc(ids + 1, sizeof *order);
    if (!order) return no_memory(err);
    size_t n = 0;
    for (size_t id = 0; id < ids; id++) {
        const uint32_t *tally = p->tallies + id * p->class_count;
        uint32_t images = 0;
        for (size_t c = 0; c < p->class_count; c++) images += tally[c];
        if (images) order[n++] = (sort_unit){tally, p->class_count, images, (int)id};
    }
    qsort(order, n, sizeof *order, compare_units);
    p->unit_count = n;
    for (size_t i = 0; i < n; i++) {
        bool fresh = i == 0 || memcmp(order[i].tally, order[i - 1].tally,
                                       p->class_count * sizeof *order->tally) != 0;
        if (fresh) p->kind_first[p->kind_count++] = i;
        p->units[i] = (unit){order[i].id, (int)p->kind_count - 1};
    }
    p->kind_first[p->kind_count] = n;
    free(order);
    return SG_OK;
}

/* active NULL = all rows. */
static sg_status placing_init(placing *p, const sg_manifest *m, const bool *active, bool ungrouped,
        const double *weights, int bins, sg_error *err) {
    size_t ids = ungrouped ? m->count : m->group_count, classes = m->class_count;
    *p = (placing){.class_count = classes, .bins = bins, .weights = weights};
    p->units = calloc(ids + 1, sizeof *p->units);
    p->tallies = calloc(ids * classes + 1, sizeof *p->tallies);
    p->kind_first = calloc(ids + 2, sizeof *p->kind_first);
    p->counts = calloc((size_t)bins * classes + 1, sizeof *p->counts);
    p->totals = calloc(classes + 1, sizeof *p->totals);
    if (!p->units || !p->tallies || !p->kind_first || !p->counts || !p->totals)
        return no_memory(err);
    for (size_t i = 0; i < m->count; i++) {
        if (active && !active[i]) continue;
        size_t c = (size_t)m->rows[i].class_index;
        p->tallies[(size_t)unit_of(m, i, ungrouped) * classes + c]++;
        p->totals[c]++;
    }
    sg_status status = sort_into_kinds(p, ids, err);
    if (status) return status;
    p->placed = calloc((size_t)bins * p->kind_count + 1, sizeof *p->placed);
    return p->placed ? SG_OK : no_memory(err);
}

/* ---- search ---- */

static double bin_cost(const placing *p, int bin) {
    const double *counts = p->counts + (size_t)bin * p->class_count;
    double cost = 0, images = 0, share = 0;
    for (size_t c = 0; c < p->class_count; c++) {
        double distance = counts[c] - p->weights[bin] * p->totals[c];
        cost += distance * distance;
        if (counts[c] == 0 && p->totals[c] > 0 && p->weights[bin] > 0) cost += wall;
        images += counts[c];
        share += p->weights[bin] * p->totals[c];
    }
    return cost + 0.5 * (images - share) * (images - share);
}

/* Puts n groups of a kind into a bin; n < 0 takes them out. */
static void place(placing *p, int bin, size_t kind, int n) {
    const uint32_t *tally = kind_tally(p, kind);
    for (size_t c = 0; c < p->class_count; c++)
        p->counts[(size_t)bin * p->class_count + c] += (double)n * tally[c];
    p->placed[(size_t)bin * p->kind_count + kind] += (size_t)n;
}

static void place_greedily(placing *p) {
    for (size_t i = 0; i < p->unit_count; i++) {
        size_t kind = (size_t)p->units[i].kind;
        int best = -1;
        double best_change = 0;
        for (int bin = 0; bin < p->bins; bin++) {
            if (p->weights[bin] <= 0) continue;
            double before = bin_cost(p, bin);
            place(p, bin, kind, 1);
            double change = bin_cost(p, bin) - before;
            place(p, bin, kind, -1);
            if (best < 0 || change < best_change) {
                best = bin;
                best_change = change;
            }
        }
        place(p, best, kind, 1);
    }
}

static size_t held(const placing *p, int bin, size_t kind) {
    return p->placed[(size_t)bin * p->kind_count + kind];
}

/* Moves one group of a kind from bin a to b and `n` of another kind back, if that lowers the cost.
 */
static bool try_exchange(placing *p, int a, int b, size_t kind, size_t back, int n) {
    double before = bin_cost(p, a) + bin_cost(p, b);
    place(p, a, kind, -1);
    place(p, b, kind, 1);
    place(p, b, back, -n);
    place(p, a, back, n);
    if (bin_cost(p, a) + bin_cost(p, b) < before - least_gain) return true;
    place(p, a, back, -n);
    place(p, b, back, n);
    place(p, b, kind, -1);
    place(p, a, kind, 1);
    return false;
}

static bool improve_between(placing *p, int a, int b, long long *left) {
    bool better = false;
    for (size_t kind = 0; kind < p->kind_count; kind++) {
        for (; *left > 0 && held(p, a, kind) && try_exchange(p, a, b, kind, kind, 0); --*left)
            better = true;
        for (size_t back = 0; back<p->kind_count && * left> 0; back++) {
            if (back == kind) continue;
            for (int n = 1; n <= MAX_RETURN; n++) {
                if (!held(p, a, kind) || held(p, b, back) < (size_t)n) break;
                better |= try_exchange(p, a, b, kind, back, n);
                --*left;
            }
        }
    }
    return better;
}

static void improve(placing *p, long long *left) {
    for (bool better = true; better && *left > 0;) {
        better = false;
        for (int a = 0; a < p->bins; a++)
            for (int b = 0; b < p->bins; b++)
                if (a != b && p->weights[a] > 0 && p->weights[b] > 0)
                    better |= improve_between(p, a, b, left);
    }
}

/* Every class count lies within one image of its share: nothing is to be gained. */
static bool is_balanced(const placing *p) {
    for (int bin = 0; bin < p->bins; bin++)
        for (size_t c = 0; c < p->class_count; c++) {
            double count = p->counts[(size_t)bin * p->class_count + c];
            double share = p->weights[bin] * p->totals[c];
            if (share > 0 && (count == 0 || fabs(count - share) > 1)) return false;
        }
    return true;
}

/* Sum over the bins, and the largest distance once more as if every count had it: between
 * placings of like sums the one without an outlier is taken. */
static double whole_cost(const placing *p) {
    double cost = 0, worst = 0;
    for (int bin = 0; bin < p->bins; bin++) {
        cost += bin_cost(p, bin);
        for (size_t c = 0; c < p->class_count; c++) {
            double count = p->counts[(size_t)bin * p->class_count + c];
            worst = fmax(worst, fabs(count - p->weights[bin] * p->totals[c]));
        }
    }
    return cost + (double)p->bins * (double)p->class_count * worst * worst;
}

/* Moves a few groups, drawn at random, to other bins. */
static void kick(placing *p, sg_rng *rng) {
    for (int moves = 2 + (int)sg_rng_below(rng, 3); moves > 0; moves--) {
        size_t kind = (size_t)p->units[sg_rng_below(rng, (uint32_t)p->unit_count)].kind;
        int from = (int)sg_rng_below(rng, (uint32_t)p->bins);
        int to = (int)sg_rng_below(rng, (uint32_t)p->bins);
        if (from == to || !held(p, from, kind) || p->weights[to] <= 0) continue;
        place(p, from, kind, -1);
        place(p, to, kind, 1);
    }
}

/* Leaves the local optimum that improve() ended in, again and again. The draws are the same for
 * every seed of the split: that decides which groups of a kind go where and nothing else. */
static sg_status search_on(placing *p, sg_error *err) {
    size_t placed_bytes = (size_t)p->bins * p->kind_count * sizeof *p->placed;
    size_t count_bytes = (size_t)p->bins * p->class_count * sizeof *p->counts;
    size_t *placed = malloc(placed_bytes + 1);
    double *counts = malloc(count_bytes + 1);
    if (!placed || !counts) {
        free(placed);
        free(counts);
        return no_memory(err);
    }
    sg_rng rng = sg_rng_make(0, SG_RNG_SPLIT, KICK_STREAM, 0);
    double best = whole_cost(p);
    memcpy(placed, p->placed, placed_bytes);
    memcpy(counts, p->counts, count_bytes);
    long long left = kick_budget;
    for (int round = 0; round < KICKS && left > 0 && !is_balanced(p); round++) {
        kick(p, &rng);
        improve(p, &left);
        double cost = whole_cost(p);
        if (cost < best) {
            best = cost;
            memcpy(placed, p->placed, placed_bytes);
            memcpy(counts, p->counts, count_bytes);
        } else {
            memcpy(p->placed, placed, placed_bytes);
            memcpy(p->counts, counts, count_bytes);
        }
    }
    free(placed);
    free(counts);
    return SG_OK;
}

/* Draws which groups of each kind go where: bin_of[id]. */
static sg_status deal(
        int *bin_of, const placing *p, uint64_t seed, uint32_t stream, sg_error *err) {
    uint32_t *ids = calloc(p->unit_count + 1, sizeof *ids);
    if (!ids) return no_memory(err);
    for (size_t kind = 0; kind < p->kind_count; kind++) {
        size_t first = p->kind_first[kind], n = p->kind_first[kind + 1] - first, next = 0;
        for (size_t i = 0; i < n; i++) ids[i] = (uint32_t)p->units[first + i].id;
        sg_rng rng = sg_rng_make(seed, SG_RNG_SPLIT, stream, (uint32_t)kind);
        sg_rng_shuffle(&rng, ids, n);
        for (int bin = 0; bin < p->bins; bin++)
            for (size_t k = 0; k < held(p, bin, kind); k++) bin_of[ids[next++]] = bin;
    }
    free(ids);
    return SG_OK;
}

/* Fills bins[] of the active rows. `required`: bins below this number must hold every class. */
static sg_status assign(int *bins, const sg_manifest *m, const bool *active, const double *weights,
        int bin_count, int required, const sg_split_options *options, uint32_t stream,
        sg_error *err) {
    placing p;
    size_t ids = options->ungrouped ? m->count : m->group_count;
    int *bin_of = calloc(ids + 1, sizeof *bin_of);
    sg_status status = placing_init(&p, m, active, options->ungrouped, weights, bin_count, err);
    if (!status && !bin_of) status = no_memory(err);
    if (status) goto done;
    place_greedily(&p);
    long long left = evaluation_budget;
    improve(&p, &left);
    status = search_on(&p, err);
    if (status) goto done;
    for (int b = 0; b < required; b++) {
        for (size_t c = 0; c < p.class_count; c++) {
            if (weights[b] <= 0 || p.totals[c] <= 0) continue;
            if (p.counts[(size_t)b * p.class_count + c] > 0) continue;
            status = sg_fail(err, SG_ERR_INPUT,
                    "class '%s' (%.0f images) has too few groups of its own to be in all %d parts "
                    "of the split; ask for fewer parts or gather more images",
                    m->class_names[c], p.totals[c], required);
            goto done;
        }
    }
    status = deal(bin_of, &p, options->seed, stream, err);
    for (size_t i = 0; i < m->count && !status; i++)
        if (!active || active[i]) bins[i] = bin_of[unit_of(m, i, options->ungrouped)];
done:
    placing_dispose(&p);
    free(bin_of);
    return status;
}

/* ---- making ---- */

static sg_status split_init(sg_split *split, size_t count, sg_error *err) {
    *split = (sg_split){.count = count, .bins = malloc((count + 1) * sizeof *split->bins)};
    if (!split->bins) return no_memory(err);
    for (size_t i = 0; i < count; i++) split->bins[i] = SG_PART_NONE;
    return SG_OK;
}

static sg_status make(sg_split *out, const sg_manifest *manifest, const bool *active, int folds,
        const double *weights, int bins, const sg_split_options *options, sg_error *err) {
    static const sg_split_options defaults = SG_SPLIT_OPTIONS_INIT;
    if (!options) options = &defaults;
    sg_split split;
    sg_status status = split_init(&split, manifest->count, err);
    if (!status)
        status = assign(
                split.bins, manifest, active, weights, bins, bins, options, OUTER_STREAM, err);
    if (status) {
        sg_split_dispose(&split);
        return status;
    }
    split.folds = folds;
    split.seed = options->seed;
    split.ungrouped = options->ungrouped;
    *out = split;
    return SG_OK;
}

sg_status sg_split_make_parts(sg_split *out, const sg_manifest *manifest,
        const double shares[SG_PART_COUNT], const sg_split_options *options, sg_error *err) {
    double sum = 0, weights[SG_PART_COUNT];
    for (int k = 0; k < SG_PART_COUNT; k++) sum += shares[k];
    for (int k = 0; k < SG_PART_COUNT; k++) {
        if (!(shares[k] >= 0) || !(sum > 0) || sum > 1e9)
            return sg_fail(err, SG_ERR_USAGE,
                    "the shares %g, %g, %g of train, val and test must be 0 or more", shares[0],
                    shares[1], shares[2]);
        weights[k] = shares[k] / sum;
    }
    if (weights[SG_PART_TRAIN] <= 0 || weights[SG_PART_TEST] <= 0)
        return sg_fail(err, SG_ERR_USAGE,
                "the shares %g, %g, %g leave training or test empty; give both a share above 0",
                shares[0], shares[1], shares[2]);
    return make(out, manifest, NULL, 0, weights, SG_PART_COUNT, options, err);
}

sg_status sg_split_make_folds(sg_split *out, const sg_manifest *manifest, int folds,
        const sg_split_options *options, sg_error *err) {
    return sg_split_make_folds_of(out, manifest, NULL, folds, options, err);
}

sg_status sg_split_make_folds_of(sg_split *out, const sg_manifest *manifest, const bool *usable,
        int folds, const sg_split_options *options, sg_error *err) {
    if (folds < 2 || folds > MAX_FOLDS)
        return sg_fail(err, SG_ERR_USAGE, "%d folds were asked for; 2 to %d are possible", folds,
                MAX_FOLDS);
    double weights[MAX_FOLDS];
    for (int k = 0; k < folds; k++) weights[k] = 1.0 / folds;
    return make(out, manifest, usable, folds, weights, folds, options, err);
}

/* Turns part of the training rows into validation, in place. */
static sg_status take_validation(sg_split *split, const sg_manifest *manifest, int fold,
        double val_share, uint64_t seed, sg_error *err) {
    bool *active = calloc(split->count + 1, sizeof *active);
    if (!active) return no_memory(err);
    for (size_t i = 0; i < split->count; i++) active[i] = split->bins[i] == SG_PART_TRAIN;
    const double weights[] = {1 - val_share, val_share}; /* bin numbers are those of the parts */
    const sg_split_options options = {.seed = seed};
    sg_status status = assign(split->bins, manifest, active, weights, 2, 1, &options,
            INNER_STREAM + (uint32_t)fold, err);
    free(active);
    return status;
}

sg_status sg_split_fold_parts(sg_split *out, const sg_split *split, const sg_manifest *manifest,
        int fold, double val_share, uint64_t seed, sg_error *err) {
    if (split->folds && (fold < 0 || fold >= split->folds))
        return sg_fail(err, SG_ERR_USAGE, "there is no fold %d; the split has folds 0 to %d", fold,
                split->folds - 1);
    if (!(val_share >= 0 && val_share < 1))
        return sg_fail(err, SG_ERR_USAGE, "a validation share of %g is not in 0..1", val_share);
    sg_split parts;
    sg_status status = split_init(&parts, split->count, err);
    if (status) return status;
    parts.seed = split->folds ? seed : split->seed;
    parts.ungrouped = split->ungrouped;
    parts.doubtful = split->doubtful;
    for (size_t i = 0; i < split->count; i++) {
        int bin = split->bins[i];
        if (split->folds && bin >= 0) bin = bin == fold ? SG_PART_TEST : SG_PART_TRAIN;
        parts.bins[i] = bin;
    }
    if (split->folds && val_share > 0)
        status = take_validation(&parts, manifest, fold, val_share, seed, err);
    if (status)
        sg_split_dispose(&parts);
    else
        *out = parts;
    return status;
}

/* ---- asking ---- */

sg_status sg_split_select(
        size_t **rows, size_t *count, const sg_split *split, int bin, sg_error *err) {
    size_t n = 0;
    for (size_t i = 0; i < split->count; i++) n += split->bins[i] == bin;
    size_t *list = NULL;
    if (n) {
        list = malloc(n * sizeof *list);
        if (!list) return no_memory(err);
    }
    for (size_t i = 0, k = 0; i < split->count; i++)
        if (split->bins[i] == bin) list[k++] = i;
    *rows = list;
    *count = n;
    return SG_OK;
}

void sg_split_count(size_t *counts, const sg_split *split, const sg_manifest *manifest) {
    size_t classes = manifest->class_count;
    memset(counts, 0, (size_t)sg_split_bins(split) * classes * sizeof *counts);
    for (size_t i = 0; i < split->count; i++)
        if (split->bins[i] >= 0)
            counts[(size_t)split->bins[i] * classes + (size_t)manifest->rows[i].class_index]++;
}
