/* paper.h - the published table that our figures stand beside, and what can be checked about it.
 *
 * Maini, Singh and Saxena, "Breast Tumor Classification with Fine-Tuned Hyperparameter Training
 * using Deep Learning Models", IEEE AI-Driven Smart Healthcare 2025,
 * doi 10.1109/IEEECONF64992.2025.10963186. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_PAPER_H
#define SG_REPORT_PAPER_H

#include "report/page.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct sg_paper_row {
    const char *model;
    double accuracy, precision, recall, f1; /* percent, as printed */
    unsigned epochs;
} sg_paper_row;

enum { SG_PAPER_ROWS = 5 };
extern const sg_paper_row sg_paper_table[SG_PAPER_ROWS];

/* Largest F1 in percent that class averages with equal weights allow: each class's harmonic mean is
 * at most its arithmetic mean, so F1 <= (P + R) / 2. */
double sg_paper_f1_bound(const sg_paper_row *row);
/* The printed F1 lies above that bound by more than rounding to the printed digits explains. */
bool sg_paper_f1_impossible(const sg_paper_row *row);

/* Test sizes up to `limit` at which a whole number of right images gives `percent` to two decimals.
 * Writes at most `capacity` pairs; returns how many there are. */
typedef struct sg_paper_fraction {
    unsigned right, images;
} sg_paper_fraction;
size_t sg_paper_fractions(sg_paper_fraction *out, size_t capacity, double percent, unsigned limit);

/* The section "Beside the published table": rows, flags with their sources, and our row. Values in
 * percent; text of our intervals may be NULL. */
typedef struct sg_paper_ours {
    const char *name;                       /* "this run: mobilenetv2, 445 BUSI images, by group" */
    double accuracy, precision, recall, f1; /* 0..1, NaN: none */
    const char *accuracy_interval;
} sg_paper_ours;
void sg_paper_put_section(sg_page *page, const sg_paper_ours *ours, size_t count);

/* What can be said about the printed table, with sources: the end of that section. */
void sg_paper_put_remarks(sg_page *page);

#endif
