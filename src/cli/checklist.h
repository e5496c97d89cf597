/* checklist.h - the items of CLAIM 2024 and TRIPOD+AI, answered as far as a metrics.json knows the
 * answer. What only people know (ethics, recruitment, the reference standard...) stays open, and
 * nothing is guessed.
 *
 * Items are named in short words of our own; the lists themselves are: Tejani et al., Radiology: AI
 * 2024, 6(4) e240300 (CLAIM); Collins et al., BMJ 2024, 385 e078378 (TRIPOD+AI).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_CHECKLIST_H
#define SG_CLI_CHECKLIST_H

#include "base/json.h"
#include <stdbool.h>

typedef enum sg_item_state {
    SG_ITEM_OPEN,   /* for people, or not done in this evaluation */
    SG_ITEM_PARTLY, /* something is known, the rest is for people */
    SG_ITEM_FILLED
} sg_item_state;
const char *sg_item_state_name(sg_item_state state); /* "open", "in part", "filled" */

typedef struct sg_checklist_item {
    const char *list;   /* "CLAIM 2024", "TRIPOD+AI" */
    const char *number; /* "7" */
    const char *title;
    sg_item_state state;
    char *answer; /* NULL where open, or that nothing was done; owned */
} sg_checklist_item;

typedef struct sg_checklist {
    sg_checklist_item *items;
    size_t count, filled, partly;
} sg_checklist;

/* metrics: the document of metrics.json. */
SG_MUST_CHECK sg_status sg_checklist_make(sg_checklist *out, const json_t *metrics, sg_error *err);
void sg_checklist_dispose(sg_checklist *checklist); /* NULL-safe */

#endif
