/* ref.c - the reference backend: interned plain layouts, and primitives that are no more than a
 * checked problem with its kernel. SPDX-License-Identifier: Apache-2.0 */
#include "backend/ref/ref.h"
#include "backend/ref/kernels.h"
#include "backend/ref/stored.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layout_node {
    sg_layout layout;
    sg_quant quant; /* of a stored layout, with scales of its own */
    struct layout_node *next;
} layout_node;

typedef struct ref_backend {
    sg_backend base;
    layout_node *layouts;
} ref_backend;

typedef struct ref_primitive {
    sg_primitive base;
    sg_ref_kernel run;
    const sg_layout *layouts[SG_ARG_COUNT];
    bool stored;             /* some argument is stored in 8 bits */
    const sg_quant *summand; /* what a fused sum finds; NULL = real numbers */
    char text[64];
} ref_primitive;

static void destroy(sg_backend *backend) {
    ref_backend *self = (ref_backend *)backend;
    for (layout_node *node = self->layouts, *next; node; node = next) {
        next = node->next;
        free((void *)node->quant.scale);
        free(node);
    }
    free(self);
}

static const char *describe(const sg_backend *backend) {
    (void)backend;
    return "ref: plain C, 1 thread";
}

static bool quantises(const sg_backend *backend) {
    (void)backend;
    return false;
}

static sg_status plain_layout(const sg_layout **out, sg_backend *backend, const sg_shape *shape,
        sg_dtype dtype, sg_error *err) {
    ref_backend *self = (ref_backend *)backend;
    for (layout_node *node = self->layouts; node; node = node->next)
        if (node->layout.plain && node->layout.dtype == dtype &&
                sg_shape_equal(&node->layout.shape, shape)) {
            *out = &node->layout;
            return SG_OK;
        }
    int64_t count;
    size_t bytes;
    sg_status status = sg_shape_elements(&count, shape, err);
    if (status) return status;
    if (__builtin_mul_overflow((size_t)count, sg_dtype_size(dtype), &bytes))
        return sg_fail(err, SG_ERR_SHAPE, "a tensor of more bytes than can be counted");
    layout_node *node = malloc(sizeof *node);
    if (!node) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a layout");
    *node = (layout_node){
            .layout = {.shape = *shape, .dtype = dtype, .bytes = bytes, .plain = true},
            .next = self->layouts};
    self->layouts = node;
    *out = &node->layout;
    return SG_OK;
}

static bool same_quant(const sg_quant *a, const sg_quant *b) {
    return a->dtype == b->dtype && a->count == b->count &&
           memcmp(a->scale, b->scale, (size_t)a->count * sizeof *a->scale) == 0;
}

/* The plain order with other elements. */
static sg_status stored_layout(const sg_layout **out, sg_backend *backend, const sg_shape *shape,
        const sg_quant *quant, sg_error *err) {
    ref_backend *self = (ref_backend *)backend;
    for (layout_node *node = self->layouts; node; node = node->next)
        if (node->layout.quant && same_quant(node->layout.quant, quant) &&
                sg_shape_equal(&node->layout.shape, shape)) {
            *out = &node->layout;
            return SG_OK;
        }
    const sg_layout *plain;
    sg_status status = plain_layout(&plain, backend, shape, SG_F32, err);
    if (status) return status;
    layout_node *node = malloc(sizeof *node);
    float *scale = malloc((size_t)quant->count * sizeof *scale);
    if (!node || !scale) {
        free(node);
        free(scale);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a layout");
    }
    memcpy(scale, quant->scale, (size_t)quant->count * sizeof *scale);
    size_t bytes = plain->bytes / sizeof(float) * sg_dtype_size(quant->dtype);
    *node = (layout_node){.layout = {.shape = *shape,
                                  .dtype = quant->dtype,
                                  .bytes = bytes,
                                  .dequantised = plain},
            .quant = {quant->dtype, quant->count, scale},
            .next = self->layouts};
    node->layout.quant = &node->quant;
    self->layouts = node;
    *out = &node->layout;
    return SG_OK;
}

/* ---- primitives ---- */

/* Bytes of WORKSPACE between TRAIN and BACKWARD_DATA; 0 = none. */
static int64_t workspace_bytes(const sg_problem *p) {
    if (p->pass != SG_PASS_TRAIN && p->pass != SG_PASS_BACKWARD_DATA) return 0;
    if (p->op == SG_OP_MAX_POOL) return sg_shape_count(&p->dst) * (int64_t)sizeof(int32_t);
    if (p->op == SG_OP_BATCH_NORM && p->fuse_relu && !p->fuse_sum) return sg_shape_count(&p->dst);
    return 0;
}

static sg_status check(sg_problem *p, sg_error *err) {
    sg_shape asked = p->dst;
    char a[SG_SHAPE_TEXT], b[SG_SHAPE_TEXT];
    sg_status status = sg_problem_infer(p, err);
    if (status) return status;
    if (!sg_shape_equal(&asked, &p->dst))
        return sg_fail(err, SG_ERR_SHAPE, "%s gives %s, not %s", sg_op_name(p->op),
                sg_shape_text(a, &p->dst), sg_shape_text(b, &asked));
    if (p->dtype != SG_F32 && p->dtype != SG_F64)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "ref computes in F32 and F64, not in %s",
                sg_dtype_name(p->dtype));
    if (p->op == SG_OP_MAX_POOL && p->src[0].dims[2] * p->src[0].dims[3] > INT32_MAX)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "max_pool: an image of more than 2^31 pixels");
    return SG_OK;
}

/* Room in SCRATCH for float32 copies of what is stored otherwise. */
static sg_status want_copies(ref_primitive *self, sg_backend *backend, sg_error *err) {
    const sg_problem *p = &self->base.problem;
    int64_t bytes = 0;
    for (int i = 0; i < SG_ARG_COUNT; i++)
        if (self->layouts[i] && self->layouts[i]->quant)
            bytes += sg_shape_count(&self->layouts[i]->shape) * (int64_t)sizeof(float);
    if (p->dtype != SG_F32 || p->pass != SG_PASS_INFER || bytes == 0)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "ref stores 8 bits in float32's inference only");
    sg_shape shape = sg_shape_of(1, &bytes);
    return plain_layout(&self->layouts[SG_ARG_SCRATCH], backend, &shape, SG_U8, err);
}

static sg_status choose_layouts(
        ref_primitive *self, sg_backend *backend, const sg_wanted *wanted, sg_error *err) {
    const sg_problem *p = &self->base.problem;
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        sg_shape shape;
        if (!sg_problem_arg(&shape, p, (sg_arg)i)) continue;
        const sg_layout *want = wanted->arg[i];
        const sg_quant *quant = wanted->quant[i];
        if (!quant && want) quant = want->quant;
        bool as_real = want && !want->quant;
        if (want && ((as_real && (quant || !want->plain || want->dtype != p->dtype)) ||
                            !sg_shape_equal(&want->shape, &shape)))
            return sg_fail(err, SG_ERR_UNSUPPORTED, "ref takes only the plain layout for %s of %s",
                    sg_arg_name((sg_arg)i), sg_op_name(p->op));
        if (p->op == SG_OP_MAX_POOL && i == SG_ARG_DST && self->layouts[SG_ARG_SRC0]->quant)
            quant = self->layouts[SG_ARG_SRC0]->quant; /* a maximum is one of its numbers */
        if (p->fuse_sum && i == SG_ARG_DST && want) self->summand = want->quant;
        self->stored = self->stored || quant || self->summand;
        sg_status status = quant ? stored_layout(&self->layouts[i], backend, &shape, quant, err)
                                 : plain_layout(&self->layouts[i], backend, &shape, p->dtype, err);
        if (status) return status;
    }
    if (self->stored) return want_copies(self, backend, err);
    int64_t bytes = workspace_bytes(p);
    if (bytes == 0) return SG_OK;
    sg_shape shape = sg_shape_of(1, &bytes);
    return plain_layout(&self->layouts[SG_ARG_WORKSPACE], backend, &shape, SG_U8, err);
}

static sg_status compile(sg_primitive **out, sg_backend *backend, const sg_problem *problem,
        const sg_wanted *wanted, const sg_primitive *forward, sg_error *err) {
    (void)forward; /* plain layouts tell a backward pass all it needs */
    sg_problem p = *problem;
    sg_status status = check(&p, err);
    if (status) return status;
    const sg_ref_kernels *kernels = p.dtype == SG_F32 ? &sg_ref_kernels_f32 : &sg_ref_kernels_f64;
    sg_ref_kernel run = kernels->of[p.op][p.pass];
    if (!run)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "%s has no pass %s", sg_op_name(p.op),
                sg_pass_name(p.pass));
    ref_primitive *self = calloc(1, sizeof *self);
    if (!self) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a primitive");
    self->base = (sg_primitive){backend->ops, p};
    self->run = run;
    snprintf(self->text, sizeof self->text, "%s ref %s", sg_op_name(p.op),
            p.dtype == SG_F32 ? "f32" : "f64");
    status = choose_layouts(self, backend, wanted, err);
    if (status) {
        free(self);
        return status;
    }
    *out = &self->base;
    return SG_OK;
}

static void primitive_destroy(sg_primitive *primitive) {
    free(primitive);
}

static const sg_layout *primitive_layout(const sg_primitive *primitive, sg_arg arg) {
    return ((const ref_primitive *)primitive)->layouts[arg];
}

static bool primitive_can_alias(const sg_primitive *primitive, sg_arg input, sg_arg output) {
    return sg_problem_may_overwrite(&primitive->problem, input, output);
}

static const char *primitive_describe(const sg_primitive *primitive) {
    return ((const ref_primitive *)primitive)->text;
}

static void run_stored(const ref_primitive *self, void *const args[SG_ARG_COUNT]) {
    void *numbers[SG_ARG_COUNT];
    float *next = args[SG_ARG_SCRATCH];
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        const sg_layout *layout = self->layouts[i];
        numbers[i] = args[i];
        if (!layout || !layout->quant) continue;
        const sg_quant *found = i == SG_ARG_DST ? self->summand : layout->quant;
        if (found) sg_ref_decode(next, args[i], &layout->shape, found);
        numbers[i] = next;
        next += sg_shape_count(&layout->shape);
    }
    self->run(&self->base.problem, numbers);
    const sg_layout *dst = self->layouts[SG_ARG_DST];
    if (dst->quant) sg_ref_encode(args[SG_ARG_DST], numbers[SG_ARG_DST], &dst->shape, dst->quant);
}

static sg_status execute(sg_primitive *primitive, void *const args[SG_ARG_COUNT], sg_error *err) {
    const ref_primitive *self = (const ref_primitive *)primitive;
    for (int i = 0; i < SG_ARG_COUNT; i++)
        if (self->layouts[i] && !args[i])
            return sg_fail(err, SG_ERR_INTERNAL, "%s runs without its argument %s",
                    sg_op_name(primitive->problem.op), sg_arg_name((sg_arg)i));
    if (self->stored)
        run_stored(self, args);
    else
        self->run(&primitive->problem, args);
    return SG_OK;
}

static const sg_backend_ops ops = {
        .name = "ref",
        .destroy = destroy,
        .describe = describe,
        .quantises = quantises,
        .plain_layout = plain_layout,
        .compile = compile,
        .primitive_destroy = primitive_destroy,
        .primitive_layout = primitive_layout,
        .primitive_can_alias = primitive_can_alias,
        .primitive_describe = primitive_describe,
        .execute = execute,
};

sg_status sg_ref_create(sg_backend **out, const sg_backend_options *options, sg_error *err) {
    (void)options; /* one thread, deterministic, no Winograd whatever is asked */
    ref_backend *self = calloc(1, sizeof *self);
    if (!self) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the reference backend");
    self->base.ops = &ops;
    *out = &self->base;
    return SG_OK;
}
