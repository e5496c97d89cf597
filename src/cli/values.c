/* values.c - see values.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/values.h"
#include "base/csv.h"
#include <math.h>

sg_evaluation_value sg_value_of_accuracy(const sg_metrics *m) {
    return (sg_evaluation_value){
            m->c.accuracy, m->accuracy_interval.low, m->accuracy_interval.high};
}

sg_evaluation_value sg_value_of_auroc(const sg_metrics *m) {
    return (sg_evaluation_value){
            m->auroc_macro, m->auroc_macro_interval.low, m->auroc_macro_interval.high};
}

sg_evaluation_value sg_value_of_sensitivity(const sg_metrics *m) {
    if (m->malignant < 0) return (sg_evaluation_value)SG_EVALUATION_VALUE_NONE;
    return (sg_evaluation_value){m->malignant_rest.sensitivity, m->sensitivity_interval.low,
            m->sensitivity_interval.high};
}

sg_evaluation_value sg_value_of_boot(const sg_bootstrap_figure *f) {
    if (f->degenerate) return (sg_evaluation_value){f->estimate, NAN, NAN};
    return (sg_evaluation_value){f->estimate, f->bca.low, f->bca.high};
}

sg_evaluation_value sg_value_of_difference(const sg_difference_figure *f) {
    return (sg_evaluation_value){f->difference, f->interval.low, f->interval.high};
}

sg_evaluation_value sg_value_of_folds(const sg_resampled_t *t) {
    return (sg_evaluation_value){t->mean, t->interval.low, t->interval.high};
}

void sg_value_put_csv(sg_str *out, sg_evaluation_value v) {
    sg_csv_put_double(out, v.value);
    sg_csv_put_double(out, v.low);
    sg_csv_put_double(out, v.high);
}

json_t *sg_value_to_json(sg_evaluation_value v) {
    return json_pack("{s:o, s:[o, o]}", "value", sg_json_number(v.value), "ci",
            sg_json_number(v.low), sg_json_number(v.high));
}
