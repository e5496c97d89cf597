/* bundle_profile.h - what a bundle learns of itself before it is handed on: limits of picture
 * quality and features from the images of its runs, answers on built-in pictures
 * (docs/internals/reading.md). SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_BUNDLE_PROFILE_H
#define SG_PROTOCOL_BUNDLE_PROFILE_H

#include "base/log.h"
#include "infer/bundle.h"
#include <signal.h>

typedef struct sg_profile_options {
    const char *const *runs; /* what the bundle was opened from, in its order */
    int count;
    const char *root; /* where the runs' images lie now; NULL: where their manifests say */
    const sg_log *log;
    const volatile sig_atomic_t *stop;
} sg_profile_options;

/* Sets quality, atlas and selftest of *bundle (answers of one that computes with bytes are added to
 * those that it has in float32); NULL when the whole fails (out of memory, stopped).
 * What cannot be learned (images that are gone, a file in place of a run folder, too few images) is
 * a warning, and that section stays as it was read. Training and validation images only; the test
 * images of a run without folds are not touched. */
SG_MUST_CHECK sg_status sg_bundle_profile(
        sg_bundle **bundle, const sg_profile_options *options, sg_error *err);

#endif
