/* fuzz_log.c - what is left of any bytes as a log is a part of them from the start that ends in a
 * line, and mending it again takes nothing away. SPDX-License-Identifier: Apache-2.0 */
#include "train/run_dir.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    size_t sound = sg_run_log_sound(text, size);
    if (sound > size || (sound && text[sound - 1] != '\n')) abort();
    if (sg_run_log_sound(text, sound) != sound) abort();
    return 0;
}
