/* bundle_profile.c - see bundle_profile.h. The images of all runs are listed once, by hash; then
 * each is read once and asked of every member. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/bundle_profile.h"
#include "base/file.h"
#include "image/codec.h"
#include "infer/predict.h"
#include "protocol/predictions.h"
#include "protocol/selftest.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory learning from training images");
}

/* An image behind the members, and what it is to each of them. */
typedef struct known {
    char *file; /* owned */
    char sha256[SG_SHA256_HEX];
    int label;
    uint32_t group;
    char *part; /* [members] of sg_part; owned */
} known;

typedef struct listing {
    known *items;
    size_t count, capacity;
    json_t *places; /* sha256 to number */
    int members;    /* of the bundle */
    int member;     /* that comes next */
    uint32_t groups;
} listing;

static void listing_dispose(listing *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].file);
        free(l->items[i].part);
    }
    free(l->items);
    json_decref(l->places);
}

/* ---- what there is ---- */

static sg_status add_row(
        known **out, listing *l, const sg_manifest *m, size_t row, int label, sg_error *err) {
    const sg_manifest_row *r = &m->rows[row];
    const json_t *place = json_object_get(l->places, r->sha256);
    if (place) {
        *out = &l->items[json_integer_value(place)];
        return SG_OK;
    }
    sg_status st = sg_grow(&l->items, &l->capacity, l->count + 1, sizeof *l->items, err);
    if (st) return st;
    known *k = &l->items[l->count];
    *k = (known){.label = label, .group = l->groups + (uint32_t)r->group};
    memcpy(k->sha256, r->sha256, sizeof k->sha256);
    k->file = sg_manifest_file(m, row);
    k->part = malloc((size_t)l->members + 1);
    if (!k->file || !k->part ||
            json_object_set_new(l->places, r->sha256, json_integer((json_int_t)l->count))) {
        free(k->file);
        free(k->part);
        return no_memory(err);
    }
    memset(k->part, SG_PART_NONE, (size_t)l->members + 1);
    l->count++;
    *out = k;
    return SG_OK;
}

static int class_in_bundle(const sg_bundle *b, const char *name) {
    for (int c = 0; c < b->class_count; c++)
        if (strcmp(b->classes[c], name) == 0) return c;
    return -1;
}

/* What one member was trained on. folds: its test images are other members' training images. */
static sg_status add_member(listing *l, const sg_bundle *b, const sg_run *run,
        const sg_split *parts, bool folds, sg_error *err) {
    const sg_manifest *m = &run->manifest;
    sg_status st = SG_OK;
    if (l->member == l->members)
        return sg_fail(err, SG_ERR_INPUT, "%s holds more models than the bundle", run->dir);
    for (size_t i = 0; i < m->count && !st; i++) {
        int part = parts->bins[i];
        int label = class_in_bundle(b, m->class_names[m->rows[i].class_index]);
        known *k = NULL;
        if (part == SG_PART_NONE || label < 0 || (part == SG_PART_TEST && !folds)) continue;
        st = add_row(&k, l, m, i, label, err);
        if (!st) k->part[l->member] = (char)part;
    }
    l->member++;
    return st;
}

static sg_status add_folds(listing *l, const sg_bundle *b, const sg_run *run, sg_error *err) {
    sg_status st = SG_OK;
    for (int fold = 0; fold < run->split.folds && !st; fold++) {
        sg_split parts = {0};
        char *dir = sg_run_fold_dir(run->dir, fold);
        if (!dir) return no_memory(err);
        if (sg_path_is_dir(dir)) {
            st = sg_predictions_fold_parts(&parts, run, dir, fold, err);
            if (!st) st = add_member(l, b, run, &parts, true, err);
        }
        sg_split_dispose(&parts);
        free(dir);
    }
    return st;
}

static sg_status add_run(listing *l, const sg_bundle *b, const char *dir,
        const sg_profile_options *o, sg_error *err) {
    sg_run run;
    if (!sg_path_is_dir(dir))
        return sg_fail(err, SG_ERR_INPUT, "%s is no run folder, which would name its images", dir);
    sg_status st = sg_run_open(&run, dir, o->root, o->log, err);
    if (st) return st;
    st = run.split.folds ? add_folds(l, b, &run, err)
                         : add_member(l, b, &run, &run.split, false, err);
    l->groups += (uint32_t)run.manifest.group_count;
    sg_run_close(&run);
    return st;
}

/* Of very many images an even choice. */
static void thin(listing *l) {
    size_t step = (l->count + SG_ATLAS_MOST - 1) / SG_ATLAS_MOST, kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (i % step == 0) {
            l->items[kept++] = l->items[i];
        } else {
            free(l->items[i].file);
            free(l->items[i].part);
        }
    }
    l->count = kept;
}

static sg_status list_images(
        listing *l, const sg_bundle *b, const sg_profile_options *o, sg_error *err) {
    l->members = b->member_count;
    l->places = json_object();
    sg_status st = l->places ? SG_OK : no_memory(err);
    for (int i = 0; i < o->count && !st; i++) st = add_run(l, b, o->runs[i], o, err);
    if (!st && l->member != l->members)
        st = sg_fail(err, SG_ERR_INPUT, "the runs hold fewer models than the bundle");
    if (!st && l->count == 0)
        st = sg_fail(err, SG_ERR_INPUT, "the runs list none of their training images");
    if (!st) thin(l);
    return st;
}

/* ---- reading them ---- */

static sg_status read_image(sg_atlas *atlas, sg_quality *quality, sg_predictor *p, const known *k,
        size_t row, sg_error *err) {
    sg_image image = {0};
    sg_prediction ignored;
    char sha256[SG_SHA256_HEX];
    sg_status st = sg_sha256_file(sha256, k->file, err);
    if (!st && strcmp(sha256, k->sha256) != 0)
        st = sg_fail(err, SG_ERR_INPUT, "%s was changed since the training", k->file);
    if (!st) st = sg_image_read(&image, NULL, k->file, NULL, err);
    if (!st) st = sg_quality_measure(quality, &image, err);
    if (!st) st = sg_predictor_predict_images(p, &ignored, &image, 1, err);
    for (int m = 0; m < atlas->members && !st; m++)
        sg_atlas_set_features(atlas, m, row, sg_predictor_features(p, m, 0));
    sg_image_dispose(&image);
    return st;
}

/* Everything but features. held_out[members][count]. */
static void describe(sg_atlas *atlas, bool *held_out, const listing *l) {
    for (size_t i = 0; i < l->count; i++) {
        const known *k = &l->items[i];
        memcpy(atlas->images[i].sha256, k->sha256, sizeof k->sha256);
        atlas->images[i].label = k->label;
        atlas->images[i].group = k->group;
        for (int m = 0; m < l->members; m++) {
            size_t at = (size_t)m * l->count + i;
            atlas->trained[at] = k->part[m] == SG_PART_TRAIN;
            held_out[at] = k->part[m] == SG_PART_VAL || k->part[m] == SG_PART_TEST;
        }
    }
}

static sg_status read_all(sg_atlas *atlas, sg_quality *pictures, sg_predictor *p, const listing *l,
        const sg_profile_options *o, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < l->count && !st; i++) {
        if (o->stop && *o->stop)
            return sg_fail(err, SG_ERR_INTERRUPTED, "stopped after %zu of %zu training images", i,
                    l->count);
        st = read_image(atlas, &pictures[i], p, &l->items[i], i, err);
        sg_log_progress(o->log, "learning from training images", (double)(i + 1), (double)l->count);
    }
    return st;
}

/* What the images teach; sections stay as they were where they teach nothing. */
typedef struct lessons {
    sg_quality_limits *quality;
    sg_atlas *atlas;
} lessons;

/* Too few images, or all alike, are no failure of the bundle. */
static sg_status forgive(
        sg_status st, const char *what, const sg_error *why, const sg_log *log, sg_error *err) {
    if (!st) return SG_OK;
    if (st == SG_ERR_MEMORY || st == SG_ERR_INTERRUPTED)
        return sg_fail(err, st, "%s", why->message);
    sg_log_line(log, SG_LOG_WARN, "the bundle will not know %s: %s", what, why->message);
    return SG_OK;
}

static sg_status conclude(lessons *out, sg_atlas **atlas, const sg_quality *pictures,
        const bool *held_out, const sg_log *log, sg_error *err) {
    sg_error why = SG_ERROR_INIT;
    out->quality = calloc(1, sizeof *out->quality);
    if (!out->quality) return no_memory(err);
    sg_status learned = sg_quality_learn(out->quality, pictures, (*atlas)->count, &why);
    if (learned) {
        free(out->quality);
        out->quality = NULL;
    }
    sg_status st = forgive(learned, "what a poor image is", &why, log, err);
    if (st) return st;
    learned = sg_atlas_learn(*atlas, held_out, &why);
    if (!learned) {
        out->atlas = *atlas;
        *atlas = NULL;
    }
    return forgive(learned, "like images, nor what lies out of its domain", &why, log, err);
}

static sg_status learn(lessons *out, sg_predictor *p, const listing *l, const sg_profile_options *o,
        sg_error *err) {
    int members = l->members;
    size_t *widths = calloc((size_t)members, sizeof *widths);
    bool *held_out = calloc((size_t)members * l->count + 1, sizeof *held_out);
    sg_quality *pictures = calloc(l->count, sizeof *pictures);
    sg_atlas *atlas = NULL;
    sg_error why = SG_ERROR_INIT;
    sg_status st = widths && held_out && pictures ? SG_OK : no_memory(err);
    for (int m = 0; m < members && !st; m++) widths[m] = sg_predictor_feature_count(p, m);
    if (!st) st = sg_atlas_create(&atlas, l->count, widths, members, err);
    if (!st) {
        describe(atlas, held_out, l);
        sg_status read = read_all(atlas, pictures, p, l, o, &why);
        st = read ? forgive(read, "its training images", &why, o->log, err)
                  : conclude(out, &atlas, pictures, held_out, o->log, err);
    }
    free(widths);
    free(held_out);
    free(pictures);
    sg_atlas_destroy(atlas);
    return st;
}

/* ---- whole ---- */

static sg_status learn_from_images(
        lessons *out, sg_predictor *p, const sg_profile_options *o, sg_error *err) {
    listing l = {0};
    sg_error why = SG_ERROR_INIT;
    sg_status listed = list_images(&l, sg_predictor_bundle(p), o, &why);
    sg_status st = listed ? forgive(listed, "its training images", &why, o->log, err)
                          : learn(out, p, &l, o, err);
    listing_dispose(&l);
    return st;
}

static void adopt(sg_bundle *b, lessons *l, json_t *selftest) {
    json_object_update_missing(selftest, b->selftest);
    json_decref(b->selftest);
    b->selftest = selftest;
    if (l->quality) {
        free(b->quality);
        b->quality = l->quality;
    }
    if (l->atlas) {
        sg_atlas_destroy(b->atlas);
        b->atlas = l->atlas;
    }
}

/* A bundle that is copied carries what is known already. */
static bool is_profiled(const sg_bundle *b, const sg_profile_options *o) {
    return b->quality && o->count == 1 && !sg_path_is_dir(o->runs[0]);
}

sg_status sg_bundle_profile(sg_bundle **bundle, const sg_profile_options *o, sg_error *err) {
    sg_predictor *p = NULL;
    lessons l = {0};
    json_t *selftest = NULL;
    sg_bundle *own = *bundle;
    *bundle = NULL;
    sg_status st = sg_predictor_create(&p, own, NULL, err);
    if (!st) st = sg_predictor_keep_features(p, err);
    if (!st) st = sg_selftest_record(&selftest, p, err);
    if (!st && !is_profiled(own, o)) st = learn_from_images(&l, p, o, err);
    if (st) {
        sg_predictor_close(p);
        free(l.quality);
        sg_atlas_destroy(l.atlas);
        json_decref(selftest);
        return st;
    }
    *bundle = sg_predictor_detach(p);
    adopt(*bundle, &l, selftest);
    return SG_OK;
}
