/* loader_order.h - in which order an epoch takes its images. Private to the loader.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_DATA_LOADER_ORDER_H
#define SG_DATA_LOADER_ORDER_H

#include "data/loader.h"

/* order[n]: position in items; repeat[n]: how often that item came before in the epoch. A function
 * of labels, rule, seed and epoch. SG_ERR_MEMORY only. */
SG_MUST_CHECK sg_status sg_loader_order_draw(uint32_t *order, uint32_t *repeat, const int *labels,
        size_t n, sg_loader_order rule, uint64_t seed, uint32_t epoch, sg_error *err);

#endif
