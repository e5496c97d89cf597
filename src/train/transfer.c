/* transfer.c - see transfer.h. Names decide, shapes confirm, exceptions are listed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/transfer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 8 };

bool sg_name_has_prefix(const char *name, const char *prefixes) {
    for (const char *p = prefixes; p && *p;) {
        size_t n = strcspn(p, ",");
        if (n && strncmp(name, p, n) == 0 && (name[n] == '.' || name[n] == '\0')) return true;
        p += n + (p[n] == ',');
    }
    return false;
}

/* Where a parameter's tensor may stand in a file, in the order of preference. */
static const sg_tensor *find_tensor(const sg_weight_set *file, const char *name) {
    static const char *const prefixes[] = {"", "module.", "ema.", "model.", "member0.model."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        char *full = sg_strdupf("%s%s", prefixes[i], name);
        const sg_tensor *t = full ? sg_weight_set_find(file, full) : NULL;
        free(full);
        if (t) return t;
    }
    return NULL;
}

static bool is_classifier(const sg_graph *g, const sg_param *p) {
    return sg_graph_is_classifier(g, p->node);
}

static bool is_gate(const sg_param *p) {
    return strstr(p->name, ".se.") != NULL;
}

/* Which parameters may be missing although later ones are there. */
static bool may_be_new(const sg_graph *g, const sg_param *p, const char *allow_new) {
    return is_classifier(g, p) || is_gate(p) || sg_name_has_prefix(p->name, allow_new);
}

/* Finite, and a variance not below 0, whose root a batch norm would take. */
static sg_status check_values(const float *x, const sg_param *p, const char *path, sg_error *err) {
    bool variance = p->role == SG_PARAM_RUNNING_VAR;
    for (int64_t i = 0; i < sg_shape_count(&p->shape); i++) {
        if (!isfinite(x[i]))
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: tensor %s holds NaN or infinity; the file cannot be trained from", path,
                    p->name);
        if (variance && x[i] < 0)
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: tensor %s holds a negative variance; the file is damaged and cannot be "
                    "trained from",
                    path, p->name);
    }
    return SG_OK;
}

static sg_status load_one(sg_transfer *t, sg_params *params, int i, const sg_tensor *tensor,
        const char *path, const char *allow_new, sg_error *err) {
    const sg_graph *g = params->graph;
    const sg_param *p = &g->params[i];
    if (!sg_shape_equal(&tensor->shape, &p->shape)) {
        if (is_classifier(g, p) || sg_name_has_prefix(p->name, allow_new)) return SG_OK;
        char found[SG_SHAPE_TEXT], wanted[SG_SHAPE_TEXT];
        return sg_fail(err, SG_ERR_SHAPE,
                "%s: tensor %s has shape %s, the model wants %s; if that layer shall start "
                "anew, add --allow-new %s",
                path, p->name, sg_shape_text(found, &tensor->shape),
                sg_shape_text(wanted, &p->shape), g->nodes[p->node].name);
    }
    float *x = sg_params_f32(params, i);
    sg_status st = sg_tensor_to_f32(x, tensor, err);
    if (!st) st = check_values(x, p, path, err);
    if (!st) t->is_new[i] = false;
    return st;
}

/* Does the file give a bias to a layer of which the model wants the weight alone? So does a file
 * whose batch norms were multiplied into the convolutions. */
static bool is_folded(const sg_transfer *t, const sg_graph *g, const sg_weight_set *file) {
    bool found = false;
    for (int i = 0; i < g->param_count && !found; i++) {
        const char *name = g->params[i].name;
        if (t->is_new[i] || !sg_ends_with(name, ".weight")) continue;
        char *bias = sg_strdupf("%.*s.bias", (int)(strlen(name) - strlen(".weight")), name);
        found = bias && sg_graph_find_param(g, bias) < 0 && find_tensor(file, bias);
        free(bias);
    }
    return found;
}

/* A missing parameter with loaded ones behind it is a hole: most likely another model's file. */
static sg_status check_holes(const sg_transfer *t, const sg_graph *g, const sg_weight_set *file,
        const char *path, const char *allow, sg_error *err) {
    int last = -1;
    for (int i = 0; i < g->param_count; i++)
        if (!t->is_new[i]) last = i;
    if (last < 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s holds no tensor that fits %s; is it the weights of another model?", path,
                g->name);
    for (int i = 0; i < last; i++) {
        if (!t->is_new[i] || may_be_new(g, &g->params[i], allow)) continue;
        if (is_folded(t, g, file))
            return sg_fail(err, SG_ERR_INPUT,
                    "%s is folded: its batch norms are part of its convolutions, so no training of "
                    "%s starts from it; export it again with --unfolded, or as safetensors",
                    path, g->name);
        return sg_fail(err, SG_ERR_INPUT,
                "%s lacks %s, which %s needs before layers that the file does have; if it "
                "shall start anew, add --allow-new %s",
                path, g->params[i].name, g->name, g->nodes[g->params[i].node].name);
    }
    return SG_OK;
}

/* "stages.3.blocks.0.conv2, norm and 5 more": layers, each named once. */
static sg_status name_fresh(sg_transfer *t, const sg_graph *g, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    int layers = 0;
    sg_node_id last = -1;
    for (int i = 0; i < g->param_count; i++) {
        if (!t->is_new[i] || g->params[i].node == last) continue;
        last = g->params[i].node;
        if (layers++ < NAMES_SHOWN)
            sg_str_appendf(&s, "%s%s", s.len ? ", " : "", g->nodes[last].name);
    }
    if (layers > NAMES_SHOWN) sg_str_appendf(&s, " and %d more layers", layers - NAMES_SHOWN);
    if (!layers) sg_str_append(&s, "none");
    sg_status st = sg_str_check(&s, err);
    t->fresh_names = sg_str_take(&s);
    return st;
}

/* Part of a tensor's name after the prefixes that find_tensor looks through; NULL when the tensor
 * is not a parameter at all (optimiser state, counters). */
static const char *bare_name(const char *name) {
    static const char *const prefixes[] = {"module.", "ema.", "model.", "member0.model."};
    if (strncmp(name, "optim.", 6) == 0 || sg_ends_with(name, "num_batches_tracked")) return NULL;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return name + strlen(prefixes[i]);
    return name;
}

static sg_status name_left_over(
        sg_transfer *t, const sg_weight_set *file, const sg_graph *g, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    for (size_t i = 0; i < file->count; i++) {
        const char *name = bare_name(file->entries[i].name);
        if (!name || sg_graph_find_param(g, name) >= 0) continue;
        if (t->left_over++ < NAMES_SHOWN) sg_str_appendf(&s, "%s%s", s.len ? ", " : "", name);
    }
    if (t->left_over > NAMES_SHOWN)
        sg_str_appendf(&s, " and %d more tensors", t->left_over - NAMES_SHOWN);
    if (!t->left_over) sg_str_append(&s, "none");
    sg_status st = sg_str_check(&s, err);
    t->left_names = sg_str_take(&s);
    return st;
}

static void count_share(sg_transfer *t, const sg_graph *g) {
    double given = 0, all = 0;
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        t->loaded += !t->is_new[i];
        t->fresh += t->is_new[i];
        if (p->role == SG_PARAM_RUNNING_MEAN || p->role == SG_PARAM_RUNNING_VAR) continue;
        double n = (double)sg_shape_count(&p->shape);
        all += n;
        if (!t->is_new[i]) given += n;
    }
    t->share = all > 0 ? given / all : 0;
}

/* What a file written by sonograde says of its training; *doc NULL where another program wrote it.
 * An ensemble is refused: a training goes on from one model, and no member is the others. */
static sg_status read_training(json_t **doc, const json_t **training, const sg_weight_set *file,
        const char *path, sg_error *err) {
    const char *text = sg_weight_set_meta(file, "sonograde");
    *doc = NULL;
    *training = NULL;
    if (!text) return SG_OK;
    sg_status st = sg_json_parse(doc, text, strlen(text), path, err);
    if (st) return st;
    *training = json_object_get(*doc, "training");
    if (!json_is_array(*training)) return SG_OK;
    size_t members = json_array_size(*training);
    *training = json_array_get(*training, 0);
    if (members < 2) return SG_OK;
    json_decref(*doc);
    *doc = NULL;
    return sg_fail(err, SG_ERR_INPUT,
            "%s is an ensemble of %zu models, and a training goes on from one; make a bundle of "
            "one of them (`sonograde bundle --run RUN/fold0 -o one.sgb`) or give that run's "
            "weights/best.safetensors",
            path, members);
}

/* Weights made by sonograde know their images: whoever goes on from them has seen those too. */
static sg_status list_seen(sg_transfer *t, const json_t *training, sg_error *err) {
    if (!training) return SG_OK;
    const char *grouping = json_string_value(json_object_get(training, "grouping"));
    const char *key = json_string_value(json_object_get(training, "group_key"));
    t->seen = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(training, "seen"), i, entry) {
        const char *sha = json_string_value(json_array_get(entry, 0));
        const char *group = json_string_value(json_array_get(entry, 1));
        bool own = json_array_size(entry) < 4;
        const char *from = own ? grouping : json_string_value(json_array_get(entry, 2));
        const char *by = own ? key : json_string_value(json_array_get(entry, 3));
        if (!sha || !group) continue;
        json_array_append_new(
                t->seen, json_pack("[s, s, s, s]", sha, group, from ? from : "", by ? by : ""));
    }
    return t->seen ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory listing seen images");
}

sg_status sg_transfer_load(sg_transfer *out, sg_params *params, const char *path,
        const char *allow_new, sg_error *err) {
    const sg_graph *g = params->graph;
    sg_transfer t = {0};
    sg_weight_set *file = NULL;
    json_t *doc = NULL;
    const json_t *training = NULL;
    t.is_new = malloc((size_t)g->param_count * sizeof *t.is_new + 1);
    if (!t.is_new) return sg_fail(err, SG_ERR_MEMORY, "out of memory loading %s", path);
    memset(t.is_new, true, (size_t)g->param_count * sizeof *t.is_new);
    unsigned rules;
    sg_status st = sg_weight_set_open(&file, path, true, err);
    if (!st) st = sg_name_map_apply(&rules, file, path, err);
    if (!st) st = read_training(&doc, &training, file, path, err);
    for (int i = 0; i < g->param_count && !st; i++) {
        const sg_tensor *tensor = find_tensor(file, g->params[i].name);
        if (tensor) st = load_one(&t, params, i, tensor, path, allow_new, err);
    }
    if (!st) st = check_holes(&t, g, file, path, allow_new, err);
    if (!st) st = name_fresh(&t, g, err);
    if (!st) st = name_left_over(&t, file, g, err);
    if (!st) st = list_seen(&t, training, err);
    if (!st) st = sg_sha256_file(t.sha256, path, err);
    json_decref(doc);
    sg_weight_set_close(file);
    if (st) {
        sg_transfer_dispose(&t);
        return st;
    }
    params->version++;
    count_share(&t, g);
    *out = t;
    return SG_OK;
}

void sg_transfer_dispose(sg_transfer *t) {
    if (!t) return;
    free(t->is_new);
    free(t->fresh_names);
    free(t->left_names);
    json_decref(t->seen);
    memset(t, 0, sizeof *t);
}

/* Every prefix must name something, else a typing error would quietly train everything. */
static sg_status check_prefixes(const sg_graph *g, const char *prefixes, sg_error *err) {
    for (const char *p = prefixes; p && *p;) {
        size_t n = strcspn(p, ",");
        bool found = false;
        for (int i = 0; i < g->param_count && !found; i++)
            found = n && strncmp(g->params[i].name, p, n) == 0 && g->params[i].name[n] == '.';
        if (!found)
            return sg_fail(err, SG_ERR_USAGE,
                    "--freeze: no layer of %s is called '%.*s' (see `sonograde models show %s`)",
                    g->name, (int)n, p, g->name);
        p += n + (p[n] == ',');
    }
    return SG_OK;
}

sg_status sg_transfer_freeze(bool *trained, const sg_graph *g, const char *freeze, sg_error *err) {
    sg_status st = check_prefixes(g, freeze, err);
    if (st) return st;
    int left = 0;
    for (int i = 0; i < g->param_count; i++) {
        const sg_param *p = &g->params[i];
        trained[i] = p->role != SG_PARAM_RUNNING_MEAN && p->role != SG_PARAM_RUNNING_VAR &&
                     !sg_name_has_prefix(p->name, freeze);
        left += trained[i];
    }
    return left ? SG_OK : sg_fail(err, SG_ERR_USAGE, "--freeze leaves no layer to train");
}
