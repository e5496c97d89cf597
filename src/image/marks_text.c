/* marks_text.c - lines of text: strokes of one height and one level that stand side by side on one
 * line. Letters may touch: a component then counts as many letters as it is wide.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/marks_internal.h"

#include <math.h>
#include <stdlib.h>

enum { MIN_HEIGHT = 5, MAX_HEIGHT = 40, MIN_LETTERS = 2 };

static int least(int a, int b) {
    return a < b ? a : b;
}
static int most(int a, int b) {
    return a > b ? a : b;
}

/* Ink runs per row, averaged over a component: letters have one to three each. */
static double count_runs(const sg_ink *ink, const sg_blob *blob, int number) {
    int runs = 0;
    sg_rect b = blob->box;
    for (int y = b.y; y < b.y + b.height; y++) {
        bool before = false;
        for (int x = b.x; x < b.x + b.width; x++) {
            bool now = ink->label[(size_t)y * (size_t)ink->width + (size_t)x] == number;
            runs += now && !before;
            before = now;
        }
    }
    return (double)runs / b.height;
}

/* Whether a component can be a letter, or several that touch. */
static bool is_letter(const sg_ink *ink, size_t i) {
    const sg_blob *b = &ink->blobs[i];
    int h = b->box.height, w = b->box.width;
    int shorter = least(ink->width, ink->height);
    if (h < most(MIN_HEIGHT, shorter / 60) || h > least(MAX_HEIGHT, ink->height / 8)) return false;
    if (b->contrast < 45.0) return false;
    double fill = (double)b->area / ((double)w * h);
    if (fill < 0.12 || (fill > 0.8 && w > ink->stroke)) return false;
    if (w <= h * 5 / 4) return true;
    return w <= 14 * h && count_runs(ink, b, (int)i) * h >= 0.9 * w;
}

typedef struct line {
    sg_rect box;
    int letters, members;
    double level, contrast;
} line;

static int by_left(const void *a, const void *b) {
    const sg_blob *const *p = a, *const *q = b;
    int d = (*p)->box.x - (*q)->box.x;
    return d ? d : (*p)->box.y - (*q)->box.y;
}

/* Whether a letter continues the line whose last letter is `last`. */
static bool continues(const sg_blob *last, const sg_blob *next) {
    int h = most(last->box.height, next->box.height);
    int gap = next->box.x - (last->box.x + last->box.width);
    if (gap < -1 || gap > h * 4 / 3 + 1) return false;
    int slack = 1 + h / 10;
    int top = abs(last->box.y - next->box.y);
    int bottom = abs(last->box.y + last->box.height - next->box.y - next->box.height);
    /* Capitals and digits share both lines; small letters at least the base line. */
    bool level = bottom <= slack && top <= slack + h / 3;
    return level && fabs(last->level - next->level) <= 30.0;
}

static int letters_of(const sg_blob *b) {
    return most(1, (int)lround(b->box.width / (0.75 * b->box.height)));
}

static sg_rect join(sg_rect a, sg_rect b) {
    int x = least(a.x, b.x), y = least(a.y, b.y);
    return (sg_rect){
            x, y, most(a.x + a.width, b.x + b.width) - x, most(a.y + a.height, b.y + b.height) - y};
}

/* Share of ink in a frame two pixels wide around the line, one pixel off: text stands alone. */
static double crowding(const sg_ink *ink, sg_rect b) {
    int n = 0, full = 0;
    for (int y = b.y - 3; y < b.y + b.height + 3; y++) {
        for (int x = b.x - 3; x < b.x + b.width + 3; x++) {
            bool inner = x >= b.x - 1 && x <= b.x + b.width && y >= b.y - 1 && y <= b.y + b.height;
            if (inner || !sg_ink_holds(ink, x, y)) continue;
            n++;
            full += ink->ink[(size_t)y * (size_t)ink->width + (size_t)x];
        }
    }
    return n ? (double)full / n : 0.0;
}

/* Pixels where ink begins or ends sideways within two pixels, a letter: tissue is soft sideways. */
static double sharpness(const sg_ink *ink, sg_rect b, double contrast) {
    int edges = 0;
    for (int y = b.y; y < b.y + b.height; y++)
        for (int x = most(1, b.x - 1); x <= least(ink->width - 2, b.x + b.width); x++)
            edges += abs(sg_ink_grey(ink, x + 1, y) - sg_ink_grey(ink, x - 1, y)) >= 0.6 * contrast;
    return (double)edges / b.height;
}

/* The fewer letters, the more each must look like one: two specks of tissue often stand in line. */
static bool is_text(const sg_ink *ink, const line *l) {
    static const struct {
        double crowding, sharpness;
        int height;
    } limits[] = {{0.10, 2.4, 7}, {0.25, 1.6, 5}, {0.40, 1.6, 5}};
    if (l->letters < MIN_LETTERS || l->box.width < l->box.height) return false;
    if (l->members < 2 && l->letters < 4) return false;
    int row = least(l->letters - MIN_LETTERS, 2);
    return l->box.height >= limits[row].height && crowding(ink, l->box) <= limits[row].crowding &&
           sharpness(ink, l->box, l->contrast) >= limits[row].sharpness * l->letters;
}

/* Letters that run into bright tissue are no components of their own: the line grows sideways over
 * columns that hold its level as strokes, across gaps no wider than a space. */
static void extend(const sg_ink *ink, line *l, int step) {
    int x = step > 0 ? l->box.x + l->box.width : l->box.x - 1, gap = 0;
    double floor = l->level - 0.3 * l->contrast;
    for (; x >= 1 && x < ink->width - 1 && gap <= l->box.height * 6 / 5; x += step) {
        int strokes = 0, edges = 0;
        for (int y = l->box.y; y < l->box.y + l->box.height; y++) {
            int v = sg_ink_grey(ink, x, y);
            if (v < floor || !ink->ink[(size_t)y * (size_t)ink->width + (size_t)x]) continue;
            strokes++;
            edges += v - sg_ink_grey(ink, x - 1, y) >= 0.4 * l->contrast ||
                     v - sg_ink_grey(ink, x + 1, y) >= 0.4 * l->contrast;
        }
        gap++;
        if (strokes < 2 || 2 * edges < strokes) continue;
        if (step > 0)
            l->box.width = x - l->box.x + 1;
        else {
            l->box.width += l->box.x - x;
            l->box.x = x;
        }
        gap = 0;
    }
}

/* Crosses with their digits stand in line, too: half of the members being crosses is no text. */
static bool is_crosses(const sg_mark_list *list, const sg_blob *const *chain, int members) {
    int crosses = 0;
    for (int k = 0; k < members; k++) {
        bool cross = false;
        for (size_t i = 0; i < list->count && !cross; i++)
            cross = list->items[i].kind == SG_MARK_CALIPER &&
                    sg_rect_touch(list->items[i].box, chain[k]->box);
        crosses += cross;
    }
    return 2 * crosses >= members;
}

static void drop_crosses(sg_mark_list *list, sg_rect box) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const sg_mark *m = &list->items[i];
        if (m->kind == SG_MARK_CALIPER && sg_rect_touch(m->box, box)) continue;
        list->items[kept++] = *m;
    }
    list->count = kept;
}

/* Whether a body mark holds it: what is drawn in one looks like letters. */
static bool is_drawn(const sg_mark_list *list, sg_rect box) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == SG_MARK_PICTOGRAM && sg_rect_touch(list->items[i].box, box))
            return true;
    return false;
}

/* Whether the line is known; a wider reading of it takes the place of the narrower. */
static bool is_known(sg_mark_list *list, sg_rect box) {
    for (size_t i = 0; i < list->count; i++) {
        sg_mark *m = &list->items[i];
        if (m->kind != SG_MARK_TEXT || !sg_rect_touch(m->box, box)) continue;
        if (box.width > m->box.width) m->box = box;
        return true;
    }
    return false;
}

sg_status sg_marks_find_text(sg_mark_list *list, const sg_ink *ink, sg_error *err) {
    const sg_blob **letters = malloc((ink->blob_count + 1) * sizeof *letters);
    const sg_blob **chain = malloc((ink->blob_count + 1) * sizeof *chain);
    bool *used = calloc(ink->blob_count + 1, sizeof *used);
    sg_status status = SG_OK;
    size_t n = 0;
    if (!letters || !chain || !used) {
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory for a picture's letters");
        goto done;
    }
    for (size_t i = 0; i < ink->blob_count; i++)
        if (is_letter(ink, i) && !is_drawn(list, ink->blobs[i].box)) letters[n++] = &ink->blobs[i];
    qsort(letters, n, sizeof *letters, by_left);
    for (size_t i = 0; i < n && !status; i++) {
        if (used[i]) continue;
        line l = {letters[i]->box, letters_of(letters[i]), 1, letters[i]->level,
                letters[i]->contrast};
        chain[0] = letters[i];
        used[i] = true;
        for (size_t k = i + 1; k < n; k++) {
            if (used[k] || !continues(chain[l.members - 1], letters[k])) continue;
            used[k] = true;
            chain[l.members++] = letters[k];
            l.letters += letters_of(letters[k]);
            l.contrast += letters[k]->contrast;
            l.level += letters[k]->level;
            l.box = join(l.box, letters[k]->box);
        }
        l.contrast /= l.members;
        l.level /= l.members;
        if (!is_text(ink, &l) || is_crosses(list, chain, l.members)) continue;
        extend(ink, &l, -1);
        extend(ink, &l, 1);
        drop_crosses(list, l.box);
        if (is_known(list, l.box)) continue;
        status = sg_mark_add(list, SG_MARK_TEXT, l.box, l.contrast, err);
    }
done:
    free(letters);
    free(chain);
    free(used);
    return status;
}
