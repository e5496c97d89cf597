/* checkpoint.c - see checkpoint.h. One list of blocks (name prefix, memory) serves saving and
 * loading. SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"
#include "base/version.h"
#include "weights/safetensors.h"
#include <stdlib.h>
#include <string.h>

typedef struct block {
    const char *prefix;
    float *data; /* graph->elements; NULL = absent */
} block;

enum { BLOCKS = 4 };

static void list_blocks(block out[BLOCKS], const sg_params *params, const sg_optimizer *optimizer) {
    out[0] = (block){"model.", params->data};
    out[1] = (block){"ema.", optimizer->ema};
    out[2] = (block){"optim.moment1.", optimizer->moment1};
    out[3] = (block){"optim.moment2.", optimizer->moment2};
}

static bool is_buffer(const sg_param *p) {
    return p->role == SG_PARAM_RUNNING_MEAN || p->role == SG_PARAM_RUNNING_VAR;
}

/* Moments of buffers do not exist. */
static bool has_tensor(const block *b, const sg_param *p) {
    return b->data && !(is_buffer(p) && strncmp(b->prefix, "optim.", 6) == 0);
}

/* ---- saving ---- */

static sg_status write_blocks(const char *path, const sg_graph *g, const block *blocks, int count,
        json_t *document, sg_error *err) {
    size_t most = (size_t)g->param_count * (size_t)count, n = 0;
    sg_safetensors_item *items = calloc(most + 1, sizeof *items);
    char **names = calloc(most + 1, sizeof *names);
    char *text = sg_json_line(document);
    json_t *metadata = text ? json_pack("{s:s, s:s}", "format", "pt", "sonograde", text) : NULL;
    sg_status st = items && names && metadata
                           ? SG_OK
                           : sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    for (int b = 0; b < count && !st; b++)
        for (int i = 0; i < g->param_count && !st; i++) {
            const sg_param *p = &g->params[i];
            if (!has_tensor(&blocks[b], p)) continue;
            names[n] = sg_strdupf("%s%s", blocks[b].prefix, p->name);
            if (!names[n]) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
            items[n] =
                    (sg_safetensors_item){names[n], SG_F32, p->shape, blocks[b].data + p->offset};
            n++;
        }
    if (!st) st = sg_safetensors_write(path, items, n, metadata, err);
    for (size_t i = 0; i < n; i++) free(names[i]);
    free(names);
    free(items);
    free(text);
    json_decref(metadata);
    return st;
}

/* A model file's document: schema, kind and build, then the caller's sections. */
static json_t *make_document(const char *kind, const json_t *meta) {
    json_t *doc = json_pack("{s:i, s:s, s:s, s:[]}", "schema", SG_SCHEMA_VERSION, "kind", kind,
            "build", sg_build_id(), "required");
    if (doc) json_object_update(doc, (json_t *)meta);
    return doc;
}

static json_t *progress_to_json(const sg_progress *p, int64_t step, const sg_graph *g,
        const bool *is_new, const json_t *identity) {
    json_t *names = json_array();
    for (int i = 0; i < g->param_count; i++)
        if (is_new[i]) json_array_append_new(names, json_string(g->params[i].name));
    return json_pack("{s:i, s:I, s:f, s:f, s:b, s:o, s:i, s:i, s:b, s:f, s:s, s:I, s:o, s:O, s:O*}",
            "epoch", p->epoch, "batch", (json_int_t)p->batch, "loss_sum", p->loss_sum, "norm_sum",
            p->norm_sum, "has_best", (int)p->has_best, "best", sg_json_number(p->best),
            "best_epoch", p->best_epoch, "stale_epochs", p->stale_epochs, "finished",
            (int)p->finished, "init_share", p->init_share, "weights_sha256", p->weights_sha256,
            "step", (json_int_t)step, "new", names, "identity", (json_t *)identity, "changes",
            p->changes);
}

sg_status sg_checkpoint_save(const char *path, const sg_params *params,
        const sg_optimizer *optimizer, const sg_progress *progress, const bool *is_new,
        const json_t *meta, const json_t *identity, sg_error *err) {
    block blocks[BLOCKS];
    list_blocks(blocks, params, optimizer);
    json_t *doc = make_document("checkpoint", meta);
    sg_status st = SG_OK;
    if (json_object_set_new(doc, "progress",
                progress_to_json(progress, optimizer->step, params->graph, is_new, identity)))
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    if (!st) st = write_blocks(path, params->graph, blocks, BLOCKS, doc, err);
    json_decref(doc);
    return st;
}

sg_status sg_checkpoint_save_weights(const char *path, const sg_graph *graph, const float *data,
        const json_t *meta, sg_error *err) {
    block blocks[1] = {{"model.", (float *)data}};
    json_t *doc = make_document("weights", meta);
    sg_status st = write_blocks(path, graph, blocks, 1, doc, err);
    json_decref(doc);
    return st;
}

/* ---- loading ---- */

static sg_status read_document(
        json_t **out, const sg_safetensors *file, const char *path, sg_error *err) {
    const char *text = sg_safetensors_meta(file, "sonograde");
    if (!text) return sg_fail(err, SG_ERR_FORMAT, "%s was not written by sonograde training", path);
    return sg_json_parse(out, text, strlen(text), path, err);
}

static sg_status read_blocks(const sg_safetensors *file, const sg_graph *g, const block *blocks,
        int count, const char *path, sg_error *err) {
    for (int b = 0; b < count; b++)
        for (int i = 0; i < g->param_count; i++) {
            const sg_param *p = &g->params[i];
            if (!has_tensor(&blocks[b], p)) continue;
            char *name = sg_strdupf("%s%s", blocks[b].prefix, p->name);
            const sg_tensor *t = name ? sg_safetensors_find(file, name) : NULL;
            free(name);
            if (!t || t->dtype != SG_F32 || !sg_shape_equal(&t->shape, &p->shape))
                return sg_fail(err, SG_ERR_MISMATCH,
                        "%s does not hold %s%s as this model needs it; was the run made with "
                        "other options?",
                        path, blocks[b].prefix, p->name);
            memcpy(blocks[b].data + p->offset, t->data,
                    (size_t)sg_shape_count(&p->shape) * sizeof(float));
        }
    return SG_OK;
}

static sg_status parse_progress(
        sg_progress *out, int64_t *step, const json_t *doc, const char *path, sg_error *err) {
    const json_t *section = json_object_get(doc, "progress");
    const json_t *best = json_object_get(section, "best");
    sg_progress p = {0};
    json_int_t batch, steps;
    int has_best, finished;
    const char *sha;
    if (json_unpack((json_t *)section, "{s:i, s:I, s:F, s:F, s:b, s:i, s:i, s:b, s:F, s:s, s:I}",
                "epoch", &p.epoch, "batch", &batch, "loss_sum", &p.loss_sum, "norm_sum",
                &p.norm_sum, "has_best", &has_best, "best_epoch", &p.best_epoch, "stale_epochs",
                &p.stale_epochs, "finished", &finished, "init_share", &p.init_share,
                "weights_sha256", &sha, "step", &steps) ||
            strlen(sha) >= sizeof p.weights_sha256)
        return sg_fail(err, SG_ERR_FORMAT, "%s holds no progress to go on from", path);
    p.batch = batch;
    p.has_best = has_best != 0;
    p.best = json_is_number(best) ? json_number_value(best) : 0;
    p.finished = finished != 0;
    memcpy(p.weights_sha256, sha, strlen(sha) + 1);
    p.changes = json_incref(json_object_get(section, "changes"));
    if (step) *step = steps;
    *out = p;
    return SG_OK;
}

static void parse_new(bool *is_new, const sg_graph *g, const json_t *doc) {
    memset(is_new, 0, (size_t)g->param_count * sizeof *is_new);
    size_t k;
    json_t *name;
    json_array_foreach(json_object_get(json_object_get(doc, "progress"), "new"), k, name) {
        int i = json_is_string(name) ? sg_graph_find_param(g, json_string_value(name)) : -1;
        if (i >= 0) is_new[i] = true;
    }
}

/* A value as a person writes it: 0.0006, not all its digits. */
static char *show(const json_t *value) {
    if (!json_is_real(value)) return sg_json_line(value);
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append_double(&s, json_real_value(value));
    return sg_str_take(&s);
}

/* What a training can change between two epochs, and where it goes on. */
static bool is_changeable(const char *section, const char *key) {
    static const char *const keys[] = {"backend", "batch", "optimizer.momentum",
            "optimizer.weight_decay", "optimizer.clip_norm", "optimizer.ema",
            "schedule.learning_rate", "loss.label_smoothing", "loss.focal_gamma",
            "transfer.new_layer_factor", "transfer.layer_decay"};
    size_t n = strlen(section);
    if (strcmp(section, "augment") == 0) return true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *k = keys[i];
        if (n && (strncmp(k, section, n) != 0 || k[n] != '.')) continue;
        if (strcmp(k + (n ? n + 1 : 0), key) == 0) return true;
    }
    return false;
}

static void note_change(json_t *changed, const char *section, const char *key, const json_t *was,
        const json_t *is) {
    char *name = sg_strdupf("%s%s%s", section, *section ? "." : "", key);
    if (name) json_object_set_new(changed, name, json_pack("[O, O]", (json_t *)was, (json_t *)is));
    free(name);
}

/* The first value that differs, section by section: "augment.scale". With `changed`, what may
 * differ is written there. */
static sg_status compare_identity(const json_t *found, const json_t *wanted, const char *section,
        json_t *changed, const char *path, sg_error *err) {
    const char *key;
    json_t *value;
    sg_status st = SG_OK;
    json_object_foreach((json_t *)wanted, key, value) {
        const json_t *other = json_object_get(found, key);
        if (json_equal(value, other)) continue;
        if (json_is_object(value) && json_is_object(other)) {
            st = compare_identity(other, value, key, changed, path, err);
            if (st) return st;
            if (changed) continue;
        }
        if (changed && is_changeable(section, key)) {
            note_change(changed, section, key, other, value);
            continue;
        }
        char *was = show(other), *is = show(value);
        st = sg_fail(err, SG_ERR_MISMATCH,
                "%s was made with %s%s%s %s, now it is %s: going on would not repeat the run; "
                "restore it, or add --force-resume",
                path, section, *section ? "." : "", key, was ? was : "unknown",
                is ? is : "unknown");
        free(was);
        free(is);
        return st;
    }
    return SG_OK;
}

static sg_status check_identity(const json_t *doc, const json_t *identity, sg_resume mode,
        json_t *changed, const char *path, sg_error *err) {
    const json_t *found = json_object_get(json_object_get(doc, "progress"), "identity");
    json_t *wanted = json_copy((json_t *)identity);
    if (!wanted) return sg_fail(err, SG_ERR_MEMORY, "out of memory checking %s", path);
    if (mode == SG_RESUME_ELSEWHERE)
        json_object_set(wanted, "backend", json_object_get(found, "backend"));
    sg_status st = SG_OK;
    if (json_object_get(found, "phases") && !json_object_get(wanted, "phases"))
        st = sg_fail(err, SG_ERR_MISMATCH,
                "%s was made with a schedule of settings, now there is none: going on would not "
                "repeat the run; restore it, or add --force-resume",
                path);
    if (!st) st = compare_identity(found, wanted, "", changed, path, err);
    json_decref(wanted);
    return st;
}

/* Adds what is different from this epoch on to the changes so far. */
static sg_status add_changes(sg_progress *p, json_t *changed, sg_error *err) {
    if (!json_object_size(changed)) return SG_OK;
    json_t *all = p->changes ? json_copy(p->changes) : json_array();
    json_decref(p->changes);
    p->changes = all;
    if (json_array_append_new(all, json_pack("{s:i, s:O}", "epoch", p->epoch, "changed", changed)))
        return sg_fail(err, SG_ERR_MEMORY, "out of memory noting changed settings");
    return SG_OK;
}

void sg_progress_dispose(sg_progress *p) {
    if (!p) return;
    json_decref(p->changes);
    p->changes = NULL;
}

sg_status sg_checkpoint_load(const char *path, sg_params *params, sg_optimizer *optimizer,
        sg_progress *progress, bool *is_new, const json_t *identity, sg_resume mode,
        sg_error *err) {
    sg_safetensors *file = NULL;
    json_t *doc = NULL;
    block blocks[BLOCKS];
    list_blocks(blocks, params, optimizer);
    sg_status st = sg_safetensors_open(&file, path, true, err);
    if (!st) st = read_document(&doc, file, path, err);
    json_t *changed = mode == SG_RESUME_CHANGED ? json_object() : NULL;
    if (!st && mode != SG_RESUME_FORCED)
        st = check_identity(doc, identity, mode, changed, path, err);
    if (!st) st = parse_progress(progress, &optimizer->step, doc, path, err);
    if (!st && changed) st = add_changes(progress, changed, err);
    json_decref(changed);
    if (!st) st = read_blocks(file, params->graph, blocks, BLOCKS, path, err);
    if (!st) {
        parse_new(is_new, params->graph, doc);
        params->version++;
    }
    json_decref(doc);
    sg_safetensors_close(file);
    if (st == SG_ERR_FORMAT)
        return sg_fail_context(err, st, "the run cannot go on (delete the file to start it over)");
    return st;
}

sg_status sg_checkpoint_peek(sg_progress *progress, const char *path, sg_error *err) {
    sg_safetensors *file = NULL;
    json_t *doc = NULL;
    sg_status st = sg_safetensors_open(&file, path, false, err);
    if (!st) st = read_document(&doc, file, path, err);
    if (!st) st = parse_progress(progress, NULL, doc, path, err);
    json_decref(doc);
    sg_safetensors_close(file);
    return st;
}

/* Inherited entries of `seen` are those that say where their group comes from. */
static json_t *list_inherited(const json_t *doc) {
    json_t *list = json_array(), *entry;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(doc, "training"), "seen"), i, entry) {
        if (json_array_size(entry) == 4) json_array_append(list, entry);
    }
    return list;
}

sg_status sg_checkpoint_peek_start(
        bool *is_new, json_t **inherited, const sg_graph *graph, const char *path, sg_error *err) {
    sg_safetensors *file = NULL;
    json_t *doc = NULL;
    sg_status st = sg_safetensors_open(&file, path, false, err);
    if (!st) st = read_document(&doc, file, path, err);
    if (!st) {
        parse_new(is_new, graph, doc);
        *inherited = list_inherited(doc);
    }
    json_decref(doc);
    sg_safetensors_close(file);
    return st;
}

sg_status sg_checkpoint_load_weights(sg_params *params, const char *path, sg_error *err) {
    sg_safetensors *file = NULL;
    block blocks[1] = {{"model.", params->data}};
    sg_status st = sg_safetensors_open(&file, path, true, err);
    if (!st) st = read_blocks(file, params->graph, blocks, 1, path, err);
    if (!st) params->version++;
    sg_safetensors_close(file);
    return st;
}
