/* test_split_balance.c - splits against the best there is: on small sets of groups every way to
 * place them is tried, and the largest distance of a class count from its share may lie at most one
 * image above the least possible. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "base/str.h"
#include "data/split.h"
#include "support/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_GROUPS = 9, MAX_CLASSES = 3, MAX_BINS = 4 };

typedef struct set {
    int groups, classes, bins;
    int tally[MAX_GROUPS][MAX_CLASSES]; /* images */
    double shares[MAX_BINS];            /* sum 1 */
} set;

static sg_manifest manifest_of(const set *s) {
    sg_manifest m = {.class_count = (size_t)s->classes,
            .group_count = (size_t)s->groups,
            .grouping = SG_GROUPING_COLUMN};
    for (int g = 0; g < s->groups; g++)
        for (int c = 0; c < s->classes; c++) m.count += (size_t)s->tally[g][c];
    m.root = sg_strdup(".");
    m.grouping_detail = sg_strdup("patient");
    m.class_names = calloc(m.class_count, sizeof *m.class_names);
    m.group_labels = calloc(m.group_count, sizeof *m.group_labels);
    m.rows = calloc(m.count, sizeof *m.rows);
    for (int c = 0; c < s->classes; c++) m.class_names[c] = sg_strdupf("class %d", c);
    size_t row = 0;
    for (int g = 0; g < s->groups; g++) {
        m.group_labels[g] = sg_strdupf("P%d", g);
        for (int c = 0; c < s->classes; c++)
            for (int k = 0; k < s->tally[g][c]; k++, row++) {
                m.rows[row] = (sg_manifest_row){
                        .path = sg_strdupf("%zu.png", row), .class_index = c, .group = g};
                (void)snprintf(m.rows[row].sha256, SG_SHA256_HEX, "%064zx", row);
            }
    }
    return m;
}

/* Largest distance of a class count from its share; infinite where a bin lacks a class. */
static double distance_of(const set *s, double counts[MAX_BINS][MAX_CLASSES]) {
    double worst = 0;
    for (int c = 0; c < s->classes; c++) {
        double total = 0;
        for (int b = 0; b < s->bins; b++) total += counts[b][c];
        for (int b = 0; b < s->bins; b++) {
            if (counts[b][c] <= 0) return INFINITY;
            double distance = fabs(counts[b][c] - s->shares[b] * total);
            worst = distance > worst ? distance : worst;
        }
    }
    return worst;
}

static double best_possible(const set *s) {
    double best = INFINITY;
    long ways = 1;
    for (int g = 0; g < s->groups; g++) ways *= s->bins;
    for (long way = 0; way < ways; way++) {
        double counts[MAX_BINS][MAX_CLASSES] = {{0}};
        long rest = way;
        for (int g = 0; g < s->groups; g++, rest /= s->bins)
            for (int c = 0; c < s->classes; c++) counts[rest % s->bins][c] += s->tally[g][c];
        double distance = distance_of(s, counts);
        best = distance < best ? distance : best;
    }
    return best;
}

/* The split's own distance; infinite where it was refused. */
static double found_distance(const set *s, bool folds, uint64_t seed) {
    sg_error err = SG_ERROR_INIT;
    sg_manifest m = manifest_of(s);
    sg_split split;
    const sg_split_options options = {.seed = seed};
    sg_status status = folds ? sg_split_make_folds(&split, &m, s->bins, &options, &err)
                             : sg_split_make_parts(&split, &m, s->shares, &options, &err);
    double distance = INFINITY;
    if (status) {
        assert_int_equal(status, SG_ERR_INPUT);
    } else {
        size_t found[MAX_BINS * MAX_CLASSES];
        double counts[MAX_BINS][MAX_CLASSES];
        sg_split_count(found, &split, &m);
        for (int b = 0; b < s->bins; b++)
            for (int c = 0; c < s->classes; c++) counts[b][c] = (double)found[b * s->classes + c];
        distance = distance_of(s, counts);
        sg_split_dispose(&split);
    }
    sg_manifest_dispose(&m);
    return distance;
}

/* Groups of one class or of several, sizes up to `largest`, every class present. */
static set draw_set(sg_rng *rng, int bins, int largest) {
    set s = {.bins = bins, .classes = 2 + (int)sg_rng_below(rng, 2)};
    int most = bins == 4 ? 7 : MAX_GROUPS;
    s.groups = most - (int)sg_rng_below(rng, 4);
    for (int g = 0; g < s.groups; g++) {
        int main_class = g < s.classes ? g : (int)sg_rng_below(rng, (uint32_t)s.classes);
        s.tally[g][main_class] = 1 + (int)sg_rng_below(rng, (uint32_t)largest);
        if (sg_rng_below(rng, 4) == 0)
            s.tally[g][(main_class + 1) % s.classes] += 1 + (int)sg_rng_below(rng, 2);
    }
    return s;
}

static void check_set(const set *s, bool folds, uint32_t number) {
    double best = best_possible(s), found = found_distance(s, folds, number);
    if (isinf(best) && isinf(found)) return;
    if (found <= best + 1 + 1e-9) return;
    for (int g = 0; g < s->groups; g++)
        print_error("group %d: %d %d %d\n", g, s->tally[g][0], s->tally[g][1], s->tally[g][2]);
    fail_msg("set %u, %d bins: a class count is %g from its share where %g is possible", number,
            s->bins, found, best);
}

static void folds_reach_the_best(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 240; i++) {
        sg_rng rng = sg_rng_make(11, SG_RNG_TEST, i, 0);
        set s = draw_set(&rng, 2 + (int)(i % 3), 1 + (int)(i % 7));
        for (int b = 0; b < s.bins; b++) s.shares[b] = 1.0 / s.bins;
        check_set(&s, true, i);
    }
}

static void parts_reach_the_best(void **state) {
    (void)state;
    static const double shares[][SG_PART_COUNT] = {{0.7, 0.15, 0.15}, {0.6, 0.2, 0.2}};
    for (uint32_t i = 0; i < 160; i++) {
        sg_rng rng = sg_rng_make(12, SG_RNG_TEST, i, 0);
        set s = draw_set(&rng, SG_PART_COUNT, 1 + (int)(i % 7));
        for (int b = 0; b < s.bins; b++) s.shares[b] = shares[i % 2][b];
        check_set(&s, false, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(folds_reach_the_best),
            cmocka_unit_test(parts_reach_the_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
