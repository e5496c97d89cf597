/* search.h - the page of a hyperparameter search: how the best value came about, what it cost,
 * which parameters mattered and where each was good. Filled by the caller; borrows everything; same
 * input, same bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_SEARCH_H
#define SG_REPORT_SEARCH_H

#include "report/page.h"

typedef struct sg_search_parameter {
    const char *name;
    bool logarithmic;
    const double *values;       /* [trial_count]; choices: index; NaN where inactive */
    const char *const *choices; /* NULL: a number */
    size_t choice_count;
    double share;              /* of the model's variance, 0..1; NaN: no model */
    const double *at, *effect; /* [level_count] the model's mean over the other parameters */
    size_t level_count;
} sg_search_parameter;

typedef struct sg_search_trial {
    size_t number;
    double value; /* NaN: running or failed */
    bool pruned;  /* stopped early */
    const int *steps;
    const double *step_values;
    size_t step_count;
    const char *settings; /* "lr 0.001, batch 16" */
    const char *message;  /* why it failed, or NULL */
    bool is_stretch;      /* of a member of a population, over these epochs */
    size_t member;
    int from, until;
    long parent; /* index of the trial whose state it began with; -1: none */
} sg_search_trial;

/* The model over two parameters, mean over the others. */
typedef struct sg_search_contour {
    size_t a, b;          /* parameters; their levels are those of `at` */
    const double *effect; /* [levels of a * levels of b] */
} sg_search_contour;

typedef struct sg_search_page {
    const char *study, *figure; /* "auroc" */
    bool maximise;
    const sg_page_fact *facts;
    size_t fact_count;
    const sg_search_parameter *parameters;
    size_t parameter_count;
    const sg_search_trial *trials; /* by number */
    size_t trial_count;
    const sg_search_contour *contours;
    size_t contour_count;
} sg_search_page;

SG_MUST_CHECK sg_status sg_search_page_write(
        const sg_search_page *page, const char *path, sg_error *err);

/* Parallel coordinates: one axis per parameter and one for the value, a line per finished trial;
 * the best tenth dark. */
void sg_search_put_parallel(sg_str *svg, const sg_search_page *page);

/* The searched range of a parameter, where the model's levels tell it; choices stand apart from the
 * frame. */
sg_svg_axis sg_search_axis(const sg_search_parameter *parameter);
/* A map of two parameters, dark where the model is good, with the finished trials on it. */
void sg_search_put_contour(
        sg_str *svg, const sg_search_page *page, const sg_search_contour *contour);

/* The family tree of a population, and what its members were trained with over the epochs; nothing
 * without stretches. */
void sg_search_put_family(sg_page *out, const sg_search_page *page);

#endif
