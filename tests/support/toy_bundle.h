/* toy_bundle.h - a bundle in memory, as if it had been read: a network drawn at random with three
 * classes, one or two members. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_TOY_BUNDLE_H
#define SG_TESTS_SUPPORT_TOY_BUNDLE_H

#include "infer/bundle.h"

enum { TOY_MEMBERS = 2 };

typedef struct toy_bundle {
    sg_bundle bundle; /* give this away; the struct must not move */
    sg_member members[TOY_MEMBERS];
    const char *classes[3];
} toy_bundle;

/* Members differ by their seed. Running variances are small, so that images reach the logits. */
void toy_bundle_make(toy_bundle *t, const char *model, int size, int members);
void toy_bundle_dispose(toy_bundle *t);

#endif
