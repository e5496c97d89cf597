/* cmd_readers.c - `sonograde readers`: what people said about images beside what a model said.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/readers_page.h"
#include "cli/verbs.h"
#include "protocol/readers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct readers_args {
    const char *predictions, *positive, *cut, *output;
    long long draws;
} readers_args;

#define AT(field) offsetof(readers_args, field)
/* clang-format off */
static const sg_option rows[] = {
    { "predictions", 0, SG_OPTION_PATH, AT(predictions), NULL, "FILE", "predictions.csv of a model on the same images: their truth, and the rival", 0, 0 },
    { "positive", 0, SG_OPTION_TEXT, AT(positive), "malignant", "CLASS", "class that is sought", 0, 0 },
    { "cut", 0, SG_OPTION_TEXT, AT(cut), NULL, "SCORE", "scores of at least this are positive verdicts where the table has none (BI-RADS: 4)", 0, 0 },
    { "out", 'o', SG_OPTION_PATH, AT(output), NULL, "DIR", "folder for readers.json and report.html", 0, 0 },
    { "draws", 0, SG_OPTION_INT, AT(draws), "10000", "N", "bootstrap draws behind the intervals over groups", 100, 1000000 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

/* ---- text ---- */

static void print_value(double value, sg_interval i, double scale, int digits) {
    char text[64] = "-";
    if (!isnan(value) && !isnan(i.low))
        (void)snprintf(text, sizeof text, "%.*f (%.*f to %.*f)", digits, scale * value, digits,
                scale * i.low, digits, scale * i.high);
    else if (!isnan(value))
        (void)snprintf(text, sizeof text, "%.*f (no interval)", digits, scale * value);
    printf("  %-24s", text);
}

static void print_name(const char *name, const char *way) {
    char text[36], padded[40];
    (void)snprintf(text, sizeof text, "%s%s%s", name, way[0] ? ", " : "", way);
    (void)snprintf(padded, sizeof padded, "%-36s", text);
    sg_cli_print_safe(stdout, padded);
}

static void print_p(double p, const char *how) {
    if (isnan(p)) return;
    if (p < 0.001)
        printf("  p < 0.001%s", how);
    else
        printf("  p = %.3f%s", p, how);
}

static void print_area(bool has, const sg_delong *d) {
    sg_interval none = {NAN, NAN};
    print_value(has ? d->auc : NAN, d->degenerate ? none : d->interval, 1, 3);
}

static void print_kappa(const sg_bootstrap_figure *f) {
    sg_interval none = {NAN, NAN};
    print_value(f->estimate, f->degenerate ? none : f->bca, 1, 3);
    printf("\n");
}

static void print_readings(const sg_reader_study *s) {
    printf("%-36s  %-24s  %-24s  %-24s%s\n", "", "sensitivity %", "specificity %", "AUROC",
            s->has_model ? "  AUROC less the model's" : "");
    if (s->has_model) {
        print_name("model", "");
        print_value(s->model_sensitivity.value, s->model_sensitivity.interval, 100, 1);
        print_value(s->model_specificity.value, s->model_specificity.interval, 100, 1);
        print_area(s->has_model_area, &s->model_area);
        printf("\n");
    }
    for (size_t i = 0; i < s->reading_count; i++) {
        const sg_reading *r = &s->readings[i];
        print_name(r->reader, r->way);
        print_value(r->sensitivity.value, r->sensitivity.interval, 100, 1);
        print_value(r->specificity.value, r->specificity.interval, 100, 1);
        print_area(r->has_area, &r->area);
        if (s->has_model) {
            print_value(r->has_area ? r->against.difference : NAN, r->against.interval, 1, 3);
            print_p(r->against_holm, " (Holm)");
        }
        printf("\n");
    }
}

static void print_mean(const char *what, const char *way, const sg_mrmc_mean *m, bool tested) {
    print_name(what, way);
    print_value(m->mean, m->interval, 1, 3);
    if (tested) print_p(m->p, "");
    printf("\n");
}

static void print_agreement(const sg_reader_study *s) {
    for (size_t i = 0; i < s->pair_count; i++) {
        const sg_reader_pair *p = &s->pairs[i];
        char text[128];
        (void)snprintf(text, sizeof text, "kappa %s, %s", s->readings[p->first].reader,
                s->readings[p->second].reader);
        print_name(text, s->readings[p->first].way);
        print_kappa(&p->kappa);
    }
    for (size_t i = 0; i < s->reading_count && s->has_model; i++) {
        const sg_reading *r = &s->readings[i];
        char text[128];
        if (!r->judged) continue;
        (void)snprintf(text, sizeof text, "kappa %s, model", r->reader);
        print_name(text, r->way);
        print_kappa(&r->kappa_model);
    }
}

static void print_summary(const sg_reader_study *s, const readers_args *a) {
    printf("%zu images (%zu ", s->image_count, s->positives);
    sg_cli_print_safe(stdout, s->positive_name);
    printf(") in %zu groups, %zu reader%s, %zu way%s of reading; intervals 95 %%\n", s->groups,
            s->reader_count, s->reader_count == 1 ? "" : "s", s->way_count,
            s->way_count == 1 ? "" : "s");
    print_readings(s);
    for (size_t i = 0; i < s->way_count; i++) {
        const sg_reader_way *w = &s->ways[i];
        if (w->readers < 2) continue;
        print_mean("readers' mean AUROC", w->name, &w->area, false);
        if (s->has_model) print_mean("readers less model", w->name, &w->against, true);
    }
    for (size_t i = 0, at = 0; i < s->way_count && s->has_comparison; i++)
        for (size_t j = i + 1; j < s->way_count; j++, at++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%s less %s", s->ways[i].name, s->ways[j].name);
            print_mean(text, "", &s->differences[at], true);
        }
    print_agreement(s);
    if (s->model_mixed)
        printf("the model's scores come from %zu folds: its AUROC mixes models\n", s->model_folds);
    if (a->output) {
        printf("report: ");
        sg_cli_print_safe(stdout, a->output);
        printf("/report.html\n");
    }
    printf("%s\n", SG_RESEARCH_USE);
}

/* ---- the verb ---- */

static sg_status write_results(
        const sg_reader_study *s, json_t *document, const sg_call *call, sg_error *err) {
    const readers_args *a = call->options;
    if (!a->output) return SG_OK;
    char *json = sg_path_join(a->output, "readers.json");
    char *page = sg_path_join(a->output, "report.html");
    sg_status st = json && page ? sg_dir_make(a->output, err)
                                : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st) st = sg_json_write(document, json, err);
    if (!st)
        st = sg_readers_write_page(page, s, sg_path_base(call->operands[0]),
                a->predictions ? sg_path_base(a->predictions) : NULL, err);
    free(json);
    free(page);
    return st;
}

static int run_readers(const sg_call *call) {
    const readers_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_reader_study s = {0};
    json_t *document = NULL;
    sg_reader_options o = {call->operands[0], a->predictions, a->positive, NAN, (size_t)a->draws};
    sg_status st = SG_OK;
    if (a->cut && !sg_parse_double(&o.cut, a->cut))
        st = sg_fail(&err, SG_ERR_USAGE, "--cut takes a number, not '%s'", a->cut);
    if (!st) st = sg_reader_study_open(&s, &o, &err);
    if (!st) st = sg_reader_study_measure(&s, call->log, &sg_cli_stop, &err);
    if (!st) {
        document = sg_reader_study_to_json(&s);
        if (!document) st = sg_fail(&err, SG_ERR_MEMORY, "out of memory writing the study");
    }
    if (!st) st = write_results(&s, document, call, &err);
    if (!st && call->json)
        sg_cli_print_json(json_incref(document));
    else if (!st && !call->quiet)
        print_summary(&s, a);
    json_decref(document);
    sg_reader_study_dispose(&s);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_readers = {
        .name = "readers",
        .operands = "R.csv",
        .summary = "measure what readers said about images, beside a model if wanted",
        .details =
                "R.csv has one row per reader and image: columns reader, image, and score (a "
                "number, higher = more suspicious) or verdict (a class name, or positive, "
                "negative, yes, no, 1, 0), or both. A column way (unaided, aided) lets the same "
                "readers read more than once. Truth comes from --predictions, or from a column "
                "truth.\n\n"
                "Prints sensitivity, specificity, AUROC, kappa between readers and with the "
                "model, and, over readers, the mean AUROC and its difference from the model with "
                "intervals that hold for other readers and images (Obuchowski and Rockette). "
                "--out writes readers.json and a page.",
        .examples = "sonograde readers reads.csv\n"
                    "sonograde readers reads.csv --predictions report/predictions.csv --out study\n"
                    "sonograde readers birads.csv --cut 4 --predictions report/predictions.csv",
        .options = rows,
        .struct_size = sizeof(readers_args),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_readers,
};
