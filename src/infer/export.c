/* export.c - see export.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/export.h"
#include "base/version.h"
#include "infer/export_onnx.h"
#include "weights/safetensors.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(const char *path, sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
}

/* ---- what goes along ---- */

/* "0.485,0.456,0.406" */
static char *numbers_text(const float *x, int count) {
    sg_str s;
    sg_str_init(&s, 0);
    for (int i = 0; i < count; i++) sg_str_appendf(&s, "%s%.9g", i ? "," : "", (double)x[i]);
    return sg_str_take(&s);
}

static char *line_of(json_t *value) {
    char *text = value ? sg_json_line(value) : NULL;
    json_decref(value);
    return text;
}

static json_t *class_list(const sg_bundle *b) {
    json_t *list = json_array();
    for (int i = 0; i < b->class_count; i++)
        json_array_append_new(list, sg_json_text(b->classes[i]));
    return list;
}

enum { FACTS = 10 };

/* Key, value, ..., NULL; values are the caller's. */
typedef struct facts {
    const char *pairs[2 * FACTS + 1];
    char *owned[FACTS];
    int count;
} facts;

static void add(facts *f, const char *key, char *value) {
    f->owned[f->count] = value;
    f->pairs[2 * f->count] = key;
    f->pairs[2 * f->count++ + 1] = value;
}

static void facts_dispose(facts *f) {
    for (int i = 0; i < f->count; i++) free(f->owned[i]);
}

static sg_status facts_of(
        facts *f, const sg_bundle *b, int member, const char *path, sg_error *err) {
    const sg_recipe *r = &b->recipe;
    memset(f, 0, sizeof *f);
    sg_str temperature;
    sg_str_init(&temperature, 0);
    sg_str_append_double(&temperature, b->members[member].temperature);
    add(f, "model", sg_strdup(b->model));
    add(f, "classes", line_of(class_list(b)));
    add(f, "recipe", line_of(sg_recipe_to_json(r)));
    add(f, "size", sg_strdupf("%d", r->size));
    add(f, "mean", numbers_text(r->mean, r->channels));
    add(f, "std", numbers_text(r->std, r->channels));
    add(f, "temperature", sg_str_take(&temperature));
    add(f, "source_sha256", sg_strdup(sg_bundle_sha256(b)));
    add(f, "member", sg_strdupf("%d", member));
    add(f, "use", sg_strdup(SG_RESEARCH_USE));
    for (int i = 0; i < f->count; i++)
        if (!f->owned[i]) {
            facts_dispose(f);
            return no_memory(path, err);
        }
    return SG_OK;
}

/* ---- formats ---- */

sg_status sg_export_member_onnx(
        const char *path, const sg_bundle *b, int member, bool fold, sg_error *err) {
    facts f;
    sg_status st = facts_of(&f, b, member, path, err);
    if (st) return st;
    const sg_member *m = &b->members[member];
    sg_export_onnx_options options = {.size = b->recipe.size,
            .fold = fold,
            .temperature = m->temperature,
            .producer_version = sg_build_id(),
            .metadata = f.pairs};
    st = sg_export_onnx(path, m->graph, m->params, &options, err);
    facts_dispose(&f);
    return st;
}

sg_status sg_export_safetensors(const char *path, const sg_graph *g, const sg_params *params,
        const json_t *metadata, sg_error *err) {
    static const int64_t none_tracked = 0;
    size_t most = (size_t)g->param_count + (size_t)g->node_count, n = 0;
    sg_safetensors_item *items = calloc(most + 1, sizeof *items);
    char **counters = calloc((size_t)g->node_count + 1, sizeof *counters);
    sg_status st = items && counters ? SG_OK : no_memory(path, err);
    for (int i = 0; i < g->param_count && !st; i++)
        items[n++] = (sg_safetensors_item){
                g->params[i].name, SG_F32, g->params[i].shape, sg_params_f32(params, i)};
    for (int i = 0; i < g->node_count && !st; i++) {
        if (g->nodes[i].op != SG_OP_BATCH_NORM) continue;
        counters[i] = sg_strdupf("%s.num_batches_tracked", g->nodes[i].name);
        if (!counters[i]) st = no_memory(path, err);
        items[n++] = (sg_safetensors_item){counters[i], SG_I64, {0}, &none_tracked};
    }
    if (!st) st = sg_safetensors_write(path, items, n, metadata, err);
    for (int i = 0; counters && i < g->node_count; i++) free(counters[i]);
    free(counters);
    free(items);
    return st;
}

sg_status sg_export_member_safetensors(
        const char *path, const sg_bundle *b, int member, sg_error *err) {
    facts f;
    sg_status st = facts_of(&f, b, member, path, err);
    if (st) return st;
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    for (int i = 0; i < f.count; i++)
        json_object_set_new(metadata, f.pairs[2 * i], json_string(f.pairs[2 * i + 1]));
    st = sg_export_safetensors(
            path, b->members[member].graph, b->members[member].params, metadata, err);
    json_decref(metadata);
    facts_dispose(&f);
    return st;
}
