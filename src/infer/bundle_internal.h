/* bundle_internal.h - between bundle.c and bundle_seen.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_BUNDLE_INTERNAL_H
#define SG_INFER_BUNDLE_INTERNAL_H

#include "infer/bundle.h"

/* Fills seen, seen_groups, seen_sources and phantom from the members' training. */
SG_MUST_CHECK sg_status sg_bundle_collect_seen(sg_bundle *b, sg_error *err);

#endif
