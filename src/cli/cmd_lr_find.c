/* cmd_lr_find.c - `sonograde lr-find`: a learning-rate range test on training images, with its
 * plot. SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "cli/rate_curves.h"
#include "cli/shared_rows.h"
#include "cli/verbs.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct find_args {
    sg_cli_dataset dataset;
    const char *folds, *model, *weights, *config, *set, *out;
    long long fold, batch, size, seed, steps, workers;
    double low, high;
} find_args;

#define AT(field) offsetof(find_args, field)
/* clang-format off */
static const sg_option rows[] = {
    SG_DATA_ROW(AT(dataset.data)),
    SG_MANIFEST_ROW(AT(dataset.manifest)),
    SG_GROUP_BY_ROW(AT(dataset.group_by)),
    SG_SKIP_BAD_ROW(AT(dataset.skip_bad)),
    { "folds", 0, SG_OPTION_TEXT, AT(folds), NULL, "K|FILE", "the training images are those of a fold, as train would have them; without: of train's own split", 0, 0 },
    { "fold", 0, SG_OPTION_INT, AT(fold), "0", "I", "which fold", 0, 99 },
    { "model", 0, SG_OPTION_TEXT, AT(model), "mobilenetv2", "NAME", "architecture (sonograde models lists them)", 0, 0 },
    { "weights", 0, SG_OPTION_PATH, AT(weights), NULL, "FILE", "safetensors, .pth or ONNX file to start from", 0, 0 },
    SG_BATCH_ROW(AT(batch)),
    SG_SIZE_ROW(AT(size), "224"),
    { "seed", 's', SG_OPTION_INT, AT(seed), "0", "N", "of everything random", 0, 9e15 },
    SG_CONFIG_ROW(AT(config)),
    SG_SET_ROW(AT(set)),
    { "steps", 0, SG_OPTION_INT, AT(steps), "100", "N", "updates", 10, 100000 },
    { "low", 0, SG_OPTION_REAL, AT(low), "1e-6", "X", "rate of the first step", 1e-12, 100 },
    { "high", 0, SG_OPTION_REAL, AT(high), "1", "X", "rate of the last step", 1e-12, 100 },
    { "out", 'o', SG_OPTION_PATH, AT(out), NULL, "DIR", "folder for lr-find.csv, lr-find.json and lr-find.svg", 0, 0 },
    SG_THREADS_ROW(AT(dataset.threads)),
    SG_WORKERS_ROW(AT(workers)),
    { NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0 },
};
/* clang-format on */

typedef struct search {
    const find_args *args;
    const sg_call *call;
    sg_manifest manifest;
    sg_split parts;
    sg_arm_settings settings;
    sg_lr_range range;
} search;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the range test");
}

/* ---- training images ---- */

static sg_status fold_parts(search *s, const sg_split_options *options, sg_error *err) {
    sg_split folds = {0};
    long long k;
    sg_status st = SG_OK;
    if (sg_parse_int64(&k, s->args->folds))
        st = k < 2 || k > 100 ? sg_fail(err, SG_ERR_USAGE, "--folds %lld: take 2 to 100 folds", k)
                              : sg_split_make_folds(&folds, &s->manifest, (int)k, options, err);
    else
        st = sg_split_read(&folds, s->args->folds, &s->manifest, options, err);
    if (!st)
        st = sg_split_fold_parts(&s->parts, &folds, &s->manifest, (int)s->args->fold,
                sg_arm_val_share(&s->settings), (uint64_t)s->args->seed, err);
    sg_split_dispose(&folds);
    return st;
}

/* The parts that train would make of the same options. */
static sg_status make_parts(search *s, sg_error *err) {
    sg_split_options options = SG_SPLIT_OPTIONS_INIT;
    const sg_train_args *a = &s->settings.args;
    options.seed = (uint64_t)s->args->seed;
    options.ungrouped = a->ungrouped;
    options.log = s->call->log;
    if (s->args->folds) return fold_parts(s, &options, err);
    double val = a->val_share < 0 ? 0.15 : a->val_share;
    const double shares[SG_PART_COUNT] = {1 - val - a->test_share, val, a->test_share};
    return sg_split_make_parts(&s->parts, &s->manifest, shares, &options, err);
}

/* ---- the test ---- */

static sg_status run_test(search *s, sg_error *err) {
    sg_lr_range_options options = SG_LR_RANGE_OPTIONS_INIT;
    char *dir = sg_path_join(s->args->out, ".range");
    const sg_train_job job = {.options = &s->settings.options,
            .manifest = &s->manifest,
            .parts = &s->parts,
            .fold = -1,
            .dir = dir,
            .run = dir,
            .log = s->call->log,
            .stop = &sg_cli_stop};
    options.low = s->args->low;
    options.high = s->args->high;
    options.steps = (int)s->args->steps;
    sg_status st = dir ? sg_lr_range_run(&s->range, &job, &options, err) : no_memory(err);
    free(dir);
    return st;
}

static sg_status search_rates(search *s, sg_error *err) {
    const sg_arm_source source = {.config = s->args->config, .set = s->args->set};
    if (!s->args->out)
        return sg_fail(err, SG_ERR_USAGE, "say where the result shall go: --out DIR");
    if (!s->args->dataset.data == !s->args->dataset.manifest)
        return sg_fail(err, SG_ERR_USAGE, "give either --data DIR or --manifest FILE");
    sg_status st = sg_arm_set_check(s->args->set, NULL, 0, err);
    if (!st) st = sg_arm_settings_make(&s->settings, s->call, &source, err);
    if (!st) st = sg_arm_settings_finish(&s->settings, err);
    if (!st) st = sg_cli_open_dataset(&s->manifest, &s->args->dataset, s->call->log, err);
    if (!st) st = make_parts(s, err);
    return st ? st : run_test(s, err);
}

/* ---- telling ---- */

static sg_status write_table(const search *s, const char *path, sg_error *err) {
    sg_str out;
    sg_str_init(&out, 0);
    sg_str_append(&out, "step,learning_rate,loss,loss_smooth\n");
    for (size_t i = 0; i < s->range.count; i++) {
        sg_csv_put_int(&out, (long long)i + 1);
        sg_csv_put_double(&out, s->range.rate[i]);
        sg_csv_put_double(&out, s->range.loss[i]);
        sg_csv_put_double(&out, s->range.smooth[i]);
        sg_csv_end_row(&out);
    }
    sg_status st = sg_str_check(&out, err);
    if (!st) st = sg_file_write(path, out.data, out.len, err);
    sg_str_dispose(&out);
    return st;
}

static json_t *document(const search *s) {
    size_t images = 0;
    for (size_t i = 0; i < s->parts.count; i++) images += s->parts.bins[i] == SG_PART_TRAIN;
    json_t *out = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I}", "schema", SG_SCHEMA_VERSION,
            "build", sg_build_id(), "use", SG_RESEARCH_USE, "kind", "lr-find", "model",
            s->settings.args.model, "train_images", (json_int_t)images, "steps",
            (json_int_t)s->range.count);
    json_t *range = sg_range_to_json(&s->range);
    if (out && range) json_object_update(out, range);
    json_decref(range);
    return out;
}

static sg_status tell(const search *s, sg_error *err) {
    static const char *const names[] = {"smoothed"};
    static const size_t colors[] = {0};
    char *table = sg_path_join(s->args->out, "lr-find.csv");
    char *json = sg_path_join(s->args->out, "lr-find.json");
    char *plot = sg_path_join(s->args->out, "lr-find.svg");
    json_t *result = document(s);
    sg_status st = table && json && plot && result ? write_table(s, table, err) : no_memory(err);
    if (!st) st = sg_json_write(result, json, err);
    if (!st)
        st = sg_ranges_draw(plot, "Learning-rate range test", &s->range, names, colors, 1, err);
    if (!st && s->call->json) {
        sg_cli_print_json(json_incref(result));
    } else if (!st) {
        if (!sg_lr_range_fell(&s->range))
            printf("the loss never fell: the suggestion means nothing; try more --steps or another "
                   "--low and --high\n");
        printf("lowest loss at %.2g after %zu steps%s; suggested peak: --lr %.2g\nplot: ",
                s->range.rate[s->range.lowest], s->range.count,
                s->range.diverged ? ", then it diverged"
                                  : ", and it never diverged: a higher --high would tell more",
                s->range.suggestion);
        sg_cli_print_safe(stdout, plot);
        printf("\n");
    }
    json_decref(result);
    free(table);
    free(json);
    free(plot);
    return st;
}

static int run_lr_find(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    search s = {.args = call->options, .call = call};
    sg_status st = search_rates(&s, &err);
    if (!st) st = tell(&s, &err);
    sg_lr_range_dispose(&s.range);
    sg_arm_settings_dispose(&s.settings);
    sg_split_dispose(&s.parts);
    sg_manifest_dispose(&s.manifest);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_lr_find = {
        .name = "lr-find",
        .operands = "",
        .summary = "find a learning rate by a short range test on training images",
        .details =
                "Trains for some steps while the rate rises exponentially, and records the loss: "
                "where its moving average is lowest, a tenth of the rate is suggested as the peak "
                "of a schedule. Only training images are read, the same as train takes with the "
                "same options; the weights are thrown away.",
        .examples = "sonograde lr-find --data BUSI --model mobilenetv2 --weights "
                    "mobilenetv2.safetensors --out lr\n"
                    "sonograde lr-find --data BUSI --folds folds.csv --fold 2 --model resnet50 "
                    "--out lr2",
        .options = rows,
        .struct_size = sizeof(find_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_lr_find,
};
