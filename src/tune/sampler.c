/* sampler.c - random and Sobol' proposals, and who is asked when. SPDX-License-Identifier:
 * Apache-2.0 */
#include "tune/sampler.h"

#include "base/rng.h"
#include "tune/sobol.h"

#include <math.h>

static void propose_random(double *point, const sg_space *space, size_t number, uint64_t seed) {
    double unit[SG_SPACE_MAX];
    sg_rng rng = sg_rng_make(seed, SG_RNG_SEARCH, (uint32_t)number, 0);
    for (size_t i = 0; i < space->count; i++) unit[i] = sg_rng_uniform(&rng);
    sg_space_from_unit(space, unit, point);
}

static void propose_sobol(double *point, const sg_space *space, size_t number, uint64_t seed) {
    double unit[SG_SPACE_MAX];
    sg_sobol sobol;
    sg_sobol_init(&sobol, space->count);
    sg_sobol_scrambled(unit, &sobol, (uint32_t)number, seed);
    sg_space_from_unit(space, unit, point);
}

sg_status sg_propose(double *point, const sg_space *space, const sg_trial *trials, size_t count,
        size_t number, const sg_sampler_options *o, sg_error *err) {
    size_t finished = 0;
    for (size_t i = 0; i < count; i++) finished += isfinite(trials[i].value);
    bool model = o->kind == SG_SAMPLER_GP || o->kind == SG_SAMPLER_TPE;
    if (o->kind == SG_SAMPLER_RANDOM)
        propose_random(point, space, number, o->seed);
    else if (!model || number < o->startup || finished < 2)
        propose_sobol(point, space, number, o->seed);
    else if (o->kind == SG_SAMPLER_GP)
        return sg_propose_gp(point, space, trials, count, number, o->seed, err);
    else
        return sg_propose_tpe(point, space, trials, count, number, o->seed, err);
    return SG_OK;
}
