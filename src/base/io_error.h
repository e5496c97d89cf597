/* io_error.h - one wording for what the system refused. Shared by the files of base/ only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_IO_ERROR_H
#define SG_BASE_IO_ERROR_H

#include "sonograde/error.h"

/* SG_ERR_IO, or SG_ERR_MISSING where nothing has that name: "<what> <path>: <errno in words>", with
 * the remedy for the common ones. */
sg_status sg_io_fail(sg_error *err, const char *what, const char *path);

#endif
