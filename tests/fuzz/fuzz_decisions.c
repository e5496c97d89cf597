/* fuzz_decisions.c - any bytes are verdicts or a clear refusal; what is accepted is ordered, about
 * two images, and decided. SPDX-License-Identifier: Apache-2.0 */
#include "data/decisions.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_decisions d;
    if (sg_decisions_parse(&d, (const char *)data, size, "fuzz", NULL)) return 0;
    for (size_t i = 0; i < d.count; i++) {
        const sg_decision *x = &d.items[i];
        if (strcmp(x->a, x->b) >= 0 || x->verdict == SG_VERDICT_OPEN) abort();
        if (!i) continue;
        int order = strcmp(x[-1].a, x->a);
        if (order > 0 || (order == 0 && strcmp(x[-1].b, x->b) >= 0)) abort();
    }
    sg_decisions_dispose(&d);
    return 0;
}
