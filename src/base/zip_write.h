/* zip_write.h - a ZIP archive of stored (uncompressed) files, written as it is made: weights and
 * images do not shrink. No times, no owners: equal content gives equal bytes. Up to 4 GiB and 65535
 * files. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_ZIP_WRITE_H
#define SG_BASE_ZIP_WRITE_H

#include "sonograde/error.h"
#include <stddef.h>

typedef struct sg_zip_writer sg_zip_writer;

SG_MUST_CHECK sg_status sg_zip_open(sg_zip_writer **out, const char *path, sg_error *err);
/* name: inside the archive, '/' between folders, UTF-8. */
SG_MUST_CHECK sg_status sg_zip_add(
        sg_zip_writer *zip, const char *name, const void *data, size_t size, sg_error *err);
SG_MUST_CHECK sg_status sg_zip_add_file(
        sg_zip_writer *zip, const char *name, const char *path, sg_error *err);
/* Replaces `path`, durable on return. Destroys *zip whatever the outcome. */
SG_MUST_CHECK sg_status sg_zip_commit(sg_zip_writer *zip, sg_error *err);
void sg_zip_abandon(sg_zip_writer *zip); /* NULL-safe */

#endif
