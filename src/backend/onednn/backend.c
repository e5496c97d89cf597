/* backend.c - the oneDNN backend's table: create, compile by operation, execute, describe.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include "backend/onednn/onednn.h"
#include "base/thread.h"
#include <stdio.h>
#include <stdlib.h>

static const sg_dnn_compile compilers[SG_OP_COUNT] = {
        [SG_OP_CONV] = sg_dnn_conv_compile,
        [SG_OP_BATCH_NORM] = sg_dnn_batch_norm_compile,
        [SG_OP_RELU] = sg_dnn_pointwise_compile,
        [SG_OP_MAX_POOL] = sg_dnn_pool_compile,
        [SG_OP_AVG_POOL] = sg_dnn_pool_compile,
        [SG_OP_GLOBAL_POOL] = sg_dnn_pool_compile,
        [SG_OP_ADAPTIVE_POOL] = sg_dnn_adaptive_pool_compile,
        [SG_OP_LINEAR] = sg_dnn_linear_compile,
        [SG_OP_ADD] = sg_dnn_pointwise_compile,
        [SG_OP_CONCAT] = sg_dnn_concat_compile,
        [SG_OP_CHANNEL_SCALE] = sg_dnn_gate_compile,
        [SG_OP_SIGMOID] = sg_dnn_pointwise_compile,
        [SG_OP_DROPOUT] = sg_dnn_pointwise_compile,
        [SG_OP_AFFINE] = sg_dnn_affine_compile,
        [SG_OP_REORDER] = sg_dnn_reorder_compile,
};

/* ---- primitives ---- */

static void destroy_primitive(sg_primitive *primitive) {
    sg_dnn_primitive *p = (sg_dnn_primitive *)primitive;
    if (!p) return;
    for (int i = 0; i < p->arg_count; i++) dnnl_memory_destroy(p->exec[i].memory);
    if (p->handle) dnnl_primitive_destroy(p->handle);
    if (p->pd) dnnl_primitive_desc_destroy(p->pd);
    sg_dnn_rearranged_destroy(p->rearranged);
    free(p);
}

/* Without dot products of bytes oneDNN adds pairs of products in 16 bits, which overflow. */
static bool quantises(const sg_backend *backend) {
    (void)backend;
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return DNNL_VERSION_MAJOR < 3 &&
           (isa == dnnl_cpu_isa_avx2_vnni ||
                   (isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni);
}

/* Numbers stored in 8 bits reach only what computes with them. */
static bool takes_stored(
        const sg_backend *backend, const sg_problem *problem, const sg_wanted *wanted) {
    sg_op op = problem->op;
    bool products = (op == SG_OP_CONV || op == SG_OP_LINEAR) && quantises(backend);
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        const sg_layout *layout = wanted->arg[arg];
        if (wanted->quant[arg] && !products) return false;
        if (!layout || !layout->quant || op == SG_OP_REORDER) continue;
        bool pooled = op == SG_OP_MAX_POOL && problem->pass == SG_PASS_INFER;
        bool summand = arg == SG_ARG_DST && wanted->quant[arg] && problem->fuse_sum;
        if (!pooled && !(products && (arg == SG_ARG_SRC0 || summand))) return false;
    }
    return true;
}

static sg_status compile(sg_primitive **out, sg_backend *backend, const sg_problem *problem,
        const sg_wanted *wanted, const sg_primitive *forward, sg_error *err) {
    static const sg_wanted anything = {.arg = {NULL}};
    sg_dnn_backend *b = (sg_dnn_backend *)backend;
    if ((unsigned)problem->op >= SG_OP_COUNT || problem->dtype != SG_F32)
        return sg_dnn_unsupported(err, problem);
    if (wanted && !takes_stored(backend, problem, wanted)) return sg_dnn_unsupported(err, problem);
    sg_dnn_primitive *p = calloc(1, sizeof *p);
    if (!p) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a primitive");
    p->base = (sg_primitive){.ops = backend->ops, .problem = *problem};
    p->backend = b;
    snprintf(p->text, sizeof p->text, "%s loop", sg_op_name(problem->op));
    sg_dnn_threads_set(b->threads); /* some primitives are laid out for the number of threads */
    const sg_dnn_primitive *ours =
            forward && forward->ops == backend->ops ? (const sg_dnn_primitive *)forward : NULL;
    sg_status status = compilers[problem->op](p, wanted ? wanted : &anything, ours, err);
    if (status)
        destroy_primitive(&p->base);
    else
        *out = &p->base;
    return status;
}

static const sg_layout *layout_of(const sg_primitive *primitive, sg_arg arg) {
    if ((unsigned)arg >= SG_ARG_COUNT) return NULL;
    return ((const sg_dnn_primitive *)primitive)->layout[arg];
}

/* All that may overwrite anything are own loops. */
static bool can_alias(const sg_primitive *primitive, sg_arg input, sg_arg output) {
    return sg_problem_may_overwrite(&primitive->problem, input, output);
}

static const char *describe_primitive(const sg_primitive *primitive) {
    return ((const sg_dnn_primitive *)primitive)->text;
}

static sg_status execute(sg_primitive *primitive, void *const args[SG_ARG_COUNT], sg_error *err) {
    sg_dnn_primitive *p = (sg_dnn_primitive *)primitive;
    sg_dnn_threads_set(p->backend->threads);
    return p->run(p, args, err);
}

/* ---- the backend ---- */

static void parallel(sg_backend *backend, int64_t n, sg_backend_body body, const void *user) {
    const sg_dnn_backend *b = (const sg_dnn_backend *)backend;
    sg_dnn_parallel(b->threads, n, 1, body, user);
}

static void destroy(sg_backend *backend) {
    sg_dnn_backend *b = (sg_dnn_backend *)backend;
    if (!b) return;
    sg_dnn_layouts_dispose(b);
    if (b->stream) dnnl_stream_destroy(b->stream);
    if (b->engine) dnnl_engine_destroy(b->engine);
    free(b);
}

static const char *describe(const sg_backend *backend) {
    return ((const sg_dnn_backend *)backend)->text;
}

static sg_status plain_layout(const sg_layout **out, sg_backend *backend, const sg_shape *shape,
        sg_dtype dtype, sg_error *err) {
    return sg_dnn_layout_plain(out, (sg_dnn_backend *)backend, shape, dtype, err);
}

static const char *isa_name(void) {
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {{dnnl_cpu_isa_sse41, "sse41"}, {dnnl_cpu_isa_avx, "avx"},
            {dnnl_cpu_isa_avx2, "avx2"}, {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
            {dnnl_cpu_isa_avx512_core, "avx512_core"},
            {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
            {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"}};
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].isa == isa) return names[i].name;
    return isa > dnnl_cpu_isa_avx512_core_bf16 ? "above avx512_core_bf16" : "generic";
}

static const sg_backend_ops ops = {
        .name = "onednn",
        .destroy = destroy,
        .describe = describe,
        .quantises = quantises,
        .plain_layout = plain_layout,
        .compile = compile,
        .primitive_destroy = destroy_primitive,
        .primitive_layout = layout_of,
        .primitive_can_alias = can_alias,
        .primitive_describe = describe_primitive,
        .execute = execute,
        .parallel = parallel,
};

sg_status sg_onednn_create(sg_backend **out, const sg_backend_options *options, sg_error *err) {
    static const sg_backend_options defaults = SG_BACKEND_OPTIONS_INIT;
    if (!options) options = &defaults;
    sg_dnn_backend *b = calloc(1, sizeof *b);
    if (!b) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the onednn backend");
    b->base.ops = &ops;
    b->threads = options->threads > 0 ? options->threads : sg_cpu_count();
    b->winograd = options->winograd && !options->deterministic;
    sg_dnn_threads_set(b->threads);
    dnnl_status_t done = dnnl_engine_create(&b->engine, dnnl_cpu, 0);
    if (done == dnnl_success)
        done = dnnl_stream_create(&b->stream, b->engine, dnnl_stream_default_flags);
    if (done != dnnl_success) {
        destroy(&b->base);
        return sg_fail(
                err, SG_ERR_UNSUPPORTED, "oneDNN offers no CPU engine (status %d)", (int)done);
    }
    const dnnl_version_t *version = dnnl_version();
    snprintf(b->text, sizeof b->text, "oneDNN %d.%d.%d, %s, %d thread%s%s", version->major,
            version->minor, version->patch, isa_name(), b->threads, b->threads == 1 ? "" : "s",
            b->winograd ? ", Winograd allowed" : "");
    *out = &b->base;
    return SG_OK;
}
