/* explain_page.c - a study of maps as the page's structs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/assessment.h"
#include "cli/explain_output.h"
#include "cli/values.h"
#include "report/explain.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 9, NAME = 64, POINTS = SG_EXPLAIN_CURVE_STEPS + 1, TEXT = 400, FLIPS = 64 };
enum { GATES_MAX = 64, CLASSES_MAX = 16, WARNINGS = SG_EXPLAIN_METHODS + 5 };

/* Everything that the page borrows. */
typedef struct filling {
    const sg_explain_output *out;
    sg_explain_table tables[TABLES];
    size_t table_count;
    char titles[SG_EXPLAIN_MAPS][NAME];
    char marks[SG_EXPLAIN_METHODS][SG_EXPLAIN_MARKS];
    char differences[SG_EXPLAIN_METHODS * SG_EXPLAIN_BASELINES][2 * NAME];
    sg_explain_calm calm[SG_EXPLAIN_MAPS];
    sg_explain_sanity sanity[SG_EXPLAIN_METHODS];
    sg_explain_line cascade[SG_EXPLAIN_METHODS], deletion[SG_EXPLAIN_MAPS],
            insertion[SG_EXPLAIN_MAPS], gates[CLASSES_MAX];
    double stages[SG_EXPLAIN_STAGES_MAX], shares[POINTS];
    double gate_numbers[GATES_MAX], gate_mean[CLASSES_MAX][GATES_MAX],
            gate_low[CLASSES_MAX][GATES_MAX], gate_high[CLASSES_MAX][GATES_MAX];
    sg_explain_marked marked[SG_EXPLAIN_METHODS];
    char flip_texts[FLIPS][TEXT];
    const char *flips[FLIPS];
    char abstained_texts[FLIPS][TEXT];
    const char *reasons[FLIPS];
    const char *warnings[2 * WARNINGS];
    char warning_texts[WARNINGS][TEXT];
    sg_page_fact facts[12 + SG_EXPLAIN_METHODS];
    char past_texts[SG_EXPLAIN_METHODS][TEXT];
    char fact_texts[4][NAME];
    sg_explain_page page;
} filling;

/* ---- tables ---- */

static const int columns[SG_EXPLAIN_COLUMNS] = {SG_MAP_POINTING, SG_MAP_ENERGY, SG_MAP_IOU_BEST,
        SG_MAP_IOU_FIXED, SG_MAP_AUPRC, SG_MAP_DISTANCE, SG_MAP_DELETION, SG_MAP_INSERTION};

static sg_status add_table(
        filling *f, const char *title, const char *lead, sg_map_part part, sg_error *err) {
    const sg_explain_output *out = f->out;
    sg_explain_row *rows = calloc(SG_EXPLAIN_MAPS, sizeof *rows);
    size_t n = 0;
    sg_status st = rows ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory making the page");
    for (int m = 0; m < SG_EXPLAIN_MAPS && !st; m++) {
        if (!sg_explain_has_map(out, m)) continue;
        sg_bootstrap_figure figures[SG_MAP_MEASURES];
        part.map = m;
        sg_explain_row *row = &rows[n];
        row->name = f->titles[m];
        row->mark = m < SG_EXPLAIN_METHODS && *f->marks[m] ? "marked" : NULL;
        st = sg_map_rows_mean(figures, &row->images, out->study->rows, out->study->row_count, part,
                &out->draws, err);
        for (int k = 0; k < SG_EXPLAIN_COLUMNS && !st; k++)
            row->values[k] = sg_value_of_boot(&figures[columns[k]]);
        n += row->images > 0;
    }
    f->tables[f->table_count++] = (sg_explain_table){title, lead, rows, n};
    return st;
}

static sg_status add_differences(filling *f, sg_error *err) {
    static const char *const less[SG_EXPLAIN_BASELINES] = {
            "the middle of the image", "the untrained network"};
    const sg_explain_output *out = f->out;
    sg_explain_row *rows = calloc(SG_EXPLAIN_METHODS * SG_EXPLAIN_BASELINES, sizeof *rows);
    size_t n = 0;
    if (!rows) return sg_fail(err, SG_ERR_MEMORY, "out of memory making the page");
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++)
        for (int b = 0; b < SG_EXPLAIN_BASELINES; b++) {
            const sg_explain_verdict *v = &out->verdicts[m];
            if (!v->compared[b]) continue;
            (void)snprintf(f->differences[n], sizeof f->differences[n], "%s less %s",
                    sg_explain_title((sg_explain_method)m), less[b]);
            rows[n] = (sg_explain_row){.name = f->differences[n],
                    .mark = v->loses[b] ? "not shown to be better" : NULL,
                    .images = v->lesions};
            for (int k = 0; k < SG_EXPLAIN_COLUMNS; k++)
                rows[n].values[k] = sg_value_of_boot(&v->above[b][columns[k]]);
            n++;
        }
    f->tables[f->table_count++] = (sg_explain_table){"Against the baselines",
            "Differences on the same images. A method is marked where the interval of its pixel "
            "AUPRC is not all above 0. Of the distance and the deletion, less is better.",
            rows, n};
    return SG_OK;
}

static sg_status add_tables(filling *f, sg_error *err) {
    const sg_bundle *b = f->out->job->bundle;
    sg_status st = SG_OK;
    if (!f->out->job->scores) return SG_OK;
    st = add_table(f, "Against the lesions",
            "Every image with a lesion mask. Baselines: a Gaussian in the middle, which looks at "
            "no "
            "image, and the same network with weights that learned nothing. A method that is no "
            "better than these found nothing that they do not.",
            (sg_map_part){-1, -1, -1, 1}, err);
    if (!st) st = add_differences(f, err);
    for (int c = 0; c < b->class_count && !st && f->table_count < TABLES - 3; c++)
        st = add_table(f, b->classes[c], NULL, (sg_map_part){-1, c, -1, 1}, err);
    if (!st) st = add_table(f, "Right answers", NULL, (sg_map_part){-1, -1, 1, 1}, err);
    if (!st) st = add_table(f, "Wrong answers", NULL, (sg_map_part){-1, -1, 0, 1}, err);
    return st;
}

static sg_status add_calm(filling *f, sg_error *err) {
    const sg_explain_output *out = f->out;
    sg_status st = SG_OK;
    size_t n = 0;
    for (int m = 0; m <= SG_EXPLAIN_CENTRE && out->job->scores && !st; m++) {
        sg_bootstrap_figure figures[SG_MAP_MEASURES];
        sg_explain_calm *calm = &f->calm[n];
        if (!sg_explain_has_map(out, m)) continue;
        st = sg_map_rows_mean(figures, &calm->images, out->study->rows, out->study->row_count,
                (sg_map_part){m, -1, -1, 0}, &out->draws, err);
        calm->name = f->titles[m];
        if (!st) calm->hot = sg_value_of_boot(&figures[SG_MAP_HOT]);
        n += !st && calm->images > 0;
    }
    f->page.calm = f->calm;
    f->page.calm_count = n;
    return st;
}

/* ---- checks and curves ---- */

static void add_checks(filling *f) {
    const sg_explain_study *s = f->out->study;
    size_t n = 0, lines = 0;
    for (int k = 0; k < SG_EXPLAIN_STAGES_MAX; k++) f->stages[k] = k;
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) {
        if (!f->out->job->methods[m] || (!f->out->checked && !f->out->permuted)) continue;
        bool fails = sg_explain_study_fails(s, (sg_explain_method)m);
        f->sanity[n++] =
                (sg_explain_sanity){f->titles[m], f->out->checked ? s->cascade[m][s->stages] : NAN,
                        s->permuted[m], s->others[m], fails};
        if (f->out->checked)
            f->cascade[lines++] = (sg_explain_line){.name = f->titles[m],
                    .x = f->stages,
                    .y = s->cascade[m],
                    .n = (size_t)s->stages + 1};
    }
    f->page.sanity = f->sanity;
    f->page.sanity_count = n;
    f->page.cascade = f->cascade;
    f->page.cascade_count = lines;
}

static void add_curves(filling *f) {
    const sg_explain_study *s = f->out->study;
    size_t n = 0;
    for (int k = 0; k < POINTS; k++) f->shares[k] = (double)k / SG_EXPLAIN_CURVE_STEPS;
    for (int m = 0; m <= SG_EXPLAIN_CENTRE && s->curve_images; m++) {
        if (!sg_explain_has_map(f->out, m)) continue;
        f->deletion[n] = (sg_explain_line){
                .name = f->titles[m], .x = f->shares, .y = s->deletion[m], .n = POINTS};
        f->insertion[n] = (sg_explain_line){
                .name = f->titles[m], .x = f->shares, .y = s->insertion[m], .n = POINTS};
        n++;
    }
    f->page.deletion = f->deletion;
    f->page.insertion = f->insertion;
    f->page.curve_count = n;
}

/* ---- gates ---- */

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static sg_status add_gates(filling *f, sg_error *err) {
    const sg_explain_study *s = f->out->study;
    const sg_bundle *b = f->out->job->bundle;
    size_t gates = s->gate_count < GATES_MAX ? s->gate_count : GATES_MAX, lines = 0;
    for (size_t g = 0; g < gates; g++) f->gate_numbers[g] = (double)(g + 1);
    for (int c = 0; c < b->class_count && c < CLASSES_MAX; c++) {
        if (!gates || !s->gate_images[c]) continue;
        for (size_t g = 0; g < gates; g++) {
            const sg_gate_profile *p = &s->gates[g];
            double *sorted = malloc(p->channels * sizeof *sorted), sum = 0;
            if (!sorted) return sg_fail(err, SG_ERR_MEMORY, "out of memory making the page");
            for (size_t k = 0; k < p->channels; k++) {
                sorted[k] = p->sums[(size_t)c * p->channels + k] / (double)s->gate_images[c];
                sum += sorted[k];
            }
            qsort(sorted, p->channels, sizeof *sorted, rising);
            f->gate_mean[c][g] = sum / (double)p->channels;
            f->gate_low[c][g] = sg_quantile_sorted(sorted, p->channels, 0.1);
            f->gate_high[c][g] = sg_quantile_sorted(sorted, p->channels, 0.9);
            free(sorted);
        }
        f->gates[lines++] = (sg_explain_line){b->classes[c], f->gate_numbers, f->gate_mean[c],
                f->gate_low[c], f->gate_high[c], gates};
    }
    f->page.gates = f->gates;
    f->page.gate_count = lines;
    return SG_OK;
}

/* ---- marks ---- */

static sg_status add_marked(filling *f, sg_error *err) {
    const sg_explain_study *s = f->out->study;
    const sg_bundle *b = f->out->job->bundle;
    double area = 0;
    size_t flips = 0, images = 0, n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const sg_explained_image *at = &s->images[i];
        if (at->painted_top < 0 || !at->marks) continue;
        images++;
        area += at->marks_area;
        if (at->painted_top == at->prediction.top || flips == FLIPS) continue;
        (void)snprintf(f->flip_texts[flips], TEXT,
                "%s: looks most like %s (%.2f); without its marks like %s (%s falls to %.2f).",
                sg_path_base(f->out->job->items->items[i].path), b->classes[at->prediction.top],
                at->prediction.probability[at->prediction.top], b->classes[at->painted_top],
                b->classes[at->prediction.top], at->painted);
        f->flips[flips] = f->flip_texts[flips];
        flips++;
    }
    sg_status st = SG_OK;
    for (int m = 0; m < SG_EXPLAIN_METHODS && images && !st; m++) {
        sg_bootstrap_figure figures[SG_MAP_MEASURES];
        size_t count;
        if (!f->out->job->methods[m]) continue;
        st = sg_map_rows_mean(figures, &count, s->rows, s->row_count, (sg_map_part){m, -1, -1, -1},
                &f->out->draws, err);
        if (!st)
            f->marked[n++] = (sg_explain_marked){f->titles[m],
                    sg_value_of_boot(&figures[SG_MAP_ON_MARKS]), {area / (double)images, NAN, NAN}};
    }
    f->page.marked = f->marked;
    f->page.marked_count = n;
    f->page.marked_images = images;
    f->page.flipped = flips;
    f->page.flips = f->flips;
    return st;
}

/* ---- reasons to abstain ---- */

static void add_abstained(filling *f) {
    const sg_explain_study *s = f->out->study;
    for (size_t i = 0; i < s->count; i++) {
        sg_str reasons;
        if (!s->images[i].read || !sg_assessment_abstains(&s->images[i].assessment)) continue;
        sg_str_init(&reasons, 0);
        sg_assessment_put_reasons(&reasons, &s->images[i].assessment);
        size_t n = f->page.abstained++;
        if (n < FLIPS) {
            (void)snprintf(f->abstained_texts[n], TEXT, "%s: %s.",
                    sg_path_base(f->out->job->items->items[i].path), sg_str_text(&reasons));
            f->reasons[n] = f->abstained_texts[n];
            f->page.reason_count = n + 1;
        }
        sg_str_dispose(&reasons);
    }
    f->page.reasons = f->reasons;
}

/* ---- words ---- */

static void warn(filling *f, const char *mark, const char *text) {
    size_t n = f->page.warning_count++;
    (void)snprintf(f->warning_texts[n], TEXT, "%s", text);
    f->warnings[2 * n] = mark;
    f->warnings[2 * n + 1] = f->warning_texts[n];
}

static void put_past(char text[TEXT], const sg_explain_past *past, sg_explain_method m) {
    sg_str s;
    sg_str_init(&s, TEXT);
    sg_explain_past_put(&s, past, m);
    (void)snprintf(text, TEXT, "%s", sg_str_text(&s));
    sg_str_dispose(&s);
}

static void warn_of_method(filling *f, sg_explain_method m) {
    char text[TEXT];
    bool unknown = f->out->past && !sg_explain_past_marks(f->out->past, m);
    if (f->out->past)
        put_past(text, f->out->past, m);
    else
        (void)snprintf(text, sizeof text, "%s: %s; do not read its maps as reasons.",
                sg_explain_title(m), f->marks[m]);
    const char *mark = unknown ? "not checked" : *f->marks[m] ? "marked" : NULL;
    if (!mark && f->out->past && sg_explain_past_seen(f->out->past, m)) mark = "seen in training";
    if (mark) warn(f, mark, text);
}

static void add_warnings(filling *f) {
    const sg_explain_study *s = f->out->study;
    char text[TEXT];
    size_t seen = 0;
    for (size_t i = 0; i < s->count; i++) seen += s->images[i].seen;
    f->page.warnings = f->warnings;
    if (f->page.abstained) {
        (void)snprintf(text, sizeof text,
                "for %zu of the %zu images there is a reason not to use the answer, nor its map.",
                f->page.abstained, s->count);
        warn(f, "abstain", text);
    }
    if (seen) {
        (void)snprintf(text, sizeof text,
                "%zu of the images were in the training of this model: their figures mean little.",
                seen);
        warn(f, "seen in training", text);
    }
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++)
        if (f->out->job->methods[m]) warn_of_method(f, (sg_explain_method)m);
    if (!f->out->checked && !f->out->permuted && !f->out->past)
        warn(f, "not checked",
                "No sanity check was run (--check), and no study that ran it was named (--study): "
                "whether these maps depend on what was learned is not known.");
    const char *lacks = sg_assessment_lacks(f->out->job->bundle);
    if (lacks) warn(f, "not assessed", lacks);
}

static void add_facts(filling *f) {
    const sg_explain_output *out = f->out;
    const sg_explain_job *job = out->job;
    (void)snprintf(f->fact_texts[0], NAME, "%s, %d member%s", job->bundle->model,
            job->bundle->member_count, job->bundle->member_count == 1 ? "" : "s");
    (void)snprintf(f->fact_texts[1], NAME, "%g of the largest value", job->threshold);
    (void)snprintf(f->fact_texts[2], NAME, "%zu", out->study->count);
    const char *of = job->of_class == SG_EXPLAIN_OF_DECISION ? "the model's decision"
                     : job->of_class == SG_EXPLAIN_OF_TRUTH  ? "the true class"
                                                             : job->bundle->classes[job->of_class];
    size_t n = 0;
    f->facts[n++] = (sg_page_fact){"model", f->fact_texts[0]};
    f->facts[n++] = (sg_page_fact){"model's SHA-256", sg_bundle_sha256(job->bundle)};
    f->facts[n++] =
            (sg_page_fact){"layer of the CAMs", out->layer ? out->layer : "last spatial map"};
    f->facts[n++] = (sg_page_fact){"maps of", of};
    f->facts[n++] = (sg_page_fact){"views", out->flip_average ? "image and mirror image" : "image"};
    f->facts[n++] = (sg_page_fact){"fixed threshold", f->fact_texts[1]};
    f->facts[n++] = (sg_page_fact){"images", f->fact_texts[2]};
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++) {
        if (!out->past || !job->methods[m]) continue;
        put_past(f->past_texts[m], out->past, (sg_explain_method)m);
        f->facts[n++] = (sg_page_fact){"the method", f->past_texts[m]};
    }
    f->page.facts = f->facts;
    f->page.fact_count = n;
}

sg_status sg_explain_write_page(const sg_explain_output *out, sg_error *err) {
    filling *f = calloc(1, sizeof *f);
    char *path = sg_path_join(out->folder, "report.html");
    sg_status st = f && path ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st) {
        f->out = out;
        f->page = (sg_explain_page){.data = out->data,
                .distance_unit = out->job->in_mm ? "mm" : "px",
                .pictures = out->pictures,
                .picture_count = out->picture_count,
                .interval_method = "Means; 95 % intervals, bootstrap over groups within classes; "
                                   "of a pointing game that all or none win, Wilson's over "
                                   "groups"};
        for (int m = 0; m < SG_EXPLAIN_MAPS; m++) (void)sg_explain_map_title(f->titles[m], NAME, m);
        for (int m = 0; m < SG_EXPLAIN_METHODS; m++)
            (void)sg_explain_marks(f->marks[m], sizeof f->marks[m], out, (sg_explain_method)m);
        add_abstained(f);
        add_warnings(f);
        add_checks(f);
        add_curves(f);
        add_facts(f);
        st = add_tables(f, err);
    }
    if (!st) st = add_calm(f, err);
    if (!st) st = add_gates(f, err);
    if (!st) st = add_marked(f, err);
    if (!st) {
        f->page.tables = f->tables;
        f->page.table_count = f->table_count;
        st = sg_explain_page_write(&f->page, path, err);
    }
    for (size_t i = 0; f && i < f->table_count; i++) free((void *)f->tables[i].rows);
    free(path);
    free(f);
    return st;
}
