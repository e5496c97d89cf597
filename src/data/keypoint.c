/* keypoint.c - see keypoint.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/keypoint.h"
#include "image/blur.h"
#include "image/resize.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEVELS = 7, /* blurs; differences between neighbours, extrema inside those */
    GRID = 8,
    CELLS = 4, /* per side: no corner of the picture takes all places */
    PER_CELL = SG_KEYPOINT_MAX / 8
};
static const double first_sigma = 1.8, sigma_step = 1.26, camera_sigma = 0.5;
static const double grid_step = 1.6;      /* sigmas between two samples of the grid */
static const float least_response = 1.0f; /* grey levels */
static const double code_scale = 20;

static double sigma_of(int level) {
    return first_sigma * pow(sigma_step, level);
}

/* ---- the cosine terms that make a code ---- */

/* Terms by rising frequency, without the constant one. */
typedef struct code_terms {
    int u[SG_KEYPOINT_CODE], v[SG_KEYPOINT_CODE]; /* cycles along x and y */
} code_terms;

static void list_terms(code_terms *terms) {
    int n = 0;
    for (int sum = 1; n < SG_KEYPOINT_CODE; sum++)
        for (int u = 0; u <= sum && n < SG_KEYPOINT_CODE; u++) {
            if (u >= GRID || sum - u >= GRID) continue;
            terms->u[n] = u;
            terms->v[n++] = sum - u;
        }
}

void sg_keypoint_flip_code(int8_t *out, const int8_t *code, int flip) {
    code_terms terms;
    list_terms(&terms);
    for (int k = 0; k < SG_KEYPOINT_CODE; k++) {
        bool turn = ((flip & 1) && terms.u[k] % 2) != ((flip & 2) && terms.v[k] % 2);
        out[k] = (int8_t)(turn ? -code[k] : code[k]);
    }
}

/* ---- scale space ---- */

typedef struct space {
    sg_plane blurred[LEVELS];
    sg_plane difference[LEVELS - 1];
    code_terms terms;
    float basis[GRID][GRID]; /* [cycles][position] */
} space;

static void space_dispose(space *s) {
    for (int i = 0; i < LEVELS; i++) sg_plane_dispose(&s->blurred[i]);
    for (int i = 0; i < LEVELS - 1; i++) sg_plane_dispose(&s->difference[i]);
}

static sg_status space_build(space *s, const sg_plane *work, sg_error *err) {
    double have = camera_sigma;
    size_t n = (size_t)work->width * (size_t)work->height;
    for (int i = 0; i < LEVELS; i++) {
        double want = sigma_of(i);
        sg_status status = sg_blur_plane(&s->blurred[i], i ? &s->blurred[i - 1] : work,
                sqrt(want * want - have * have), err);
        if (status) return status;
        have = want;
        if (!i) continue;
        sg_plane *d = &s->difference[i - 1];
        status = sg_plane_create(d, work->width, work->height, err);
        if (status) return status;
        for (size_t k = 0; k < n; k++)
            d->values[k] = s->blurred[i].values[k] - s->blurred[i - 1].values[k];
    }
    list_terms(&s->terms);
    for (int u = 0; u < GRID; u++)
        for (int i = 0; i < GRID; i++)
            s->basis[u][i] =
                    (float)(cos(acos(-1.0) * (i + 0.5) * u / GRID) * sqrt((u ? 2.0 : 1.0) / GRID));
    return SG_OK;
}

/* Above or below all 26 neighbours in position and scale. */
static bool is_extremum(const space *s, int level, int x, int y) {
    int width = s->difference[level].width;
    size_t at = (size_t)y * (size_t)width + (size_t)x;
    float value = s->difference[level].values[at];
    if (fabsf(value) < least_response) return false;
    float side = value > 0 ? 1.0f : -1.0f;
    for (int l = level - 1; l <= level + 1; l++) {
        const float *p = s->difference[l].values + at;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                if (l == level && dy == 0 && dx == 0) continue;
                if (side * p[dy * width + dx] >= side * value) return false;
            }
    }
    return true;
}

/* Where the parabola through three samples has its peak, -0.5..0.5. */
static float find_peak(float before, float at, float after) {
    float bend = before - 2 * at + after;
    if (fabsf(bend) < 1e-6f) return 0;
    float shift = 0.5f * (before - after) / bend;
    return shift < -0.5f ? -0.5f : shift > 0.5f ? 0.5f : shift;
}

typedef struct place {
    float x, y, strength;
    int level, bright, cell;
} place;

/* Strongest first; then by position, so that the order is fixed. */
static int compare_places(const void *a, const void *b) {
    const place *p = a, *q = b;
    if (p->strength != q->strength) return p->strength > q->strength ? -1 : 1;
    if (p->level != q->level) return p->level - q->level;
    if (p->y != q->y) return p->y < q->y ? -1 : 1;
    return p->x < q->x ? -1 : p->x > q->x;
}

static size_t find_places(place *places, size_t most, const space *s) {
    int width = s->blurred[0].width, height = s->blurred[0].height;
    size_t count = 0;
    for (int level = 1; level < LEVELS - 2; level++) {
        int margin = (int)ceil(2 * sigma_of(level));
        for (int y = margin; y < height - margin; y++)
            for (int x = margin; x < width - margin && count < most; x++) {
                if (!is_extremum(s, level, x, y)) continue;
                const float *p =
                        s->difference[level].values + (size_t)y * (size_t)width + (size_t)x;
                places[count++] = (place){
                        .x = (float)x + find_peak(p[-1], p[0], p[1]),
                        .y = (float)y + find_peak(p[-width], p[0], p[width]),
                        .strength = fabsf(p[0]),
                        .level = level,
                        .bright = p[0] < 0,
                        .cell = y * CELLS / height * CELLS + x * CELLS / width,
                };
            }
    }
    return count;
}

/* ---- codes ---- */

static float sample(const sg_plane *plane, float x, float y) {
    float right = (float)(plane->width - 1), bottom = (float)(plane->height - 1);
    x = x < 0 ? 0 : x > right ? right : x;
    y = y < 0 ? 0 : y > bottom ? bottom : y;
    int left = (int)x, top = (int)y;
    if (left > plane->width - 2) left = plane->width - 2;
    if (top > plane->height - 2) top = plane->height - 2;
    float fx = x - (float)left, fy = y - (float)top;
    const float *p = plane->values + (size_t)top * (size_t)plane->width + (size_t)left;
    float above = p[0] + fx * (p[1] - p[0]);
    float below = p[plane->width] + fx * (p[plane->width + 1] - p[plane->width]);
    return above + fy * (below - above);
}

/* False for a patch without contrast. */
static bool make_code(int8_t *code, const space *s, const place *at) {
    float patch[GRID][GRID], rows[GRID][GRID], mean = 0, square = 0;
    float step = (float)(grid_step * sigma_of(at->level));
    for (int j = 0; j < GRID; j++)
        for (int i = 0; i < GRID; i++) {
            float x = at->x + ((float)i - 0.5f * (GRID - 1)) * step;
            float y = at->y + ((float)j - 0.5f * (GRID - 1)) * step;
            patch[j][i] = sample(&s->blurred[at->level], x, y);
            mean += patch[j][i] / (GRID * GRID);
        }
    for (int j = 0; j < GRID; j++)
        for (int i = 0; i < GRID; i++) {
            patch[j][i] -= mean;
            square += patch[j][i] * patch[j][i] / (GRID * GRID);
        }
    if (square < 0.25f) return false;
    float scale = (float)code_scale / sqrtf(square);
    for (int j = 0; j < GRID; j++)
        for (int u = 0; u < GRID; u++) {
            rows[j][u] = 0;
            for (int i = 0; i < GRID; i++) rows[j][u] += s->basis[u][i] * patch[j][i];
        }
    for (int k = 0; k < SG_KEYPOINT_CODE; k++) {
        float term = 0;
        for (int j = 0; j < GRID; j++) term += s->basis[s->terms.v[k]][j] * rows[j][s->terms.u[k]];
        term *= scale;
        code[k] = (int8_t)lrintf(term < -127 ? -127 : term > 127 ? 127 : term);
    }
    return true;
}

/* ---- the whole ---- */

static sg_status make_work(sg_image *work, const sg_image *grey, sg_error *err) {
    double scale = SG_WORK_SIDE / sqrt((double)grey->width * grey->height);
    int width = (int)lround(grey->width * scale), height = (int)lround(grey->height * scale);
    return sg_resize_image(work, grey, width, height, SG_RESIZE_BILINEAR, err);
}

static sg_status choose_points(sg_keypoints *out, const space *s, sg_error *err) {
    size_t most = (size_t)out->work.width * (size_t)out->work.height / 4 + 1;
    place *places = malloc(most * sizeof *places);
    out->points = malloc(SG_KEYPOINT_MAX * sizeof *out->points);
    if (!places || !out->points) {
        free(places);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for keypoints");
    }
    size_t count = find_places(places, most, s);
    qsort(places, count, sizeof *places, compare_places);
    int taken[CELLS * CELLS] = {0};
    for (size_t i = 0; i < count && out->count < SG_KEYPOINT_MAX; i++) {
        if (taken[places[i].cell] >= PER_CELL) continue;
        sg_keypoint *point = &out->points[out->count];
        if (!make_code(point->code, s, &places[i])) continue;
        taken[places[i].cell]++;
        point->x = places[i].x;
        point->y = places[i].y;
        point->level = (int8_t)places[i].level;
        point->bright = (int8_t)places[i].bright;
        out->count++;
    }
    free(places);
    return SG_OK;
}

sg_status sg_keypoints_find(sg_keypoints *out, const sg_image *grey, sg_error *err) {
    sg_keypoints found = {0};
    sg_plane plane = {0};
    space *s = NULL;
    int shorter = grey->width < grey->height ? grey->width : grey->height;
    int longer = grey->width + grey->height - shorter;
    if (shorter < SG_KEYPOINT_LEAST || longer / shorter >= 8) {
        *out = found;
        return SG_OK;
    }
    s = calloc(1, sizeof *s);
    sg_status status = s ? make_work(&found.work, grey, err)
                         : sg_fail(err, SG_ERR_MEMORY, "out of memory for a scale space");
    if (!status) status = sg_plane_from_image(&plane, &found.work, err);
    if (!status) status = space_build(s, &plane, err);
    if (!status) status = choose_points(&found, s, err);
    if (s) space_dispose(s);
    free(s);
    sg_plane_dispose(&plane);
    if (status)
        sg_keypoints_dispose(&found);
    else
        *out = found;
    return status;
}

void sg_keypoints_dispose(sg_keypoints *keypoints) {
    if (!keypoints) return;
    sg_image_dispose(&keypoints->work);
    free(keypoints->points);
    *keypoints = (sg_keypoints){0};
}
