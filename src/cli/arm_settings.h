/* arm_settings.h - the settings of one training among several: `train`'s own table, filled in
 * layers.
 *
 * Each layer wins over the one before: train's defaults; what the verb's own options of the same
 * names say; the file of --config (keys are options of train); what was typed; --set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_ARM_SETTINGS_H
#define SG_CLI_ARM_SETTINGS_H

#include "base/log.h"
#include "cli/train_schedule.h"

typedef struct sg_arm_settings {
    sg_train_args args;
    sg_train_options options; /* of args, after finish */
    char *yaml;               /* args as args.yaml, after finish */
    sg_yaml *texts;           /* owners of text in args */
    size_t text_count, text_capacity;
    size_t stated_from; /* texts from here on were set by somebody, not by a default */
    const sg_log *log;
    char *paths[4]; /* owners of absolute names of weights, data, manifest and schedule */
    sg_train_schedule schedule; /* that options follows */
} sg_arm_settings;

/* --set "key=value; scope:key=value": an entry with a scope counts for that arm only. */
typedef struct sg_arm_source {
    const char *config, *set, *scope; /* each may be NULL */
    const char *defaults;             /* settings as text, below --config; or NULL */
    const char *const *unlike; /* options of the verb that mean another thing to train, ends with
                                  NULL; or NULL */
} sg_arm_source;

/* SG_ERR_USAGE names an unknown key. */
SG_MUST_CHECK sg_status sg_arm_settings_make(
        sg_arm_settings *out, const sg_call *call, const sg_arm_source *source, sg_error *err);
/* Sets options of train by name: text "key: value\n..." (base/yaml.h). */
SG_MUST_CHECK sg_status sg_arm_settings_put(
        sg_arm_settings *settings, const char *yaml, const char *name, sg_error *err);
/* Makes file names absolute, takes what lies beside the weights (weight_facts.h), settles what is
 * left open, fills options and yaml. */
SG_MUST_CHECK sg_status sg_arm_settings_finish(sg_arm_settings *settings, sg_error *err);
/* Appends ", key" for each option whose value differs between the two, without those named in
 * `apart` (ends with NULL) and those already in *keys. After finish. */
SG_MUST_CHECK sg_status sg_arm_settings_differ(sg_str *keys, const sg_arm_settings *a,
        const sg_arm_settings *b, const char *const *apart, sg_error *err);
/* Share of each fold's training images set aside for selection, as train settles it for folds. */
double sg_arm_val_share(const sg_arm_settings *settings);
void sg_arm_settings_dispose(sg_arm_settings *settings); /* NULL-safe */

/* Every scope in `set` is one of scopes[count]. */
SG_MUST_CHECK sg_status sg_arm_set_check(
        const char *set, const char *const *scopes, size_t count, sg_error *err);

/* All options of a campaign's verb that change its results, as campaign.yaml: without those named
 * in free_to_change (ends with NULL); file names absolute. The caller's; NULL when out of memory.
 */
char *sg_campaign_settings(const sg_call *call, const char *const *free_to_change);

#endif
