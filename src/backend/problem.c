/* problem.c - what is common to all backends about a problem: names, the shapes that follow from
 * the settings, which arguments a pass takes, and the one-line form. Pure functions of the
 * description. SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"
#include "base/str.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PASS_COUNT = SG_PASS_BACKWARD_WEIGHTS + 1 };

static const char *const op_names[SG_OP_COUNT] = {
        [SG_OP_CONV] = "conv",
        [SG_OP_BATCH_NORM] = "batch_norm",
        [SG_OP_RELU] = "relu",
        [SG_OP_MAX_POOL] = "max_pool",
        [SG_OP_AVG_POOL] = "avg_pool",
        [SG_OP_GLOBAL_POOL] = "global_pool",
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

static sg_status check_sources(const sg_problem *p, sg_error *err) {
    const char *name = sg_op_name(p->op);
    int least = 1, most = 1;
    if (has_many_inputs(p->op)) {
        least = 2;
        most = SG_MAX_INPUTS;
    } else if (p->op == SG_OP_CHANNEL_SCALE) {
        least = most = 2;
    }
    if (p->src_count < least || p->src_count > most)
        return sg_fail(err, SG_ERR_SHAPE, "%s takes %d to %d inputs, not %d", name, least, most,
                p->src_count);
    for (int i = 0; i < p->src_count; i++) {
        char text[SG_SHAPE_TEXT];
        int64_t count;
        sg_status status = sg_shape_elements(&count, &p->src[i], err);
        if (status) return status;
        bool plane_only = has_window(p->op) || p->op == SG_OP_GLOBAL_POOL ||
                          p->op == SG_OP_CHANNEL_SCALE || p->op == SG_OP_CONCAT;
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
    bool infer = p->pass == SG_PASS_INFER, norm = p->op == SG_OP_BATCH_NORM;
    bool relu_ok =
            !p->fuse_relu || norm || (infer && (p->op == SG_OP_CONV || p->op == SG_OP_LINEAR));
    bool sum_ok = !p->fuse_sum || (infer && p->op == SG_OP_CONV);
    bool clip_ok = p->clip == 0 || p->op == SG_OP_RELU || (p->fuse_relu && infer);
    if (!relu_ok || !sum_ok || !clip_ok || p->clip < 0)
        return sg_fail(err, SG_ERR_UNSUPPORTED, "%s:%s cannot be fused with %s", sg_op_name(p->op),
                sg_pass_name(p->pass),
                !sum_ok    ? "a sum"
                : !clip_ok ? "a clipped ReLU"
                           : "a ReLU");
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
    if (!(taken[p->op][p->pass] >> arg & 1) || input >= p->src_count) return false;
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

/* ---- the one-line form ---- */

typedef struct line {
    char *text;
    size_t used;
} line;

static void put(line *l, const char *fmt, ...) SG_PRINTF(2, 3);
static void put(line *l, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->text + l->used, SG_PROBLEM_TEXT - l->used, fmt, args);
    va_end(args);
    if (n > 0) l->used += (size_t)n;
    if (l->used >= SG_PROBLEM_TEXT) l->used = SG_PROBLEM_TEXT - 1;
}

static const char letters[SG_MAX_RANK + 1] = "nchwde";

/* "n2c16h14w14"; the channels of a concat as a sum, "n2c16+8h14w14". */
static void put_source(line *l, const sg_problem *p) {
    put(l, " ");
    for (int i = 0; i < p->src[0].rank && i < SG_MAX_RANK; i++) {
        put(l, "%c%lld", letters[i], (long long)p->src[0].dims[i]);
        for (int k = 1; i == 1 && p->op == SG_OP_CONCAT && k < p->src_count; k++)
            put(l, "+%lld", (long long)p->src[k].dims[1]);
    }
    if (p->op == SG_OP_ADD) put(l, " x%d", p->src_count);
}

static void put_pair(line *l, const char *key, const int64_t pair[2]) {
    put(l, "%s%lldx%lld", key, (long long)pair[0], (long long)pair[1]);
}

static void put_window(line *l, const sg_problem *p) {
    put_pair(l, " k", p->kernel);
    put_pair(l, " s", p->stride);
    put_pair(l, " p", p->pad_begin);
    if (memcmp(p->pad_begin, p->pad_end, sizeof p->pad_end)) put_pair(l, ":", p->pad_end);
    if (p->op != SG_OP_CONV) return;
    put_pair(l, " d", p->dilation);
    put(l, " g%lld", (long long)p->groups);
}

const char *sg_problem_text(char out[SG_PROBLEM_TEXT], const sg_problem *p) {
    line l = {out, 0};
    put(&l, "%s:%s:%s", sg_op_name(p->op), sg_pass_name(p->pass),
            p->dtype == SG_F64 ? "f64" : "f32");
    put_source(&l, p);
    if (p->op == SG_OP_CONV || p->op == SG_OP_LINEAR) put(&l, " o%lld", (long long)p->dst.dims[1]);
    if (has_window(p->op)) put_window(&l, p);
    if (p->op == SG_OP_BATCH_NORM) put(&l, " eps%.9g", p->eps);
    if (p->sigmoid_scale != 0) put(&l, " scale%.9g", p->sigmoid_scale);
    if (p->clip != 0) put(&l, " clip%.9g", p->clip);
    if (p->has_bias) put(&l, " bias");
    if (p->count_include_pad) put(&l, " include_pad");
    if (p->fixed_statistics) put(&l, " fixed");
    if (p->fuse_sum) put(&l, " sum");
    if (p->fuse_relu) put(&l, " relu");
    return out;
}

/* ---- and back ---- */

static bool take_int(int64_t *out, const char **text) {
    int64_t value = 0;
    const char *s = *text;
    if (*s < '0' || *s > '9') return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        value = value * 10 + (*s - '0');
        if (value > INT32_MAX) return false;
    }
    *out = value;
    *text = s;
    return true;
}

static bool take_pair(int64_t out[2], const char **text) {
    if (!take_int(&out[0], text) || **text != 'x') return false;
    (*text)++;
    return take_int(&out[1], text);
}

/* "n2c16+8h14w14": one source, or several that differ in channels. */
static bool parse_source(sg_problem *p, const char *token) {
    int64_t channels[SG_MAX_INPUTS];
    int count = 1;
    sg_shape shape = {0};
    while (*token) {
        if (shape.rank == SG_MAX_RANK || *token++ != letters[shape.rank]) return false;
        if (!take_int(&shape.dims[shape.rank], &token)) return false;
        while (*token == '+') {
            token++;
            if (shape.rank != 1 || count == SG_MAX_INPUTS || !take_int(&channels[count++], &token))
                return false;
        }
        shape.rank++;
    }
    for (int i = 0; i < count; i++) {
        p->src[i] = shape;
        if (i) p->src[i].dims[1] = channels[i];
    }
    p->src_count = count;
    return true;
}

/* "x3": as many inputs of the shape of the first. */
static bool parse_repeat(sg_problem *p, const char *token) {
    int64_t count;
    if (!take_int(&count, &token) || *token || count < 1 || count > SG_MAX_INPUTS) return false;
    for (int i = 1; i < (int)count; i++) p->src[i] = p->src[0];
    p->src_count = (int)count;
    return true;
}

static bool parse_padding(sg_problem *p, const char *token) {
    if (!take_pair(p->pad_begin, &token)) return false;
    memcpy(p->pad_end, p->pad_begin, sizeof p->pad_end);
    if (*token == '\0') return true;
    return *token++ == ':' && take_pair(p->pad_end, &token) && *token == '\0';
}

static bool parse_word(sg_problem *p, const char *token) {
    const struct {
        const char *word;
        bool *field;
    } words[] = {
            {"bias", &p->has_bias},
            {"include_pad", &p->count_include_pad},
            {"fixed", &p->fixed_statistics},
            {"sum", &p->fuse_sum},
            {"relu", &p->fuse_relu},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(token, words[i].word) != 0) continue;
        *words[i].field = true;
        return true;
    }
    return false;
}

static bool parse_real(sg_problem *p, const char *token) {
    const struct {
        const char *key;
        double *field;
    } reals[] = {{"eps", &p->eps}, {"scale", &p->sigmoid_scale}, {"clip", &p->clip}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        size_t n = strlen(reals[i].key);
        if (strncmp(token, reals[i].key, n) == 0) return sg_parse_double(reals[i].field, token + n);
    }
    return false;
}

static bool parse_token(sg_problem *p, const char *token) {
    if (parse_word(p, token) || parse_real(p, token)) return true;
    const char *rest = token + 1;
    switch (token[0]) {
    case 'n':
        return parse_source(p, token);
    case 'x':
        return parse_repeat(p, rest);
    case 'o':
        p->dst.rank = p->op == SG_OP_LINEAR ? 2 : 4;
        return take_int(&p->dst.dims[1], &rest) && !*rest;
    case 'g':
        return take_int(&p->groups, &rest) && !*rest;
    case 'k':
        return take_pair(p->kernel, &rest) && !*rest;
    case 's':
        return take_pair(p->stride, &rest) && !*rest;
    case 'd':
        return take_pair(p->dilation, &rest) && !*rest;
    case 'p':
        return parse_padding(p, rest);
    default:
        return false;
    }
}

static bool find_name(int *out, const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = i;
        return true;
    }
    return false;
}

/* "conv:train:f32" */
static bool parse_head(sg_problem *p, char *token) {
    char *save = NULL;
    const char *op = strtok_r(token, ":", &save), *pass = strtok_r(NULL, ":", &save);
    const char *dtype = strtok_r(NULL, ":", &save);
    int op_index, pass_index;
    if (!op || !pass || !dtype) return false;
    if (!find_name(&op_index, op_names, SG_OP_COUNT, op)) return false;
    if (!find_name(&pass_index, pass_names, PASS_COUNT, pass)) return false;
    if (strcmp(dtype, "f32") != 0 && strcmp(dtype, "f64") != 0) return false;
    p->op = (sg_op)op_index;
    p->pass = (sg_pass)pass_index;
    p->dtype = strcmp(dtype, "f64") == 0 ? SG_F64 : SG_F32;
    return true;
}

sg_status sg_problem_parse(sg_problem *out, const char *text, sg_error *err) {
    char copy[SG_PROBLEM_TEXT], *save = NULL;
    if (strlen(text) >= sizeof copy)
        return sg_fail(err, SG_ERR_USAGE, "a problem line is longer than %d characters",
                SG_PROBLEM_TEXT - 1);
    memcpy(copy, text, strlen(text) + 1);
    sg_problem p = {0};
    char *token = strtok_r(copy, " \t\r\n", &save);
    if (!token || !parse_head(&p, token))
        return sg_fail(err, SG_ERR_USAGE,
                "problem \"%s\" must begin with operation:pass:type, as in conv:train:f32", text);
    while ((token = strtok_r(NULL, " \t\r\n", &save)) != NULL)
        if (!parse_token(&p, token))
            return sg_fail(err, SG_ERR_USAGE, "problem \"%s\": cannot read \"%s\"", text, token);
    if (p.op == SG_OP_CHANNEL_SCALE) { /* the gate follows from the image */
        p.src[p.src_count++] = sg_shape4(p.src[0].dims[0], p.src[0].dims[1], 1, 1);
    }
    sg_status status = sg_problem_infer(&p, err);
    if (status) return sg_fail_context(err, status, "problem \"%s\"", text);
    *out = p;
    return SG_OK;
}
