/* readers.c - see readers.h: the figures of a reader study.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/readers.h"

#include "stats/repeated.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double CONFIDENCE = 0.95;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring a reader study");
}

/* The images as arrays, and room for a subset of them. */
typedef struct work {
    sg_reader_study *s;
    sg_bootstrap_sample sample;
    sg_bootstrap_options options;
    uint32_t *labels, *groups, *ratings; /* [n], [n], [readings * n] */
    uint8_t *among, *hit, *side;         /* [n] */
    double *scores;                      /* [(readings + 1) * n] */
    uint32_t *part_labels, *part_groups; /* [n] of a subset */
} work;

static void work_dispose(work *w) {
    free(w->labels);
    free(w->groups);
    free(w->ratings);
    free(w->among);
    free(w->scores);
    free(w->part_labels);
}

static sg_status work_make(work *w, sg_reader_study *s, sg_error *err) {
    size_t n = s->image_count, readings = s->reading_count;
    *w = (work){.s = s, .options = {s->draws, CONFIDENCE, 0}};
    w->labels = calloc(n + 1, sizeof *w->labels);
    w->groups = calloc(n + 1, sizeof *w->groups);
    w->ratings = calloc((readings + 2) * n + 1, sizeof *w->ratings);
    w->among = calloc(3 * n + 1, 1);
    w->scores = calloc((readings + 2) * n + 1, sizeof *w->scores);
    w->part_labels = calloc(2 * n + 1, sizeof *w->part_labels);
    if (!w->labels || !w->groups || !w->ratings || !w->among || !w->scores || !w->part_labels)
        return no_memory(err);
    w->hit = w->among + n;
    w->side = w->hit + n;
    w->part_groups = w->part_labels + n;
    for (size_t i = 0; i < n; i++) {
        w->labels[i] = s->images[i].positive;
        w->groups[i] = s->images[i].group;
        s->positives += s->images[i].positive;
    }
    w->sample = (sg_bootstrap_sample){w->labels, w->groups, n, 2};
    if (s->positives == 0 || s->positives == n)
        return sg_fail(err, SG_ERR_INPUT,
                "%zu of the %zu images read are %s; sensitivity and specificity need both sides",
                s->positives, n, s->positive_name);
    sg_share all; /* counts the groups */
    memset(w->hit, 1, n);
    sg_status st = sg_share_measure(&all, &w->sample, NULL, w->hit, &w->options, err);
    if (!st) s->groups = all.groups;
    for (size_t i = 0; i < n && !st; i++) {
        size_t size = 0;
        for (size_t j = 0; j < n; j++) size += w->groups[j] == w->groups[i];
        if (size > s->largest_group) s->largest_group = size;
    }
    return st;
}

/* verdict[n]: categories, -1 none. */
static sg_status measure_verdicts(sg_share *sensitivity, sg_share *specificity, const work *w,
        const int *verdict, sg_error *err) {
    sg_status st = SG_OK;
    for (int positive = 0; positive < 2 && !st; positive++) {
        for (size_t i = 0; i < w->sample.n; i++) {
            bool called = verdict[i] == (int)w->s->positive_category;
            w->among[i] = verdict[i] >= 0 && w->s->images[i].positive == positive;
            w->hit[i] = called == positive;
        }
        st = sg_share_measure(positive ? sensitivity : specificity, &w->sample, w->among, w->hit,
                &w->options, err);
    }
    return st;
}

/* Two groups on each side among the first n of w->side and w->part_groups: what a variance needs.
 */
static bool has_two_sides(const work *w, size_t n) {
    bool found[2] = {false, false}, two[2] = {false, false};
    uint32_t first[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        int side = w->side[i] != 0;
        if (!found[side]) first[side] = w->part_groups[i];
        two[side] = two[side] || (found[side] && w->part_groups[i] != first[side]);
        found[side] = true;
    }
    return two[0] && two[1];
}

/* Areas of w->scores[count * n] and their covariances: over groups where those hold more than one
 * image, DeLong's otherwise. */
static sg_status covary_areas(
        double *areas, double *covariance, const work *w, size_t count, size_t n, sg_error *err) {
    if (w->s->largest_group > 1)
        return sg_area_jackknife(
                areas, covariance, w->scores, count, w->side, w->part_groups, n, err);
    return sg_delong_covariance(areas, covariance, w->scores, count, w->side, n, err);
}

/* The images that `scores` (NULL: the model) has one for: scores, truth and groups and, as a second
 * score, the model's. Returns how many. */
static size_t gather_scores(const work *w, const double *scores) {
    size_t n = 0, all = w->sample.n;
    for (size_t i = 0; i < all; i++) {
        double score = scores ? scores[i] : w->s->images[i].model_score;
        if (isnan(score)) continue;
        w->scores[n] = score;
        w->part_groups[n] = w->groups[i];
        w->side[n++] = w->s->images[i].positive;
    }
    for (size_t i = 0, at = n; i < all; i++)
        if (!scores || !isnan(scores[i])) w->scores[at++] = w->s->images[i].model_score;
    return n;
}

static sg_status measure_area(sg_reading *r, const work *w, sg_error *err) {
    double areas[2], covariance[4];
    size_t n = gather_scores(w, r->score), count = w->s->has_model ? 2 : 1;
    r->has_area = has_two_sides(w, n);
    if (!r->has_area) return SG_OK;
    sg_status st = covary_areas(areas, covariance, w, count, n, err);
    if (st) return st;
    r->area = sg_delong_conclude(areas[0], covariance[0], w->side, n, CONFIDENCE);
    if (count == 2) r->against = sg_delong_contrast(areas, covariance, CONFIDENCE);
    return SG_OK;
}

/* Kappa of rows of w->ratings over the images that all of them judged. rater[count]: verdicts. */
static sg_status measure_kappa(sg_bootstrap_figure *out, size_t *images, const work *w,
        const int *const *rater, size_t count, sg_kappa_kind kind, sg_error *err) {
    size_t n = 0, all = w->sample.n;
    for (size_t i = 0; i < all; i++) {
        bool judged = true;
        for (size_t r = 0; r < count; r++) judged = judged && rater[r][i] >= 0;
        if (!judged) continue;
        for (size_t r = 0; r < count; r++) w->ratings[r * all + n] = (uint32_t)rater[r][i];
        w->part_labels[n] = w->labels[i];
        w->part_groups[n++] = w->groups[i];
    }
    *out = (sg_bootstrap_figure){NAN, NAN, {NAN, NAN}, {NAN, NAN}, false};
    *images = n;
    if (n < 2) return SG_OK;
    for (size_t r = 1; r < count; r++)
        memmove(w->ratings + r * n, w->ratings + r * all, n * sizeof *w->ratings);
    sg_bootstrap_sample part = {w->part_labels, w->part_groups, n, 2};
    return sg_kappa_bootstrap(
            out, &part, w->ratings, count, w->s->category_count, kind, &w->options, err);
}

static sg_status measure_readings(const work *w, const int *model, sg_error *err) {
    sg_reader_study *s = w->s;
    double p[SG_READINGS_MAX];
    sg_status st = SG_OK;
    for (size_t i = 0; i < s->reading_count && !st; i++) {
        sg_reading *r = &s->readings[i];
        const int *both[2] = {r->verdict, model};
        size_t images;
        st = measure_verdicts(&r->sensitivity, &r->specificity, w, r->verdict, err);
        if (!st) st = measure_area(r, w, err);
        r->kappa_model.estimate = NAN;
        if (!st && s->has_model)
            st = measure_kappa(&r->kappa_model, &images, w, both, 2, SG_KAPPA_PLAIN, err);
        p[i] = r->has_area && s->has_model ? r->against.p : NAN;
    }
    if (!st) st = sg_holm_adjust(p, p, s->reading_count, err);
    for (size_t i = 0; i < s->reading_count && !st; i++) s->readings[i].against_holm = p[i];
    return st;
}

static bool same_way(const sg_reader_study *s, size_t a, size_t b) {
    return strcmp(s->readings[a].way, s->readings[b].way) == 0;
}

static sg_status measure_pairs(
        const work *w, const sg_log *log, const volatile sig_atomic_t *stop, sg_error *err) {
    sg_reader_study *s = w->s;
    s->pairs = calloc(s->reading_count * s->reading_count + 1, sizeof *s->pairs);
    sg_status st = s->pairs ? SG_OK : no_memory(err);
    for (size_t a = 0; a < s->reading_count && !st; a++)
        for (size_t b = a + 1; b < s->reading_count && !st; b++) {
            const int *both[2] = {s->readings[a].verdict, s->readings[b].verdict};
            if (!same_way(s, a, b) || !s->readings[a].judged || !s->readings[b].judged) continue;
            sg_reader_pair *pair = &s->pairs[s->pair_count++];
            *pair = (sg_reader_pair){.first = a, .second = b};
            st = measure_kappa(&pair->kappa, &pair->images, w, both, 2, SG_KAPPA_PLAIN, err);
            sg_log_progress(log, "agreement of readers", (double)a, (double)s->reading_count);
            if (!st && stop && *stop)
                st = sg_fail(err, SG_ERR_INTERRUPTED, "stopped; nothing was written");
        }
    return st;
}

/* ---- readers as a sample of readers ---- */

/* Areas of the readings that score, over the images that all of them scored, the model last. */
typedef struct areas {
    size_t count;                    /* without the model */
    size_t reading[SG_READINGS_MAX]; /* of each */
    double figure[SG_READINGS_MAX + 1];
    double *covariance; /* [(count + model)^2] */
    size_t stride;
} areas;

/* Where no reader scores, the model's area is over all images. */
static sg_status measure_model_area(const work *w, sg_error *err) {
    sg_reader_study *s = w->s;
    double area, variance;
    size_t n = gather_scores(w, NULL);
    s->has_model_area = has_two_sides(w, n);
    if (!s->has_model_area) return SG_OK;
    sg_status st = covary_areas(&area, &variance, w, 1, n, err);
    if (!st) s->model_area = sg_delong_conclude(area, variance, w->side, n, CONFIDENCE);
    return st;
}

static sg_status collect_areas(areas *a, const work *w, sg_error *err) {
    sg_reader_study *s = w->s;
    size_t all = w->sample.n, n = 0;
    for (size_t i = 0; i < s->reading_count; i++)
        if (s->readings[i].scored) a->reading[a->count++] = i;
    for (size_t i = 0; i < all && a->count; i++) {
        bool scored = true;
        for (size_t k = 0; k < a->count; k++)
            scored = scored && !isnan(s->readings[a->reading[k]].score[i]);
        if (!scored) continue;
        for (size_t k = 0; k < a->count; k++)
            w->scores[k * all + n] = s->readings[a->reading[k]].score[i];
        w->scores[a->count * all + n] = s->images[i].model_score;
        w->part_groups[n] = w->groups[i];
        w->side[n++] = s->images[i].positive;
    }
    s->common_images = n;
    a->stride = a->count + s->has_model;
    if (!a->count || !has_two_sides(w, n)) {
        a->count = 0;
        return s->has_model ? measure_model_area(w, err) : SG_OK;
    }
    for (size_t k = 1; k < a->stride; k++)
        memmove(w->scores + k * n, w->scores + k * all, n * sizeof *w->scores);
    a->covariance = calloc(a->stride * a->stride, sizeof *a->covariance);
    if (!a->covariance) return no_memory(err);
    sg_status st = covary_areas(a->figure, a->covariance, w, a->stride, n, err);
    if (st || !s->has_model) return st;
    s->has_model_area = true;
    s->model_area = sg_delong_conclude(
            a->figure[a->count], a->covariance[a->stride * a->stride - 1], w->side, n, CONFIDENCE);
    return SG_OK;
}

/* The block of figures and covariances of some of the areas (numbers in pick[count]). */
static void pick_areas(
        double *figures, double *covariance, const areas *a, const size_t *pick, size_t count) {
    for (size_t i = 0; i < count; i++) {
        figures[i] = a->figure[pick[i]];
        for (size_t j = 0; j < count; j++)
            covariance[i * count + j] = a->covariance[pick[i] * a->stride + pick[j]];
    }
}

static sg_status average_way(sg_reader_way *way, const areas *a, const sg_reader_study *s,
        double *block, sg_error *err) {
    size_t pick[SG_READINGS_MAX + 1], count = 0;
    double figures[SG_READINGS_MAX + 1];
    for (size_t k = 0; k < a->count; k++)
        if (strcmp(s->readings[a->reading[k]].way, way->name) == 0) pick[count++] = k;
    way->readers = count;
    if (count < 2) return SG_OK;
    pick_areas(figures, block, a, pick, count);
    sg_status st = sg_mrmc_average(&way->area, figures, block, count, CONFIDENCE, err);
    if (st || !s->has_model) return st;
    pick[count] = a->count;
    pick_areas(figures, block, a, pick, count + 1);
    return sg_mrmc_against(&way->against, figures, block, count, CONFIDENCE, err);
}

static size_t find_area(
        const areas *a, const sg_reader_study *s, const char *reader, const char *way) {
    for (size_t k = 0; k < a->count; k++) {
        const sg_reading *r = &s->readings[a->reading[k]];
        if (strcmp(r->reader, reader) == 0 && strcmp(r->way, way) == 0) return k;
    }
    return a->count;
}

/* Ways against each other, by the readers who scored in all of them. */
static sg_status compare_ways(sg_reader_study *s, const areas *a, double *block, sg_error *err) {
    size_t pick[SG_READINGS_MAX], readers = 0, ways = s->way_count;
    double figures[SG_READINGS_MAX];
    for (size_t k = 0; k < a->count; k++) { /* the readers of the first way */
        const sg_reading *r = &s->readings[a->reading[k]];
        bool everywhere = strcmp(r->way, s->ways[0].name) == 0;
        for (size_t w = 1; w < ways && everywhere; w++)
            everywhere = find_area(a, s, r->reader, s->ways[w].name) < a->count;
        if (everywhere) pick[readers++] = k;
    }
    if (ways < 2 || readers < 2) return SG_OK;
    for (size_t w = 1; w < ways; w++)
        for (size_t r = 0; r < readers; r++)
            pick[w * readers + r] =
                    find_area(a, s, s->readings[a->reading[pick[r]]].reader, s->ways[w].name);
    pick_areas(figures, block, a, pick, ways * readers);
    s->differences = calloc(ways * ways, sizeof *s->differences);
    if (!s->differences) return no_memory(err);
    s->has_comparison = true;
    return sg_mrmc_compare(
            &s->comparison, NULL, s->differences, figures, block, ways, readers, CONFIDENCE, err);
}

static sg_status measure_fleiss(sg_reader_way *way, const work *w, sg_error *err) {
    const sg_reader_study *s = w->s;
    const int *rater[SG_READINGS_MAX];
    size_t count = 0;
    sg_bootstrap_figure f;
    way->fleiss = NAN;
    for (size_t i = 0; i < s->reading_count; i++)
        if (strcmp(s->readings[i].way, way->name) == 0 && s->readings[i].judged)
            rater[count++] = s->readings[i].verdict;
    if (count < 2) return SG_OK;
    sg_status st = measure_kappa(&f, &way->fleiss_images, w, rater, count, SG_KAPPA_FLEISS, err);
    if (st) return st;
    way->fleiss = f.estimate;
    way->fleiss_interval = f.degenerate ? (sg_interval){NAN, NAN} : f.bca;
    return SG_OK;
}

static sg_status measure_ways(const work *w, sg_error *err) {
    sg_reader_study *s = w->s;
    areas a = {0};
    double *block = NULL;
    s->ways = calloc(s->reading_count + 1, sizeof *s->ways);
    sg_status st = s->ways ? collect_areas(&a, w, err) : no_memory(err);
    if (!st) block = calloc((a.stride + 1) * (a.stride + 1), sizeof *block);
    if (!st && !block) st = no_memory(err);
    for (size_t i = 0; i < s->reading_count && !st; i++)
        if (i == 0 || !same_way(s, i, i - 1)) s->ways[s->way_count++].name = s->readings[i].way;
    for (size_t i = 0; i < s->way_count && !st; i++) {
        st = average_way(&s->ways[i], &a, s, block, err);
        if (!st) st = measure_fleiss(&s->ways[i], w, err);
    }
    if (!st) st = compare_ways(s, &a, block, err);
    free(a.covariance);
    free(block);
    return st;
}

sg_status sg_reader_study_measure(
        sg_reader_study *s, const sg_log *log, const volatile sig_atomic_t *stop, sg_error *err) {
    work w;
    int *model = calloc(s->image_count + 1, sizeof *model);
    sg_status st = work_make(&w, s, err);
    if (!st && !model) st = no_memory(err);
    for (size_t i = 0; i < s->image_count && !st; i++) model[i] = s->images[i].model_verdict;
    if (!st && s->has_model)
        st = measure_verdicts(&s->model_sensitivity, &s->model_specificity, &w, model, err);
    if (!st) st = measure_readings(&w, model, err);
    if (!st) st = measure_pairs(&w, log, stop, err);
    if (!st) st = measure_ways(&w, err);
    work_dispose(&w);
    free(model);
    return st;
}
