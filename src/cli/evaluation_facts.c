/* evaluation_facts.c - see evaluation_facts.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/evaluation_facts.h"
#include "base/version.h"
#include <stdlib.h>
#include <string.h>

void *sg_keep_hold(sg_keep *k, void *block) {
    sg_error err;
    if (!block || sg_grow(&k->blocks, &k->capacity, k->count + 1, sizeof *k->blocks, &err)) {
        free(block);
        k->failed = true;
        return NULL;
    }
    k->blocks[k->count++] = block;
    return block;
}

void sg_keep_dispose(sg_keep *k) {
    for (size_t i = 0; i < k->count; i++) free(k->blocks[i]);
    free(k->blocks);
}

/* ---- facts ---- */

const json_t *sg_first_model(const sg_predictions *p, const char *section) {
    return json_object_get(json_array_get(p->models, 0), section);
}

static const char *class_shares(sg_keep *k, const json_t *counts) {
    sg_str s;
    sg_str_init(&s, 0);
    json_int_t all = 0;
    const char *name;
    json_t *n;
    json_object_foreach((json_t *)counts, name, n) all += json_integer_value(n);
    json_object_foreach((json_t *)counts, name, n) {
        sg_str_appendf(&s, "%s%s %.0f %%", s.len ? ", " : "", name,
                all ? 100.0 * (double)json_integer_value(n) / (double)all : 0.0);
    }
    return sg_keep_hold(k, sg_str_take(&s));
}

static const char *preprocessing(sg_keep *k, const json_t *recipe) {
    return SG_KEEP_TEXT(k, "%lld px, fit %s, contrast %s, despeckle %s%s",
            (long long)json_integer_value(json_object_get(recipe, "size")),
            json_string_value(json_object_get(recipe, "fit")),
            json_string_value(json_object_get(recipe, "contrast")),
            json_string_value(json_object_get(recipe, "despeckle")),
            json_is_true(json_object_get(recipe, "crop")) ? ", cropped to the scan area" : "");
}

static const char *selection(sg_keep *k, const json_t *section) {
    const char *figure = json_string_value(json_object_get(section, "figure"));
    if (!figure || strcmp(figure, "none") == 0)
        return "nothing was chosen: averaged weights of the last epoch";
    return SG_KEEP_TEXT(
            k, "epoch with the best %s on validation images inside the training part", figure);
}

static const char *split_fact(sg_keep *k, const sg_predictions *p, const sg_metrics *m) {
    const char *part = p->count ? p->rows[0].split : "";
    if (!p->folds) return part;
    int runs = p->runs > 1 ? p->runs : 1;
    const char *of = runs > 1 ? SG_KEEP_TEXT(k, "%d folds of %d runs", runs * p->folds, runs)
                              : SG_KEEP_TEXT(k, "%d folds", p->folds);
    if (strcmp(part, sg_part_name(SG_PART_TEST)) == 0)
        return SG_KEEP_TEXT(
                k, "%zu of %s, each judged by the model that did not see it", m->fold_count, of);
    return SG_KEEP_TEXT(k, "%s part of %zu of %s, each judged by the model that was made with it",
            part, m->fold_count, of);
}

/* What the ledger says; the same for every look of one kind. */
static const char *looks_fact(sg_keep *k, const sg_test_look *look) {
    if (look->order == SG_LOOK_NOT_ENTERED) return "not entered in a ledger, on request";
    if (look->order == SG_LOOK_FIRST)
        return "no other model was judged on any of them before, as far as the ledger of this "
               "machine goes";
    return SG_KEEP_TEXT(k,
            "%zu earlier evaluation%s with %zu other model%s saw %zu of these images",
            look->earlier, look->earlier == 1 ? "" : "s", look->earlier_models,
            look->earlier_models == 1 ? "" : "s", look->images_before);
}

void sg_evaluation_fill_facts(sg_evaluation_facts *f, sg_page_fact more[SG_FACTS_MORE], sg_keep *k,
        const sg_predictions *p, const sg_metrics *m, const sg_evaluation_source *source) {
    const json_t *training = sg_first_model(p, "training");
    double share = json_number_value(json_object_get(training, "initialisation"));
    f->data = SG_KEEP_TEXT(k, "%s%s%s, %zu images%s%s", source->data,
            p->published ? ": read as " : "", p->published ? p->published : "",
            p->count / (size_t)(p->runs > 1 ? p->runs : 1),
            source->cohort ? " of the audit's cohort" : "",
            p->left_out
                    ? SG_KEEP_TEXT(k, "; %zu more are of classes left out on request", p->left_out)
                    : "");
    if (p->runs > 1)
        f->data = SG_KEEP_TEXT(k,
                "%s; each image is answered by %d runs, so counts on this page are "
                "of %zu answers for %zu images, and an image's answers are drawn "
                "together with its group",
                f->data, p->runs, p->count, p->count / (size_t)p->runs);
    f->class_map = source->class_map;
    f->split = split_fact(k, p, m);
    f->split_unit = p->ungrouped ? "image" : "group";
    f->interval_method =
            SG_KEEP_TEXT(k, "95 %%, bootstrap over %zu groups within classes, BCa, %zu draws%s",
                    m->groups, m->draws,
                    m->wilson ? "; shares: Wilson, areas of one class: DeLong within folds, "
                                "since every group has one image"
                              : "");
    f->model = SG_KEEP_TEXT(k, "%s, %.2f M parameters, %zu model%s",
            json_string_value(sg_first_model(p, "model")),
            1e-6 * (double)json_integer_value(sg_first_model(p, "parameters")),
            json_array_size(p->models), json_array_size(p->models) == 1 ? "" : "s");
    f->initialisation =
            share > 0 ? SG_KEEP_TEXT(k, "%.1f %% of the parameters from given weights", 100 * share)
                      : "random weights";
    f->selection = selection(k, sg_first_model(p, "selection"));
    json_int_t images = json_integer_value(json_object_get(training, "images"));
    json_int_t simulated = json_integer_value(json_object_get(training, "simulated"));
    f->training_population = SG_KEEP_TEXT(k, "%lld images per model, %lld of them simulated",
            (long long)images, (long long)simulated);
    f->training_shares = class_shares(k, json_object_get(training, "class_counts"));
    f->looks = source->look ? looks_fact(k, source->look) : NULL;
    f->seed = SG_KEEP_TEXT(
            k, "%lld", (long long)json_integer_value(json_object_get(training, "seed")));
    f->preprocessing = preprocessing(k, sg_first_model(p, "recipe"));
    f->build = SG_KEEP_TEXT(k, "sonograde %s (%s)", sg_version(), sg_build_id());
    const char *sha = json_string_value(sg_first_model(p, "weights_sha256"));
    f->more = more;
    f->more_count = 0;
    if (source->skipped)
        more[f->more_count++] = (sg_page_fact){"Files left out",
                SG_KEEP_TEXT(k, "%zu could not be read and %s left out on request (--skip-bad)",
                        source->skipped, source->skipped == 1 ? "was" : "were")};
    if (p->doubtful) {
        more[f->more_count].name = "Doubtful groups";
        more[f->more_count++].value = SG_KEEP_TEXT(k,
                "%zu groups of like thumbnails lie on both sides of the split; their fine "
                "structure "
                "differs, so they were taken for different lesions",
                p->doubtful);
    }
    f->input_hashes = SG_KEEP_TEXT(k, "first model %.16s", sha ? sha : "");
}

/* Why these are no longer untouched test data; NULL: they are, as far as is known. */
static const char *looked_at(sg_keep *k, const sg_test_look *look) {
    static const char *const ends[] = {
            [SG_LOOK_COMPARED] = "This one was trained before that, but whoever reports the better "
                                 "of several models has chosen it on test data.",
            [SG_LOOK_TRAINED_AFTER] = "This model was made after such a look: it may have been "
                                      "chosen by what was seen, and the figures are likely too "
                                      "high.",
            [SG_LOOK_UNKNOWN_ORDER] = "The model does not tell whether it was made after such a "
                                      "look: take it that it may have been chosen by what was "
                                      "seen.",
    };
    if (!look) return NULL;
    if (look->order == SG_LOOK_NOT_ENTERED)
        return "This look at test images was not entered in the ledger, so nobody can tell how "
               "often they were used.";
    if (look->order == SG_LOOK_FIRST && !look->own_settings) return NULL;
    if (look->order == SG_LOOK_FIRST)
        return SG_KEEP_TEXT(k,
                "This model was judged on these images with %zu other setting%s before (flip "
                "averaging on or off). Settings chosen by that are chosen on test data.",
                look->own_settings, look->own_settings == 1 ? "" : "s");
    return SG_KEEP_TEXT(k, "%zu other model%s had been judged on %zu of these images before. %s",
            look->earlier_models, look->earlier_models == 1 ? "" : "s", look->images_before,
            ends[look->order]);
}

/* Classes of the model that no image has: what is then not measured. NULL: none. */
static const char *absent_classes(sg_keep *k, const sg_metrics *m, const sg_predictions *p) {
    sg_str names;
    sg_str_init(&names, 0);
    for (size_t c = 0; c < m->c.classes; c++)
        if (m->c.per_class[c].support == 0)
            sg_str_appendf(&names, "%s%s", names.len ? ", " : "", p->classes[c]);
    const char *text =
            names.len ? SG_KEEP_TEXT(k,
                                "No image here is of the class %s, which the model may answer all "
                                "the same. Macro averages count it as 0 or leave it out, and are "
                                "not to be compared with those of a set that has it; balanced "
                                "accuracy and malignant against the rest are over what is here.",
                                sg_str_text(&names))
                      : NULL;
    sg_str_dispose(&names);
    return text;
}

void sg_evaluation_fill_marks(sg_evaluation_marks *marks, const char *more[SG_MARKS_MORE],
        sg_keep *k, const sg_metrics *m, const sg_predictions *p,
        const sg_evaluation_source *source) {
    const char *fit = json_string_value(json_object_get(sg_first_model(p, "recipe"), "fit"));
    marks->ungrouped_split = p->ungrouped;
    marks->allow_seen = source->allow_seen;
    marks->seen_images = source->seen_images;
    marks->stretched_images = fit && strcmp(fit, "stretch") == 0;
    marks->looked_at = looked_at(k, source->look);
    marks->phantom_model = json_is_true(json_object_get(sg_first_model(p, "training"), "phantom"));
    marks->phantom_data = source->phantom_data;
    marks->more = more;
    if (p->uniform_side && !source->phantom_data)
        more[marks->more_count++] = SG_KEEP_TEXT(k,
                "Every image is %d x %d pixels: most likely they were stretched or cropped to "
                "squares before they came here. Width against height, a sign of malignancy, may be "
                "lost.",
                p->uniform_side, p->uniform_side);
    const char *absent = absent_classes(k, m, p);
    if (absent) more[marks->more_count++] = absent;
}
