/* fuzz_pickle.c - any bytes are a pickle of the kind that state dicts are, or a clear refusal; what
 * was read can be walked. SPDX-License-Identifier: Apache-2.0 */
#include "weights/pickle.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_pickle p;
    size_t used;
    if (sg_pickle_parse(&p, &used, data, size, "fuzz", NULL)) return 0;
    if (used > size) abort();
    const sg_pickle_node *root = sg_pickle_root(&p);
    (void)sg_pickle_get(&p, root, "state_dict");
    for (size_t i = 0; i < p.node_count; i++) {
        const sg_pickle_node *n = &p.nodes[i];
        uint32_t items = 0;
        for (int32_t link = n->first; link >= 0; link = p.links[link].next) items++;
        if (items != n->count) abort();
        if (n->length &&
                (n->text < (const char *)data || n->text + n->length > (const char *)data + size))
            abort();
    }
    sg_pickle_dispose(&p);
    return 0;
}
