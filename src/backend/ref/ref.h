/* ref.h - the reference backend: plain C, plain layouts, one thread, float and double from one
 * source. It defines what every operation means: the fallback of the planner and the oracle of the
 * tests. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_REF_REF_H
#define SG_BACKEND_REF_REF_H

#include "backend/backend.h"

SG_MUST_CHECK sg_status sg_ref_create(
        sg_backend **out, const sg_backend_options *options, sg_error *err);

#endif
