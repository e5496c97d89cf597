/* space.h - what a search may vary: named parameters with bounds or choices, conditions, and values
 * held fixed.
 *
 * One parameter is one line of text, the same in a YAML file and on the command line:
 *     float LOW HIGH [log]          int LOW HIGH [log]
 *     choice A B ...                unordered
 *     ordered A B ...               numbers in order (batch 8 16 32 64); searched as neighbours
 *     fixed VALUE
 * followed, except for fixed, by an optional condition: "if OTHER = A B", where OTHER is a choice
 * or ordered parameter named earlier. A parameter whose condition does not hold is inactive. Values
 * that hold commas or blanks stand between quotes: choice '3,4,6,3' '2,2,2,2'.
 *
 * A point is one double per parameter: the number itself (float, int), the index of the choice, or
 * NaN where the parameter is inactive. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TUNE_SPACE_H
#define SG_TUNE_SPACE_H

#include "base/str.h"
#include "base/yaml.h"
#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_SPACE_MAX = 40, SG_CHOICES_MAX = 32 };

typedef enum sg_dimension_kind {
    SG_PARAM_FLOAT,
    SG_PARAM_INT,
    SG_PARAM_CHOICE,
    SG_PARAM_ORDERED
} sg_dimension_kind;

typedef struct sg_dimension {
    char *name;
    sg_dimension_kind kind;
    double low, high; /* float, int: both ends belong to the range */
    bool log;
    char **choices; /* choice, ordered: text as it was written */
    size_t choice_count;
    int parent;             /* index of the parameter of its condition; -1 = always active */
    uint32_t parent_values; /* bit i: active when the parent has choice i */
} sg_dimension;

typedef struct sg_fixed {
    char *name, *value;
} sg_fixed;

typedef struct sg_space {
    sg_dimension params[SG_SPACE_MAX];
    size_t count;
    sg_fixed fixed[SG_SPACE_MAX];
    size_t fixed_count;
} sg_space;

/* Adds one parameter; `text` as above. SG_ERR_USAGE names `name` and what is wrong: bounds
 * reversed, log of a number that is not positive, no or doubled choices, an unknown or later
 * parent, a name used twice. */
SG_MUST_CHECK sg_status sg_space_add(
        sg_space *space, const char *name, const char *text, sg_error *err);
/* Every entry of a settings file ("lr: float 1e-5 1e-2 log"); errors name file and line.
 * SG_ERR_USAGE also where it is no such file; SG_ERR_MISSING. */
SG_MUST_CHECK sg_status sg_space_read(sg_space *space, const char *path, sg_error *err);
void sg_space_dispose(sg_space *space);

/* Index, or -1. */
int sg_space_find(const sg_space *space, const char *name);
/* The parameter as text, as sg_space_add takes it. */
void sg_dimension_put(sg_str *out, const sg_space *space, size_t i);
/* A value as it stands in such a line, between quotes where it needs them. */
void sg_space_put_word(sg_str *out, const char *word);
/* A value as `train` takes it: a number with 12 significant digits, or the choice's text. */
void sg_dimension_value_put(sg_str *out, const sg_dimension *param, double value);

/* Maps one number in [0, 1] per parameter to a point: log scales, whole numbers, equal shares for
 * choices; inactive parameters become NaN. */
void sg_space_from_unit(const sg_space *space, const double *unit, double *point);
/* Back again: the middle of a choice's or whole number's share; 0.5 where inactive. */
void sg_space_to_unit(const sg_space *space, const double *point, double *unit);
bool sg_space_active(const sg_space *space, const double *point, size_t i);
/* Same values everywhere, inactive parameters included. */
bool sg_space_equal(const sg_space *space, const double *a, const double *b);

/* What the Gaussian process sees: float, int, ordered one coordinate in [0, 1] on their scale, a
 * choice one coordinate per option (0 or 1/sqrt 2, so that two choices lie at distance 1).
 * Inactive: 0.5. */
size_t sg_space_width(const sg_space *space);
void sg_space_features(const sg_space *space, const double *point, double *features);

#endif
