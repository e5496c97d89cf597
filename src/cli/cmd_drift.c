/* cmd_drift.c - `sonograde drift`: do images, or a model's answers, still look as they did?
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "stats/drift.h"
#include "stats/repeated.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct drift_args {
    const char *baseline, *bundle;
    long long draws, threads;
    bool allow_phantom;
} drift_args;

#define AT(field) offsetof(drift_args, field)
static const sg_option rows[] = {
        {"baseline", 0, SG_OPTION_PATH, AT(baseline), NULL, "BATCH",
                "batch that the other is compared with", 0, 0},
        {"bundle", 0, SG_OPTION_PATH, AT(bundle), NULL, "FILE",
                "model to ask about batches of images, so that answers are compared too", 0, 0},
        {"draws", 0, SG_OPTION_INT, AT(draws), "2000", "N", "bootstrap draws behind the intervals",
                100, 1000000},
        {"allow-phantom-model", 0, SG_OPTION_FLAG, AT(allow_phantom), NULL, NULL,
                "let a model of simulated images speak about others", 0, 0},
        {"threads", 't', SG_OPTION_INT, AT(threads), "0", "N", "of the engine; 0 = all processors",
                0, 1024},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

/* Both must hold for drift; one alone is watched. */
#define MOST_P       0.01
#define LEAST_EXCESS 0.2

typedef struct finding {
    const char *name; /* borrowed from the baseline */
    sg_drift drift;
    size_t first, second; /* values */
    double holm;
} finding;

typedef struct findings {
    finding items[SG_BATCH_COLUMNS];
    size_t count, drifted;
    size_t left_out; /* columns of both with too few values */
} findings;

static const char *word(const finding *f) {
    bool p = f->holm < MOST_P, index = f->drift.excess >= LEAST_EXCESS;
    return p && index ? "drift" : p || index ? "watch" : "steady";
}

/* Values that are there, moved to the front. */
static size_t take_values(double *out, const double *values, size_t rows_of) {
    size_t n = 0;
    for (size_t i = 0; i < rows_of; i++)
        if (!isnan(values[i])) out[n++] = values[i];
    return n;
}

static sg_status compare_column(findings *to, const sg_batch *a, size_t column, const sg_batch *b,
        int other, const sg_bootstrap_options *options, sg_error *err) {
    double *x = malloc((a->rows + 1) * sizeof *x), *y = malloc((b->rows + 1) * sizeof *y);
    sg_status st = x && y ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory comparing batches");
    if (!st) {
        finding *f = &to->items[to->count];
        *f = (finding){.name = a->names[column],
                .first = take_values(x, a->values[column], a->rows),
                .second = take_values(y, b->values[other], b->rows)};
        if (f->first < SG_DRIFT_FEWEST || f->second < SG_DRIFT_FEWEST) {
            to->left_out++;
        } else {
            st = sg_drift_measure(&f->drift, x, f->first, y, f->second, options, err);
            to->count++;
        }
    }
    free(x);
    free(y);
    return st;
}

static sg_status compare(findings *out, const sg_batch *a, const sg_batch *b,
        const drift_args *args, sg_error *err) {
    sg_bootstrap_options options = SG_BOOTSTRAP_OPTIONS_INIT;
    options.draws = (size_t)args->draws;
    double p[SG_BATCH_COLUMNS], holm[SG_BATCH_COLUMNS];
    sg_status st = SG_OK;
    for (size_t c = 0; c < a->columns && !st; c++) {
        int other = sg_batch_column(b, a->names[c]);
        if (other >= 0) st = compare_column(out, a, c, b, other, &options, err);
    }
    if (!st && out->count == 0)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s and the other batch have no column in common with %d values in each; give both "
                "as folders, or both as `predict --csv` or --json wrote them",
                args->baseline, SG_DRIFT_FEWEST);
    for (size_t i = 0; i < out->count; i++) p[i] = out->items[i].drift.ks_p;
    if (!st) st = sg_holm_adjust(holm, p, out->count, err);
    for (size_t i = 0; i < out->count && !st; i++) {
        out->items[i].holm = holm[i];
        out->drifted += strcmp(word(&out->items[i]), "drift") == 0;
    }
    return st;
}

static void print_text(const findings *f) {
    printf("%-16s %-15s %6s %9s  %-26s\n", "", "images", "KS", "p (Holm)",
            "index less chance (95 %)");
    for (size_t i = 0; i < f->count; i++) {
        const finding *x = &f->items[i];
        char images[48];
        (void)snprintf(images, sizeof images, "%zu, %zu", x->first, x->second);
        sg_cli_print_safe(stdout, x->name);
        printf("%*s %-15s %6.3f %9.2g  %5.2f ",
                (int)(strlen(x->name) < 16 ? 16 - strlen(x->name) : 0), "", images, x->drift.ks,
                x->holm, x->drift.excess);
        if (isnan(x->drift.interval.low))
            printf("(constant)");
        else
            printf("(%.2f to %.2f)", x->drift.interval.low, x->drift.interval.high);
        printf("  %s\n", word(x));
    }
    if (f->left_out)
        printf("%zu column%s left out: fewer than %d values\n", f->left_out,
                f->left_out == 1 ? "" : "s", SG_DRIFT_FEWEST);
    printf("%zu of %zu quantities drifted (p < %.2f and an index of %.1f or more beyond chance)\n",
            f->drifted, f->count, MOST_P, LEAST_EXCESS);
}

static void print_json(const findings *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->count; i++) {
        const finding *x = &f->items[i];
        json_array_append_new(list,
                json_pack("{s:o, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:[o,o], s:s}", "name",
                        sg_json_text(x->name), "baseline", (json_int_t)x->first, "batch",
                        (json_int_t)x->second, "ks", x->drift.ks, "ks_p", x->drift.ks_p, "p_holm",
                        x->holm, "psi", x->drift.index, "psi_chance", x->drift.chance, "psi_excess",
                        x->drift.excess, "psi_excess_ci", sg_json_number(x->drift.interval.low),
                        sg_json_number(x->drift.interval.high), "verdict", word(x)));
    }
    sg_cli_print_json(json_pack("{s:b, s:I, s:I, s:o}", "drift", f->drifted > 0, "drifted",
            (json_int_t)f->drifted, "left_out", (json_int_t)f->left_out, "quantities", list));
}

static sg_status answer(findings *out, const sg_call *call, sg_error *err) {
    const drift_args *a = call->options;
    sg_batch first = {0}, second = {0};
    sg_predictor *predictor = NULL;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.threads = (int)a->threads;
    options.allow_phantom_model = a->allow_phantom;
    sg_status st = a->baseline ? SG_OK
                               : sg_fail(err, SG_ERR_USAGE,
                                         "name the batch to compare with: --baseline BATCH");
    if (!st && a->bundle) st = sg_predictor_open(&predictor, a->bundle, &options, err);
    sg_batch_source source = {a->baseline, predictor, call->log, &sg_cli_stop};
    if (!st) st = sg_batch_read(&first, &source, err);
    source.path = call->operands[0];
    if (!st) st = sg_batch_read(&second, &source, err);
    if (!st) st = compare(out, &first, &second, a, err);
    if (!st && call->json)
        print_json(out);
    else if (!st)
        print_text(out);
    sg_batch_dispose(&first);
    sg_batch_dispose(&second);
    sg_predictor_close(predictor);
    return st;
}

static int run_drift(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    findings found = {.count = 0};
    if (answer(&found, call, &err)) return sg_cli_fail(&err);
    return found.drifted ? SG_EXIT_CHANGED : SG_EXIT_OK;
}

const sg_verb sg_verb_drift = {
        .name = "drift",
        .operands = "BATCH",
        .summary = "compare a batch of images or answers with an earlier one",
        .details = "A batch is a folder of images, or what predict --csv or --json wrote about "
                   "one. Of every quantity that both have (probabilities, agreement of the "
                   "members, picture quality, distance from the training images, traits of the "
                   "pictures) the two distributions are compared: Kolmogorov-Smirnov, with Holm "
                   "over the quantities, and the population stability index over the baseline's "
                   "deciles, less what chance alone gives batches of that size, with a bootstrap "
                   "interval. Drift is p < 0.01 and an index of 0.2 or more; where one of the two "
                   "holds it says watch. Exit code 6 when something drifted. Images are taken as "
                   "independent, and each batch needs 20.",
        .examples = "sonograde predict --bundle breast.sgb --csv june/ > june.csv\n"
                    "sonograde drift --baseline june.csv july.csv\n"
                    "sonograde drift --baseline june/ july/",
        .options = rows,
        .struct_size = sizeof(drift_args),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_drift,
};
