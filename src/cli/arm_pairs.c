/* arm_pairs.c - see arm_pairs.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/arm_pairs.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

sg_status sg_arm_pairs_read(
        sg_arm_pairs *out, const char *option, const char *list, bool needs_value, sg_error *err) {
    *out = (sg_arm_pairs){.text = list ? sg_strdup(list) : NULL};
    if (!list) return SG_OK;
    if (!out->text) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading --%s", option);
    char *rest = out->text;
    for (char *item; (item = strsep(&rest, ","));) {
        char *equals = strchr(item, '=');
        if (!*item || equals == item || (needs_value && !equals) || out->count == SG_ARM_PAIRS)
            return sg_fail(err, SG_ERR_USAGE, "--%s '%.100s' must be a list of at most %d %s",
                    option, list, SG_ARM_PAIRS, needs_value ? "ARM=FILE" : "NAME or ARM=NAME");
        if (equals) *equals = '\0';
        out->items[out->count].arm = item;
        out->items[out->count].value = equals ? equals + 1 : item;
        out->count++;
    }
    return SG_OK;
}

const char *sg_arm_pairs_find(const sg_arm_pairs *p, const char *arm) {
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->items[i].arm, arm) == 0) return p->items[i].value;
    return NULL;
}
