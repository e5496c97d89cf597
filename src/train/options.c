/* options.c - see options.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/options.h"

const char *sg_select_name(sg_select select) {
    static const char *const names[] = {"none", "loss", "accuracy", "macro-f1", "auroc"};
    return names[select];
}

const sg_train_options *sg_train_options_at(const sg_train_options *o, int epoch) {
    const sg_train_options *now = o;
    for (size_t i = 0; i < o->phase_count && o->phases[i].epoch <= epoch; i++)
        now = o->phases[i].options;
    return now;
}

int sg_train_options_until(const sg_train_options *o, int epoch) {
    for (size_t i = 0; i < o->phase_count; i++)
        if (o->phases[i].epoch > epoch) return o->phases[i].epoch;
    return o->epochs;
}

static sg_status check_phases(const sg_train_options *o, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; !st && i < o->phase_count; i++) {
        int epoch = o->phases[i].epoch, before = i ? o->phases[i - 1].epoch : -1;
        if (epoch <= before || epoch >= o->epochs)
            st = sg_fail(err, SG_ERR_USAGE,
                    "settings from epoch %d on: epochs must rise and stay below the %d of the "
                    "training",
                    epoch, o->epochs);
        else
            st = sg_train_options_check(o->phases[i].options, err);
    }
    return st;
}

sg_status sg_train_options_check(const sg_train_options *o, sg_error *err) {
    sg_status st = sg_recipe_check(&o->recipe, err);
    if (!st) st = sg_augment_check(&o->augment, err);
    if (st) return st;
    if (o->epochs < 1) return sg_fail(err, SG_ERR_USAGE, "--epochs must be at least 1");
    if (o->batch < 1) return sg_fail(err, SG_ERR_USAGE, "--batch must be at least 1");
    if (o->focal_gamma > 0 && o->label_smoothing > 0)
        return sg_fail(err, SG_ERR_USAGE,
                "--focal-gamma and --label-smoothing cannot go together; set one of them to 0");
    if (o->patience > 0 && o->select == SG_SELECT_NONE)
        return sg_fail(err, SG_ERR_USAGE,
                "--patience needs a figure to watch: add --select loss (or another figure)");
    if (o->class_weighting == SG_CLASS_WEIGHTS_LIST && !o->class_weight_list)
        return sg_fail(err, SG_ERR_USAGE, "--class-weights list needs --class-weight-list W,W,...");
    if (o->class_weighting != SG_CLASS_WEIGHTS_LIST && o->class_weight_list)
        return sg_fail(err, SG_ERR_USAGE,
                "--class-weight-list has an effect with --class-weights list only; add that, or "
                "leave the list out");
    if (!o->weights && o->allow_new)
        return sg_fail(err, SG_ERR_USAGE, "--allow-new makes sense with --weights only");
    return check_phases(o, err);
}
