/* phantom_scene.h - what the parts of the phantom share: the scene, maps of echogenicity and
 * attenuation over scan lines and depth that anatomy and lesions paint and the beam then looks at.
 * Private to src/data/phantom*.c. Lengths in mm, levels in dB (0 = glandular tissue).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_PHANTOM_SCENE_H
#define SG_DATA_PHANTOM_SCENE_H

#include "base/rng.h"
#include "data/phantom.h"

/* Streams of one image, so that a change in one part leaves the others' numbers alone. */
typedef enum sg_phantom_stream {
    SG_PHANTOM_ANATOMY,
    SG_PHANTOM_LESION,
    SG_PHANTOM_SPECKLE,
    SG_PHANTOM_SCANNER,
    SG_PHANTOM_COPY,
    SG_PHANTOM_MARKS
} sg_phantom_stream;

sg_rng sg_phantom_rng(uint64_t seed, sg_phantom_class c, uint32_t index, sg_phantom_stream stream);

/* Smooth random function of the plane in [-1, 1]: value noise on a wrapped lattice. */
enum { SG_NOISE_SIDE = 32 };
typedef struct sg_noise {
    float lattice[SG_NOISE_SIDE * SG_NOISE_SIDE];
} sg_noise;
void sg_noise_init(sg_noise *noise, sg_rng *rng);
float sg_noise_at(const sg_noise *noise, float x, float y); /* feature size about 1 */
float sg_noise_octaves(const sg_noise *noise, float x, float y, int octaves);
/* 1 on the zero lines of the noise, falling to 0 within about `width`: septa, fibres. */
float sg_noise_ridge(const sg_noise *noise, float x, float y, float width);

typedef struct sg_scene {
    int lines, samples;  /* lateral and axial */
    float width, depth;  /* mm */
    float *echo;         /* [samples][lines] dB */
    float *attenuation;  /* [samples][lines] dB per mm, there and back */
    float *top, *bottom; /* [lines] depth of the upper and lower edge of the gland */
} sg_scene;

SG_MUST_CHECK sg_status sg_scene_create(sg_scene *out, int lines, int samples, sg_error *err);
void sg_scene_dispose(sg_scene *scene);

static inline float sg_scene_x(const sg_scene *s, int line) {
    return ((float)line + 0.5f) * s->width / (float)s->lines;
}
static inline float sg_scene_z(const sg_scene *s, int sample) {
    return ((float)sample + 0.5f) * s->depth / (float)s->samples;
}
static inline float sg_smoothstep(float low, float high, float x) {
    float t = (x - low) / (high - low);
    t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
    return t * t * (3.0f - 2.0f * t);
}

/* Levels, as (dB echo relative to gland, dB/mm attenuation there and back). */
typedef struct sg_tissue {
    float echo, attenuation;
} sg_tissue;
extern const sg_tissue SG_TISSUE_SKIN, SG_TISSUE_FAT, SG_TISSUE_GLAND, SG_TISSUE_MUSCLE,
        SG_TISSUE_FLUID;

/* Chooses depth and width, paints skin, fat, gland, muscle and chest wall, then what looks like
 * something and is nothing: fat lobules, ducts, vessels, shadows. clutter 0..1: how much of it. */
SG_MUST_CHECK sg_status sg_anatomy_paint(
        sg_scene *scene, float clutter, sg_rng *rng, sg_error *err);

/* Paints the lesions of a class and draws their masks (size x size). */
SG_MUST_CHECK sg_status sg_lesion_paint(
        sg_scene *scene, sg_phantom *out, sg_phantom_class c, int size, sg_rng *rng, sg_error *err);

/* The scanner: scatterers, depth-varying point-spread function, attenuation and gain, log
 * compression, scan conversion to size x size. */
SG_MUST_CHECK sg_status sg_beam_form(sg_image *out, const sg_scene *scene, int size,
        sg_rng *speckle, sg_rng *scanner, sg_error *err);

/* What a sonographer's hand leaves in a picture, with where it is. Boxes hold every burnt pixel. */
typedef enum sg_phantom_mark_kind {
    SG_PHANTOM_CALIPER,  /* one cross; dotted lines between two are not boxed */
    SG_PHANTOM_TEXT,     /* one line of text */
    SG_PHANTOM_PICTOGRAM /* a body mark with the probe's place */
} sg_phantom_mark_kind;
typedef struct sg_phantom_mark {
    sg_phantom_mark_kind kind;
    sg_rect box;
} sg_phantom_mark;
enum { SG_PHANTOM_MARKS_MAX = 6 }; /* two measurements, one text, one pictogram */
typedef struct sg_phantom_marks {
    sg_phantom_mark items[SG_PHANTOM_MARKS_MAX];
    int count;
} sg_phantom_marks;

/* "caliper", "text", "pictogram". */
const char *sg_phantom_mark_name(sg_phantom_mark_kind kind);
/* Crosses at the ends of one or two measurements of what the mask covers, some with dotted lines.
 */
void sg_phantom_burn_calipers(
        sg_image *image, const sg_image *mask, sg_phantom_marks *marks, sg_rng *rng);
/* A side, a quadrant or a region, upper or lower edge; nothing where it would not fit. */
void sg_phantom_burn_text(sg_image *image, sg_phantom_marks *marks, sg_rng *rng);
/* One or more of calipers, text and body mark into a phantom as made, in one brightness, sharp or
 * softened as by a saved picture's resizing. */
SG_MUST_CHECK sg_status sg_phantom_mark_original(
        sg_phantom *phantom, sg_phantom_marks *marks, sg_rng *rng, sg_error *err);

/* A near-copy of a phantom: what the same lesion looks like when it was saved twice. */
typedef struct sg_phantom_copy {
    double affine[6]; /* pixel of the copy -> pixel of its source, centres at whole numbers */
    int width, height;
    double gain;
    bool flip;
    bool calipers, text;
    sg_phantom_marks marks; /* once applied */
} sg_phantom_copy;

/* Crop to 75-100 % of each side, scale 0.8-1.25, gain +-30 %, flip, +-5 degrees, marks. */
void sg_phantom_copy_draw(sg_phantom_copy *out, int size, sg_rng *rng);
/* The same pixels again. */
void sg_phantom_copy_draw_exact(sg_phantom_copy *out, int size);
/* Replaces the phantom's image and masks by the copy's and burns the marks in. */
SG_MUST_CHECK sg_status sg_phantom_copy_apply(
        sg_phantom *phantom, sg_phantom_copy *copy, sg_rng *rng, sg_error *err);

#endif
