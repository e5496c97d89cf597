/* cmd_bundle.c - `sonograde bundle`: finished runs (or files of them) into one file to hand on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "infer/bundle.h"
#include "protocol/bundle_calibrate.h"
#include "protocol/bundle_profile.h"
#include "protocol/ledger.h"
#include <stdlib.h>
#include <string.h>

typedef struct bundle_args {
    const char *output;
    int calibration;
    bool no_profile;
} bundle_args;

#define AT(field) offsetof(bundle_args, field)
static const sg_option rows[] = {
        {"run", 0, SG_OPTION_OPERAND, 0, NULL, "DIR",
                "run folder; several make an ensemble, each with --run or as an argument", 0, 0},
        {"output", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE", "the bundle to write (*.sgb)", 0,
                0},
        {"calibration", 0, SG_OPTION_CHOICE, AT(calibration), "kept",
                "kept|temperature|vector|isotonic",
                "what mends the probabilities: as training left it, or fitted on validation images "
                "or across folds; then thresholds and set quantiles from the same images travel "
                "too; isotonic needs 500 images",
                0, 0},
        {"no-profile", 0, SG_OPTION_FLAG, AT(no_profile), NULL, NULL,
                "leave out what is learned from the training images: quality limits, features, "
                "self-test",
                0, 0},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

/* Choices after the first are the calibrators after none, in their order. */
static sg_status calibrate(sg_bundle *bundle, const sg_call *call, const char *const *paths,
        int count, sg_error *err) {
    const bundle_args *a = call->options;
    if (a->calibration == 0) return SG_OK;
    if (count != 1 || !sg_path_is_dir(paths[0]))
        return sg_fail(err, SG_ERR_USAGE,
                "--calibration is fitted on what one run answered: name one run folder");
    sg_predict_options options = {
            .predictor = SG_PREDICTOR_OPTIONS_INIT, .log = call->log, .stop = &sg_cli_stop};
    return sg_bundle_calibrate(bundle, paths[0], (sg_calibrator_kind)a->calibration, &options, err);
}

/* Members share images: each counts once. */
static size_t count_images(const sg_bundle *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->seen_count; i++)
        n += i == 0 || strcmp(b->seen[i].sha256, b->seen[i - 1].sha256) != 0;
    return n;
}

static sg_status write_bundle(const sg_call *call, const char *const *paths, int count,
        const char *output, sg_error *err) {
    sg_bundle *bundle;
    sg_status st = sg_cli_check_output(output, err);
    if (!st) st = sg_cli_check_distinct(paths, count, "a member counts once", err);
    if (!st) st = sg_bundle_open_all(&bundle, paths, count, err);
    if (st) return st;
    const bundle_args *a = call->options;
    sg_profile_options profile = {
            .runs = paths, .count = count, .log = call->log, .stop = &sg_cli_stop};
    st = calibrate(bundle, call, paths, count, err);
    if (!st && !a->no_profile) st = sg_bundle_profile(&bundle, &profile, err);
    char *ledger = NULL;
    sg_error why = SG_ERROR_INIT;
    if (!st && sg_ledger_default_path(&ledger, &why))
        sg_log_line(call->log, SG_LOG_WARN, "without its test evaluations: %s", why.message);
    else if (!st)
        st = sg_ledger_annotate(bundle, ledger, err);
    free(ledger);
    if (!st) st = sg_bundle_write(bundle, output, err);
    if (!st && call->json)
        sg_cli_print_json(json_pack("{s:o, s:s, s:i, s:I}", "bundle", sg_json_text(output), "model",
                bundle->model, "members", bundle->member_count, "training_images",
                (json_int_t)count_images(bundle)));
    if (!st)
        sg_log_line(call->log, SG_LOG_INFO,
                "%s: %d member%s of %s; it carries hashes and features of the training images and "
                "pseudonyms of their groups, no pixels, names or paths. %s",
                output, bundle->member_count, bundle->member_count == 1 ? "" : "s", bundle->model,
                SG_RESEARCH_USE);
    sg_bundle_close(bundle);
    return st;
}

static int run_bundle(const sg_call *call) {
    const bundle_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_status st = SG_OK;
    if (!a->output)
        st = sg_fail(&err, SG_ERR_USAGE, "say which file to write: -o FILE.sgb");
    else if (call->operand_count == 0)
        st = sg_fail(&err, SG_ERR_USAGE, "name a run folder: --run DIR");
    if (!st) st = write_bundle(call, call->operands, call->operand_count, a->output, &err);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_bundle = {
        .name = "bundle",
        .operands = "[RUN...]",
        .summary = "put finished runs into one file that predicts",
        .details = "A bundle holds the weights of one or several models (the folds of a "
                   "cross-validation, several seeds) with the preprocessing, class names and "
                   "calibration that belong to them, and hashes of the training images, so that "
                   "nobody judges a model on what it was trained on. The training images are read "
                   "once more: the bundle learns what a poor image is, keeps their features (to "
                   "name like ones and to see what lies out of its domain), and its answers on "
                   "built-in pictures for selftest. Several models predict as an ensemble: "
                   "probabilities are averaged.",
        .examples = "sonograde bundle --run r1 -o breast.sgb\n"
                    "sonograde bundle --run seed0 seed1 seed2 -o ensemble.sgb",
        .options = rows,
        .struct_size = sizeof(bundle_args),
        .min_operands = 0,
        .max_operands = -1,
        .run = run_bundle,
};
