/* recipe_json.c - one table of the recipe's fields makes its JSON, its checks and its equality.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/recipe.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef enum kind { INT, REAL, BOOL, NAME, TRIPLE } kind;

typedef struct field {
    const char *key;
    kind kind;
    size_t offset;
    const char *names; /* of NAME: "a|b|c" */
    double low, high;  /* of INT, REAL, TRIPLE */
} field;

#define AT(member) offsetof(sg_recipe, member)
static const field fields[] = {
        {"size", INT, AT(size), NULL, 8, 4096},
        {"fit", NAME, AT(fit), SG_FIT_NAMES, 0, 0},
        {"crop", BOOL, AT(crop), NULL, 0, 0},
        {"despeckle", NAME, AT(despeckle), SG_DESPECKLE_NAMES, 0, 0},
        {"median_size", INT, AT(median_size), NULL, 3, 5},
        {"srad_iterations", INT, AT(srad.iterations), NULL, 0, 1000},
        {"srad_dt", REAL, AT(srad.dt), NULL, 1e-6, 1},
        {"srad_rho", REAL, AT(srad.rho), NULL, 0, 10},
        {"srad_q0", REAL, AT(srad.q0), NULL, 0, 10},
        {"contrast", NAME, AT(contrast), SG_CONTRAST_NAMES, 0, 0},
        {"clahe_clip", REAL, AT(clahe_clip), NULL, 1e-6, 256},
        {"clahe_tiles", INT, AT(clahe_tiles), NULL, 1, 64},
        {"filter", NAME, AT(filter), SG_FILTER_NAMES, 0, 0},
        {"channels", INT, AT(channels), NULL, 1, 3},
        {"mean", TRIPLE, AT(mean), NULL, -10, 10},
        {"std", TRIPLE, AT(std), NULL, 1e-6, 10},
};
#undef AT
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };
_Static_assert(sizeof(sg_fit) == sizeof(int), "names are stored as int");

/* ---- access by offset ---- */

static int get_int(const sg_recipe *r, const field *f) {
    int v;
    memcpy(&v, (const char *)r + f->offset, sizeof v);
    return v;
}

static double get_real(const sg_recipe *r, const field *f) {
    double v;
    memcpy(&v, (const char *)r + f->offset, sizeof v);
    return v;
}

static bool get_bool(const sg_recipe *r, const field *f) {
    bool v;
    memcpy(&v, (const char *)r + f->offset, sizeof v);
    return v;
}

static void get_triple(float out[3], const sg_recipe *r, const field *f) {
    memcpy(out, (const char *)r + f->offset, 3 * sizeof *out);
}

static void put(sg_recipe *r, const field *f, const void *value, size_t size) {
    memcpy((char *)r + f->offset, value, size);
}

/* ---- names ---- */

/* Name `index` of "a|b|c": start and length, 0 when there is none. */
static size_t nth_name(const char **start, const char *names, int index) {
    for (; index > 0; index--) {
        names = strchr(names, '|');
        if (!names) return 0;
        names++;
    }
    *start = names;
    return strcspn(names, "|");
}

static int find_name(const char *names, const char *wanted) {
    const char *start = NULL;
    size_t length;
    for (int i = 0; (length = nth_name(&start, names, i)) > 0; i++)
        if (strlen(wanted) == length && !memcmp(start, wanted, length)) return i;
    return -1;
}

/* ---- checks ---- */

static bool in_range(double v, const field *f) {
    return isfinite(v) && v >= f->low && v <= f->high;
}

static sg_status out_of_range(const field *f, double v, sg_error *err) {
    return sg_fail(err, SG_ERR_USAGE, "'%s' of a recipe lies in %g..%g, not %g", f->key, f->low,
            f->high, v);
}

static sg_status check_field(const sg_recipe *r, const field *f, sg_error *err) {
    const char *start = NULL;
    float triple[3] = {0};
    switch (f->kind) {
    case INT:
        if (!in_range(get_int(r, f), f)) return out_of_range(f, get_int(r, f), err);
        break;
    case REAL:
        if (!in_range(get_real(r, f), f)) return out_of_range(f, get_real(r, f), err);
        break;
    case NAME:
        if (get_int(r, f) < 0 || !nth_name(&start, f->names, get_int(r, f)))
            return sg_fail(err, SG_ERR_USAGE, "'%s' of a recipe is none of %s", f->key, f->names);
        break;
    case TRIPLE:
        get_triple(triple, r, f);
        for (int i = 0; i < 3; i++)
            if (!in_range(triple[i], f)) return out_of_range(f, triple[i], err);
        break;
    case BOOL:
        break;
    }
    return SG_OK;
}

sg_status sg_recipe_check(const sg_recipe *recipe, sg_error *err) {
    for (int i = 0; i < FIELD_COUNT; i++) {
        sg_status status = check_field(recipe, &fields[i], err);
        if (status) return status;
    }
    if (recipe->median_size == 4)
        return sg_fail(err, SG_ERR_USAGE, "'median_size' of a recipe is 3 or 5, not 4");
    if (recipe->channels == 2)
        return sg_fail(err, SG_ERR_USAGE, "'channels' of a recipe is 1 or 3, not 2");
    return SG_OK;
}

bool sg_recipe_equal(const sg_recipe *a, const sg_recipe *b) {
    float x[3] = {0}, y[3] = {0};
    for (int i = 0; i < FIELD_COUNT; i++) {
        const field *f = &fields[i];
        bool same = true;
        switch (f->kind) {
        case INT:
        case NAME:
            same = get_int(a, f) == get_int(b, f);
            break;
        case REAL:
            same = get_real(a, f) == get_real(b, f);
            break;
        case BOOL:
            same = get_bool(a, f) == get_bool(b, f);
            break;
        case TRIPLE:
            get_triple(x, a, f);
            get_triple(y, b, f);
            same = x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
            break;
        }
        if (!same) return false;
    }
    return true;
}

/* ---- JSON ---- */

/* A float as the round decimal it was written as, where there is one: files say 0.485. */
static double tidy(float v) {
    double rounded = round((double)v * 1e6) / 1e6;
    return (float)rounded == v ? rounded : (double)v;
}

static json_t *field_to_json(const sg_recipe *r, const field *f) {
    const char *start = NULL;
    float triple[3] = {0};
    size_t length;
    switch (f->kind) {
    case INT:
        return json_integer(get_int(r, f));
    case REAL:
        return json_real(get_real(r, f));
    case BOOL:
        return json_boolean(get_bool(r, f));
    case NAME:
        length = nth_name(&start, f->names, get_int(r, f));
        return json_stringn(start, length);
    case TRIPLE:
        get_triple(triple, r, f);
        return json_pack("[f,f,f]", tidy(triple[0]), tidy(triple[1]), tidy(triple[2]));
    }
    return NULL;
}

json_t *sg_recipe_to_json(const sg_recipe *recipe) {
    json_t *object = json_object();
    for (int i = 0; object && i < FIELD_COUNT; i++)
        if (json_object_set_new(object, fields[i].key, field_to_json(recipe, &fields[i]))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* False when the value has another type than the field. */
static bool field_from_json(sg_recipe *r, const field *f, const json_t *value) {
    json_int_t number = json_integer_value(value);
    double real = json_number_value(value);
    bool flag = json_is_true(value);
    float triple[3];
    int index;
    switch (f->kind) {
    case INT:
        if (!json_is_integer(value) || number < INT_MIN || number > INT_MAX) return false;
        index = (int)number;
        put(r, f, &index, sizeof index);
        return true;
    case REAL:
        put(r, f, &real, sizeof real);
        return json_is_number(value);
    case BOOL:
        put(r, f, &flag, sizeof flag);
        return json_is_boolean(value);
    case NAME:
        if (!json_is_string(value)) return false;
        index = find_name(f->names, json_string_value(value));
        put(r, f, &index, sizeof index);
        return index >= 0;
    case TRIPLE:
        if (json_array_size(value) != 3) return false;
        for (size_t i = 0; i < 3; i++) {
            const json_t *item = json_array_get(value, i);
            if (!json_is_number(item)) return false;
            triple[i] = (float)json_number_value(item);
        }
        put(r, f, triple, sizeof triple);
        return true;
    }
    return false;
}

static bool is_known(const char *key) {
    for (int i = 0; i < FIELD_COUNT; i++)
        if (!strcmp(fields[i].key, key)) return true;
    return false;
}

sg_status sg_recipe_from_json(sg_recipe *out, const json_t *object, sg_error *err) {
    if (!json_is_object(object)) return sg_fail(err, SG_ERR_FORMAT, "a recipe is a JSON object");
    for (void *at = json_object_iter((json_t *)object); at;
            at = json_object_iter_next((json_t *)object, at))
        if (!is_known(json_object_iter_key(at)))
            return sg_fail(err, SG_ERR_FORMAT,
                    "the recipe has an unknown field '%s'; it may come from a newer version",
                    json_object_iter_key(at));
    sg_recipe recipe = SG_RECIPE_INIT;
    for (int i = 0; i < FIELD_COUNT; i++) {
        const json_t *value = json_object_get(object, fields[i].key);
        if (!value)
            return sg_fail(err, SG_ERR_FORMAT, "the recipe lacks the field '%s'", fields[i].key);
        if (!field_from_json(&recipe, &fields[i], value))
            return sg_fail(err, SG_ERR_FORMAT, "the recipe's field '%s' is not what it must be%s%s",
                    fields[i].key, fields[i].names ? ": one of " : "",
                    fields[i].names ? fields[i].names : "");
    }
    if (sg_recipe_check(&recipe, err)) {
        if (err) err->code = SG_ERR_FORMAT;
        return SG_ERR_FORMAT;
    }
    *out = recipe;
    return SG_OK;
}
