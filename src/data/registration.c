/* registration.c - the map between two pictures from their keypoints: nearest codes, then the map
 * through three of them with which most others agree (Fischler and Bolles 1981).
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/registration.h"
#include "base/rng.h"
#include "data/affine.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400, LEAST_INLIERS = SG_REGISTRATION_INLIERS, REFITS = 3 };
static const double tolerance = 3.0;  /* pixels of the working picture */
static const double most_turn = 0.27; /* tangent of the turn or shear: 15 degrees */
static const double least_scale = 0.6, most_scale = 1.67, most_stretch = 1.5;
static const double ratio = 0.85; /* squared distance to the nearest code over that to the next */

typedef struct match {
    double a[2], b[2];
} match;

static int distance(const int8_t *x, const int8_t *y) {
    int sum = 0;
    for (int k = 0; k < SG_KEYPOINT_CODE; k++) {
        int d = (int)x[k] - (int)y[k];
        sum += d * d;
    }
    return sum;
}

/* Points of b whose nearest code in a is clearly nearer than the next. */
static int match_points(match *matches, const sg_keypoints *a, const sg_keypoints *b, int flip) {
    int count = 0;
    for (int j = 0; j < b->count; j++) {
        int8_t code[SG_KEYPOINT_CODE];
        sg_keypoint_flip_code(code, b->points[j].code, flip);
        int best = INT32_MAX, next = INT32_MAX, nearest = -1;
        for (int i = 0; i < a->count; i++) {
            if (a->points[i].bright != b->points[j].bright) continue;
            if (abs(a->points[i].level - b->points[j].level) > 2) continue;
            int d = distance(code, a->points[i].code);
            if (d < best) {
                next = best;
                best = d;
                nearest = i;
            } else if (d < next) {
                next = d;
            }
        }
        if (nearest < 0 || best > ratio * next) continue;
        matches[count++] = (match){{(double)a->points[nearest].x, (double)a->points[nearest].y},
                {(double)b->points[j].x, (double)b->points[j].y}};
    }
    return count;
}

/* A change that a copy may have: scales, stretch and turn in bounds, mirrored as `flip` says. */
static bool is_plausible(const double m[6], int flip) {
    double x = (flip & 1) ? -m[0] : m[0], y = (flip & 2) ? -m[4] : m[4];
    if (!(x > 0 && y > 0)) return false;
    double wide = hypot(m[0], m[3]), high = hypot(m[1], m[4]);
    double most = wide > high ? wide : high, least = wide + high - most;
    return fabs(m[3]) <= most_turn * x && fabs(m[1]) <= most_turn * y && least >= least_scale &&
           most <= most_scale && most <= most_stretch * least;
}

/* Those that agree, moved to the front; no two that are the same place in either picture. */
static int count_agreeing(const match *matches, int count, const double m[6], bool *agrees) {
    int n = 0;
    for (int i = 0; i < count; i++) {
        double x = matches[i].b[0], y = matches[i].b[1];
        sg_affine_apply(&x, &y, m);
        agrees[i] = hypot(x - matches[i].a[0], y - matches[i].a[1]) <= tolerance;
        for (int k = 0; k < i && agrees[i]; k++)
            if (agrees[k] && matches[k].a[0] == matches[i].a[0] &&
                    matches[k].a[1] == matches[i].a[1])
                agrees[i] = false;
        n += agrees[i];
    }
    return n;
}

static bool fit_agreeing(double m[6], const match *matches, const bool *agrees, int count) {
    double from[SG_KEYPOINT_MAX][2], to[SG_KEYPOINT_MAX][2];
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        if (!agrees[i]) continue;
        memcpy(from[n], matches[i].b, sizeof from[n]);
        memcpy(to[n++], matches[i].a, sizeof to[n]);
    }
    return sg_affine_fit(m, (const double(*)[2])from, (const double(*)[2])to, NULL, n);
}

static bool draw_map(double m[6], const match *matches, int count, sg_rng *rng) {
    int pick[3];
    double from[3][2], to[3][2];
    for (int k = 0; k < 3; k++) {
        pick[k] = (int)sg_rng_below(rng, (uint32_t)count);
        memcpy(from[k], matches[pick[k]].b, sizeof from[k]);
        memcpy(to[k], matches[pick[k]].a, sizeof to[k]);
    }
    if (pick[0] == pick[1] || pick[0] == pick[2] || pick[1] == pick[2]) return false;
    return sg_affine_fit(m, (const double(*)[2])from, (const double(*)[2])to, NULL, 3);
}

sg_status sg_registration_find(sg_registration *out, const sg_keypoints *a, const sg_keypoints *b,
        int flip, sg_error *err) {
    (void)err;
    match matches[SG_KEYPOINT_MAX];
    bool agrees[SG_KEYPOINT_MAX];
    sg_registration best = {0};
    int count = match_points(matches, a, b, flip);
    sg_rng rng = sg_rng_make(0, SG_RNG_SAMPLER, 1, 0);
    for (int round = 0; round < ROUNDS && count >= LEAST_INLIERS; round++) {
        double m[6];
        if (!draw_map(m, matches, count, &rng) || !is_plausible(m, flip)) continue;
        int inliers = count_agreeing(matches, count, m, agrees);
        if (inliers <= best.inliers) continue;
        best.inliers = inliers;
        memcpy(best.affine, m, sizeof m);
    }
    for (int k = 0; k < REFITS && best.inliers >= LEAST_INLIERS; k++) {
        double m[6];
        (void)count_agreeing(matches, count, best.affine, agrees);
        if (!fit_agreeing(m, matches, agrees, count) || !is_plausible(m, flip)) break;
        int inliers = count_agreeing(matches, count, m, agrees);
        if (inliers < best.inliers) break;
        best.inliers = inliers;
        memcpy(best.affine, m, sizeof m);
    }
    if (best.inliers < LEAST_INLIERS) best = (sg_registration){0};
    *out = best;
    return SG_OK;
}
