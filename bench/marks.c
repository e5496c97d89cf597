/* marks.c - how many burnt-in marks of phantoms are found, and how many boxes are wrong.
 *
 *   marks [SIZE [PER_CLASS [SEED]]]     pictures of SIZE (256), 3 x PER_CLASS (100), SEED (1)
 *
 * Half of the originals are marked; one image in ten is a near-copy with marks of its own. A mark
 * is found when a box of its kind overlaps it by 0.5 or more. Phantoms are written to a folder of
 * their own and removed. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "data/phantom.h"
#include "support/marks_score.h"
#include <stdio.h>
#include <stdlib.h>

static double share(int part, int rest) {
    return part + rest ? (double)part / (part + rest) : 1.0;
}

static void print(const char *name, int found, int missed, int extra) {
    printf("%-10s %5d found %4d missed %4d wrong   recall %.3f  precision %.3f\n", name, found,
            missed, extra, share(found, missed), share(found, extra));
}

int main(int argc, char **argv) {
    int size = argc > 1 ? atoi(argv[1]) : 256, per_class = argc > 2 ? atoi(argv[2]) : 100;
    int seed = argc > 3 ? atoi(argv[3]) : 1;
    const char *base = getenv("TMPDIR");
    char folder[512];
    sg_error err = SG_ERROR_INIT;
    snprintf(folder, sizeof folder, "%s/sonograde-marks-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        fprintf(stderr, "marks: cannot make %s\n", folder);
        return 1;
    }
    sg_phantom_options set = {per_class, size, (uint64_t)seed, 0.1, 0.0, 0.5};
    sg_marks_score s = {0};
    sg_status status = sg_phantom_write_set(folder, &set, false, NULL, NULL, &err);
    if (!status) status = sg_marks_score_set(&s, folder, &err);
    if (sg_dir_remove(folder, NULL)) fprintf(stderr, "marks: %s is left behind\n", folder);
    if (status) {
        fprintf(stderr, "marks: %s\n", err.message);
        return 1;
    }
    int found = 0, missed = 0, extra = 0;
    for (int k = 0; k < SG_MARK_KINDS; k++) {
        if (s.found[k] + s.missed[k] + s.extra[k])
            print(sg_mark_name(k), s.found[k], s.missed[k], s.extra[k]);
        found += s.found[k];
        missed += s.missed[k];
        extra += s.extra[k];
    }
    print("all", found, missed, extra);
    printf("%d images of %d px, %d without marks, %d of these flagged\n", s.images, size, s.clean,
            s.clean_flagged);
    return 0;
}
