/* checklist.c - see checklist.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/checklist.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sg_item_state_name(sg_item_state state) {
    static const char *const names[] = {"open", "in part", "filled"};
    return names[state];
}

/* ---- reading the document ---- */

static const json_t *section(const json_t *m, const char *name) {
    const json_t *list = json_object_get(m, "models");
    return json_object_get(json_array_get(list, 0), name);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "not known";
}

static long long count_of(const json_t *object, const char *key) {
    return (long long)json_integer_value(json_object_get(object, key));
}

/* " 0.891 (0.845-0.926)" */
static void put_figure(sg_str *s, const json_t *m, const char *key) {
    char name[64];
    const json_t *value = json_object_get(m, key);
    if (!json_is_number(value)) {
        sg_str_append(s, " none");
        return;
    }
    sg_str_appendf(s, " %.3f", json_number_value(value));
    (void)snprintf(name, sizeof name, "%s_ci", key);
    const json_t *low = json_array_get(json_object_get(m, name), 0);
    const json_t *high = json_array_get(json_object_get(m, name), 1);
    if (json_is_number(low) && json_is_number(high))
        sg_str_appendf(s, " (%.3f-%.3f)", json_number_value(low), json_number_value(high));
}

static void put_counts(sg_str *s, const json_t *counts) {
    const char *name, *between = "";
    json_t *n;
    json_object_foreach((json_t *)counts, name, n) {
        sg_str_appendf(s, "%s%s %lld", between, name, (long long)json_integer_value(n));
        between = ", ";
    }
}

/* ---- answers ---- */

typedef void (*answer)(sg_str *s, const json_t *m);

static void method(sg_str *s, const json_t *m) {
    sg_str_appendf(s, "deep learning: %s, %lld parameters",
            text_of(json_array_get(json_object_get(m, "models"), 0), "model"),
            count_of(json_array_get(json_object_get(m, "models"), 0), "parameters"));
}

static void data_source(sg_str *s, const json_t *m) {
    const json_t *data = json_object_get(m, "data");
    const char *published = json_string_value(json_object_get(data, "published"));
    sg_str_appendf(s, "%s%s%s; where, when and from whom the images come is for the authors",
            text_of(data, "name"), published ? ", read as " : "", published ? published : "");
}

static void exclusions(sg_str *s, const json_t *m) {
    const json_t *cohort = json_object_get(m, "cohort");
    if (!cohort) {
        sg_str_append(s, "none here: every image that could be read was judged");
        return;
    }
    sg_str_appendf(s, "of %lld audited images %lld were kept; left:", count_of(cohort, "audited"),
            count_of(cohort, "kept"));
    const json_t *list = json_object_get(cohort, "excluded");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        if (count_of(row, "images"))
            sg_str_appendf(s, " %s %lld;", text_of(row, "reason"), count_of(row, "images"));
    }
}

static void preprocessing(sg_str *s, const json_t *m) {
    const json_t *recipe = section(m, "recipe");
    sg_str_appendf(s, "%lld pixels, fit %s, contrast %s, despeckle %s%s", count_of(recipe, "size"),
            text_of(recipe, "fit"), text_of(recipe, "contrast"), text_of(recipe, "despeckle"),
            json_is_true(json_object_get(recipe, "crop")) ? ", cropped to the scan area" : "");
}

static void partitions(sg_str *s, const json_t *m) {
    size_t folds = json_array_size(json_object_get(m, "folds"));
    sg_str_appendf(s, "split by %s", text_of(m, "split_unit"));
    if (folds) sg_str_appendf(s, ", %zu folds, classes balanced", folds);
    sg_str_appendf(s, ", seed %lld", count_of(section(m, "training"), "seed"));
}

static void disjoint(sg_str *s, const json_t *m) {
    sg_str_appendf(s,
            "%s (groups from %s: a lower bound on what belongs together); %lld images "
            "judged had been seen in training",
            text_of(m, "split_unit"), text_of(section(m, "training"), "grouping"),
            count_of(m, "seen_images"));
    long long relatives =
            count_of(json_object_get(m, "cohort"), "images_with_a_relative_in_training");
    if (relatives)
        sg_str_appendf(s,
                "; but the audit finds relatives of %lld of them in another part of the split",
                relatives);
}

static void sample_size(sg_str *s, const json_t *m) {
    sg_str_appendf(s, "%lld images in %lld groups were judged; why that many is for the authors",
            count_of(m, "n"), count_of(m, "groups"));
}

static void software(sg_str *s, const json_t *m) {
    sg_str_appendf(s, "sonograde, build %s", text_of(m, "build"));
}

static void initialisation(sg_str *s, const json_t *m) {
    const json_t *training = section(m, "training");
    const char *given = json_string_value(json_object_get(training, "weights_sha256"));
    sg_str_appendf(s, "%.1f %% of the parameters from given weights",
            100 * json_number_value(json_object_get(m, "initialisation")));
    if (given) sg_str_appendf(s, " (SHA-256 %.16s...)", given);
}

static void training(sg_str *s, const json_t *m) {
    sg_str_appendf(s, "%lld images per model (", count_of(section(m, "training"), "images"));
    put_counts(s, json_object_get(section(m, "training"), "class_counts"));
    sg_str_append(s, "); every setting stands in the run's args.yaml");
}

static void selection(sg_str *s, const json_t *m) {
    const char *figure = json_string_value(json_object_get(section(m, "selection"), "figure"));
    if (!figure || strcmp(figure, "none") == 0)
        sg_str_append(s, "nothing was chosen: averaged weights of the last epoch");
    else
        sg_str_appendf(s, "epoch with the best %s on validation images", figure);
    sg_str_appendf(
            s, "; looks at the test images: %s", text_of(json_object_get(m, "ledger"), "order"));
}

static void ensemble(sg_str *s, const json_t *m) {
    size_t models = json_array_size(json_object_get(m, "models"));
    bool folds = json_array_size(json_object_get(m, "folds")) > 0;
    sg_str_appendf(s,
            folds ? "none: %zu models, one per fold, each judged alone"
                  : "%zu model(s), probabilities averaged where more than one",
            models);
}

static void measures(sg_str *s, const json_t *m) {
    (void)m;
    sg_str_append(s, "accuracy, balanced accuracy, precision, recall, F1, AUROC and average "
                     "precision per class; sensitivity and specificity of malignancy; calibration "
                     "error, Brier score, log loss; net benefit, errors against coverage");
}

static void uncertainty(sg_str *s, const json_t *m) {
    sg_str_appendf(s,
            "95 %% intervals: accuracy by %s, areas of one class by %s, the rest BCa over "
            "groups within classes, %lld draws (%lld drawn again)",
            text_of(m, "accuracy_ci_method"), text_of(m, "auroc_class_ci_method"),
            count_of(m, "bootstrap_draws"), count_of(m, "bootstrap_redraws"));
}

static void robustness(sg_str *s, const json_t *m) {
    sg_str_append(s, "accuracy by");
    const json_t *strata = json_object_get(m, "strata");
    const char *before = "";
    for (size_t i = 0; i < json_array_size(strata); i++) {
        const char *kind = text_of(json_array_get(strata, i), "by");
        if (strcmp(kind, before) != 0) sg_str_appendf(s, "%s %s", *before ? "," : "", kind);
        before = kind;
    }
    sg_str_append(s, json_object_get(m, "all_images") ? "; cohort beside all images"
                     : *before                        ? ""
                                                      : " nothing here");
}

static void internal(sg_str *s, const json_t *m) {
    bool external = strcmp(text_of(m, "evaluated_on"), "external") == 0;
    sg_str_append(s, external ? "not in this evaluation"
                              : "this evaluation: images of the set that the model comes from");
}

static void external(sg_str *s, const json_t *m) {
    bool outside = strcmp(text_of(m, "evaluated_on"), "external") == 0;
    sg_str_append(s,
            outside ? "this evaluation: " : "not in this evaluation; figures are those of one set");
    if (outside) sg_str_append(s, text_of(json_object_get(m, "data"), "name"));
}

static void flow(sg_str *s, const json_t *m) {
    sg_str_appendf(
            s, "%lld images in %lld groups judged; ", count_of(m, "n"), count_of(m, "groups"));
    exclusions(s, m);
}

static void performance(sg_str *s, const json_t *m) {
    static const char *const keys[] = {"accuracy", "macro_f1", "auroc_macro"};
    static const char *const names[] = {"accuracy", ", macro F1", ", macro AUROC"};
    for (size_t i = 0; i < 3; i++) {
        sg_str_append(s, names[i]);
        put_figure(s, m, keys[i]);
    }
}

static void diagnostic(sg_str *s, const json_t *m) {
    sg_str_append(s, "malignancy: sensitivity");
    put_figure(s, m, "sensitivity_malignant");
    sg_str_append(s, ", specificity");
    put_figure(s, m, "specificity_malignant");
}

static void failures(sg_str *s, const json_t *m) {
    (void)m;
    sg_str_append(s, "report.html pictures the mistakes, missed malignancies first; what they have "
                     "in common is for the authors");
}

static void limits(sg_str *s, const json_t *m) {
    (void)m;
    sg_str_append(s,
            "groups are a lower bound on what belongs together; class shares of a "
            "collection are not those of a clinic or of screening; the warnings at the top "
            "of report.html");
}

static void class_shares(sg_str *s, const json_t *m) {
    const json_t *classes = json_object_get(m, "per_class");
    sg_str_append(s, "judged: ");
    for (size_t i = 0; i < json_array_size(classes); i++) {
        const json_t *c = json_array_get(classes, i);
        sg_str_appendf(s, "%s%s %lld", i ? ", " : "", text_of(c, "class"), count_of(c, "support"));
    }
    sg_str_append(s, "; trained on: ");
    put_counts(s, json_object_get(section(m, "training"), "class_counts"));
}

static void output(sg_str *s, const json_t *m) {
    sg_str_appendf(s, "a probability for each class; thresholds from: %s",
            text_of(json_object_get(m, "acting"), "reference"));
}

static void predictors(sg_str *s, const json_t *m) {
    (void)m;
    sg_str_append(s, "the pixels of one image, and nothing else");
}

static void specification(sg_str *s, const json_t *m) {
    sg_str_append(s, "the bundle holds all of it; parameters SHA-256 ");
    sg_str_appendf(s, "%.16s...",
            text_of(json_array_get(json_object_get(m, "models"), 0), "parameters_sha256"));
}

/* ---- the lists ---- */

static const struct {
    const char *list, *number, *title;
    sg_item_state state;
    answer fill;
} table[] = {
#define CLAIM  "CLAIM 2024"
#define TRIPOD "TRIPOD+AI"
        {CLAIM, "1", "title names the kind of AI", SG_ITEM_PARTLY, method},
        {CLAIM, "2", "structured abstract", SG_ITEM_OPEN, NULL},
        {CLAIM, "3", "background, intended use and role", SG_ITEM_OPEN, NULL},
        {CLAIM, "4", "aims and hypotheses", SG_ITEM_OPEN, NULL},
        {CLAIM, "5", "prospective or retrospective", SG_ITEM_OPEN, NULL},
        {CLAIM, "6", "goal of the study", SG_ITEM_OPEN, NULL},
        {CLAIM, "7", "data sources", SG_ITEM_PARTLY, data_source},
        {CLAIM, "8", "inclusion and exclusion criteria", SG_ITEM_PARTLY, exclusions},
        {CLAIM, "9", "preprocessing", SG_ITEM_FILLED, preprocessing},
        {CLAIM, "10", "selection of parts of the data", SG_ITEM_PARTLY, exclusions},
        {CLAIM, "11", "de-identification", SG_ITEM_OPEN, NULL},
        {CLAIM, "12", "missing data", SG_ITEM_OPEN, NULL},
        {CLAIM, "13", "image acquisition", SG_ITEM_OPEN, NULL},
        {CLAIM, "14", "how the reference standard was obtained", SG_ITEM_OPEN, NULL},
        {CLAIM, "15", "why this reference standard", SG_ITEM_OPEN, NULL},
        {CLAIM, "16", "who made the reference annotations", SG_ITEM_OPEN, NULL},
        {CLAIM, "17", "annotation of the test set", SG_ITEM_OPEN, NULL},
        {CLAIM, "18", "variability between and within readers", SG_ITEM_OPEN, NULL},
        {CLAIM, "19", "assignment to partitions", SG_ITEM_FILLED, partitions},
        {CLAIM, "20", "level at which partitions are disjoint", SG_ITEM_FILLED, disjoint},
        {CLAIM, "21", "sample size", SG_ITEM_PARTLY, sample_size},
        {CLAIM, "22", "description of the model", SG_ITEM_FILLED, method},
        {CLAIM, "23", "software", SG_ITEM_FILLED, software},
        {CLAIM, "24", "initialisation of parameters", SG_ITEM_FILLED, initialisation},
        {CLAIM, "25", "training", SG_ITEM_PARTLY, training},
        {CLAIM, "26", "choice of the final model", SG_ITEM_FILLED, selection},
        {CLAIM, "27", "ensembling", SG_ITEM_FILLED, ensemble},
        {CLAIM, "28", "performance measures", SG_ITEM_FILLED, measures},
        {CLAIM, "29", "statistical uncertainty", SG_ITEM_FILLED, uncertainty},
        {CLAIM, "30", "robustness or sensitivity analysis", SG_ITEM_PARTLY, robustness},
        {CLAIM, "31", "explainability", SG_ITEM_OPEN, NULL},
        {CLAIM, "32", "evaluation on internal data", SG_ITEM_FILLED, internal},
        {CLAIM, "33", "testing on external data", SG_ITEM_FILLED, external},
        {CLAIM, "34", "trial registration", SG_ITEM_OPEN, NULL},
        {CLAIM, "35", "patients or examinations included and left out", SG_ITEM_PARTLY, flow},
        {CLAIM, "36", "demographic and clinical characteristics", SG_ITEM_OPEN, NULL},
        {CLAIM, "37", "performance and its uncertainty", SG_ITEM_FILLED, performance},
        {CLAIM, "38", "diagnostic performance and its precision", SG_ITEM_FILLED, diagnostic},
        {CLAIM, "39", "failure analysis", SG_ITEM_PARTLY, failures},
        {CLAIM, "40", "limitations", SG_ITEM_PARTLY, limits},
        {CLAIM, "41", "implications for practice", SG_ITEM_OPEN, NULL},
        {CLAIM, "42", "full study protocol", SG_ITEM_OPEN, NULL},
        {CLAIM, "43", "availability of software, model and data", SG_ITEM_OPEN, NULL},
        {CLAIM, "44", "funding and role of funders", SG_ITEM_OPEN, NULL},
        {TRIPOD, "1", "title", SG_ITEM_OPEN, NULL},
        {TRIPOD, "2", "abstract", SG_ITEM_OPEN, NULL},
        {TRIPOD, "3", "background, use and known inequalities", SG_ITEM_OPEN, NULL},
        {TRIPOD, "4", "objectives", SG_ITEM_OPEN, NULL},
        {TRIPOD, "5", "sources and dates of the data", SG_ITEM_PARTLY, data_source},
        {TRIPOD, "6", "participants and setting", SG_ITEM_OPEN, NULL},
        {TRIPOD, "7", "data preparation", SG_ITEM_FILLED, preprocessing},
        {TRIPOD, "8", "outcome and how it was assessed", SG_ITEM_OPEN, NULL},
        {TRIPOD, "9", "predictors", SG_ITEM_FILLED, predictors},
        {TRIPOD, "10", "sample size", SG_ITEM_PARTLY, sample_size},
        {TRIPOD, "11", "missing data", SG_ITEM_OPEN, NULL},
        {TRIPOD, "12", "analytical methods", SG_ITEM_PARTLY, uncertainty},
        {TRIPOD, "13", "class imbalance", SG_ITEM_PARTLY, class_shares},
        {TRIPOD, "14", "fairness", SG_ITEM_OPEN, NULL},
        {TRIPOD, "15", "model output", SG_ITEM_FILLED, output},
        {TRIPOD, "16", "training against evaluation data", SG_ITEM_PARTLY, class_shares},
        {TRIPOD, "17", "ethical approval", SG_ITEM_OPEN, NULL},
        {TRIPOD, "18", "open science: funding, protocol, data, code", SG_ITEM_OPEN, NULL},
        {TRIPOD, "19", "patient and public involvement", SG_ITEM_OPEN, NULL},
        {TRIPOD, "20", "participants: flow and characteristics", SG_ITEM_PARTLY, flow},
        {TRIPOD, "21", "model development: numbers in each analysis", SG_ITEM_PARTLY, training},
        {TRIPOD, "22", "model specification", SG_ITEM_FILLED, specification},
        {TRIPOD, "23", "model performance", SG_ITEM_FILLED, performance},
        {TRIPOD, "24", "model updating", SG_ITEM_OPEN, NULL},
        {TRIPOD, "25", "interpretation", SG_ITEM_OPEN, NULL},
        {TRIPOD, "26", "limitations", SG_ITEM_PARTLY, limits},
        {TRIPOD, "27", "usability in the current context of care", SG_ITEM_OPEN, NULL},
};
enum { ITEMS = sizeof table / sizeof *table };

/* An evaluation that did not do what an item asks for has not filled it. */
static sg_item_state state_here(
        const char *number, const char *list, sg_item_state state, const json_t *m) {
    if (strcmp(list, CLAIM) != 0) return state;
    bool outside = strcmp(text_of(m, "evaluated_on"), "external") == 0;
    if (strcmp(number, "32") == 0 && outside) return SG_ITEM_OPEN;
    if (strcmp(number, "33") == 0 && !outside) return SG_ITEM_OPEN;
    if (strcmp(number, "20") == 0 &&
            count_of(json_object_get(m, "cohort"), "images_with_a_relative_in_training"))
        return SG_ITEM_PARTLY;
    return state;
}

sg_status sg_checklist_make(sg_checklist *out, const json_t *m, sg_error *err) {
    sg_checklist list = {calloc(ITEMS, sizeof *list.items), ITEMS, 0, 0};
    bool failed = !list.items;
    for (size_t i = 0; i < ITEMS && !failed; i++) {
        sg_item_state state = state_here(table[i].number, table[i].list, table[i].state, m);
        list.items[i] =
                (sg_checklist_item){table[i].list, table[i].number, table[i].title, state, NULL};
        list.filled += state == SG_ITEM_FILLED;
        list.partly += state == SG_ITEM_PARTLY;
        if (!table[i].fill) continue;
        sg_str s;
        sg_str_init(&s, 0);
        table[i].fill(&s, m);
        list.items[i].answer = sg_str_take(&s);
        failed = !list.items[i].answer;
    }
    if (failed) {
        sg_checklist_dispose(&list);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory filling the checklists");
    }
    *out = list;
    return SG_OK;
}

void sg_checklist_dispose(sg_checklist *list) {
    if (!list) return;
    for (size_t i = 0; list->items && i < list->count; i++) free(list->items[i].answer);
    free(list->items);
    *list = (sg_checklist){0};
}
