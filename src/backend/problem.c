/* problem.c - what is common to all backends about a problem: names, the shapes that follow from
 * the settings, and which arguments a pass takes. Pure functions of the description.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"

enum { PASS_COUNT = SG_PASS_BACKWARD_WEIGHTS + 1 };

static const char *const op_names[SG_OP_COUNT] = {
        [SG_OP_CONV] = "conv",
        [SG_OP_BATCH_NORM] = "batch_norm",
        [SG_OP_RELU] = "relu",
        [SG_OP_MAX_POOL] = "max_pool",
        [SG_OP_AVG_POOL] = "avg_pool",
        [SG_OP_GLOBAL_POOL] = "global_pool",
        [SG_OP_ADAPTIVE_POOL] = "adaptive_pool",
        [SG_OP_LINEAR] = "linear",
        [SG_OP_ADD] = "add",
        [SG_OP_CONCAT] = "concat",
        [SG_OP_CHANNEL_SCALE] = "channel_scale",
        [SG_OP_SIGMOID] = "sigmoid",
        [SG_OP_DROPOUT] = "dropout",
        [SG_OP_AFFINE] = "affine",
        [SG_OP_REORDER] = "reorder",
};

static const char *const pass_names[PASS_COUNT] = {
        [SG_PASS_INFER] = "infer",
        [SG_PASS_TRAIN] = "train",
        [SG_PASS_BACKWARD_DATA] = "backward_data",
        [SG_PASS_BACKWARD_WEIGHTS] = "backward_weights",
};

static const char *const arg_names[SG_ARG_COUNT] = {
        "src0",
        "src1",
        "src2",
        "src3",
        "src4",
        "src5",
        "src6",
        "src7",
        [SG_ARG_WEIGHT] = "weight",
        [SG_ARG_BIAS] = "bias",
        [SG_ARG_MEAN] = "mean",
        [SG_ARG_VAR] = "var",
        [SG_ARG_MASK] = "mask",
        [SG_ARG_DST] = "dst",
        [SG_ARG_DIFF_DST] = "diff_dst",
        [SG_ARG_DIFF_PART] = "diff_part",
        [SG_ARG_DIFF_SRC0] = "diff_src0",
        "diff_src1",
        "diff_src2",
        "diff_src3",
        "diff_src4",
        "diff_src5",
        "diff_src6",
        "diff_src7",
        [SG_ARG_DIFF_WEIGHT] = "diff_weight",
        [SG_ARG_DIFF_BIAS] = "diff_bias",
        [SG_ARG_WORKSPACE] = "workspace",
        [SG_ARG_SCRATCH] = "scratch",
};

const char *sg_op_name(sg_op op) {
    return (unsigned)op < SG_OP_COUNT ? op_names[op] : "unknown";
}

const char *sg_pass_name(sg_pass pass) {
    return (unsigned)pass < PASS_COUNT ? pass_names[pass] : "unknown";
}

const char *sg_arg_name(sg_arg arg) {
    return (unsigned)arg < SG_ARG_COUNT ? arg_names[arg] : "unknown";
}

/* ---- shapes ---- */

static bool has_window(sg_op op) {
    return op == SG_OP_CONV || op == SG_OP_MAX_POOL || op == SG_OP_AVG_POOL;
}

static bool has_many_inputs(sg_op op) {
    return op == SG_OP_ADD || op == SG_OP_CONCAT;
}

static bool takes_summand(const sg_problem *p) {
    return p->fuse_sum && (p->op == SG_OP_BATCH_NORM || p->op == SG_OP_CHANNEL_SCALE);
}

/* With a sum but no ReLU the whole gradient is the summand's too, and must exist. */
static bool takes_part(const sg_problem *p) {
    bool op = p->op == SG_OP_BATCH_NORM || p->op == SG_OP_CHANNEL_SCALE;
    return op && p->src[0].rank == 4 && (!p->fuse_sum || p->fuse_relu);
}

int sg_problem_summand(const sg_problem *p) {
    return takes_summand(p) ? p->src_count - 1 : -1;
}

static sg_status check_sources(const sg_problem *p, sg_error *err) {
    const char *name = sg_op_name(p->op);
    int least = 1, most = 1;
    if (has_many_inputs(p->op)) {
        least = 2;
        most = SG_MAX_INPUTS;
    } else if (p->op == SG_OP_CHANNEL_SCALE) {
        least = most = 2;
    }
    if (takes_summand(p)) least = ++most;
    if (p->src_count < least || p->src_count > most)
        return sg_fail(err, SG_ERR_SHAPE, "%s takes %d to %d inputs, not %d", name, least, most,
                p->src_count);
    for (int i = 0; i < p->src_count; i++) {
        char text[SG_SHAPE_TEXT];
        int64_t count;
        sg_status status = sg_shape_elements(&count, &p->src[i], err);
        if (status) return status;
        bool plane_only = has_window(p->op) || p->op == SG_OP_GLOBAL_POOL ||
                          p->op == SG_OP_ADAPTIVE_POOL || p->op == SG_OP_CHANNEL_SCALE ||
                          p->op == SG_OP_CONCAT;
        int rank = p->src[i].rank;
        bool fits = p->op == SG_OP_REORDER ? rank >= 1
                    : plane_only           ? rank == 4
                                           : rank == 4 || rank == 2;
        if (!fits || count < 1)
            return sg_fail(err, SG_ERR_SHAPE, "%s cannot take an input of shape %s", name,
                    sg_shape_text(text, &p->src[i]));
    }
    return SG_OK;
}

/* Output height and width of a convolution or pool. */
static sg_status infer_window(sg_problem *p, sg_error *err) {
    bool pool = p->op != SG_OP_CONV;
    for (int i = 0; i < 2; i++) {
        if (p->stride[i] == 0) p->stride[i] = 1;
        if (p->dilation[i] == 0) p->dilation[i] = 1;
        static const int64_t most = 1 << 24;
        const int64_t settings[] = {p->kernel[i], p->stride[i], p->dilation[i], p->pad_begin[i] + 1,
                p->pad_end[i] + 1, p->src[0].dims[2 + i]};
        for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)
            if (settings[k] < 1 || settings[k] > most)
                return sg_fail(err, SG_ERR_SHAPE,
                        "%s: kernel, stride, dilation and image must be 1 to %lld, padding at "
                        "least 0",
                        sg_op_name(p->op), (long long)most);
        if (pool && p->dilation[i] != 1)
            return sg_fail(err, SG_ERR_UNSUPPORTED, "%s with dilation %lld is not offered",
                    sg_op_name(p->op), (long long)p->dilation[i]);
        if (pool && (p->pad_begin[i] >= p->kernel[i] || p->pad_end[i] >= p->kernel[i]))
            return sg_fail(err, SG_ERR_SHAPE,
                    "%s: padding must be smaller than the kernel (%lld), or a window sees nothing",
                    sg_op_name(p->op), (long long)p->kernel[i]);
        int64_t size = p->src[0].dims[2 + i];
        int64_t extent = (p->kernel[i] - 1) * p->dilation[i] + 1;
        int64_t padded = size + p->pad_begin[i] + p->pad_end[i];
        if (extent > padded)
            return sg_fail(err, SG_ERR_SHAPE,
                    "%s: a window of %lld does not fit an image of %lld with padding (%s)",
                    sg_op_name(p->op), (long long)extent, (long long)padded,
                    i ? "width" : "height");
        p->dst.dims[2 + i] = (padded - extent) / p->stride[i] + 1;
    }
    p->dst.rank = 4;
    p->dst.dims[0] = p->src[0].dims[0];
    if (pool) p->dst.dims[1] = p->src[0].dims[1];
    return SG_OK;
}

static sg_status infer_conv(sg_problem *p, sg_error *err) {
    if (p->groups == 0) p->groups = 1;
    int64_t in = p->src[0].dims[1], out = p->dst.dims[1];
    if (p->groups < 1 || out < 1 || in % p->groups || out % p->groups)
        return sg_fail(err, SG_ERR_SHAPE,
                "conv: %lld groups do not divide %lld input and %lld output channels",
                (long long)p->groups, (long long)in, (long long)out);
    return infer_window(p, err);
}

static sg_status infer_linear(sg_problem *p, sg_error *err) {
    char text[SG_SHAPE_TEXT];
    p->dst.dims[0] = p->src[0].dims[0];
    if (p->dst.rank != 2 || p->dst.dims[1] < 1)
        return sg_fail(err, SG_ERR_SHAPE, "linear: the output must be [n, out], not %s",
                sg_shape_text(text, &p->dst));
    return SG_OK;
}

static sg_status infer_adaptive(sg_problem *p, sg_error *err) {
    static const int64_t most = 1 << 15; /* windows times pixels stay countable */
    for (int i = 2; i < 4; i++)
        if (p->dst.dims[i] < 1 || p->dst.dims[i] > most || p->src[0].dims[i] > most)
            return sg_fail(err, SG_ERR_SHAPE,
                    "adaptive_pool: from %lld to %lld; both must be 1 to %lld",
                    (long long)p->src[0].dims[i], (long long)p->dst.dims[i], (long long)most);
    p->dst = sg_shape4(p->src[0].dims[0], p->src[0].dims[1], p->dst.dims[2], p->dst.dims[3]);
    return SG_OK;
}

static sg_status infer_add(sg_problem *p, sg_error *err) {
    char a[SG_SHAPE_TEXT], b[SG_SHAPE_TEXT];
    p->dst = p->src[0];
    for (int i = 1; i < p->src_count; i++)
        if (!sg_shape_equal(&p->src[i], &p->src[0]))
            return sg_fail(err, SG_ERR_SHAPE, "add: shapes %s and %s differ",
                    sg_shape_text(a, &p->src[0]), sg_shape_text(b, &p->src[i]));
    return SG_OK;
}

static sg_status infer_concat(sg_problem *p, sg_error *err) {
    char a[SG_SHAPE_TEXT], b[SG_SHAPE_TEXT];
    p->dst = p->src[0];
    for (int i = 1; i < p->src_count; i++) {
        sg_shape same = p->src[i];
        same.dims[1] = p->src[0].dims[1];
        if (!sg_shape_equal(&same, &p->src[0]))
            return sg_fail(err, SG_ERR_SHAPE, "concat: %s and %s differ in more than channels",
                    sg_shape_text(a, &p->src[0]), sg_shape_text(b, &p->src[i]));
        p->dst.dims[1] += p->src[i].dims[1];
    }
    return SG_OK;
}

static sg_status infer_channel_scale(sg_problem *p, sg_error *err) {
    char a[SG_SHAPE_TEXT], b[SG_SHAPE_TEXT];
    sg_shape gate = sg_shape4(p->src[0].dims[0], p->src[0].dims[1], 1, 1);
    if (!sg_shape_equal(&p->src[1], &gate))
        return sg_fail(err, SG_ERR_SHAPE, "channel_scale: the gate must be %s, not %s",
                sg_shape_text(a, &gate), sg_shape_text(b, &p->src[1]));
    p->dst = p->src[0];
    return SG_OK;
}

static sg_status infer_fusion(const sg_problem *p, sg_error *err) {
    char a[SG_SHAPE_TEXT], b[SG_SHAPE_TEXT];
    bool infer = p->pass == SG_PASS_INFER, summand = takes_summand(p);
    bool any_pass = p->op == SG_OP_BATCH_NORM || p->op == SG_OP_ADD || summand;
    bool relu_ok =
            !p->fuse_relu || any_pass || (infer && (p->op == SG_OP_CONV || p->op == SG_OP_LINEAR));
    bool sum_ok = !p->fuse_sum || summand || (infer && p->op == SG_OP_CONV);
    bool clip_ok = p->clip == 0 || p->op == SG_OP_RELU || (p->fuse_relu && (infer || any_pass));
    if (!relu_ok || !sum_ok || !clip_ok || p->clip < 0)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "%s:%s cannot be fused with %s", sg_op_name(p->op),
                sg_pass_name(p->pass),
                !sum_ok    ? "a sum"
                : !clip_ok ? "a clipped ReLU"
                           : "a ReLU");
    if (p->diff_part && !takes_part(p))
        return sg_fail(err, SG_ERR_UNSUPPORTED, "%s:%s takes no gradient in parts",
                sg_op_name(p->op), sg_pass_name(p->pass));
    const sg_shape *last = &p->src[p->src_count - 1];
    if (summand && !sg_shape_equal(last, &p->src[0]))
        return sg_fail(err, SG_ERR_SHAPE, "%s: shapes %s and %s differ", sg_op_name(p->op),
                sg_shape_text(a, &p->src[0]), sg_shape_text(b, last));
    return SG_OK;
}

sg_status sg_problem_infer(sg_problem *problem, sg_error *err) {
    sg_problem p = *problem;
    if ((unsigned)p.op >= SG_OP_COUNT || (unsigned)p.pass >= PASS_COUNT)
        return sg_fail(err, SG_ERR_USAGE, "a problem of unknown operation %d or pass %d", (int)p.op,
                (int)p.pass);
    sg_status status = check_sources(&p, err);
    if (!status) status = infer_fusion(&p, err);
    if (status) return status;
    switch (p.op) {
    case SG_OP_CONV:
        status = infer_conv(&p, err);
        break;
    case SG_OP_MAX_POOL:
    case SG_OP_AVG_POOL:
        status = infer_window(&p, err);
        break;
    case SG_OP_GLOBAL_POOL:
        p.dst = sg_shape4(p.src[0].dims[0], p.src[0].dims[1], 1, 1);
        break;
    case SG_OP_ADAPTIVE_POOL:
        status = infer_adaptive(&p, err);
        break;
    case SG_OP_LINEAR:
        status = infer_linear(&p, err);
        break;
    case SG_OP_ADD:
        status = infer_add(&p, err);
        break;
    case SG_OP_CONCAT:
        status = infer_concat(&p, err);
        break;
    case SG_OP_CHANNEL_SCALE:
        status = infer_channel_scale(&p, err);
        break;
    default:
        p.dst = p.src[0];
    }
    int64_t count;
    if (!status) status = sg_shape_elements(&count, &p.dst, err);
    if (!status) *problem = p;
    return status;
}

/* ---- arguments ---- */

#define ARG(name) (1u << SG_ARG_##name)
#define FORWARD   (ARG(SRC0) | ARG(DST))
#define BACKWARD  (ARG(DIFF_DST) | ARG(DIFF_SRC0))
#define WEIGHTS   (ARG(WEIGHT) | ARG(BIAS))
#define STATS     (ARG(MEAN) | ARG(VAR))
#define DIFF_W    (ARG(DIFF_WEIGHT) | ARG(DIFF_BIAS))

/* One bit per argument; SRC0 and DIFF_SRC0 stand for all inputs. 0: there is no such pass. */
static const uint32_t taken[SG_OP_COUNT][PASS_COUNT] = {
        [SG_OP_CONV] = {FORWARD | WEIGHTS, FORWARD | WEIGHTS, BACKWARD | ARG(WEIGHT),
                ARG(SRC0) | ARG(DIFF_DST) | DIFF_W},
        [SG_OP_BATCH_NORM] = {FORWARD | WEIGHTS | STATS, FORWARD | WEIGHTS | STATS,
                ARG(SRC0) | BACKWARD | ARG(WEIGHT) | STATS | DIFF_W, 0},
        [SG_OP_RELU] = {FORWARD, FORWARD, ARG(DST) | BACKWARD, 0},
        [SG_OP_MAX_POOL] = {FORWARD, FORWARD, BACKWARD, 0},
        [SG_OP_AVG_POOL] = {FORWARD, FORWARD, BACKWARD, 0},
        [SG_OP_GLOBAL_POOL] = {FORWARD, FORWARD, BACKWARD, 0},
        [SG_OP_ADAPTIVE_POOL] = {FORWARD, FORWARD, BACKWARD, 0},
        [SG_OP_LINEAR] = {FORWARD | WEIGHTS, FORWARD | WEIGHTS, BACKWARD | ARG(WEIGHT),
                ARG(SRC0) | ARG(DIFF_DST) | DIFF_W},
        [SG_OP_ADD] = {FORWARD, FORWARD, 0, 0},
        [SG_OP_CONCAT] = {FORWARD, FORWARD, BACKWARD, 0},
        [SG_OP_CHANNEL_SCALE] = {FORWARD, FORWARD, ARG(SRC0) | BACKWARD, 0},
        [SG_OP_SIGMOID] = {FORWARD, FORWARD, ARG(DST) | BACKWARD, 0},
        [SG_OP_DROPOUT] = {FORWARD | ARG(MASK), FORWARD | ARG(MASK), BACKWARD | ARG(MASK), 0},
        [SG_OP_AFFINE] = {FORWARD | WEIGHTS, FORWARD | WEIGHTS, BACKWARD | ARG(WEIGHT),
                ARG(SRC0) | ARG(DIFF_DST) | DIFF_W},
        [SG_OP_REORDER] = {FORWARD, 0, 0, 0},
};

static sg_shape weight_shape(const sg_problem *p) {
    const int64_t *src = p->src[0].dims, *dst = p->dst.dims;
    if (p->op == SG_OP_CONV)
        return sg_shape4(dst[1], src[1] / p->groups, p->kernel[0], p->kernel[1]);
    if (p->op == SG_OP_LINEAR)
        return sg_shape_of(2, (int64_t[]){dst[1], sg_shape_count(&p->src[0]) / src[0]});
    return sg_shape_of(1, &src[1]);
}

/* arg: SRC0 or DIFF_SRC0 for all inputs. */
static bool takes(const sg_problem *p, sg_arg arg, int input) {
    if (input >= p->src_count) return false;
    bool backward = p->pass == SG_PASS_BACKWARD_DATA;
    if (arg == SG_ARG_DIFF_PART) return backward && p->diff_part;
    if (takes_summand(p) && backward) {
        if (arg == SG_ARG_DST) return p->fuse_relu;
        if (input == sg_problem_summand(p)) return arg == SG_ARG_DIFF_SRC0 && p->fuse_relu;
    }
    return taken[p->op][p->pass] >> arg & 1;
}

bool sg_problem_arg(sg_shape *shape, const sg_problem *p, sg_arg arg) {
    if ((unsigned)p->op >= SG_OP_COUNT || (unsigned)p->pass >= PASS_COUNT) return false;
    int input = 0;
    if (arg >= SG_ARG_SRC0 && arg <= SG_ARG_SRC_LAST) {
        input = (int)arg - SG_ARG_SRC0;
        arg = SG_ARG_SRC0;
    } else if (arg >= SG_ARG_DIFF_SRC0 && arg <= SG_ARG_DIFF_SRC_LAST) {
        input = (int)arg - SG_ARG_DIFF_SRC0;
        arg = SG_ARG_DIFF_SRC0;
    }
    if (!takes(p, arg, input)) return false;
    bool optional = p->op == SG_OP_CONV || p->op == SG_OP_LINEAR;
    switch (arg) {
    case SG_ARG_WEIGHT:
    case SG_ARG_DIFF_WEIGHT:
        *shape = weight_shape(p);
        return true;
    case SG_ARG_BIAS:
    case SG_ARG_DIFF_BIAS:
        if (optional && !p->has_bias) return false;
        *shape = sg_shape_of(1, &p->dst.dims[1]);
        return true;
    case SG_ARG_MEAN:
    case SG_ARG_VAR:
        *shape = sg_shape_of(1, &p->dst.dims[1]);
        return true;
    case SG_ARG_DIFF_PART:
        *shape = p->dst;
        if (p->diff_part == SG_DIFF_SPREAD) shape->dims[2] = shape->dims[3] = 1;
        return true;
    case SG_ARG_DST:
    case SG_ARG_DIFF_DST:
        *shape = p->dst;
        return true;
    default:
        *shape = p->src[input];
        return true;
    }
}

bool sg_problem_has_pass(const sg_problem *p) {
    return (unsigned)p->op < SG_OP_COUNT && (unsigned)p->pass < PASS_COUNT &&
           taken[p->op][p->pass] != 0;
}

static bool is_elementwise(const sg_problem *p) {
    switch (p->op) {
    case SG_OP_RELU:
    case SG_OP_SIGMOID:
    case SG_OP_DROPOUT:
    case SG_OP_AFFINE:
    case SG_OP_ADD:
    case SG_OP_CHANNEL_SCALE:
    case SG_OP_BATCH_NORM:
        return p->pass != SG_PASS_BACKWARD_WEIGHTS;
    default:
        return false;
    }
}

bool sg_problem_may_overwrite(const sg_problem *p, sg_arg input, sg_arg output) {
    sg_shape shape;
    if (!is_elementwise(p) || !sg_problem_arg(&shape, p, input) ||
            !sg_problem_arg(&shape, p, output))
        return false;
    int summand = sg_problem_summand(p), from = (int)input, to = (int)output;
    if (p->pass != SG_PASS_BACKWARD_DATA)
        return to == SG_ARG_DST &&
               (from == SG_ARG_SRC0 || (p->op == SG_OP_ADD && from == SG_ARG_SRC0 + 1) ||
                       (summand > 0 && from == SG_ARG_SRC0 + summand));
    if (to == SG_ARG_DIFF_SRC0) return from == SG_ARG_DIFF_DST || from == SG_ARG_SRC0;
    return summand > 0 && to == SG_ARG_DIFF_SRC0 + summand && from == SG_ARG_DIFF_DST;
}
