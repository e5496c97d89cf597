/* phantom_beam.c - from tissue to B-mode. The received signal is the convolution of random
 * scatterers with the point-spread function of the system (Bamber and Dickinson 1980), here in
 * baseband: scatterers have random phase, so the pulse's carrier drops out and its envelope, a
 * Gaussian along and across the beam, remains. The envelope of a sum of many random phasors is
 * Rayleigh distributed: fully developed speckle (Wagner et al. 1983).
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"
#include "image/resize.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_RADIUS = 64, LOOKS = 3 };

/* One scanner setting. */
typedef struct setting {
    float focus;         /* mm: depth of the narrowest beam */
    float waist;         /* mm: sd of the beam at the focus */
    float field;         /* mm: depth over which it widens by sqrt 2 */
    float pulse;         /* mm: sd of the pulse near the skin */
    float tgc;           /* dB/mm given back by time-gain compensation */
    float knobs[8];      /* dB: the TGC sliders, along depth */
    float gain;          /* dB */
    float dynamic_range; /* dB */
    float noise;         /* dB: receiver noise at the skin, before TGC lifts it */
    float haze;          /* dB: reverberation near the skin */
    float gamma;
} setting;

static setting draw_setting(const sg_scene *scene, sg_rng *rng) {
    setting s;
    s.focus = (float)sg_rng_between(rng, 0.3, 0.7) * scene->depth;
    s.waist = (float)sg_rng_between(rng, 0.16, 0.24);
    s.field = (float)sg_rng_between(rng, 9.0, 15.0);
    s.pulse = (float)sg_rng_between(rng, 0.07, 0.11);
    s.tgc = (float)sg_rng_between(rng, 1.05, 1.35);
    for (int i = 0; i < 8; i++) s.knobs[i] = (float)sg_rng_between(rng, -3.0, 3.0);
    s.gain = (float)sg_rng_between(rng, -4.0, 6.0);
    s.dynamic_range = (float)sg_rng_between(rng, 50.0, 66.0);
    s.noise = (float)sg_rng_between(rng, -66.0, -54.0);
    s.haze = (float)sg_rng_between(rng, -34.0, -24.0);
    s.gamma = (float)sg_rng_between(rng, 0.9, 1.25);
    return s;
}

/* Level that reaches and returns from each sample, in dB, added to its echo: attenuation summed
 * down each line. Shadows soften with depth because the beam is wider than a line; mixing each
 * step's running sum with its neighbours does that. */
static void attenuate(float *level, const sg_scene *scene, const setting *s) {
    int lines = scene->lines;
    float dz = scene->depth / (float)scene->samples;
    float dx = scene->width / (float)lines;
    float mix = 0.5f * (s->waist * s->waist * 0.35f) / (dx * dx) * dz;
    if (mix > 0.25f) mix = 0.25f;
    for (int z = 0; z < scene->samples; z++) {
        const float *above = z ? level + (size_t)(z - 1) * (size_t)lines : NULL;
        const float *alpha = scene->attenuation + (size_t)z * (size_t)lines;
        float *row = level + (size_t)z * (size_t)lines;
        for (int x = 0; x < lines; x++) {
            float sum = 0.0f;
            if (above) {
                float left = above[x ? x - 1 : x], right = above[x + 1 < lines ? x + 1 : x];
                sum = above[x] + mix * (left + right - 2.0f * above[x]);
            }
            row[x] = sum + dz * (s->tgc - alpha[x]);
        }
    }
}

static int gauss(float kernel[2 * MAX_RADIUS + 1], float sd) {
    int radius = (int)ceilf(2.6f * sd);
    if (radius > MAX_RADIUS) radius = MAX_RADIUS;
    float energy = 0.0f;
    for (int i = -radius; i <= radius; i++) {
        float t = (float)i / (sd > 0.05f ? sd : 0.05f);
        float v = expf(-0.5f * t * t);
        kernel[i + radius] = v;
        energy += v * v;
    }
    /* Unit energy keeps the power of random phasors, so echo levels survive the filter. */
    float scale = 1.0f / sqrtf(energy);
    for (int i = 0; i <= 2 * radius; i++) kernel[i] *= scale;
    return radius;
}

/* Scatterers of one look: a phasor uniform in the square, of unit power, times the amplitude. */
static void scatter(float *re, float *im, const float *amplitude, size_t n, sg_rng *rng) {
    const float unit = 1.2247449f / 32768.0f; /* sqrt(3/2): power 1/2 in each part */
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = sg_rng_u32(rng);
        re[i] = amplitude[i] * unit * (float)((int32_t)(bits & 0xffff) - 32768);
        im[i] = amplitude[i] * unit * (float)((int32_t)(bits >> 16) - 32768);
    }
}

static float beam_sd(const sg_scene *scene, const setting *s, int z) {
    float off = (sg_scene_z(scene, z) - s->focus) / s->field;
    return s->waist * sqrtf(1.0f + off * off);
}

/* Across the beam: a kernel of its own for each depth. */
static void filter_lateral(float *plane, float *padded, const sg_scene *scene, const setting *s) {
    int lines = scene->lines;
    float kernel[2 * MAX_RADIUS + 1];
    for (int z = 0; z < scene->samples; z++) {
        float *row = plane + (size_t)z * (size_t)lines;
        int radius = gauss(kernel, beam_sd(scene, s, z) * (float)lines / scene->width);
        for (int i = -radius; i < lines + radius; i++) {
            int mirrored = i < 0 ? -i - 1 : i >= lines ? 2 * lines - 1 - i : i;
            padded[i + radius] = row[mirrored < 0 ? 0 : mirrored >= lines ? lines - 1 : mirrored];
        }
        for (int x = 0; x < lines; x++) row[x] = 0.0f;
        for (int k = 0; k <= 2 * radius; k++)
            for (int x = 0; x < lines; x++) row[x] += kernel[k] * padded[x + k];
    }
}

/* Along the beam: the pulse lengthens with depth, as high frequencies are absorbed first. */
static void filter_axial(float *out, const float *in, const sg_scene *scene, const setting *s) {
    int lines = scene->lines, samples = scene->samples;
    float kernel[2 * MAX_RADIUS + 1];
    for (int z = 0; z < samples; z++) {
        float stretch = 1.0f + 0.5f * (float)z / (float)samples;
        int radius = gauss(kernel, s->pulse * stretch * (float)samples / scene->depth);
        float *row = out + (size_t)z * (size_t)lines;
        for (int x = 0; x < lines; x++) row[x] = 0.0f;
        for (int k = -radius; k <= radius; k++) {
            int from = z + k < 0 ? 0 : z + k >= samples ? samples - 1 : z + k;
            const float *src = in + (size_t)from * (size_t)lines;
            for (int x = 0; x < lines; x++) row[x] += kernel[k + radius] * src[x];
        }
    }
}

/* Amplitude of the scatterers: echo and level, plus what is there without an echo: haze from
 * reverberation, fading with depth, and receiver noise, lifted by TGC. */
static void weigh(float *amplitude, const sg_scene *scene, const float *level, const setting *s) {
    int lines = scene->lines;
    for (int z = 0; z < scene->samples; z++) {
        float depth = sg_scene_z(scene, z);
        float floor_power = powf(10.0f, (s->haze - 1.1f * depth) / 10.0f) +
                            powf(10.0f, (s->noise + s->tgc * depth) / 10.0f);
        for (int x = 0; x < lines; x++) {
            size_t i = (size_t)z * (size_t)lines + (size_t)x;
            float power = expf((scene->echo[i] + level[i]) * 0.23025851f);
            amplitude[i] = sqrtf(power + floor_power);
        }
    }
}

/* Incoherent smoothing after detection, 1-2-1 across and along, as scanners do against speckle. */
static void smooth(float *power, float *scratch, const sg_scene *scene) {
    int lines = scene->lines, samples = scene->samples;
    for (int z = 0; z < samples; z++) {
        const float *row = power + (size_t)z * (size_t)lines;
        float *to = scratch + (size_t)z * (size_t)lines;
        to[0] = row[0];
        to[lines - 1] = row[lines - 1];
        for (int x = 1; x + 1 < lines; x++)
            to[x] = 0.25f * (row[x - 1] + row[x + 1]) + 0.5f * row[x];
    }
    for (int z = 1; z + 1 < samples; z++) {
        const float *at = scratch + (size_t)z * (size_t)lines;
        float *to = power + (size_t)z * (size_t)lines;
        for (int x = 0; x < lines; x++)
            to[x] = 0.25f * (at[x - lines] + at[x + lines]) + 0.5f * at[x];
    }
}

/* Envelope power to grey levels 0..255 in place. */
static void compress(sg_plane *plane, const sg_scene *scene, const setting *s) {
    int lines = scene->lines;
    for (int z = 0; z < scene->samples; z++) {
        float at = (float)z / (float)scene->samples * 7.0f;
        int knob = (int)at;
        float part = at - (float)knob;
        float slider = s->knobs[knob] + part * (s->knobs[knob + 1] - s->knobs[knob]);
        float *row = plane->values + (size_t)z * (size_t)lines;
        for (int x = 0; x < lines; x++) {
            float db = 4.3429448f * logf(row[x] + 1e-9f) + s->gain + slider;
            float v = 0.55f + db / s->dynamic_range;
            v = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
            row[x] = 255.0f * powf(v, s->gamma);
        }
    }
}

sg_status sg_beam_form(sg_image *out, const sg_scene *scene, int size, sg_rng *speckle,
        sg_rng *scanner, sg_error *err) {
    setting s = draw_setting(scene, scanner);
    size_t n = (size_t)scene->lines * (size_t)scene->samples;
    size_t line_room = (size_t)scene->lines + 2 * MAX_RADIUS;
    sg_plane envelope = {0}, scan = {0};
    float *memory = malloc((5 * n + line_room) * sizeof(float));
    if (!memory)
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a phantom of %d pixels", size);
    float *level = memory, *amplitude = level + n, *re = amplitude + n, *im = re + n;
    float *filtered = im + n, *padded = filtered + n;

    sg_status status = sg_plane_create(&envelope, scene->lines, scene->samples, err);
    if (status) goto done;
    attenuate(level, scene, &s);
    weigh(amplitude, scene, level, &s);
    for (int look = 0; look < LOOKS; look++) { /* compounding averages looks in power */
        float *parts[2] = {re, im};
        scatter(re, im, amplitude, n, speckle);
        for (int p = 0; p < 2; p++) {
            filter_lateral(parts[p], padded, scene, &s);
            filter_axial(filtered, parts[p], scene, &s);
            for (size_t i = 0; i < n; i++)
                envelope.values[i] += filtered[i] * filtered[i] * (1.0f / LOOKS);
        }
    }
    smooth(envelope.values, filtered, scene);
    compress(&envelope, scene, &s);
    status = sg_resize_plane(&scan, &envelope, size, size, SG_RESIZE_BILINEAR, err);
    if (!status) status = sg_image_from_plane(out, &scan, err);
done:
    sg_plane_dispose(&envelope);
    sg_plane_dispose(&scan);
    free(memory);
    return status;
}
