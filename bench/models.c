/* models.c - our side of bench/run: whole models, training steps and predictions, asked for line by
 * line on standard input so that both sides can take turns.
 *
 *   models THREADS      then: train | predict | predict8, MODEL BATCH SIZE; or memory
 *
 * Answers with one JSON object per line: {"seconds": s} or {"bytes": b}. Training is SGD with
 * momentum, all parameters, batch statistics; prediction is folded. Input is random, weights are
 * fresh. SPDX-License-Identifier: Apache-2.0 */
#include "nn/models/models.h"
#include "base/rng.h"
#include "base/str.h"
#include "infer/quantisation.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CLASSES = 3, BATCH_MAX = 1024 };

/* One model made ready for one kind of work. */
typedef struct bench {
    char work[16], model[64];
    int batch, size;
    sg_graph *graph;
    sg_params *params;
    sg_optimizer *optimizer;
    sg_plan *plan;
    uint32_t step;
} bench;

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench_close(bench *b) {
    sg_plan_destroy(b->plan);
    sg_optimizer_destroy(b->optimizer);
    sg_params_destroy(b->params);
    sg_graph_destroy(b->graph);
    memset(b, 0, sizeof *b);
}

/* Scales from a few random images: what is timed does not depend on them. */
static sg_status find_scales(
        sg_quantisation **out, bench *b, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    size_t n = 3 * (size_t)b->size * (size_t)b->size;
    sg_ranges *ranges = NULL;
    float *image = malloc(n * sizeof *image);
    if (!image) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    sg_status st = sg_ranges_create(&ranges, b->graph, b->params, b->size, backend, fallback, err);
    for (uint32_t k = 0; k < 2 && !st; k++) {
        sg_rng rng = sg_rng_make(1, SG_RNG_TEST, k, 0);
        for (size_t i = 0; i < n; i++) image[i] = (float)sg_rng_uniform(&rng) * 4 - 2;
        st = sg_ranges_add(ranges, image, err);
    }
    if (!st) st = sg_quantisation_find(out, ranges, b->graph, err);
    sg_ranges_destroy(ranges);
    free(image);
    return st;
}

static sg_status bench_open(bench *b, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    sg_model_options options = SG_MODEL_OPTIONS_INIT;
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    sg_optimizer_options sgd = SG_OPTIMIZER_OPTIONS_INIT;
    sgd.kind = SG_OPTIMIZER_SGD;
    sgd.weight_decay = 0;
    bool training = strcmp(b->work, "train") == 0;
    sg_quantisation *quantisation = NULL;
    sg_status st = sg_model_build(&b->graph, b->model, &options, err);
    if (!st) st = sg_params_create(&b->params, b->graph, SG_F32, err);
    if (!st) st = sg_params_init(b->params, 0, err);
    if (st) return st;
    bool *statistics = calloc((size_t)b->graph->node_count, sizeof *statistics);
    if (!statistics) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (int i = 0; i < b->graph->node_count; i++)
        statistics[i] = b->graph->nodes[i].op == SG_OP_BATCH_NORM;
    request.batch = b->batch;
    request.height = request.width = b->size;
    if (training) {
        request.gradient = SG_GRADIENT_PARAMETERS;
        request.batch_statistics = statistics;
        request.dropout = true;
        st = sg_optimizer_create(&b->optimizer, b->params, &sgd, NULL, NULL, err);
    }
    if (!st && strcmp(b->work, "predict8") == 0) {
        st = find_scales(&quantisation, b, backend, fallback, err);
        if (!st) request.quant = quantisation->of;
    }
    if (!st) st = sg_plan_create(&b->plan, b->graph, b->params, &request, backend, fallback, err);
    free(statistics);
    sg_quantisation_free(quantisation);
    return st;
}

static void fill_input(const bench *b) {
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, b->step, 0);
    float *x = sg_plan_input(b->plan);
    size_t n = (size_t)b->batch * 3 * (size_t)b->size * (size_t)b->size;
    for (size_t i = 0; i < n; i++) x[i] = (float)sg_rng_uniform(&rng) * 4 - 2;
}

static sg_status train_step(bench *b, sg_error *err) {
    float grad[BATCH_MAX * CLASSES];
    int labels[BATCH_MAX];
    double loss;
    sg_loss_options options = {CLASSES, NULL, 0, 0};
    for (int i = 0; i < b->batch; i++) labels[i] = i % CLASSES;
    sg_status st = sg_plan_forward(b->plan, 0, b->step, err);
    if (!st)
        st = sg_loss_softmax(
                &loss, grad, sg_plan_logits(b->plan), labels, NULL, NULL, b->batch, &options, err);
    if (!st) st = sg_plan_backward(b->plan, grad, err);
    if (!st)
        st = sg_optimizer_step(
                b->optimizer, b->params, sg_plan_gradients(b->plan), 0.01, NULL, err);
    return st;
}

static sg_status answer(
        bench *b, const char *line, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    bench wanted = {0};
    if (strncmp(line, "memory", 6) == 0) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"bytes\": %ld}\n", usage.ru_maxrss * 1024);
        return SG_OK;
    }
    if (sscanf(line, "%15s %63s %d %d", wanted.work, wanted.model, &wanted.batch, &wanted.size) !=
                    4 ||
            wanted.batch < 1 || wanted.batch > BATCH_MAX)
        return sg_fail(err, SG_ERR_USAGE, "cannot understand '%s'", line);
    bool same = strcmp(b->work, wanted.work) == 0 && strcmp(b->model, wanted.model) == 0 &&
                b->batch == wanted.batch && b->size == wanted.size;
    sg_status st = SG_OK;
    if (!same) {
        bench_close(b);
        *b = wanted;
        st = bench_open(b, backend, fallback, err);
    }
    if (st) return st;
    fill_input(b);
    double start = now_seconds();
    st = strcmp(b->work, "train") == 0 ? train_step(b, err)
                                       : sg_plan_forward(b->plan, 0, b->step, err);
    double seconds = now_seconds() - start;
    b->step++;
    if (!st) printf("{\"seconds\": %.6f}\n", seconds);
    return st;
}

int main(int argc, char **argv) {
    sg_error err = SG_ERROR_INIT;
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    options.threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    options.deterministic = true;
    sg_backend *backend = NULL, *fallback = NULL;
    bench b = {0};
    char line[256];
    sg_status st = sg_backend_create(&backend, "onednn", &options, &err);
    if (!st) st = sg_backend_create(&fallback, "ref", &options, &err);
    if (!st) printf("{\"ours\": \"%s\"}\n", backend->ops->describe(backend));
    while (!st && fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        st = answer(&b, line, backend, fallback, &err);
    }
    if (st) fprintf(stderr, "bench/models: %s\n", err.message);
    bench_close(&b);
    sg_backend_destroy(backend);
    sg_backend_destroy(fallback);
    return st ? 1 : 0;
}
