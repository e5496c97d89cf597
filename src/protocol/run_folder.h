/* run_folder.h - whose folder a new run takes: an unused one, or, when asked, that of an older run,
 * which is put aside (base/aside.h) until the new one has completed an epoch and comes back when it
 * does not get that far. The folder is locked while in use.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_RUN_FOLDER_H
#define SG_PROTOCOL_RUN_FOLDER_H

#include "base/file.h"

typedef struct sg_run_folder {
    const char *dir; /* borrowed */
    sg_file_lock lock;
    bool made; /* by sg_run_folder_make, so that sg_run_folder_give_up may delete it */
} sg_run_folder;
#define SG_RUN_FOLDER_INIT                                                                         \
    { NULL, {-1}, false }

/* An empty folder at `dir`, locked. Expected failures: SG_ERR_USAGE when something is there and not
 * `overwrite`; SG_ERR_INPUT when it is no run folder (it has no args.yaml), or in use. */
SG_MUST_CHECK sg_status sg_run_folder_make(
        sg_run_folder *out, const char *dir, bool overwrite, sg_error *err);
/* Locks a folder that is there: to go on in it. SG_ERR_INPUT when it is in use. */
SG_MUST_CHECK sg_status sg_run_folder_enter(sg_run_folder *out, const char *dir, sg_error *err);
/* An epoch is complete: what was put aside is deleted. */
SG_MUST_CHECK sg_status sg_run_folder_keep(const sg_run_folder *folder, sg_error *err);
/* Deletes a folder that was made, brings back what was put aside for it, and unlocks. */
SG_MUST_CHECK sg_status sg_run_folder_give_up(sg_run_folder *folder, sg_error *err);
void sg_run_folder_leave(sg_run_folder *folder); /* unlocks; also a folder never taken */

#endif
