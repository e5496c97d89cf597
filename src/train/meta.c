/* meta.c - see meta.h. Nothing here may hold a time, host, path or duration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/meta.h"
#include "base/file.h"
#include "data/phantom.h"
#include "nn/loss.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory describing the model");
}

static bool used_in_training(const sg_split *parts, size_t row) {
    return parts->bins[row] == SG_PART_TRAIN || parts->bins[row] == SG_PART_VAL;
}

/* Every image that weights, stopping or calibration may have seen: [sha256, group]; where an audit
 * joined groups of the set's own, those, as [sha256, group, grouping, key]; and what is behind
 * given weights in the same way. Groups may be patients: pseudonyms stand for them. */
static json_t *list_seen(
        const sg_manifest *m, const sg_split *parts, const char *key, const json_t *inherited) {
    json_t *seen = json_array();
    json_t *own = m->own_grouping ? sg_json_text(m->own_grouping) : NULL;
    for (size_t i = 0; i < m->count; i++) {
        const sg_manifest_row *row = &m->rows[i];
        char group[SG_PSEUDONYM];
        if (!used_in_training(parts, i)) continue;
        sg_pseudonym(group, key, own ? row->own_group : m->group_labels[row->group]);
        json_array_append_new(seen, own ? json_pack("[s, s, O, s]", row->sha256, group, own, key)
                                        : json_pack("[s, s]", row->sha256, group));
    }
    json_decref(own);
    if (inherited) json_array_extend(seen, (json_t *)inherited);
    return seen;
}

static json_t *count_classes(const sg_manifest *m, const sg_split *parts) {
    json_t *counts = json_object();
    for (size_t c = 0; c < m->class_count; c++) {
        json_int_t n = 0;
        for (size_t i = 0; i < m->count; i++)
            n += m->rows[i].class_index == (int)c && parts->bins[i] == SG_PART_TRAIN;
        json_t *name = sg_json_text(m->class_names[c]);
        json_object_set_new(counts, json_string_value(name), json_integer(n));
        json_decref(name);
    }
    return counts;
}

/* Class shares as the loss saw them, which is where an answer leans when a picture tells nothing:
 * what is drawn of a class, times its weight. */
static json_t *describe_prior(
        const sg_manifest *m, const sg_split *parts, bool balanced, const double *weights) {
    double shares[SG_MAX_CLASSES] = {0}, all = 0;
    for (size_t i = 0; i < m->count; i++)
        if (parts->bins[i] == SG_PART_TRAIN) shares[m->rows[i].class_index]++;
    for (size_t c = 0; c < m->class_count; c++) {
        if (balanced) shares[c] = 1;
        if (weights) shares[c] *= weights[c];
        all += shares[c];
    }
    json_t *prior = json_object();
    for (size_t c = 0; c < m->class_count; c++) {
        json_t *name = sg_json_text(m->class_names[c]);
        json_object_set_new(prior, json_string_value(name), sg_json_number(shares[c] / all));
        json_decref(name);
    }
    return prior;
}

static json_int_t count_images(const sg_manifest *m, const sg_split *parts) {
    json_int_t n = 0;
    for (size_t i = 0; i < m->count; i++) n += parts->bins[i] == SG_PART_TRAIN;
    return n;
}

/* Training images that `data phantom` made. */
static json_int_t count_phantoms(const sg_manifest *m, const sg_split *parts) {
    json_int_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (parts->bins[i] != SG_PART_TRAIN) continue;
        char *path = sg_manifest_file(m, i);
        n += path && sg_phantom_is_member(path);
        free(path);
    }
    return n;
}

sg_status sg_meta_make(json_t **out, const sg_train_job *job, const sg_progress *progress,
        const json_t *inherited, const double *class_weights, sg_error *err) {
    const sg_manifest *m = job->manifest;
    const sg_train_options *o = job->options;
    char key[SG_SHA256_HEX];
    sg_status st = sg_manifest_digest(key, m, err);
    if (st) return st;
    sg_model_options model = o->model_options;
    model.classes = (int64_t)m->class_count;
    model.channels = o->recipe.channels;
    json_int_t phantoms = count_phantoms(m, job->parts);
    json_t *classes = json_array();
    for (size_t c = 0; c < m->class_count; c++)
        json_array_append_new(classes, sg_json_text(m->class_names[c]));
    char *grouping = sg_manifest_grouping_text(m);
    json_t *training = json_pack(
            "{s:I, s:o, s:o, s:I, s:o, s:f, s:o, s:b, s:I, s:s, s:o, s:s, s:o}", "images",
            count_images(m, job->parts), "class_counts", count_classes(m, job->parts),
            "class_prior", describe_prior(m, job->parts, o->balanced_sampler, class_weights),
            "seed", (json_int_t)o->seed, "fold",
            job->fold < 0 ? json_null() : json_integer(job->fold), "initialisation",
            progress->init_share, "weights_sha256",
            *progress->weights_sha256 ? json_string(progress->weights_sha256) : json_null(),
            "phantom", phantoms > 0, "simulated", phantoms, "split_unit",
            job->parts->ungrouped ? "image" : "group", "grouping",
            sg_json_text(grouping ? grouping : ""), "group_key", key, "seen",
            list_seen(m, job->parts, key, inherited));
    free(grouping);
    json_t *meta = json_pack("{s:{s:s, s:o}, s:o, s:o, s:o}", "model", "name", o->model, "options",
            sg_model_options_to_json(&model), "recipe", sg_recipe_to_json(&o->recipe), "classes",
            classes, "training", training);
    if (!meta) return no_memory(err);
    *out = meta;
    return SG_OK;
}

sg_status sg_meta_conclude(json_t *meta, double temperature, size_t images, sg_select select,
        int epoch, sg_error *err) {
    json_t *calibration = json_pack("{s:f, s:s, s:I}", "temperature", temperature, "fitted_on",
            images ? "validation" : "none", "images", (json_int_t)images);
    json_t *selection = json_pack("{s:s, s:i}", "figure", sg_select_name(select), "epoch", epoch);
    int failed = json_object_set_new(meta, "calibration", calibration);
    failed |= json_object_set_new(meta, "selection", selection);
    return failed ? no_memory(err) : SG_OK;
}

static sg_status digest_parts(
        char out[SG_SHA256_HEX], const sg_split *parts, size_t count, sg_error *err) {
    int8_t *bytes = malloc(count + 1);
    if (!bytes) return no_memory(err);
    for (size_t i = 0; i < count; i++) bytes[i] = (int8_t)parts->bins[i];
    sg_sha256_hex(out, bytes, count);
    free(bytes);
    return SG_OK;
}

/* ---- identity: every option that changes a weight, so that an edited args.yaml is noticed ---- */

static json_t *optimizer_json(const sg_train_options *o) {
    const sg_optimizer_options *a = &o->optimizer;
    return json_pack("{s:i, s:f, s:b, s:f, s:f, s:f, s:f, s:b, s:f, s:f}", "kind", (int)a->kind,
            "momentum", a->momentum, "nesterov", (int)a->nesterov, "beta1", a->beta1, "beta2",
            a->beta2, "eps", a->eps, "weight_decay", a->weight_decay, "decay_all",
            (int)a->decay_all, "clip_norm", a->clip_norm, "ema", a->ema);
}

static json_t *schedule_json(const sg_train_options *o) {
    const sg_schedule *s = &o->schedule;
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "kind", (int)s->kind, "learning_rate",
            s->learning_rate, "warmup", s->warmup, "floor", s->floor, "step_every", s->step_every,
            "step_factor", s->step_factor);
}

static json_t *augment_json(const sg_train_options *o) {
    const sg_augment *a = &o->augment;
    return json_pack("{s:b, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "on",
            (int)a->on, "flip", (int)a->flip, "rotation_deg", a->rotation_deg, "scale", a->scale,
            "aspect", a->aspect, "shift", a->shift, "gain", a->gain, "contrast", a->contrast,
            "gamma", a->gamma, "speckle", a->speckle, "cutout", a->cutout, "mixup_alpha",
            a->mixup_alpha);
}

static json_t *loss_json(const sg_train_options *o) {
    return json_pack("{s:f, s:f, s:i, s:s?, s:b}", "label_smoothing", o->label_smoothing,
            "focal_gamma", o->focal_gamma, "class_weights", (int)o->class_weighting,
            "class_weight_list", o->class_weight_list, "balanced_sampler",
            (int)o->balanced_sampler);
}

static json_t *transfer_json(const sg_train_options *o) {
    return json_pack("{s:s?, s:f, s:f, s:b}", "freeze", o->freeze, "new_layer_factor",
            o->new_layer_factor, "layer_decay", o->layer_decay, "fixed_norms", (int)o->fixed_norms);
}

static json_t *choice_json(const sg_train_options *o) {
    return json_pack("{s:s, s:i}", "select", sg_select_name(o->select), "patience", o->patience);
}

/* A schedule of settings as what it may hold; NULL without one. */
static json_t *phases_json(const sg_train_options *o) {
    json_t *list = o->phase_count ? json_array() : NULL;
    for (size_t i = 0; i < o->phase_count; i++) {
        const sg_train_options *p = o->phases[i].options;
        json_array_append_new(
                list, json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "epoch", o->phases[i].epoch,
                              "batch", p->batch, "optimizer", optimizer_json(p), "schedule",
                              schedule_json(p), "augment", augment_json(p), "loss", loss_json(p),
                              "transfer", transfer_json(p)));
    }
    return list;
}

sg_status sg_meta_identity(
        json_t **out, const sg_train_job *job, const char *backend, sg_error *err) {
    char data[SG_SHA256_HEX], parts[SG_SHA256_HEX];
    sg_status st = sg_manifest_digest(data, job->manifest, err);
    if (!st) st = digest_parts(parts, job->parts, job->manifest->count, err);
    if (st) return st;
    const sg_train_options *o = job->options;
    sg_model_options model = o->model_options;
    model.classes = (int64_t)job->manifest->class_count;
    model.channels = o->recipe.channels;
    json_t *identity = json_pack(
            "{s:s, s:s, s:s, s:s, s:o, s:o, s:i, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o*}",
            "backend", backend, "data", data, "parts", parts, "model", o->model, "model_options",
            sg_model_options_to_json(&model), "recipe", sg_recipe_to_json(&o->recipe), "epochs",
            o->epochs, "batch", o->batch, "seed", (json_int_t)o->seed, "optimizer",
            optimizer_json(o), "schedule", schedule_json(o), "augment", augment_json(o), "loss",
            loss_json(o), "transfer", transfer_json(o), "selection", choice_json(o), "phases",
            phases_json(o));
    if (!identity) return no_memory(err);
    *out = identity;
    return SG_OK;
}
