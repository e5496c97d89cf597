/* aside.h - a folder is replaced without being lost: it is put aside, as DIR.replaced, while its
 * successor is made, and deleted only when that one has proved itself; if it does not, the folder
 * comes back. A marker inside says that it was put there by these functions, so that nothing else
 * of that name is ever touched; a process that is killed anywhere leaves one whole of the two.
 * The caller holds the lock of what it moves. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_ASIDE_H
#define SG_BASE_ASIDE_H

#include "sonograde/error.h"
#include <stdbool.h>

/* Where the folder is put: "DIR.replaced". The caller's, NULL when out of memory. */
char *sg_aside_path(const char *dir);
/* A folder that sg_aside_put has put aside for `dir` is still there. */
bool sg_aside_waits(const char *dir);

/* Puts `dir` aside; it is then free to be made anew. Where one waits already, `dir` is a successor
 * that never proved itself: it is deleted, and the older folder stays. SG_ERR_INPUT when something
 * else has the name DIR.replaced, SG_ERR_IO. */
SG_MUST_CHECK sg_status sg_aside_put(const char *dir, sg_error *err);
/* Deletes `dir`, if it is there, and brings back what waits. */
SG_MUST_CHECK sg_status sg_aside_restore(const char *dir, sg_error *err);
/* Deletes what waits, if anything does. */
SG_MUST_CHECK sg_status sg_aside_drop(const char *dir, sg_error *err);

#endif
