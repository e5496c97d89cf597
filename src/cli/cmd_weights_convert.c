/* cmd_weights_convert.c - `sonograde weights convert`: any readable weight file to safetensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "cli/weight_facts.h"
#include "weights/name_map.h"
#include "weights/weight_stats.h"
#include <stdlib.h>
#include <string.h>

typedef struct convert_args {
    bool keep_names;
} convert_args;

static const sg_option options[] = {
        {"keep-names", 0, SG_OPTION_FLAG, offsetof(convert_args, keep_names), NULL, NULL,
                "leave names and shapes as they stand in the file", 0, 0},
        {0},
};

static sg_status warn_not_finite(const sg_call *call, const sg_weight_set *set, sg_error *err) {
    for (size_t i = 0; i < set->count; i++) {
        if (sg_cli_stop) return sg_fail(err, SG_ERR_INTERRUPTED, "stopped; nothing was written");
        sg_weight_stats s;
        sg_status st = sg_weight_stats_of(&s, &set->entries[i].tensor, err);
        if (st) return st;
        if (s.not_finite)
            sg_log_line(call->log, SG_LOG_WARN,
                    "tensor %s holds %lld numbers that are NaN or infinite; a training that "
                    "takes this tensor over refuses it",
                    set->entries[i].name, (long long)s.not_finite);
    }
    return SG_OK;
}

static void tell_rules(const sg_call *call, unsigned rules) {
    for (unsigned bit = 1; bit <= SG_NAMES_SHAPE; bit <<= 1)
        if (rules & bit)
            sg_log_line(
                    call->log, SG_LOG_INFO, "rewritten: %s", sg_name_rule_text((sg_name_rule)bit));
    if (rules & SG_NAMES_LEGACY_SE)
        sg_log_line(call->log, SG_LOG_WARN,
                "legacy SE networks halve the image in the first 1x1 convolution of a block, ours "
                "in the 3x3: weights fit, but the network is not quite the one that was trained");
}

static sg_status write_set(
        const sg_weight_set *set, const char *from, const char *to, sg_error *err) {
    char sha[SG_SHA256_HEX];
    sg_status st = sg_sha256_file(sha, from, err);
    if (st) return st;
    sg_safetensors_item *items = calloc(set->count + 1, sizeof *items);
    json_t *meta = json_pack("{s:s, s:s}", "format", "pt", "source_sha256", sha);
    if (!items || !meta) {
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", to);
        goto done;
    }
    for (size_t i = 0; i < set->count; i++) {
        const sg_tensor *t = &set->entries[i].tensor;
        items[i] = (sg_safetensors_item){set->entries[i].name, t->dtype, t->shape, t->data};
    }
    st = sg_safetensors_write(to, items, set->count, meta, err);
done:
    json_decref(meta);
    free(items);
    return st;
}

static sg_status convert(const sg_call *call, sg_error *err) {
    const convert_args *a = call->options;
    const char *from = call->operands[0], *to = call->operands[1];
    if (!sg_ends_with(to, ".safetensors"))
        return sg_fail(err, SG_ERR_USAGE, "only safetensors are written: call it NAME.safetensors");
    sg_weight_set *set;
    sg_status st = sg_weight_set_open(&set, from, true, err);
    if (st) return st;
    unsigned rules = 0;
    if (sg_weight_set_meta(set, "sonograde"))
        st = sg_fail(err, SG_ERR_USAGE,
                "%s was written by sonograde and would lose its preprocessing and calibration; use "
                "it as it is",
                from);
    if (!st && !a->keep_names) st = sg_name_map_apply(&rules, set, from, err);
    if (!st) st = warn_not_finite(call, set, err);
    if (!st && !set->count) st = sg_fail(err, SG_ERR_FORMAT, "%s holds no tensors", from);
    bool carried = false;
    if (!st) st = write_set(set, from, to, err);
    if (!st) st = sg_weight_facts_carry(&carried, from, to, err);
    if (!st) {
        tell_rules(call, rules);
        if (carried) sg_log_line(call->log, SG_LOG_INFO, "%s.json goes along as %s.json", from, to);
        if (*set->wrapper)
            sg_log_line(call->log, SG_LOG_INFO, "taken from the key \"%s\"", set->wrapper);
        sg_log_line(call->log, SG_LOG_INFO, "%s: %zu tensors from %s", to, set->count, set->format);
    }
    if (!st && call->json)
        sg_cli_print_json(json_pack("{s:i, s:o, s:s, s:s, s:b, s:I, s:I}", "schema", 1, "file",
                sg_json_text(to), "from", set->format, "wrapper", set->wrapper, "renamed",
                rules != 0, "tensors", (json_int_t)set->count, "other_values",
                (json_int_t)set->skipped));
    sg_weight_set_close(set);
    return st;
}

static int run(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    return convert(call, &err) ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_weights_convert = {
        .name = "weights convert",
        .operands = "FROM TO.safetensors",
        .summary = "write a .pth or ONNX file's weights as safetensors",
        .details =
                "Reads PyTorch's .pth files, zip and legacy, without PyTorch: a small machine "
                "knows the few pickle instructions that state dicts use, runs no code, and names "
                "what it refuses. ONNX files give their initialisers. Names become torchvision's: "
                "wrappers (state_dict, model...), prefixes (module....), timm's VGG, legacy SE "
                "networks and numbered ResNets (RadImageNet) are rewritten, unless --keep-names. "
                "What "
                "`weights fetch` wrote beside FROM goes along as TO.safetensors.json.",
        .examples = "sonograde weights convert alexnet-owt-7be5be79.pth alexnet.safetensors\n"
                    "sonograde weights convert net.onnx net.safetensors --keep-names",
        .options = options,
        .struct_size = sizeof(convert_args),
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
