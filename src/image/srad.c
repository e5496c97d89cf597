/* srad.c - speckle reducing anisotropic diffusion by explicit steps. The working copy has one
 * column more on either side that repeats the border, so that the inner loops have no cases; rows
 * beyond the border are the border's own. Equation numbers are those of Yu and Acton 2002.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/srad.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 16, TILE_STEP = 8, DARKEST = 10, BRIGHTEST = 245 };

/* Without a usable tile (a nearly black image): a mild speckle. */
static const double fallback_scale = 0.2;
static const double least_scale = 1e-3;

/* ---- q0 ---- */

/* Coefficient of variation of one tile; negative when it is too dark, too bright or flat. */
static double tile_variation(const sg_plane *plane, int x0, int y0) {
    double sum = 0, square = 0;
    for (int y = y0; y < y0 + TILE; y++)
        for (int x = x0; x < x0 + TILE; x++) {
            double v = plane->values[(size_t)y * (size_t)plane->width + (size_t)x];
            sum += v;
            square += v * v;
        }
    double n = TILE * TILE, mean = sum / n, variance = square / n - mean * mean;
    if (mean < DARKEST || mean > BRIGHTEST || variance <= 0) return -1;
    return sqrt(variance) / (mean + 1);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double sg_srad_speckle_scale(const sg_plane *plane) {
    if (plane->width < TILE || plane->height < TILE) return fallback_scale;
    size_t most = ((size_t)(plane->width - TILE) / TILE_STEP + 1) *
                  ((size_t)(plane->height - TILE) / TILE_STEP + 1);
    double *found = malloc(most * sizeof *found);
    if (!found) return fallback_scale;
    size_t n = 0;
    for (int y = 0; y + TILE <= plane->height; y += TILE_STEP)
        for (int x = 0; x + TILE <= plane->width; x += TILE_STEP) {
            double variation = tile_variation(plane, x, y);
            if (variation > 0) found[n++] = variation;
        }
    double scale = fallback_scale;
    if (n) {
        qsort(found, n, sizeof *found, compare_doubles);
        scale = found[n / 10];
    }
    free(found);
    return scale > least_scale ? scale : least_scale;
}

/* ---- diffusion ---- */

typedef struct field {
    int width, height;
    size_t stride;    /* width + 2 */
    float *intensity; /* [height][stride], pixel 0 at element 1 */
    float *diffusion; /* same layout: c of equation 33 */
} field;

static float *row_of(float *values, const field *f, int y) {
    y = y < 0 ? 0 : y >= f->height ? f->height - 1 : y;
    return values + (size_t)y * f->stride + 1;
}

static void repeat_border(float *row, int width) {
    row[-1] = row[0];
    row[width] = row[width - 1];
}

/* Equations 31 (q) and 33 (c) for one row, gradients by one-sided differences (55, 56). */
static void diffusion_row(const field *f, int y, float q0_squared) {
    const float *north = row_of(f->intensity, f, y - 1), *here = row_of(f->intensity, f, y);
    const float *south = row_of(f->intensity, f, y + 1);
    float *c = row_of(f->diffusion, f, y);
    float spread = q0_squared * (1.0f + q0_squared);
    for (int x = 0; x < f->width; x++) {
        float v = here[x], inverse = 1.0f / v;
        float n = (north[x] - v) * inverse, s = (south[x] - v) * inverse;
        float w = (here[x - 1] - v) * inverse, e = (here[x + 1] - v) * inverse;
        float gradient = n * n + s * s + w * w + e * e;
        float laplacian = n + s + w + e;
        float base = 1.0f + 0.25f * laplacian;
        float q_squared =
                (0.5f * gradient - 0.0625f * laplacian * laplacian) / (base * base + 1e-12f);
        float value = 1.0f / (1.0f + (q_squared - q0_squared) / spread);
        value = value > 1.0f ? 1.0f : value;
        c[x] = value > 0.0f ? value : q_squared < q0_squared ? 1.0f : 0.0f;
    }
    repeat_border(c, f->width);
}

/* Equations 57, 58: divergence of c times the gradient. Needs the rows' old values, so it writes
 * to `out` (one row). */
static void step_row(float *out, const field *f, int y, float quarter_dt) {
    const float *north = row_of(f->intensity, f, y - 1), *here = row_of(f->intensity, f, y);
    const float *south = row_of(f->intensity, f, y + 1);
    const float *c = row_of(f->diffusion, f, y), *c_south = row_of(f->diffusion, f, y + 1);
    for (int x = 0; x < f->width; x++) {
        float v = here[x];
        float flow = c_south[x] * (south[x] - v) + c[x] * (north[x] - v) +
                     c[x + 1] * (here[x + 1] - v) + c[x] * (here[x - 1] - v);
        out[x] = v + quarter_dt * flow;
    }
}

/* One time step; lines[2] holds two finished rows until the rows above need them no more. */
static void step(field *f, float *const lines[2], float q0_squared, float quarter_dt) {
    for (int y = 0; y < f->height; y++) diffusion_row(f, y, q0_squared);
    size_t bytes = (size_t)f->width * sizeof(float);
    for (int y = 0; y <= f->height; y++) {
        if (y < f->height) step_row(lines[y & 1], f, y, quarter_dt);
        if (y == 0) continue;
        float *done = row_of(f->intensity, f, y - 1);
        memcpy(done, lines[(y - 1) & 1], bytes);
        repeat_border(done, f->width);
    }
}

static sg_status check_options(const sg_srad_options *o, sg_error *err) {
    if (o->iterations < 0 || o->iterations > 1000)
        return sg_fail(err, SG_ERR_USAGE, "SRAD takes 0 to 1000 iterations, not %d", o->iterations);
    if (!(o->dt > 0 && o->dt <= 1))
        return sg_fail(err, SG_ERR_USAGE, "the time step of SRAD lies in 0..1, not %g", o->dt);
    if (!(o->rho >= 0 && o->rho <= 10) || !(o->q0 >= 0 && o->q0 <= 10))
        return sg_fail(
                err, SG_ERR_USAGE, "rho and q0 of SRAD lie in 0..10, not %g and %g", o->rho, o->q0);
    return SG_OK;
}

static void copy_in(field *f, const sg_plane *plane) {
    for (int y = 0; y < f->height; y++) {
        const float *from = plane->values + (size_t)y * (size_t)f->width;
        float *row = row_of(f->intensity, f, y);
        for (int x = 0; x < f->width; x++) row[x] = from[x] + 1.0f;
        repeat_border(row, f->width);
    }
}

static void copy_out(sg_plane *plane, const field *f) {
    for (int y = 0; y < f->height; y++) {
        float *to = plane->values + (size_t)y * (size_t)f->width;
        const float *row = row_of(f->intensity, f, y);
        for (int x = 0; x < f->width; x++) to[x] = row[x] - 1.0f;
    }
}

sg_status sg_srad_apply(sg_plane *plane, const sg_srad_options *options, sg_error *err) {
    sg_status status = check_options(options, err);
    if (status || !options->iterations) return status;
    double q0 = options->q0 > 0 ? options->q0 : sg_srad_speckle_scale(plane);
    field f = {plane->width, plane->height, (size_t)plane->width + 2, NULL, NULL};
    size_t n = f.stride * (size_t)f.height;
    f.intensity = calloc(n, sizeof(float));
    f.diffusion = calloc(n, sizeof(float));
    float *block = malloc(2 * (size_t)f.width * sizeof(float));
    if (!f.intensity || !f.diffusion || !block) {
        status = sg_fail(
                err, SG_ERR_MEMORY, "no memory to despeckle %d x %d pixels", f.width, f.height);
        goto done;
    }
    float *const lines[2] = {block, block + f.width};
    copy_in(&f, plane);
    for (int i = 0; i < options->iterations; i++) {
        double q = q0 * exp(-options->rho * options->dt * i);
        step(&f, lines, (float)(q * q), (float)(options->dt / 4));
    }
    copy_out(plane, &f);
done:
    free(f.intensity);
    free(f.diffusion);
    free(block);
    return status;
}
