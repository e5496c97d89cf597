/* test_allocations.c - nothing is allocated by our code while a training or a prediction runs, and
 * memory does not grow. The allocator is wrapped here, so this is built as released only: no
 * sanitizer between. A call counts as ours when its nearest caller outside the C library lies in
 * this program (the library is linked statically); oneDNN and libgomp lie in objects of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/predict.h"
#include "infer/quantisation.h"
#include "support/check.h"
#include "support/nets.h"
#include "support/toy_bundle.h"
#include "support/toy_training.h"
#include "train/session.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the allocator, counted ---- */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

/* In front of the C library's for all objects; a frame of its own on the stack. */
#define WRAPPER __attribute__((noinline, visibility("default")))

enum { DEPTH = 16 };

static atomic_bool counting;
static atomic_int ours, others;
static void *stack[DEPTH]; /* of the last call that was ours, to be shown */
static int stack_depth;
static const void *this_program, *c_library; /* where they are loaded */

static const void *object_of(const void *address) {
    Dl_info info;
    return dladdr(address, &info) ? info.dli_fbase : NULL;
}

static __attribute__((noinline)) void count_call(void) {
    static _Thread_local bool inside;
    if (inside || !atomic_load(&counting)) return;
    inside = true;
    void *frames[DEPTH];
    int depth = backtrace(frames, DEPTH), i = 2; /* this function and the wrapper */
    while (i < depth && object_of(frames[i]) == c_library) i++;
    if (i < depth && object_of(frames[i]) == this_program) {
        atomic_fetch_add(&ours, 1);
        memcpy(stack, frames, sizeof stack);
        stack_depth = depth;
    } else {
        atomic_fetch_add(&others, 1);
    }
    inside = false;
}

WRAPPER void *malloc(size_t bytes) {
    count_call();
    return __libc_malloc(bytes);
}

WRAPPER void *calloc(size_t count, size_t bytes) {
    count_call();
    return __libc_calloc(count, bytes);
}

WRAPPER void *realloc(void *block, size_t bytes) {
    count_call();
    return __libc_realloc(block, bytes);
}

WRAPPER void *memalign(size_t alignment, size_t bytes) {
    count_call();
    return __libc_memalign(alignment, bytes);
}

WRAPPER void *aligned_alloc(size_t alignment, size_t bytes) {
    count_call();
    return __libc_memalign(alignment, bytes);
}

WRAPPER int posix_memalign(void **out, size_t alignment, size_t bytes) {
    count_call();
    *out = __libc_memalign(alignment, bytes);
    return *out ? 0 : 12;
}

WRAPPER void *mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
    count_call();
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}

static void count_from_here(void) {
    atomic_store(&ours, 0);
    atomic_store(&others, 0);
    atomic_store(&counting, true);
}

static void assert_none_of_ours(const char *what) {
    atomic_store(&counting, false);
    if (atomic_load(&ours)) {
        backtrace_symbols_fd(stack, stack_depth, STDERR_FILENO);
        fail_msg("%s: %d allocations by our code; the stack of the last one is above", what,
                atomic_load(&ours));
    }
    print_message("%s: none of ours, %d by libraries\n", what, atomic_load(&others));
}

static int find_objects(void **state) {
    (void)state;
    void *frames[DEPTH];
    (void)backtrace(frames, DEPTH); /* loads what it needs the first time */
    this_program = object_of((const void *)&find_objects);
    c_library = object_of(dlsym(RTLD_DEFAULT, "fopen"));
    return this_program && c_library && this_program != c_library ? 0 : -1;
}

/* ---- what must not allocate ---- */

/* The wrapper sees direct calls and those through the C library, and tells them from others'. */
static void test_the_counter_counts(void **state) {
    (void)state;
    count_from_here();
    void *volatile block = malloc(10); /* volatile: else neither happens */
    char *volatile copy = strdup("through the C library");
    atomic_store(&counting, false);
    free(block);
    free(copy);
    assert_int_equal(atomic_load(&ours), 2);
}

static sg_status train_step(net *n, sg_optimizer *optimizer, uint32_t step, sg_error *err) {
    static const int labels[] = {0, 1, 2, 0};
    sg_loss_options options = {3, NULL, 0, 0};
    float grad[4 * 3];
    double loss;
    net_fill(sg_plan_input(n->plan), SG_F32, 4 * 3 * 16 * 16, step);
    sg_status st = sg_plan_forward(n->plan, 1, step, err);
    if (!st)
        st = sg_loss_softmax(
                &loss, grad, sg_plan_logits(n->plan), labels, NULL, NULL, 4, &options, err);
    if (!st) st = sg_plan_backward(n->plan, grad, err);
    if (!st)
        st = sg_optimizer_step(optimizer, n->params, sg_plan_gradients(n->plan), 1e-4, NULL, err);
    return st;
}

static void open_training(net *n, sg_optimizer **optimizer, const sg_graph *graph) {
    sg_error err = SG_ERROR_INIT;
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    sg_optimizer_options options = SG_OPTIMIZER_OPTIONS_INIT;
    request.batch = 4;
    request.height = request.width = 16;
    request.gradient = SG_GRADIENT_PARAMETERS;
    request.dropout = true;
    options.clip_norm = 1;
    options.ema = 0.9;
    net_open(n, graph, "onednn", request, true);
    CHECK_OK(sg_optimizer_create(optimizer, n->params, &options, NULL, NULL, &err));
}

/* Every kind of node, with clipping and averaging. */
static void test_steps_of_the_engine(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *graph = net_small(0.2);
    sg_optimizer *optimizer;
    net n;
    open_training(&n, &optimizer, graph);
    uint32_t step = 0;
    for (; step < 2; step++) CHECK_OK(train_step(&n, optimizer, step, &err));
    count_from_here();
    for (; step < 10; step++) CHECK_OK(train_step(&n, optimizer, step, &err));
    assert_none_of_ours("steps 3 to 10");
    sg_optimizer_destroy(optimizer);
    net_close(&n);
    sg_graph_destroy(graph);
}

/* A step as the trainer takes it, images from the loader's own thread. In the first epoch images
 * are decoded; then they lie in the loader's cache. */
static void run_epoch(sg_session *s, uint32_t epoch) {
    sg_error err = SG_ERROR_INIT;
    sg_batch b;
    double loss, norm;
    CHECK_OK(sg_loader_start(s->train, epoch, 0, &err));
    for (uint32_t step = 0;; step++) {
        CHECK_OK(sg_loader_next(&b, s->train, sg_plan_input(s->plan), &err));
        if (!b.count) break;
        CHECK_OK(sg_plan_forward(s->plan, 1, step, &err));
        CHECK_OK(sg_loss_softmax(&loss, s->logits_grad, sg_plan_logits(s->plan), b.labels,
                b.mix_labels, b.mix_share, b.count, &s->loss, &err));
        CHECK_OK(sg_plan_backward(s->plan, s->logits_grad, &err));
        CHECK_OK(sg_optimizer_step(
                s->optimizer, s->params, sg_plan_gradients(s->plan), 1e-3, &norm, &err));
    }
}

static void test_steps_of_a_training(void **state) {
    (void)state;
    enum { IMAGES = 16 };
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    sg_session s;
    int labels[IMAGES];
    uint32_t seeds[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % 2;
        seeds[i] = (uint32_t)i;
    }
    toy_training_make(&t, labels, IMAGES, 2);
    toy_training_draw(&t, seeds);
    t.options.batch = 2;
    t.options.epochs = 3;
    t.options.augment = (sg_augment)SG_AUGMENT_INIT;
    t.options.augment.mixup_alpha = 0.2;
    CHECK_OK(sg_session_open(&s, &t.job, &err));
    run_epoch(&s, 0);
    count_from_here();
    run_epoch(&s, 1);
    assert_none_of_ours("the second epoch");
    sg_session_close(&s);
    toy_training_dispose(&t);
}

static sg_quantisation *find_scales(const net *n) {
    sg_error err = SG_ERROR_INIT;
    sg_quantisation *found;
    sg_ranges *ranges;
    float image[3 * 16 * 16];
    net_fill(image, SG_F32, sizeof image / sizeof *image, 1);
    CHECK_OK(sg_ranges_create(&ranges, n->graph, n->params, 16, n->backend, n->fallback, &err));
    CHECK_OK(sg_ranges_add(ranges, image, &err));
    CHECK_OK(sg_quantisation_find(&found, ranges, n->graph, &err));
    sg_ranges_destroy(ranges);
    return found;
}

static void predict_some(const net *n, const char *what) {
    sg_error err = SG_ERROR_INIT;
    for (int i = 0; i < 10; i++) {
        if (i == 2) count_from_here();
        net_fill(sg_plan_input(n->plan), SG_F32, 3 * 16 * 16, (uint32_t)i);
        CHECK_OK(sg_plan_forward(n->plan, 0, 0, &err));
    }
    assert_none_of_ours(what);
}

static void test_predictions_of_the_engine(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_graph *graph = net_small(0.2);
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    net n;
    request.batch = 1;
    request.height = request.width = 16;
    net_open(&n, graph, "onednn", request, false);
    predict_some(&n, "predictions 3 to 10");
    sg_quantisation *scales = find_scales(&n);
    request.quant = scales->of;
    sg_plan_destroy(n.plan);
    CHECK_OK(sg_plan_create(&n.plan, graph, n.params, &request, n.backend, n.fallback, &err));
    predict_some(&n, "predictions 3 to 10 in 8 bits");
    sg_quantisation_free(scales);
    net_close(&n);
    sg_graph_destroy(graph);
}

/* Allocations of eight predictions after two. */
static int count_predictions(int members, bool flip) {
    sg_error err = SG_ERROR_INIT;
    toy_bundle toy;
    sg_predictor *p;
    sg_prediction result;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    static uint8_t pixels[32 * 32];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 37);
    options.flip_average = flip;
    toy_bundle_make(&toy, "mobilenetv2", 32, members);
    CHECK_OK(sg_predictor_create(&p, &toy.bundle, &options, &err));
    for (int i = 0; i < 10; i++) {
        if (i == 2) count_from_here();
        CHECK_OK(sg_predictor_predict_pixels(p, &result, pixels, 32, 32, 1, 32, &err));
    }
    atomic_store(&counting, false);
    (void)sg_predictor_detach(p);
    toy_bundle_dispose(&toy);
    return atomic_load(&ours);
}

/* Preparing an image of any size allocates; the models that then look at it do not. */
static void test_predictor_allocates_for_the_image_only(void **state) {
    (void)state;
    assert_int_equal(count_predictions(1, false), count_predictions(2, true));
}

static long resident_pages(void) {
    long total, resident;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
    fclose(f);
    return resident;
}

static void test_memory_stays_flat(void **state) {
    (void)state;
    enum { WARM = 50, STEPS = 1000, SLACK_PAGES = 16 };
    sg_error err = SG_ERROR_INIT;
    sg_graph *graph = net_small(0.2);
    sg_optimizer *optimizer;
    net n;
    open_training(&n, &optimizer, graph);
    uint32_t step = 0;
    for (; step < WARM; step++) CHECK_OK(train_step(&n, optimizer, step, &err));
    long before = resident_pages();
    for (; step < WARM + STEPS; step++) CHECK_OK(train_step(&n, optimizer, step, &err));
    long after = resident_pages();
    if (after > before + SLACK_PAGES)
        fail_msg("%ld pages resident after %d steps, %ld after %d", before, WARM, after,
                WARM + STEPS);
    sg_optimizer_destroy(optimizer);
    net_close(&n);
    sg_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_counter_counts),
            cmocka_unit_test(test_steps_of_the_engine),
            cmocka_unit_test(test_steps_of_a_training),
            cmocka_unit_test(test_predictions_of_the_engine),
            cmocka_unit_test(test_predictor_allocates_for_the_image_only),
            cmocka_unit_test(test_memory_stays_flat),
    };
    return cmocka_run_group_tests(tests, find_objects, NULL);
}
