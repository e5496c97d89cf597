/* campaign.h - an experiment over several trainings: a folder of arms, each a run of its own.
 *
 *   DIR/campaign.yaml .lock            what was asked; one process at a time
 *   DIR/arms/NAME/{args.yaml manifest.csv splits.csv fold0/...}     a run folder per arm
 *
 * The same call on the same folder goes on where it stopped, at the fold and inside it at the
 * epoch; other settings are refused. What the arms differ in is the caller's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_CAMPAIGN_H
#define SG_PROTOCOL_CAMPAIGN_H

#include "protocol/run.h"

typedef struct sg_campaign {
    char *dir;
    sg_file_lock lock;
    bool made;     /* by this call of open */
    bool replaces; /* an older campaign waits (base/aside.h) for the first epoch of this one */
} sg_campaign;

/* Makes or reopens DIR and locks it. settings: lines "key: value" (base/yaml.h), all that changes a
 * result; the first one, `verb`, names the experiment. free_to_change (ends with NULL, may be
 * NULL): keys that an older folder holds and that count no more. overwrite replaces a campaign that
 * is there: it is deleted when an epoch of the new one is complete, and comes back when that is
 * closed before. Expected failures: SG_ERR_MISMATCH naming the first setting that differs,
 * SG_ERR_USAGE (a folder with other things in it), SG_ERR_INPUT (in use). */
SG_MUST_CHECK sg_status sg_campaign_open(sg_campaign *out, const char *dir, const char *settings,
        const char *const *free_to_change, bool overwrite, sg_error *err);
void sg_campaign_close(sg_campaign *campaign); /* NULL-safe */
/* The same after a failure: a folder that this call made and in which no arm was begun goes again
 * when the user has something to mend (usage, data), since it would only be in the way. */
void sg_campaign_end(sg_campaign *campaign, sg_status status, const sg_log *log);

/* DIR/NAME and DIR/arms/NAME; the caller's, NULL when out of memory. */
char *sg_campaign_path(const sg_campaign *campaign, const char *name);
char *sg_campaign_arm_dir(const sg_campaign *campaign, const char *name);

/* Writes DIR/NAME and disposes of the text, whatever the outcome. */
SG_MUST_CHECK sg_status sg_campaign_write_text(
        const sg_campaign *campaign, const char *name, sg_str *text, sg_error *err);

typedef struct sg_arm {
    const char *name;     /* of its folder */
    const char *settings; /* of its training as YAML: its args.yaml */
    const sg_train_options *options;
    const sg_manifest *manifest;
    const sg_split *split;
    double val_share, train_share; /* as in sg_run_job */
    const double *fold_rates;      /* likewise; may be NULL */
} sg_arm;

typedef struct sg_campaign_job {
    const sg_arm *arms;
    size_t count;
    bool force_resume;
    const sg_log *log;                 /* a line per arm, warnings, and progress over all of it */
    const volatile sig_atomic_t *stop; /* may be NULL */
    void (*epoch_done)(void *user, const char *dir, const sg_history *history); /* may be NULL */
    void *user;
    const char *ledger; /* as in sg_run_job; may be NULL */
} sg_campaign_job;

/* Trains every arm that is not finished, in order. SG_ERR_INTERRUPTED: all is saved. */
SG_MUST_CHECK sg_status sg_campaign_train(
        sg_campaign *campaign, const sg_campaign_job *job, sg_error *err);

#endif
