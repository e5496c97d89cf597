/* compare_parts.h - charts of the page of compare.h. For compare.c only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_COMPARE_PARTS_H
#define SG_REPORT_COMPARE_PARTS_H

#include "report/compare.h"

/* Accuracy of each fold of each arm. */
void sg_compare_put_dots(sg_page *page, const sg_compare_page *in);
/* Differences in accuracy, one row per pair. */
void sg_compare_put_forest(sg_page *page, const sg_compare_page *in);
void sg_compare_put_confusion(sg_page *page, const sg_compare_page *in);
void sg_compare_put_roc(sg_page *page, const sg_compare_page *in);
/* Loss and accuracy over the epochs, every arm on one scale. */
void sg_compare_put_curves(sg_page *page, const sg_compare_page *in);
/* Range tests, every arm on one scale. */
void sg_compare_put_ranges(sg_page *page, const sg_compare_page *in);

#endif
