/* cmd_selftest.c - `sonograde selftest`: does this machine answer as the one that made the bundle?
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/verbs.h"
#include "protocol/selftest.h"

typedef struct selftest_args {
    const char *bundle;
    long long threads;
} selftest_args;

#define AT(field) offsetof(selftest_args, field)
static const sg_option rows[] = {
        {"bundle", 0, SG_OPTION_PATH, AT(bundle), NULL, "FILE", "model to test", 0, 0},
        {"threads", 't', SG_OPTION_INT, AT(threads), "0", "N", "of the engine; 0 = all processors",
                0, 1024},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

static void print_text(const sg_selftest *t) {
    printf("built-in pictures  %s\n",
            t->same_pixels ? "as when the bundle was made" : "DIFFER from those of then");
    printf("probabilities      %d of %d pictures more than %.3f apart; the most is %.2g (picture "
           "%d)\n",
            t->changed, SG_SELFTEST_IMAGES, SG_SELFTEST_TOLERANCE, t->most, t->worst_image + 1);
    printf("%s\n", t->passed ? "passed: this machine answers as the one that made the bundle"
                             : "FAILED: do not use this installation before it is explained");
}

static void print_json(const sg_selftest *t, const sg_bundle *b) {
    json_t *differences = json_array();
    for (int i = 0; i < SG_SELFTEST_IMAGES; i++)
        json_array_append_new(differences, json_real(t->difference[i]));
    sg_cli_print_json(json_pack("{s:b, s:s, s:b, s:i, s:f, s:f, s:o}", "passed", (int)t->passed,
            "bundle_sha256", sg_bundle_sha256(b), "same_pixels", (int)t->same_pixels, "changed",
            t->changed, "largest_difference", t->most, "tolerance", SG_SELFTEST_TOLERANCE,
            "differences", differences));
}

static int run_selftest(const sg_call *call) {
    const selftest_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_predictor *predictor = NULL;
    sg_selftest found;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.threads = (int)a->threads;
    sg_status st = a->bundle ? sg_predictor_open(&predictor, a->bundle, &options, &err)
                             : sg_fail(&err, SG_ERR_USAGE, "name the model: --bundle FILE");
    if (!st) st = sg_selftest_run(&found, predictor, &err);
    if (st) {
        sg_predictor_close(predictor);
        return sg_cli_fail(&err);
    }
    if (call->json)
        print_json(&found, sg_predictor_bundle(predictor));
    else
        print_text(&found);
    sg_predictor_close(predictor);
    return found.passed ? SG_EXIT_OK : SG_EXIT_CHANGED;
}

const sg_verb sg_verb_selftest = {
        .name = "selftest",
        .operands = "",
        .summary = "replay built-in images against the answers a bundle carries",
        .details = "Makes twelve simulated images anew, asks the bundle about them, and compares "
                   "with what it answered when it was made. Run it once on every new machine "
                   "(acceptance) and every week (constancy). Exit code 6 when a probability is "
                   "more than 0.005 off or the images themselves come out differently. It tests "
                   "the installation; it says nothing about how good the model is.",
        .examples = "sonograde selftest --bundle breast.sgb",
        .options = rows,
        .struct_size = sizeof(selftest_args),
        .min_operands = 0,
        .max_operands = 0,
        .run = run_selftest,
};
