/* onednn.h - the backend on oneDNN 2.6 or 3.x, CPU only, float32 only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BACKEND_ONEDNN_ONEDNN_H
#define SG_BACKEND_ONEDNN_ONEDNN_H

#include "backend/backend.h"

/* options may be NULL for the defaults. Expected failure: SG_ERR_UNSUPPORTED when the library
 * offers no CPU engine. */
SG_MUST_CHECK sg_status sg_onednn_create(
        sg_backend **out, const sg_backend_options *options, sg_error *err);

#endif
