/* cmd_predict.c - `sonograde predict`: what a model says about images, as text, CSV or JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "cli/assessment.h"
#include "cli/cli.h"
#include "cli/image_list.h"
#include "cli/verbs.h"
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct predict_args {
    const char *bundle, *run, *list, *per;
    bool tta, csv, skip_bad, allow_phantom;
    long long threads;
} predict_args;

#define AT(field) offsetof(predict_args, field)
static const sg_option rows[] = {
        {"bundle", 0, SG_OPTION_PATH, AT(bundle), NULL, "FILE", "model to ask", 0, 0},
        {"run", 0, SG_OPTION_PATH, AT(run), NULL, "DIR", "run folder instead of a bundle", 0, 0},
        {"list", 0, SG_OPTION_PATH, AT(list), NULL, "FILE", "text file with one path per line", 0,
                0},
        {"tta", 0, SG_OPTION_FLAG, AT(tta), NULL, NULL,
                "average over each image and its mirror image", 0, 0},
        {"per", 0, SG_OPTION_TEXT, AT(per), NULL, "group|REGEX",
                "average what belongs together: 'group' is the folder; else a pattern with one "
                "capture on the path (patient, exam)",
                0, 0},
        {"csv", 0, SG_OPTION_FLAG, AT(csv), NULL, NULL, "print a table", 0, 0},
        {"skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL,
                "go on without images that cannot be read, and list them", 0, 0},
        {"allow-phantom-model", 0, SG_OPTION_FLAG, AT(allow_phantom), NULL, NULL,
                "let a model of simulated images speak about others", 0, 0},
        {"threads", 't', SG_OPTION_INT, AT(threads), "0", "N", "of the engine; 0 = all processors",
                0, 1024},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

/* ---- results ---- */

typedef struct result {
    char *key; /* path, or what was averaged over */
    size_t images;
    sg_prediction prediction; /* sums until averaged */
    sg_assessment assessment; /* of several images: the worst of each kind */
} result;

typedef struct results {
    result *items;
    size_t count, capacity;
    json_t *places; /* with --per: key to its number, so that none is searched for */
} results;

static void results_dispose(results *r) {
    for (size_t i = 0; i < r->count; i++) free(r->items[i].key);
    free(r->items);
    json_decref(r->places);
}

/* Key of an image: its path, its folder, or the capture of the pattern. */
static char *make_key(const char *path, const char *per, const regex_t *pattern) {
    regmatch_t match[2];
    if (!per) return sg_strdup(path);
    if (!pattern) {
        const char *slash = strrchr(path, '/');
        return slash ? sg_strdupf("%.*s", (int)(slash - path), path) : sg_strdup(".");
    }
    if (regexec(pattern, path, 2, match, 0) || match[1].rm_so < 0) return sg_strdup(path);
    return sg_strdupf("%.*s", (int)(match[1].rm_eo - match[1].rm_so), path + match[1].rm_so);
}

static void add_to(sg_prediction *sum, const sg_prediction *one) {
    for (int c = 0; c < one->classes; c++) {
        sum->probability[c] += one->probability[c];
        sum->logit[c] += one->logit[c];
        sum->votes[c] += one->votes[c];
        if (one->low[c] < sum->low[c]) sum->low[c] = one->low[c];
        if (one->high[c] > sum->high[c]) sum->high[c] = one->high[c];
    }
    sum->seen = sum->seen || one->seen;
    sum->sha256[0] = '\0';
}

/* Of images that are averaged the worst counts. */
static void take_worse(sg_assessment *all, const sg_assessment *one) {
    if (one->has_quality && one->verdict.score < all->verdict.score) {
        all->quality = one->quality;
        all->verdict = one->verdict;
    }
    if (one->has_atlas && one->nearest.distance > all->nearest.distance) {
        all->nearest = one->nearest;
        all->outside = one->outside;
    }
}

/* unique: no other image has this key, so none needs to be looked for. */
static sg_status keep(results *r, char *key, bool unique, const result *found, sg_error *err) {
    if (!unique && !r->places) r->places = json_object();
    if (!key || (!unique && !r->places)) {
        free(key);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory keeping predictions");
    }
    const json_t *place = json_object_get(r->places, key);
    if (place) {
        result *old = &r->items[json_integer_value(place)];
        add_to(&old->prediction, &found->prediction);
        take_worse(&old->assessment, &found->assessment);
        old->images++;
        free(key);
        return SG_OK;
    }
    /* keys are bytes: _nocheck does not ask for UTF-8 */
    if (!unique) json_object_set_new_nocheck(r->places, key, json_integer((json_int_t)r->count));
    sg_status st = sg_grow(&r->items, &r->capacity, r->count + 1, sizeof *r->items, err);
    if (st)
        free(key);
    else
        r->items[r->count++] = (result){key, 1, found->prediction, found->assessment};
    return st;
}

static void average(results *r) {
    for (size_t i = 0; i < r->count; i++) {
        sg_prediction *p = &r->items[i].prediction;
        p->top = 0;
        for (int c = 0; c < p->classes; c++) {
            p->probability[c] /= (double)r->items[i].images;
            p->logit[c] /= (double)r->items[i].images;
            p->votes[c] /= (double)r->items[i].images;
            if (p->probability[c] > p->probability[p->top]) p->top = c;
        }
        r->items[i].assessment.agreement = p->votes[p->top];
        r->items[i].assessment.disagree = sg_members_disagree(p);
    }
}

/* ---- printing ---- */

static void print_reasons(const sg_assessment *a) {
    sg_str reasons;
    sg_str_init(&reasons, 0);
    sg_assessment_put_reasons(&reasons, a);
    if (reasons.len) printf(" ABSTAIN: %s", sg_str_text(&reasons));
    sg_str_dispose(&reasons);
}

static void print_text(const results *r, const sg_bundle *b) {
    sg_str population;
    sg_str_init(&population, 0);
    sg_bundle_put_population(&population, b->members[0].training);
    for (size_t i = 0; i < r->count; i++) {
        const sg_prediction *p = &r->items[i].prediction;
        sg_cli_print_safe(stdout, r->items[i].key);
        printf(": looks most like ");
        sg_cli_print_safe(stdout, b->classes[p->top]);
        printf(" (%.2f)", p->probability[p->top]);
        for (int c = 0; c < p->classes; c++) {
            fputs(c ? ", " : "  [", stdout);
            sg_cli_print_safe(stdout, b->classes[c]);
            printf(" %.2f", p->probability[c]);
        }
        printf("]%s%s", r->items[i].images > 1 ? " averaged over several images" : "",
                p->seen ? " SEEN IN TRAINING: this figure means nothing" : "");
        print_reasons(&r->items[i].assessment);
        putchar('\n');
    }
    printf("%s Trained on ", SG_RESEARCH_USE);
    sg_cli_print_safe(stdout, sg_str_text(&population));
    printf(".\n");
    sg_str_dispose(&population);
}

static void put_csv_assessment(sg_str *s, const sg_assessment *a) {
    sg_str reasons;
    sg_str_init(&reasons, 0);
    sg_assessment_put_reasons(&reasons, a);
    sg_csv_put(s, sg_str_text(&reasons));
    sg_csv_put_double(s, a->agreement);
    sg_csv_put_double(s, a->has_quality ? a->verdict.score : NAN);
    sg_csv_put_double(s, a->has_atlas ? a->nearest.distance : NAN);
    sg_csv_put_double(s, a->has_atlas ? a->limit : NAN);
    for (int t = 0; t < SG_QUALITY_TRAITS; t++) sg_csv_put_double(s, a->quality.traits[t]);
    sg_str_dispose(&reasons);
}

static void put_csv_header(sg_str *s, const sg_bundle *b) {
    static const char *const fixed[] = {"image", "images", "sha256", "looks_most_like"};
    static const char *const prefixes[] = {"p_", "low_", "high_"};
    static const char *const assessed[] = {
            "abstain", "members_agree", "quality", "distance", "distance_limit"};
    static const char *const last[] = {"seen_in_training", "training_population", "use"};
    for (size_t i = 0; i < 4; i++) sg_csv_put(s, fixed[i]);
    for (size_t k = 0; k < 3; k++)
        for (int c = 0; c < b->class_count; c++) {
            char *name = sg_strdupf("%s%s", prefixes[k], b->classes[c]);
            sg_csv_put(s, name ? name : "?");
            free(name);
        }
    for (size_t i = 0; i < 5; i++) sg_csv_put(s, assessed[i]);
    for (int t = 0; t < SG_QUALITY_TRAITS; t++) sg_csv_put(s, sg_quality_name((sg_quality_trait)t));
    for (size_t i = 0; i < 3; i++) sg_csv_put(s, last[i]);
    sg_csv_end_row(s);
}

static sg_status print_csv(const results *r, const sg_bundle *b, sg_error *err) {
    sg_str s, population;
    sg_str_init(&s, 0);
    sg_str_init(&population, 0);
    sg_bundle_put_population(&population, b->members[0].training);
    put_csv_header(&s, b);
    for (size_t i = 0; i < r->count; i++) {
        const sg_prediction *p = &r->items[i].prediction;
        sg_csv_put_name(&s, r->items[i].key);
        sg_csv_put_int(&s, (long long)r->items[i].images);
        sg_csv_put(&s, p->sha256);
        sg_csv_put(&s, b->classes[p->top]);
        const double *values[] = {p->probability, p->low, p->high};
        for (size_t k = 0; k < 3; k++)
            for (int c = 0; c < p->classes; c++) sg_csv_put_double(&s, values[k][c]);
        put_csv_assessment(&s, &r->items[i].assessment);
        sg_csv_put(&s, p->seen ? "yes" : "no");
        sg_csv_put(&s, sg_str_text(&population));
        sg_csv_put(&s, SG_RESEARCH_USE);
        sg_csv_end_row(&s);
    }
    sg_status st = sg_str_check(&s, err);
    if (!st) fputs(sg_str_text(&s), stdout);
    sg_str_dispose(&s);
    sg_str_dispose(&population);
    return st;
}

static json_t *result_json(const result *r, const sg_bundle *b) {
    json_t *p = json_object(), *low = json_object(), *high = json_object();
    for (int c = 0; c < r->prediction.classes; c++) {
        json_object_set_new(p, b->classes[c], json_real(r->prediction.probability[c]));
        json_object_set_new(low, b->classes[c], json_real(r->prediction.low[c]));
        json_object_set_new(high, b->classes[c], json_real(r->prediction.high[c]));
    }
    return json_pack("{s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "image", sg_json_text(r->key),
            "images", (json_int_t)r->images, "sha256", r->prediction.sha256, "looks_most_like",
            b->classes[r->prediction.top], "probabilities", p, "members_low", low, "members_high",
            high, "assessment", sg_assessment_to_json(&r->assessment, b), "seen_in_training",
            (int)r->prediction.seen);
}

static void print_json(const results *r, const sg_bundle *b, const char *numbers) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) json_array_append_new(list, result_json(&r->items[i], b));
    sg_cli_print_json(json_pack("{s:s, s:s, s:i, s:s, s:b, s:O?, s:o}", "use", SG_RESEARCH_USE,
            "model", b->model, "members", b->member_count, "numbers", numbers, "phantom_model",
            (int)b->phantom, "training_class_counts",
            json_object_get(b->members[0].training, "class_counts"), "predictions", list));
}

/* ---- the verb ---- */

static sg_status predict_one(
        result *out, sg_predictor *predictor, const char *path, sg_error *err) {
    sg_image image;
    sg_status st = sg_predictor_predict_file_image(predictor, &out->prediction, &image, path, err);
    if (st) return st;
    st = sg_assess(&out->assessment, predictor, &image, &out->prediction, err);
    sg_image_dispose(&image);
    return st;
}

static sg_status predict_all(results *r, size_t *skipped, sg_predictor *predictor,
        const sg_image_list *p, const predict_args *a, const regex_t *pattern, const sg_log *log,
        sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < p->count && !st; i++) {
        if (sg_cli_stop)
            return sg_fail(err, SG_ERR_INTERRUPTED, "stopped after %zu of %zu images", i, p->count);
        result found;
        st = predict_one(&found, predictor, p->items[i], err);
        bool bad = st == SG_ERR_FORMAT || st == SG_ERR_IO || st == SG_ERR_MISSING;
        if (bad && a->skip_bad) {
            sg_log_line(log, SG_LOG_WARN, "left out: %s", err->message);
            (*skipped)++;
            st = SG_OK;
            continue;
        }
        if (!st) st = keep(r, make_key(p->items[i], a->per, pattern), !a->per, &found, err);
        if (p->count > 1) sg_log_progress(log, "predicting", (double)(i + 1), (double)p->count);
    }
    if (!st && r->count == 0)
        st = sg_fail(err, SG_ERR_INPUT, "none of the %zu files could be read", p->count);
    return st;
}

static sg_status compile_per(const regex_t **out, regex_t *store, const char *per, sg_error *err) {
    *out = NULL;
    if (!per || strcmp(per, "group") == 0) return SG_OK;
    int code = regcomp(store, per, REG_EXTENDED);
    if (!code && store->re_nsub >= 1) {
        *out = store;
        return SG_OK;
    }
    if (!code) regfree(store);
    return sg_fail(err, SG_ERR_USAGE,
            "--per '%s' must be 'group' or a regular expression with one (capture)", per);
}

static sg_status answer(const sg_call *call, sg_error *err) {
    const predict_args *a = call->options;
    sg_image_list images = {0};
    results r = {0};
    sg_predictor *predictor = NULL;
    regex_t store;
    const regex_t *pattern = NULL;
    size_t skipped = 0;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.threads = (int)a->threads;
    options.flip_average = a->tta;
    options.allow_phantom_model = a->allow_phantom;
    sg_status st = compile_per(&pattern, &store, a->per, err);
    if (!st) st = sg_image_list_fill(&images, call, a->list, err);
    if (!st && !images.count)
        st = sg_fail(err, SG_ERR_USAGE, "name images, folders or a --list to predict");
    if (!st) st = sg_predictor_open(&predictor, a->bundle ? a->bundle : a->run, &options, err);
    if (!st) st = predict_all(&r, &skipped, predictor, &images, a, pattern, call->log, err);
    if (!st) {
        average(&r);
        const sg_bundle *b = sg_predictor_bundle(predictor);
        if (call->json)
            print_json(&r, b, sg_predictor_numbers(predictor));
        else if (a->csv)
            st = print_csv(&r, b, err);
        else
            print_text(&r, b);
    }
    if (pattern) regfree(&store);
    sg_predictor_close(predictor);
    results_dispose(&r);
    sg_image_list_dispose(&images);
    return st;
}

static int run_predict(const sg_call *call) {
    const predict_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_status st = SG_OK;
    if (!a->bundle == !a->run)
        st = sg_fail(&err, SG_ERR_USAGE, "name the model: --bundle FILE or --run DIR");
    if (!st) st = answer(call, &err);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_predict = {
        .name = "predict",
        .operands = "[IMAGE|FOLDER...]",
        .summary = "ask a model about images",
        .details = "Prints which class each image looks most like, with the calibrated probability "
                   "of every class. With a bundle of several members the probabilities are their "
                   "mean, and CSV and JSON give the range over the members. It says ABSTAIN, with "
                   "the reason, where the image is poor, lies out of the training images' domain, "
                   "or the members disagree; CSV and JSON tell picture quality and distance, JSON "
                   "the nearest training images. Images that the model "
                   "was trained on are marked. Masks (X_mask.png) in folders are passed over; one "
                   "that is named is refused.",
        .examples = "sonograde predict --bundle breast.sgb image.png\n"
                    "sonograde predict --run r1 --tta --csv scans/ > scans.csv",
        .options = rows,
        .struct_size = sizeof(predict_args),
        .min_operands = 0,
        .max_operands = -1,
        .run = run_predict,
};
