/* primitive.c - the way from a primitive descriptor of the library to something that executes, and
 * the translation of its statuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"
#include <stdio.h>

sg_status sg_dnn_fail(
        sg_error *err, dnnl_status_t status, const sg_problem *problem, const char *what) {
    char text[SG_PROBLEM_TEXT];
    const char *of = problem ? sg_problem_text(text, problem) : "memory";
    switch (status) {
    case dnnl_out_of_memory:
        return sg_fail(err, SG_ERR_MEMORY, "out of memory in oneDNN: %s of %s", what, of);
    case dnnl_unimplemented:
    case dnnl_invalid_arguments:
        return sg_fail(err, SG_ERR_UNSUPPORTED, "oneDNN does not offer %s of %s", what, of);
    default:
        return sg_fail(err, SG_ERR_INTERNAL, "oneDNN failed with status %d: %s of %s", (int)status,
                what, of);
    }
}

sg_status sg_dnn_unsupported(sg_error *err, const sg_problem *problem) {
    char text[SG_PROBLEM_TEXT];
    return sg_fail(err, SG_ERR_UNSUPPORTED, "the onednn backend does not offer %s",
            sg_problem_text(text, problem));
}

sg_status sg_dnn_md_wanted(sg_md *out, const sg_dnn_primitive *p, const sg_wanted *wanted,
        sg_arg arg, int ndims, const int64_t *dims, sg_error *err) {
    const sg_layout *layout = wanted->arg[arg];
    const sg_quant *quant = wanted->quant[arg];
    dnnl_data_type_t type = dnnl_f32;
    if (quant && !sg_dnn_data_type(&type, quant->dtype))
        return sg_dnn_unsupported(err, &p->base.problem);
    dnnl_status_t done;
    if (layout) {
        sg_status status = sg_dnn_check_wanted(p, layout, arg, err);
        if (!status) status = sg_dnn_layout_md(out, layout, ndims, dims, err);
        if (status || !quant || quant->dtype == layout->dtype) return status;
        sg_md as_found = *out;
        done = sg_md_clone_as(out, sg_md_view(&as_found), type);
        sg_md_dispose(&as_found);
    } else {
        done = sg_md_init_tag(out, ndims, dims, type, dnnl_format_tag_any);
    }
    return done == dnnl_success ? SG_OK : sg_dnn_fail(err, done, &p->base.problem, "an argument");
}

sg_window sg_dnn_window(const sg_problem *q) {
    sg_window w = {.stride = {1, 1}};
    for (int i = 0; i < 2; i++) {
        if (q->op == SG_OP_GLOBAL_POOL) {
            w.kernel[i] = q->src[0].dims[2 + i];
            continue;
        }
        w.kernel[i] = q->kernel[i];
        w.stride[i] = q->stride[i];
        w.dilation[i] = q->dilation[i] - 1;
        w.pad_begin[i] = q->pad_begin[i];
        w.pad_end[i] = q->pad_end[i];
    }
    return w;
}

static dnnl_status_t append_fused(
        dnnl_post_ops_t ops, const sg_problem *problem, const sg_dnn_scaling *scaling) {
    dnnl_status_t done = dnnl_success;
    if (problem->fuse_sum) done = sg_post_op_sum(ops, scaling->summand, scaling->summand_type);
    if (done != dnnl_success || !problem->fuse_relu) return done;
    if (problem->clip > 0)
        return sg_post_op_eltwise(
                ops, dnnl_eltwise_clip, 0.0f, (float)problem->clip / scaling->unit);
    return sg_post_op_eltwise(ops, dnnl_eltwise_relu, 0.0f, 0.0f);
}

sg_status sg_dnn_attr_create(dnnl_primitive_attr_t *out, const sg_problem *problem,
        const sg_dnn_scaling *scaling, sg_error *err) {
    static const sg_dnn_scaling none = {NULL, 0, 0, 1.0f, dnnl_data_type_undef, 1.0f};
    if (!scaling) scaling = &none;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t done = dnnl_primitive_attr_create(&attr);
    if (done == dnnl_success)
        done = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (done == dnnl_success && scaling->result)
        done = sg_attr_scales(attr, scaling->count, scaling->mask, scaling->result);
    bool fused = problem->op == SG_OP_CONV || problem->op == SG_OP_LINEAR;
    if (done == dnnl_success && fused && (problem->fuse_relu || problem->fuse_sum)) {
        done = dnnl_post_ops_create(&ops);
        if (done == dnnl_success) done = append_fused(ops, problem, scaling);
        if (done == dnnl_success) done = dnnl_primitive_attr_set_post_ops(attr, ops);
        if (ops) dnnl_post_ops_destroy(ops);
    }
    if (done == dnnl_success) {
        *out = attr;
        return SG_OK;
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    return sg_dnn_fail(err, done, problem, "the attributes");
}

/* ---- binding and running ---- */

/* The library's name of an argument; 0 = it has none. */
static int library_argument(sg_arg arg) {
    static const int names[SG_ARG_COUNT] = {
            [SG_ARG_SRC0] = DNNL_ARG_SRC,
            [SG_ARG_WEIGHT] = DNNL_ARG_WEIGHTS,
            [SG_ARG_BIAS] = DNNL_ARG_BIAS,
            [SG_ARG_DST] = DNNL_ARG_DST,
            [SG_ARG_DIFF_DST] = DNNL_ARG_DIFF_DST,
            [SG_ARG_DIFF_SRC0] = DNNL_ARG_DIFF_SRC,
            [SG_ARG_DIFF_WEIGHT] = DNNL_ARG_DIFF_WEIGHTS,
            [SG_ARG_DIFF_BIAS] = DNNL_ARG_DIFF_BIAS,
            [SG_ARG_WORKSPACE] = DNNL_ARG_WORKSPACE,
            [SG_ARG_SCRATCH] = DNNL_ARG_SCRATCHPAD,
    };
    return names[arg];
}

static sg_status bind_argument(sg_dnn_primitive *p, sg_arg arg, sg_error *err) {
    const sg_problem *q = &p->base.problem;
    bool raw = arg == SG_ARG_WORKSPACE || arg == SG_ARG_SCRATCH;
    sg_shape shape;
    if (!raw && !sg_problem_arg(&shape, q, arg)) return SG_OK;
    int name = library_argument(arg);
    sg_md_ref md = sg_pd_md(p->pd, dnnl_query_exec_arg_md, name);
    size_t bytes = sg_md_bytes(md);
    if (bytes == 0) return SG_OK;
    sg_status status =
            raw ? sg_dnn_layout_bytes(&p->layout[arg], p->backend, bytes, err)
                : sg_dnn_layout_intern(&p->layout[arg], p->backend, &shape, md, p->quant[arg], err);
    if (status) return status;
    dnnl_memory_t memory;
    dnnl_status_t done = dnnl_memory_create(&memory, md, p->backend->engine, DNNL_MEMORY_NONE);
    if (done != dnnl_success) return sg_dnn_fail(err, done, q, "an argument");
    p->exec[p->arg_count] = (dnnl_exec_arg_t){name, memory};
    p->arg[p->arg_count++] = arg;
    return SG_OK;
}

static sg_status run_library(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    for (int i = 0; i < p->arg_count; i++) {
        void *bytes = args[p->arg[i]];
        if (!bytes)
            return sg_fail(err, SG_ERR_INTERNAL, "%s was executed without %s", p->text,
                    sg_arg_name(p->arg[i]));
        if (bytes == p->bound[i]) continue;
        dnnl_status_t done = dnnl_memory_set_data_handle(p->exec[i].memory, bytes);
        if (done != dnnl_success) return sg_dnn_fail(err, done, &p->base.problem, "an argument");
        p->bound[i] = bytes;
    }
    dnnl_status_t done =
            dnnl_primitive_execute(p->handle, p->backend->stream, p->arg_count, p->exec);
    if (done == dnnl_success) done = dnnl_stream_wait(p->backend->stream);
    return done == dnnl_success ? SG_OK : sg_dnn_fail(err, done, &p->base.problem, "the execution");
}

sg_status sg_dnn_finish(sg_dnn_primitive *p, sg_error *err) {
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        sg_status status = bind_argument(p, (sg_arg)arg, err);
        if (status) return status;
    }
    dnnl_status_t done = dnnl_primitive_create(&p->handle, p->pd);
    if (done != dnnl_success) return sg_dnn_fail(err, done, &p->base.problem, "the primitive");
    p->run = run_library;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) p->quant[arg] = NULL; /* was borrowed */
    snprintf(p->text, sizeof p->text, "%s %s", sg_op_name(p->base.problem.op),
            sg_pd_implementation(p->pd));
    return SG_OK;
}

sg_status sg_dnn_follow(const sg_layout **out, const sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    static const sg_arg order[] = {
            SG_ARG_SRC0, SG_ARG_DST, SG_ARG_DIFF_DST, SG_ARG_MASK, SG_ARG_DIFF_SRC0};
    const sg_problem *q = &p->base.problem;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const sg_layout *layout = wanted->arg[order[i]];
        sg_shape shape;
        if (!layout || !sg_problem_arg(&shape, q, order[i])) continue;
        sg_status status = sg_dnn_check_wanted(p, layout, order[i], err);
        if (status == SG_OK) *out = layout;
        return status;
    }
    if (forward && forward->layout[SG_ARG_SRC0]) {
        *out = forward->layout[SG_ARG_SRC0];
        return SG_OK;
    }
    return sg_dnn_layout_plain(out, p->backend, &q->src[0], SG_F32, err);
}

bool sg_dnn_has_avx512(void) {
    return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}
