/* cost.c - see cost.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/cost.h"
#include "base/file.h"
#include "nn/params.h"
#include "nn/plan.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 7 };

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct bench {
    sg_graph *graph;
    sg_params *params;
    sg_backend *backend, *fallback;
    const sg_train_options *options;
} bench;

static sg_status bench_open(bench *b, const sg_train_options *o, int64_t classes, sg_error *err) {
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    sg_model_options model = o->model_options;
    *b = (bench){.options = o};
    options.threads = o->threads;
    options.deterministic = !o->winograd;
    options.winograd = o->winograd;
    model.classes = classes;
    model.channels = o->recipe.channels;
    sg_status st = sg_model_build(&b->graph, o->model, &model, err);
    if (!st) st = sg_params_create(&b->params, b->graph, SG_F32, err);
    if (!st) st = sg_params_init(b->params, 0, err);
    if (!st) st = sg_backend_create(&b->backend, o->backend, &options, err);
    if (!st) st = sg_backend_create(&b->fallback, "ref", &options, err);
    return st;
}

static void bench_close(bench *b) {
    sg_params_destroy(b->params);
    sg_graph_destroy(b->graph);
    sg_backend_destroy(b->backend);
    sg_backend_destroy(b->fallback);
}

static double plan_bytes(const sg_plan *plan) {
    sg_plan_stats stats;
    sg_plan_stats_get(&stats, plan);
    return (double)stats.block_bytes + (double)stats.packed_bytes;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static sg_status time_forward(double *ms, sg_plan *plan, const sg_train_options *o, sg_error *err) {
    double times[RUNS];
    size_t n = (size_t)o->recipe.channels * (size_t)o->recipe.size * (size_t)o->recipe.size;
    sg_status st = SG_OK;
    for (int i = -1; i < RUNS && !st; i++) { /* the first one warms up */
        float *input = sg_plan_input(plan);
        for (size_t k = 0; k < n; k++) input[k] = (float)(k % 17) / 17.0f - 0.5f;
        double start = now_seconds();
        st = sg_plan_forward(plan, 0, 0, err);
        if (i >= 0) times[i] = 1000 * (now_seconds() - start);
    }
    if (st) return st;
    qsort(times, RUNS, sizeof *times, by_value);
    *ms = times[RUNS / 2];
    return SG_OK;
}

static sg_status measure_prediction(sg_cost *out, bench *b, sg_error *err) {
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    sg_plan *plan;
    request.batch = 1;
    request.height = request.width = b->options->recipe.size;
    sg_status st =
            sg_plan_create(&plan, b->graph, b->params, &request, b->backend, b->fallback, err);
    if (st) return st;
    st = time_forward(&out->ms_per_image, plan, b->options, err);
    out->predict_bytes = plan_bytes(plan) + 4.0 * (double)b->graph->elements;
    sg_plan_destroy(plan);
    return st;
}

static sg_status measure_training(sg_cost *out, bench *b, sg_error *err) {
    bool *statistics = calloc((size_t)b->graph->node_count + 1, sizeof *statistics);
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    sg_plan *plan;
    if (!statistics) return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring a model");
    for (int i = 0; i < b->graph->node_count; i++)
        statistics[i] = b->graph->nodes[i].op == SG_OP_BATCH_NORM;
    request.batch = b->options->batch;
    request.height = request.width = b->options->recipe.size;
    request.gradient = SG_GRADIENT_PARAMETERS;
    request.batch_statistics = statistics;
    request.dropout = true;
    sg_status st =
            sg_plan_create(&plan, b->graph, b->params, &request, b->backend, b->fallback, err);
    free(statistics);
    if (st) return st;
    bool adam = b->options->optimizer.kind == SG_OPTIMIZER_ADAMW;
    double copies = 1 + (adam ? 2 : 1) + (b->options->optimizer.ema > 0 ? 1 : 0);
    out->train_bytes = plan_bytes(plan) + copies * 4.0 * (double)b->graph->elements;
    sg_plan_destroy(plan);
    return SG_OK;
}

sg_status sg_cost_measure(sg_cost *out, const sg_train_options *o, int64_t classes, sg_error *err) {
    sg_cost cost = {.threads = o->threads};
    sg_graph_cost graph;
    bench b;
    sg_status st = bench_open(&b, o, classes, err);
    if (!st) st = sg_graph_measure(&graph, b.graph, o->recipe.size, o->recipe.size, err);
    if (!st) {
        cost.parameters = (double)graph.parameters;
        cost.macs = (double)graph.macs;
        st = measure_prediction(&cost, &b, err);
    }
    if (!st) st = measure_training(&cost, &b, err);
    bench_close(&b);
    if (!st) *out = cost;
    return st;
}

/* ---- remembering ---- */

static sg_status read_cost(sg_cost *out, const char *path, sg_error *err) {
    json_t *document;
    sg_cost c;
    sg_status st = sg_json_read(&document, path, err);
    if (st) return st;
    if (json_unpack(document, "{s:F, s:F, s:F, s:F, s:F, s:i}", "parameters", &c.parameters, "macs",
                &c.macs, "predict_bytes", &c.predict_bytes, "train_bytes", &c.train_bytes,
                "ms_per_image", &c.ms_per_image, "threads", &c.threads))
        st = sg_fail(err, SG_ERR_FORMAT, "%s is not what was measured; delete it", path);
    else
        *out = c;
    json_decref(document);
    return st;
}

sg_status sg_cost_recall(sg_cost *out, const char *path, const sg_train_options *options,
        int64_t classes, sg_error *err) {
    if (sg_path_exists(path)) return read_cost(out, path, err);
    sg_cost c;
    sg_status st = sg_cost_measure(&c, options, classes, err);
    if (st) return st;
    json_t *document = json_pack("{s:f, s:f, s:f, s:f, s:f, s:i}", "parameters", c.parameters,
            "macs", c.macs, "predict_bytes", c.predict_bytes, "train_bytes", c.train_bytes,
            "ms_per_image", c.ms_per_image, "threads", c.threads);
    st = document ? sg_json_write(document, path, err)
                  : sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", path);
    json_decref(document);
    if (!st) *out = c;
    return st;
}
