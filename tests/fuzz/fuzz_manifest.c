/* fuzz_manifest.c - any bytes are a table of images or a clear refusal. What it lists is not there,
 * so an accepted table is one without rows that need a file. SPDX-License-Identifier: Apache-2.0 */
#include "data/manifest.h"
#include "fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_file f = fuzz_file_open(data, size);
    sg_manifest_options options = SG_MANIFEST_OPTIONS_INIT;
    sg_manifest m;
    options.any_classes = true;
    options.skip_bad = true;
    if (sg_manifest_read(&m, f.path, "/nonexistent", &options, NULL) == SG_OK)
        sg_manifest_dispose(&m);
    fuzz_file_close(&f);
    return 0;
}
