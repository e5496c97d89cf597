/* marks_score.c - see marks_score.h. SPDX-License-Identifier: Apache-2.0 */
#include "support/marks_score.h"

#include "base/csv.h"
#include "base/file.h"
#include "image/codec.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

typedef struct truth {
    sg_mark_kind kind;
    sg_rect box;
} truth;

static double overlap(sg_rect a, sg_rect b) {
    int left = a.x > b.x ? a.x : b.x, top = a.y > b.y ? a.y : b.y;
    int right = a.x + a.width < b.x + b.width ? a.x + a.width : b.x + b.width;
    int bottom = a.y + a.height < b.y + b.height ? a.y + a.height : b.y + b.height;
    if (right <= left || bottom <= top) return 0.0;
    double both = (double)(right - left) * (bottom - top);
    return both / ((double)a.width * a.height + (double)b.width * b.height - both);
}

static int read_truth(truth *out, const sg_csv *csv, const char *name) {
    int n = 0;
    for (size_t r = 0; r < csv->rows && n < MOST; r++) {
        if (strcmp(sg_csv_cell(csv, r, 0), name) != 0) continue;
        long long v[4] = {0};
        for (int i = 0; i < 4; i++)
            if (!sg_parse_int64(&v[i], sg_csv_cell(csv, r, 2 + i))) v[i] = -1;
        for (int k = 0; k < SG_MARK_KINDS; k++)
            if (strcmp(sg_csv_cell(csv, r, 1), sg_mark_name(k)) == 0) out[n].kind = k;
        out[n++].box = (sg_rect){(int)v[0], (int)v[1], (int)v[2], (int)v[3]};
    }
    return n;
}

static void score_image(sg_marks_score *s, const truth *t, int count, const sg_marks *marks) {
    bool used[MOST] = {false};
    s->images++;
    s->clean += count == 0;
    s->clean_flagged += count == 0 && marks->count > 0;
    for (int i = 0; i < count; i++) {
        size_t best = marks->count;
        double most = 0.5;
        for (size_t k = 0; k < marks->count && k < MOST; k++) {
            double v = overlap(t[i].box, marks->items[k].box);
            if (used[k] || marks->items[k].kind != t[i].kind || v < most) continue;
            best = k;
            most = v;
        }
        if (best < marks->count) {
            used[best] = true;
            s->found[t[i].kind]++;
        } else {
            s->missed[t[i].kind]++;
        }
    }
    for (size_t k = 0; k < marks->count; k++)
        if (k >= MOST || !used[k]) s->extra[marks->items[k].kind]++;
}

static sg_status score_row(
        sg_marks_score *s, const char *dir, const sg_csv *marks, const char *name, sg_error *err) {
    truth t[MOST];
    sg_image image = {0};
    sg_marks found = {0};
    char *path = sg_path_join(dir, name);
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a path");
    sg_status status = sg_image_read(&image, NULL, path, NULL, err);
    free(path);
    if (!status) status = sg_marks_find(&found, &image, err);
    if (!status) score_image(s, t, read_truth(t, marks, name), &found);
    sg_marks_dispose(&found);
    sg_image_dispose(&image);
    return status;
}

static sg_status read_table(sg_csv *out, const char *dir, const char *name, sg_error *err) {
    char *path = sg_path_join(dir, name);
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a path");
    sg_status status = sg_csv_read(out, path, err);
    free(path);
    return status;
}

sg_status sg_marks_score_set(sg_marks_score *out, const char *dir, sg_error *err) {
    *out = (sg_marks_score){0};
    sg_csv images = {0}, marks = {0};
    sg_status status = read_table(&images, dir, "phantom-truth.csv", err);
    if (!status) status = read_table(&marks, dir, "phantom-marks.csv", err);
    for (size_t r = 0; r < images.rows && !status; r++)
        status = score_row(out, dir, &marks, sg_csv_cell(&images, r, 0), err);
    sg_csv_dispose(&images);
    sg_csv_dispose(&marks);
    return status;
}
