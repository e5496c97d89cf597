/* tune_claim.h - cells of `tune compare`: judged, kept, read back, and what they say together.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_TUNE_CLAIM_H
#define SG_CLI_TUNE_CLAIM_H

#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "protocol/campaign.h"

enum { SG_CLAIM_METHODS = 8 };

typedef struct sg_claim_args {
    const char *methods, *out, *data, *manifest, *folds, *param, *model, *weights, *config, *set;
    long long seeds, seed, first_folds, budget_epochs, epochs, inner, startup, population, every;
    long long short_epochs, size, threads, workers;
} sg_claim_args;

/* After `epochs` of search the best trial so far had this figure. */
typedef struct sg_claim_step {
    long long epochs;
    double best;
} sg_claim_step;

typedef struct sg_cell {
    long long seed;
    int fold;
    const char *method;
    bool done;
    double accuracy, macro_f1, auroc; /* on the fold */
    long long images, train_images;
    double seconds;       /* of the search, over all its sittings; from its trials' dates */
    sg_claim_step *curve; /* [steps], of rising figures; AUROC on inner folds */
    size_t steps;
    long long epochs; /* of the search */
} sg_cell;

typedef struct sg_claim {
    const sg_call *call;
    const sg_claim_args *args;
    sg_campaign campaign;
    char *text; /* owner of methods */
    const char *methods[SG_CLAIM_METHODS];
    size_t method_count;
    sg_cell *cells; /* [cell_count], by seed, fold, method */
    size_t cell_count;
} sg_claim;

/* OUT/arms/seedS/foldF; the caller's, NULL when out of memory. */
char *sg_claim_dir(const sg_claim *claim, const sg_cell *cell);
/* Figures of the training in `run` on its test part and of the search in `db`, into the cell's
 * METHOD.json. */
SG_MUST_CHECK sg_status sg_claim_judge(
        const sg_claim *claim, const sg_cell *cell, const char *db, const char *run, sg_error *err);
/* Reads that file back: done is false where there is none. */
SG_MUST_CHECK sg_status sg_claim_recall(const sg_claim *claim, sg_cell *cell, sg_error *err);
/* OUT/cells.csv and OUT/claim.json, of the cells that are done. */
SG_MUST_CHECK sg_status sg_claim_write(const sg_claim *claim, sg_error *err);
/* The same as a table on stdout, or as JSON. */
void sg_claim_tell(const sg_claim *claim);

#endif
