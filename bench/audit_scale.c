/* audit_scale.c - what the search for candidates costs as a set grows: index and questions, on made
 * up keypoints, one thread.
 *
 *   audit_scale [MOST [POINTS]]      pictures up to MOST (100000), POINTS keypoints in each (120)
 *
 * Codes are drawn around 4,096 frequent ones, so that buckets are as uneven as those of real
 * pictures. One picture in fifty is a mirrored copy that kept 40 % of its points, shaken. Prints
 * one JSON object a size: seconds, nanoseconds over n log2 n, and the share of copies that are
 * among the candidates. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "data/keypoint_index.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FREQUENT = 4096, EVERY = 50 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int8_t shake(double value, double by, sg_rng *rng) {
    value += by * sg_rng_normal(rng);
    return (int8_t)lrint(value < -127 ? -127 : value > 127 ? 127 : value);
}

static void make_picture(sg_keypoint *out, const sg_keypoint *like, int points,
        const int8_t (*frequent)[SG_KEYPOINT_CODE], uint32_t number) {
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, number, 1);
    for (int p = 0; p < points; p++) {
        int8_t code[SG_KEYPOINT_CODE];
        bool kept = like && 5 * p < 2 * points;
        if (kept)
            sg_keypoint_flip_code(code, like[p].code, 1);
        else
            memcpy(code, frequent[sg_rng_below(&rng, FREQUENT)], sizeof code);
        for (int k = 0; k < SG_KEYPOINT_CODE; k++)
            out[p].code[k] = shake(code[k], kept ? 4 : 12, &rng);
        out[p].bright = kept ? like[p].bright : (int8_t)sg_rng_below(&rng, 2);
    }
}

static bool is_copy(size_t i) {
    return i % EVERY == 1;
}

static int measure(const sg_keypoints *pictures, size_t n) {
    sg_candidate *found;
    size_t count, copies = 0, met = 0;
    sg_error err = SG_ERROR_INIT;
    double since = now();
    if (sg_candidates_find(&found, &count, pictures, n, 10, 3, NULL, &err)) {
        fprintf(stderr, "audit_scale: %s\n", err.message);
        return 1;
    }
    double seconds = now() - since;
    for (size_t i = 0; i < n; i++) copies += is_copy(i);
    for (size_t i = 0; i < count; i++)
        met += is_copy(found[i].b) && found[i].a + 1 == found[i].b && found[i].flip == 1;
    free(found);
    printf("{\"pictures\": %zu, \"seconds\": %.2f, \"ns_per_n_log2_n\": %.0f, \"candidates\": %zu, "
           "\"copies_met\": %.4f}\n",
            n, seconds, 1e9 * seconds / ((double)n * log2((double)n)), count,
            (double)met / (double)copies);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    int points = argc > 2 ? atoi(argv[2]) : 120;
    if (points < 1 || points > SG_KEYPOINT_MAX) points = SG_KEYPOINT_MAX;
    int8_t(*frequent)[SG_KEYPOINT_CODE] = malloc(FREQUENT * sizeof *frequent);
    sg_keypoints *pictures = calloc(most, sizeof *pictures);
    sg_keypoint *all = calloc(most * (size_t)points, sizeof *all);
    if (!frequent || !pictures || !all) {
        fprintf(stderr, "audit_scale: out of memory\n");
        return 1;
    }
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 0, 0);
    for (int i = 0; i < FREQUENT; i++)
        for (int k = 0; k < SG_KEYPOINT_CODE; k++)
            frequent[i][k] = shake(0, 60.0 / (1 + k / 6), &rng);
    for (size_t i = 0; i < most; i++) {
        pictures[i] = (sg_keypoints){.points = all + i * (size_t)points, .count = points};
        make_picture(pictures[i].points, is_copy(i) ? pictures[i - 1].points : NULL, points,
                (const int8_t(*)[SG_KEYPOINT_CODE])frequent, (uint32_t)i);
    }
    int failed = 0;
    for (size_t n = 1000; n < most && !failed; n *= 10) {
        failed = measure(pictures, n);
        if (!failed && 3 * n < most) failed = measure(pictures, 3 * n);
    }
    if (!failed) failed = measure(pictures, most);
    free(all);
    free(pictures);
    free(frequent);
    return failed;
}
