/* population.c - see population.h. SPDX-License-Identifier: Apache-2.0 */
#include "support/population.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void make_space(sg_space *space, size_t params, const char *line) {
    memset(space, 0, sizeof *space);
    for (size_t i = 0; i < params; i++) {
        const char name[2] = {(char)('x' + i), '\0'};
        if (sg_space_add(space, name, line, NULL)) abort();
    }
}

static double toy_q(const double *theta) {
    return 1.2 - theta[0] * theta[0] - theta[1] * theta[1];
}

double toy_population(uint64_t seed, bool exploit, bool explore) {
    double theta[2][2] = {{0.9, 0.9}, {0.9, 0.9}}, h[2][SG_SPACE_MAX] = {{1, 0}, {0, 1}};
    sg_pbt_options options = SG_PBT_OPTIONS_INIT;
    options.seed = seed;
    options.additive = 0.1;
    sg_space space;
    make_space(&space, 2, "float 0 100");
    for (int step = 1; step <= 200; step++) {
        for (int m = 0; m < 2; m++)
            for (int k = 0; k < 2; k++) theta[m][k] -= 0.01 * 2 * h[m][k] * theta[m][k];
        if (step % 5) continue;
        const double scores[2] = {-toy_q(theta[0]), -toy_q(theta[1])};
        size_t parent[2] = {0, 1};
        if (exploit && !sg_pbt_select(parent, scores, 2, step / 5, &options)) abort();
        for (size_t m = 0; m < 2; m++) {
            memcpy(theta[m], theta[parent[m]], sizeof theta[m]);
            memcpy(h[m], h[parent[m]], sizeof h[m]);
            if (explore && (parent[m] != m || !exploit))
                sg_pbt_explore(h[m], &space, h[m], m, step / 5, &options);
        }
    }
    sg_space_dispose(&space);
    return fmax(toy_q(theta[0]), toy_q(theta[1]));
}

const char *const drift_names[DRIFT_METHODS] = {"random", "pbt", "pb2", "pb2-remembers"};

enum { MEMBERS = 8, ROUNDS_MAX = 100 };

static double optimum(int round) {
    return 0.5 + 0.4 * sin(2 * 3.14159265358979323846 * round / 100);
}

static void draw_points(double *points, uint64_t seed, int round) {
    for (uint32_t m = 0; m < MEMBERS; m++) {
        sg_rng rng = sg_rng_make(seed, SG_RNG_TEST, (uint32_t)round, m);
        points[m * SG_SPACE_MAX] = sg_rng_uniform(&rng);
    }
}

double drift_regret(drift_method method, uint64_t seed, int rounds) {
    sg_space space;
    make_space(&space, 1, "float 0 1");
    sg_pbt_options options = SG_PBT_OPTIONS_INIT;
    options.seed = seed;
    options.model = method == DRIFT_PB2 || method == DRIFT_PB2_REMEMBERS;
    options.forgets = method == DRIFT_PB2;
    if (options.model) options.resample = 0.05;
    double score[MEMBERS] = {0}, before[MEMBERS], regret = 0;
    size_t parents[MEMBERS];
    double *points = calloc(MEMBERS * SG_SPACE_MAX, sizeof *points);
    sg_stretch *history = calloc(MEMBERS * ROUNDS_MAX, sizeof *history);
    if (!points || !history) abort();
    draw_points(points, seed, 0);
    for (int t = 0; t < rounds; t++) {
        memcpy(before, score, sizeof score);
        for (size_t m = 0; m < MEMBERS; m++) parents[m] = m;
        if (t && method == DRIFT_RANDOM)
            draw_points(points, seed, t);
        else if (t && sg_pbt_next(parents, points, &space, history, (size_t)t * MEMBERS, MEMBERS, t,
                              &options, NULL))
            regret = NAN;
        for (size_t m = 0; m < MEMBERS; m++) {
            double *point = points + m * SG_SPACE_MAX, miss = point[0] - optimum(t);
            score[m] = before[parents[m]] + miss * miss;
            regret += miss * miss / MEMBERS;
            sg_stretch *s = &history[(size_t)t * MEMBERS + m];
            *s = (sg_stretch){
                    .member = m, .parent = parents[m], .generation = t, .score = score[m]};
            memcpy(s->point, point, sizeof s->point);
        }
    }
    free(history);
    free(points);
    sg_space_dispose(&space);
    return regret;
}
