/* image_list.h - the images that a command line names: files, folders with all below them, and text
 * files with one path per line. Lesion masks (X_mask.png) in folders are passed over; one that is
 * named is refused. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_IMAGE_LIST_H
#define SG_CLI_IMAGE_LIST_H

#include "cli/cli.h"

typedef struct sg_image_list {
    char **items; /* paths */
    size_t count, capacity;
} sg_image_list;

/* `list` is a text file or NULL. SG_ERR_INPUT for a folder without images; the list may end empty.
 * Dispose of it also after a failure. */
SG_MUST_CHECK sg_status sg_image_list_fill(
        sg_image_list *out, const sg_call *call, const char *list, sg_error *err);
/* A file, or a folder with what lies below it; SG_ERR_INPUT when that is nothing. */
SG_MUST_CHECK sg_status sg_image_list_add(sg_image_list *list, const char *path, sg_error *err);
void sg_image_list_dispose(sg_image_list *list);

#endif
