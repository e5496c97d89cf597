/* comparison_tables.c - a comparison as CSV, JSON and a few lines on standard output.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "cli/comparison.h"
#include "cli/values.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory writing the comparison");
}

static sg_status write_arms(const sg_comparison *c, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out,
            "arm,model,initialisation,epochs,images,groups,accuracy,accuracy_low,accuracy_high,"
            "precision_macro,precision_low,precision_high,recall_macro,recall_low,recall_high,"
            "macro_f1,macro_f1_low,macro_f1_high,auroc_macro,auroc_macro_low,auroc_macro_high,"
            "sensitivity_malignant,sensitivity_low,sensitivity_high,parameters,macs,ms_per_image,"
            "predict_bytes,train_bytes\n");
    for (size_t i = 0; i < c->trial_count; i++) {
        const sg_trial *t = &c->trials[i];
        const sg_metrics *m = &t->metrics;
        sg_csv_put(&out, t->name);
        sg_csv_put(&out, t->settings.args.model);
        sg_csv_put_double(&out, t->init_share);
        sg_csv_put_int(&out, (long long)sg_trial_epochs(t));
        sg_csv_put_int(&out, (long long)m->n);
        sg_csv_put_int(&out, (long long)m->groups);
        sg_value_put_csv(&out, sg_value_of_accuracy(m));
        sg_value_put_csv(&out, sg_value_of_boot(&m->boot.precision_macro));
        sg_value_put_csv(&out, sg_value_of_boot(&m->boot.recall_macro));
        sg_value_put_csv(&out, sg_value_of_boot(&m->boot.f1_macro));
        sg_value_put_csv(&out, sg_value_of_auroc(m));
        sg_value_put_csv(&out, sg_value_of_sensitivity(m));
        sg_csv_put_double(&out, t->cost.parameters);
        sg_csv_put_double(&out, t->cost.macs);
        sg_csv_put_double(&out, t->cost.ms_per_image);
        sg_csv_put_double(&out, t->cost.predict_bytes);
        sg_csv_put_double(&out, t->cost.train_bytes);
        sg_csv_end_row(&out);
    }
    return sg_campaign_write_text(&c->campaign, "compare.csv", &out, err);
}

static sg_status write_folds(const sg_comparison *c, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out, "arm,fold,seed," SG_FOLD_FIGURES_COLUMNS "\n");
    for (size_t i = 0; i < c->trial_count; i++) {
        const sg_metrics *m = &c->trials[i].metrics;
        for (size_t f = 0; f < m->fold_count; f++) {
            sg_csv_put(&out, c->trials[i].name);
            sg_csv_put_int(&out, m->folds[f].fold);
            sg_csv_put_int(&out, c->trials[i].settings.args.seed);
            sg_fold_figures_put_csv(&out, &m->folds[f]);
        }
    }
    return sg_campaign_write_text(&c->campaign, "folds.csv", &out, err);
}

static sg_status write_pairs(const sg_comparison *c, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out,
            "arm,against,images,accuracy,accuracy_low,accuracy_high,macro_f1,macro_f1_low,"
            "macro_f1_high,gained,lost,p,p_holm,folds_accuracy,folds_low,folds_high,folds_p\n");
    for (size_t i = 0; i < c->pair_count; i++) {
        const sg_difference *d = &c->pairs[i].difference;
        sg_csv_put(&out, c->trials[c->pairs[i].other].name);
        sg_csv_put(&out, c->trials[c->pairs[i].base].name);
        sg_csv_put_int(&out, (long long)d->shared);
        sg_value_put_csv(&out, sg_value_of_difference(&d->accuracy));
        sg_value_put_csv(&out, sg_value_of_difference(&d->macro_f1));
        sg_csv_put_int(&out, (long long)d->gained);
        sg_csv_put_int(&out, (long long)d->lost);
        sg_csv_put_double(&out, d->p);
        sg_csv_put_double(&out, c->pairs[i].p_adjusted);
        sg_value_put_csv(&out, sg_value_of_folds(&c->pairs[i].folds));
        sg_csv_put_double(&out, c->pairs[i].folds.p);
        sg_csv_end_row(&out);
    }
    return sg_campaign_write_text(&c->campaign, "pairs.csv", &out, err);
}

/* ---- JSON ---- */

static json_t *confusion_json(const sg_metrics *m) {
    json_t *rows = json_array();
    for (size_t t = 0; t < m->c.classes; t++) {
        json_t *row = json_array();
        for (size_t q = 0; q < m->c.classes; q++)
            json_array_append_new(row, json_integer((json_int_t)m->c.confusion[t][q]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *folds_json(const sg_metrics *m) {
    json_t *folds = json_array();
    for (size_t f = 0; f < m->fold_count; f++)
        json_array_append_new(
                folds, json_pack("{s:i, s:o, s:o, s:o}", "fold", m->folds[f].fold, "accuracy",
                               sg_json_number(m->folds[f].accuracy), "macro_f1",
                               sg_json_number(m->folds[f].macro_f1), "auroc_macro",
                               sg_json_number(m->folds[f].auroc_macro)));
    return folds;
}

static json_t *cost_json(const sg_cost *k) {
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "parameters", k->parameters, "macs", k->macs,
            "ms_per_image", k->ms_per_image, "predict_bytes", k->predict_bytes, "train_bytes",
            k->train_bytes);
}

static json_t *rates_json(const sg_trial *t) {
    json_t *rates = json_array();
    for (int f = 0; f < t->split->folds; f++)
        json_array_append_new(rates, sg_json_number(t->rates[f]));
    return rates;
}

static json_t *trial_json(const sg_trial *t) {
    const sg_metrics *m = &t->metrics;
    json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:I, s:s, s:I, s:I}", "arm", t->name, "model",
            t->settings.args.model, "meaning", t->meaning, "initialisation",
            sg_json_number(t->init_share), "epochs", (json_int_t)sg_trial_epochs(t), "split_unit",
            t->predictions.ungrouped ? "image" : "group", "images", (json_int_t)m->n, "groups",
            (json_int_t)m->groups);
    json_t *figures = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "accuracy",
            sg_value_to_json(sg_value_of_accuracy(m)), "precision_macro",
            sg_value_to_json(sg_value_of_boot(&m->boot.precision_macro)), "recall_macro",
            sg_value_to_json(sg_value_of_boot(&m->boot.recall_macro)), "macro_f1",
            sg_value_to_json(sg_value_of_boot(&m->boot.f1_macro)), "auroc_macro",
            sg_value_to_json(sg_value_of_auroc(m)), "sensitivity_malignant",
            sg_value_to_json(sg_value_of_sensitivity(m)), "confusion", confusion_json(m), "folds",
            folds_json(m), "cost", cost_json(&t->cost));
    if (out && figures) json_object_update(out, figures);
    if (out && t->rates) json_object_set_new(out, "learning_rates", rates_json(t));
    json_decref(figures);
    return out;
}

static json_t *pair_json(const sg_comparison *c, const sg_trial_pair *p) {
    const sg_difference *d = &p->difference;
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "arm",
            c->trials[p->other].name, "against", c->trials[p->base].name, "images",
            (json_int_t)d->shared, "accuracy",
            sg_value_to_json(sg_value_of_difference(&d->accuracy)), "macro_f1",
            sg_value_to_json(sg_value_of_difference(&d->macro_f1)), "gained", (json_int_t)d->gained,
            "lost", (json_int_t)d->lost, "p", sg_json_number(d->p), "p_holm",
            sg_json_number(p->p_adjusted), "folds", sg_value_to_json(sg_value_of_folds(&p->folds)),
            "folds_p", sg_json_number(p->folds.p));
}

static json_t *comparison_json(const sg_comparison *c) {
    json_t *arms = json_array(), *pairs = json_array(), *classes = json_array();
    for (size_t i = 0; i < c->trial_count; i++)
        json_array_append_new(arms, trial_json(&c->trials[i]));
    for (size_t i = 0; i < c->pair_count; i++)
        json_array_append_new(pairs, pair_json(c, &c->pairs[i]));
    for (size_t k = 0; k < c->manifest.class_count; k++)
        json_array_append_new(classes, sg_json_text(c->manifest.class_names[k]));
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:i, s:b, s:I, s:o, s:o, s:I}", "schema",
            SG_SCHEMA_VERSION, "build", sg_build_id(), "use", SG_RESEARCH_USE, "kind", "compare",
            "classes", classes, "folds", c->split.folds, "flip_average", (int)c->tta,
            "bootstrap_draws", (json_int_t)c->draws, "arms", arms, "pairs", pairs,
            "pairs_left_out_for_another_start", (json_int_t)c->unpaired);
}

/* ---- telling ---- */

static void print_value(sg_evaluation_value v, double scale, int digits, int width) {
    char text[64];
    if (isnan(v.low))
        (void)snprintf(text, sizeof text, "%.*f", digits, scale * v.value);
    else
        (void)snprintf(text, sizeof text, "%.*f (%.*f-%.*f)", digits, scale * v.value, digits,
                scale * v.low, digits, scale * v.high);
    printf("  %-*s", width, text);
}

static void print_arms(const sg_comparison *c) {
    printf("%-20s %6s  %-18s  %-20s  %-20s  %s\n", "arm", "init %", "accuracy %", "macro F1",
            "AUROC", "ms");
    for (size_t i = 0; i < c->trial_count; i++) {
        const sg_trial *t = &c->trials[i];
        printf("%-20s %6.1f", t->name, 100 * t->init_share);
        print_value(sg_value_of_accuracy(&t->metrics), 100, 1, 18);
        print_value(sg_value_of_boot(&t->metrics.boot.f1_macro), 1, 3, 20);
        print_value(sg_value_of_auroc(&t->metrics), 1, 3, 20);
        printf("  %.1f\n", t->cost.ms_per_image);
    }
}

static void print_pairs(const sg_comparison *c) {
    for (size_t i = 0; i < c->pair_count; i++) {
        const sg_difference *d = &c->pairs[i].difference;
        printf("%s against %s: %+.1f points", c->trials[c->pairs[i].other].name,
                c->trials[c->pairs[i].base].name, 100 * d->accuracy.difference);
        if (!isnan(d->accuracy.interval.low))
            printf(" (%+.1f to %+.1f)", 100 * d->accuracy.interval.low,
                    100 * d->accuracy.interval.high);
        printf(", p %.3f\n", d->p);
    }
    if (c->unpaired)
        printf("%zu pairs are not compared: their weights start differently\n", c->unpaired);
}

sg_status sg_comparison_report(sg_comparison *c, sg_error *err) {
    json_t *document = comparison_json(c);
    char *json = sg_campaign_path(&c->campaign, "compare.json");
    char *page = sg_campaign_path(&c->campaign, "report.html");
    sg_status st = document && json && page ? write_arms(c, err) : no_memory(err);
    if (!st) st = write_folds(c, err);
    if (!st) st = write_pairs(c, err);
    if (!st) st = sg_json_write(document, json, err);
    if (!st) st = sg_comparison_write_page(c, page, err);
    if (!st && c->call->json) {
        sg_cli_print_json(json_incref(document));
    } else if (!st) {
        print_arms(c);
        print_pairs(c);
        printf("report: ");
        sg_cli_print_safe(stdout, page);
        printf("\n%s\n", SG_RESEARCH_USE);
    }
    free(json);
    free(page);
    json_decref(document);
    return st;
}
