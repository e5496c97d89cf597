/* importance.c - see importance.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/importance.h"

#include "tune/sobol.h"
#include "tune/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 256 };

/* The model, and the points over which it is averaged. */
typedef struct field {
    sg_surrogate s;
    sg_sobol sobol;
} field;

static sg_status open_field(field *f, const sg_space *space, const sg_trial *trials, size_t count,
        uint64_t seed, sg_error *err) {
    sg_sobol_init(&f->sobol, space->count);
    return sg_surrogate_fit(&f->s, space, trials, count, NULL, seed, err);
}

static double mean_at(sg_surrogate *s, const double *unit) {
    double point[SG_SPACE_MAX], x[SG_GP_WIDTH_MAX], mean, variance;
    sg_space_from_unit(s->space, unit, point);
    sg_surrogate_features(s, point, x);
    sg_gp_predict(&s->gp, x, &mean, &variance, NULL, NULL);
    return mean;
}

/* Equal shares of the unit interval; a level is read at the middle of its share. */
static size_t level_count(const sg_dimension *p) {
    return p->choice_count ? p->choice_count : SG_IMPORTANCE_LEVELS;
}

static double total_variance(field *f) {
    double sum = 0, squares = 0;
    for (uint32_t k = 0; k < POINTS; k++) {
        double unit[SG_SPACE_MAX];
        sg_sobol_point(unit, &f->sobol, k + 1);
        double m = mean_at(&f->s, unit);
        sum += m;
        squares += m * m;
    }
    return squares / POINTS - sum / POINTS * (sum / POINTS);
}

static void measure_one(sg_importance *out, field *f, size_t i, double total) {
    sg_surrogate *s = &f->s;
    const sg_dimension *p = &s->space->params[i];
    double sum = 0, squares = 0;
    out->levels = level_count(p);
    for (size_t level = 0; level < out->levels; level++) {
        double mean = 0, unit[SG_SPACE_MAX];
        for (uint32_t k = 0; k < POINTS; k++) {
            sg_sobol_point(unit, &f->sobol, k + 1);
            unit[i] = ((double)level + 0.5) / (double)out->levels;
            mean += mean_at(s, unit) / POINTS;
        }
        out->effect[level] = s->center + s->scale * mean;
        sum += mean;
        squares += mean * mean;
    }
    double n = (double)out->levels, variance = squares / n - sum / n * (sum / n);
    out->share = total > 1e-12 ? fmin(1, fmax(0, variance / total)) : 0;
}

/* The value a level stands for does not depend on the condition of the parameter. */
static void fill_values(sg_importance *out, const sg_space *space, size_t i) {
    sg_space alone = {.count = 1};
    alone.params[0] = space->params[i];
    alone.params[0].parent = -1;
    for (size_t level = 0; level < out->levels; level++) {
        double unit = ((double)level + 0.5) / (double)out->levels;
        sg_space_from_unit(&alone, &unit, &out->at[level]);
    }
}

sg_status sg_importance_measure(sg_importance *out, const sg_space *space, const sg_trial *trials,
        size_t count, uint64_t seed, sg_error *err) {
    field f;
    sg_status st = open_field(&f, space, trials, count, seed, err);
    if (st) return st;
    double total = total_variance(&f);
    for (size_t i = 0; i < space->count; i++) {
        measure_one(&out[i], &f, i, total);
        fill_values(&out[i], space, i);
    }
    sg_surrogate_dispose(&f.s);
    return SG_OK;
}

sg_status sg_importance_map(double *effect, const sg_space *space, const sg_trial *trials,
        size_t count, size_t i, size_t j, uint64_t seed, sg_error *err) {
    enum { FEW = 64 };
    field f;
    sg_status st = open_field(&f, space, trials, count, seed, err);
    if (st) return st;
    size_t rows = level_count(&space->params[i]), columns = level_count(&space->params[j]);
    for (size_t cell = 0; cell < rows * columns; cell++) {
        double mean = 0, unit[SG_SPACE_MAX];
        for (uint32_t k = 0; k < FEW; k++) {
            sg_sobol_point(unit, &f.sobol, k + 1);
            unit[i] = ((double)(cell / columns) + 0.5) / (double)rows;
            unit[j] = ((double)(cell % columns) + 0.5) / (double)columns;
            mean += mean_at(&f.s, unit) / FEW;
        }
        effect[cell] = f.s.center + f.s.scale * mean;
    }
    sg_surrogate_dispose(&f.s);
    return SG_OK;
}
