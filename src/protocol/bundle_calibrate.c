/* bundle_calibrate.c - see bundle_calibrate.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/bundle_calibrate.h"
#include "infer/calibrator_json.h"
#include "protocol/acting_rules.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory calibrating the bundle");
}

/* Fits on rows, and makes the rules by the answers as the calibrator then mends them. */
static sg_status fit(sg_calibrator *out, sg_acting_rules *rules, sg_calibrator_kind kind,
        const sg_predictions *p, sg_error *err) {
    size_t k = (size_t)p->class_count;
    double *logits = malloc(p->count * k * sizeof *logits + 1);
    double *mended = malloc(p->count * k * sizeof *mended + 1);
    uint32_t *labels = malloc(p->count * sizeof *labels + 1);
    int malignant = -1;
    for (size_t c = 0; c < k; c++)
        if (sg_class_same_name(p->classes[c], "malignant")) malignant = (int)c;
    sg_status st = logits && mended && labels ? SG_OK : no_memory(err);
    for (size_t i = 0; i < p->count && !st; i++) {
        memcpy(logits + i * k, p->rows[i].logit, k * sizeof *logits);
        labels[i] = (uint32_t)p->rows[i].label;
    }
    if (!st) st = sg_calibrator_fit(out, kind, logits, labels, p->count, k, err);
    if (!st) sg_calibrator_apply(out, mended, logits, p->count);
    if (!st) st = sg_acting_rules_make(rules, mended, labels, p->count, k, malignant, err);
    free(logits);
    free(mended);
    free(labels);
    return st;
}

/* Whether the run has folds, and how many validation images where not. */
static sg_status look_at_run(bool *folds, size_t *validation, const char *dir, sg_error *err) {
    sg_status st = sg_predictions_count_part(validation, dir, NULL, SG_PART_VAL, err);
    char *fold = st ? NULL : sg_strdupf("%s/fold0", dir);
    if (!st && !fold) st = no_memory(err);
    *folds = fold && sg_path_is_dir(fold);
    free(fold);
    return st;
}

sg_status sg_bundle_calibrate(sg_bundle *bundle, const char *run_dir, sg_calibrator_kind kind,
        const sg_predict_options *options, sg_error *err) {
    bool folds;
    size_t validation;
    sg_status st = look_at_run(&folds, &validation, run_dir, err);
    if (st) return st;
    if (!folds && !validation)
        return sg_fail(err, SG_ERR_INPUT,
                "%s set no validation images aside to calibrate on; train with --val-share, or "
                "leave --calibration out",
                run_dir);
    sg_predictions p = {0};
    sg_calibrator calibrator = {0};
    sg_acting_rules rules = {0};
    sg_predict_options own = *options;
    own.allow_seen = !folds; /* validation images were looked at, not trained on */
    st = sg_predictions_of_run(&p, run_dir, folds ? SG_PART_TEST : SG_PART_VAL, &own, err);
    if (!st) st = fit(&calibrator, &rules, kind, &p, err);
    if (!st && kind == SG_CALIBRATOR_TEMPERATURE && calibrator.temperature.at_bound)
        sg_log_line(options->log, SG_LOG_WARN,
                "these %zu images determine no temperature (all are right, or none tells "
                "anything): the bundle has the end of the range, %g; better leave --calibration "
                "out",
                p.count, calibrator.temperature.value);
    json_t *section =
            st ? NULL
               : sg_calibrator_to_json(&calibrator,
                         folds ? "each image by the fold that did not see it" : "validation",
                         p.count);
    if (!st &&
            (!section || json_object_set_new(section, "acting", sg_acting_rules_to_json(&rules))))
        st = no_memory(err);
    if (!st) st = sg_bundle_set_calibration(bundle, section, err);
    json_decref(section);
    sg_calibrator_dispose(&calibrator);
    sg_predictions_dispose(&p);
    return st;
}
