/* bundle_calibrate.h - a calibration for a bundle, fitted on what its run's models answered about
 * images they were not trained on. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_BUNDLE_CALIBRATE_H
#define SG_PROTOCOL_BUNDLE_CALIBRATE_H

#include "protocol/predictions.h"
#include "stats/calibrator.h"

/* One calibrator for all members, with thresholds and set quantiles by the answers that it mends
 * (acting_rules.h), of the run's validation images, or, for folds, of every image as
 * the fold answered that did not see it. SG_ERR_INPUT when a run without folds has no validation
 * images, or too few for the kind. */
SG_MUST_CHECK sg_status sg_bundle_calibrate(sg_bundle *bundle, const char *run_dir,
        sg_calibrator_kind kind, const sg_predict_options *options, sg_error *err);

#endif
