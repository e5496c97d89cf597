/* augment.c - see augment.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"
#include <math.h>

static sg_status check(const char *name, double value, double low, double high, sg_error *err) {
    if (value >= low && value <= high) return SG_OK;
    return sg_fail(
            err, SG_ERR_USAGE, "augmentation %s of %g is outside %g to %g", name, value, low, high);
}

sg_status sg_augment_check(const sg_augment *o, sg_error *err) {
    const struct {
        const char *name;
        double value, low, high;
    } fields[] = {
            {"rotation", o->rotation_deg, 0, 180},
            {"scale", o->scale, 1, 4},
            {"aspect", o->aspect, 1, 4},
            {"shift", o->shift, 0, 1},
            {"gain", o->gain, 0, 90},
            {"contrast", o->contrast, 0, 90},
            {"gamma", o->gamma, 0, 300},
            {"speckle", o->speckle, 0, 1},
            {"cutout", o->cutout, 0, 1},
            {"mixup", o->mixup_alpha, 0, 10},
    };
    sg_status st = SG_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && !st; i++)
        st = check(fields[i].name, fields[i].value, fields[i].low, fields[i].high, err);
    return st;
}

/* Uniform in the logarithm between 1/most and most. */
static double log_between(sg_rng *rng, double most) {
    double l = log(most);
    return exp(sg_rng_between(rng, -l, l));
}

/* Augmented pixel to unaugmented pixel: undo the shift, turn, scale and mirror about the centre. */
static void make_affine(double m[6], const sg_augment *o, int size, bool flip, sg_rng *rng) {
    double angle = sg_rng_between(rng, -1, 1) * o->rotation_deg * (M_PI / 180);
    double scale = log_between(rng, o->scale), aspect = sqrt(log_between(rng, o->aspect));
    double shift_x = sg_rng_between(rng, -1, 1) * o->shift * size;
    double shift_y = sg_rng_between(rng, -1, 1) * o->shift * size;
    double sx = (flip ? -1 : 1) / (scale * aspect), sy = aspect / scale;
    double c = cos(angle), s = sin(angle), centre = (size - 1) / 2.0;
    m[0] = sx * c;
    m[1] = sx * s;
    m[3] = -sy * s;
    m[4] = sy * c;
    double x = centre + shift_x, y = centre + shift_y;
    m[2] = centre - (m[0] * x + m[1] * y);
    m[5] = centre - (m[3] * x + m[4] * y);
}

static sg_rect draw_cutout(const sg_augment *o, int size, sg_rng *rng) {
    int side = (int)floor(o->cutout * size + 0.5);
    int x = (int)sg_rng_below(rng, (uint32_t)size), y = (int)sg_rng_below(rng, (uint32_t)size);
    return (sg_rect){x - side / 2, y - side / 2, side, side};
}

/* Every number is drawn whether it is used or not, so that switching one kind off leaves the others
 * as they were. */
void sg_augment_draw_sample(sg_augment_draw *out, const sg_augment *o, int size, uint64_t seed,
        uint32_t epoch, uint32_t sample, uint32_t repeat) {
    uint64_t own = seed ^ ((uint64_t)repeat << 40);
    sg_rng rng = sg_rng_make(own, SG_RNG_AUGMENT, epoch, sample);
    sg_augment_draw d = {.flip = sg_rng_uniform(&rng) < 0.5 && o->flip};
    make_affine(d.affine, o, size, d.flip, &rng);
    d.gain = 1 + sg_rng_between(&rng, -1, 1) * o->gain / 100;
    d.contrast = 1 + sg_rng_between(&rng, -1, 1) * o->contrast / 100;
    d.gamma = log_between(&rng, 1 + o->gamma / 100);
    d.cutout = draw_cutout(o, size, &rng);
    d.speckle = o->speckle;
    d.noise = rng;
    *out = d;
}

static float mean_above_zero(const float *plane, size_t n) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        sum += plane[i];
        count += plane[i] > 0;
    }
    return count ? (float)(sum / (double)count) : 0;
}

static float clamp01(float v) {
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static void change_tone(float *plane, size_t n, const sg_augment_draw *d) {
    if (d->gain == 1 && d->contrast == 1 && d->gamma == 1) return;
    float mean = mean_above_zero(plane, n);
    float factor = (float)(d->gain * d->contrast),
          base = mean * (float)(d->gain - d->gain * d->contrast);
    float gamma = (float)d->gamma;
    for (size_t i = 0; i < n; i++) {
        if (!(plane[i] > 0)) continue;
        float v = clamp01(plane[i] * factor + base);
        plane[i] = gamma == 1 ? v : powf(v, gamma);
    }
}

static void add_speckle(float *plane, size_t n, const sg_augment_draw *d) {
    if (d->speckle <= 0) return;
    sg_rng rng = d->noise;
    for (size_t i = 0; i < n; i++)
        plane[i] = clamp01(plane[i] * (float)(1 + d->speckle * sg_rng_normal(&rng)));
}

static void cut_out(float *plane, int size, sg_rect box) {
    for (int y = box.y < 0 ? 0 : box.y; y < box.y + box.height && y < size; y++)
        for (int x = box.x < 0 ? 0 : box.x; x < box.x + box.width && x < size; x++)
            plane[(size_t)y * (size_t)size + (size_t)x] = 0;
}

void sg_augment_apply(float *plane, int size, const sg_augment_draw *d) {
    size_t n = (size_t)size * (size_t)size;
    change_tone(plane, n, d);
    add_speckle(plane, n, d);
    if (d->cutout.width > 0) cut_out(plane, size, d->cutout);
}

/* Gamma(alpha, 1) by Marsaglia and Tsang (2000), with their boost for alpha below 1. */
static double draw_gamma(sg_rng *rng, double alpha) {
    double boost = 1;
    if (alpha < 1) {
        boost = pow(1 - sg_rng_uniform(rng), 1 / alpha);
        alpha += 1;
    }
    double d = alpha - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = sg_rng_normal(rng), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        if (log(1 - sg_rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v * boost;
    }
}

void sg_augment_draw_mixup(float *share, int *partner, int n, double alpha, uint64_t seed,
        uint32_t epoch, uint32_t batch) {
    sg_rng rng = sg_rng_make(seed, SG_RNG_MIXUP, epoch, batch);
    for (int i = 0; i < n; i++) {
        share[i] = 1;
        partner[i] = i;
        if (alpha <= 0) continue;
        double a = draw_gamma(&rng, alpha), b = draw_gamma(&rng, alpha);
        double lam = a + b > 0 ? a / (a + b) : 1;
        share[i] = (float)(lam < 0.5 ? 1 - lam : lam);
        partner[i] = (int)sg_rng_below(&rng, (uint32_t)n);
    }
}
