/* linear.c - fully connected layer: [n,c,h,w] or [n,c], flattened in NCHW order, times [out, in]
 * transposed, plus bias; all passes. A 4-d source keeps its blocked layout: the weights are then
 * seen as [out, c, h, w], the same plain bytes.
 *
 * The forward pass of training, where weights are plain, is an own loop if they are many and the
 * images few (AVX-512): the library would first copy all weights into another order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/linear_kernels.h"

enum { MANY_WEIGHTS = 1 << 20 };

static dnnl_status_t create(dnnl_primitive_desc_t *out, const sg_dnn_primitive *p,
        dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
        const_dnnl_primitive_attr_t attr) {
    return sg_pd_inner_product(out, p->backend->engine, prop, data, hint, attr);
}

static bool suits_own_loop(const sg_problem *q, const sg_wanted *wanted) {
    const sg_layout *src = wanted->arg[SG_ARG_SRC0], *weight = wanted->arg[SG_ARG_WEIGHT];
    const sg_layout *dst = wanted->arg[SG_ARG_DST];
    return sg_dnn_has_avx512() && q->pass == SG_PASS_TRAIN && !q->fuse_relu && weight &&
           weight->plain && sg_shape_count(&weight->shape) >= MANY_WEIGHTS &&
           q->dst.dims[0] <= SG_LINEAR_IMAGES && (!src || src->plain) && (!dst || dst->plain);
}

static sg_status run_own_loop(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err) {
    (void)err;
    const sg_problem *q = &p->base.problem;
    sg_linear_job job = {.x = args[SG_ARG_SRC0],
            .turned = args[SG_ARG_SCRATCH],
            .weight = args[SG_ARG_WEIGHT],
            .bias = q->has_bias ? args[SG_ARG_BIAS] : NULL,
            .y = args[SG_ARG_DST],
            .images = q->dst.dims[0],
            .in = sg_shape_count(&q->src[0]) / q->dst.dims[0],
            .out = q->dst.dims[1]};
    int64_t units = (job.out + SG_LINEAR_ROWS - 1) / SG_LINEAR_ROWS;
    sg_dnn_parallel(p->backend->threads, job.in, SG_LINEAR_LANES, sg_linear_turn_body, &job);
    sg_dnn_parallel(p->backend->threads, units, 1, sg_linear_body, &job);
    return SG_OK;
}

static sg_status compile_own_loop(sg_dnn_primitive *p, sg_error *err) {
    sg_shape shape;
    p->run = run_own_loop;
    for (int arg = 0; arg < SG_ARG_COUNT; arg++) {
        if (!sg_problem_arg(&shape, &p->base.problem, (sg_arg)arg)) continue;
        sg_status status = sg_dnn_layout_plain(&p->layout[arg], p->backend, &shape, SG_F32, err);
        if (status) return status;
    }
    const sg_problem *q = &p->base.problem;
    int64_t images = q->dst.dims[0], in = sg_shape_count(&q->src[0]) / images;
    size_t bytes = (size_t)sg_linear_turned_count(images, in) * sizeof(float);
    return sg_dnn_layout_bytes(&p->layout[SG_ARG_SCRATCH], p->backend, bytes, err);
}

sg_status sg_dnn_linear_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err) {
    if (suits_own_loop(&p->base.problem, wanted)) return compile_own_loop(p, err);
    const sg_shape *src = &p->base.problem.src[0];
    sg_dnn_weighted of = {create, src->rank, {p->base.problem.dst.dims[1]}};
    for (int i = 1; i < src->rank; i++) of.weight_dims[i] = src->dims[i];
    return sg_dnn_weighted_compile(p, &of, wanted, forward, err);
}
