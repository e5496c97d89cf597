/* fuzz_bundle.c - the description in a model file: the input is the JSON document of
 * docs/internals/model_file.md; around it stands a sound weight file without tensors. Any
 * document is refused or answered, never crashed on. SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "fuzz/file.h"
#include "infer/bundle.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* {"__metadata__":{"sonograde":"..."}} in front of no tensors at all. */
static void open_with(const char *document) {
    json_t *header = json_pack("{s:{s:s}}", "__metadata__", "sonograde", document);
    char *text = header ? sg_json_line(header) : NULL;
    json_decref(header);
    if (!text) return;
    size_t n = strlen(text);
    uint8_t *bytes = malloc(8 + n);
    if (bytes) {
        for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)n >> (8 * i));
        memcpy(bytes + 8, text, n);
        fuzz_file f = fuzz_file_open(bytes, 8 + n);
        sg_bundle *bundle;
        if (sg_bundle_open(&bundle, f.path, NULL) == SG_OK) sg_bundle_close(bundle);
        fuzz_file_close(&f);
    }
    free(bytes);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    open_with(text);
    free(text);
    return 0;
}
