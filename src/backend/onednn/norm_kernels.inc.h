/* norm_kernels.inc.h - see norm_kernels.h. Template over NORM_LANES: the file that includes it says
 * how many lanes a vector has and what the table of visits is called (NORM_VISITS). A kernel is
 * written once for any width of a column and any bound of the output; the visits at the end call it
 * with these as constants, which makes loads and stores whole vectors and leaves no question inside
 * a loop. SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/norm_kernels.h"
#include <math.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

typedef float lanes __attribute__((vector_size(4 * NORM_LANES)));
typedef uint32_t lane_bits __attribute__((vector_size(4 * NORM_LANES)));

typedef enum bound { OPEN, RECTIFIED, CLIPPED } bound;

static bound bound_of(const sg_norm_job *job) {
    return !job->relu ? OPEN : job->most == INFINITY ? RECTIFIED : CLIPPED;
}

SG_DNN_INLINE void load(lanes *out, const float *from, int count) {
    lanes v = {0};
    memcpy(&v, from, (size_t)count * sizeof *from);
    *out = v;
}

SG_DNN_INLINE void store(float *to, const lanes *v, int count) {
    memcpy(to, v, (size_t)count * sizeof *to);
}

/* A whole line past the caches. Four of the stores that every x86-64 has become one. */
SG_DNN_INLINE void stream(float *to, const lanes *v) {
#if defined(__SSE__)
    union {
        lanes all;
        __m128 quarter[NORM_LANES / 4];
    } line = {*v};
    for (int i = 0; i < NORM_LANES / 4; i++) _mm_stream_ps(to + 4 * i, line.quarter[i]);
#else
    store(to, v, NORM_LANES);
#endif
}

SG_DNN_INLINE void load_coefficients(lanes *out, const float *from, const sg_dnn_column *column) {
    if (column->lanes == NORM_LANES && !column->one_channel) {
        load(out, from + column->channel, NORM_LANES);
        return;
    }
    *out = (lanes){0};
    for (int i = 0; i < column->lanes; i++)
        (*out)[i] = from[column->channel + (column->one_channel ? 0 : i)];
}

/* ---- sums ---- */

/* Several rows side by side: one sum alone would wait for its own last addition. */
enum { STRANDS = 4 };

typedef struct strands {
    lanes first[STRANDS], second[STRANDS];
} strands;

SG_DNN_INLINE void add_strands(double *sums, const sg_dnn_column *column, const strands *s) {
    lanes first = (s->first[0] + s->first[1]) + (s->first[2] + s->first[3]);
    lanes second = (s->second[0] + s->second[1]) + (s->second[2] + s->second[3]);
    for (int i = 0; i < column->lanes; i++) {
        double *to = sums + (column->one_channel ? 0 : 2 * i);
        to[0] += first[i];
        to[1] += second[i];
    }
}

SG_DNN_INLINE void moments(
        const sg_norm_job *job, const sg_dnn_column *column, int count, double *sums) {
    const float *x = job->x + column->offset;
    int64_t stride = column->stride, whole = column->rows / STRANDS * STRANDS;
    lanes mean, v;
    strands s = {0};
    load_coefficients(&mean, job->mean, column);
    for (int64_t r = 0; r < whole; r += STRANDS)
        for (int k = 0; k < STRANDS; k++) {
            load(&v, x + (r + k) * stride, count);
            v -= mean;
            s.first[k] += v;
            s.second[k] += v * v;
        }
    for (int64_t r = whole; r < column->rows; r++) {
        load(&v, x + r * stride, count);
        v -= mean;
        s.first[0] += v;
        s.second[0] += v * v;
    }
    add_strands(sums, column, &s);
}

/* ---- forward ---- */

/* y = min(max(y, 0), most). (y + |y|) / 2 is max(y, 0) and lets NaN pass. Of positive numbers the
 * bits are ordered as the numbers are, so the rest is the sign of a difference: compilers turn all
 * this into vectors of any width, unlike comparisons. */
SG_DNN_INLINE void clamp(lanes *y, const lanes *most, bound b) {
    if (b == OPEN) return;
    *y = (*y + (lanes)((lane_bits)*y & 0x7FFFFFFFu)) * 0.5f;
    if (b == RECTIFIED) return;
    lane_bits above = -(((lane_bits)*most - (lane_bits)*y) >> 31);
    *y = (lanes)(((lane_bits)*most & above) | ((lane_bits)*y & ~above));
}

SG_DNN_INLINE void normalise(const sg_norm_job *job, const sg_dnn_column *column, int count,
        bound b, bool sum, bool past) {
    const float *x = job->x + column->offset, *summand = sum ? job->summand + column->offset : NULL;
    float *out = job->out + column->offset;
    int64_t stride = column->stride, rows = column->rows;
    lanes mean, scale, beta, most = job->most - (lanes){0};
    load_coefficients(&mean, job->mean, column);
    load_coefficients(&scale, job->scale, column);
    load_coefficients(&beta, job->beta, column);
    for (int64_t at = 0; at < rows * stride; at += stride) {
        lanes v, other;
        load(&v, x + at, count);
        v = (v - mean) * scale + beta;
        if (sum) {
            load(&other, summand + at, count);
            v += other;
        }
        clamp(&v, &most, b);
        if (past)
            stream(out + at, &v);
        else
            store(out + at, &v, count);
    }
}

/* ---- backward ---- */

/* g where 0 < y < most, else 0: again by the signs of differences. */
SG_DNN_INLINE void mask(lanes *g, const lanes *value, const lanes *most) {
    lane_bits y = (lane_bits)*value, limit = (lane_bits)*most;
    *g = (lanes)((lane_bits)*g & -((~y & -y & (y - limit)) >> 31));
}

/* How dy becomes g: as it is, by the sign of the normalised value, or by that of the output. */
typedef enum masking { FREE, BY_VALUE, BY_OUTPUT } masking;

/* What the gradient of a column is made of. */
typedef struct gradient_column {
    lanes mean, scale, beta, most;
    lanes share; /* of a pixel in what is spread */
    const float *x, *dy, *part, *y;
    float *passed;
} gradient_column;

SG_DNN_INLINE void load_all(gradient_column *c, const sg_norm_job *job, const sg_dnn_column *column,
        masking m, sg_diff_part part) {
    *c = (gradient_column){.x = job->x + column->offset, .dy = job->dy + column->offset};
    if (m == BY_OUTPUT) {
        c->y = job->y + column->offset;
        c->passed = job->passed + column->offset;
    }
    if (part == SG_DIFF_WHOLE) c->part = job->part + column->offset;
    if (part == SG_DIFF_SPREAD) {
        load_coefficients(&c->share, job->part, column);
        c->share /= (float)job->view.spatial - (lanes){0};
    }
    load_coefficients(&c->mean, job->mean, column);
    load_coefficients(&c->scale, job->scale, column);
    if (m == BY_VALUE) load_coefficients(&c->beta, job->beta, column);
    c->most = job->most - (lanes){0};
}

/* x - mean, and g as the ReLU lets it pass. */
SG_DNN_INLINE void load_gradient(lanes *g, lanes *centred, const gradient_column *c, int64_t at,
        int count, masking m, sg_diff_part part) {
    lanes other;
    load(centred, c->x + at, count);
    load(g, c->dy + at, count);
    *centred -= c->mean;
    if (part == SG_DIFF_WHOLE) {
        load(&other, c->part + at, count);
        *g += other;
    }
    if (part == SG_DIFF_SPREAD) *g += c->share;
    if (m == FREE) return;
    lanes value = *centred * c->scale + c->beta;
    if (m == BY_OUTPUT) load(&value, c->y + at, count);
    mask(g, &value, &c->most);
    if (m == BY_OUTPUT) store(c->passed + at, g, count);
}

SG_DNN_INLINE void gradient_sums(const sg_norm_job *job, const sg_dnn_column *column, int count,
        masking m, sg_diff_part part, double *sums) {
    int64_t stride = column->stride, whole = column->rows / STRANDS * STRANDS;
    lanes v, g;
    gradient_column c;
    strands s = {0};
    load_all(&c, job, column, m, part);
    for (int64_t r = 0; r < whole; r += STRANDS)
        for (int k = 0; k < STRANDS; k++) {
            load_gradient(&g, &v, &c, (r + k) * stride, count, m, part);
            s.first[k] += g;
            s.second[k] += g * v;
        }
    for (int64_t r = whole; r < column->rows; r++) {
        load_gradient(&g, &v, &c, r * stride, count, m, part);
        s.first[0] += g;
        s.second[0] += g * v;
    }
    add_strands(sums, column, &s);
}

SG_DNN_INLINE void gradient(const sg_norm_job *job, const sg_dnn_column *column, int count,
        masking m, sg_diff_part part) {
    float *out = job->out + column->offset;
    int64_t stride = column->stride, rows = column->rows;
    lanes slope, offset, v, g;
    gradient_column c;
    load_all(&c, job, column, m, part);
    load_coefficients(&slope, job->slope, column);
    load_coefficients(&offset, job->offset, column);
    for (int64_t at = 0; at < rows * stride; at += stride) {
        load_gradient(&g, &v, &c, at, count, m, part);
        v = c.scale * g + slope * v + offset;
        store(out + at, &v, count);
    }
}

/* ---- visits: every question answered before the loop ---- */

SG_WIDE static void visit_moments(const void *user, const sg_dnn_column *column, double *sums) {
    if (column->width == NORM_LANES)
        moments(user, column, NORM_LANES, sums);
    else
        moments(user, column, column->width, sums);
}

SG_DNN_INLINE void normalise_bound(
        const sg_norm_job *job, const sg_dnn_column *column, int count, bound b, bool past) {
    if (job->summand)
        normalise(job, column, count, b, true, past);
    else
        normalise(job, column, count, b, false, past);
}

SG_DNN_INLINE void normalise_lanes(
        const sg_norm_job *job, const sg_dnn_column *column, int count, bool past) {
    bound b = bound_of(job);
    if (b == OPEN)
        normalise_bound(job, column, count, OPEN, past);
    else if (b == RECTIFIED)
        normalise_bound(job, column, count, RECTIFIED, past);
    else
        normalise_bound(job, column, count, CLIPPED, past);
}

SG_WIDE static void visit_normalise(const void *user, const sg_dnn_column *column, double *sums) {
    const sg_norm_job *job = user;
    (void)sums;
    if (job->stream && column->width == NORM_LANES)
        normalise_lanes(job, column, NORM_LANES, true);
    else if (column->width == NORM_LANES)
        normalise_lanes(job, column, NORM_LANES, false);
    else
        normalise_lanes(job, column, column->width, false);
}

static sg_diff_part part_of(const sg_norm_job *job) {
    return !job->part ? SG_DIFF_NONE : job->spread ? SG_DIFF_SPREAD : SG_DIFF_WHOLE;
}

SG_DNN_INLINE void gradient_sums_masked(
        const sg_norm_job *job, const sg_dnn_column *column, int count, masking m, double *sums) {
    sg_diff_part part = part_of(job);
    if (part == SG_DIFF_NONE)
        gradient_sums(job, column, count, m, SG_DIFF_NONE, sums);
    else if (part == SG_DIFF_WHOLE)
        gradient_sums(job, column, count, m, SG_DIFF_WHOLE, sums);
    else
        gradient_sums(job, column, count, m, SG_DIFF_SPREAD, sums);
}

SG_DNN_INLINE void gradient_sums_lanes(
        const sg_norm_job *job, const sg_dnn_column *column, int count, double *sums) {
    if (!job->relu)
        gradient_sums_masked(job, column, count, FREE, sums);
    else if (!job->y)
        gradient_sums_masked(job, column, count, BY_VALUE, sums);
    else
        gradient_sums_masked(job, column, count, BY_OUTPUT, sums);
}

SG_WIDE static void visit_gradient_sums(
        const void *user, const sg_dnn_column *column, double *sums) {
    if (column->width == NORM_LANES)
        gradient_sums_lanes(user, column, NORM_LANES, sums);
    else
        gradient_sums_lanes(user, column, column->width, sums);
}

SG_DNN_INLINE void gradient_masked(
        const sg_norm_job *job, const sg_dnn_column *column, int count, masking m) {
    sg_diff_part part = part_of(job);
    if (part == SG_DIFF_NONE)
        gradient(job, column, count, m, SG_DIFF_NONE);
    else if (part == SG_DIFF_WHOLE)
        gradient(job, column, count, m, SG_DIFF_WHOLE);
    else
        gradient(job, column, count, m, SG_DIFF_SPREAD);
}

SG_DNN_INLINE void gradient_lanes(const sg_norm_job *job, const sg_dnn_column *column, int count) {
    if (job->relu)
        gradient_masked(job, column, count, BY_VALUE);
    else
        gradient_masked(job, column, count, FREE);
}

SG_WIDE static void visit_gradient(const void *user, const sg_dnn_column *column, double *sums) {
    (void)sums;
    if (column->width == NORM_LANES)
        gradient_lanes(user, column, NORM_LANES);
    else
        gradient_lanes(user, column, column->width);
}

const sg_norm_visits NORM_VISITS = {
        visit_moments, visit_normalise, visit_gradient_sums, visit_gradient};
