/* evaluate.h - the parts of `sonograde evaluate`: its options, what it predicts, what it leaves.
 * Inside cli only. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EVALUATE_H
#define SG_CLI_EVALUATE_H

#include "cli/dataset.h"
#include "cli/evaluation_page.h"
#include "protocol/cohort.h"
#include "protocol/run.h"

typedef struct sg_evaluate_args {
    const char *run, *bundle, *output, *class_map, *audit;
    sg_cli_dataset dataset;
    int split, calibration; /* an sg_part, an sg_calibrator_kind */
    bool tta, allow_seen, allow_phantom, show_full, no_ledger;
    const char *root; /* where a run's own images lie now, when they were moved */
    long long threads, draws;
    double prevalence;
} sg_evaluate_args;

/* Predictions for other data (--data, --manifest), or for the runs of source on a part of their own
 * images, run under run. Counts the files left out; for other data, source names no run any more.
 */
SG_MUST_CHECK sg_status sg_evaluate_predict(sg_predictions *out, sg_evaluation_source *source,
        const sg_evaluate_args *a, const sg_log *log, sg_error *err);

/* Validation images of the runs' models, where all have some (else out stays empty): thresholds are
 * set on them. */
SG_MUST_CHECK sg_status sg_evaluate_predict_validation(sg_predictions *out,
        const sg_evaluation_source *source, const sg_evaluate_args *a, const sg_log *log,
        sg_error *err);

/* "last_epoch" of metrics.json. Where an epoch was chosen, what the last one would have given: told
 * beside, never instead. p: what was judged; cohort: or NULL. */
SG_MUST_CHECK sg_status sg_evaluate_add_last(json_t *metrics, const sg_predictions *p,
        const sg_evaluate_args *a, const sg_cohort *cohort, const sg_log *log, sg_error *err);

/* predictions.csv, folds.csv, metrics.json and report.html in a->output.
 * all: every prediction; p: those that the figures m are of. */
SG_MUST_CHECK sg_status sg_evaluate_write(const sg_predictions *all, const sg_predictions *p,
        const sg_metrics *m, json_t *metrics, const sg_evaluation_source *source,
        const sg_evaluate_args *a, sg_error *err);

/* The figures in front, on standard output. */
void sg_evaluate_print(const sg_metrics *m, const sg_predictions *p, const sg_evaluate_args *a);

#endif
