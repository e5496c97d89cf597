/* space.c - see space.h. SPDX-License-Identifier: Apache-2.0 */
#include "tune/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sg_space_dispose(sg_space *space) {
    for (size_t i = 0; i < space->count; i++) {
        free(space->params[i].name);
        for (size_t k = 0; k < space->params[i].choice_count; k++)
            free(space->params[i].choices[k]);
        free(space->params[i].choices);
    }
    for (size_t i = 0; i < space->fixed_count; i++) {
        free(space->fixed[i].name);
        free(space->fixed[i].value);
    }
    memset(space, 0, sizeof *space);
}

int sg_space_find(const sg_space *space, const char *name) {
    for (size_t i = 0; i < space->count; i++)
        if (strcmp(space->params[i].name, name) == 0) return (int)i;
    return -1;
}

static double clamp(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static bool has_choices(const sg_dimension *p) {
    return p->kind == SG_PARAM_CHOICE || p->kind == SG_PARAM_ORDERED;
}

/* Whole numbers own equal shares of [low - 0.5, high + 0.5] on their scale. */
static double scaled_low(const sg_dimension *p) {
    double low = p->kind == SG_PARAM_INT ? p->low - 0.5 : p->low;
    return p->log ? log(low) : low;
}
static double scaled_high(const sg_dimension *p) {
    double high = p->kind == SG_PARAM_INT ? p->high + 0.5 : p->high;
    return p->log ? log(high) : high;
}

static double value_at(const sg_dimension *p, double unit) {
    double u = clamp(unit, 0, 1);
    if (has_choices(p))
        return fmin(floor(u * (double)p->choice_count), (double)p->choice_count - 1);
    double x = scaled_low(p) + u * (scaled_high(p) - scaled_low(p));
    if (p->log) x = exp(x);
    if (p->kind == SG_PARAM_INT) x = round(x);
    return clamp(x, p->low, p->high);
}

static double unit_of(const sg_dimension *p, double value) {
    if (has_choices(p)) return (value + 0.5) / (double)p->choice_count;
    double span = scaled_high(p) - scaled_low(p);
    if (!(span > 0)) return 0.5;
    return clamp(((p->log ? log(value) : value) - scaled_low(p)) / span, 0, 1);
}

/* Parents come before their children, so one pass in order settles every condition. */
bool sg_space_active(const sg_space *space, const double *point, size_t i) {
    const sg_dimension *p = &space->params[i];
    if (p->parent < 0) return true;
    double parent = point[p->parent];
    return !isnan(parent) && (p->parent_values >> (unsigned)parent & 1u);
}

void sg_space_from_unit(const sg_space *space, const double *unit, double *point) {
    for (size_t i = 0; i < space->count; i++)
        point[i] = sg_space_active(space, point, i) ? value_at(&space->params[i], unit[i]) : NAN;
}

void sg_space_to_unit(const sg_space *space, const double *point, double *unit) {
    for (size_t i = 0; i < space->count; i++)
        unit[i] = isnan(point[i]) ? 0.5 : unit_of(&space->params[i], point[i]);
}

bool sg_space_equal(const sg_space *space, const double *a, const double *b) {
    for (size_t i = 0; i < space->count; i++)
        if (isnan(a[i]) ? !isnan(b[i]) : a[i] != b[i]) return false;
    return true;
}

size_t sg_space_width(const sg_space *space) {
    size_t width = 0;
    for (size_t i = 0; i < space->count; i++)
        width += space->params[i].kind == SG_PARAM_CHOICE ? space->params[i].choice_count : 1;
    return width;
}

void sg_space_features(const sg_space *space, const double *point, double *features) {
    size_t at = 0;
    for (size_t i = 0; i < space->count; i++) {
        const sg_dimension *p = &space->params[i];
        if (p->kind == SG_PARAM_CHOICE) {
            for (size_t k = 0; k < p->choice_count; k++)
                features[at++] = !isnan(point[i]) && (size_t)point[i] == k ? sqrt(0.5) : 0;
        } else if (isnan(point[i])) {
            features[at++] = 0.5;
        } else if (p->kind == SG_PARAM_ORDERED) {
            features[at++] = p->choice_count > 1 ? point[i] / (double)(p->choice_count - 1) : 0.5;
        } else {
            features[at++] = unit_of(p, point[i]);
        }
    }
}
