/* bundle_defaults.c - see bundle_defaults.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/bundle_defaults.h"
#include "infer/bundle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const taken[] = {"model", "blocks", "se-reduction", "dilation", "dropout",
        "mobilenet-first", "auxiliary", "transform-input", "size", "fit", "crop", "contrast",
        "clahe-clip", "clahe-tiles", "despeckle", "median-size", "srad-iterations", "srad-dt",
        "srad-q0", "filter"};

static bool is_taken(const char *name) {
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0) return true;
    return false;
}

static void take_recipe(sg_recipe_args *out, const sg_recipe *r) {
    *out = (sg_recipe_args){.size = r->size,
            .median_size = r->median_size,
            .srad_iterations = r->srad.iterations,
            .clahe_tiles = r->clahe_tiles,
            .fit = (int)r->fit,
            .despeckle = (int)r->despeckle,
            .contrast = (int)r->contrast,
            .filter = (int)r->filter,
            .crop = r->crop,
            .clahe_clip = r->clahe_clip,
            .srad_dt = r->srad.dt,
            .srad_q0 = r->srad.q0};
}

/* "mobilenetv2\0" and "3,4,6,3" in one block: args borrow both. */
static sg_status take_texts(sg_train_args *a, char **texts, const sg_bundle *b, sg_error *err) {
    enum { BLOCKS = 64 };
    const int *blocks = b->members[0].options.blocks;
    size_t n = strlen(b->model) + 1;
    *texts = malloc(n + BLOCKS);
    if (!*texts) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", a->from_bundle);
    memcpy(*texts, b->model, n);
    snprintf(*texts + n, BLOCKS, "%d,%d,%d,%d", blocks[0], blocks[1], blocks[2], blocks[3]);
    a->model = *texts;
    a->blocks = blocks[0] ? *texts + n : NULL;
    return SG_OK;
}

static sg_status describe(sg_train_args *a, char **texts, const sg_bundle *b, sg_error *err) {
    const sg_model_options *o = &b->members[0].options;
    a->se_reduction = o->se_reduction;
    a->dilation = o->dilation;
    a->dropout = o->dropout;
    a->mobilenet_first = o->mobilenet_expand_first ? SG_MOBILENET_EXPAND : SG_MOBILENET_PLAIN;
    a->auxiliary = o->auxiliary;
    a->transform_input = o->transform_input;
    take_recipe(&a->recipe, &b->recipe);
    return take_texts(a, texts, b, err);
}

sg_status sg_train_take_from_bundle(
        sg_train_args *args, char **texts, const sg_call *call, sg_error *err) {
    sg_bundle *b;
    *texts = NULL;
    if (!args->from_bundle) return SG_OK;
    sg_status st = sg_bundle_open(&b, args->from_bundle, err);
    if (st) return st;
    sg_train_args of_bundle = *args;
    st = describe(&of_bundle, texts, b, err);
    for (size_t row = 0; call->verb->options[row].name && !st; row++) {
        const sg_option *o = &call->verb->options[row];
        if (o->type == SG_OPTION_GROUP || !is_taken(o->name)) continue;
        if (!call->given[row])
            sg_option_copy(o, args, &of_bundle);
        else if (strcmp(o->name, "model") == 0 && strcmp(args->model, b->model) != 0)
            st = sg_fail(err, SG_ERR_USAGE,
                    "--model %s: %s holds a %s; leave --model out to go on with that", args->model,
                    args->from_bundle, b->model);
    }
    sg_bundle_close(b);
    return st;
}
