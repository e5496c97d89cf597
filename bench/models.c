/* models.c - our side of bench/run: whole models, training steps and predictions, asked for line by
 * line on standard input so that both sides can take turns.
 *
 *   models THREADS         then: WORK MODEL BATCH SIZE | memory | machine
 *
 *   train    one step of SGD with momentum, all parameters, batch statistics
 *   keep     the same with every activation kept for the backward pass (SG_SAVE_ALL)
 *   recompute  with most of the forward pass run again (SG_SAVE_BLOCKS)
 *   frozen   train with stem and first stage (conv1, bn1, layer1) left as they are
 *   predict  folded
 *   predict8 folded, stored in 8 bits
 *   check    the logits of a forward pass with batch statistics and no dropout
 *   answer   the logits of predict; answer8: of predict8
 *   convolutions  those of a training step, each alone (convolutions.h)
 *
 * Answers with one JSON object per line: {"seconds": s, "processor": s, "flops": f}, processor time
 * that of all threads, two operations per multiply-add; or {"logits": [...]}; for memory the
 * process's peak and what the plan says of itself (plan.h), {"bytes": b, "planned": b, "packed":
 * b}; for the machine {"flops": f, "bytes": b} per second. Algorithms are chosen as `sonograde
 * train` chooses them by default. Weights and images come from the formula of
 * tests/golden/parity/make.py, which the other side has, too. SPDX-License-Identifier: Apache-2.0
 */
#include "nn/models/models.h"
#include "base/str.h"
#include "convolutions.h"
#include "infer/quantisation.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/plan.h"
#include "support/formula.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CLASSES = 3, BATCH_MAX = 1024 };
#define LEARNING_RATE 0.001

typedef struct work {
    const char *name;
    bool trains, frozen; /* frozen: what `is_low` names stays */
    bool statistics;     /* of the batch */
    bool bytes;
    bool logits; /* are the answer, not the time */
    sg_saving save;
} work;

static const work works[] = {
        {"train", true, false, true, false, false, SG_SAVE_COSTLY},
        {"keep", true, false, true, false, false, SG_SAVE_ALL},
        {"recompute", true, false, true, false, false, SG_SAVE_BLOCKS},
        {"frozen", true, true, true, false, false, SG_SAVE_COSTLY},
        {"predict", false, false, false, false, false, SG_SAVE_COSTLY},
        {"predict8", false, false, false, true, false, SG_SAVE_COSTLY},
        {"check", false, false, true, false, true, SG_SAVE_COSTLY},
        {"answer", false, false, false, false, true, SG_SAVE_COSTLY},
        {"answer8", false, false, false, true, true, SG_SAVE_COSTLY},
};

/* One model made ready for one kind of work. */
typedef struct bench {
    const work *work;
    char model[64];
    int batch, size;
    sg_graph *graph;
    sg_params *params;
    sg_optimizer *optimizer;
    sg_plan *plan;
    sg_profile *profile;
    uint32_t step;
} bench;

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench_close(bench *b) {
    sg_plan_destroy(b->plan);
    sg_profile_destroy(b->profile);
    sg_optimizer_destroy(b->optimizer);
    sg_params_destroy(b->params);
    sg_graph_destroy(b->graph);
    memset(b, 0, sizeof *b);
}

static const work *find_work(const char *name) {
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].name, name) == 0) return &works[i];
    return NULL;
}

static bool is_low(const char *name) {
    return strncmp(name, "conv1", 5) == 0 || strncmp(name, "bn1", 3) == 0 ||
           strncmp(name, "layer1.", 7) == 0;
}

static sg_status open_training(
        bench *b, sg_plan_request *request, const bool *trained, sg_error *err) {
    sg_optimizer_options sgd = SG_OPTIMIZER_OPTIONS_INIT;
    sgd.kind = SG_OPTIMIZER_SGD;
    sgd.weight_decay = 0;
    request->gradient = SG_GRADIENT_PARAMETERS;
    request->trained = trained;
    request->dropout = true;
    request->save = b->work->save;
    return sg_optimizer_create(&b->optimizer, b->params, &sgd, trained, NULL, err);
}

/* Scales from the first images of the batch. */
static sg_status find_scales(
        sg_quantisation **out, bench *b, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    enum { IMAGES = 2 };
    size_t n = 3 * (size_t)b->size * (size_t)b->size;
    sg_ranges *ranges = NULL;
    float *images = malloc(IMAGES * n * sizeof *images);
    if (!images) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    formula_uniform(images, "input", IMAGES * n);
    sg_status st = sg_ranges_create(&ranges, b->graph, b->params, b->size, backend, fallback, err);
    for (size_t k = 0; k < IMAGES && !st; k++) st = sg_ranges_add(ranges, images + k * n, err);
    if (!st) st = sg_quantisation_find(out, ranges, b->graph, err);
    sg_ranges_destroy(ranges);
    free(images);
    return st;
}

static sg_status bench_open(bench *b, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    sg_model_options options = SG_MODEL_OPTIONS_INIT;
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    sg_quantisation *quantisation = NULL;
    sg_status st = sg_model_build(&b->graph, b->model, &options, err);
    if (!st) st = sg_params_create(&b->params, b->graph, SG_F32, err);
    if (st) return st;
    formula_params(b->params);
    b->params->version++;
    bool frozen = b->work->frozen;
    bool *statistics = calloc((size_t)b->graph->node_count, sizeof *statistics);
    bool *trained = calloc((size_t)b->graph->param_count, sizeof *trained);
    if (!statistics || !trained) st = sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (int i = 0; i < b->graph->node_count && !st; i++)
        statistics[i] = b->graph->nodes[i].op == SG_OP_BATCH_NORM &&
                        !(frozen && is_low(b->graph->nodes[i].name));
    for (int i = 0; i < b->graph->param_count && !st; i++)
        trained[i] = !(frozen && is_low(b->graph->params[i].name));
    request.batch = b->batch;
    request.height = request.width = b->size;
    if (b->work->statistics) request.batch_statistics = statistics;
    if (!st && b->work->bytes) {
        st = find_scales(&quantisation, b, backend, fallback, err);
        if (!st) request.quant = quantisation->of;
    }
    if (!st && b->work->trains) st = open_training(b, &request, trained, err);
    if (!st && b->optimizer) b->optimizer->threads = backend;
    if (!st) st = sg_plan_create(&b->plan, b->graph, b->params, &request, backend, fallback, err);
    if (!st) st = sg_profile_create(&b->profile, err);
    if (!st) st = sg_plan_profile(b->plan, b->profile, err);
    free(statistics);
    free(trained);
    sg_quantisation_free(quantisation);
    return st;
}

static void fill_input(const bench *b) {
    formula_uniform(sg_plan_input(b->plan), "input",
            (size_t)b->batch * 3 * (size_t)b->size * (size_t)b->size);
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
                b->optimizer, b->params, sg_plan_gradients(b->plan), LEARNING_RATE, NULL, err);
    return st;
}

static void print_times(const bench *b, double seconds, double processor) {
    double flops = 0;
    for (size_t i = 0; i < b->profile->row_count; i++) /* a batch may be computed in slices */
        flops += b->profile->rows[i].flops * (double)b->profile->rows[i].calls / b->step;
    printf("{\"seconds\": %.6f, \"processor\": %.6f, \"flops\": %.6g}\n", seconds, processor,
            flops);
}

static void print_logits(const bench *b) {
    const float *logits = sg_plan_logits(b->plan);
    printf("{\"logits\": [");
    for (int i = 0; i < b->batch * CLASSES; i++) printf("%s%.9g", i ? ", " : "", logits[i]);
    printf("]}\n");
}

static sg_status print_machine(sg_backend *backend, sg_error *err) {
    sg_profile *profile;
    sg_status st = sg_profile_create(&profile, err);
    if (st) return st;
    st = sg_profile_roof(profile, backend, err);
    if (!st)
        printf("{\"flops\": %.6g, \"bytes\": %.6g}\n", profile->peak_flops, profile->peak_bytes);
    sg_profile_destroy(profile);
    return st;
}

static sg_status run(bench *b, sg_error *err) {
    fill_input(b);
    double start = seconds_of(CLOCK_MONOTONIC), used = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    sg_status st = b->work->trains ? train_step(b, err) : sg_plan_forward(b->plan, 0, b->step, err);
    double seconds = seconds_of(CLOCK_MONOTONIC) - start;
    used = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - used;
    b->step++;
    if (st) return st;
    if (b->work->logits)
        print_logits(b);
    else
        print_times(b, seconds, used);
    return SG_OK;
}

static sg_status print_convolutions(
        const char *model, int batch, int size, sg_backend *backend, sg_error *err) {
    sg_model_options options = SG_MODEL_OPTIONS_INIT;
    sg_graph *graph = NULL;
    double seconds;
    sg_status st = sg_model_build(&graph, model, &options, err);
    if (!st) st = convolutions_time(&seconds, graph, batch, size, backend, err);
    if (!st) printf("{\"seconds\": %.6f}\n", seconds);
    sg_graph_destroy(graph);
    return st;
}

static sg_status answer(
        bench *b, const char *line, sg_backend *backend, sg_backend *fallback, sg_error *err) {
    if (strcmp(line, "memory") == 0) {
        struct rusage usage;
        sg_plan_stats stats = {0};
        getrusage(RUSAGE_SELF, &usage);
        if (b->plan) sg_plan_stats_get(&stats, b->plan);
        printf("{\"bytes\": %ld, \"planned\": %zu, \"packed\": %zu}\n", usage.ru_maxrss * 1024,
                stats.block_bytes, stats.packed_bytes);
        return SG_OK;
    }
    if (strcmp(line, "machine") == 0) return print_machine(backend, err);
    bench wanted = {0};
    char name[16];
    int words = sscanf(line, "%15s %63s %d %d", name, wanted.model, &wanted.batch, &wanted.size);
    bool valid = words == 4 && wanted.batch >= 1 && wanted.batch <= BATCH_MAX;
    if (valid && strcmp(name, "convolutions") == 0)
        return print_convolutions(wanted.model, wanted.batch, wanted.size, backend, err);
    if (!valid || !(wanted.work = find_work(name)))
        return sg_fail(err, SG_ERR_USAGE, "cannot understand '%s'", line);
    bool same = b->work == wanted.work && strcmp(b->model, wanted.model) == 0 &&
                b->batch == wanted.batch && b->size == wanted.size;
    sg_status st = SG_OK;
    if (!same) {
        bench_close(b);
        *b = wanted;
        st = bench_open(b, backend, fallback, err);
    }
    return st ? st : run(b, err);
}

int main(int argc, char **argv) {
    sg_error err = SG_ERROR_INIT;
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    options.threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    sg_backend *backend = NULL, *fallback = NULL;
    bench b = {0};
    char line[256];
    sg_status st = sg_backend_create(&backend, "onednn", &options, &err);
    if (!st) st = sg_backend_create(&fallback, "ref", &options, &err);
    if (!st)
        printf("{\"ours\": \"%s\", \"bytes\": %s}\n", backend->ops->describe(backend),
                backend->ops->quantises(backend) ? "true" : "false");
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
