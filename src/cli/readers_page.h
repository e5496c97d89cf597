/* readers_page.h - a measured reader study as the page of report/readers.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_READERS_PAGE_H
#define SG_CLI_READERS_PAGE_H

#include "protocol/readers.h"

/* table, predictions (NULL: no model): names of the files, for the page to tell. */
SG_MUST_CHECK sg_status sg_readers_write_page(const char *path, const sg_reader_study *study,
        const char *table, const char *predictions, sg_error *err);

#endif
