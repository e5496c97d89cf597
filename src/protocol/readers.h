/* readers.h - a reader study: what people said about images whose truth is known, beside what a
 * model said about the same images.
 *
 * The table has the columns reader, image and score (a number, higher = more suspicious) or verdict
 * (a class name, or positive/negative, yes/no, 1/0), or both; optionally way (unaided, aided: the
 * same readers read more than once) and truth (needed without the model's predictions.csv, which
 * brings the truth of its images). An image is named as in predictions.csv, or by the end of its
 * path where that is unique. All intervals respect the groups of predictions.csv: areas and their
 * covariances are DeLong's where every group has one image, and come from a jackknife over groups
 * otherwise.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_READERS_H
#define SG_PROTOCOL_READERS_H

#include "base/json.h"
#include "base/log.h"
#include "stats/bootstrap.h"
#include "stats/delong.h"
#include "stats/kappa.h"
#include "stats/mrmc.h"
#include "stats/share.h"

#include <signal.h>
#include <stdbool.h>

enum { SG_READINGS_MAX = 64 }; /* readers times ways */

typedef struct sg_reader_image {
    char *name; /* path in predictions.csv, or the table's own name; owned */
    uint32_t group;
    bool positive; /* truth is the class sought */
    double model_score;
    int model_verdict; /* category */
} sg_reader_image;

/* One reader in one way. */
typedef struct sg_reading {
    char *reader, *way;                /* owned; way is "" where the table has none */
    double *score;                     /* [images] NaN: none */
    int *verdict;                      /* [images] category, -1: none */
    size_t read, scored, judged;       /* images with either, with a score, with a verdict */
    sg_share sensitivity, specificity; /* of verdicts; n 0: none */
    bool has_area;
    sg_delong area;                  /* over the images that he scored */
    sg_delong_pair against;          /* he less the model, same images; only with a model */
    double against_holm;             /* its p, adjusted over readings */
    sg_bootstrap_figure kappa_model; /* estimate NaN: none */
} sg_reading;

typedef struct sg_reader_pair {
    size_t first, second; /* readings of one way */
    size_t images;        /* that both judged */
    sg_bootstrap_figure kappa;
} sg_reader_pair;

/* One way of reading. */
typedef struct sg_reader_way {
    const char *name;     /* borrowed from a reading */
    size_t readers;       /* with scores of all common images; the means need two */
    sg_mrmc_mean area;    /* their mean, for other readers and images */
    sg_mrmc_mean against; /* less the model's */
    double fleiss; /* over the images that all judged; NaN: fewer than two readers or images */
    sg_interval fleiss_interval;
    size_t fleiss_images;
} sg_reader_way;

typedef struct sg_reader_study {
    sg_reader_image *images;
    size_t image_count, positives, groups, largest_group;
    char *positive_name; /* the class sought */
    char **categories;   /* of verdicts; two (not X, X) unless all verdicts are class names */
    size_t category_count, positive_category;
    sg_reading *readings;               /* ordered by way, then reader */
    size_t reading_count, reader_count; /* a reader in two ways is two readings */
    bool has_model, model_mixed; /* mixed: scores of several folds' models, each ranked apart */
    size_t model_folds;
    sg_share model_sensitivity, model_specificity;
    sg_delong model_area; /* over the common images, or all where nobody scores */
    bool has_model_area;
    double cut;           /* scores of at least this count as positive verdicts; NaN: none */
    size_t common_images; /* scored by every reading that scores */
    sg_reader_way *ways;
    size_t way_count;
    bool has_comparison; /* of the ways, by readers that read in all of them */
    sg_mrmc_test comparison;
    sg_mrmc_mean *differences; /* [ways * (ways - 1) / 2] */
    sg_reader_pair *pairs;
    size_t pair_count;
    size_t draws;
} sg_reader_study;

typedef struct sg_reader_options {
    const char *table;       /* R.csv */
    const char *predictions; /* NULL: none, and no model */
    const char *positive;    /* class sought */
    double cut;              /* NaN: scores give no verdicts */
    size_t draws;
} sg_reader_options;

/* Reads the tables. SG_ERR_FORMAT and SG_ERR_INPUT name file, line and remedy. */
SG_MUST_CHECK sg_status sg_reader_study_open(
        sg_reader_study *out, const sg_reader_options *options, sg_error *err);
/* Fills the figures. log and stop may be NULL; SG_ERR_INTERRUPTED when *stop was set. */
SG_MUST_CHECK sg_status sg_reader_study_measure(sg_reader_study *study, const sg_log *log,
        const volatile sig_atomic_t *stop, sg_error *err);
void sg_reader_study_dispose(sg_reader_study *study); /* NULL-safe */

/* The whole study as one document. New reference; NULL when out of memory. */
json_t *sg_reader_study_to_json(const sg_reader_study *study);

#endif
