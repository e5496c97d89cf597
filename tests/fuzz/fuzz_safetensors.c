/* fuzz_safetensors.c - any bytes are a weight file or a clear refusal, and every tensor of an
 * accepted file lies inside it. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/file.h"
#include "weights/safetensors.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_file f = fuzz_file_open(data, size);
    sg_safetensors *file;
    if (sg_safetensors_open(&file, f.path, false, NULL) == SG_OK) {
        for (size_t i = 0; i < file->count; i++) {
            const sg_tensor *t = sg_safetensors_find(file, file->entries[i].name);
            int64_t n = t ? sg_shape_count(&t->shape) : -1;
            if (n < 0 || (uint64_t)n > size) abort();
            float *x = malloc((size_t)n * sizeof *x + 1);
            if (x) (void)!sg_tensor_to_f32(x, t, NULL);
            free(x);
        }
        (void)sg_safetensors_meta(file, "sonograde");
        sg_safetensors_close(file);
    }
    fuzz_file_close(&f);
    return 0;
}
