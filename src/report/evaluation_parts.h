/* evaluation_parts.h - numbers and sentences of the evaluation report, and cells for its tables.
 * Inside report only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_EVALUATION_PARTS_H
#define SG_REPORT_EVALUATION_PARTS_H

#include "report/evaluation.h"

enum { SG_CELL = 96 };

/* Texts of a table that outlive the loop that makes them. */
typedef struct sg_cells {
    char (*text)[SG_CELL];
    const char **cell; /* [capacity], NULL where nothing was put */
    size_t count, capacity;
} sg_cells;

/* false when out of memory; dispose either way. */
bool sg_cells_init(sg_cells *cells, size_t capacity);
void sg_cells_dispose(sg_cells *cells);
void sg_cells_put(sg_cells *cells, const char *text);      /* borrowed */
void sg_cells_put_copy(sg_cells *cells, const char *text); /* copied, cut to SG_CELL */
void sg_cells_put_count(sg_cells *cells, size_t count);
/* "89.1" of 0.891, with percent; "0.964" without; "-" for NaN. */
void sg_cells_put_number(sg_cells *cells, double value, bool percent);
/* The same with " (84.2-93.0)" behind it where there is an interval. */
void sg_cells_put_value(sg_cells *cells, const sg_evaluation_value *value, bool percent);

/* Cells, row by row, as a table of the page; disposes of them. align and caption may be NULL. */
void sg_cells_put_table(sg_cells *cells, sg_page *page, const char *const *header, size_t columns,
        const char *align, const char *caption);

char *sg_evaluation_format_value(char *buffer, size_t size, double value, bool percent);
/* "84.2-93.0" with an en dash; empty without an interval. */
char *sg_evaluation_format_interval(
        char *buffer, size_t size, const sg_evaluation_value *value, bool percent);

/* The parts of the page, in order. */
void sg_evaluation_put_marks(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_facts(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_cohort(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_curves(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_acting(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_strata(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_items(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_folds(sg_page *page, const sg_evaluation_page *e);
void sg_evaluation_put_failures(sg_page *page, const sg_evaluation_page *e);

/* Runs told together, at least 1; and what counts are counts of, in words. */
size_t sg_evaluation_runs(const sg_evaluation_page *e);
const char *sg_evaluation_counted(const sg_evaluation_page *e);
/* Rows of the confusion matrix: images whose truth is this class. */
size_t sg_evaluation_support(const sg_evaluation_page *e, size_t class_index);

#endif
