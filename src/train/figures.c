/* figures.c - see figures.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/figures.h"
#include "stats/calibration.h"
#include "stats/classification.h"
#include "stats/roc.h"
#include <stdlib.h>
#include <string.h>

sg_status sg_figures_run(
        float *logits, int *labels, sg_plan *plan, sg_loader *loader, int classes, sg_error *err) {
    sg_status st = sg_loader_start(loader, 0, 0, err);
    while (!st) {
        sg_batch batch;
        st = sg_loader_next(&batch, loader, sg_plan_input(plan), err);
        if (st || batch.count == 0) break;
        st = sg_plan_forward(plan, 0, 0, err);
        if (st) break;
        const float *found = sg_plan_logits(plan);
        for (int i = 0; i < batch.count; i++) {
            memcpy(logits + batch.index[i] * (size_t)classes, found + (size_t)i * (size_t)classes,
                    (size_t)classes * sizeof *logits);
            labels[batch.index[i]] = batch.labels[i];
        }
    }
    return st;
}

sg_status sg_figures_measure(sg_figures *out, const float *logits, const int *labels, size_t n,
        int classes, sg_error *err) {
    size_t k = (size_t)classes;
    double *wide = malloc(n * k * sizeof *wide + 1);
    double *p = malloc(n * k * sizeof *p + 1);
    uint32_t *truth = malloc(n * sizeof *truth + 1);
    uint32_t *decided = malloc(n * sizeof *decided + 1);
    sg_status st = wide && p && truth && decided
                           ? SG_OK
                           : sg_fail(err, SG_ERR_MEMORY, "out of memory measuring %zu images", n);
    sg_classification c;
    sg_calibration cal;
    if (st) goto done;
    for (size_t i = 0; i < n * k; i++) wide[i] = logits[i];
    for (size_t i = 0; i < n; i++) truth[i] = (uint32_t)labels[i];
    sg_calibration_softmax(p, wide, n, k, 1.0);
    st = sg_classification_decide(decided, p, n, k, err);
    if (!st) st = sg_classification_measure(&c, truth, decided, n, k, err);
    if (!st) st = sg_calibration_measure(&cal, p, truth, n, k, err);
    double auroc = 0;
    if (!st) st = sg_roc_one_vs_rest(&auroc, NULL, p, truth, n, k, err);
    if (!st) *out = (sg_figures){cal.log_loss, c.accuracy, c.f1_macro, auroc};
done:
    free(wide);
    free(p);
    free(truth);
    free(decided);
    return st;
}
