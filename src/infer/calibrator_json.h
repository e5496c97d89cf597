/* calibrator_json.h - a calibrator as the section `calibration` of a bundle
 * (docs/internals/model_file.md). SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_CALIBRATOR_JSON_H
#define SG_INFER_CALIBRATOR_JSON_H

#include "base/json.h"
#include "stats/calibrator.h"

/* fitted_on: "validation images"...; images: how many. New reference; NULL when out of memory. */
json_t *sg_calibrator_to_json(
        const sg_calibrator *calibrator, const char *fitted_on, size_t images);

/* *out is NULL where temperature alone says all (kinds none and temperature, and sections without a
 * kind); else the caller's (sg_calibrator_free). SG_ERR_FORMAT names the file. */
SG_MUST_CHECK sg_status sg_calibrator_from_json(sg_calibrator **out, const json_t *section,
        size_t classes, const char *path, sg_error *err);
void sg_calibrator_free(sg_calibrator *calibrator); /* NULL-safe */

#endif
