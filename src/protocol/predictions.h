/* predictions.h - what models said about images whose truth is known: the table between evaluation
 * and figures, in memory and as predictions.csv
 * (path,sha256,group,split,fold,seed,label,predicted,p_<class>...,logit_<class>...,
 * training_population,use[,official_fold][,run][,adjusted_<class>...]).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_PREDICTIONS_H
#define SG_PROTOCOL_PREDICTIONS_H

#include "base/log.h"
#include "data/manifest.h"
#include "data/split.h"
#include "infer/predict.h"
#include "protocol/class_map.h"
#include "protocol/run.h"
#include <signal.h>

typedef struct sg_prediction_row {
    char *path; /* relative to the root of the data; owned */
    char sha256[SG_SHA256_HEX];
    char *group;       /* owned */
    char *own_group;   /* what the set itself calls it (patient), or NULL; owned */
    const char *split; /* "train", "val", "test" or "external"; static */
    int fold;          /* -1 = none */
    int official_fold; /* of a published set, from 1; 0 = none */
    int run;           /* of several judged together, from 0 */
    long long seed;
    int label, predicted;
    int width, height; /* of the file */
    double brightness; /* mean grey of the whole picture, 0..255 */
    double *p, *logit; /* [class_count] each, into the table's block */
} sg_prediction_row;

typedef struct sg_predictions {
    sg_prediction_row *rows;
    size_t count;
    char **classes;
    int class_count;
    double *values;   /* owner of all p and logit */
    double *adjusted; /* [count * class_count] p at a stated prevalence, or NULL; owned */
    char *root;       /* of the paths */
    char *published;  /* name of the published set that they are, or NULL; owned */
    size_t left_out;  /* images of classes that the class map leaves out */
    /* One entry per model that was asked: model, parameters, recipe, training facts (without the
     * list of images), calibration, selection, weights_sha256 (of the file it came in),
     * parameters_sha256 (of this model alone), ledger; of several runs also run. For metrics.json
     * and the report. */
    json_t *models;
    bool flip_averaged; /* over each image and its mirror image */
    bool ungrouped;     /* the split had a group on both sides */
    size_t doubtful;    /* groups of like thumbnails, unlike in detail, on both sides (split.h) */
    int uniform_side;   /* side in pixels when every image is a square of one size, else 0 */
    int folds;          /* of the run; 0 = one split, or external data */
    int runs;           /* judged together on the same images, each with rows of its own; 0 = 1 */
    size_t seen;        /* rows whose image or group was in training or validation of their model */
} sg_predictions;
/* Training images of a model, mean over the models; NaN without models. */
double sg_predictions_mean_training(const sg_predictions *predictions);
void sg_predictions_dispose(sg_predictions *predictions); /* NULL-safe */

/* Drops the rows that are not marked in keep[count]. */
void sg_predictions_keep(sg_predictions *predictions, const bool *keep);

/* Fills `adjusted`: probabilities at a stated share of malignant images (0..1 exclusive), moved
 * from the class shares that the judging model's loss saw (stats/prevalence.h), class weights and
 * balanced drawing included; those of its training images where a calibration with a shift per
 * class has brought it back to them. SG_ERR_INPUT without a class malignant, or when the model does
 * not tell its shares. */
SG_MUST_CHECK sg_status sg_predictions_adjust_prior(
        sg_predictions *predictions, double prevalence, sg_error *err);

/* Several runs' rows under one another, models likewise: every image is then answered once per run.
 * SG_ERR_INPUT when the runs differ in classes or in the images that they were judged on; names[n]
 * are what errors call them. */
SG_MUST_CHECK sg_status sg_predictions_stack(sg_predictions *out, const sg_predictions *parts,
        size_t n, const char *const *names, sg_error *err);
/* What keeps the answers of one model apart from those of others: the fold, or run and fold. */
enum { SG_FOLD_KEYS = 1000 }; /* keys of one run; the last one stands for no fold */
int sg_prediction_fold_key(const sg_predictions *predictions, const sg_prediction_row *row);

/* The rows with keep[i], as a table of its own that shares nothing. */
SG_MUST_CHECK sg_status sg_predictions_subset(
        sg_predictions *out, const sg_predictions *predictions, const bool *keep, sg_error *err);

SG_MUST_CHECK sg_status sg_predictions_write(
        const sg_predictions *predictions, const char *path, sg_error *err);

typedef struct sg_predict_options {
    sg_predictor_options predictor;
    bool allow_seen;  /* judge images the model was trained on; marked by the caller */
    const char *root; /* of a run: where its images lie now; NULL: where its manifest says */
    bool last;        /* of a run: the last epoch's averaged weights instead of the chosen ones */
    const sg_class_map *class_map; /* of data for a bundle; NULL: by name */
    const sg_log *log;
    const volatile sig_atomic_t *stop;
} sg_predict_options;

/* The images of `part` of a run: each fold's model on its own images (part test: k-fold predictions
 * of every image once), or the one model on its part. */
SG_MUST_CHECK sg_status sg_predictions_of_run(sg_predictions *out, const char *dir, sg_part part,
        const sg_predict_options *options, sg_error *err);

/* The fewest images that any finished model of a run has in `part`: 0 = it was trained without. */
SG_MUST_CHECK sg_status sg_predictions_count_part(
        size_t *out, const char *dir, const char *root, sg_part part, sg_error *err);

/* The parts of one fold as its training, in `dir`, left them; without a file (an older run) all
 * other folds were trained on. */
SG_MUST_CHECK sg_status sg_predictions_fold_parts(
        sg_split *out, const sg_run *run, const char *dir, int fold, sg_error *err);
/* The image that a row of the manifest lists, by its bytes, and no other that came under its name
 * since (SG_ERR_INPUT). */
SG_MUST_CHECK sg_status sg_predictions_read_image(
        sg_image *out, const sg_manifest *manifest, size_t row, sg_error *err);

/* All images of a manifest through one bundle (all members averaged). Classes are matched by the
 * map, else by name. The bundle becomes the predictor's and is closed, also on failure.
 * SG_ERR_INPUT when an image was seen in training, unless allow_seen: by its bytes, by such an
 * image in its group, or by a group of a name that training knew from the same column or pattern.
 */
SG_MUST_CHECK sg_status sg_predictions_of_bundle(sg_predictions *out, sg_bundle *bundle,
        const sg_manifest *manifest, const sg_predict_options *options, sg_error *err);

#endif
