/* marks_caliper.c - caliper crosses: two short strokes that meet in their middle, with nothing in
 * the four quarters between them. One quarter may hold something else (a digit, the dotted line, a
 * bright margin). SPDX-License-Identifier: Apache-2.0 */
#include "image/marks_internal.h"

#include <math.h>
#include <stdlib.h>

enum { MIN_ARM = 2, QUARTERS = 4 };
/* A measurement has two ends; a cross on its own must stand out by this many levels. */
static const double lone_contrast = 70.0;

/* Steps to the end of the stroke that leaves (x, y) in one direction, at most limit + 1. */
static int reach_of(const sg_ink *ink, int x, int y, int dx, int dy, int floor, int limit) {
    int n = 0;
    while (n <= limit) {
        int u = x + (n + 1) * dx, v = y + (n + 1) * dy;
        if (!sg_ink_holds(ink, u, v) || sg_ink_grey(ink, u, v) < floor) break;
        n++;
    }
    return n;
}

/* Mean grey of a quarter beside the arms, one pixel off them. */
static double quarter(const sg_ink *ink, int x, int y, int side_x, int side_y, int w, int h) {
    double sum = 0.0;
    int n = 0;
    for (int j = 2; j <= h; j++)
        for (int i = 2; i <= w; i++) {
            int u = x + i * side_x, v = y + j * side_y;
            if (!sg_ink_holds(ink, u, v)) continue;
            sum += sg_ink_grey(ink, u, v);
            n++;
        }
    return n ? sum / n : 0.0;
}

static void sort4(double *v) {
    for (int i = 1; i < QUARTERS; i++)
        for (int k = i; k > 0 && v[k] < v[k - 1]; k--) {
            double t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
}

/* Arms of one line are of one length. One that runs on into bright tissue is cut to the other's;
 * returns whether it was. */
static int clip(int *one, int *other, int limit) {
    int shorter = *one < *other ? *one : *other;
    if (shorter > limit || abs(*one - *other) <= 1 + shorter / 4) return 0;
    *one = *other = shorter;
    return 1;
}

/* How far the cross at (x, y) stands out; 0 when it is none. */
static double judge(const sg_ink *ink, int x, int y, int shortest, int limit, sg_rect *box) {
    size_t at = (size_t)y * (size_t)ink->width + (size_t)x;
    int centre = ink->grey[at];
    double noise = ink->noise[at];
    int floor = centre - ink->relief[at] * 45 / 100;
    int left = reach_of(ink, x, y, -1, 0, floor, limit);
    int right = reach_of(ink, x, y, 1, 0, floor, limit);
    int up = reach_of(ink, x, y, 0, -1, floor, limit);
    int down = reach_of(ink, x, y, 0, 1, floor, limit);
    int clipped = clip(&left, &right, limit) + clip(&up, &down, limit);
    if (left < shortest || right < shortest || up < shortest || down < shortest) return 0.0;
    if (left > limit || right > limit || up > limit || down > limit || clipped > 1) return 0.0;
    int wide = left < right ? left : right, high = up < down ? up : down;
    /* Taller is allowed: pictures are stretched to squares. Wider is what tissue makes. */
    if (2 * wide > 3 * high + 1 || 2 * high > 5 * wide) return 0.0;
    double q[QUARTERS] = {quarter(ink, x, y, -1, -1, left, up),
            quarter(ink, x, y, 1, -1, right, up), quarter(ink, x, y, -1, 1, left, down),
            quarter(ink, x, y, 1, 1, right, down)};
    sort4(q);
    double contrast = centre - q[2];
    *box = (sg_rect){x - left, y - up, left + right + 1, up + down + 1};
    return contrast >= 32.0 + noise && centre - q[3] >= 10.0 ? contrast : 0.0;
}

/* Whether an earlier mark lies there; a weaker cross gives way. */
static bool is_blocked(sg_mark_list *list, size_t first, sg_rect box, double contrast) {
    for (size_t i = 0; i < list->count; i++) {
        sg_mark *m = &list->items[i];
        if (!sg_rect_touch(m->box, box)) continue;
        if (i < first || m->contrast >= contrast) return true;
        *m = (sg_mark){SG_MARK_CALIPER, box, contrast};
        return true;
    }
    return false;
}

sg_status sg_marks_find_calipers(sg_mark_list *list, const sg_ink *ink, sg_error *err) {
    int shorter = ink->width < ink->height ? ink->width : ink->height;
    int limit = shorter / 24 < 6 ? 6 : shorter / 24;
    int shortest = shorter / 130 < MIN_ARM ? MIN_ARM : shorter / 130;
    size_t first = list->count;
    for (int y = MIN_ARM; y < ink->height - MIN_ARM; y++) {
        for (int x = MIN_ARM; x < ink->width - MIN_ARM; x++) {
            if (!ink->ink[(size_t)y * (size_t)ink->width + (size_t)x]) continue;
            sg_rect box;
            double contrast = judge(ink, x, y, shortest, limit, &box);
            if (contrast <= 0.0 || is_blocked(list, first, box, contrast)) continue;
            sg_status status = sg_mark_add(list, SG_MARK_CALIPER, box, contrast, err);
            if (status) return status;
        }
    }
    if (list->count == first + 1 && list->items[first].contrast < lone_contrast) list->count--;
    return SG_OK;
}

/* ---- the others of a measurement ---- */

/* Crosses of one picture are of one size and level: two or more found say what to look for. */
typedef struct pattern {
    int left, right, up, down; /* arms */
    double level;
} pattern;

static int middle_of(int *v, size_t n) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && v[k] < v[k - 1]; k--) {
            int t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
    return v[(n - 1) / 2];
}

/* False when fewer than two crosses are known, or they are too small to tell from tissue. */
static bool learn(pattern *out, const sg_mark_list *list, const sg_ink *ink) {
    enum { MOST = 16 };
    int width[MOST], height[MOST], level[MOST];
    size_t n = 0;
    for (size_t i = 0; i < list->count && n < MOST; i++) {
        sg_rect b = list->items[i].box;
        if (list->items[i].kind != SG_MARK_CALIPER) continue;
        width[n] = b.width;
        height[n] = b.height;
        level[n++] = sg_ink_grey(ink, b.x + b.width / 2, b.y + b.height / 2);
    }
    if (n < 2) return false;
    int w = middle_of(width, n), h = middle_of(height, n);
    *out = (pattern){(w - 1) / 2, w / 2, (h - 1) / 2, h / 2, middle_of(level, n)};
    return out->left >= 3 && out->up >= 3;
}

/* Mean grey of an arm, and how far it stands above what lies two pixels beside it. */
static double measure_arm(
        const sg_ink *ink, int x, int y, int dx, int dy, int length, double *level) {
    double arm = 0.0, beside = 0.0;
    int n = 0;
    for (int i = 2; i <= length; i++) {
        int u = x + i * dx, v = y + i * dy;
        if (!sg_ink_holds(ink, u - 2 * dy, v - 2 * dx) ||
                !sg_ink_holds(ink, u + 2 * dy, v + 2 * dx))
            return 0.0;
        arm += sg_ink_grey(ink, u, v);
        beside += 0.5 * (sg_ink_grey(ink, u - 2 * dy, v - 2 * dx) +
                                sg_ink_grey(ink, u + 2 * dy, v + 2 * dx));
        n++;
    }
    *level += 0.25 * arm / n;
    return (arm - beside) / n;
}

/* How well the pattern lies at (x, y): the mean contrast of its arms; 0 when it does not. */
static double match(const sg_ink *ink, const pattern *p, int x, int y, sg_rect *box) {
    double level = 0.0;
    double arms[QUARTERS] = {measure_arm(ink, x, y, -1, 0, p->left, &level),
            measure_arm(ink, x, y, 1, 0, p->right, &level),
            measure_arm(ink, x, y, 0, -1, p->up, &level),
            measure_arm(ink, x, y, 0, 1, p->down, &level)};
    sort4(arms);
    double mean = 0.25 * (arms[0] + arms[1] + arms[2] + arms[3]);
    if (arms[0] < 10.0 || arms[1] < 20.0 || mean < 36.0 || level < p->level - 40.0) return 0.0;
    *box = (sg_rect){x - p->left, y - p->up, p->left + p->right + 1, p->up + p->down + 1};
    return mean;
}

sg_status sg_marks_find_more_calipers(sg_mark_list *list, const sg_ink *ink, sg_error *err) {
    pattern p;
    size_t known = list->count;
    if (!learn(&p, list, ink)) return SG_OK;
    for (int y = p.up; y < ink->height - p.down; y++) {
        for (int x = p.left; x < ink->width - p.right; x++) {
            if (sg_ink_grey(ink, x, y) < p.level - 40.0) continue;
            sg_rect box;
            double contrast = match(ink, &p, x, y, &box);
            if (contrast <= 0.0 || is_blocked(list, known, box, contrast)) continue;
            sg_status status = sg_mark_add(list, SG_MARK_CALIPER, box, contrast, err);
            if (status) return status;
        }
    }
    return SG_OK;
}
