/* augment.c - parameters from a named stream, then plain arithmetic on one plane.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* Every number of the options with its range. */
static const struct field {
    const char *name;
    size_t offset;
    double low, high;
} fields[] = {
        {"rotation_deg", offsetof(sg_augment, rotation_deg), 0.0, 180.0},
        {"scale", offsetof(sg_augment, scale), 1.0, 4.0},
        {"aspect", offsetof(sg_augment, aspect), 1.0, 4.0},
        {"shift", offsetof(sg_augment, shift), 0.0, 1.0},
        {"gain", offsetof(sg_augment, gain), 0.0, 90.0},
        {"contrast", offsetof(sg_augment, contrast), 0.0, 90.0},
        {"gamma", offsetof(sg_augment, gamma), 0.0, 300.0},
        {"speckle", offsetof(sg_augment, speckle), 0.0, 1.0},
        {"cutout", offsetof(sg_augment, cutout), 0.0, 1.0},
        {"mixup_alpha", offsetof(sg_augment, mixup_alpha), 0.0, 10.0},
};

sg_status sg_augment_check(const sg_augment *options, sg_error *err) {
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *f = &fields[i];
        double value;
        memcpy(&value, (const char *)options + f->offset, sizeof value);
        if (!(value >= f->low && value <= f->high))
            return sg_fail(err, SG_ERR_USAGE, "augmentation %s = %g is outside %g..%g", f->name,
                    value, f->low, f->high);
    }
    return SG_OK;
}

/* Log-uniform in [1/limit, limit]; takes one number from the stream whatever the limit, so that
 * switching one thing off leaves the others as they were. */
static double draw_factor(sg_rng *rng, double limit) {
    double t = 2.0 * sg_rng_uniform(rng) - 1.0;
    return exp(t * log(limit));
}

static double draw_percent(sg_rng *rng, double percent) {
    return 1.0 + (2.0 * sg_rng_uniform(rng) - 1.0) * percent / 100.0;
}

void sg_augment_draw_sample(sg_augment_draw *out, const sg_augment *options, int size,
        uint64_t seed, uint32_t epoch, uint32_t sample, uint32_t repeat) {
    sg_augment_draw d = {.affine = {1, 0, 0, 0, 1, 0}, .gain = 1, .contrast = 1, .gamma = 1};
    if (!options->on) {
        *out = d;
        return;
    }
    /* A repeat is another seed: the golden ratio's bits scatter neighbours. */
    sg_rng rng = sg_rng_make(seed + repeat * 0x9e3779b97f4a7c15ull, SG_RNG_AUGMENT, epoch, sample);
    d.flip = sg_rng_uniform(&rng) < 0.5 && options->flip;
    double turn = (2.0 * sg_rng_uniform(&rng) - 1.0) * options->rotation_deg * pi / 180.0;
    double scale = draw_factor(&rng, options->scale);
    double stretch = sqrt(draw_factor(&rng, options->aspect));
    double shift_x = (2.0 * sg_rng_uniform(&rng) - 1.0) * options->shift * size;
    double shift_y = (2.0 * sg_rng_uniform(&rng) - 1.0) * options->shift * size;
    d.gain = draw_percent(&rng, options->gain);
    d.contrast = draw_percent(&rng, options->contrast);
    d.gamma = draw_factor(&rng, 1.0 + options->gamma / 100.0);
    d.speckle = options->speckle;
    double cut_x = sg_rng_uniform(&rng), cut_y = sg_rng_uniform(&rng);
    int side = (int)lround(options->cutout * size);
    if (side > 0)
        d.cutout = (sg_rect){(int)floor(cut_x * (size - side + 1)),
                (int)floor(cut_y * (size - side + 1)), side, side};
    d.noise = rng;

    /* Target pixel to source: undo the shift, then turn back, shrink back, mirror. */
    double centre = 0.5 * (size - 1), co = cos(turn), si = sin(turn);
    double across = (d.flip ? -1.0 : 1.0) / (scale * stretch), down = stretch / scale;
    d.affine[0] = across * co;
    d.affine[1] = across * si;
    d.affine[3] = -down * si;
    d.affine[4] = down * co;
    d.affine[2] = centre - d.affine[0] * (centre + shift_x) - d.affine[1] * (centre + shift_y);
    d.affine[5] = centre - d.affine[3] * (centre + shift_x) - d.affine[4] * (centre + shift_y);
    *out = d;
}

static double mean_of_echo(const float *plane, size_t n) {
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)plane[i];
        count += plane[i] > 0.0f;
    }
    return count ? sum / (double)count : 0.0;
}

static float unit(float v) {
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}

void sg_augment_apply(float *plane, int size, const sg_augment_draw *draw) {
    size_t n = (size_t)size * (size_t)size;
    if (draw->gain != 1.0 || draw->contrast != 1.0) { /* v -> a v + b */
        float a = (float)(draw->gain * draw->contrast);
        float b = (float)(mean_of_echo(plane, n) * draw->gain * (1.0 - draw->contrast));
        for (size_t i = 0; i < n; i++) {
            float lit =
                    10.0f * plane[i]; /* the offset fades in, so that 0 stays 0 without a step */
            plane[i] = unit(a * plane[i] + b * (lit < 1.0f ? lit : 1.0f));
        }
    }
    if (draw->gamma != 1.0) {
        float gamma = (float)draw->gamma;
        for (size_t i = 0; i < n; i++) plane[i] = powf(plane[i], gamma);
    }
    if (draw->speckle > 0.0) {
        sg_rng rng = draw->noise;
        for (size_t i = 0; i < n; i++)
            plane[i] = unit(plane[i] * (float)(1.0 + draw->speckle * sg_rng_normal(&rng)));
    }
    const sg_rect *cut = &draw->cutout;
    for (int y = cut->y; y < cut->y + cut->height; y++)
        memset(plane + (size_t)y * (size_t)size + (size_t)cut->x, 0,
                (size_t)cut->width * sizeof *plane);
}

/* Gamma(shape, 1): Marsaglia and Tsang 2000, "A simple method for generating gamma variables";
 * shape < 1 through Gamma(shape + 1) * U^(1/shape). */
static double draw_gamma(sg_rng *rng, double shape) {
    double boost = 1.0;
    if (shape < 1.0) {
        boost = pow(1.0 - sg_rng_uniform(rng), 1.0 / shape);
        shape += 1.0;
    }
    double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = sg_rng_normal(rng), v = 1.0 + c * x;
        if (v <= 0.0) continue;
        v = v * v * v;
        if (log(1.0 - sg_rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return boost * d * v;
    }
}

static double draw_share(sg_rng *rng, double alpha) {
    double a = draw_gamma(rng, alpha), b = draw_gamma(rng, alpha);
    double share = a + b > 0.0 ? a / (a + b) : 1.0;
    return share < 0.5 ? 1.0 - share : share;
}

void sg_augment_draw_mixup(float *share, int *partner, int n, double alpha, uint64_t seed,
        uint32_t epoch, uint32_t batch) {
    for (int i = 0; i < n; i++) {
        share[i] = 1.0f;
        partner[i] = i;
    }
    if (alpha <= 0.0) return;
    sg_rng rng = sg_rng_make(seed, SG_RNG_MIXUP, epoch, batch);
    for (int i = n; i > 1; i--) {
        int j = (int)sg_rng_below(&rng, (uint32_t)i), kept = partner[i - 1];
        partner[i - 1] = partner[j];
        partner[j] = kept;
    }
    for (int i = 0; i < n; i++) share[i] = (float)draw_share(&rng, alpha);
}
