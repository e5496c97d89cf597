/* search.c - see search.h. SPDX-License-Identifier: Apache-2.0 */
#include "report/search.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BEST_ROWS = 10, PARAMETERS_MAX = 40 };

static bool is_better(const sg_search_page *in, double a, double b) {
    return isnan(b) || (in->maximise ? a > b : a < b);
}

static void put(sg_page *page, sg_str *svg, const char *caption) {
    sg_page_put_svg(page, svg, caption);
    sg_str_dispose(svg);
}

/* number[n], cost[n] (epochs trained up to its end) and value[n] of every trial; the best so far
 * stays until a trial ends: at[2n] and best[2n] hold where it was before the trial and where after.
 */
static void fill_course(
        const sg_search_page *in, double *number, double *cost, double *value, double *best) {
    double so_far = NAN, epochs = 0;
    for (size_t i = 0; i < in->trial_count; i++) {
        const sg_search_trial *t = &in->trials[i];
        epochs += (double)t->step_count;
        number[i] = (double)t->number;
        cost[i] = epochs;
        value[i] = t->value;
        best[2 * i] = so_far;
        if (!isnan(t->value) && !t->pruned && is_better(in, t->value, so_far)) so_far = t->value;
        best[2 * i + 1] = so_far;
    }
}

static void put_course(sg_page *page, const sg_search_page *in) {
    size_t n = in->trial_count;
    double *block = malloc((7 * n + 1) * sizeof *block);
    if (!block) {
        page->failed = true;
        return;
    }
    double *number = block, *cost = block + n, *value = block + 2 * n;
    double *best = block + 3 * n, *at = block + 5 * n;
    fill_course(in, number, cost, value, best);
    for (int k = 0; k < 2; k++) {
        const double *x = k ? cost : number;
        for (size_t i = 0; i < 2 * n; i++) at[i] = x[i / 2];
        const sg_svg_series series[] = {{.name = "a trial",
                                                .x = x,
                                                .y = value,
                                                .n = n,
                                                .markers = true,
                                                .no_line = true,
                                                .color = 1},
                {.name = "best so far", .x = at, .y = best, .n = 2 * n, .color = 0}};
        const sg_svg_chart chart = {.title = k ? "Cost and best value" : "History",
                .x = {.label = k ? "epochs trained, all trials" : "trial", .whole = true},
                .y = {.label = in->figure},
                .series = series,
                .count = 2};
        sg_str svg;
        sg_str_init(&svg, 0);
        sg_svg_put_chart(&svg, &chart);
        put(page, &svg, k ? NULL : "Stopped trials show their last value and never count as best.");
    }
    free(block);
}

/* Every trial's course over its epochs. */
static void put_curves(sg_page *page, const sg_search_page *in) {
    sg_svg_series *series = calloc(in->trial_count + 1, sizeof *series);
    double **steps = calloc(in->trial_count + 1, sizeof *steps);
    bool stopped = false;
    size_t n = 0;
    for (size_t i = 0; series && steps && i < in->trial_count; i++) {
        const sg_search_trial *t = &in->trials[i];
        if (!t->step_count) continue;
        steps[n] = malloc(t->step_count * sizeof **steps);
        if (!steps[n]) {
            page->failed = true;
            break;
        }
        for (size_t k = 0; k < t->step_count; k++) steps[n][k] = t->steps[k];
        series[n] = (sg_svg_series){.x = steps[n],
                .y = t->step_values,
                .n = t->step_count,
                .faint = true,
                .markers = t->step_count == 1,
                .color = t->pruned ? 1 : 0};
        stopped = stopped || t->pruned;
        n++;
    }
    if (!series || !steps) page->failed = true;
    if (n) {
        const sg_svg_chart chart = {.title = "Values during the trials",
                .x = {.label = "epochs, over all inner folds", .whole = true},
                .y = {.label = in->figure},
                .series = series,
                .count = n};
        sg_str svg;
        sg_str_init(&svg, 0);
        sg_svg_put_chart(&svg, &chart);
        put(page, &svg,
                stopped ? "The second colour: stopped early. A fall back marks the next inner fold."
                        : "A fall back marks the next inner fold.");
    }
    for (size_t i = 0; steps && i < n; i++) free(steps[i]);
    free(steps);
    free(series);
}

static void put_importance(sg_page *page, const sg_search_page *in) {
    const char *names[PARAMETERS_MAX];
    double shares[PARAMETERS_MAX];
    size_t n = in->parameter_count < PARAMETERS_MAX ? in->parameter_count : PARAMETERS_MAX;
    if (!n || isnan(in->parameters[0].share)) return;
    for (size_t i = 0; i < n; i++) {
        names[i] = in->parameters[i].name;
        shares[i] = in->parameters[i].share;
    }
    const sg_svg_bars bars = {.title = "Importance",
            .y = {.label = "share of variance", .percent = true},
            .categories = names,
            .category_count = n,
            .series_count = 1,
            .values = shares,
            .values_shown = true,
            .decimals = 0};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_bars(&svg, &bars);
    put(page, &svg,
            "What each parameter explains alone of the Gaussian process' mean over the whole space "
            "(functional ANOVA); the rest to 100 % lies in combinations.");
}

/* One parameter against the value, with the model's mean over the other parameters. */
static void put_slice(sg_page *page, const sg_search_page *in, const sg_search_parameter *p) {
    double *value = malloc((in->trial_count + 1) * sizeof *value);
    if (!value) {
        page->failed = true;
        return;
    }
    for (size_t i = 0; i < in->trial_count; i++) value[i] = in->trials[i].value;
    const sg_svg_series series[] = {{.name = "a trial",
                                            .x = p->values,
                                            .y = value,
                                            .n = in->trial_count,
                                            .markers = true,
                                            .no_line = true,
                                            .color = 1},
            {.name = "model, mean over the others",
                    .x = p->at,
                    .y = p->effect,
                    .n = p->level_count,
                    .color = 0,
                    .markers = p->choice_count > 0,
                    .no_line = p->choice_count > 0}};
    const sg_svg_chart chart = {.title = p->name,
            .x = sg_search_axis(p),
            .y = {.label = in->figure},
            .series = series,
            .count = p->level_count ? 2 : 1};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_chart(&svg, &chart);
    put(page, &svg, NULL);
    free(value);
}

static void put_parallel(sg_page *page, const sg_search_page *in) {
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_search_put_parallel(&svg, in);
    sg_page_put_wide_svg(page, &svg,
            "A line is a trial; the best tenth is dark. A line skips what was not active.");
    sg_str_dispose(&svg);
}

static void put_contour(sg_page *page, const sg_search_page *in, const sg_search_contour *contour) {
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_search_put_contour(&svg, in, contour);
    put(page, &svg, "Dark is good: the model's mean over the other parameters. A dot is a trial.");
}

/* ---- tables ---- */

static void put_rows(sg_page *page, const char *caption, const char *last_column,
        const sg_search_page *in, const size_t *rows, size_t count, bool messages) {
    enum { COLUMNS = 3 };
    const char *header[COLUMNS] = {"trial", messages ? "settings" : in->figure, last_column};
    char(*text)[2][40] = calloc(count + 1, sizeof *text);
    const char **cells = calloc(COLUMNS * count + 1, sizeof *cells);
    for (size_t r = 0; text && cells && r < count; r++) {
        const sg_search_trial *t = &in->trials[rows[r]];
        (void)snprintf(text[r][0], sizeof text[r][0], "%zu", t->number);
        (void)snprintf(
                text[r][1], sizeof text[r][1], "%.4f%s", t->value, t->pruned ? " (stopped)" : "");
        cells[COLUMNS * r] = text[r][0];
        cells[COLUMNS * r + 1] = messages ? t->settings : text[r][1];
        cells[COLUMNS * r + 2] = messages ? t->message : t->settings;
    }
    if (text && cells) {
        sg_page_table table = SG_PAGE_TABLE_INIT;
        table.caption = caption;
        table.header = header;
        table.cells = cells;
        table.rows = count;
        table.columns = COLUMNS;
        table.align = messages ? "rll" : "rrl";
        sg_page_put_table(page, &table);
    } else {
        page->failed = true;
    }
    free(text);
    free(cells);
}

static void put_best(sg_page *page, const sg_search_page *in) {
    size_t rows[BEST_ROWS], n = 0;
    for (size_t i = 0; i < in->trial_count; i++) {
        double v = in->trials[i].value;
        if (isnan(v) || in->trials[i].pruned) continue;
        size_t at = n < BEST_ROWS ? n : BEST_ROWS - 1;
        if (n == BEST_ROWS && !is_better(in, v, in->trials[rows[at]].value)) continue;
        if (n < BEST_ROWS) n++;
        while (at > 0 && is_better(in, v, in->trials[rows[at - 1]].value)) {
            rows[at] = rows[at - 1];
            at--;
        }
        rows[at] = i;
    }
    put_rows(page,
            "Highest and lowest of many noisy values are too good: best.yaml names the one "
            "that held under other seeds.",
            "settings", in, rows, n, false);
}

static void put_failed(sg_page *page, const sg_search_page *in) {
    size_t rows[BEST_ROWS], n = 0;
    for (size_t i = 0; i < in->trial_count && n < BEST_ROWS; i++)
        if (in->trials[i].message) rows[n++] = i;
    if (!n) return;
    sg_page_heading(page, "Failed trials");
    put_rows(page, n == BEST_ROWS ? "The first ten." : NULL, "why", in, rows, n, true);
}

sg_status sg_search_page_write(const sg_search_page *in, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, in->study, "sonograde tune");
    sg_page_put_facts(&page, in->facts, in->fact_count);
    sg_page_section(&page, "Course of the search",
            "All values are validation figures inside the training images; test images are in no "
            "trial.");
    put_course(&page, in);
    put_curves(&page, in);
    sg_search_put_family(&page, in);
    sg_page_section(&page, "Best trials", NULL);
    put_best(&page, in);
    put_failed(&page, in);
    sg_page_section(&page, "What mattered", NULL);
    put_parallel(&page, in);
    put_importance(&page, in);
    for (size_t i = 0; i < in->contour_count; i++) put_contour(&page, in, &in->contours[i]);
    sg_page_section(&page, "Each parameter", NULL);
    for (size_t i = 0; i < in->parameter_count; i++) put_slice(&page, in, &in->parameters[i]);
    return sg_page_write(&page, path, err);
}
