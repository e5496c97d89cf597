/* order.h - sorted orders of rows, and group numbers made dense: shared inside stats.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_ORDER_H
#define SG_STATS_ORDER_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Row numbers by falling scores[i * stride]; equal scores keep their order. *order is the caller's
 * (free). No NaN. */
SG_MUST_CHECK sg_status sg_order_falling(
        uint32_t **order, const double *scores, size_t stride, size_t n, sg_error *err);

/* Sorts values in place, rising; no NaN. */
void sg_order_sort(double *values, size_t n);

/* Renumbers groups 0, 1, 2... in the order of their first row; NULL: every row its own.
 * dense[n] is written, *count is how many there are. */
SG_MUST_CHECK sg_status sg_order_groups(
        uint32_t *dense, size_t *count, const uint32_t *groups, size_t n, sg_error *err);

#endif
