/* cmd_models.c - `sonograde models`: every architecture with its size.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "nn/models/models.h"
#include <stdio.h>

typedef struct list_options {
    long long size, classes;
} list_options;

#define AT(member) offsetof(list_options, member)
static const sg_option options[] = {
        {"size", 0, SG_OPTION_INT, AT(size), "224", "PIXELS",
                "image size for multiply-accumulates and memory", 32, 4096},
        {"classes", 0, SG_OPTION_INT, AT(classes), "3", "N", "classes that are told apart", 2,
                100000},
        {0},
};

static sg_status measure(
        sg_graph_cost *out, const char *name, const list_options *o, sg_error *err) {
    sg_model_options model = SG_MODEL_OPTIONS_INIT;
    model.classes = o->classes;
    sg_graph *g;
    sg_status status = sg_model_build(&g, name, &model, err);
    if (status) return status;
    status = sg_graph_measure(out, g, o->size, o->size, err);
    sg_graph_destroy(g);
    return status;
}

static json_t *describe(const sg_model_info *info, const sg_graph_cost *cost) {
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s}", "name", info->name, "summary",
            info->summary, "parameters", (json_int_t)cost->parameters, "macs",
            (json_int_t)cost->macs, "activation_bytes", (json_int_t)cost->activation_bytes,
            "reference", info->reference, "weights", info->weights);
}

static int run(const sg_call *call) {
    const list_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    int count;
    const sg_model_info *models = sg_models_list(&count);
    json_t *all = json_array();
    if (!call->json)
        printf("%-12s %12s %10s %14s  %s\n", "model", "parameters", "GMAC", "activations",
                "what it is");
    for (int i = 0; i < count; i++) {
        sg_graph_cost cost;
        if (measure(&cost, models[i].name, o, &err)) {
            json_decref(all);
            return sg_cli_fail(&err);
        }
        json_array_append_new(all, describe(&models[i], &cost));
        if (!call->json)
            printf("%-12s %10.2f M %10.2f %11.1f MB  %s\n", models[i].name,
                    (double)cost.parameters / 1e6, (double)cost.macs / 1e9,
                    (double)cost.activation_bytes / 1e6, models[i].summary);
    }
    if (call->json)
        sg_cli_print_json(json_pack("{s:i, s:I, s:I, s:o}", "schema", 1, "size",
                (json_int_t)o->size, "classes", (json_int_t)o->classes, "models", all));
    else
        json_decref(all);
    return SG_EXIT_OK;
}

const sg_verb sg_verb_models = {
        .name = "models",
        .operands = "",
        .summary = "list the architectures with parameters, multiply-accumulates and memory",
        .details =
                "Parameters are trainable numbers. GMAC are thousand million multiply-accumulates "
                "of one image in convolutions and linear layers. Activations are the outputs of "
                "all layers for one image in float32; a plan shares memory and needs less.",
        .examples = "sonograde models\nsonograde models --size 160 --json",
        .options = options,
        .struct_size = sizeof(list_options),
        .run = run,
};
