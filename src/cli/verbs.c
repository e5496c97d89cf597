/* verbs.c - the list of verbs, in the order of the work: data, models, training, judging, the
 * house. SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"
#include "cli/cli.h"

const sg_verb *const sg_verbs[] = {
        &sg_verb_data_phantom,
        &sg_verb_data_manifest,
        &sg_verb_data_explore,
        &sg_verb_audit,
        &sg_verb_data_split,
        &sg_verb_preprocess,
        &sg_verb_data_augment_preview,
        &sg_verb_models,
        &sg_verb_models_show,
        &sg_verb_weights_list,
        &sg_verb_weights_fetch,
        &sg_verb_weights_inspect,
        &sg_verb_weights_convert,
        &sg_verb_train,
        &sg_verb_lr_find,
        &sg_verb_runs_list,
        &sg_verb_runs_diff,
        &sg_verb_evaluate,
        &sg_verb_leakage,
        &sg_verb_compare,
        &sg_verb_reproduce,
        &sg_verb_tune,
        &sg_verb_report,
        &sg_verb_tune_report,
        &sg_verb_tune_export,
        &sg_verb_bundle,
        &sg_verb_export,
        &sg_verb_predict,
        &sg_verb_readers,
        &sg_verb_doctor,
        &sg_verb_docs,
        NULL,
};
