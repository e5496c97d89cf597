/* bundle.c - see bundle.h. Every source is turned into a list of members first; the rest is the
 * same. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/version.h"
#include "infer/bundle_internal.h"
#include "infer/calibrator_json.h"
#include "weights/safetensors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err, const char *path) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory opening the model %s", path);
}

/* ---- one file ---- */

/* Sections this reader understands; a file may demand others. */
static bool is_known_section(const char *name) {
    static const char *const known[] = {"model", "recipe", "classes", "training", "calibration",
            "selection", "members", "ledger", "quantisation", "quality", "atlas", "selftest"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0) return true;
    return false;
}

static sg_status read_document(
        json_t **out, const sg_safetensors *file, const char *path, sg_error *err) {
    const char *text = sg_safetensors_meta(file, "sonograde");
    if (!text)
        return sg_fail(err, SG_ERR_INPUT,
                "%s holds weights but no model description; give it to `train --weights`, or open "
                "a bundle or run folder of sonograde",
                path);
    json_t *doc = NULL;
    sg_status st = sg_json_parse(&doc, text, strlen(text), path, err);
    if (st) return st;
    if (json_integer_value(json_object_get(doc, "schema")) != SG_SCHEMA_VERSION)
        st = sg_fail(err, SG_ERR_UNSUPPORTED,
                "%s was written by another version of sonograde (schema %lld, this is %d)", path,
                (long long)json_integer_value(json_object_get(doc, "schema")), SG_SCHEMA_VERSION);
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(doc, "required"), i, name) {
        if (!st && !(json_is_string(name) && is_known_section(json_string_value(name))))
            st = sg_fail(err, SG_ERR_UNSUPPORTED,
                    "%s needs the section '%s', which this version does not know; use a newer one",
                    path, json_is_string(name) ? json_string_value(name) : "?");
    }
    if (st)
        json_decref(doc);
    else
        *out = doc;
    return st;
}

/* Section of member i: a bundle keeps lists, a single model the section itself. */
static const json_t *member_section(const json_t *doc, const char *key, int i) {
    const json_t *section = json_object_get(doc, key);
    return json_is_array(section) ? json_array_get(section, (size_t)i) : section;
}

/* The network must fit what the bundle says of all members: buffers are sized by that. */
static sg_status check_options(
        const sg_model_options *o, const sg_bundle *b, const char *path, sg_error *err) {
    if (o->classes == b->class_count && o->channels == b->recipe.channels) return SG_OK;
    return sg_fail(err, SG_ERR_FORMAT,
            "%s contradicts itself: a network of %lld classes and %lld channels for %d class names "
            "and images of %d channels",
            path, (long long)o->classes, (long long)o->channels, b->class_count,
            b->recipe.channels);
}

static sg_status build_member(sg_member *m, const sg_bundle *b, const json_t *doc, int i,
        const char *path, sg_error *err) {
    m->training = member_section(doc, "training", i);
    m->calibration = member_section(doc, "calibration", i);
    m->selection = member_section(doc, "selection", i);
    if (!json_is_object(m->training))
        return sg_fail(err, SG_ERR_FORMAT, "%s does not say what model %d was trained on", path, i);
    const json_t *fold = json_object_get(m->training, "fold");
    m->fold = json_is_integer(fold) ? (int)json_integer_value(fold) : -1;
    m->seed = json_integer_value(json_object_get(m->training, "seed"));
    m->initialisation = json_number_value(json_object_get(m->training, "initialisation"));
    const json_t *temperature = json_object_get(m->calibration, "temperature");
    m->temperature = json_is_number(temperature) ? json_number_value(temperature) : 1.0;
    if (!(m->temperature >= 1e-3 && m->temperature <= 1e3))
        return sg_fail(err, SG_ERR_FORMAT, "%s carries a temperature outside 0.001..1000", path);
    sg_status calibrated = sg_calibrator_from_json(
            &m->calibrator, m->calibration, (size_t)b->class_count, path, err);
    if (calibrated) return calibrated;
    const json_t *model = member_section(doc, "model", i);
    const char *name = json_string_value(json_object_get(model, "name"));
    if (!name) return sg_fail(err, SG_ERR_FORMAT, "%s does not say which model it holds", path);
    sg_model_options options;
    sg_status st = sg_model_options_from_json(&options, json_object_get(model, "options"), err);
    if (st) return sg_fail_context(err, st, "%s", path);
    st = check_options(&options, b, path, err);
    if (st) return st;
    m->options = options;
    st = sg_model_build(&m->graph, name, &options, err);
    if (st == SG_ERR_USAGE) /* here the file asks, not the user */
        return sg_fail(err, SG_ERR_FORMAT, "%s: %s", path, err ? err->message : "");
    return st ? sg_fail_context(err, st, "%s", path) : SG_OK;
}

/* A parameter of member i: from a bundle, or the averaged or plain weights of a run's file. */
static const sg_tensor *find_tensor(
        const sg_safetensors *file, bool is_bundle, int i, const char *name) {
    const sg_tensor *t = NULL;
    for (int k = 0; k < 2 && !t; k++) {
        char *full = is_bundle ? sg_strdupf("member%d.model.%s", i, name)
                               : sg_strdupf("%s.%s", k == 0 ? "ema" : "model", name);
        t = full ? sg_safetensors_find(file, full) : NULL;
        free(full);
    }
    return t;
}

static sg_status find_tensors(const sg_tensor **out, const sg_graph *g, const sg_safetensors *file,
        bool is_bundle, int i, const char *path, sg_error *err) {
    for (int p = 0; p < g->param_count; p++) {
        out[p] = find_tensor(file, is_bundle, i, g->params[p].name);
        if (!out[p] || !sg_shape_equal(&out[p]->shape, &g->params[p].shape))
            return sg_fail(err, SG_ERR_FORMAT, "%s lacks %s in the shape that %s needs", path,
                    g->params[p].name, g->name);
    }
    return SG_OK;
}

static bool lies_ready(const sg_tensor *t) {
    return t->dtype == SG_F32 && (uintptr_t)t->data % sizeof(float) == 0;
}

/* Numbers stay where they lie in the mapped file, unless one of them has to be converted. */
static sg_status take_params(
        sg_member *m, const sg_tensor *const *tensors, const char *path, sg_error *err) {
    const sg_graph *g = m->graph;
    bool ready = true;
    for (int p = 0; p < g->param_count; p++) ready = ready && lies_ready(tensors[p]);
    sg_status st = ready ? sg_params_create_lent(&m->params, g, err)
                         : sg_params_create(&m->params, g, SG_F32, err);
    for (int p = 0; p < g->param_count && !st; p++) {
        if (ready)
            m->params->lent[p] = tensors[p]->data;
        else
            st = sg_tensor_to_f32(sg_params_f32(m->params, p), tensors[p], err);
    }
    return st ? sg_fail_context(err, st, "%s", path) : SG_OK;
}

/* In steps of a fixed length, which compilers make vectors of. */
static bool all_finite(const float *x, size_t count) {
    enum { STEP = 64 };
    const uint32_t exponent = 0x7f800000;
    for (; count >= STEP; count -= STEP, x += STEP) {
        uint32_t bits[STEP], most = 0;
        memcpy(bits, x, sizeof bits);
        for (int i = 0; i < STEP; i++) most |= (bits[i] & exponent) == exponent;
        if (most) return false;
    }
    for (; count > 0; count--, x++)
        if (!isfinite(*x)) return false;
    return true;
}

static sg_status check_numbers(const sg_params *params, const char *path, sg_error *err) {
    for (int p = 0; p < params->graph->param_count; p++) {
        const sg_param *param = &params->graph->params[p];
        const float *x = sg_params_f32(params, p);
        int64_t count = sg_shape_count(&param->shape);
        for (int64_t k = 0; k < count && param->role == SG_PARAM_RUNNING_VAR; k++)
            if (x[k] < 0)
                return sg_fail(err, SG_ERR_INPUT,
                        "%s: tensor %s holds a negative variance; the file is damaged", path,
                        param->name);
        if (!all_finite(x, (size_t)count))
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: tensor %s holds NaN or infinity; the model cannot be used, train it again",
                    path, param->name);
    }
    return SG_OK;
}

static sg_status load_member(sg_member *m, const sg_safetensors *file, bool is_bundle, int i,
        const char *path, sg_error *err) {
    const sg_tensor **tensors = calloc((size_t)m->graph->param_count + 1, sizeof(*tensors));
    if (!tensors) return no_memory(err, path);
    sg_status st = find_tensors(tensors, m->graph, file, is_bundle, i, path, err);
    if (!st) st = take_params(m, tensors, path, err);
    if (!st) st = check_numbers(m->params, path, err);
    free(tensors);
    return st;
}

static sg_status add_members(sg_bundle *b, const sg_safetensors *file, const json_t *doc,
        const char *path, sg_error *err) {
    const char *kind = json_string_value(json_object_get(doc, "kind"));
    bool is_bundle = kind && strcmp(kind, "bundle") == 0;
    json_int_t count = is_bundle ? json_integer_value(json_object_get(doc, "members")) : 1;
    if (count < 1 || count > 1000)
        return sg_fail(err, SG_ERR_FORMAT, "%s claims %lld members", path, (long long)count);
    sg_member *grown =
            realloc(b->members, ((size_t)b->member_count + (size_t)count) * sizeof *grown);
    if (!grown) return no_memory(err, path);
    b->members = grown;
    for (int i = 0; i < (int)count; i++) {
        sg_member *m = &b->members[b->member_count++];
        memset(m, 0, sizeof *m);
        sg_status st = build_member(m, b, doc, i, path, err);
        if (!st) st = load_member(m, file, is_bundle, i, path, err);
        if (st) return st;
        const json_t *quantised = member_section(doc, "quantisation", i);
        if (json_is_object(quantised))
            st = sg_bundle_set_quantisation(b, b->member_count - 1, (json_t *)quantised, path, err);
        if (st) return st;
        const json_t *ledger = member_section(doc, "ledger", i);
        json_array_append_new(
                b->ledgers, json_is_object(ledger) ? json_deep_copy(ledger) : json_null());
    }
    return SG_OK;
}

/* What all members must share comes from the first file and is compared with the others'. */
static sg_status share_facts(sg_bundle *b, const json_t *doc, const char *path, sg_error *err) {
    const json_t *classes = json_object_get(doc, "classes");
    sg_recipe recipe;
    sg_status st = sg_recipe_from_json(&recipe, json_object_get(doc, "recipe"), err);
    if (st) return sg_fail_context(err, st, "%s", path);
    if (b->classes) {
        if (!sg_recipe_equal(&recipe, &b->recipe) ||
                !json_equal(classes, json_object_get(json_array_get(b->document, 0), "classes")))
            return sg_fail(err, SG_ERR_INPUT,
                    "%s was trained with other preprocessing or classes than the first model; an "
                    "ensemble needs equal ones",
                    path);
        return SG_OK;
    }
    size_t count = json_array_size(classes);
    if (count < 2 || count > 64)
        return sg_fail(err, SG_ERR_FORMAT, "%s names %zu classes", path, count);
    b->classes = calloc(count, sizeof *b->classes);
    if (!b->classes) return no_memory(err, path);
    for (size_t i = 0; i < count; i++) {
        b->classes[i] = json_string_value(json_array_get(classes, i));
        if (!b->classes[i])
            return sg_fail(err, SG_ERR_FORMAT, "%s has a class without a name", path);
    }
    b->class_count = (int)count;
    b->recipe = recipe;
    const json_t *model = member_section(doc, "model", 0);
    const char *name = json_string_value(json_object_get(model, "name"));
    b->model = sg_strdup(name ? name : "?"); /* a nameless model is refused with its member */
    return b->model ? SG_OK : no_memory(err, path);
}

/* The bundle keeps the file: its members' numbers lie there. */
static sg_status keep_file(sg_bundle *b, sg_safetensors *file, const char *path, sg_error *err) {
    sg_safetensors **grown = realloc(b->files, (b->file_count + 1) * sizeof(*grown));
    if (!grown) {
        sg_safetensors_close(file);
        return no_memory(err, path);
    }
    b->files = grown;
    b->files[b->file_count++] = file;
    return SG_OK;
}

/* ledger_path: of a run's note about test evaluations, or NULL. */
static sg_status add_file(sg_bundle *b, const char *path, const char *ledger_path, sg_error *err) {
    sg_safetensors *file = NULL;
    json_t *doc = NULL, *ledger = NULL;
    sg_status st = sg_safetensors_open(&file, path, true, err);
    if (!st) st = keep_file(b, file, path, err);
    if (!st) st = read_document(&doc, file, path, err);
    if (!st && ledger_path && sg_path_exists(ledger_path)) {
        st = sg_json_read(&ledger, ledger_path, err);
        if (!st) json_object_set_new(doc, "ledger", ledger);
    }
    if (st) json_decref(doc);
    if (!st && json_array_append_new(b->document, doc)) st = no_memory(err, path);
    if (!st) st = share_facts(b, doc, path, err);
    if (!st) st = add_members(b, file, doc, path, err);
    if (!st) st = sg_bundle_read_profile(b, doc, file, path, err);
    return st;
}

/* ---- run folders ---- */

enum { FOLDS_MAX = 100 };

/* A training that chooses its epoch keeps weights on the way: only the checkpoint knows its end. A
 * run whose checkpoint was deleted to save space counts as finished. */
static sg_status check_finished(const char *dir, const char *root, sg_error *err) {
    char *last = sg_strdupf("%s/weights/last.safetensors", dir);
    if (!last) return no_memory(err, dir);
    sg_safetensors *file = NULL;
    json_t *doc = NULL;
    sg_status st = SG_OK;
    if (sg_path_exists(last)) {
        st = sg_safetensors_open(&file, last, false, err);
        if (!st) st = read_document(&doc, file, last, err);
        if (!st && !json_is_true(json_object_get(json_object_get(doc, "progress"), "finished")))
            st = sg_fail(err, SG_ERR_INPUT,
                    "the training in %s is not finished; go on with `sonograde train --resume %s`",
                    dir, root);
    }
    json_decref(doc);
    sg_safetensors_close(file);
    free(last);
    return st;
}

/* The kept weights of one training, where there are any. root: the run to go on with. */
static sg_status add_training(
        bool *found, sg_bundle *b, const char *dir, const char *root, sg_error *err) {
    char *kept = sg_strdupf("%s/weights/best.safetensors", dir);
    if (!kept) return no_memory(err, dir);
    *found = sg_path_exists(kept);
    char *ledger = sg_path_join(dir, "ledger.json");
    sg_status st = *found ? check_finished(dir, root, err) : SG_OK;
    if (!st && !ledger) st = no_memory(err, dir);
    if (!st && *found) st = add_file(b, kept, ledger, err);
    free(ledger);
    free(kept);
    return st;
}

/* The folds that were trained: `train --fold` makes some of them only. */
static sg_status add_folds(int *count, sg_bundle *b, const char *dir, sg_error *err) {
    *count = 0;
    for (int fold = 0; fold < FOLDS_MAX; fold++) {
        char *sub = sg_strdupf("%s/fold%d", dir, fold);
        if (!sub) return no_memory(err, dir);
        bool there = sg_path_is_dir(sub), kept = false;
        sg_status st = there ? add_training(&kept, b, sub, dir, err) : SG_OK;
        if (!st && there && !kept)
            st = sg_fail(err, SG_ERR_INPUT,
                    "the training in %s is not finished; go on with `sonograde train --resume %s`",
                    sub, dir);
        free(sub);
        if (st) return st;
        *count += there;
    }
    return SG_OK;
}

static sg_status add_path(sg_bundle *b, const char *path, sg_error *err) {
    if (!sg_path_is_dir(path)) return add_file(b, path, NULL, err);
    bool found = false;
    int folds = 0;
    sg_status st = add_training(&found, b, path, path, err);
    if (!st && !found) st = add_folds(&folds, b, path, err);
    if (!st && !found && !folds)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s holds no finished training; finish it with `sonograde train --resume %s`", path,
                path);
    return st;
}

/* ---- whole ---- */

sg_status sg_bundle_open_all(sg_bundle **out, const char *const *paths, int count, sg_error *err) {
    sg_bundle *b = calloc(1, sizeof *b);
    if (!b) return no_memory(err, paths[0]);
    b->document = json_array();
    b->ledgers = json_array();
    sg_status st = b->document && b->ledgers ? SG_OK : no_memory(err, paths[0]);
    for (int i = 0; i < count && !st; i++) st = add_path(b, paths[i], err);
    if (!st && b->member_count == 0)
        st = sg_fail(err, SG_ERR_INPUT, "%s holds no model", count ? paths[0] : "the list");
    if (!st) st = sg_bundle_collect_seen(b, err);
    if (st) {
        sg_bundle_close(b);
        return st;
    }
    *out = b;
    return SG_OK;
}

sg_status sg_bundle_open(sg_bundle **out, const char *path, sg_error *err) {
    return sg_bundle_open_all(out, &path, 1, err);
}

const char *sg_bundle_sha256(const sg_bundle *bundle) {
    sg_bundle *b = (sg_bundle *)(uintptr_t)bundle; /* what it remembers is no change of it */
    if (*b->digest) return b->digest;
    sg_sha256 hash;
    sg_sha256_begin(&hash);
    for (int i = 0; i < b->member_count; i++) sg_params_hash(&hash, b->members[i].params);
    sg_sha256_end(b->digest, &hash);
    return b->digest;
}

void sg_bundle_close(sg_bundle *b) {
    if (!b) return;
    for (int i = 0; i < b->member_count; i++) {
        sg_calibrator_free(b->members[i].calibrator);
        sg_quantisation_free(b->members[i].quantisation);
        json_decref(b->members[i].quantised);
        sg_params_destroy(b->members[i].params);
        sg_graph_destroy(b->members[i].graph);
    }
    for (size_t i = 0; i < b->file_count; i++) sg_safetensors_close(b->files[i]);
    free(b->files);
    free(b->members);
    free(b->model);
    free(b->classes);
    free(b->seen);
    free(b->seen_groups);
    free(b->seen_sources);
    sg_bundle_drop_profile(b);
    json_decref(b->document);
    json_decref(b->ledgers);
    json_decref(b->calibrations);
    free(b);
}

sg_status sg_bundle_set_quantisation(
        sg_bundle *b, int i, json_t *section, const char *path, sg_error *err) {
    sg_member *m = &b->members[i];
    sg_quantisation *quantisation;
    sg_status st = sg_quantisation_from_json(
            &quantisation, json_object_get(section, "storage"), m->graph, path, err);
    if (st) return st;
    sg_quantisation_free(m->quantisation);
    json_decref(m->quantised);
    m->quantisation = quantisation;
    m->quantised = json_incref(section);
    return SG_OK;
}

sg_status sg_bundle_set_calibration(sg_bundle *b, json_t *section, sg_error *err) {
    if (!b->calibrations) b->calibrations = json_array();
    if (!b->calibrations || json_array_append(b->calibrations, section))
        return no_memory(err, b->model);
    for (int i = 0; i < b->member_count; i++) {
        sg_member *m = &b->members[i];
        sg_calibrator *calibrator;
        sg_status st = sg_calibrator_from_json(
                &calibrator, section, (size_t)b->class_count, b->model, err);
        if (st) return st;
        sg_calibrator_free(m->calibrator);
        m->calibrator = calibrator;
        m->calibration = section;
        m->temperature = json_number_value(json_object_get(section, "temperature"));
    }
    return SG_OK;
}

/* ---- writing ---- */

static json_t *list_sections(const sg_bundle *b, size_t offset) {
    json_t *list = json_array();
    for (int i = 0; i < b->member_count; i++) {
        const json_t *section = *(const json_t *const *)((const char *)&b->members[i] + offset);
        json_array_append(list, section ? (json_t *)section : json_null());
    }
    return list;
}

static json_t *list_models(const sg_bundle *b) {
    json_t *list = json_array();
    for (size_t d = 0; d < json_array_size(b->document); d++) {
        const json_t *model = json_object_get(json_array_get(b->document, d), "model");
        if (json_is_array(model))
            json_array_extend(list, (json_t *)model);
        else
            json_array_append(list, (json_t *)model);
    }
    return list;
}

/* Only where it says something: other bundles keep their bytes. */
static int add_quantisation(json_t *doc, const sg_bundle *b) {
    bool any = false;
    for (int i = 0; i < b->member_count; i++) any = any || b->members[i].quantised;
    if (!any) return 0;
    return json_object_set_new(
            doc, "quantisation", list_sections(b, offsetof(sg_member, quantised)));
}

static json_t *bundle_document(const sg_bundle *b) {
    const json_t *first = json_array_get(b->document, 0);
    return json_pack("{s:i, s:s, s:s, s:[s,s,s,s,s], s:i, s:o, s:O, s:O, s:o, s:o, s:o, s:O}",
            "schema", SG_SCHEMA_VERSION, "kind", "bundle", "build", sg_build_id(), "required",
            "model", "recipe", "classes", "calibration", "members", "members", b->member_count,
            "model", list_models(b), "recipe", json_object_get(first, "recipe"), "classes",
            json_object_get(first, "classes"), "training",
            list_sections(b, offsetof(sg_member, training)), "calibration",
            list_sections(b, offsetof(sg_member, calibration)), "selection",
            list_sections(b, offsetof(sg_member, selection)), "ledger", b->ledgers);
}

static sg_status describe_file(json_t **out, const json_t *doc, const char *path, sg_error *err) {
    char *text = sg_json_line(doc);
    *out = text ? json_pack("{s:s, s:s}", "format", "pt", "sonograde", text) : NULL;
    free(text);
    return *out ? SG_OK : no_memory(err, path);
}

sg_status sg_bundle_write(const sg_bundle *b, const char *path, sg_error *err) {
    size_t most = (size_t)b->member_count, n = 0;
    for (int i = 0; i < b->member_count; i++) most += (size_t)b->members[i].graph->param_count;
    sg_safetensors_item *items = calloc(most + 1, sizeof *items);
    char **names = calloc(most + 1, sizeof *names);
    json_t *doc = bundle_document(b), *metadata = NULL;
    sg_status st =
            items && names && doc && add_quantisation(doc, b) == 0 ? SG_OK : no_memory(err, path);
    if (!st) st = sg_bundle_put_profile(b, doc, items, names, &n, err);
    if (!st) st = describe_file(&metadata, doc, path, err);
    for (int i = 0; i < b->member_count && !st; i++) {
        const sg_member *m = &b->members[i];
        for (int p = 0; p < m->graph->param_count && !st; p++) {
            names[n] = sg_strdupf("member%d.model.%s", i, m->graph->params[p].name);
            if (!names[n]) st = no_memory(err, path);
            items[n] = (sg_safetensors_item){
                    names[n], SG_F32, m->graph->params[p].shape, sg_params_f32(m->params, p)};
            n++;
        }
    }
    if (!st) st = sg_safetensors_write(path, items, n, metadata, err);
    for (size_t i = 0; i < n; i++) free(names[i]);
    free(names);
    free(items);
    json_decref(metadata);
    json_decref(doc);
    return st;
}
