/* cmd_bundle_quantize.c - `sonograde bundle quantize`: a bundle that computes with bytes, or a no.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/verbs.h"
#include "protocol/bundle_profile.h"
#include "protocol/bundle_quantise.h"
#include "protocol/ledger.h"
#include "protocol/selftest.h"
#include <stdlib.h>

typedef struct quantize_args {
    const char *run, *output, *data;
    long long images, threads;
    bool no_profile;
} quantize_args;

#define AT(field) offsetof(quantize_args, field)
static const sg_option rows[] = {
        {"run", 0, SG_OPTION_PATH, AT(run), NULL, "DIR", "run folder whose models to quantise", 0,
                0},
        {"output", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE", "the bundle to write (*.sgb)", 0,
                0},
        {"data", 0, SG_OPTION_PATH, AT(data), NULL, "DIR",
                "where the run's images lie now, if not where they were", 0, 0},
        {"images", 0, SG_OPTION_INT, AT(images), "128", "N",
                "training images per model to find scales from", 1, 100000},
        {"threads", 't', SG_OPTION_INT, AT(threads), "0", "N", "of the engine; 0 = all processors",
                0, 1024},
        {"no-profile", 0, SG_OPTION_FLAG, AT(no_profile), NULL, NULL,
                "leave out what is learned from the training images: quality limits, features, "
                "self-test",
                0, 0},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

static json_t *agreement_json(const sg_agreement *a) {
    return json_pack("{s:I, s:f, s:f}", "images", (json_int_t)a->images, "equal_decisions",
            a->equal, "mean_abs_difference", a->difference);
}

static void tell(const sg_call *call, const sg_bundle *b, const sg_quantise_report *r) {
    const quantize_args *a = call->options;
    if (call->json)
        sg_cli_print_json(json_pack("{s:o, s:s, s:i, s:s, s:I, s:o, s:o}", "bundle",
                sg_json_text(a->output), "model", b->model, "members", b->member_count, "numbers",
                "int8", "calibration_images", (json_int_t)r->calibrated_on, "validation",
                agreement_json(&r->validation), "test", agreement_json(&r->test)));
    sg_log_line(call->log, SG_LOG_INFO,
            "validation: %.1f %% of %zu decisions equal, probabilities differ by %.4f on average: "
            "accepted",
            100 * r->validation.equal, r->validation.images, r->validation.difference);
    if (r->test.images)
        sg_log_line(call->log, SG_LOG_INFO,
                "test, told but not used: %.1f %% of %zu decisions equal, difference %.4f",
                100 * r->test.equal, r->test.images, r->test.difference);
    sg_log_line(call->log, SG_LOG_INFO,
            "%s: %d member%s of %s, scales from %zu training images. %s", a->output,
            b->member_count, b->member_count == 1 ? "" : "s", b->model, r->calibrated_on,
            SG_RESEARCH_USE);
}

/* As `bundle` does; the self-test knows both kinds of numbers, since a machine without VNNI answers
 * in float32. */
static sg_status learn(
        sg_bundle **bundle, const quantize_args *a, const sg_call *call, sg_error *err) {
    sg_profile_options profile = {
            .runs = &a->run, .count = 1, .root = a->data, .log = call->log, .stop = &sg_cli_stop};
    return a->no_profile ? SG_OK : sg_bundle_profile(bundle, &profile, err);
}

static sg_status quantize(const sg_call *call, sg_error *err) {
    const quantize_args *a = call->options;
    sg_predict_options predicting = {.predictor = SG_PREDICTOR_OPTIONS_INIT,
            .root = a->data,
            .log = call->log,
            .stop = &sg_cli_stop};
    predicting.predictor.threads = (int)a->threads;
    sg_quantise_options options = {(int)a->images, &predicting};
    sg_quantise_report report;
    sg_bundle *bundle;
    char *ledger = NULL;
    sg_error why = SG_ERROR_INIT;
    sg_status st = sg_cli_check_output(a->output, err);
    if (!st) st = sg_bundle_open(&bundle, a->run, err);
    if (st) return st;
    if (!a->no_profile) st = sg_selftest_attach(&bundle, err);
    if (!st) st = sg_bundle_quantise(&report, bundle, a->run, &options, err);
    if (!st) st = learn(&bundle, a, call, err);
    if (!st && sg_ledger_default_path(&ledger, &why))
        sg_log_line(call->log, SG_LOG_WARN, "without its test evaluations: %s", why.message);
    else if (!st)
        st = sg_ledger_annotate(bundle, ledger, err);
    if (!st) st = sg_bundle_write(bundle, a->output, err);
    if (!st) tell(call, bundle, &report);
    free(ledger);
    sg_bundle_close(bundle);
    return st;
}

static int run_quantize(const sg_call *call) {
    const quantize_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_status st = SG_OK;
    if (!a->run)
        st = sg_fail(&err, SG_ERR_USAGE, "name the run folder: --run DIR");
    else if (!a->output)
        st = sg_fail(&err, SG_ERR_USAGE, "say which file to write: -o FILE.sgb");
    if (!st) st = quantize(call, &err);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_bundle_quantize = {
        .name = "bundle quantize",
        .operands = "",
        .summary = "a bundle that predicts with 8-bit numbers, where that changes nothing",
        .details =
                "On processors with dot products of bytes (VNNI) a network predicts several times "
                "as fast with 8-bit numbers. Scales are found from training images; the bundle is "
                "written only if on the run's validation images at least 99 % of the decisions are "
                "the same and probabilities differ by at most 0.01 on average. Agreement on the "
                "test images is printed and used for nothing. The bundle keeps the float32 weights "
                "and predicts with them where bytes are not faster. What `bundle` learns of the "
                "training images (quality limits, features, self-test) travels too.",
        .examples = "sonograde bundle quantize --run r1 -o fast.sgb",
        .options = rows,
        .struct_size = sizeof(quantize_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_quantize,
};
