/* internal.h - what the files of this folder share: the three types of backend.h as oneDNN has
 * them, and the steps that every operation's compile function takes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_INTERNAL_H
#define SG_BACKEND_ONEDNN_INTERNAL_H

#include "backend/backend.h"
#include "backend/onednn/compat.h"
#include "base/wide.h"

/* A layout seen by our own loops: element (n, c, s), s counting over H x W, lies at
 * n * stride_n + (c / block) * stride_group + s * stride_spatial + c % block.
 * NCHW has block 1, nChw16c block 16, NHWC and matrices block = channels. */
typedef struct sg_dnn_view {
    int64_t n, channels, spatial;
    int64_t block,
            groups; /* groups = channels / block, rounded up: the rest of the last is padding */
    int64_t stride_n, stride_group, stride_spatial;
} sg_dnn_view;

typedef struct sg_dnn_layout {
    sg_layout base;
    sg_md md;      /* its dimensions may be more than the shape's: goihw weights, flattened input */
    bool has_md;   /* false for raw bytes (workspace, scratch) */
    bool has_view; /* false where our own loops cannot go */
    bool winograd; /* 3 x 3 weights transformed for our own loops (winograd_kernels.h) */
    sg_dnn_view view;
    sg_quant quant; /* what base.quant points to, with scales of its own */
} sg_dnn_layout;

typedef struct sg_dnn_backend {
    sg_backend base;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int threads;
    bool winograd;
    sg_dnn_layout **layouts; /* interned; their addresses are the identity of a layout */
    size_t layout_count, layout_capacity;
    char text[128];
} sg_dnn_backend;

typedef struct sg_dnn_primitive sg_dnn_primitive;
typedef struct sg_dnn_rearranged sg_dnn_rearranged;
typedef sg_status (*sg_dnn_run)(sg_dnn_primitive *p, void *const args[SG_ARG_COUNT], sg_error *err);

enum { SG_DNN_MAX_ARGS = 12 };

struct sg_dnn_primitive {
    sg_primitive base;
    sg_dnn_backend *backend;
    const sg_layout *layout[SG_ARG_COUNT];
    const sg_quant *quant[SG_ARG_COUNT]; /* how arguments are stored; only while compiling */
    char text[96];
    sg_dnn_run run;
    /* A primitive of the library; all NULL and 0 when our own loop runs. Memory objects are made
     * once and pointed at the caller's bytes while executing. */
    dnnl_primitive_desc_t pd; /* kept as the hint of backward passes */
    dnnl_primitive_t handle;
    int arg_count;
    dnnl_exec_arg_t exec[SG_DNN_MAX_ARGS];
    sg_arg arg[SG_DNN_MAX_ARGS];
    void *bound[SG_DNN_MAX_ARGS];
    sg_dnn_rearranged *rearranged; /* a convolution by way of another one; else NULL */
};

/* One per operation: fills layout[] and either our loop or a library primitive. `forward` is NULL
 * when there is none or another backend made it. */
typedef sg_status (*sg_dnn_compile)(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_conv_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_linear_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_batch_norm_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_pool_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_adaptive_pool_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_reorder_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_pointwise_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_affine_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_gate_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_status sg_dnn_concat_compile(sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);

/* ---- layout.c ---- */

sg_status sg_dnn_layout_plain(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        sg_dtype dtype, sg_error *err);
/* The layout of `md` for tensors of `shape`, of float32 where `quant` is NULL; what then has the
 * bytes of the plain layout is it. */
sg_status sg_dnn_layout_intern(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        sg_md_ref md, const sg_quant *quant, sg_error *err);
sg_status sg_dnn_layout_bytes(
        const sg_layout **out, sg_dnn_backend *b, size_t bytes, sg_error *err);
/* [n, c, h, w] with the channels of a pixel side by side. */
sg_status sg_dnn_layout_channels_last(
        const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape, sg_error *err);
/* Of weights of this shape as winograd.c has them: `bytes` in all. */
sg_status sg_dnn_layout_winograd(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        size_t bytes, sg_error *err);
/* The float32 layout of another shape, in the manner of `model`. SG_ERR_UNSUPPORTED for unknown
 * manners. */
sg_status sg_dnn_layout_like(const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape,
        const sg_layout *model, sg_error *err);
/* That of a 4-d tensor in blocks of 16 channels. */
sg_status sg_dnn_layout_blocked(
        const sg_layout **out, sg_dnn_backend *b, const sg_shape *shape, sg_error *err);
bool sg_dnn_data_type(dnnl_data_type_t *out, sg_dtype dtype);
/* A descriptor of a layout of ours, with these dimensions when the layout is plain. */
sg_status sg_dnn_layout_md(
        sg_md *out, const sg_layout *layout, int ndims, const int64_t *dims, sg_error *err);
/* Own loops: never fails for plain, NHWC and channel-blocked layouts. */
sg_status sg_dnn_layout_view(sg_dnn_view *out, const sg_layout *layout, sg_error *err);
void sg_dnn_layouts_dispose(sg_dnn_backend *b);
/* A wanted layout is one of ours and has the argument's shape. */
sg_status sg_dnn_check_wanted(
        const sg_dnn_primitive *p, const sg_layout *layout, sg_arg arg, sg_error *err);

/* ---- gate.c ---- */

/* The layout of one number per channel of each image, in the manner of `data`; those of one image
 * lie side by side, else SG_ERR_UNSUPPORTED. */
sg_status sg_dnn_layout_means(
        const sg_layout **out, const sg_dnn_primitive *p, const sg_layout *data, sg_error *err);
/* From image to image of a gradient's spread part; 0 where there is none. */
int64_t sg_dnn_spread(const sg_dnn_primitive *p);

/* ---- weighted.c ---- */

/* How convolution and inner product differ. */
typedef struct sg_dnn_weighted {
    dnnl_status_t (*create)(dnnl_primitive_desc_t *out, const sg_dnn_primitive *p,
            dnnl_prop_kind_t prop, const sg_pd_data *data, const_dnnl_primitive_desc_t hint,
            const_dnnl_primitive_attr_t attr);
    int weight_ndims;
    int64_t weight_dims[5]; /* as the library sees the weights; the same plain bytes */
} sg_dnn_weighted;
sg_status sg_dnn_weighted_compile(sg_dnn_primitive *p, const sg_dnn_weighted *of,
        const sg_wanted *wanted, const sg_dnn_primitive *forward, sg_error *err);

/* ---- depthwise.c ---- */

/* Whether a convolution is computed by our own loop, which then chooses all layouts. */
bool sg_dnn_depthwise_offers(const sg_problem *problem, const sg_wanted *wanted);
sg_status sg_dnn_depthwise_compile(sg_dnn_primitive *p, sg_error *err);

/* ---- conv.c ---- */

/* Whether training takes Winograd for a dense convolution of 3 x 3 and stride 1; `weights`: for
 * their gradient. */
bool sg_dnn_winograd_pays(const sg_problem *problem, bool weights);

/* ---- rearranged.c ---- */

/* A training convolution by way of a 3 x 3 one that has Winograd. SG_ERR_UNSUPPORTED, with nothing
 * changed, where there is none, or where other layouts are wanted. */
sg_status sg_dnn_rearranged_compile(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err);
void sg_dnn_rearranged_destroy(sg_dnn_rearranged *rearranged); /* NULL-safe */

/* ---- winograd.c ---- */

/* A convolution of prediction by own loops. SG_ERR_UNSUPPORTED, with nothing changed, where it is
 * none for them, or where other layouts are wanted. */
sg_status sg_dnn_winograd_compile(sg_dnn_primitive *p, const sg_wanted *wanted, sg_error *err);
/* Brings plain weights into a layout of sg_dnn_layout_winograd. */
void sg_dnn_winograd_reorder(sg_dnn_primitive *p, const sg_layout *from, const sg_layout *to);

/* ---- primitive.c ---- */

sg_status sg_dnn_fail(
        sg_error *err, dnnl_status_t status, const sg_problem *problem, const char *what);
/* Descriptor for an argument: the wanted layout, or any. */
sg_status sg_dnn_md_wanted(sg_md *out, const sg_dnn_primitive *p, const sg_wanted *wanted,
        sg_arg arg, int ndims, const int64_t *dims, sg_error *err);
/* The factors of a primitive on numbers stored in 8 bits. */
typedef struct sg_dnn_scaling {
    const float *result; /* [count] of the results, by the dimensions in `mask` */
    int count, mask;
    float summand; /* of what a fused sum finds */
    dnnl_data_type_t summand_type;
    float unit; /* scale of the destination: bounds are given in it */
} sg_dnn_scaling;
/* Attributes with the caller's scratch memory and the fused tail of the problem (sum, ReLU, clip).
 * scaling: NULL for real numbers. */
sg_status sg_dnn_attr_create(dnnl_primitive_attr_t *out, const sg_problem *problem,
        const sg_dnn_scaling *scaling, sg_error *err);
/* Takes p->pd to an executable primitive. Arguments are those of sg_problem_arg, and WORKSPACE and
 * SCRATCH where the library wants them. */
sg_status sg_dnn_finish(sg_dnn_primitive *p, sg_error *err);
/* The layout that an elementwise operation works in: that of its first wanted or kept argument. */
sg_status sg_dnn_follow(const sg_layout **out, const sg_dnn_primitive *p, const sg_wanted *wanted,
        const sg_dnn_primitive *forward, sg_error *err);
sg_window sg_dnn_window(const sg_problem *problem); /* of convolution and pooling */
/* Whether the library, and so our own loops, may use vectors of 16 floats. */
bool sg_dnn_has_avx512(void);
sg_status sg_dnn_unsupported(sg_error *err, const sg_problem *problem);

/* ---- own loops ---- */

/* Before a loop whose iterations touch no element of one another. They may still be in place,
 * element by element, which a compiler cannot know: it would take the slow way there. */
#if defined(__clang__)
#define SG_DNN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define SG_DNN_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define SG_DNN_INLINE static inline __attribute__((always_inline))

SG_DNN_INLINE int64_t sg_dnn_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

SG_DNN_INLINE int64_t sg_dnn_max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* a >= 0, b > 0 */
SG_DNN_INLINE int64_t sg_dnn_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* An output of so many bytes is written past the caches, which could not keep it anyway: else every
 * line of it would be read before it is written. */
enum { SG_DNN_STREAM_BYTES = 16 << 20 };

/* ---- channels.c ---- */

enum { SG_DNN_CHUNK = 64 };

/* At most SG_DNN_CHUNK channels that lie side by side: a block of the layout, or a part of it. The
 * last chunk of a padded layout also owns the padding behind it. */
typedef struct sg_dnn_chunk {
    int64_t first, count, padding;
} sg_dnn_chunk;
int64_t sg_dnn_view_offset(const sg_dnn_view *v, int64_t n, int64_t c);
int64_t sg_dnn_chunk_count(const sg_dnn_view *v);
sg_dnn_chunk sg_dnn_chunk_at(const sg_dnn_view *v, int64_t i);
void sg_dnn_zero_padding(float *data, const sg_dnn_view *v, int64_t n, sg_dnn_chunk at);

/* A column: at each of `rows` places, `stride` elements apart, `width` elements side by side. They
 * are `lanes` channels from `channel` on and the padding behind them, or pixels of the one channel.
 */
typedef struct sg_dnn_column {
    int64_t offset, rows, stride, channel;
    int width, lanes; /* lanes may be 0 */
    bool one_channel;
} sg_dnn_column;
/* sums: two per channel of the chunk, from the column's first channel on; NULL when none are taken.
 */
typedef void (*sg_dnn_visit)(const void *user, const sg_dnn_column *column, double *sums);
/* Visits all columns, at most `lanes` wide, of one chunk of one image, tile by tile, padding
 * included. */
void sg_dnn_walk(const sg_dnn_view *v, int64_t n, sg_dnn_chunk at, int lanes, sg_dnn_visit visit,
        const void *user, double *sums);

/* ---- threads.c ---- */

/* Sets the number of OpenMP threads that the library uses when called from this thread. */
void sg_dnn_threads_set(int threads);
/* Cuts [0, n) into one piece per thread, borders at multiples of `grain`; the same pieces each
 * time. */
void sg_dnn_parallel(int threads, int64_t n, int64_t grain, sg_backend_body body, const void *user);
int sg_dnn_thread(void); /* number of the calling thread among them, from 0 on */

#endif
