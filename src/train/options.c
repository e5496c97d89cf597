/* options.c - see options.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/options.h"

const char *sg_select_name(sg_select select) {
    static const char *const names[] = {"none", "loss", "accuracy", "macro-f1", "auroc"};
    return names[select];
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
    return SG_OK;
}
