/* explore_charts.c - see explore_charts.h. SPDX-License-Identifier: Apache-2.0 */
#include "report/explore_charts.h"
#include <math.h>
#include <stdlib.h>

enum { BINS = 32, FEW_IMAGES = 300, LEVELS = 256 };

/* ---- numbers ---- */

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double sg_explore_quantile(const double *sorted, size_t n, double q) {
    if (n == 0) return NAN;
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    if (low + 1 >= n) return sorted[n - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

void sg_explore_gather(sg_explore_canvas *w, sg_explore_measure *measure) {
    size_t n = 0;
    for (size_t c = 0; c < w->in->class_count; c++) {
        w->first[c] = n;
        for (size_t i = 0; i < w->in->image_count; i++) {
            double value = measure(&w->in->images[i]);
            if (w->in->images[i].class_index == c && !isnan(value)) w->values[n++] = value;
        }
        qsort(w->values + w->first[c], n - w->first[c], sizeof *w->values, compare_doubles);
    }
    w->first[w->in->class_count] = n;
}

/* ---- charts ---- */

void sg_explore_put_boxes(sg_explore_canvas *w, const char *title, const char *axis,
        bool logarithmic, sg_explore_measure *measure, const char *caption) {
    sg_explore_gather(w, measure);
    sg_svg_box *boxes = calloc(w->in->class_count + 1, sizeof *boxes);
    if (!boxes) {
        w->page.failed = true;
        return;
    }
    for (size_t c = 0; c < w->in->class_count; c++) {
        const double *v = w->values + w->first[c];
        size_t n = w->first[c + 1] - w->first[c];
        boxes[c] = (sg_svg_box){.name = w->class_names[c],
                .has_box = n > 0,
                .whisker_low = sg_explore_quantile(v, n, 0.05),
                .quartile_low = sg_explore_quantile(v, n, 0.25),
                .median = sg_explore_quantile(v, n, 0.5),
                .quartile_high = sg_explore_quantile(v, n, 0.75),
                .whisker_high = sg_explore_quantile(v, n, 0.95),
                .center = NAN};
    }
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_boxes(&svg, &(sg_svg_boxes){.title = title,
                                   .y = {.label = axis, .logarithmic = logarithmic},
                                   .boxes = boxes,
                                   .count = w->in->class_count});
    sg_page_put_svg(&w->page, &svg, caption);
    sg_str_dispose(&svg);
    free(boxes);
}

void sg_explore_put_histogram(sg_explore_canvas *w, const char *title, const char *axis,
        sg_explore_measure *measure, const char *caption) {
    sg_explore_gather(w, measure);
    size_t classes = w->in->class_count, n = w->first[classes];
    size_t bins = n < FEW_IMAGES ? BINS / 2 : BINS;
    double *counts = calloc(classes * bins + 1, sizeof *counts), edges[BINS + 1];
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, w->values[i]);
        high = fmax(high, w->values[i]);
    }
    if (!counts || !(high > low)) {
        w->page.failed |= !counts;
        free(counts);
        return;
    }
    double width = (high - low) / (double)bins;
    for (size_t b = 0; b <= bins; b++) edges[b] = low + (double)b * width;
    for (size_t c = 0; c < classes; c++)
        for (size_t i = w->first[c]; i < w->first[c + 1]; i++) {
            size_t bin = (size_t)((w->values[i] - low) / width);
            counts[c * bins + (bin < bins ? bin : bins - 1)] +=
                    1.0 / (double)(w->first[c + 1] - w->first[c]);
        }
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_histogram(&svg, &(sg_svg_histogram){.title = title,
                                       .x = {.label = axis},
                                       .y = {.label = "share of the class", .percent = true},
                                       .edges = edges,
                                       .bins = bins,
                                       .series = w->class_names,
                                       .series_count = classes,
                                       .counts = counts});
    sg_page_put_svg(&w->page, &svg, caption);
    sg_str_dispose(&svg);
    free(counts);
}

void sg_explore_put_level_histogram(sg_explore_canvas *w) {
    size_t classes = w->in->class_count;
    double *counts = calloc(classes * BINS + 1, sizeof *counts), edges[BINS + 1];
    if (!counts) {
        w->page.failed = true;
        return;
    }
    for (int b = 0; b <= BINS; b++) edges[b] = b * (double)LEVELS / BINS;
    for (size_t c = 0; c < classes; c++)
        for (size_t v = 0; v < LEVELS; v++)
            counts[c * BINS + v * BINS / LEVELS] += w->in->classes[c].levels[v];
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_histogram(&svg,
            &(sg_svg_histogram){.title = "Grey levels of all pixels",
                    .x = {.label = "grey level, 0 black to 255 white", .low = 0, .high = LEVELS},
                    .y = {.label = "share of the pixels", .percent = true},
                    .edges = edges,
                    .bins = BINS,
                    .series = w->class_names,
                    .series_count = classes,
                    .counts = counts});
    sg_page_put_svg(&w->page, &svg, "Every image of a class counts the same, whatever its size.");
    sg_str_dispose(&svg);
    free(counts);
}

void sg_explore_put_balance_chart(sg_explore_canvas *w) {
    static const char *const series[] = {"images", "groups"};
    size_t classes = w->in->class_count;
    double *values = calloc(2 * classes + 1, sizeof *values);
    if (!values) {
        w->page.failed = true;
        return;
    }
    for (size_t c = 0; c < classes; c++) {
        values[c] = (double)w->in->classes[c].images;
        values[classes + c] = (double)w->in->classes[c].groups;
    }
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_bars(&svg, &(sg_svg_bars){.title = "Images and groups per class",
                                  .y = {.label = "count"},
                                  .categories = w->class_names,
                                  .category_count = classes,
                                  .series = series,
                                  .series_count = 2,
                                  .values = values,
                                  .values_shown = true});
    sg_page_put_svg(&w->page, &svg, NULL);
    sg_str_dispose(&svg);
    free(values);
}
