/* cmd_explain.c - `sonograde explain`: where a model looked, as pictures, and what such maps are
 * worth where lesion masks are known. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/dataset.h"
#include "cli/explain_files.h"
#include "cli/explain_output.h"
#include "cli/verbs.h"
#include "infer/predict.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct explain_args {
    const char *bundle, *run, *list, *data, *manifest, *group_by, *methods, *of_class, *layer;
    const char *output, *formats, *permuted, *pixel_mm, *study;
    bool tta, check, curves, skip_bad, allow_phantom;
    double opacity, threshold, noise;
    long long steps, samples, patch, stride, batch, threads, seed, draws, pictures;
} explain_args;

#define AT(field) offsetof(explain_args, field)
/* clang-format off */
static const sg_option rows[] = {
    { "bundle", 0, SG_OPTION_PATH, AT(bundle), NULL, "FILE", "model to ask", 0, 0 },
    { "run", 0, SG_OPTION_PATH, AT(run), NULL, "DIR", "run folder instead of a bundle", 0, 0 },
    { "out", 'o', SG_OPTION_PATH, AT(output), NULL, "DIR", "folder for maps, tables and the page", 0, 0 },
    { "list", 0, SG_OPTION_PATH, AT(list), NULL, "FILE", "text file with one path per line", 0, 0 },
    { "data", 0, SG_OPTION_PATH, AT(data), NULL, "DIR", "folder with one folder of images per class and masks beside them: score the maps", 0, 0 },
    { "manifest", 0, SG_OPTION_PATH, AT(manifest), NULL, "FILE", "table of images instead (data manifest makes it)", 0, 0 },
    { "group-by", 0, SG_OPTION_TEXT, AT(group_by), NULL, "COLUMN|REGEX", "what belongs together, for the intervals", 0, 0 },
    { "skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL, "go on without images that cannot be read, and list them", 0, 0 },
    { "allow-phantom-model", 0, SG_OPTION_FLAG, AT(allow_phantom), NULL, NULL, "let a model of simulated images speak about others", 0, 0 },
    { "Maps", 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 },
    { "method", 'm', SG_OPTION_TEXT, AT(methods), "grad-cam", "NAME,...", SG_EXPLAIN_NAMES "; several, or all", 0, 0 },
    { "class", 0, SG_OPTION_TEXT, AT(of_class), "decision", "NAME", "evidence for which class: decision, truth, or a class of the model", 0, 0 },
    { "layer", 0, SG_OPTION_TEXT, AT(layer), NULL, "NODE", "of the CAMs; default: the model's last spatial map", 0, 0 },
    { "tta", 0, SG_OPTION_FLAG, AT(tta), NULL, NULL, "average over each image and its mirror image", 0, 0 },
    { "opacity", 0, SG_OPTION_REAL, AT(opacity), "0.45", "X", "of the colours over the image", 0, 1 },
    { "threshold", 0, SG_OPTION_REAL, AT(threshold), "0.5", "X", "of the hot region that is outlined and scored, as a share of the largest value", 0.01, 1 },
    { "formats", 0, SG_OPTION_TEXT, AT(formats), "png", "LIST", "of png, svg, npy (raw values, float32), or none", 0, 0 },
    { "pictures", 0, SG_OPTION_INT, AT(pictures), "24", "N", "maps shown on the page", 0, SG_EXPLAIN_PICTURES },
    { "steps", 0, SG_OPTION_INT, AT(steps), "16", "N", "integrated gradients: points on the path", 1, 1000 },
    { "samples", 0, SG_OPTION_INT, AT(samples), "4", "N", "integrated gradients: noisy copies (SmoothGrad)", 1, 1000 },
    { "noise", 0, SG_OPTION_REAL, AT(noise), "0.1", "X", "their standard deviation, as a share of the image's range", 0, 1 },
    { "patch", 0, SG_OPTION_INT, AT(patch), "32", "N", "occlusion: side of the patch, pixels of the network's square", 1, 4096 },
    { "stride", 0, SG_OPTION_INT, AT(stride), "16", "N", "occlusion: from patch to patch, at most its side", 1, 4096 },
    { "Measuring", 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0 },
    { "check", 0, SG_OPTION_FLAG, AT(check), NULL, NULL, "sanity checks: weights drawn anew from the top down, and the untrained network as a baseline", 0, 0 },
    { "permuted-bundle", 0, SG_OPTION_PATH, AT(permuted), NULL, "FILE", "the same training on permuted labels, for that sanity check", 0, 0 },
    { "study", 0, SG_OPTION_PATH, AT(study), NULL, "FILE", "explain.json of a scored set: what it found against a method is marked on this page", 0, 0 },
    { "curves", 0, SG_OPTION_FLAG, AT(curves), NULL, NULL, "deletion and insertion curves", 0, 0 },
    { "pixel-mm", 0, SG_OPTION_TEXT, AT(pixel_mm), NULL, "X", "side of a pixel of images whose table has no pixel_mm: distances in mm", 0, 0 },
    { "draws", 0, SG_OPTION_INT, AT(draws), "2000", "N", "bootstrap draws behind the intervals over groups", 100, 1000000 },
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of noise, drawn weights and draws", 0, 0 },
    { "batch", 'b', SG_OPTION_INT, AT(batch), "8", "N", "images per pass of the methods that need many", 1, 256 },
    { "threads", 't', SG_OPTION_INT, AT(threads), "0", "N", "of the engine; 0 = all processors", 0, 1024 },
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

/* ---- what was asked for ---- */

/* Calls set for every word between commas. */
static sg_status each_word(const char *list, bool (*set)(void *user, const char *word), void *user,
        const char *option, const char *known, sg_error *err) {
    char *copy = sg_strdup(list), *rest = copy;
    sg_status st = copy ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    for (char *word = strsep(&rest, ","); !st && word; word = strsep(&rest, ","))
        if (!set(user, word))
            st = sg_fail(err, SG_ERR_USAGE, "%s: '%s' is none of %s", option, word, known);
    free(copy);
    return st;
}

static bool set_method(void *user, const char *word) {
    bool *methods = user, all = strcmp(word, "all") == 0, found = all;
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++)
        if (all || strcmp(word, sg_explain_name((sg_explain_method)m)) == 0)
            methods[m] = found = true;
    return found;
}

static bool set_format(void *user, const char *word) {
    sg_explain_files *f = user;
    bool png = !strcmp(word, "png"), svg = !strcmp(word, "svg"), npy = !strcmp(word, "npy");
    f->png = f->png || png;
    f->svg = f->svg || svg;
    f->npy = f->npy || npy;
    return png || svg || npy || !strcmp(word, "none");
}

static sg_status choose_class(int *out, const char *name, const sg_bundle *b, sg_error *err) {
    if (strcmp(name, "decision") == 0 || strcmp(name, "truth") == 0) {
        *out = *name == 'd' ? SG_EXPLAIN_OF_DECISION : SG_EXPLAIN_OF_TRUTH;
        return SG_OK;
    }
    for (*out = 0; *out < b->class_count; ++*out)
        if (strcmp(b->classes[*out], name) == 0) return SG_OK;
    return sg_fail(err, SG_ERR_USAGE,
            "--class: the model knows no class '%s'; give decision, truth, or one of its classes "
            "(%s, ...)",
            name, b->classes[0]);
}

/* 'all' leaves out what the model cannot give; what was named is refused. */
static sg_status check_methods(
        sg_explain_job *job, const explain_args *a, const sg_explainer *e, sg_error *err) {
    sg_status st = SG_OK;
    for (int m = 0; m < SG_EXPLAIN_METHODS && !st; m++) {
        sg_error why = SG_ERROR_INIT;
        if (!job->methods[m]) continue;
        st = sg_explainer_check(e, (sg_explain_method)m, &why);
        if (st && strcmp(a->methods, "all") == 0) {
            sg_log_line(job->log, SG_LOG_WARN, "left out of all: %s", why.message);
            job->methods[m] = false;
            st = SG_OK;
        } else if (st) {
            st = sg_fail(err, st, "%s", why.message);
        }
    }
    return st;
}

static sg_explain_options options_of(const explain_args *a) {
    sg_explain_options o = SG_EXPLAIN_OPTIONS_INIT;
    o.threads = (int)a->threads;
    o.flip_average = a->tta;
    o.layer = a->layer;
    o.batch = (int)a->batch;
    o.steps = (int)a->steps;
    o.samples = (int)a->samples;
    o.noise = a->noise;
    o.seed = (uint64_t)a->seed;
    o.patch = (int)a->patch;
    o.stride = (int)a->stride;
    return o;
}

/* ---- the images ---- */

static sg_status items_of_dataset(
        sg_explain_items *items, const sg_call *call, const sg_bundle *bundle, sg_error *err) {
    const explain_args *a = call->options;
    const sg_cli_dataset source = {
            a->data, a->manifest, a->group_by, a->skip_bad, true, a->threads};
    sg_manifest manifest;
    sg_status st = sg_cli_open_dataset(&manifest, &source, call->log, err);
    if (st) return st;
    st = sg_explain_items_from_manifest(items, &manifest, bundle, err);
    size_t masks = 0;
    for (size_t i = 0; i < items->count; i++) masks += items->items[i].mask_count;
    if (!st && !masks)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s: no image has a lesion mask, so no map can be scored; a mask lies beside its "
                "image as NAME_mask.png. For maps without scores name the images themselves: "
                "sonograde explain FOLDER ...",
                a->data ? a->data : a->manifest);
    sg_manifest_dispose(&manifest);
    return st;
}

static sg_status items_of_call(
        sg_explain_items *items, const sg_call *call, const sg_bundle *bundle, sg_error *err) {
    const explain_args *a = call->options;
    if (a->data || a->manifest) return items_of_dataset(items, call, bundle, err);
    sg_image_list paths = {0};
    sg_status st = sg_image_list_fill(&paths, call, a->list, err);
    if (!st && !paths.count)
        st = sg_fail(err, SG_ERR_USAGE, "name images, folders or a --list to explain");
    if (!st) st = sg_explain_items_from_paths(items, &paths, bundle, err);
    sg_image_list_dispose(&paths);
    return st;
}

/* Distances of one table have one unit. */
static bool settle_unit(sg_explain_items *items, double pixel_mm, const sg_log *log) {
    size_t with, without;
    sg_explain_items_set_pixels(items, pixel_mm, &with, &without);
    if (with && without)
        sg_log_line(log, SG_LOG_WARN,
                "%zu of %zu images with a mask have no pixel_mm in the table, so all distances are "
                "in pixels; --pixel-mm gives a size to those without one",
                without, with + without);
    return with && !without;
}

static sg_status check_items(const sg_explain_items *items, const sg_call *call,
        const sg_bundle *bundle, sg_error *err) {
    const explain_args *a = call->options;
    size_t bare = 0;
    sg_status st = SG_OK;
    for (size_t i = 0; i < items->count && !st; i++) {
        bare += items->items[i].mask_count == 0;
        if (!a->allow_phantom) st = sg_bundle_check_phantom(bundle, items->items[i].path, err);
    }
    if (!st && (a->data || a->manifest) && bare)
        sg_log_line(call->log, SG_LOG_WARN,
                "%zu of %zu images have no mask and are left out of the scores", bare,
                items->count);
    return st;
}

/* ---- running and writing ---- */

static sg_status permute(
        sg_explain_study *study, const sg_explain_job *job, const sg_call *call, sg_error *err) {
    const explain_args *a = call->options;
    sg_bundle *bundle = NULL;
    sg_explainer *e = NULL;
    sg_explain_options o = options_of(a);
    if (!a->permuted) return SG_OK;
    sg_status st = sg_bundle_open(&bundle, a->permuted, err);
    if (!st && (strcmp(bundle->model, job->bundle->model) != 0 ||
                       bundle->class_count != job->bundle->class_count))
        st = sg_fail(err, SG_ERR_INPUT,
                "--permuted-bundle: %s is a %s of %d classes, and the model is a %s of %d; the "
                "check wants the same training with other labels",
                a->permuted, bundle->model, bundle->class_count, job->bundle->model,
                job->bundle->class_count);
    if (!st) st = sg_explainer_create(&e, bundle, &o, err);
    if (!st) st = sg_explain_study_permute(study, job, e, err);
    sg_explainer_close(e);
    sg_bundle_close(bundle);
    return st;
}

static void print_reasons(const sg_assessment *assessment) {
    sg_str reasons;
    sg_str_init(&reasons, 0);
    sg_assessment_put_reasons(&reasons, assessment);
    printf(reasons.len ? " ABSTAIN: %s\n" : "%s\n", sg_str_text(&reasons));
    sg_str_dispose(&reasons);
}

static void print_result(const sg_explain_output *out) {
    const sg_bundle *b = out->job->bundle;
    for (size_t i = 0; i < out->study->count && !out->job->scores; i++) {
        const sg_explained_image *at = &out->study->images[i];
        if (!at->read) continue;
        sg_cli_print_safe(stdout, out->job->items->items[i].path);
        printf(": looks most like ");
        sg_cli_print_safe(stdout, b->classes[at->prediction.top]);
        printf(" (%.2f), map of ", at->prediction.probability[at->prediction.top]);
        sg_cli_print_safe(stdout, b->classes[at->class_index]);
        printf("%s", at->seen ? " SEEN IN TRAINING" : "");
        print_reasons(&at->assessment);
    }
    printf("report: ");
    sg_cli_print_safe(stdout, out->folder);
    printf("/report.html\n%s\n", SG_RESEARCH_USE);
}

static sg_status write_all(const sg_explain_output *out, const sg_call *call, sg_error *err) {
    json_t *document = NULL;
    sg_status st = sg_explain_write_scores(out, err);
    if (!st) st = sg_explain_write_gates(out, err);
    if (!st) st = sg_explain_write_json(&document, out, err);
    if (!st) st = sg_explain_write_page(out, err);
    if (!st && call->json)
        sg_cli_print_json(json_incref(document));
    else if (!st && !call->quiet)
        print_result(out);
    json_decref(document);
    return st;
}

static sg_status make_folder(const explain_args *a, const sg_explain_files *f, sg_error *err) {
    bool files = f->png || f->svg || f->npy;
    char *maps = sg_path_join(a->output, files ? "maps" : ".");
    sg_status st = maps ? sg_dir_make(maps, err) : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    free(maps);
    return st;
}

/* A folder in which nothing came to lie is not left behind. */
static void drop_empty_folder(const char *output) {
    char *maps = sg_path_join(output, "maps");
    if (maps) (void)rmdir(maps);
    (void)rmdir(output);
    free(maps);
}

static sg_status reach_verdicts(sg_explain_verdict verdicts[SG_EXPLAIN_METHODS],
        const sg_explain_output *out, sg_error *err) {
    sg_status st = SG_OK;
    for (int m = 0; m < SG_EXPLAIN_METHODS && !st; m++)
        if (out->job->methods[m])
            st = sg_explain_verdict_reach(&verdicts[m], out->study, (sg_explain_method)m,
                    out->checked, out->permuted, &out->draws, err);
    return st;
}

/* Under each picture: why to abstain from its image's answer, what is said against its method. */
static sg_status mark_pictures(
        sg_explain_files *files, const sg_explain_output *out, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < files->picture_count && !st; i++) {
        char against[SG_EXPLAIN_MARKS];
        sg_str s;
        sg_str_init(&s, 0);
        sg_assessment_put_reasons(&s, &out->study->images[files->shown[i].item].assessment);
        bool abstains = s.len > 0;
        sg_explain_marks(against, sizeof against, out, files->shown[i].method);
        char *text = sg_strdupf("%s%s%s%s%s", abstains ? "abstain: " : "", sg_str_text(&s),
                abstains && *against ? ". " : "", *against ? "The method: " : "", against);
        if (!text) st = sg_fail(err, SG_ERR_MEMORY, "out of memory making the page");
        if (text && *text) st = sg_explain_files_mark(files, i, text, err);
        free(text);
        sg_str_dispose(&s);
    }
    return st;
}

static sg_status run_job(sg_explain_job *job, sg_explain_files *files, const sg_call *call,
        sg_explainer *e, const sg_explain_past *past, sg_error *err) {
    const explain_args *a = call->options;
    sg_explain_study study = {0};
    sg_explain_verdict verdicts[SG_EXPLAIN_METHODS] = {0};
    sg_status st = make_folder(a, files, err);
    if (!st) st = sg_explain_study_run(&study, job, e, err);
    if (!st && a->check) st = sg_explain_study_randomise(&study, job, e, err);
    if (!st) st = permute(&study, job, call, err);
    const char *data = a->data ? a->data : a->manifest;
    const sg_explain_output out = {.job = job,
            .study = &study,
            .data = data ? sg_path_base(data) : NULL,
            .folder = a->output,
            .checked = a->check,
            .permuted = a->permuted != NULL,
            .flip_average = a->tta,
            .layer = a->layer,
            .draws = {(size_t)a->draws, 0.95, (uint64_t)a->seed},
            .verdicts = job->scores || a->check || a->permuted ? verdicts : NULL,
            .past = past->document ? past : NULL,
            .pictures = files->pictures,
            .picture_count = files->picture_count};
    if (!st && out.verdicts) st = reach_verdicts(verdicts, &out, err);
    if (!st) st = mark_pictures(files, &out, err);
    if (!st) st = write_all(&out, call, err);
    if (st) drop_empty_folder(a->output);
    sg_explain_study_dispose(&study);
    return st;
}

static sg_status explain(const sg_call *call, sg_predictor *predictor, sg_error *err) {
    const explain_args *a = call->options;
    const sg_bundle *bundle = sg_predictor_bundle(predictor);
    sg_explain_items items = {0};
    sg_explain_options o = options_of(a);
    sg_explainer *e = NULL;
    sg_explain_past past = {0};
    bool set = a->data || a->manifest;
    double pixel_mm = 0;
    sg_explain_job job = {.items = &items,
            .bundle = bundle,
            .predictor = predictor,
            .threshold = a->threshold,
            .seed = (uint64_t)a->seed,
            .scores = set,
            .curves = a->curves,
            .marks = set,
            .skip_bad = a->skip_bad,
            .log = call->log};
    sg_explain_files files = {.folder = a->output,
            .job = &job,
            .overlay = {a->opacity, a->threshold},
            .wanted = (size_t)a->pictures};
    job.show = sg_explain_files_show;
    job.user = &files;
    sg_status st = each_word(
            a->methods, set_method, job.methods, "--method", SG_EXPLAIN_NAMES "|all", err);
    if (!st) st = each_word(a->formats, set_format, &files, "--formats", "png|svg|npy|none", err);
    if (!st && a->pixel_mm && !(sg_parse_double(&pixel_mm, a->pixel_mm) && pixel_mm > 0))
        st = sg_fail(err, SG_ERR_USAGE, "--pixel-mm takes a size above 0, not '%s'", a->pixel_mm);
    if (!st) st = choose_class(&job.of_class, a->of_class, bundle, err);
    if (!st && a->study) st = sg_explain_past_read(&past, a->study, bundle, a->layer, err);
    if (!st) st = sg_explainer_create(&e, bundle, &o, err);
    if (!st) st = check_methods(&job, a, e, err);
    if (!st) st = items_of_call(&items, call, bundle, err);
    if (!st) st = check_items(&items, call, bundle, err);
    job.in_mm = settle_unit(&items, pixel_mm, call->log);
    if (!st) st = run_job(&job, &files, call, e, &past, err);
    sg_explain_past_dispose(&past);
    sg_explain_files_dispose(&files);
    sg_explainer_close(e);
    sg_explain_items_dispose(&items);
    return st;
}

static int run_explain(const sg_call *call) {
    const explain_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_predictor *predictor = NULL;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.threads = (int)a->threads;
    sg_status st = SG_OK;
    if (!a->bundle == !a->run)
        st = sg_fail(&err, SG_ERR_USAGE, "name the model: --bundle FILE or --run DIR");
    if (!st && !a->output)
        st = sg_fail(&err, SG_ERR_USAGE, "name a folder for the maps: --out DIR");
    if (!st && (a->data || a->manifest) && (call->operand_count || a->list))
        st = sg_fail(&err, SG_ERR_USAGE,
                "name images, or a set to score with --data or --manifest, not both");
    if (!st && a->study && (a->data || a->manifest))
        st = sg_fail(&err, SG_ERR_USAGE,
                "--study is for images that are not scored; --data and --manifest make a study of "
                "their own");
    if (!st) st = sg_predictor_open(&predictor, a->bundle ? a->bundle : a->run, &options, &err);
    if (!st) st = explain(call, predictor, &err);
    sg_predictor_close(predictor);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_explain = {
        .name = "explain",
        .operands = "[IMAGE|FOLDER...]",
        .summary = "show where a model looked, and measure whether it means anything",
        .details =
                "For each image and method a picture: the image as it is, and under a map of the "
                "evidence for a class, its hot region outlined. Members of a bundle and mirrored "
                "views are averaged in the image's own coordinates. se-gated is the map behind the "
                "last squeeze-and-excitation gate; gates weight channels and have no extent.\n\n"
                "With --data or --manifest the maps are scored against lesion masks (NAME_mask.png "
                "beside NAME.png, several are joined): pointing game, energy inside, overlap at "
                "the "
                "best and at a fixed threshold, pixel AUPRC, distance of the peak (in mm where the "
                "table's column pixel_mm or --pixel-mm tells the side of a pixel); by class and by "
                "right and wrong, with intervals over groups, against the middle of the image and, "
                "with --check, the untrained network. A method that fails a sanity check, or "
                "is not shown to beat a baseline, is marked; --study carries the marks to pages of "
                "other images. An answer that predict would abstain from is marked with the "
                "reason. "
                "Burnt-in marks are painted over, and images whose class then changes are "
                "listed.\n\n"
                "Writes maps/, scores.csv, explain.json, gates.csv and report.html.",
        .examples =
                "sonograde explain image.png --bundle breast.sgb --out maps\n"
                "sonograde explain scans/ --run r1 --method grad-cam,occlusion --formats png,npy "
                "-o maps\n"
                "sonograde explain --data Dataset_BUSI_with_GT --bundle breast.sgb --method all "
                "--check --curves -o study",
        .options = rows,
        .struct_size = sizeof(explain_args),
        .min_operands = 0,
        .max_operands = -1,
        .run = run_explain,
};
