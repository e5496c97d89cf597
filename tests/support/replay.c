/* replay.c - see replay.h. Inputs are copied to blocks of their exact size, so that a sanitizer
 * sees a read past the end. SPDX-License-Identifier: Apache-2.0 */
#include "support/replay.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, STEPS = 256 };

static void run_copy(sg_fuzz_target target, const char *data, size_t size, size_t flipped) {
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) abort();
    if (size) memcpy(copy, data, size);
    if (flipped < size) copy[flipped] ^= (uint8_t)(1u << flipped % 8);
    (void)target(copy, size);
    free(copy);
}

size_t sg_replay(sg_fuzz_target target, const char *folder) {
    char **names;
    size_t count, runs = 0;
    if (sg_dir_list(&names, &count, folder, NULL)) return 0;
    for (size_t i = 0; i < count; i++) {
        char *path = sg_path_join(folder, names[i]), *data;
        size_t size;
        if (path && sg_file_read(&data, &size, path, MAX_BYTES, NULL) == SG_OK) {
            size_t step = size / STEPS + 1;
            run_copy(target, data, size, size);
            for (size_t n = 0; n < size; n += step, runs += 2) {
                run_copy(target, data, n, n);
                run_copy(target, data, size, n);
            }
            free(data);
            runs++;
        }
        free(path);
    }
    sg_names_free(names);
    return runs;
}
