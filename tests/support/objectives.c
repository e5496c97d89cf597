/* objectives.c - see objectives.h. SPDX-License-Identifier: Apache-2.0 */
#include "support/objectives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static double branin(const double *x) {
    double a = x[1] - 5.1 / (4 * pi * pi) * x[0] * x[0] + 5 / pi * x[0] - 6;
    return a * a + 10 * (1 - 1 / (8 * pi)) * cos(x[0]) + 10;
}

static double hartmann6(const double *x) {
    static const double alpha[4] = {1.0, 1.2, 3.0, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14},
            {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
            {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
            {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
            {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double inner = 0;
        for (int j = 0; j < 6; j++) inner += a[i][j] * (x[j] - p[i][j]) * (x[j] - p[i][j]);
        sum += alpha[i] * exp(-inner);
    }
    return -sum;
}

static double ackley5(const double *x) {
    double squares = 0, waves = 0;
    for (int i = 0; i < 5; i++) {
        squares += x[i] * x[i];
        waves += cos(2 * pi * x[i]);
    }
    return 20 - 20 * exp(-0.2 * sqrt(squares / 5)) + exp(1) - exp(waves / 5);
}

static double rosenbrock4(const double *x) {
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
        sum += 100 * a * a + b * b;
    }
    return sum;
}

/* Branin over a float and a whole number, plus a choice that adds to it: only the second option is
 * free of charge. The minimum lies at x1 = 12 (bounded scalar search over x0 for each x1). */
static double mixed_branin(const double *x) {
    static const double charge[3] = {5, 0, 2};
    return branin(x) + charge[(size_t)x[2]];
}

const objective objectives[] = {
        {"branin", {"float -5 10", "float 0 15"}, branin, 0.39788735772973816, 10, 50},
        {"hartmann6",
                {"float 0 1", "float 0 1", "float 0 1", "float 0 1", "float 0 1", "float 0 1"},
                hartmann6, -3.322368011391339, 12, 100},
        {"ackley5", {"float -5 10", "float -5 10", "float -5 10", "float -5 10", "float -5 10"},
                ackley5, 0, 10, 100},
        {"rosenbrock4", {"float -5 10", "float -5 10", "float -5 10", "float -5 10"}, rosenbrock4,
                0, 10, 100},
        {"mixed-branin", {"float -5 10", "int 0 15", "choice a b c"}, mixed_branin,
                0.4323359532492912, 10, 50},
        {NULL, {NULL}, NULL, 0, 0, 0},
};

const objective *objective_find(const char *name) {
    for (const objective *o = objectives; o->name; o++)
        if (strcmp(o->name, name) == 0) return o;
    fprintf(stderr, "no objective '%s'\n", name);
    exit(2);
}

void objective_space(sg_space *space, const objective *o) {
    sg_error err = SG_ERROR_INIT;
    memset(space, 0, sizeof *space);
    for (int i = 0; o->lines[i]; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        if (sg_space_add(space, name, o->lines[i], &err)) {
            fprintf(stderr, "%s: %s\n", o->name, err.message);
            exit(2);
        }
    }
}
