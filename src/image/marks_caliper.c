/* marks_caliper.c - caliper crosses: two short strokes that meet in their middle, with nothing in
 * the four quarters between them. One quarter may hold something else (a digit, the dotted line, a
 * bright margin). SPDX-License-Identifier: Apache-2.0 */
#include "image/marks_internal.h"

#include <math.h>
#include <stdlib.h>

enum { MIN_ARM = 2, QUARTERS = 4 };

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

/* How far the cross at (x, y) stands out; 0 when it is none. */
static double judge(const sg_ink *ink, int x, int y, int limit, sg_rect *box) {
    size_t at = (size_t)y * (size_t)ink->width + (size_t)x;
    int centre = ink->grey[at];
    double noise = ink->noise[at];
    int floor = centre - ink->relief[at] * 45 / 100;
    int left = reach_of(ink, x, y, -1, 0, floor, limit);
    int right = reach_of(ink, x, y, 1, 0, floor, limit);
    int up = reach_of(ink, x, y, 0, -1, floor, limit);
    int down = reach_of(ink, x, y, 0, 1, floor, limit);
    if (left < MIN_ARM || right < MIN_ARM || up < MIN_ARM || down < MIN_ARM) return 0.0;
    if (left > limit || right > limit || up > limit || down > limit) return 0.0;
    int wide = left < right ? left : right, high = up < down ? up : down;
    if (abs(left - right) > 1 + wide / 4 || abs(up - down) > 1 + high / 4) return 0.0;
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
    size_t first = list->count;
    for (int y = MIN_ARM; y < ink->height - MIN_ARM; y++) {
        for (int x = MIN_ARM; x < ink->width - MIN_ARM; x++) {
            if (!ink->ink[(size_t)y * (size_t)ink->width + (size_t)x]) continue;
            sg_rect box;
            double contrast = judge(ink, x, y, limit, &box);
            if (contrast <= 0.0 || is_blocked(list, first, box, contrast)) continue;
            sg_status status = sg_mark_add(list, SG_MARK_CALIPER, box, contrast, err);
            if (status) return status;
        }
    }
    return SG_OK;
}
