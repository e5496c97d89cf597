/* stats_golden.h - the golden inputs and figures of tests/golden/stats, by case.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_STATS_GOLDEN_H
#define SG_TESTS_STATS_GOLDEN_H

#include "base/csv.h"
#include <stddef.h>
#include <stdint.h>

enum { STATS_CASE_ROWS_MAX = 64, STATS_CASE_CLASSES_MAX = 4 };

typedef struct stats_case {
    const char *name;
    size_t n, classes;
    uint32_t labels[STATS_CASE_ROWS_MAX], predicted[STATS_CASE_ROWS_MAX];
    double probabilities[STATS_CASE_ROWS_MAX * STATS_CASE_CLASSES_MAX];
    double logits[STATS_CASE_ROWS_MAX * STATS_CASE_CLASSES_MAX];
} stats_case;

/* Names of all cases, NULL-terminated. */
extern const char *const stats_case_names[];

/* These fail the running test when a file or entry is missing. */
void stats_case_load(stats_case *out, const char *name);
/* class -1: a figure without class. NaN where the file has an empty field. */
double stats_case_figure(const char *name, const char *figure, int class_index);

/* The `value` of the row with this case and figure in a file with columns case, figure, value. */
double stats_golden_value(const char *file, const char *name, const char *figure);

void stats_golden_open(sg_csv *csv, const char *file);
double stats_golden_number(const sg_csv *csv, size_t row, const char *column);
const char *stats_golden_text(const sg_csv *csv, size_t row, const char *column);

/* Both NaN, or no further apart than tolerance * max(1, |expected|). */
void stats_assert_close(double got, double expected, double tolerance, const char *what);

#endif
