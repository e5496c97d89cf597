/* quantisation.c - see quantisation.h. SPDX-License-Identifier: Apache-2.0 */
#include "infer/quantisation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status create(sg_quantisation **out, const sg_graph *graph, sg_error *err) {
    size_t nodes = (size_t)graph->node_count;
    sg_quantisation *q = calloc(1, sizeof *q);
    if (q) {
        q->of = calloc(nodes, sizeof *q->of);
        q->scale = calloc(nodes, sizeof *q->scale);
        q->node_count = graph->node_count;
    }
    if (!q || !q->of || !q->scale) {
        sg_quantisation_free(q);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory quantising '%s'", graph->name);
    }
    *out = q;
    return SG_OK;
}

void sg_quantisation_free(sg_quantisation *q) {
    if (!q) return;
    free(q->of);
    free(q->scale);
    free(q);
}

static void store(sg_quantisation *q, sg_node_id id, sg_dtype dtype, float scale) {
    q->scale[id] = scale;
    q->of[id] = (sg_quant){dtype, 1, &q->scale[id]};
}

sg_status sg_quantisation_find(
        sg_quantisation **out, const sg_ranges *ranges, const sg_graph *graph, sg_error *err) {
    sg_quantisation *q;
    sg_status st = create(&q, graph, err);
    if (st) return st;
    for (int i = 0; i < graph->node_count; i++) {
        sg_dtype dtype;
        float scale;
        if (sg_ranges_choose(&dtype, &scale, ranges, i)) store(q, i, dtype, scale);
    }
    *out = q;
    return SG_OK;
}

json_t *sg_quantisation_to_json(const sg_quantisation *q, const sg_graph *graph) {
    json_t *storage = json_object();
    int failed = storage == NULL;
    for (int i = 0; i < q->node_count && !failed; i++)
        if (q->of[i].count)
            failed = json_object_set_new(storage, graph->nodes[i].name,
                    json_pack("[s,f]", q->of[i].dtype == SG_U8 ? "u8" : "i8", (double)q->scale[i]));
    if (!failed) return storage;
    json_decref(storage);
    return NULL;
}

static bool take_entry(sg_quantisation *q, sg_node_id id, const json_t *entry) {
    const char *type = json_string_value(json_array_get(entry, 0));
    double scale = json_number_value(json_array_get(entry, 1));
    bool is_unsigned = type && strcmp(type, "u8") == 0;
    if (id < 0 || !type || (!is_unsigned && strcmp(type, "i8") != 0)) return false;
    if (!((float)scale > 0) || !isfinite((float)scale)) return false;
    store(q, id, is_unsigned ? SG_U8 : SG_I8, (float)scale);
    return true;
}

sg_status sg_quantisation_from_json(sg_quantisation **out, const json_t *storage,
        const sg_graph *graph, const char *path, sg_error *err) {
    sg_quantisation *q;
    sg_status st = create(&q, graph, err);
    if (st) return st;
    if (!json_is_object(storage))
        st = sg_fail(err, SG_ERR_FORMAT, "%s is quantised but does not say how", path);
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)storage, name, entry) {
        if (st || take_entry(q, sg_graph_find(graph, name), entry)) continue;
        st = sg_fail(err, SG_ERR_FORMAT, "%s stores '%s' in a way that %s does not know", path,
                name, graph->name);
    }
    if (st)
        sg_quantisation_free(q);
    else
        *out = q;
    return st;
}
