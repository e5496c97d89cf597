/* stats_golden.c - see stats_golden.h. Tests run from the root of the tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/stats_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const char *const stats_case_names[] = {
        "plain", "ties", "absent_truth", "binary", "four", "one_class", "absent_both", NULL};

void stats_golden_open(sg_csv *csv, const char *file) {
    sg_error err = SG_ERROR_INIT;
    char path[256];
    snprintf(path, sizeof path, "tests/golden/stats/%s", file);
    if (sg_csv_read(csv, path, &err) != SG_OK) fail_msg("%s", err.message);
}

const char *stats_golden_text(const sg_csv *csv, size_t row, const char *column) {
    int c = sg_csv_column(csv, column);
    if (c < 0) fail_msg("the golden file has no column %s", column);
    return sg_csv_cell(csv, row, c);
}

double stats_golden_number(const sg_csv *csv, size_t row, const char *column) {
    double value = NAN;
    const char *text = stats_golden_text(csv, row, column);
    if (*text && !sg_parse_double(&value, text)) fail_msg("'%s' is not a number", text);
    return value;
}

void stats_case_load(stats_case *out, const char *name) {
    sg_csv csv;
    stats_golden_open(&csv, "rows.csv");
    *out = (stats_case){.name = name};
    for (size_t r = 0; r < csv.rows; r++) {
        if (strcmp(stats_golden_text(&csv, r, "case"), name) != 0) continue;
        size_t i = out->n++;
        assert_true(i < STATS_CASE_ROWS_MAX);
        out->classes = (size_t)stats_golden_number(&csv, r, "classes");
        out->labels[i] = (uint32_t)stats_golden_number(&csv, r, "label");
        out->predicted[i] = (uint32_t)stats_golden_number(&csv, r, "predicted");
        for (size_t k = 0; k < out->classes; k++) {
            char p[4] = {'p', (char)('0' + k)}, z[4] = {'z', (char)('0' + k)};
            out->probabilities[i * out->classes + k] = stats_golden_number(&csv, r, p);
            out->logits[i * out->classes + k] = stats_golden_number(&csv, r, z);
        }
    }
    sg_csv_dispose(&csv);
    if (out->n == 0) fail_msg("no golden case %s", name);
}

double stats_case_figure(const char *name, const char *figure, int class_index) {
    sg_csv csv;
    stats_golden_open(&csv, "figures.csv");
    for (size_t r = 0; r < csv.rows; r++) {
        if (strcmp(stats_golden_text(&csv, r, "case"), name) != 0) continue;
        if (strcmp(stats_golden_text(&csv, r, "figure"), figure) != 0) continue;
        if ((int)stats_golden_number(&csv, r, "class") != class_index) continue;
        double value = stats_golden_number(&csv, r, "value");
        sg_csv_dispose(&csv);
        return value;
    }
    fail_msg("no golden figure %s of class %d in case %s", figure, class_index, name);
    return NAN;
}

double stats_golden_value(const char *file, const char *name, const char *figure) {
    sg_csv csv;
    stats_golden_open(&csv, file);
    for (size_t r = 0; r < csv.rows; r++) {
        if (strcmp(stats_golden_text(&csv, r, "case"), name) != 0) continue;
        if (strcmp(stats_golden_text(&csv, r, "figure"), figure) != 0) continue;
        double value = stats_golden_number(&csv, r, "value");
        sg_csv_dispose(&csv);
        return value;
    }
    fail_msg("%s has no %s of case %s", file, figure, name);
    return NAN;
}

void stats_assert_close(double got, double expected, double tolerance, const char *what) {
    if (isnan(got) && isnan(expected)) return;
    if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%s: got %.17g, expected %.17g", what, got, expected);
}
