/* ablation.c - see ablation.h. What is switched is data: a name, train's own words, a sentence.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/ablation.h"
#include "nn/models/models.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct part {
    const char *name, *changes, *meaning;
} part;

static sg_status add(sg_comparison *c, const sg_ablation *a, const char *model, const part *p,
        int base, const char *weights, sg_error *err) {
    char changes[160];
    (void)snprintf(
            changes, sizeof changes, "model: %.60s\n%s", model, p->changes ? p->changes : "");
    static const char *const unlike[] = {"weights", NULL};
    const sg_trial_plan plan = {.name = p->name,
            .meaning = p->meaning,
            .base = base,
            .source = {.config = a->config, .set = a->set, .scope = p->name, .unlike = unlike},
            .changes = changes,
            .weights = weights};
    return sg_comparison_add(c, &plan, err);
}

/* ---- an architecture ---- */

static const part network_parts[] = {
        {"no-dilation", "dilation: 1\n",
                "last stage at stride 2 without dilation; where the given weights hold no last "
                "stage, what dilation does to pretrained layers stays untested"},
        {"no-se", "se-reduction: 0\n", "without squeeze-and-excitation"},
        {"all-blocks", "blocks: 3,4,6,3\n", "3, 4, 6 and 3 residual blocks, as ResNet-50 has"},
};
enum { NETWORK_PARTS = sizeof network_parts / sizeof *network_parts };

/* The model, its parts one at a time, and the plain network of the same file as control; each with
 * the model in its settings. */
static sg_status add_network_arms(sg_comparison *c, const sg_ablation *a,
        const sg_model_info *model, const char *tail, const char *weights, sg_error *err) {
    int base = (int)c->trial_count;
    char name[SG_TRIAL_NAME];
    sg_status st = SG_OK;
    for (int i = -1; i <= NETWORK_PARTS && !st; i++) {
        bool is_part = i >= 0 && i < NETWORK_PARTS;
        const char *own = i == NETWORK_PARTS ? model->compare : model->name;
        if (tail && is_part) continue; /* from random weights: the model and its control */
        if (!own) continue;
        (void)snprintf(
                name, sizeof name, "%s%s", is_part ? network_parts[i].name : own, tail ? tail : "");
        const char *meaning = is_part              ? network_parts[i].meaning
                              : i == NETWORK_PARTS ? "the control: none of the changes"
                                                   : "all of it";
        const part arm = {name, is_part ? network_parts[i].changes : NULL, meaning};
        st = add(c, a, own, &arm, i < 0 ? -1 : base, weights, err);
    }
    return st;
}

static sg_status add_network(
        sg_comparison *c, const sg_ablation *a, const sg_model_info *model, sg_error *err) {
    sg_status st = add_network_arms(c, a, model, NULL, a->weights, err);
    if (!st && a->weights) st = add_network_arms(c, a, model, "-random-weights", NULL, err);
    return st;
}

/* ---- preprocessing, augmentation, weights ---- */

static sg_status add_preprocessing(sg_comparison *c, const sg_ablation *a, sg_error *err) {
    const sg_recipe_args *r = &c->trials[0].settings.args.recipe;
    const part parts[] = {
            r->contrast ? (part){"no-contrast", "contrast: none\n", "without contrast enhancement"}
                        : (part){"clahe", "contrast: clahe\n", "with CLAHE"},
            r->despeckle ? (part){"no-despeckle", "despeckle: none\n", "without speckle reduction"}
                         : (part){"median", "despeckle: median\n", "with a 3 x 3 median"},
            r->crop ? (part){"no-crop", "crop: false\n", "without the crop to the scan area"}
                    : (part){"crop", "crop: true\n", "cropped to the scan area"},
            r->fit == SG_FIT_STRETCH
                    ? (part){"pad", "fit: pad\n", "padded to a square"}
                    : (part){"stretch", "fit: stretch\n",
                              "stretched to a square: width against height is lost"},
    };
    sg_status st = SG_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !st; i++)
        st = add(c, a, a->model, &parts[i], 0, a->weights, err);
    return st;
}

static sg_status add_augmentation(sg_comparison *c, const sg_ablation *a, sg_error *err) {
    const sg_augment_args *g = &c->trials[0].settings.args.augment;
    const struct {
        part part;
        bool on;
    } parts[] = {
            {{"no-augment", "augment: false\n", "no augmentation at all"}, true},
            {{"no-flip", "flip: false\n", "without flips"}, g->flip},
            {{"no-rotation", "rotation: 0\n", "without rotation"}, g->rotation > 0},
            {{"no-scale", "scale: 1\n", "without scaling"}, g->scale > 1},
            {{"no-aspect", "aspect: 1\n", "without changes of aspect"}, g->aspect > 1},
            {{"no-shift", "shift: 0\n", "without shifts"}, g->shift > 0},
            {{"no-gain", "gain: 0\n", "without changes of brightness"}, g->gain > 0},
            {{"no-jitter", "augment-contrast: 0\n", "without changes of contrast"},
                    g->contrast > 0},
            {{"no-gamma", "gamma: 0\n", "without changes of gamma"}, g->gamma > 0},
            {{"no-speckle", "speckle: 0\n", "without added speckle"}, g->speckle > 0},
            {{"no-cutout", "cutout: 0\n", "without cutout"}, g->cutout > 0},
            {{"no-mixup", "mixup: 0\n", "without mixup"}, g->mixup > 0},
    };
    sg_status st = SG_OK;
    if (!g->on)
        return sg_fail(err, SG_ERR_USAGE, "there is no augmentation to take away: it is off");
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !st; i++)
        if (parts[i].on) st = add(c, a, a->model, &parts[i].part, 0, a->weights, err);
    return st;
}

static sg_status add_transfer(sg_comparison *c, const sg_ablation *a, sg_error *err) {
    static const part random = {"random-weights", NULL, "from random weights"};
    if (!a->weights)
        return sg_fail(err, SG_ERR_USAGE,
                "--ablate transfer takes given weights away: say which with --weights FILE");
    return add(c, a, a->model, &random, 0, NULL, err);
}

typedef sg_status add_group(sg_comparison *c, const sg_ablation *a, sg_error *err);

static const struct {
    const char *name;
    add_group *add;
} groups[] = {{"preprocess", add_preprocessing}, {"augment", add_augmentation},
        {"transfer", add_transfer}};
enum { GROUPS = sizeof groups / sizeof *groups };

static sg_status add_one_group(
        sg_comparison *c, const sg_ablation *a, const char *name, sg_error *err) {
    for (size_t i = 0; i < GROUPS; i++)
        if (strcmp(groups[i].name, name) == 0) return groups[i].add(c, a, err);
    return sg_fail(err, SG_ERR_USAGE,
            "--ablate '%.60s': take a model with a control (mresnetv2), or some of preprocess, "
            "augment, transfer",
            name);
}

static sg_status add_groups(sg_comparison *c, const sg_ablation *a, sg_error *err) {
    static const part base = {"base", NULL, "as the settings say"};
    char *copy = sg_strdup(a->what), *rest = copy;
    sg_status st = copy ? add(c, a, a->model, &base, -1, a->weights, err)
                        : sg_fail(err, SG_ERR_MEMORY, "out of memory reading --ablate");
    for (char *item; !st && (item = strsep(&rest, ","));) st = add_one_group(c, a, item, err);
    free(copy);
    return st;
}

sg_status sg_ablation_add(sg_comparison *c, const sg_ablation *a, sg_error *err) {
    const sg_model_info *model;
    bool network = !sg_model_find(&model, a->what, NULL) && model->compare;
    return network ? add_network(c, a, model, err) : add_groups(c, a, err);
}
