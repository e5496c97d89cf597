/* phantom_scene.c - the scene's memory, its random streams, and the smooth noise that tissue is
 * textured with. SPDX-License-Identifier: Apache-2.0 */
#include "data/phantom_scene.h"

#include <math.h>
#include <stdlib.h>

const sg_tissue SG_TISSUE_SKIN = {2.0f, 1.4f};
const sg_tissue SG_TISSUE_FAT = {-8.0f, 1.1f};
const sg_tissue SG_TISSUE_GLAND = {0.0f, 1.6f};
const sg_tissue SG_TISSUE_MUSCLE = {-10.0f, 1.6f};
const sg_tissue SG_TISSUE_FLUID = {-55.0f, 0.05f};

sg_rng sg_phantom_rng(uint64_t seed, sg_phantom_class c, uint32_t index, sg_phantom_stream stream) {
    return sg_rng_make(seed, SG_RNG_PHANTOM, index, (uint32_t)c << 8 | (uint32_t)stream);
}

void sg_noise_init(sg_noise *noise, sg_rng *rng) {
    for (int i = 0; i < SG_NOISE_SIDE * SG_NOISE_SIDE; i++)
        noise->lattice[i] = (float)sg_rng_between(rng, -1.0, 1.0);
}

float sg_noise_at(const sg_noise *noise, float x, float y) {
    float fx = floorf(x), fy = floorf(y);
    int x0 = (int)fx & (SG_NOISE_SIDE - 1), y0 = (int)fy & (SG_NOISE_SIDE - 1);
    int x1 = (x0 + 1) & (SG_NOISE_SIDE - 1), y1 = (y0 + 1) & (SG_NOISE_SIDE - 1);
    float u = x - fx, v = y - fy;
    u = u * u * (3.0f - 2.0f * u);
    v = v * v * (3.0f - 2.0f * v);
    const float *row0 = noise->lattice + y0 * SG_NOISE_SIDE;
    const float *row1 = noise->lattice + y1 * SG_NOISE_SIDE;
    float top = row0[x0] + u * (row0[x1] - row0[x0]);
    float bottom = row1[x0] + u * (row1[x1] - row1[x0]);
    return top + v * (bottom - top);
}

float sg_noise_octaves(const sg_noise *noise, float x, float y, int octaves) {
    float sum = 0.0f, weight = 1.0f, total = 0.0f;
    for (int i = 0; i < octaves; i++) {
        sum += weight * sg_noise_at(noise, x + 7.3f * (float)i, y + 3.9f * (float)i);
        total += weight;
        weight *= 0.55f;
        x *= 2.03f;
        y *= 2.03f;
    }
    return sum / total;
}

float sg_noise_ridge(const sg_noise *noise, float x, float y, float width) {
    float t = sg_noise_octaves(noise, x, y, 2) / width;
    return 1.0f / (1.0f + t * t * t * t);
}

sg_status sg_scene_create(sg_scene *out, int lines, int samples, sg_error *err) {
    sg_scene scene = {.lines = lines, .samples = samples};
    size_t n = (size_t)lines * (size_t)samples;
    scene.echo = malloc(n * sizeof(float));
    scene.attenuation = malloc(n * sizeof(float));
    scene.top = malloc((size_t)lines * sizeof(float));
    scene.bottom = malloc((size_t)lines * sizeof(float));
    if (!scene.echo || !scene.attenuation || !scene.top || !scene.bottom) {
        sg_scene_dispose(&scene);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a phantom of %d x %d samples", lines,
                samples);
    }
    *out = scene;
    return SG_OK;
}

void sg_scene_dispose(sg_scene *scene) {
    if (!scene) return;
    free(scene->echo);
    free(scene->attenuation);
    free(scene->top);
    free(scene->bottom);
    *scene = (sg_scene){0};
}
