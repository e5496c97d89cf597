/* bundle.h - a trained model as it is used: one or several members (the models of several folds or
 * seeds) with the preprocessing, classes, calibration and training facts they share. Read from a
 * bundle, a weights file or checkpoint of a run, or a run folder; the file's content is described
 * in docs/internals/model_file.md. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_BUNDLE_H
#define SG_INFER_BUNDLE_H

#include "base/json.h"
#include "base/str.h"
#include "image/quality.h"
#include "image/recipe.h"
#include "infer/atlas.h"
#include "infer/quantisation.h"
#include "nn/models/models.h"
#include "nn/params.h"

typedef struct sg_member {
    sg_graph *graph;
    sg_params *params;
    sg_model_options options; /* that the graph was built with */
    double temperature;
    struct sg_calibrator *calibrator; /* beyond temperature; NULL: temperature says all */
    int fold;                         /* -1 = not one of several folds */
    long long seed;
    double initialisation; /* share of parameters from given weights, 0..1 */
    const json_t *training, *calibration, *selection; /* borrowed from the bundle's document */
    sg_quantisation *quantisation; /* how it may compute with bytes; NULL: float32 only */
    json_t *quantised;             /* the section that says so, or NULL */
} sg_member;

typedef struct sg_seen {
    const char *sha256;   /* all borrowed from the document */
    const char *group;    /* pseudonym of its name (sg_pseudonym) */
    const char *grouping; /* where the name comes from: "pixels", "column:patient" */
    const char *key;      /* of the pseudonym */
} sg_seen;

typedef struct sg_bundle {
    sg_member *members;
    int member_count;
    char *model; /* architecture */
    sg_recipe recipe;
    const char **classes; /* borrowed from the document */
    int class_count;
    bool phantom;  /* simulated images were among those of its training */
    sg_seen *seen; /* every image behind weights, stopping or calibration, sorted by sha256 */
    sg_seen *seen_groups; /* the same, sorted by grouping, key and group */
    size_t seen_count;
    const sg_seen **seen_sources; /* the first of seen_groups under each grouping and key */
    size_t source_count;
    json_t *document;
    json_t *ledgers; /* per member: what it says of test evaluations (protocol/ledger.h), or null */
    json_t *calibrations; /* owner of sections that sg_bundle_set_calibration brought */
    /* What was learned from the training images, or NULL; docs/internals/reading.md. */
    sg_quality_limits *quality;
    sg_atlas *atlas;
    json_t *selftest; /* built-in pictures and their answers (protocol/selftest.h), or NULL */
    struct sg_safetensors **files; /* where the members' numbers lie */
    size_t file_count;
    char digest[SG_SHA256_HEX]; /* "" until somebody asks sg_bundle_sha256 */
} sg_bundle;

/* path: bundle, weights file, checkpoint (its averaged weights), run folder (its kept weights), or
 * folder of fold runs (all of them). Expected failures: SG_ERR_IO, SG_ERR_MISSING, SG_ERR_FORMAT,
 * SG_ERR_INPUT (a run without finished weights, members that do not fit together). */
SG_MUST_CHECK sg_status sg_bundle_open(sg_bundle **out, const char *path, sg_error *err);
/* Several paths as one ensemble. */
SG_MUST_CHECK sg_status sg_bundle_open_all(
        sg_bundle **out, const char *const *paths, int count, sg_error *err);
void sg_bundle_close(sg_bundle *bundle); /* NULL-safe */

/* Of all members' parameters one after another, however the files lie; worked out once, when it is
 * first asked for. Borrowed. */
const char *sg_bundle_sha256(const sg_bundle *bundle);

/* Gives every member this section `calibration` (calibrator_json.h; borrowed). SG_ERR_FORMAT when
 * it is damaged; the bundle then keeps what it had. */
SG_MUST_CHECK sg_status sg_bundle_set_calibration(
        sg_bundle *bundle, json_t *section, sg_error *err);

/* Gives member i this section `quantisation` (a reference of its own). SG_ERR_FORMAT when it is
 * damaged; the member then keeps what it had. */
SG_MUST_CHECK sg_status sg_bundle_set_quantisation(
        sg_bundle *bundle, int i, json_t *section, const char *path, sg_error *err);

/* Writes all members into one file (kind `bundle`). */
SG_MUST_CHECK sg_status sg_bundle_write(const sg_bundle *bundle, const char *path, sg_error *err);

/* An image with this SHA-256 was seen. */
bool sg_bundle_seen(const sg_bundle *bundle, const char *sha256);
/* A group of this name (the name itself, not its pseudonym) was seen. Names mean something only
 * between tables that take them from the same column or pattern (sg_manifest_grouping_text); groups
 * found from pixels are numbered anew in every table, so there the answer is no. */
bool sg_bundle_seen_group(const sg_bundle *bundle, const char *grouping, const char *group);

/* "663 images: benign 371 (56.0 %), malignant 179 (27.0 %), normal 113 (17.0 %)": what a model was
 * trained on, from its section `training`. */
void sg_bundle_put_population(sg_str *out, const json_t *training);

#endif
