/* values.h - figures of metrics as the values with intervals that pages and tables show.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_VALUES_H
#define SG_CLI_VALUES_H

#include "base/json.h"
#include "base/str.h"
#include "protocol/difference.h"
#include "protocol/metrics.h"
#include "report/evaluation.h"
#include "stats/repeated.h"

sg_evaluation_value sg_value_of_accuracy(const sg_metrics *metrics);
sg_evaluation_value sg_value_of_auroc(const sg_metrics *metrics);
sg_evaluation_value sg_value_of_sensitivity(const sg_metrics *metrics);
/* Without interval where every draw agreed. */
sg_evaluation_value sg_value_of_boot(const sg_bootstrap_figure *figure);
sg_evaluation_value sg_value_of_difference(const sg_difference_figure *figure);
sg_evaluation_value sg_value_of_folds(const sg_resampled_t *folds);

/* Three CSV fields; NaN is empty. */
void sg_value_put_csv(sg_str *out, sg_evaluation_value value);
/* {"value": v, "ci": [low, high]}. New reference. */
json_t *sg_value_to_json(sg_evaluation_value value);

#endif
