/* search_family.c - a population of a search: who went on from whom, and with what.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/search.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BEST = 0, COPY = 1, OTHER = 2 }; /* colours */

/* One line of two points for every stretch, and which stretches led to the best member. */
typedef struct family {
    const sg_search_page *in;
    bool *leads;
    double *x, *y; /* [2 * trial_count] */
    sg_svg_series *series;
    size_t count;
} family;

/* The best stretch that ends last. */
static long find_winner(const sg_search_page *in) {
    long best = -1;
    for (size_t i = 0; i < in->trial_count; i++) {
        const sg_search_trial *t = &in->trials[i], *b = best < 0 ? NULL : &in->trials[best];
        if (!t->is_stretch || isnan(t->value)) continue;
        bool better = b && (in->maximise ? t->value > b->value : t->value < b->value);
        if (!b || t->until > b->until || (t->until == b->until && better)) best = (long)i;
    }
    return best;
}

static bool open_family(family *f, const sg_search_page *in) {
    size_t n = in->trial_count;
    *f = (family){.in = in,
            .leads = calloc(n + 1, sizeof *f->leads),
            .x = calloc(2 * n + 1, sizeof *f->x),
            .y = calloc(2 * n + 1, sizeof *f->y),
            .series = calloc(n + 1, sizeof *f->series)};
    if (!f->leads || !f->x || !f->y || !f->series) return false;
    for (long at = find_winner(in); at >= 0; at = in->trials[at].parent) f->leads[at] = true;
    return true;
}

static void close_family(family *f) {
    free(f->leads);
    free(f->x);
    free(f->y);
    free(f->series);
}

/* The first line of each kind names it in the legend. */
static void add_line(family *f, size_t i, double x1, double y1, double x2, double y2) {
    static const char *const names[] = {"led to the best", "copied another member", "others"};
    const sg_search_trial *t = &f->in->trials[i];
    bool copied = t->parent >= 0 && f->in->trials[t->parent].member != t->member;
    size_t color = f->leads[i] ? BEST : copied ? COPY : OTHER, k = f->count++;
    bool named = false;
    for (size_t s = 0; s < k; s++) named = named || f->series[s].color == color;
    double *x = f->x + 2 * k, *y = f->y + 2 * k;
    x[0] = x1, x[1] = x2, y[0] = y1, y[1] = y2;
    f->series[k] = (sg_svg_series){.name = named ? NULL : names[color],
            .x = x,
            .y = y,
            .n = 2,
            .faint = color == OTHER,
            .color = color};
}

static void put(
        sg_page *out, family *f, const char *title, const sg_svg_axis *y, const char *caption) {
    const sg_svg_chart chart = {.title = title,
            .x = {.label = "epochs of a member", .whole = true},
            .y = *y,
            .series = f->series,
            .count = f->count};
    sg_str svg;
    sg_str_init(&svg, 0);
    sg_svg_put_chart(&svg, &chart);
    sg_page_put_svg(out, &svg, caption);
    sg_str_dispose(&svg);
    f->count = 0;
}

static void put_tree(sg_page *out, family *f) {
    const sg_search_page *in = f->in;
    for (size_t i = 0; i < in->trial_count; i++) {
        const sg_search_trial *t = &in->trials[i];
        if (!t->is_stretch || isnan(t->value)) continue;
        const sg_search_trial *p = t->parent < 0 ? t : &in->trials[t->parent];
        add_line(f, i, p->until, p->value, t->until, t->value);
    }
    put(out, f, "Family tree", &(sg_svg_axis){.label = in->figure},
            "A line is what a member did between two copies, from where its parent stood to where "
            "it came.");
}

/* Held by all members alike: there is nothing to see. */
static bool is_constant(const sg_search_page *in, const sg_search_parameter *p) {
    double first = NAN;
    for (size_t i = 0; i < in->trial_count; i++) {
        if (!in->trials[i].is_stretch || isnan(p->values[i])) continue;
        if (!isnan(first) && p->values[i] != first) return false;
        first = p->values[i];
    }
    return true;
}

static void put_schedule(sg_page *out, family *f, const sg_search_parameter *p) {
    const sg_search_page *in = f->in;
    for (int pass = 0; pass < 2; pass++) /* the best on top */
        for (size_t i = 0; i < in->trial_count; i++) {
            const sg_search_trial *t = &in->trials[i];
            if (!t->is_stretch || isnan(p->values[i]) || f->leads[i] != (pass == 1)) continue;
            add_line(f, i, t->from, p->values[i], t->until, p->values[i]);
        }
    const sg_svg_axis y = {.label = p->name,
            .logarithmic = p->logarithmic,
            .names = p->choices,
            .name_count = p->choice_count};
    put(out, f, p->name, &y, NULL);
}

void sg_search_put_family(sg_page *out, const sg_search_page *in) {
    family f;
    bool any = false;
    for (size_t i = 0; i < in->trial_count; i++) any = any || in->trials[i].is_stretch;
    if (!any) return;
    if (open_family(&f, in)) {
        sg_page_section(out, "The population",
                "Members are trained in stretches; after each, the worst go on from the state of "
                "the best with other settings.");
        put_tree(out, &f);
        for (size_t i = 0; i < in->parameter_count; i++)
            if (!is_constant(in, &in->parameters[i])) put_schedule(out, &f, &in->parameters[i]);
    } else {
        out->failed = true;
    }
    close_family(&f);
}
