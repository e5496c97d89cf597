/* objectives.h - functions with known minima, for searches: the unit cube or named choices in, one
 * number out. Surjanovic and Bingham, Virtual Library of Simulation Experiments.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_OBJECTIVES_H
#define SG_TESTS_OBJECTIVES_H

#include "tune/space.h"

typedef struct objective {
    const char *name;
    const char *lines[8]; /* parameter lines x0, x1, ...; NULL-terminated */
    double (*value)(const double *point);
    double minimum;
    size_t startup, evaluations;
} objective;

/* branin, hartmann6, ackley5, rosenbrock4, mixed-branin; ends with a NULL name. */
extern const objective objectives[];

/* Fails the running program when the name is unknown. */
const objective *objective_find(const char *name);
void objective_space(sg_space *space, const objective *o);

#endif
