/* verbs.h - every verb's name; one line each here and in verbs.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_VERBS_H
#define SG_CLI_VERBS_H

#include "cli/options.h"

extern const sg_verb sg_verb_audit;
extern const sg_verb sg_verb_data_explore;
extern const sg_verb sg_verb_data_manifest;
extern const sg_verb sg_verb_data_split;
extern const sg_verb sg_verb_data_phantom;
extern const sg_verb sg_verb_data_augment_preview;
extern const sg_verb sg_verb_doctor;
extern const sg_verb sg_verb_selftest;
extern const sg_verb sg_verb_drift;
extern const sg_verb sg_verb_read;
extern const sg_verb sg_verb_preprocess;
extern const sg_verb sg_verb_models;
extern const sg_verb sg_verb_models_show;
extern const sg_verb sg_verb_weights_list;
extern const sg_verb sg_verb_weights_fetch;
extern const sg_verb sg_verb_weights_inspect;
extern const sg_verb sg_verb_weights_convert;
extern const sg_verb sg_verb_train;
extern const sg_verb sg_verb_lr_find;
extern const sg_verb sg_verb_runs_list;
extern const sg_verb sg_verb_runs_diff;
extern const sg_verb sg_verb_evaluate;
extern const sg_verb sg_verb_leakage;
extern const sg_verb sg_verb_compare;
extern const sg_verb sg_verb_reproduce;
extern const sg_verb sg_verb_tune;
extern const sg_verb sg_verb_tune_compare;
extern const sg_verb sg_verb_report;
extern const sg_verb sg_verb_tune_report;
extern const sg_verb sg_verb_tune_export;
extern const sg_verb sg_verb_bundle;
extern const sg_verb sg_verb_bundle_quantize;
extern const sg_verb sg_verb_export;
extern const sg_verb sg_verb_predict;
extern const sg_verb sg_verb_explain;
extern const sg_verb sg_verb_readers;
extern const sg_verb sg_verb_docs;

#endif
