/* card.c - the model card: what a model is, what it saw, how well it did and what it is not for, in
 * Markdown with the front matter that model hubs read. Everything comes from the bundle and from
 * evaluate's metrics.json; what is not known is said.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/version.h"
#include "infer/export.h"
#include <stdlib.h>
#include <string.h>

static void put_front_matter(sg_str *out, const sg_bundle *b, const json_t *metrics) {
    sg_str_appendf(out,
            "---\nlibrary_name: sonograde\npipeline_tag: image-classification\nlicense: other\n"
            "license_name: not-stated\ntags:\n- image-classification\n- breast-ultrasound\n"
            "- medical-imaging\n- %s\n",
            b->model);
    static const struct {
        const char *key, *type;
    } figures[] = {{"accuracy", "accuracy"}, {"macro_f1", "f1"}, {"auroc_macro", "roc_auc"}};
    if (metrics) {
        sg_str_appendf(out,
                "model-index:\n- name: sonograde-%s\n  results:\n  - task:\n      type: "
                "image-classification\n    dataset:\n      name: breast ultrasound, own split\n"
                "      type: image-folder\n    metrics:\n",
                b->model);
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
            const json_t *value = json_object_get(metrics, figures[i].key);
            if (json_is_number(value))
                sg_str_appendf(out, "    - type: %s\n      value: %.4f\n", figures[i].type,
                        json_number_value(value));
        }
    }
    sg_str_append(out, "---\n\n");
}

/* Text inside a table: one line, no bars. */
static void put_cell(sg_str *out, const char *text) {
    for (; *text; text++) {
        if (*text == '|') sg_str_append(out, "\\");
        sg_str_append_n(out, *text == '\n' ? " " : text, 1);
    }
}

static void put_classes(sg_str *out, const sg_bundle *b) {
    for (int i = 0; i < b->class_count; i++) {
        if (i) sg_str_append(out, ", ");
        put_cell(out, b->classes[i]);
    }
}

static sg_status put_model(sg_str *out, const sg_bundle *b, sg_error *err) {
    sg_graph_cost cost;
    sg_status st =
            sg_graph_measure(&cost, b->members[0].graph, b->recipe.size, b->recipe.size, err);
    if (st) return st;
    sg_str_appendf(out,
            "## Model\n\n| | |\n|---|---|\n| architecture | `%s` |\n| parameters | %.2f M |\n"
            "| multiply-accumulates per image | %.2f G |\n| members | %d%s |\n| classes | ",
            b->model, 1e-6 * (double)cost.parameters, 1e-9 * (double)cost.macs, b->member_count,
            b->member_count > 1 ? ", their probabilities averaged" : "");
    put_classes(out, b);
    sg_str_appendf(out, " |\n| input | %d channel%s, %d x %d, standardised |\n| made by | %s |\n",
            b->recipe.channels, b->recipe.channels == 1 ? "" : "s", b->recipe.size, b->recipe.size,
            sg_build_id());
    sg_str_appendf(out, "| model file's SHA-256 | `%s` |\n\n", sg_bundle_sha256(b));
    return SG_OK;
}

static void put_use(sg_str *out) {
    sg_str_append(out,
            "## Use\n\nResearch on the classification of breast ultrasound images. Not for "
            "diagnosis, "
            "screening or any decision about a patient; not for images with Doppler, elastography "
            "or other overlays, other organs, or scanners and populations unlike those below. "
            "Performance elsewhere is unknown until measured there.\n\n```sh\nsonograde predict "
            "--bundle model.sgb image.png\nsonograde evaluate --bundle model.sgb --data IMAGES "
            "--out report\n```\n\n");
}

static sg_status put_recipe(sg_str *out, const sg_bundle *b, sg_error *err) {
    json_t *recipe = sg_recipe_to_json(&b->recipe);
    char *text = recipe ? sg_json_line(recipe) : NULL;
    json_decref(recipe);
    if (!text) return sg_fail(err, SG_ERR_MEMORY, "out of memory writing a model card");
    sg_str_appendf(out,
            "## Preprocessing\n\nPart of the model file and applied by it. For other programs (the "
            "ONNX file carries the same in its metadata):\n\n```json\n%s\n```\n\n",
            text);
    free(text);
    return SG_OK;
}

static void put_member(sg_str *out, const sg_bundle *b, int i) {
    const sg_member *m = &b->members[i];
    const char *fitted = json_string_value(json_object_get(m->calibration, "fitted_on"));
    const char *figure = json_string_value(json_object_get(m->selection, "figure"));
    sg_str_appendf(out, "| %d | ", i);
    if (m->fold >= 0)
        sg_str_appendf(out, "%d | ", m->fold);
    else
        sg_str_append(out, "- | ");
    sg_str_appendf(out, "%lld | %.1f %% | ", m->seed, 100 * m->initialisation);
    sg_bundle_put_population(out, m->training);
    sg_str_appendf(out, " | %.3f, fitted on %s | %s, epoch %lld |\n", m->temperature,
            fitted ? fitted : "none", figure && strcmp(figure, "none") ? figure : "not chosen",
            (long long)json_integer_value(json_object_get(m->selection, "epoch")));
}

static void put_training(sg_str *out, const sg_bundle *b) {
    sg_str_append(out,
            "## Training\n\n| member | fold | seed | parameters from given weights | images | "
            "temperature | epoch chosen by |\n|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < b->member_count; i++) put_member(out, b, i);
    if (b->phantom)
        sg_str_append(out, "\n**Simulated images were among those of its training.**\n");
    const char *unit = json_string_value(json_object_get(b->members[0].training, "split_unit"));
    sg_str_appendf(out,
            "\nSplit by %s. The model file holds hashes of the images and pseudonyms of their "
            "groups, so that nobody judges it on what it has seen; no pixels, names or paths.\n\n",
            unit && strcmp(unit, "image") == 0
                    ? "single image: near-equal images may stand on both sides"
                    : "group: images that belong together are on one side");
}

static void put_figure(sg_str *out, const json_t *metrics, const char *key, const char *label) {
    const json_t *value = json_object_get(metrics, key);
    char *name = sg_strdupf("%s_ci", key);
    const json_t *interval = name ? json_object_get(metrics, name) : NULL;
    free(name);
    if (!json_is_number(value)) return;
    sg_str_appendf(out, "| %s | %.3f | ", label, json_number_value(value));
    if (json_is_number(json_array_get(interval, 0)) && json_is_number(json_array_get(interval, 1)))
        sg_str_appendf(out, "%.3f to %.3f |\n", json_number_value(json_array_get(interval, 0)),
                json_number_value(json_array_get(interval, 1)));
    else
        sg_str_append(out, "- |\n");
}

static void put_figures(sg_str *out, const json_t *metrics) {
    sg_str_append(out, "## Figures\n\n");
    if (!metrics) {
        sg_str_append(out,
                "None were handed over with this card: `sonograde evaluate` measures them, and "
                "`export --metrics` puts them here.\n\n");
        return;
    }
    sg_str_appendf(out,
            "%lld images of %lld groups, %lld of them seen in training. Intervals hold 95 %%.\n\n"
            "| figure | value | interval |\n|---|---|---|\n",
            (long long)json_integer_value(json_object_get(metrics, "n")),
            (long long)json_integer_value(json_object_get(metrics, "groups")),
            (long long)json_integer_value(json_object_get(metrics, "seen_images")));
    put_figure(out, metrics, "accuracy", "accuracy");
    put_figure(out, metrics, "balanced_accuracy", "balanced accuracy");
    put_figure(out, metrics, "macro_f1", "macro F1");
    put_figure(out, metrics, "auroc_macro", "macro AUROC");
    put_figure(out, metrics, "sensitivity_malignant", "sensitivity, malignant");
    put_figure(out, metrics, "specificity_malignant", "specificity, malignant");
    sg_str_append(out, "\n");
}

sg_status sg_export_card(
        const char *path, const sg_bundle *b, const json_t *metrics, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    put_front_matter(&out, b, metrics);
    sg_str_appendf(
            &out, "# Breast ultrasound classifier, %s\n\n**%s**\n\n", b->model, SG_RESEARCH_USE);
    sg_status st = put_model(&out, b, err);
    put_use(&out);
    if (!st) st = put_recipe(&out, b, err);
    put_training(&out, b);
    put_figures(&out, metrics);
    sg_str_append(&out, "## Licence\n\nOf the weights: not stated. They derive from the training "
                        "images and from "
                        "given weights, whose licences bind whoever hands them on.\n");
    if (!st) st = sg_str_check(&out, err);
    if (!st) st = sg_file_write(path, out.data, out.len, err);
    sg_str_dispose(&out);
    return st;
}
