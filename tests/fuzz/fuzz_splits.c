/* fuzz_splits.c - any bytes are a split of a known table of images or a clear refusal; an accepted
 * one gives every row a bin that exists. SPDX-License-Identifier: Apache-2.0 */
#include "data/split.h"
#include "fuzz/file.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 6 };

/* a.png to f.png, two classes, the last two in one group. */
static sg_manifest six_images(sg_manifest_row rows[ROWS], char *classes[2], char *labels[ROWS]) {
    static char names[ROWS][6] = {"a.png", "b.png", "c.png", "d.png", "e.png", "f.png"};
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (sg_manifest_row){
                .path = names[i], .class_index = i % 2, .group = i < ROWS - 1 ? i : i - 1};
        memset(rows[i].sha256, 'a' + i, sizeof rows[i].sha256 - 1);
        labels[i] = names[i];
    }
    classes[0] = "benign";
    classes[1] = "malignant";
    return (sg_manifest){.root = "/nonexistent",
            .rows = rows,
            .count = ROWS,
            .class_names = classes,
            .class_count = 2,
            .group_labels = labels,
            .group_count = ROWS - 1,
            .grouping = SG_GROUPING_COLUMN,
            .grouping_detail = "patient"};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_manifest_row rows[ROWS];
    char *classes[2], *labels[ROWS];
    sg_manifest m = six_images(rows, classes, labels);
    fuzz_file f = fuzz_file_open(data, size);
    sg_split split;
    if (sg_split_read(&split, f.path, &m, NULL, NULL) == SG_OK) {
        for (size_t i = 0; i < split.count; i++)
            if (split.bins[i] < -1 || split.bins[i] >= sg_split_bins(&split)) abort();
        sg_split_dispose(&split);
    }
    fuzz_file_close(&f);
    return 0;
}
