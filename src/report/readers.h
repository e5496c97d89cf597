/* readers.h - the page of a reader study: each reader and the model on the same images, how far
 * they agree, and what holds for other readers. Filled by the caller; borrows everything; same
 * input, same bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_READERS_H
#define SG_REPORT_READERS_H

#include "report/evaluation.h"

typedef struct sg_readers_row {
    const char *name; /* of the reader, with the way of reading where there are several */
    size_t images;
    sg_evaluation_value sensitivity, specificity, area; /* NaN: none */
    sg_evaluation_value less_model;                     /* area less the model's */
    double p;                                           /* of less_model, Holm's */
    sg_evaluation_value kappa_model;
    bool model;
    const double *roc_x, *roc_y; /* [roc_n]; 0: no curve */
    size_t roc_n;
} sg_readers_row;

typedef struct sg_readers_pair {
    const char *first, *second, *way;
    size_t images;
    sg_evaluation_value kappa;
} sg_readers_pair;

/* A mean or difference that holds for other readers and images. */
typedef struct sg_readers_mean {
    const char *name;
    sg_evaluation_value value;
    double df, p; /* p NaN: not a difference */
} sg_readers_mean;

typedef struct sg_readers_page {
    const char *title, *positive; /* the class sought */
    const sg_page_fact *facts;
    size_t fact_count;
    const char *const *warnings; /* [warning_count] mark and text, in pairs */
    size_t warning_count;
    const sg_readers_row *rows; /* the model first, if there is one */
    size_t row_count;
    const sg_readers_mean *means;
    size_t mean_count;
    const sg_readers_pair *pairs;
    size_t pair_count;
    const char *agreement; /* Fleiss' kappa in words; NULL: none */
} sg_readers_page;

SG_MUST_CHECK sg_status sg_readers_page_write(
        const sg_readers_page *page, const char *path, sg_error *err);

#endif
