/* backend.h - the whole contract between the planner and a device: describe, compile, execute,
 * transfer. Adding a device means one folder that fills in sg_backend_ops.
 *
 * Three lifetimes, three types:
 *   sg_problem    a description: operation, pass, shapes, settings. A plain value.
 *   sg_primitive  compiled once for a problem and the layouts of its arguments; immutable.
 *   memory        raw bytes owned by the planner; a primitive sees pointers only while it executes.
 *
 * Layouts. How a tensor lies in memory is the backend's business. A layout is an opaque, interned
 * value: the same backend gives the same pointer for the same layout, so equality is `==`, and all
 * of them live as long as the backend. Every backend knows the plain layout (dense, NCHW / OIHW /
 * [out,in], last dimension fastest) and can reorder between any two layouts of one shape
 * (SG_OP_REORDER).
 *
 * Threads. A backend and all that comes from it are used by one thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_BACKEND_H
#define SG_BACKEND_BACKEND_H

#include "tensor/tensor.h"

enum { SG_MAX_INPUTS = 8 }; /* of add and concat */

typedef enum sg_op {
    SG_OP_CONV,       /* 2-d, grouped and depthwise included */
    SG_OP_BATCH_NORM, /* per channel over N, H, W; optionally with a sum, ReLU or ReLU6 behind */
    SG_OP_RELU,       /* max(x, 0); with `clip` > 0: min(max(x, 0), clip), ReLU6 being clip 6 */
    SG_OP_MAX_POOL,
    SG_OP_AVG_POOL,    /* count_include_pad as the problem says: pad_begin counts, at either end */
    SG_OP_GLOBAL_POOL, /* mean over H, W: [n,c,h,w] -> [n,c,1,1] */
    SG_OP_ADAPTIVE_POOL, /* mean over windows that cut H, W into dst's h, w as torch does: window i
                            of o over s pixels is [floor(i s / o), ceil((i + 1) s / o)) */
    SG_OP_LINEAR,        /* [n,c,h,w] or [n,c] flattened -> [n,out] */
    SG_OP_ADD,           /* sum of 2..8 tensors of one shape */
    SG_OP_CONCAT,        /* along channels, 2..8 tensors */
    SG_OP_CHANNEL_SCALE, /* [n,c,h,w] * [n,c,1,1] (squeeze-and-excitation), with a sum, ReLU too */
    SG_OP_SIGMOID, /* alpha / (1 + exp(-x)); alpha = `sigmoid_scale` (1, or 2 for gates near 1) */
    SG_OP_DROPOUT, /* y = x * mask; the mask (0 or 1/(1-p)) is an argument, filled by the planner */
    SG_OP_AFFINE,  /* y = x * weight[c] + bias[c]; a batch norm folded alone, input scaling */
    SG_OP_REORDER, /* layout to layout, same shape */
    SG_OP_COUNT
} sg_op;

typedef enum sg_pass {
    SG_PASS_INFER,           /* forward; keeps nothing */
    SG_PASS_TRAIN,           /* forward; fills WORKSPACE (and MEAN/VAR) for the backward passes */
    SG_PASS_BACKWARD_DATA,   /* DIFF_DST -> DIFF_SRC (batch norm: also DIFF_WEIGHT, DIFF_BIAS) */
    SG_PASS_BACKWARD_WEIGHTS /* DIFF_DST -> DIFF_WEIGHT, DIFF_BIAS (conv, linear, affine) */
} sg_pass;

/* Arguments by role. Which ones a primitive wants is what sg_primitive_layout answers. */
typedef enum sg_arg {
    SG_ARG_SRC0, /* further inputs: SG_ARG_SRC0 + i */
    SG_ARG_SRC_LAST = SG_ARG_SRC0 + SG_MAX_INPUTS - 1,
    SG_ARG_WEIGHT, /* conv OIHW; linear [out,in]; batch norm gamma [c]; affine [c] */
    SG_ARG_BIAS,   /* [out] or beta [c] */
    SG_ARG_MEAN,   /* batch norm: output in TRAIN with batch statistics, input otherwise */
    SG_ARG_VAR,    /* biased variance, as MEAN; INFER with both repeats TRAIN's DST bit for bit */
    SG_ARG_MASK,   /* dropout mask, shape of src */
    SG_ARG_DST,
    SG_ARG_DIFF_DST,
    SG_ARG_DIFF_PART, /* of the gradient of DST, besides DIFF_DST */
    SG_ARG_DIFF_SRC0,
    SG_ARG_DIFF_SRC_LAST = SG_ARG_DIFF_SRC0 + SG_MAX_INPUTS - 1,
    SG_ARG_DIFF_WEIGHT,
    SG_ARG_DIFF_BIAS,
    SG_ARG_WORKSPACE, /* written by TRAIN, read by BACKWARD_*; opaque bytes */
    SG_ARG_SCRATCH,   /* needed only while executing; opaque bytes, content not kept */
    SG_ARG_COUNT
} sg_arg;

/* The gradient of DST may come in two parts, which are added: one from each user of DST. */
typedef enum sg_diff_part {
    SG_DIFF_NONE,
    SG_DIFF_WHOLE, /* of the shape of DST */
    SG_DIFF_SPREAD /* [n,c,1,1], the gradient of a mean over H, W: the same share for each pixel */
} sg_diff_part;

/* A description. Unused fields are zero. `src`, `dst` are shapes of the forward direction in every
 * pass. */
typedef struct sg_problem {
    sg_op op;
    sg_pass pass;
    sg_dtype dtype; /* SG_F32; the reference backend also SG_F64 */
    int src_count;
    sg_shape src[SG_MAX_INPUTS];
    sg_shape dst;

    int64_t kernel[2], stride[2], dilation[2]; /* h, w; dilation 1 = dense */
    int64_t pad_begin[2], pad_end[2];          /* top/left, bottom/right; ceil mode is pad_end */
    int64_t groups;                            /* conv; 1 = ordinary */
    bool has_bias;                             /* conv, linear */
    bool count_include_pad;                    /* average pool */

    double eps;            /* batch norm */
    bool fixed_statistics; /* batch norm: MEAN and VAR are inputs (running statistics) */

    /* Fused behind the operation: y = clip(relu(op(x) + sum)).
     * relu: conv/linear INFER; add forward, whose gradient is then RELU's backward pass on its DST;
     *   batch norm in all passes (backward then takes the gradient of the
     *   ReLU's output, with WORKSPACE from TRAIN); channel scale with a sum. clip > 0 is
     * ReLU6-like. sum: conv INFER: DST holds the other summand when execution starts (in place).
     * Batch norm and channel scale, all passes: it is one input more, the last. Backward with a
     * ReLU reads DST, and the last DIFF_SRC is DIFF_DST as the ReLU lets it pass; without one there
     * is none, for it would be DIFF_DST itself. */
    bool fuse_relu, fuse_sum;
    sg_diff_part diff_part; /* BACKWARD_DATA of batch norm and channel scale: what DIFF_PART is */
    double clip;            /* also of SG_OP_RELU itself */

    double sigmoid_scale; /* 0 means 1 */

    /* In place: an output may be the bytes of an input (sg_problem_may_overwrite). The planner
     * asks, the backend answers at compile time by sg_primitive_can_alias. RELU and SIGMOID
     * backward read DST (not SRC), so that in-place forward is always possible. */
} sg_problem;

/* Numbers stored in 8 bits: real = stored * scale, so that 0 is 0. */
typedef struct sg_quant {
    sg_dtype dtype; /* SG_U8, SG_I8; SG_F32 for a bias in the units of the products' sum */
    int count;      /* 1, or one scale per output channel (weights, bias) */
    const float *scale;
} sg_quant;

typedef struct sg_layout sg_layout;
struct sg_layout {
    sg_shape shape;
    sg_dtype dtype;
    size_t bytes;                 /* what a buffer of this layout needs, padding included */
    bool plain;                   /* dense in the order of tensor.h; never when `quant` is set */
    const sg_quant *quant;        /* NULL: the numbers themselves. Belongs to the layout */
    const sg_layout *dequantised; /* with `quant`: the same order in float32; NULL = none known */
};

typedef struct sg_backend sg_backend;
typedef struct sg_primitive sg_primitive;

typedef struct sg_backend_options {
    int threads;        /* 0 = all that sg_cpu_count gives */
    bool deterministic; /* only algorithms that repeat bit for bit; no measured choices */
    bool winograd;      /* allow Winograd convolution where it is faster */
} sg_backend_options;
#define SG_BACKEND_OPTIONS_INIT                                                                    \
    { 0, false, true }

/* Wanted layouts by argument: NULL = the backend chooses. For arguments with a fixed plain form
 * (MEAN, VAR, gamma, beta, bias) the answer is always plain. */
typedef struct sg_wanted {
    const sg_layout *arg[SG_ARG_COUNT];
    /* Storage in 8 bits with the order left to the backend; conv and linear in INFER: SRC0 and
     * WEIGHT together, DST with them or left real. Borrowed while compiling. With fuse_sum,
     * arg[DST] is what DST holds before (its own scale, elements of the same size), quant[DST] what
     * it holds after. max_pool and reorder take quantised layouts through `arg`. */
    const sg_quant *quant[SG_ARG_COUNT];
} sg_wanted;

/* A piece [begin, end) of work that has no other pieces to wait for. */
typedef void (*sg_backend_body)(const void *user, int64_t begin, int64_t end);

typedef struct sg_backend_ops {
    const char *name;
    void (*destroy)(sg_backend *backend);
    /* One line: library, version, instruction set, threads; for logs and resume checks. */
    const char *(*describe)(const sg_backend *backend);
    /* Whether products of 8-bit numbers are faster here than of float32 (the processor has dot
     * products of bytes). Where not, the fallback computes what is asked with `quant`. */
    bool (*quantises)(const sg_backend *backend);
    SG_MUST_CHECK sg_status (*plain_layout)(const sg_layout **out, sg_backend *backend,
            const sg_shape *shape, sg_dtype dtype, sg_error *err);
    /* Compiles or fails with SG_ERR_UNSUPPORTED, which makes the planner try the next backend of
     * the registry's list (ref last). `forward` is the TRAIN primitive a backward pass belongs to.
     */
    SG_MUST_CHECK sg_status (*compile)(sg_primitive **out, sg_backend *backend,
            const sg_problem *problem, const sg_wanted *wanted, const sg_primitive *forward,
            sg_error *err);
    void (*primitive_destroy)(sg_primitive *primitive);
    /* Layout of an argument; NULL = the primitive does not take it. WORKSPACE and SCRATCH answer a
     * U8 layout of the bytes needed. */
    const sg_layout *(*primitive_layout)(const sg_primitive *primitive, sg_arg arg);
    /* Whether an output may be the bytes of an input, see "In place" above. Each input for one. */
    bool (*primitive_can_alias)(const sg_primitive *primitive, sg_arg input, sg_arg output);
    const char *(*primitive_describe)(const sg_primitive *primitive); /* "conv jit:avx512 ..." */
    /* args[i] NULL where the primitive takes none. Pointers are 64-byte aligned. */
    SG_MUST_CHECK sg_status (*execute)(
            sg_primitive *primitive, void *const args[SG_ARG_COUNT], sg_error *err);
    /* Cuts [0, n) into one piece for each thread that primitives run on, and waits for them. NULL =
     * the backend has none but the caller's. */
    void (*parallel)(sg_backend *backend, int64_t n, sg_backend_body body, const void *user);
} sg_backend_ops;

/* Backends and primitives embed this as their first member. */
struct sg_backend {
    const sg_backend_ops *ops;
};
struct sg_primitive {
    const sg_backend_ops *ops;
    sg_problem problem;
};

/* The registry: "onednn", "ref". Expected failure: SG_ERR_USAGE on an unknown name. */
SG_MUST_CHECK sg_status sg_backend_create(
        sg_backend **out, const char *name, const sg_backend_options *options, sg_error *err);
void sg_backend_destroy(sg_backend *backend); /* NULL-safe; all its primitives must be gone */
const char *const *sg_backend_names(void);    /* fastest first, NULL-terminated */

/* Thin calls through ops, for readers' comfort. */
SG_MUST_CHECK sg_status sg_primitive_compile(sg_primitive **out, sg_backend *backend,
        const sg_problem *problem, const sg_wanted *wanted, const sg_primitive *forward,
        sg_error *err);
void sg_primitive_destroy(sg_primitive *primitive); /* NULL-safe */
const sg_layout *sg_primitive_layout(const sg_primitive *primitive, sg_arg arg);
SG_MUST_CHECK sg_status sg_primitive_execute(
        sg_primitive *primitive, void *const args[SG_ARG_COUNT], sg_error *err);
/* Loops outside of primitives on the same threads: two pools would fight for the processors.
 * backend NULL: on the caller's. */
void sg_backend_parallel(sg_backend *backend, int64_t n, sg_backend_body body, const void *user);

/* Shape checks shared by all backends: fills problem->dst from src and the settings, or
 * SG_ERR_SHAPE. Stride, dilation and groups of 0 become 1. conv: the caller sets dst.dims[1];
 * linear: the caller sets dst to [n, out];
 * adaptive pool: dst.dims[2..3]. A window of a pool must see at least one pixel.
 * SG_ERR_UNSUPPORTED when the fusion asked for is none of those above. */
SG_MUST_CHECK sg_status sg_problem_infer(sg_problem *problem, sg_error *err);

/* Whether a pass takes an argument, and its shape; the same for every backend. WORKSPACE and
 * SCRATCH are the backend's own matter and answer false. Batch norm: INFER always reads MEAN and
 * VAR. */
bool sg_problem_arg(sg_shape *shape, const sg_problem *problem, sg_arg arg);
/* The input that is added behind the operation (fuse_sum of batch norm and channel scale), or -1.
 */
int sg_problem_summand(const sg_problem *problem);
/* Whether an element of the output depends on no element of the input but its own, or on sums taken
 * before, so that loops written with that in mind run in place: DST over SRC0 of relu, sigmoid,
 * dropout, affine, channel scale, batch norm and add, over the second of add, and over the summand;
 * backward DIFF_SRC0 and the summand's gradient over DIFF_DST, and DIFF_SRC0 over SRC0. */
bool sg_problem_may_overwrite(const sg_problem *problem, sg_arg input, sg_arg output);
/* Whether the operation has the pass at all (add has no backward: its gradient is DIFF_DST itself).
 */
bool sg_problem_has_pass(const sg_problem *problem);

const char *sg_op_name(sg_op op);
const char *sg_pass_name(sg_pass pass);
const char *sg_arg_name(sg_arg arg);

/* One-line form, e.g. "conv:train:f32 n2c16h14w14 o32 k3x3 s1x1 p1x1 d1x1 g1 bias relu"; parse
 * accepts what text writes. The conformance suite and `make bench` speak this language. */
enum { SG_PROBLEM_TEXT = 256 };
const char *sg_problem_text(char out[SG_PROBLEM_TEXT], const sg_problem *problem);
SG_MUST_CHECK sg_status sg_problem_parse(sg_problem *out, const char *text, sg_error *err);

#endif
