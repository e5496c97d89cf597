/* rate_curves.h - range tests (train/lr_range.h) as files and as a chart.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_RATE_CURVES_H
#define SG_CLI_RATE_CURVES_H

#include "base/json.h"
#include "train/lr_range.h"

/* {"suggestion", "lowest_loss_rate", "diverged", "rate": [...], "loss": [...], "smooth": [...]}.
 * New reference; NULL when out of memory. */
json_t *sg_range_to_json(const sg_lr_range *range);
/* SG_ERR_FORMAT names the file. */
SG_MUST_CHECK sg_status sg_range_from_json(
        sg_lr_range *out, const json_t *object, const char *path, sg_error *err);

/* One chart, loss against rate; names[count], NULL = not in the legend; colors[count]. */
SG_MUST_CHECK sg_status sg_ranges_draw(const char *path, const char *title,
        const sg_lr_range *ranges, const char *const *names, const size_t *colors, size_t count,
        sg_error *err);

#endif
