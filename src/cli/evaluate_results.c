/* evaluate_results.c - what an evaluation leaves in its folder and says on the terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/evaluate.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* folds.csv: a row per run and fold. Figures without folds have none; an older table of the same
 * folder would then belong to other figures. */
static sg_status write_folds(const char *path, const sg_metrics *m,
        const sg_evaluation_source *source, const sg_evaluate_args *a, sg_error *err) {
    if (!m->fold_count)
        return unlink(path) && errno != ENOENT
                       ? sg_fail(err, SG_ERR_IO, "cannot remove %s: %s", path, strerror(errno))
                       : SG_OK;
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out, "run,fold," SG_FOLD_FIGURES_COLUMNS "\n");
    for (size_t f = 0; f < m->fold_count; f++) {
        const sg_fold_figures *fold = &m->folds[f];
        const char *run = fold->run < (int)source->run_count ? source->runs[fold->run] : a->bundle;
        sg_csv_put_name(&out, sg_path_base(run));
        sg_csv_put_int(&out, fold->fold);
        sg_fold_figures_put_csv(&out, fold);
    }
    sg_status st = sg_str_check(&out, err);
    if (!st) st = sg_file_write(path, out.data, out.len, err);
    sg_str_dispose(&out);
    return st;
}

sg_status sg_evaluate_write(const sg_predictions *all, const sg_predictions *p, const sg_metrics *m,
        json_t *metrics, const sg_evaluation_source *source, const sg_evaluate_args *a,
        sg_error *err) {
    char *table = sg_path_join(a->output, "predictions.csv");
    char *json = sg_path_join(a->output, "metrics.json");
    char *page = sg_path_join(a->output, "report.html");
    char *folds = sg_path_join(a->output, "folds.csv");
    sg_status st =
            table && json && page && folds ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st) st = sg_predictions_write(all, table, err);
    if (!st) st = write_folds(folds, m, source, a, err);
    if (!st) st = sg_json_write(metrics, json, err);
    if (!st) st = sg_evaluation_write_page(page, p, m, source, err);
    free(table);
    free(json);
    free(page);
    free(folds);
    return st;
}

/* " (0.84-0.91)", or that there is none. */
static void print_interval(sg_interval i, double scale, int digits) {
    if (isnan(i.low) || isnan(i.high))
        printf(" (no interval: all bootstrap draws agree)");
    else
        printf(" (%.*f-%.*f)", digits, scale * i.low, digits, scale * i.high);
}

static void print_figure(const char *name, double value, sg_interval interval, const char *tail) {
    printf("%-24s %.3f", name, value);
    print_interval(interval, 1, 3);
    printf("%s\n", tail);
}

void sg_evaluate_print(const sg_metrics *m, const sg_predictions *p, const sg_evaluate_args *a) {
    if (p->runs > 1) printf("%d runs, each image answered by every one\n", p->runs);
    size_t images = m->n / (size_t)(p->runs > 1 ? p->runs : 1);
    printf("%zu image%s%s in %zu group%s, split by %s; intervals 95 %%\n", images,
            images == 1 ? "" : "s", a->audit ? " of the cohort" : "", m->groups,
            m->groups == 1 ? "" : "s", p->ungrouped ? "image (marked)" : "group");
    printf("%-24s %.1f %%", "accuracy", 100 * m->c.accuracy);
    print_interval(m->accuracy_interval, 100, 1);
    printf("\n");
    sg_interval f1 = m->boot.f1_macro.degenerate ? (sg_interval){NAN, NAN} : m->boot.f1_macro.bca;
    print_figure("macro F1", m->c.f1_macro, f1, "");
    print_figure("AUROC", m->auroc_macro, m->auroc_macro_interval,
            m->fold_count > 1 ? ", mean of the folds" : "");
    if (m->malignant >= 0) {
        print_figure("sensitivity malignant", m->malignant_rest.sensitivity,
                m->sensitivity_interval, "");
        print_figure("specificity malignant", m->malignant_rest.specificity,
                m->specificity_interval, "");
    }
    if (p->seen)
        printf("%zu of the images were in training or validation: these are no test figures\n",
                p->seen);
    printf("report: ");
    sg_cli_print_safe(stdout, a->output);
    printf("/report.html\n%s\n", SG_RESEARCH_USE);
}
