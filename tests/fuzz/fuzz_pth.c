/* fuzz_pth.c - any bytes are a .pth file or a clear refusal, and every tensor of an accepted file
 * can be read and renamed. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/file.h"
#include "weights/name_map.h"
#include "weights/weight_stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_file f = fuzz_file_open(data, size);
    sg_weight_set *set;
    unsigned rules;
    if (sg_weight_set_open(&set, f.path, false, NULL) == SG_OK) {
        if (set->copied > size) abort();
        for (size_t i = 0; i < set->count; i++) {
            const sg_tensor *t = sg_weight_set_find(set, set->entries[i].name);
            sg_weight_stats s;
            if (!t || (uint64_t)sg_shape_count(&t->shape) > size) abort();
            (void)!sg_weight_stats_of(&s, t, NULL);
        }
        (void)!sg_name_map_apply(&rules, set, f.path, NULL);
        sg_weight_set_close(set);
    }
    fuzz_file_close(&f);
    return 0;
}
