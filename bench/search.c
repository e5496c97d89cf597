/* search.c - searches on functions with known minima, for bench/search_run.
 *   search designs            the initial designs: every method starts from the same points
 *   search run METHOD SEED    every objective: function,method,seed,evaluation,value
 *   search toy                the toy of population-based training: kind,seed,quality
 *   search drift METHOD SEED  the optimum that moves: method,seed,regret
 *   search cost               milliseconds of one proposal at 200 trials, 10 parameters
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/objectives.h"
#include "support/population.h"
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

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "designs") == 0) return designs(), 0;
    if (argc == 2 && strcmp(argv[1], "cost") == 0) return cost(), 0;
    if (argc == 2 && strcmp(argv[1], "toy") == 0) return toy(), 0;
    uint64_t seed = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (seed && strcmp(argv[1], "run") == 0) return run(argv[2], seed);
    if (seed && strcmp(argv[1], "drift") == 0) return drift(argv[2], seed);
    fprintf(stderr, "search designs | run METHOD SEED | toy | drift METHOD SEED | cost\n");
    return 2;
}
