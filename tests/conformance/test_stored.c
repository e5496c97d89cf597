/* Numbers stored in 8 bits, on every backend: the fast one against the reference, whose definition
 * is to decode, compute and encode; and the reference against the problem in real numbers. Sums of
 * products of bytes are exact, so the two may differ only where a result lies between two stored
 * numbers: by one step, rarely. SPDX-License-Identifier: Apache-2.0 */

#include "support/check.h"
#include "support/op_lines.h"
#include "support/op_run.h"
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_MOST = 64 };

/* One problem with the scales that its values ask for. */
typedef struct stored_case {
    sg_problem problem;
    sg_quant src, weight, dst, summand;
    float src_scale, weight_scale[CHANNELS_MOST], dst_scale, summand_scale;
    op_values values; /* of.DST: the summand before, the expected real result after */
} stored_case;

static float largest(const double *x, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(x[i]));
    return (float)most;
}

/* src_type SG_U8 makes the source positive, as behind a ReLU. */
static void make_case(stored_case *c, const char *line, sg_dtype src_type, uint64_t seed) {
    sg_error err = SG_ERROR_INIT;
    sg_backend *oracle;
    CHECK_OK(sg_problem_parse(&c->problem, line, &err));
    sg_problem exact = c->problem;
    exact.dtype = SG_F64;
    op_values *v = &c->values;
    CHECK_OK(op_values_create(v, &exact, seed, &err));
    int64_t channels = exact.dst.dims[1], per_channel = v->count[SG_ARG_WEIGHT] / channels;
    for (int64_t i = 0; i < v->count[SG_ARG_SRC0] && src_type == SG_U8; i++)
        v->of[SG_ARG_SRC0][i] = fabs(v->of[SG_ARG_SRC0][i]);
    c->src_scale =
            largest(v->of[SG_ARG_SRC0], v->count[SG_ARG_SRC0]) / (src_type == SG_U8 ? 255 : 127);
    for (int64_t o = 0; o < channels && v->of[SG_ARG_WEIGHT]; o++)
        c->weight_scale[o] = largest(v->of[SG_ARG_WEIGHT] + o * per_channel, per_channel) / 127;
    if (exact.fuse_sum) c->summand_scale = largest(v->of[SG_ARG_DST], v->count[SG_ARG_DST]) / 127;
    CHECK_OK(sg_backend_create(&oracle, "ref", NULL, &err));
    double *summand = NULL;
    size_t bytes = (size_t)v->count[SG_ARG_DST] * sizeof *summand;
    if (exact.fuse_sum) memcpy(summand = malloc(bytes), v->of[SG_ARG_DST], bytes);
    CHECK_OK(op_run(v, oracle, &exact, OP_PLAIN, &err));
    c->dst_scale = largest(v->of[SG_ARG_DST], v->count[SG_ARG_DST]) / (exact.fuse_relu ? 255 : 127);
    free(c->values.of[SG_ARG_MASK]); /* not taken; carries the summand through the test */
    c->values.of[SG_ARG_MASK] = summand;
    c->src = (sg_quant){src_type, 1, &c->src_scale};
    c->weight = (sg_quant){SG_I8, (int)channels, c->weight_scale};
    c->dst = (sg_quant){exact.fuse_relu ? SG_U8 : SG_I8, 1, &c->dst_scale};
    c->summand = (sg_quant){SG_I8, 1, &c->summand_scale};
    sg_backend_destroy(oracle);
}

/* Between plain float32 and a layout of the backend. */
static void move(sg_backend *backend, void *to, const sg_layout *to_layout, const void *from,
        const sg_layout *from_layout) {
    sg_error err = SG_ERROR_INIT;
    sg_problem p = {.op = SG_OP_REORDER, .dtype = SG_F32, .src_count = 1, .dst = to_layout->shape};
    p.src[0] = from_layout->shape;
    sg_wanted wanted = {.arg = {NULL}};
    wanted.arg[SG_ARG_SRC0] = from_layout;
    wanted.arg[SG_ARG_DST] = to_layout;
    sg_primitive *primitive;
    CHECK_OK(sg_primitive_compile(&primitive, backend, &p, &wanted, NULL, &err));
    const sg_layout *scratch = sg_primitive_layout(primitive, SG_ARG_SCRATCH);
    void *args[SG_ARG_COUNT] = {NULL};
    args[SG_ARG_SRC0] = (void *)from;
    args[SG_ARG_DST] = to;
    args[SG_ARG_SCRATCH] = scratch ? aligned_alloc(64, (scratch->bytes + 63) / 64 * 64) : NULL;
    CHECK_OK(sg_primitive_execute(primitive, args, &err));
    free(args[SG_ARG_SCRATCH]);
    sg_primitive_destroy(primitive);
}

static const sg_layout *plain_of(sg_backend *backend, const sg_shape *shape) {
    sg_error err = SG_ERROR_INIT;
    const sg_layout *plain;
    CHECK_OK(backend->ops->plain_layout(&plain, backend, shape, SG_F32, &err));
    return plain;
}

/* A layout for the summand: what the same problem without a sum would leave. NULL = not offered. */
static const sg_layout *summand_layout(sg_backend *backend, const stored_case *c) {
    sg_error err = SG_ERROR_INIT;
    sg_problem p = c->problem;
    p.fuse_sum = false;
    sg_wanted wanted = {.quant = {NULL}};
    wanted.quant[SG_ARG_SRC0] = &c->src;
    wanted.quant[SG_ARG_WEIGHT] = &c->weight;
    wanted.quant[SG_ARG_DST] = &c->summand;
    sg_primitive *primitive;
    sg_status status = sg_primitive_compile(&primitive, backend, &p, &wanted, NULL, &err);
    if (status == SG_ERR_UNSUPPORTED) return NULL;
    CHECK_OK(status);
    const sg_layout *layout = sg_primitive_layout(primitive, SG_ARG_DST);
    sg_primitive_destroy(primitive);
    return layout;
}

static void fill(sg_backend *backend, void *to, const sg_layout *layout, const double *from) {
    const sg_layout *plain = plain_of(backend, &layout->shape);
    int64_t count = sg_shape_count(&layout->shape);
    float *numbers = malloc((size_t)count * sizeof *numbers);
    for (int64_t i = 0; i < count; i++) numbers[i] = (float)from[i];
    move(backend, to, layout, numbers, plain);
    free(numbers);
}

/* The problem with everything stored; the result in real numbers. SG_ERR_UNSUPPORTED passes. */
static sg_status run_case(float *out, sg_backend *backend, const stored_case *c, bool stored_dst) {
    sg_error err = SG_ERROR_INIT;
    sg_wanted wanted = {.quant = {NULL}};
    bool pool = c->problem.op == SG_OP_MAX_POOL;
    sg_primitive *primitive;
    if (pool) {
        sg_problem copy = {.op = SG_OP_CONV, .dtype = SG_F32, .src_count = 1, .kernel = {1, 1}};
        copy.src[0] = copy.dst = c->problem.src[0];
        stored_case shape = *c;
        CHECK_OK(sg_problem_infer(&copy, &err));
        shape.problem = copy;
        shape.summand = c->src;
        float ones[CHANNELS_MOST];
        for (int i = 0; i < CHANNELS_MOST; i++) ones[i] = 1;
        shape.weight = (sg_quant){SG_I8, 1, ones};
        wanted.arg[SG_ARG_SRC0] = summand_layout(backend, &shape);
        if (!wanted.arg[SG_ARG_SRC0]) return SG_ERR_UNSUPPORTED;
    } else {
        wanted.quant[SG_ARG_SRC0] = &c->src;
        wanted.quant[SG_ARG_WEIGHT] = &c->weight;
        if (stored_dst) wanted.quant[SG_ARG_DST] = &c->dst;
        if (c->problem.fuse_sum && !(wanted.arg[SG_ARG_DST] = summand_layout(backend, c)))
            return SG_ERR_UNSUPPORTED;
    }
    sg_status status = sg_primitive_compile(&primitive, backend, &c->problem, &wanted, NULL, &err);
    if (status == SG_ERR_UNSUPPORTED) return status;
    CHECK_OK(status);
    void *args[SG_ARG_COUNT] = {NULL};
    for (int i = 0; i < SG_ARG_COUNT; i++) {
        const sg_layout *layout = sg_primitive_layout(primitive, (sg_arg)i);
        if (!layout) continue;
        args[i] = aligned_alloc(64, (layout->bytes + 63) / 64 * 64);
        if (i == SG_ARG_DST && c->problem.fuse_sum)
            fill(backend, args[i], wanted.arg[SG_ARG_DST], c->values.of[SG_ARG_MASK]);
        else if (i != SG_ARG_DST && i != SG_ARG_SCRATCH)
            fill(backend, args[i], layout, c->values.of[i]);
    }
    CHECK_OK(sg_primitive_execute(primitive, args, &err));
    const sg_layout *dst = sg_primitive_layout(primitive, SG_ARG_DST);
    assert_true(!stored_dst || (dst->quant && dst->dtype == (pool ? c->src : c->dst).dtype));
    move(backend, out, plain_of(backend, &dst->shape), args[SG_ARG_DST], dst);
    for (int i = 0; i < SG_ARG_COUNT; i++) free(args[i]);
    sg_primitive_destroy(primitive);
    return SG_OK;
}

static int check_case(
        sg_backend *fast, sg_backend *ref, const char *line, sg_dtype src, bool stored_dst) {
    stored_case c = {.src_scale = 0};
    make_case(&c, line, src, 7);
    int64_t count = sg_shape_count(&c.problem.dst), apart = 0;
    float *a = malloc((size_t)count * sizeof *a), *b = malloc((size_t)count * sizeof *b);
    double step = stored_dst ? (c.problem.op == SG_OP_MAX_POOL ? c.src_scale : c.dst_scale) : 0;
    double far = 0, error = 0, size = 0;
    assert_int_equal(run_case(b, ref, &c, stored_dst), SG_OK);
    sg_status status = run_case(a, fast, &c, stored_dst);
    for (int64_t i = 0; i < count; i++) {
        double real = c.values.of[SG_ARG_DST][i];
        if (!status) {
            far = fmax(far, fabs((double)a[i] - b[i]));
            apart += fabs((double)a[i] - b[i]) > 1e-4 * largest(c.values.of[SG_ARG_DST], count);
        }
        error += (b[i] - real) * (b[i] - real);
        size += real * real;
    }
    double relative = sqrt(error / size);
    bool wrong = relative > 0.03 || far > step * 1.001 + 1e-4 * c.dst_scale * 255 ||
                 apart > 1 + count / 100;
    if (wrong)
        print_error("FAILED %s (%s source, %s result): step %g, largest distance %g, %lld of %lld "
                    "apart, reference off by %.3f\n",
                line, sg_dtype_name(src), stored_dst ? "stored" : "real", step, far,
                (long long)apart, (long long)count, relative);
    if (status)
        print_message("not offered by the fast backend: %s, %s source\n", line, sg_dtype_name(src));
    free(a);
    free(b);
    op_values_dispose(&c.values);
    return wrong;
}

static void backends_agree_on_stored_numbers(void **state) {
    (void)state;
    static const char *const lines[] = {
            "conv:infer:f32 n2c32h9w9 o32 k3x3 s1x1 p1x1 bias relu",
            "conv:infer:f32 n1c32h10w10 o48 k3x3 s2x2 p1x1 bias",
            "conv:infer:f32 n1c64h7w7 o64 k1x1 s1x1 p0x0 bias relu",
            "conv:infer:f32 n1c64h7w7 o64 k1x1 s1x1 p0x0 bias sum relu",
            "conv:infer:f32 n2c16h8w8 o64 k1x1 s1x1 p0x0 bias sum",
            "conv:infer:f32 n1c64h8w8 o32 k1x1 s2x2 p0x0 bias",
            "conv:infer:f32 n1c3h21w21 o16 k7x7 s2x2 p3x3 bias relu",
            "conv:infer:f32 n1c3h21w21 o17 k3x3 s2x2 p1x1 clip1 bias relu",
            "conv:infer:f32 n1c17h9w9 o24 k3x3 s1x1 p1x1 relu",
            "conv:infer:f32 n1c32h9w9 o32 k3x3 s1x1 p2x2 d2x2 bias relu",
            "conv:infer:f32 n1c32h12w12 o32 k3x3 s1x1 p1x1 g32 clip6 bias relu",
            "conv:infer:f32 n1c32h8w8 o32 k3x3 s1x1 p1x1 g4 bias relu",
            "linear:infer:f32 n2c64 o10 bias",
            "linear:infer:f32 n3c32h3w3 o20 bias relu",
            "max_pool:infer:f32 n1c64h12w12 k3x3 s2x2 p1x1",
    };
    sg_error err = SG_ERROR_INIT;
    sg_backend *fast, *ref;
    int failures = 0;
    CHECK_OK(sg_backend_create(&fast, "onednn", NULL, &err));
    CHECK_OK(sg_backend_create(&ref, "ref", NULL, &err));
    assert_false(ref->ops->quantises(ref));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (int k = 0; k < 4; k++) {
            bool stored_dst = k < 2;
            if (!stored_dst && (strstr(lines[i], "sum") || strstr(lines[i], "pool"))) continue;
            failures += check_case(fast, ref, lines[i], k % 2 ? SG_I8 : SG_U8, stored_dst);
        }
    sg_backend_destroy(fast);
    sg_backend_destroy(ref);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(backends_agree_on_stored_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
