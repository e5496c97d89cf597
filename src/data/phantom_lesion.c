/* phantom_lesion.c - cysts, fibroadenomas and carcinomas with the signs of the BI-RADS lexicon:
 * shape, orientation, margin, echo pattern, posterior features, calcifications. Shadow and
 * enhancement are not painted: a lesion only gets its attenuation, and the beam does the rest.
 * Signs overlap between the classes; no single one decides.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ANGLES = 360, SPICULES = 16, CALCIFICATIONS = 24 };
static const float full_turn = 6.28318531f;

typedef struct lesion {
    float x, z, rx, rz, tilt;
    float contour[ANGLES];  /* radius over angle in units of the ellipse's */
    float softness;         /* mm over which inside becomes outside */
    float ragged;           /* mm by which noise moves the margin */
    float echo, texture;    /* dB */
    float attenuation;      /* dB/mm */
    float rim;              /* dB of a thin capsule */
    float halo, halo_width; /* dB and mm of the echogenic border */
    float edge_shadow;      /* dB/mm where a smooth wall is tangential to the beam */
    float debris;           /* share of a cyst, from below, that is not clear */
    int spicules;
    float spicule_angle[SPICULES], spicule_length; /* mm beyond the margin */
    int calcifications;
    float calc_x[CALCIFICATIONS], calc_z[CALCIFICATIONS], calc_radius, calc_echo;
    float calc_attenuation;
    sg_noise noise;
} lesion;

static float between(sg_rng *rng, double low, double high) {
    return (float)sg_rng_between(rng, low, high);
}

static bool chance(sg_rng *rng, double p) {
    return sg_rng_uniform(rng) < p;
}

/* Waves k = low..high around the ellipse, amplitudes falling with k, of the given rms. */
static void wave_contour(lesion *l, sg_rng *rng, int low, int high, float rms) {
    for (int i = 0; i < ANGLES; i++) l->contour[i] = 1.0f;
    float norm = 0.0f;
    for (int k = low; k <= high; k++) norm += 0.5f / ((float)k * (float)k);
    norm = rms / sqrtf(norm);
    for (int k = low; k <= high; k++) {
        float amplitude = norm / (float)k * between(rng, 0.6, 1.4);
        float phase = between(rng, 0.0, full_turn);
        for (int i = 0; i < ANGLES; i++)
            l->contour[i] += amplitude * cosf((float)k * full_turn * (float)i / ANGLES + phase);
    }
    for (int i = 0; i < ANGLES; i++)
        if (l->contour[i] < 0.35f) l->contour[i] = 0.35f;
}

static float wrap_angle(float t) {
    return t - full_turn * floorf(t / full_turn + 0.5f);
}

/* Short tongues of tumour, and the angles of the echogenic strands that go on from them. */
static void add_spicules(lesion *l, sg_rng *rng) {
    l->spicules = 5 + (int)sg_rng_below(rng, SPICULES - 5);
    l->spicule_length = between(rng, 1.5, 5.0);
    float reach = between(rng, 0.10, 0.32), width = between(rng, 0.10, 0.2);
    for (int s = 0; s < l->spicules; s++) {
        float at = ((float)s + between(rng, -0.35, 0.35)) / (float)l->spicules * full_turn;
        float own = reach * between(rng, 0.4, 1.3);
        l->spicule_angle[s] = at;
        for (int i = 0; i < ANGLES; i++) {
            float t = wrap_angle(full_turn * (float)i / ANGLES - at) / width;
            l->contour[i] += own * expf(-t * t);
        }
    }
}

static void add_calcifications(lesion *l, sg_rng *rng, int most, float radius, float attenuation) {
    l->calcifications = most / 3 + (int)sg_rng_below(rng, (uint32_t)(most - most / 3 + 1));
    l->calc_radius = radius;
    l->calc_echo = between(rng, 8.0, 14.0);
    l->calc_attenuation = attenuation;
    float cx = between(rng, -0.3, 0.3), cz = between(rng, -0.3, 0.3);
    for (int i = 0; i < l->calcifications; i++) { /* clustered about one point of the lesion */
        l->calc_x[i] = l->x + l->rx * (cx + 0.28f * (float)sg_rng_normal(rng));
        l->calc_z[i] = l->z + l->rz * (cz + 0.28f * (float)sg_rng_normal(rng));
    }
}

static void draw_cyst(lesion *l, sg_rng *rng, float scale) {
    l->rx = scale * between(rng, 2.2, 8.0);
    l->rz = l->rx * between(rng, 0.5, 0.98);
    wave_contour(l, rng, 2, 4, between(rng, 0.0, 0.045));
    l->softness = 0.15f;
    l->echo = SG_TISSUE_FLUID.echo;
    l->attenuation = SG_TISSUE_FLUID.attenuation;
    if (chance(rng, 0.35)) { /* complicated: low-level echoes */
        l->echo = between(rng, -30.0, -20.0);
        l->attenuation = between(rng, 0.3, 0.7);
        l->debris = between(rng, 0.0, 0.5);
    }
    l->texture = 2.0f;
    l->rim = between(rng, 1.0, 6.0);
    l->edge_shadow = between(rng, 0.3, 1.4);
}

static void draw_fibroadenoma(lesion *l, sg_rng *rng) {
    l->rx = between(rng, 3.2, 9.5);
    l->rz = l->rx * (chance(rng, 0.82) ? between(rng, 0.4, 0.74) : between(rng, 0.74, 1.05));
    bool plain = chance(rng, 0.86);
    wave_contour(
            l, rng, 2, plain ? 4 : 7, plain ? between(rng, 0.0, 0.06) : between(rng, 0.05, 0.1));
    l->softness = plain ? 0.2f : 0.5f;
    l->ragged = plain ? 0.0f : 0.3f;
    l->echo = between(rng, -20.0, -10.0);
    l->texture = between(rng, 1.0, 3.0);
    l->attenuation = chance(rng, 0.88) ? between(rng, 0.9, 1.5) : between(rng, 1.7, 2.6);
    l->rim = between(rng, 0.0, 8.0);
    l->edge_shadow = between(rng, 0.0, 1.0);
    if (chance(rng, 0.1)) add_calcifications(l, rng, 4, between(rng, 0.4, 0.8), 6.0f);
}

static void draw_carcinoma(lesion *l, sg_rng *rng) {
    float radius = between(rng, 2.8, 8.5);
    float ratio = chance(rng, 0.68) ? between(rng, 0.98, 1.6) : between(rng, 0.58, 0.98);
    l->rx = radius / sqrtf(ratio);
    l->rz = radius * sqrtf(ratio);
    bool plain = chance(rng, 0.1); /* circumscribed, as some medullary and mucinous ones are */
    wave_contour(l, rng, 2, 11, plain ? between(rng, 0.04, 0.08) : between(rng, 0.1, 0.2));
    l->softness = plain ? 0.3f : between(rng, 0.4, 1.3);
    l->ragged = plain ? 0.1f : between(rng, 0.4, 1.1);
    if (!plain && chance(rng, 0.62)) add_spicules(l, rng);
    l->echo = between(rng, -20.0, -10.0);
    l->texture = between(rng, 2.5, 6.0);
    l->attenuation = chance(rng, 0.72) ? between(rng, 2.0, 3.6) : between(rng, 1.3, 1.8);
    if (!plain && chance(rng, 0.7)) {
        l->halo = between(rng, 4.0, 10.0);
        l->halo_width = between(rng, 0.7, 2.2);
    }
    if (chance(rng, 0.45))
        add_calcifications(l, rng, CALCIFICATIONS, between(rng, 0.12, 0.2), 1.0f);
}

static void place(lesion *l, const sg_scene *scene, sg_rng *rng) {
    float old_x = l->x, old_z = l->z;
    float side = scene->width > 2.4f * l->rx ? 0.8f * l->rx : 0.45f * scene->width;
    l->x = between(rng, side, scene->width - side);
    int line = (int)(l->x / scene->width * (float)scene->lines);
    if (line >= scene->lines) line = scene->lines - 1;
    float low = scene->top[line] + 0.2f * l->rz, high = scene->bottom[line] - 0.7f * l->rz;
    if (low < l->rz + 1.5f) low = l->rz + 1.5f; /* the skin stays whole */
    if (high < low + 0.5f) high = low + 0.5f;
    l->z = between(rng, low, high);
    l->tilt = between(rng, -0.18, 0.18);
    for (int i = 0; i < l->calcifications; i++) {
        l->calc_x[i] += l->x - old_x;
        l->calc_z[i] += l->z - old_z;
    }
}

/* Signed distance from the margin in mm, about; negative inside. *angle in [0, 2 pi). */
static float distance_from(const lesion *l, float x, float z, float *angle) {
    float dx = x - l->x, dz = z - l->z - l->tilt * dx;
    float u = dx / l->rx, v = dz / l->rz;
    float r = sqrtf(u * u + v * v);
    float turn = atan2f(v, u);
    if (turn < 0.0f) turn += full_turn;
    *angle = turn;
    float at = turn * (ANGLES / full_turn);
    int i = (int)at;
    float part = at - (float)i, low = l->contour[i % ANGLES], high = l->contour[(i + 1) % ANGLES];
    return (r - low - part * (high - low)) * (l->rx < l->rz ? l->rx : l->rz);
}

static float bump(float t) {
    return t * t < 9.0f ? expf(-t * t) : 0.0f;
}

/* Echogenic strands that run on from the spicules into the tissue around. */
static float strands(const lesion *l, float d, float angle) {
    if (d < 0.0f || d > l->spicule_length) return 0.0f;
    float best = 0.0f, mean = 0.5f * (l->rx + l->rz);
    for (int s = 0; s < l->spicules; s++) {
        float across = wrap_angle(angle - l->spicule_angle[s]) * (mean + d);
        float v = bump(across / 0.4f);
        if (v > best) best = v;
    }
    return 6.0f * best * (1.0f - d / l->spicule_length);
}

static void paint_sample(sg_scene *scene, const lesion *l, size_t i, float x, float z) {
    float angle, d = distance_from(l, x, z, &angle);
    if (d > 7.0f) return;
    float edge = d + l->ragged * sg_noise_octaves(&l->noise, x / 1.6f, z / 1.6f, 3) * 1.6f;
    float inside = 1.0f - sg_smoothstep(-l->softness, l->softness, edge);
    float echo = l->echo + l->texture * sg_noise_octaves(&l->noise, x / 1.7f, z / 1.4f, 3);
    if (l->debris > 0.0f) {
        float level = l->z + l->rz * (1.0f - 2.0f * l->debris);
        echo += 12.0f * sg_smoothstep(level - 0.4f, level + 0.4f, z);
    }
    float around = 0.0f;
    if (l->halo > 0.0f && edge > 0.0f) {
        float patchy = 0.75f + 0.5f * sg_noise_at(&l->noise, 3.0f * angle, 2.0f);
        around += l->halo * patchy * bump(edge / l->halo_width);
    }
    if (l->spicules) around += strands(l, d, angle);
    if (l->rim > 0.0f) around += l->rim * bump((d - 0.25f) / 0.3f);
    scene->echo[i] += inside * (echo - scene->echo[i]) + around;
    scene->attenuation[i] += inside * (l->attenuation - scene->attenuation[i]);
    if (l->edge_shadow > 0.0f) { /* refraction at the flanks */
        float flank = fabsf(x - l->x) / l->rx;
        if (flank > 0.85f) scene->attenuation[i] += l->edge_shadow * bump(d / 0.35f);
    }
}

static void paint_calcifications(sg_scene *scene, const lesion *l) {
    float dx = scene->width / (float)scene->lines, dz = scene->depth / (float)scene->samples;
    for (int c = 0; c < l->calcifications; c++) {
        float angle;
        if (distance_from(l, l->calc_x[c], l->calc_z[c], &angle) > -0.3f) continue;
        int line = (int)(l->calc_x[c] / dx), sample = (int)(l->calc_z[c] / dz);
        int reach_x = (int)ceilf(2.0f * l->calc_radius / dx);
        int reach_z = (int)ceilf(2.0f * l->calc_radius / dz);
        for (int s = sample - reach_z; s <= sample + reach_z; s++) {
            for (int k = line - reach_x; k <= line + reach_x; k++) {
                if (s < 0 || s >= scene->samples || k < 0 || k >= scene->lines) continue;
                float u = (sg_scene_x(scene, k) - l->calc_x[c]) / l->calc_radius;
                float v = (sg_scene_z(scene, s) - l->calc_z[c]) / l->calc_radius;
                float there = bump(sqrtf(u * u + v * v));
                size_t i = (size_t)s * (size_t)scene->lines + (size_t)k;
                scene->echo[i] += there * (l->calc_echo - scene->echo[i]);
                scene->attenuation[i] += there * l->calc_attenuation;
            }
        }
    }
}

static void paint(sg_scene *scene, const lesion *l) {
    for (int s = 0; s < scene->samples; s++) {
        float z = sg_scene_z(scene, s);
        if (fabsf(z - l->z) > 2.0f * l->rz + 7.0f) continue;
        for (int line = 0; line < scene->lines; line++)
            paint_sample(scene, l, (size_t)s * (size_t)scene->lines + (size_t)line,
                    sg_scene_x(scene, line), z);
    }
    paint_calcifications(scene, l);
}

static sg_status draw_mask(
        sg_image *out, const sg_scene *scene, const lesion *l, int size, sg_error *err) {
    sg_image mask = {0};
    sg_status status = sg_image_create(&mask, size, size, 1, err);
    if (status) return status;
    if (l) {
        for (int row = 0; row < size; row++) {
            for (int column = 0; column < size; column++) {
                float angle, x = ((float)column + 0.5f) * scene->width / (float)size;
                float z = ((float)row + 0.5f) * scene->depth / (float)size;
                if (distance_from(l, x, z, &angle) < 0.0f)
                    mask.pixels[(size_t)row * (size_t)size + (size_t)column] = 255;
            }
        }
    }
    *out = mask;
    return SG_OK;
}

static sg_status add_lesion(
        sg_scene *scene, sg_phantom *out, const lesion *l, int size, sg_error *err) {
    paint(scene, l);
    sg_status status = draw_mask(&out->masks[out->mask_count], scene, l, size, err);
    if (!status) out->mask_count++;
    return status;
}

/* Whether two lesions would touch. */
static bool overlaps(const lesion *a, const lesion *b) {
    return fabsf(a->x - b->x) < 1.3f * (a->rx + b->rx) &&
           fabsf(a->z - b->z) < 1.3f * (a->rz + b->rz);
}

sg_status sg_lesion_paint(sg_scene *scene, sg_phantom *out, sg_phantom_class c, int size,
        sg_rng *rng, sg_error *err) {
    out->finding = "none";
    if (c == SG_PHANTOM_NORMAL) {
        sg_status status = draw_mask(&out->masks[0], scene, NULL, size, err);
        if (!status) out->mask_count = 1;
        return status;
    }
    lesion *l = calloc(2, sizeof *l);
    if (!l) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a phantom's lesion");
    lesion *second = l + 1;
    sg_noise_init(&l->noise, rng);
    bool cyst = c == SG_PHANTOM_BENIGN && chance(rng, 0.35);
    if (cyst)
        draw_cyst(l, rng, 1.0f);
    else if (c == SG_PHANTOM_BENIGN)
        draw_fibroadenoma(l, rng);
    else
        draw_carcinoma(l, rng);
    out->finding = cyst ? "cyst" : c == SG_PHANTOM_BENIGN ? "fibroadenoma" : "carcinoma";
    place(l, scene, rng);
    sg_status status = add_lesion(scene, out, l, size, err);
    if (!status && cyst && chance(rng, 0.25)) { /* cysts like company */
        memcpy(&second->noise, &l->noise, sizeof second->noise);
        draw_cyst(second, rng, 0.6f);
        place(second, scene, rng);
        if (!overlaps(l, second)) status = add_lesion(scene, out, second, size, err);
    }
    free(l);
    return status;
}
