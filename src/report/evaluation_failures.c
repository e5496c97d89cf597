/* evaluation_failures.c - pictures of what went wrong: missed malignancies first, then the rest,
 * the most confident mistake first in each. SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation_parts.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_DEFAULT = 60 };

typedef struct ranked_case {
    const sg_evaluation_case *item;
    double truth_score; /* probability given to the truth; low = confident mistake */
    size_t order;
} ranked_case;

static int compare_cases(const void *a, const void *b) {
    const ranked_case *p = a, *q = b;
    if (p->truth_score != q->truth_score) return p->truth_score < q->truth_score ? -1 : 1;
    return (p->order > q->order) - (p->order < q->order);
}

static bool is_missed_malignancy(const sg_evaluation_page *e, const sg_evaluation_case *c) {
    return e->malignant >= 0 && c->truth == (size_t)e->malignant &&
           c->predicted != (size_t)e->malignant;
}

static const char *class_name(const sg_evaluation_page *e, size_t k) {
    return k < e->class_count ? e->classes[k].name : "?";
}

/* "looks most like benign (0.93); malignant 0.05, normal 0.02" */
static void describe_scores(sg_str *out, const sg_evaluation_page *e, const sg_evaluation_case *c) {
    sg_str_append(out, "looks most like ");
    sg_str_append(out, class_name(e, c->predicted));
    if (!c->probabilities) return;
    sg_str_append(out, " (");
    sg_html_put_fixed(out, c->probabilities[c->predicted], 2);
    sg_str_append(out, ")");
    const char *before = "; ";
    for (size_t k = 0; k < e->class_count; k++) {
        if (k == c->predicted) continue;
        sg_str_append(out, before);
        sg_str_append(out, class_name(e, k));
        sg_str_append(out, " ");
        sg_html_put_fixed(out, c->probabilities[k], 2);
        before = ", ";
    }
}

static void put_case(sg_page *page, const sg_evaluation_page *e, const sg_evaluation_case *c,
        sg_page_image *image, sg_str texts[4]) {
    sg_str_appendf(&texts[0], "labelled %s", class_name(e, c->truth));
    describe_scores(&texts[1], e, c);
    const char *more[] = {c->note, c->hash, e->show_full ? c->path : NULL};
    for (size_t i = 0; i < 3; i++)
        if (more[i]) {
            sg_str_append(&texts[2], texts[2].len ? " \xC2\xB7 " : "");
            sg_str_append(&texts[2], more[i]);
        }
    sg_str_appendf(&texts[3], "Ultrasound image labelled %s, predicted %s", class_name(e, c->truth),
            class_name(e, c->predicted));
    *image = (sg_page_image){.bytes = c->image,
            .size = c->image_size,
            .alt = sg_str_text(&texts[3]),
            .title = sg_str_text(&texts[0]),
            .detail = sg_str_text(&texts[2]),
            .mark = sg_str_text(&texts[1])};
    for (int i = 0; i < 4; i++) page->failed = page->failed || texts[i].failed;
}

static void put_cases(
        sg_page *page, const sg_evaluation_page *e, const ranked_case *cases, size_t count) {
    sg_page_image *images = calloc(count, sizeof *images);
    sg_str(*texts)[4] = calloc(count, sizeof *texts);
    if (images && texts) {
        for (size_t i = 0; i < count; i++) put_case(page, e, cases[i].item, &images[i], texts[i]);
        sg_page_put_images(page, images, count);
        for (size_t i = 0; i < count; i++)
            for (int j = 0; j < 4; j++) sg_str_dispose(&texts[i][j]);
    } else {
        page->failed = true;
    }
    free(images);
    free(texts);
}

/* The failures of one side, sorted, up to the limit. */
static void put_side(sg_page *page, const sg_evaluation_page *e, bool missed, const char *title,
        const char *none) {
    size_t limit = e->failures_shown_max ? e->failures_shown_max : SHOWN_DEFAULT, count = 0;
    ranked_case *cases = calloc(e->failure_count + 1, sizeof *cases);
    if (!cases) {
        page->failed = true;
        return;
    }
    for (size_t i = 0; i < e->failure_count; i++) {
        const sg_evaluation_case *c = &e->failures[i];
        if (c->truth == c->predicted || is_missed_malignancy(e, c) != missed) continue;
        double score =
                c->probabilities && c->truth < e->class_count ? c->probabilities[c->truth] : 1;
        cases[count++] = (ranked_case){c, isnan(score) ? 1 : score, i};
    }
    qsort(cases, count, sizeof *cases, compare_cases);
    sg_page_heading(page, title);
    if (count == 0)
        sg_page_text(page, none);
    else
        put_cases(page, e, cases, count < limit ? count : limit);
    if (count > limit) sg_page_textf(page, "%zu more are in predictions.csv.", count - limit);
    free(cases);
}

void sg_evaluation_put_failures(sg_page *page, const sg_evaluation_page *e) {
    sg_page_section(page, "Where it was wrong",
            "The most confident mistake comes first. Pictures show the scan area; a short hash "
            "stands "
            "for the file.");
    if (e->malignant >= 0)
        put_side(page, e, true, "Missed malignancies", "No malignant image was missed.");
    put_side(page, e, false, e->malignant >= 0 ? "Other mistakes" : "Mistakes", "None.");
}
