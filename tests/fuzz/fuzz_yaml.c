/* fuzz_yaml.c - any bytes are settings or a clear refusal; settings that are put read back the
 * same. SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_yaml yaml, back;
    if (sg_yaml_parse(&yaml, (const char *)data, size, "fuzz", NULL)) return 0;
    sg_str s;
    for (size_t i = 0; i < yaml.count; i++) {
        sg_str_init(&s, 0);
        sg_yaml_put(&s, "key", yaml.entries[i].value);
        if (sg_yaml_parse(&back, s.data, s.len, "written", NULL)) abort();
        if (back.count != 1 || strcmp(back.entries[0].value, yaml.entries[i].value) != 0) abort();
        sg_yaml_dispose(&back);
        sg_str_dispose(&s);
    }
    sg_yaml_dispose(&yaml);
    return 0;
}
