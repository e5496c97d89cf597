/* evaluation_text.c - the words of the evaluation report: numbers, warnings, protocol facts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/evaluation_parts.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- numbers and cells ---- */

char *sg_evaluation_format_value(char *buffer, size_t size, double value, bool percent) {
    return sg_html_format_fixed(buffer, size, percent ? 100 * value : value, percent ? 1 : 3);
}

char *sg_evaluation_format_interval(
        char *buffer, size_t size, const sg_evaluation_value *value, bool percent) {
    char low[40], high[40];
    if (!isfinite(value->low) || !isfinite(value->high)) {
        buffer[0] = '\0';
        return buffer;
    }
    sg_evaluation_format_value(low, sizeof low, value->low, percent);
    sg_evaluation_format_value(high, sizeof high, value->high, percent);
    snprintf(buffer, size, "%s\xE2\x80\x93%s", low, high);
    return buffer;
}

bool sg_cells_init(sg_cells *cells, size_t capacity) {
    *cells = (sg_cells){.capacity = capacity};
    cells->text = calloc(capacity + 1, sizeof *cells->text);
    cells->cell = calloc(capacity + 1, sizeof *cells->cell);
    return cells->text && cells->cell;
}

void sg_cells_dispose(sg_cells *cells) {
    free(cells->text);
    free(cells->cell);
}

void sg_cells_put_table(sg_cells *cells, sg_page *page, const char *const *header, size_t columns,
        const char *align, const char *caption) {
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.caption = caption;
    table.header = header;
    table.cells = cells->cell;
    table.rows = cells->count / columns;
    table.columns = columns;
    table.align = align;
    sg_page_put_table(page, &table);
    sg_cells_dispose(cells);
}

void sg_cells_put(sg_cells *cells, const char *text) {
    if (cells->count == cells->capacity) return;
    cells->cell[cells->count++] = text;
}

static char *next_text(sg_cells *cells) {
    if (cells->count == cells->capacity) return NULL;
    char *text = cells->text[cells->count];
    cells->cell[cells->count++] = text;
    return text;
}

void sg_cells_put_copy(sg_cells *cells, const char *source) {
    char *text = next_text(cells);
    if (text) (void)snprintf(text, SG_CELL, "%s", source);
}

void sg_cells_put_count(sg_cells *cells, size_t count) {
    char *text = next_text(cells);
    if (text) snprintf(text, SG_CELL, "%zu", count);
}

void sg_cells_put_number(sg_cells *cells, double value, bool percent) {
    char *text = next_text(cells);
    if (text) sg_evaluation_format_value(text, SG_CELL, value, percent);
}

void sg_cells_put_value(sg_cells *cells, const sg_evaluation_value *value, bool percent) {
    char number[40], interval[40], *text = next_text(cells);
    if (!text) return;
    sg_evaluation_format_value(number, sizeof number, value->value, percent);
    sg_evaluation_format_interval(interval, sizeof interval, value, percent);
    snprintf(text, SG_CELL, interval[0] ? "%s (%s)" : "%s", number, interval);
}

size_t sg_evaluation_support(const sg_evaluation_page *e, size_t class_index) {
    size_t total = 0;
    for (size_t j = 0; j < e->class_count; j++)
        total += e->confusion[class_index * e->class_count + j];
    return total;
}

/* ---- warnings ---- */

void sg_evaluation_put_marks(sg_page *page, const sg_evaluation_page *e) {
    const sg_evaluation_marks *m = &e->marks;
    const struct {
        bool set;
        const char *mark, *text;
    } plain[] = {
            {m->ungrouped_split, "ungrouped split",
                    "Images that belong together (copies, views of one lesion) may lie on both "
                    "sides "
                    "of the split. The figures below are likely too high."},
            {m->stretched_images, "stretched images",
                    "Images were brought to a square without keeping their proportions, so width "
                    "against height, a sign of malignancy, is lost or falsified in them."},
            {m->phantom_model, "phantom model",
                    "The model was trained on simulated images only. It says nothing about "
                    "patients."},
            {m->phantom_data, "phantom data",
                    "The images are simulated. The figures show that the machinery works and say "
                    "nothing about patients."},
            {m->reduced_settings, "reduced settings",
                    m->reduced_note ? m->reduced_note
                                    : "The run was smaller or shorter than the protocol asks for."},
    };
    if (m->allow_seen) {
        char text[256];
        if (m->seen_images)
            snprintf(text, sizeof text,
                    "%zu of the %s were in the training or validation part of this "
                    "model, "
                    "by content or by group, and were let in on request. The figures are not test "
                    "figures.",
                    m->seen_images, sg_evaluation_counted(e));
        else
            snprintf(text, sizeof text,
                    "Images that the model was trained on were allowed; none was found here.");
        sg_page_warn(page, "allow-seen", text);
    }
    if (e->groups && e->groups < SG_FEW_GROUPS) {
        char text[160];
        snprintf(text, sizeof text,
                "The images make up only %zu groups: intervals from so few are too narrow to be "
                "believed.",
                e->groups);
        sg_page_warn(page, "few groups", text);
    }
    if (e->relatives_in_training) {
        char text[256];
        snprintf(text, sizeof text,
                "The audit finds relatives of %zu of the %zu %s in another part of the split: a "
                "model was "
                "trained on a copy or another view of them. Split by the "
                "audit's manifest.csv for figures without that.",
                e->relatives_in_training, e->all_images, sg_evaluation_counted(e));
        sg_page_warn(page, "relatives in training", text);
    }
    if (m->looked_at) sg_page_warn(page, "test data seen before", m->looked_at);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].set) sg_page_warn(page, plain[i].mark, plain[i].text);
    for (size_t i = 0; i < m->more_count; i++) sg_page_warn(page, "note", m->more[i]);
}

/* ---- facts ---- */

size_t sg_evaluation_runs(const sg_evaluation_page *e) {
    return e->runs > 1 ? e->runs : 1;
}

const char *sg_evaluation_counted(const sg_evaluation_page *e) {
    return e->runs > 1 ? "answers (one per image and run)" : "images judged";
}

/* "benign 57.1 %, malignant 26.9 %, ..." of the evaluated images. */
static void describe_shares(sg_str *out, const sg_evaluation_page *e) {
    for (size_t k = 0; k < e->class_count; k++) {
        size_t support = sg_evaluation_support(e, k);
        sg_str_append(out, k ? ", " : "");
        sg_str_append(out, e->classes[k].name);
        sg_str_appendf(out, " %zu (", support / sg_evaluation_runs(e));
        sg_html_put_percent(out, e->images ? (double)support / (double)e->images : NAN, 1);
        sg_str_append(out, ")");
    }
}

void sg_evaluation_put_facts(sg_page *page, const sg_evaluation_page *e) {
    const sg_evaluation_facts *f = &e->facts;
    sg_str groups, shares;
    sg_str_init(&groups, 0);
    sg_str_init(&shares, 0);
    if (e->groups)
        sg_str_appendf(&groups,
                "%zu images in %zu groups. Groups are a lower bound on what belongs together: what "
                "nobody found or declared is not in them.",
                e->images / sg_evaluation_runs(e), e->groups);
    describe_shares(&shares, e);
    const sg_page_fact facts[] = {
            {"Data", f->data},
            {"Classes taken as", f->class_map},
            {"Evaluated on", f->split},
            {"Unit of the split", f->split_unit},
            {"Groups", groups.len ? sg_str_text(&groups) : NULL},
            {"Class shares here", sg_str_text(&shares)},
            {"Model", f->model},
            {"Initialisation", f->initialisation},
            {"Chosen by", f->selection},
            {"Looks at these images", f->looks},
            {"Training population", f->training_population},
            {"Class shares in training", f->training_shares},
            {"Preprocessing", f->preprocessing},
            {"Seed", f->seed},
            {"Intervals", f->interval_method},
            {"Build", f->build},
            {"Made from", f->input_hashes},
    };
    sg_page_section(page, "What was measured, and how", NULL);
    sg_page_put_facts(page, facts, sizeof facts / sizeof *facts);
    if (f->more_count) sg_page_put_facts(page, f->more, f->more_count);
    sg_page_note(page, "Accuracy and predictive values depend on the class shares. Shares in a "
                       "collection like "
                       "this one are not those of screening or of a clinic.");
    page->failed = page->failed || groups.failed || shares.failed;
    sg_str_dispose(&groups);
    sg_str_dispose(&shares);
}
