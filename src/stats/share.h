/* share.h - a share of rows (accuracy, sensitivity, coverage...) with the interval that its rows
 * allow.
 *
 * Wilson's where every group has one image; otherwise BCa over groups within classes. Where all
 * draws agree because all groups do (a share of 0 or 1), Wilson's over groups: copies of a lesion
 * are one piece of evidence there too.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_STATS_SHARE_H
#define SG_STATS_SHARE_H

#include "stats/bootstrap.h"

typedef struct sg_share {
    size_t hits, n; /* rows */
    size_t groups;  /* distinct groups among the n rows */
    double value;   /* hits / n, NaN when n is 0, and no interval then */
    sg_interval interval;
    bool wilson; /* of interval; false: bootstrap */
} sg_share;

/* among[rows] and hit[rows]: 0 or 1, the rows that count and those of them that are right; among
 * NULL: all count. */
SG_MUST_CHECK sg_status sg_share_measure(sg_share *out, const sg_bootstrap_sample *sample,
        const uint8_t *among, const uint8_t *hit, const sg_bootstrap_options *options,
        sg_error *err);

#endif
