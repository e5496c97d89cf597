/* search.c - searches on functions with known minima, for bench/search_run.
 *   search designs            the initial designs: every method starts from the same points
 *   search run METHOD SEED    every objective: function,method,seed,evaluation,value
 *   search toy                the toy of population-based training: kind,seed,quality
 *   search drift METHOD SEED  the optimum that moves: method,seed,regret
 *   search noise              what noisy trials are told: error of importances, loss of the best
 *   search cost               milliseconds of one proposal at 200 trials, 10 parameters
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "support/objectives.h"
#include "support/population.h"
#include "tune/importance.h"
#include "tune/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIALS_MAX = 256, SEEDS = 30 };

static sg_trial trials[TRIALS_MAX];

static void die(const sg_error *err) {
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void designs(void) {
    printf("function,seed,evaluation,parameter,value\n");
    for (const objective *o = objectives; o->name; o++) {
        sg_space space;
        sg_error err = SG_ERROR_INIT;
        objective_space(&space, o);
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            for (size_t i = 0; i < o->startup; i++) {
                sg_sampler_options options = {SG_SAMPLER_SOBOL, seed, 0};
                double point[SG_SPACE_MAX];
                if (sg_propose(point, &space, NULL, 0, i, &options, &err)) die(&err);
                for (size_t k = 0; k < space.count; k++)
                    printf("%s,%d,%zu,%zu,%.17g\n", o->name, (int)seed, i, k, point[k]);
            }
        sg_space_dispose(&space);
    }
}

static void run_one(const objective *o, const char *method, sg_sampler kind, uint64_t seed) {
    sg_space space;
    sg_error err = SG_ERROR_INIT;
    /* Random search too begins with the common design. */
    objective_space(&space, o);
    for (size_t i = 0; i < o->evaluations; i++) {
        sg_sampler_options options = {i < o->startup ? SG_SAMPLER_SOBOL : kind, seed, o->startup};
        if (sg_propose(trials[i].point, &space, trials, i, i, &options, &err)) die(&err);
        trials[i].value = o->value(trials[i].point);
        trials[i].state = SG_TRIAL_COMPLETE;
        printf("%s,%s,%d,%zu,%.17g\n", o->name, method, (int)seed, i, trials[i].value);
    }
    sg_space_dispose(&space);
}

static int run(const char *method, uint64_t seed) {
    static const char *const names[] = {"random", "sobol", "gp", "tpe"};
    for (int kind = 0; kind < 4; kind++) {
        if (strcmp(names[kind], method) != 0) continue;
        for (const objective *o = objectives; o->name; o++)
            run_one(o, method, (sg_sampler)kind, seed);
        return 0;
    }
    fprintf(stderr, "no method '%s'\n", method);
    return 2;
}

enum { TOY_SEEDS = 200 };

static void toy(void) {
    for (uint64_t seed = 1; seed <= TOY_SEEDS; seed++) {
        printf("both,%d,%.17g\n", (int)seed, toy_population(seed, true, true));
        printf("explore,%d,%.17g\n", (int)seed, toy_population(seed, false, true));
        printf("exploit,%d,%.17g\n", (int)seed, toy_population(seed, true, false));
    }
}

static int drift(const char *method, uint64_t seed) {
    for (int m = 0; m < DRIFT_METHODS; m++) {
        if (strcmp(drift_names[m], method) != 0) continue;
        printf("%s,%d,%.17g\n", method, (int)seed, drift_regret((drift_method)m, seed, 100));
        return 0;
    }
    fprintf(stderr, "no method '%s'\n", method);
    return 2;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* the machine may be doing other work */
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void cost(void) {
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", i);
        if (sg_space_add(&space, name, "float 0 1", &err)) die(&err);
    }
    sg_sampler_options sobol = {SG_SAMPLER_SOBOL, 1, 0};
    for (size_t i = 0; i < 200; i++) {
        if (sg_propose(trials[i].point, &space, NULL, 0, i, &sobol, &err)) die(&err);
        double sum = 0;
        for (int k = 0; k < 10; k++) sum += sin(3 * trials[i].point[k]) * (k + 1);
        trials[i].value = sum;
        trials[i].state = SG_TRIAL_COMPLETE;
    }
    double least = INFINITY;
    for (size_t round = 0; round < 10; round++) {
        double point[SG_SPACE_MAX], begin = now();
        if (sg_propose_gp(point, &space, trials, 200, 200 + round, 1, &err)) die(&err);
        least = fmin(least, now() - begin);
    }
    printf("%.1f\n", least);
    sg_space_dispose(&space);
}

/* A parabola of one parameter, a line of another, two idle; variances over the unit cube. */
static const double share_of_parabola = 0.757844, share_of_line = 0.242156, deviation = 0.703957;

static double parabola_and_line(const double *x) {
    return 6.5 * (x[0] - 0.6) * (x[0] - 0.6) + 1.2 * x[1];
}

static void draw_noisy(size_t count, double noise, sg_rng *rng) {
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < 4; k++) trials[i].point[k] = sg_rng_uniform(rng);
        trials[i].value = parabola_and_line(trials[i].point) + noise * sg_rng_normal(rng);
        trials[i].state = SG_TRIAL_COMPLETE;
    }
}

/* What the point that the model names loses to the best of those tried. */
static double loss_of_named(const sg_space *space, size_t count) {
    long named;
    double least = INFINITY;
    sg_error err = SG_ERROR_INIT;
    if (sg_best_by_model(&named, NULL, NULL, space, trials, count, 1, &err)) die(&err);
    for (size_t i = 0; i < count; i++) least = fmin(least, parabola_and_line(trials[i].point));
    return parabola_and_line(trials[named].point) - least;
}

static void noise(void) {
    enum { DRAWS = 48 };
    static const double levels[] = {0, 0.3, 0.7, 1.2};
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    for (int k = 0; k < 4; k++)
        if (sg_space_add(&space, (const char[]){(char)('a' + k), '\0'}, "float 0 1", &err))
            die(&err);
    printf("trials,noise,shares off by,loss of the named\n");
    for (size_t count = 12; count <= 30; count += 18)
        for (size_t level = 0; level < sizeof levels / sizeof *levels; level++) {
            double off = 0, loss = 0;
            for (uint32_t draw = 0; draw < DRAWS; draw++) {
                sg_rng rng = sg_rng_make(100 + draw, SG_RNG_SEARCH, 2, 3);
                sg_importance of[4];
                draw_noisy(count, levels[level] * deviation, &rng);
                if (sg_importance_measure(of, &space, trials, count, 1, &err)) die(&err);
                off += fabs(of[0].share - share_of_parabola) + fabs(of[1].share - share_of_line) +
                       of[2].share + of[3].share;
                loss += loss_of_named(&space, count) / deviation;
            }
            printf("%zu,%g,%.2f,%.2f\n", count, levels[level], off / DRAWS, loss / DRAWS);
        }
    sg_space_dispose(&space);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "designs") == 0) return designs(), 0;
    if (argc == 2 && strcmp(argv[1], "cost") == 0) return cost(), 0;
    if (argc == 2 && strcmp(argv[1], "noise") == 0) return noise(), 0;
    if (argc == 2 && strcmp(argv[1], "toy") == 0) return toy(), 0;
    uint64_t seed = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (seed && strcmp(argv[1], "run") == 0) return run(argv[2], seed);
    if (seed && strcmp(argv[1], "drift") == 0) return drift(argv[2], seed);
    fprintf(stderr, "search designs | run METHOD SEED | toy | drift METHOD SEED | noise | cost\n");
    return 2;
}
