/* study.h - a search on disk: an SQLite file in Optuna's schema, so that Optuna and its dashboard
 * open it. Several processes may work on one study; number and row of a trial come from one
 * BEGIN IMMEDIATE, and a trial whose process died is found and given to another.
 *
 * Stored beside Optuna's own: study user attributes "sg_space" (the parameter lines) and
 * "sg_settings" (what the trials depend on), trial user attributes "sg_owner" and whatever the
 * caller adds. Optuna's rules: a parameter that is inactive in a trial has no row; an ordered
 * choice is a CategoricalDistribution; dates are local time. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_STUDY_H
#define SG_TUNE_STUDY_H

#include "base/json.h"
#include "tune/trial.h"

typedef enum sg_study_schema { SG_STUDY_SCHEMA_3_0, SG_STUDY_SCHEMA_3_2 } sg_study_schema;
#define SG_STUDY_SCHEMA_NAMES "3.0|3.2"

typedef struct sg_study_options {
    const char *name;     /* of the study in the file */
    const char *settings; /* one line of JSON; a study is only gone on with under equal settings */
    bool maximise;
    sg_study_schema schema; /* of a file that is made */
    bool must_exist;        /* do not make one */
} sg_study_options;

typedef struct sg_study sg_study;

/* Opens or makes the study. space may be NULL with must_exist: then it is read from the file
 * (sg_study_space). A file that may not be written is opened to be read
 * with must_exist. Expected failures: SG_ERR_IO (no folder, read-only, full disk), SG_ERR_FORMAT
 * (no database, another schema), SG_ERR_INPUT (no such study), SG_ERR_MISMATCH (another space,
 * direction or other settings: says which). */
SG_MUST_CHECK sg_status sg_study_open(sg_study **out, const char *path, const sg_space *space,
        const sg_study_options *options, sg_error *err);
void sg_study_close(sg_study *study); /* NULL-safe */
const sg_space *sg_study_space(const sg_study *study);
const char *sg_study_settings(const sg_study *study);
const char *sg_study_name(const sg_study *study);
bool sg_study_maximise(const sg_study *study);

typedef struct sg_ticket { /* a trial of this process */
    long long id;          /* trials.trial_id */
    size_t number;         /* from 0 within the study */
} sg_ticket;

/* A new running trial without parameters yet, owned by this process; *begun false when the study
 * has `limit` trials already. */
SG_MUST_CHECK sg_status sg_study_begin(
        sg_study *study, sg_ticket *ticket, bool *begun, size_t limit, sg_error *err);
/* The same with its point and user attributes (an object) at once, but only while the study has
 * exactly `seen` trials: whoever chose the point knew all of them. */
SG_MUST_CHECK sg_status sg_study_begin_at(sg_study *study, sg_ticket *ticket, bool *begun,
        size_t seen, const double *point, const json_t *attributes, sg_error *err);
SG_MUST_CHECK sg_status sg_study_set_point(
        sg_study *study, const sg_ticket *ticket, const double *point, sg_error *err);
/* Value at a step (NaN and infinities too); also a sign of life. */
SG_MUST_CHECK sg_status sg_study_report(
        sg_study *study, const sg_ticket *ticket, int step, double value, sg_error *err);
/* value: as the user sees it (not negated); only for COMPLETE and PRUNED. message: why it failed;
 * may be NULL. A value that is not finite turns COMPLETE into FAILED. */
SG_MUST_CHECK sg_status sg_study_finish(sg_study *study, const sg_ticket *ticket,
        sg_trial_state state, double value, const char *message, sg_error *err);
/* Sets a user attribute; `json` is one JSON value. */
SG_MUST_CHECK sg_status sg_study_set_attribute(
        sg_study *study, const sg_ticket *ticket, const char *key, const char *json, sg_error *err);

/* Takes over one running trial whose process is gone: on this machine because it is no longer
 * there, on another because its last sign of life is older than `seconds`. *found false: there is
 * none. One that never got its parameters is marked failed on the way. */
SG_MUST_CHECK sg_status sg_study_take_over(
        sg_study *study, sg_ticket *ticket, bool *found, double seconds, sg_error *err);

/* The parameter as Optuna's distributions write themselves, one line of JSON; the caller's, NULL
 * when out of memory. */
char *sg_dimension_distribution(const sg_dimension *dimension);

typedef struct sg_study_trial {
    long long id;
    size_t number;
    sg_trial trial; /* value smaller is better: negated when the study maximises */
    bool has_point;
    double shown; /* value as the user sees it */
    int *steps;
    double *step_values; /* as the user sees them */
    size_t step_count;
    json_t *attributes;         /* object of user attributes */
    char start[32], finish[32]; /* text dates; "" when there is none */
} sg_study_trial;

/* All trials by number; release with sg_study_trials_free. */
SG_MUST_CHECK sg_status sg_study_load(
        const sg_study *study, sg_study_trial **trials, size_t *count, sg_error *err);
void sg_study_trials_free(sg_study_trial *trials, size_t count); /* NULL-safe */

#endif
