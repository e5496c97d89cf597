/* arm_pairs.h - lists of "ARM=VALUE" on the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_ARM_PAIRS_H
#define SG_CLI_ARM_PAIRS_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

enum { SG_ARM_PAIRS = 32 };

typedef struct sg_arm_pairs {
    char *text; /* owner; free it */
    struct {
        const char *arm, *value;
    } items[SG_ARM_PAIRS];
    size_t count;
} sg_arm_pairs;

/* "a,b=c" as {a, a}, {b, c}; with needs_value "a" alone is refused. list NULL is an empty one;
 * option names it in messages. */
SG_MUST_CHECK sg_status sg_arm_pairs_read(
        sg_arm_pairs *out, const char *option, const char *list, bool needs_value, sg_error *err);
const char *sg_arm_pairs_find(const sg_arm_pairs *pairs, const char *arm); /* NULL: not there */

#endif
