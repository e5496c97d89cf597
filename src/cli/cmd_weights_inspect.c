/* cmd_weights_inspect.c - `sonograde weights inspect`: what a weight file holds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/verbs.h"
#include "weights/name_map.h"
#include "weights/weight_stats.h"
#include <stdio.h>

typedef struct inspect_args {
    bool keep_names;
} inspect_args;

static const sg_option options[] = {
        {"keep-names", 0, SG_OPTION_FLAG, offsetof(inspect_args, keep_names), NULL, NULL,
                "show names as they stand in the file, not as they would be used", 0, 0},
        {0},
};

typedef struct totals {
    int64_t elements, not_finite;
} totals;

static json_t *describe(const sg_weight *w, const sg_weight_stats *s) {
    json_t *shape = json_array();
    for (int i = 0; i < w->tensor.shape.rank; i++)
        json_array_append_new(shape, json_integer(w->tensor.shape.dims[i]));
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:I}", "name", w->name, "shape", shape,
            "dtype", sg_dtype_name(w->tensor.dtype), "mean", sg_json_number(s->mean), "sd",
            sg_json_number(s->sd), "min", sg_json_number(s->low), "max", sg_json_number(s->high),
            "not_finite", (json_int_t)s->not_finite);
}

static sg_status show_tensors(json_t *all, totals *sum, const sg_weight_set *set, sg_error *err) {
    if (!all) printf("%-48s %-22s %-5s %12s %12s\n", "tensor", "shape", "type", "mean", "sd");
    for (size_t i = 0; i < set->count; i++) {
        const sg_weight *w = &set->entries[i];
        if (sg_cli_stop) return sg_fail(err, SG_ERR_INTERRUPTED, "stopped");
        sg_weight_stats s;
        sg_status st = sg_weight_stats_of(&s, &w->tensor, err);
        if (st) return st;
        sum->elements += s.elements;
        sum->not_finite += s.not_finite;
        char shape[SG_SHAPE_TEXT];
        if (all)
            json_array_append_new(all, describe(w, &s));
        else
            printf("%-48s %-22s %-5s %12.5g %12.5g%s\n", w->name,
                    sg_shape_text(shape, &w->tensor.shape), sg_dtype_name(w->tensor.dtype), s.mean,
                    s.sd, s.not_finite ? "  holds NaN or infinity" : "");
    }
    return SG_OK;
}

static sg_status inspect(const sg_call *call, sg_error *err) {
    const inspect_args *a = call->options;
    const char *path = call->operands[0];
    sg_weight_set *set;
    sg_status st = sg_weight_set_open(&set, path, true, err);
    if (st) return st;
    unsigned rules = 0;
    totals sum = {0};
    json_t *all = call->json ? json_array() : NULL;
    if (!a->keep_names) st = sg_name_map_apply(&rules, set, path, err);
    if (!st) st = show_tensors(all, &sum, set, err);
    if (!st && sum.not_finite)
        sg_log_line(call->log, SG_LOG_WARN, "%s holds %lld numbers that are NaN or infinite", path,
                (long long)sum.not_finite);
    if (!st && call->json)
        sg_cli_print_json(json_pack("{s:i, s:o, s:s, s:s, s:b, s:I, s:I, s:I, s:O}", "schema", 1,
                "file", sg_json_text(path), "format", set->format, "wrapper", set->wrapper,
                "renamed", rules != 0, "elements", (json_int_t)sum.elements, "not_finite",
                (json_int_t)sum.not_finite, "other_values", (json_int_t)set->skipped, "tensors",
                all));
    else if (!st)
        printf("%s, %zu tensors, %lld numbers%s\n", set->format, set->count,
                (long long)sum.elements, rules ? "; names as they are used here" : "");
    json_decref(all);
    sg_weight_set_close(set);
    return st;
}

static int run(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    return inspect(call, &err) ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_weights_inspect = {
        .name = "weights inspect",
        .operands = "FILE",
        .summary = "list the tensors of a weight file",
        .details = "Reads safetensors, PyTorch's .pth files (no code in them is ever run), and the "
                   "initialisers of ONNX files, and lists each tensor with shape, type, mean and "
                   "standard deviation.",
        .examples = "sonograde weights inspect resnet50.pth\n"
                    "sonograde weights inspect model.safetensors --json",
        .options = options,
        .struct_size = sizeof(inspect_args),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
