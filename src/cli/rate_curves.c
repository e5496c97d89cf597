/* rate_curves.c - see rate_curves.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/rate_curves.h"
#include "base/file.h"
#include "report/svg.h"
#include <math.h>
#include <stdlib.h>

static json_t *list(const double *values, size_t n) {
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(out, sg_json_number(values[i]));
    return out;
}

json_t *sg_range_to_json(const sg_lr_range *r) {
    return json_pack("{s:f, s:f, s:b, s:o, s:o, s:o}", "suggestion", r->suggestion,
            "lowest_loss_rate", r->rate[r->lowest], "diverged", (int)r->diverged, "rate",
            list(r->rate, r->count), "loss", list(r->loss, r->count), "smooth",
            list(r->smooth, r->count));
}

static bool read_list(double *values, const json_t *array, size_t n) {
    if (json_array_size(array) != n) return false;
    for (size_t i = 0; i < n; i++) {
        if (!json_is_number(json_array_get(array, i))) return false;
        values[i] = json_number_value(json_array_get(array, i));
    }
    return true;
}

sg_status sg_range_from_json(
        sg_lr_range *out, const json_t *object, const char *path, sg_error *err) {
    sg_lr_range r = {.count = json_array_size(json_object_get(object, "rate"))};
    size_t n = r.count;
    r.rate = calloc(3 * n + 1, sizeof *r.rate);
    if (!r.rate) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", path);
    r.loss = r.rate + n;
    r.smooth = r.loss + n;
    r.suggestion = json_number_value(json_object_get(object, "suggestion"));
    r.diverged = json_is_true(json_object_get(object, "diverged"));
    bool good = n && r.suggestion > 0 && read_list(r.rate, json_object_get(object, "rate"), n) &&
                read_list(r.loss, json_object_get(object, "loss"), n) &&
                read_list(r.smooth, json_object_get(object, "smooth"), n);
    for (size_t i = 0; i < n && good; i++)
        if (r.smooth[i] < r.smooth[r.lowest]) r.lowest = i;
    if (!good) {
        sg_lr_range_dispose(&r);
        return sg_fail(err, SG_ERR_FORMAT, "%s holds no range test; delete it", path);
    }
    *out = r;
    return SG_OK;
}

sg_status sg_ranges_draw(const char *path, const char *title, const sg_lr_range *ranges,
        const char *const *names, const size_t *colors, size_t count, sg_error *err) {
    sg_svg_series *series = calloc(2 * count + 1, sizeof *series);
    if (!series) return sg_fail(err, SG_ERR_MEMORY, "out of memory drawing %s", path);
    size_t used = 0;
    for (size_t i = 0; i < count && count == 1; i++)
        series[used++] = (sg_svg_series){.name = "loss of each step",
                .x = ranges[i].rate,
                .y = ranges[i].loss,
                .n = ranges[i].count,
                .faint = true,
                .color = colors[i]};
    for (size_t i = 0; i < count; i++)
        series[used++] = (sg_svg_series){.name = names[i],
                .x = ranges[i].rate,
                .y = ranges[i].smooth,
                .n = ranges[i].count,
                .color = colors[i] + (count == 1)};
    const sg_svg_mark mark = {count == 1 ? ranges[0].suggestion : 0, "suggested"};
    const sg_svg_chart chart = {.title = title,
            .width = 620,
            .height = 400,
            .x = {.label = "learning rate", .logarithmic = true},
            .y = {.label = "training loss"},
            .series = series,
            .count = used,
            .marks = &mark,
            .mark_count = count == 1};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_chart(&svg, &chart);
    sg_status st = sg_str_check(&svg, err);
    if (!st) st = sg_file_write(path, svg.data, svg.len, err);
    sg_str_dispose(&svg);
    free(series);
    return st;
}
