/* phantom_anatomy.c - the healthy breast: skin, subcutaneous fat with Cooper's ligaments, gland,
 * retromammary fat, pectoral muscle, ribs or pleura; and the things in it that look like lesions
 * and are none. Every class gets all of it, so that only the lesion tells the classes apart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"

#include <math.h>
#include <stdlib.h>

/* Depth of an interface along the lines: a mean, a tilt, and waves. */
typedef struct interface {
    float depth, tilt, wave;
    sg_noise noise;
} interface;

/* What is drawn once per image. */
typedef struct anatomy {
    interface skin, fat, gland, retro, muscle;
    sg_noise fine, septa, gland_body, gland_gaps, fibres;
    float lobule_size; /* mm */
    float streak;      /* dB: how deep the dark gaps in the gland are */
    float gap_share;   /* threshold of the gaps */
    float strands;     /* dB of bright fibrous strands in the gland */
    float fibre_tilt;
    float chest; /* dB of the tissue below the muscle */
    bool pleura;
} anatomy;

static float between(sg_rng *rng, double low, double high) {
    return (float)sg_rng_between(rng, low, high);
}

static bool chance(sg_rng *rng, double p) {
    return sg_rng_uniform(rng) < p;
}

static void draw_interface(interface *f, sg_rng *rng, float depth, float tilt, float wave) {
    f->depth = depth;
    f->tilt = between(rng, -tilt, tilt);
    f->wave = wave;
    sg_noise_init(&f->noise, rng);
}

static float interface_at(const interface *f, const sg_scene *scene, float x) {
    float middle = x / scene->width - 0.5f;
    return f->depth + f->tilt * middle + f->wave * sg_noise_octaves(&f->noise, x / 11.0f, 0.5f, 3);
}

static void draw_anatomy(anatomy *a, sg_scene *scene, sg_rng *rng) {
    scene->depth = between(rng, 30.0, 42.0);
    scene->width = scene->depth * between(rng, 0.95, 1.15);
    float d = scene->depth;
    float skin = between(rng, 1.2, 2.2);
    float fat = skin + d * between(rng, 0.06, 0.24);
    float gland = d * between(rng, 0.58, 0.78);
    float retro = gland + d * between(rng, 0.01, 0.06);
    float muscle = retro + d * between(rng, 0.10, 0.22);
    draw_interface(&a->skin, rng, skin, 0.4f, 0.15f);
    draw_interface(&a->fat, rng, fat, 4.0f, between(rng, 1.0, 3.5));
    draw_interface(&a->gland, rng, gland, 6.0f, between(rng, 0.8, 2.5));
    draw_interface(&a->retro, rng, retro, 6.0f, 1.2f);
    draw_interface(&a->muscle, rng, muscle, 7.0f, 1.8f);
    sg_noise_init(&a->fine, rng);
    sg_noise_init(&a->septa, rng);
    sg_noise_init(&a->gland_body, rng);
    sg_noise_init(&a->gland_gaps, rng);
    sg_noise_init(&a->fibres, rng);
    a->lobule_size = between(rng, 4.0, 8.0);
    a->streak = between(rng, 5.0, 11.0);
    a->gap_share = between(rng, 0.05, 0.35);
    a->strands = between(rng, 3.0, 12.0);
    a->fibre_tilt = between(rng, -0.15, 0.15);
    a->chest = between(rng, -26.0, -12.0);
    a->pleura = chance(rng, 0.5);
}

static float skin_echo(float z, float skin) {
    float entry = 10.0f * expf(-z * z / 0.05f);
    float lower = (z - skin) / 0.22f;
    return SG_TISSUE_SKIN.echo + entry + 7.0f * expf(-lower * lower);
}

static float fat_echo(const anatomy *a, float x, float z) {
    float s = a->lobule_size;
    float bow = 0.8f * sg_noise_at(&a->fibres, x / s, 5.5f);
    float septum = sg_noise_ridge(&a->septa, x / (1.6f * s), (z + bow) / (0.4f * s), 0.05f);
    float shine = 0.5f + 0.5f * sg_noise_octaves(&a->fine, x / 3.0f, z / 1.5f, 2);
    return SG_TISSUE_FAT.echo + 2.5f * sg_noise_octaves(&a->fine, x / 2.0f, z / 1.2f, 2) +
           12.0f * septum * shine;
}

static float gland_echo(const anatomy *a, float x, float z) {
    float body = 5.0f * sg_noise_octaves(&a->gland_body, x / 5.0f, z / 1.6f, 3);
    float sag = a->fibre_tilt * x + 1.2f * sg_noise_at(&a->septa, x / 9.0f, z / 9.0f);
    float strand = sg_noise_ridge(&a->fibres, x / 9.0f, (z - sag) / 1.3f, 0.10f);
    body += a->strands * strand * (0.5f + 0.5f * sg_noise_at(&a->fine, x / 5.0f, z / 3.0f));
    float gap = sg_noise_octaves(&a->gland_gaps, x / 4.5f, z / 1.3f, 3);
    return SG_TISSUE_GLAND.echo + body -
           a->streak * sg_smoothstep(a->gap_share - 0.15f, a->gap_share + 0.2f, gap);
}

static float muscle_echo(const anatomy *a, float x, float z) {
    float fibre = sg_noise_ridge(&a->fibres, x / 14.0f, (z - a->fibre_tilt * x) / 0.9f, 0.12f);
    return SG_TISSUE_MUSCLE.echo + 2.0f * sg_noise_octaves(&a->fine, x / 4.0f, z / 1.0f, 2) +
           11.0f * fibre;
}

/* A bright line of thickness `width` where |distance| is small: fascia reflects specularly. */
static float fascia(float distance, float width, float level) {
    float t = distance / width;
    return t * t < 9.0f ? level * expf(-t * t) : 0.0f;
}

static void paint_layers(sg_scene *scene, const anatomy *a) {
    for (int line = 0; line < scene->lines; line++) {
        float x = sg_scene_x(scene, line);
        float skin = interface_at(&a->skin, scene, x), fat = interface_at(&a->fat, scene, x);
        float gland = interface_at(&a->gland, scene, x), retro = interface_at(&a->retro, scene, x);
        float muscle = interface_at(&a->muscle, scene, x);
        if (fat < skin + 0.5f) fat = skin + 0.5f;
        if (retro < gland + 0.2f) retro = gland + 0.2f;
        if (muscle < retro + 1.5f) muscle = retro + 1.5f;
        scene->top[line] = fat;
        scene->bottom[line] = gland;
        float shine = 0.7f + 0.5f * sg_noise_at(&a->fibres, x / 6.0f, 11.5f);
        for (int sample = 0; sample < scene->samples; sample++) {
            float z = sg_scene_z(scene, sample);
            float echo, alpha;
            if (z < skin + 0.3f) {
                echo = skin_echo(z, skin);
                alpha = SG_TISSUE_SKIN.attenuation;
            } else if (z < fat) {
                echo = fat_echo(a, x, z) + fascia(z - fat, 0.3f, 6.0f * shine);
                alpha = SG_TISSUE_FAT.attenuation;
            } else if (z < gland) {
                echo = gland_echo(a, x, z);
                alpha = SG_TISSUE_GLAND.attenuation;
            } else if (z < retro) {
                echo = fat_echo(a, x, z);
                alpha = SG_TISSUE_FAT.attenuation;
            } else if (z < muscle) {
                echo = muscle_echo(a, x, z) + fascia(z - retro, 0.3f, 11.0f * shine);
                alpha = SG_TISSUE_MUSCLE.attenuation;
            } else {
                float below = z - muscle;
                float echoes = a->pleura ? 5.0f * cosf(below * 2.1f) * expf(-below / 4.0f) : 0.0f;
                echo = a->chest + echoes + fascia(below, 0.35f, (20.0f - a->chest) * shine);
                alpha = 1.6f;
            }
            size_t i = (size_t)sample * (size_t)scene->lines + (size_t)line;
            scene->echo[i] = echo;
            scene->attenuation[i] = alpha;
        }
    }
}

/* Runs over the samples of an ellipse's box, with the normalised radius of each. */
typedef struct ellipse {
    float x, z, rx, rz, tilt;
} ellipse;

static float radius_in(const ellipse *e, float x, float z) {
    float dx = x - e->x, dz = z - e->z - e->tilt * dx;
    dx /= e->rx;
    dz /= e->rz;
    return sqrtf(dx * dx + dz * dz);
}

static ellipse place_in_gland(const sg_scene *scene, sg_rng *rng, float rx, float rz) {
    ellipse e = {.rx = rx, .rz = rz, .tilt = between(rng, -0.25, 0.25)};
    e.x = between(rng, 0.05, 0.95) * scene->width;
    int line = (int)(e.x / scene->width * (float)scene->lines);
    e.z = scene->top[line] + between(rng, 0.0, 1.0) * (scene->bottom[line] - scene->top[line]);
    return e;
}

/* Samples whose depth lies within `reach` of the ellipse. */
static void sample_range(const sg_scene *scene, float z, float reach, int *first, int *last) {
    *first = (int)((z - reach) / scene->depth * (float)scene->samples);
    *last = (int)((z + reach) / scene->depth * (float)scene->samples) + 1;
    if (*first < 0) *first = 0;
    if (*last > scene->samples) *last = scene->samples;
}

/* A fat lobule caught in the gland: isoechoic to fat, often with a septum through it. */
static void paint_lobule(sg_scene *scene, const anatomy *a, sg_rng *rng) {
    float rx = between(rng, 2.0, 6.5), echo = between(rng, -13.5, -8.0);
    ellipse e = place_in_gland(scene, rng, rx, rx * between(rng, 0.35, 0.75));
    float septum_at = between(rng, -0.4, 0.4), rim = between(rng, 0.0, 7.0);
    int first, last;
    sample_range(scene, e.z, 1.4f * e.rx + e.rz, &first, &last);
    for (int s = first; s < last; s++) {
        for (int line = 0; line < scene->lines; line++) {
            float x = sg_scene_x(scene, line), z = sg_scene_z(scene, s);
            float wobble = 0.12f * sg_noise_at(&a->fine, x / 3.0f, z / 3.0f);
            float r = radius_in(&e, x, z) + wobble;
            if (r > 1.3f) continue;
            size_t i = (size_t)s * (size_t)scene->lines + (size_t)line;
            float inside = 1.0f - sg_smoothstep(0.88f, 1.0f, r);
            float septum =
                    fascia((z - e.z) / e.rz - septum_at - 0.2f * (x - e.x) / e.rx, 0.09f, 9.0f);
            float body = echo + 2.0f * sg_noise_octaves(&a->fine, x / 2.0f, z, 2) + septum;
            scene->echo[i] += inside * (body - scene->echo[i]) + fascia(r - 1.0f, 0.09f, rim);
            scene->attenuation[i] += inside * (SG_TISSUE_FAT.attenuation - scene->attenuation[i]);
        }
    }
}

/* A duct: a winding dark tube with brighter walls. A vessel is a short one. */
static void paint_duct(sg_scene *scene, const anatomy *a, sg_rng *rng) {
    ellipse e = place_in_gland(scene, rng, between(rng, 1.5, 8.0), between(rng, 0.3, 0.9));
    float slope = between(rng, -0.5, 0.5), bend = between(rng, 0.0, 1.2), row = between(rng, 0, 31);
    float fluid = between(rng, -26.0, -8.0);
    int first, last;
    sample_range(scene, e.z, 0.5f * e.rx + bend + 3.0f * e.rz, &first, &last);
    for (int s = first; s < last; s++) {
        for (int line = 0; line < scene->lines; line++) {
            float x = sg_scene_x(scene, line), z = sg_scene_z(scene, s);
            float along = (x - e.x) / e.rx;
            if (along * along > 1.0f) continue;
            float centre = e.z + slope * (x - e.x) + bend * sg_noise_at(&a->septa, x / 4.0f, row);
            float half = e.rz * sqrtf(1.0f - along * along);
            float r = fabsf(z - centre) / half;
            if (r > 2.2f) continue;
            size_t i = (size_t)s * (size_t)scene->lines + (size_t)line;
            float inside = 1.0f - sg_smoothstep(0.4f, 1.1f, r);
            scene->echo[i] += inside * (fluid - scene->echo[i]) + fascia(r - 1.25f, 0.3f, 4.0f);
        }
    }
}

/* A shadow with nothing in it: a steep ligament or a nipple's edge takes the beam away. */
static void paint_shadow(sg_scene *scene, sg_rng *rng) {
    float x0 = between(rng, 0.0, 1.0) * scene->width, half = between(rng, 0.6, 3.5);
    float start = between(rng, 1.0, 0.5 * scene->depth), drift = between(rng, -0.12, 0.12);
    float strength = between(rng, 0.3, 1.4), length = between(rng, 4.0, 25.0);
    for (int s = 0; s < scene->samples; s++) {
        float z = sg_scene_z(scene, s);
        if (z < start || z > start + length) continue;
        for (int line = 0; line < scene->lines; line++) {
            float t = (sg_scene_x(scene, line) - x0 - drift * (z - start)) / half;
            if (t * t > 6.0f) continue;
            scene->attenuation[(size_t)s * (size_t)scene->lines + (size_t)line] +=
                    strength * expf(-t * t) * (1.0f - (z - start) / length);
        }
    }
}

/* Poor contact at one end of the probe: lines that send and receive little. */
static void paint_lost_contact(sg_scene *scene, sg_rng *rng) {
    float reach = between(rng, 0.04, 0.2) * scene->width, loss = between(rng, 6.0, 25.0);
    bool right = chance(rng, 0.5);
    int rows = scene->samples / 16 + 1;
    float dz = scene->depth / (float)scene->samples;
    for (int line = 0; line < scene->lines; line++) {
        float x = sg_scene_x(scene, line);
        float lost = 1.0f - sg_smoothstep(0.0f, reach, right ? scene->width - x : x);
        for (int s = 0; s < rows; s++)
            scene->attenuation[(size_t)s * (size_t)scene->lines + (size_t)line] +=
                    lost * loss / ((float)rows * dz);
    }
}

/* A rib: bright curved surface over the chest wall, black behind. */
static void paint_rib(sg_scene *scene, const anatomy *a, sg_rng *rng) {
    ellipse e = {.rx = between(rng, 4.0, 8.0), .tilt = 0.0f};
    e.rz = e.rx * between(rng, 0.35, 0.55);
    e.x = between(rng, 0.0, 1.0) * scene->width;
    e.z = interface_at(&a->muscle, scene, e.x) + 0.7f * e.rz;
    int first, last;
    sample_range(scene, e.z, e.rz + 1.0f, &first, &last);
    for (int s = first; s < last; s++) {
        for (int line = 0; line < scene->lines; line++) {
            float x = sg_scene_x(scene, line), z = sg_scene_z(scene, s);
            float r = radius_in(&e, x, z);
            if (r > 1.2f) continue;
            size_t i = (size_t)s * (size_t)scene->lines + (size_t)line;
            float inside = 1.0f - sg_smoothstep(0.9f, 1.0f, r);
            float surface = z < e.z ? fascia(r - 1.0f, 0.07f, 22.0f) : 0.0f;
            scene->echo[i] += inside * (-14.0f - scene->echo[i]) + surface;
            scene->attenuation[i] += inside * 6.0f;
        }
    }
}

static int count(sg_rng *rng, float clutter, int most) {
    return (int)(sg_rng_uniform(rng) * clutter * (double)(most + 1));
}

sg_status sg_anatomy_paint(sg_scene *scene, float clutter, sg_rng *rng, sg_error *err) {
    anatomy *a = malloc(sizeof *a);
    if (!a) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a phantom's anatomy");
    draw_anatomy(a, scene, rng);
    paint_layers(scene, a);
    int lobules = count(rng, clutter, 6), ducts = count(rng, clutter, 5);
    int shadows = count(rng, clutter, 4);
    for (int i = 0; i < lobules; i++) paint_lobule(scene, a, rng);
    for (int i = 0; i < ducts; i++) paint_duct(scene, a, rng);
    for (int i = 0; i < shadows; i++) paint_shadow(scene, rng);
    if (chance(rng, 0.3)) paint_rib(scene, a, rng);
    if (chance(rng, 0.35)) paint_lost_contact(scene, rng);
    free(a);
    return SG_OK;
}
