/* cmd_data_split.c - `sonograde data split`: which images are trained on and which are tested on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/dataset.h"
#include "data/split.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct split_options {
    const char *output, *manifest, *group_by, *fractions, *check;
    long long folds, seed, threads;
    bool ungrouped, skip_bad;
} split_options;

#define AT(member) offsetof(split_options, member)
static const sg_option options[] = {
        {"output", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE", "the split to write", 0, 0},
        {"manifest", 0, SG_OPTION_PATH, AT(manifest), NULL, "FILE",
                "a manifest; DIR is then where its paths start", 0, 0},
        {"folds", 0, SG_OPTION_INT, AT(folds), "0", "K",
                "k-fold: each fold is the test set of one model; 0 = training, validation and test",
                0, 100},
        {"fractions", 0, SG_OPTION_TEXT, AT(fractions), "0.7,0.15,0.15", "TRAIN,VAL,TEST",
                "shares of the three parts, without --folds", 0, 0},
        {"seed", 0, SG_OPTION_INT, AT(seed), "0", "N", "same seed, same split", 0,
                9007199254740992.0},
        {"ungrouped", 0, SG_OPTION_FLAG, AT(ungrouped), NULL, NULL,
                "let a group lie on both sides; every report will mark it", 0, 0},
        {"check", 0, SG_OPTION_PATH, AT(check), NULL, "FILE",
                "check this split against the images and write nothing", 0, 0},
        {"group-by", 0, SG_OPTION_TEXT, AT(group_by), NULL, "COLUMN|REGEX",
                "what belongs together (see data manifest)", 0, 0},
        {"skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL,
                "leave files out that cannot be read", 0, 0},
        {"threads", 0, SG_OPTION_INT, AT(threads), "0", "N", "threads; 0 = all processors", 0,
                1024},
        {0},
};

static sg_status parse_fractions(double shares[SG_PART_COUNT], const char *text, sg_error *err) {
    char copy[128];
    if (strlen(text) < sizeof copy) {
        memcpy(copy, text, strlen(text) + 1);
        char *rest = copy;
        int n = 0;
        for (char *part; (part = strsep(&rest, ",")) != NULL; n++)
            if (n >= SG_PART_COUNT || !sg_parse_double(&shares[n], part)) break;
        if (n == SG_PART_COUNT && !rest) return SG_OK;
    }
    return sg_fail(err, SG_ERR_USAGE,
            "--fractions '%.60s' is not three numbers for training, validation and test, such as "
            "0.7,0.15,0.15",
            text);
}

static sg_status make_split(sg_split *split, const sg_manifest *manifest, const split_options *o,
        const struct sg_log *log, sg_error *err) {
    sg_split_options how = {.seed = (uint64_t)o->seed, .ungrouped = o->ungrouped, .log = log};
    if (o->check) return sg_split_read(split, o->check, manifest, &how, err);
    if (o->folds) return sg_split_make_folds(split, manifest, (int)o->folds, &how, err);
    double shares[SG_PART_COUNT] = {0};
    sg_status status = parse_fractions(shares, o->fractions, err);
    double sum = shares[0] + shares[1] + shares[2];
    if (!status && fabs(sum - 1) > 0.011) /* 0.33,0.33,0.33 will do */
        status = sg_fail(err, SG_ERR_USAGE,
                "the shares of --fractions %.60s add up to %g, not to 1: mend one of them",
                o->fractions, sum);
    return status ? status : sg_split_make_parts(split, manifest, shares, &how, err);
}

static void name_bin(char *out, size_t size, const sg_split *split, int bin) {
    if (split->folds)
        (void)snprintf(out, size, "fold %d", bin);
    else
        (void)snprintf(out, size, "%s", sg_part_name((sg_part)bin));
}

static json_t *describe(const sg_split *split, const sg_manifest *m, const size_t *counts) {
    json_t *bins = json_array();
    for (int b = 0; b < sg_split_bins(split); b++) {
        char name[32];
        name_bin(name, sizeof name, split, b);
        json_t *classes = json_object();
        for (size_t c = 0; c < m->class_count; c++) {
            json_t *text = sg_json_text(m->class_names[c]);
            json_object_set_new(classes, json_string_value(text),
                    json_integer((json_int_t)counts[(size_t)b * m->class_count + c]));
            json_decref(text);
        }
        json_array_append_new(bins, json_pack("{s:s, s:o}", "name", name, "images", classes));
    }
    return json_pack("{s:i, s:i, s:I, s:b, s:I, s:o}", "schema", 1, "folds", split->folds, "seed",
            (json_int_t)split->seed, "ungrouped", split->ungrouped, "doubtful_groups",
            (json_int_t)split->doubtful, "parts", bins);
}

static void print_plain(const sg_split *split, const sg_manifest *m, const size_t *counts) {
    for (int b = 0; b < sg_split_bins(split); b++) {
        char name[32];
        name_bin(name, sizeof name, split, b);
        size_t all = 0;
        for (size_t c = 0; c < m->class_count; c++) all += counts[(size_t)b * m->class_count + c];
        printf("%-8s %6zu images:", name, all);
        for (size_t c = 0; c < m->class_count; c++) {
            printf("%s %zu ", c ? "," : "", counts[(size_t)b * m->class_count + c]);
            sg_cli_print_safe(stdout, m->class_names[c]);
        }
        putchar('\n');
    }
    if (split->ungrouped)
        puts("Ungrouped: images that belong together may lie on both sides; figures from this "
             "split "
             "are too good.");
}

static sg_status check_usage(const sg_call *call, const split_options *o, sg_error *err) {
    if (!call->operand_count && !o->manifest)
        return sg_fail(err, SG_ERR_USAGE, "name a folder of images, or --manifest FILE");
    if (!o->output && !o->check)
        return sg_fail(err, SG_ERR_USAGE, "say where the split goes: -o FILE");
    return o->check ? SG_OK : sg_cli_check_output(o->output, err);
}

static int run(const sg_call *call) {
    const split_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_cli_dataset source = {.data = call->operand_count ? call->operands[0] : NULL,
            .manifest = o->manifest,
            .group_by = o->group_by,
            .skip_bad = o->skip_bad,
            .threads = o->threads};
    sg_manifest manifest = {0};
    sg_split split = {0};
    size_t *counts = NULL;
    sg_status status = check_usage(call, o, &err);
    if (!status) status = sg_cli_open_dataset(&manifest, &source, call->log, &err);
    if (!status) status = make_split(&split, &manifest, o, call->log, &err);
    if (!status) {
        counts = calloc((size_t)sg_split_bins(&split) * manifest.class_count, sizeof *counts);
        if (!counts) status = sg_fail(&err, SG_ERR_MEMORY, "out of memory for a split");
    }
    if (!status && !o->check) status = sg_split_write(&split, &manifest, o->output, &err);
    if (!status) {
        sg_split_count(counts, &split, &manifest);
        if (call->json)
            sg_cli_print_json(describe(&split, &manifest, counts));
        else if (!call->quiet)
            print_plain(&split, &manifest, counts);
    }
    free(counts);
    sg_split_dispose(&split);
    sg_manifest_dispose(&manifest);
    return status ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_data_split = {
        .name = "data split",
        .operands = "[DIR]",
        .summary = "divide images into folds or parts, class by class, no group on both sides",
        .details =
                "Writes a table with path, class and fold (or split: train, val, test) that train "
                "takes with --folds or --splits. Classes are spread evenly; images of one group "
                "stay together. The same seed gives the same split.\n\n"
                "--check FILE reads a split made elsewhere and refuses it (exit 3) when a group "
                "is on both sides.",
        .examples = "sonograde data split --manifest manifest.csv --folds 5 --seed 1 -o folds.csv\n"
                    "sonograde data split images --fractions 0.7,0.15,0.15 -o splits.csv\n"
                    "sonograde data split images --check folds.csv",
        .options = options,
        .struct_size = sizeof(split_options),
        .min_operands = 0,
        .max_operands = 1,
        .run = run,
};
