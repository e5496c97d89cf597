/* cmd_data_manifest.c - `sonograde data manifest`: a folder or a table of images becomes a
 * manifest. SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/dataset.h"

typedef struct manifest_options {
    const char *output, *manifest, *group_by;
    bool skip_bad, any_classes;
    long long threads;
} manifest_options;

#define AT(member) offsetof(manifest_options, member)
static const sg_option options[] = {
        {"output", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE", "the manifest to write", 0, 0},
        {"manifest", 0, SG_OPTION_PATH, AT(manifest), NULL, "FILE",
                "a table with the columns path and class; DIR is then where its paths start", 0, 0},
        {"group-by", 0, SG_OPTION_TEXT, AT(group_by), NULL, "COLUMN|REGEX",
                "what belongs together: a column of the table, or a pattern on the path with one "
                "part in parentheses (POSIX extended)",
                0, 0},
        {"skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL,
                "leave files out that cannot be read, and list them", 0, 0},
        {"any-classes", 0, SG_OPTION_FLAG, AT(any_classes), NULL, NULL,
                "accept a single class (an evaluation set)", 0, 0},
        {"threads", 0, SG_OPTION_INT, AT(threads), "0", "N", "threads; 0 = all processors", 0,
                1024},
        {0},
};

static int run(const sg_call *call) {
    const manifest_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    if (!o->output) {
        (void)sg_fail(&err, SG_ERR_USAGE, "say where the manifest goes: -o FILE");
        return sg_cli_fail(&err);
    }
    sg_status status = sg_cli_check_output(o->output, &err);
    if (status) return sg_cli_fail(&err);
    sg_cli_dataset source = {.data = call->operand_count ? call->operands[0] : NULL,
            .manifest = o->manifest,
            .group_by = o->group_by,
            .skip_bad = o->skip_bad,
            .any_classes = o->any_classes,
            .threads = o->threads};
    sg_manifest manifest = {0};
    sg_manifest_summary summary;
    status = sg_cli_open_dataset(&manifest, &source, call->log, &err);
    if (!status) status = sg_manifest_summarize(&summary, &manifest, &err);
    if (!status) status = sg_manifest_write(&manifest, o->output, &err);
    if (!status && call->json)
        sg_cli_print_json(sg_cli_describe_dataset(&manifest, &summary));
    else if (!status && !call->quiet)
        sg_cli_print_dataset(&manifest, &summary);
    sg_manifest_dispose(&manifest);
    return status ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_data_manifest = {
        .name = "data manifest",
        .operands = "[DIR]",
        .summary = "list images with class, hash, size, masks and group",
        .details =
                "DIR holds one folder per class, as BUSI does; deeper folders are fine. Files "
                "named "
                "X_mask.png or X_mask_1.png are the masks of X and never images.\n\n"
                "Every image gets a group: images of one group never lie on both sides of a split. "
                "Without --group-by, a column 'group' of the table is taken, else images with "
                "equal "
                "bytes or with thumbnails that correlate at 0.92 or more (flips included) are "
                "joined. Groups found this way are a lower bound on what belongs together.",
        .examples = "sonograde data manifest Dataset_BUSI_with_GT -o manifest.csv\n"
                    "sonograde data manifest images -o manifest.csv --group-by 'p([0-9]+)_'\n"
                    "sonograde data manifest images --manifest mine.csv --group-by patient -o "
                    "manifest.csv",
        .options = options,
        .struct_size = sizeof(manifest_options),
        .min_operands = 0,
        .max_operands = 1,
        .run = run,
};
