/* calibrator_json.c - see calibrator_json.h. SPDX-License-Identifier: Apache-2.0 */
#include "infer/calibrator_json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *numbers_json(const double *values, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_real(values[i]));
    return list;
}

static json_t *knots_json(const sg_calibrator *c, bool x) {
    json_t *list = json_array();
    for (size_t k = 0; k < c->classes; k++)
        json_array_append_new(
                list, numbers_json(x ? c->isotonic[k].x : c->isotonic[k].y, c->isotonic[k].count));
    return list;
}

json_t *sg_calibrator_to_json(const sg_calibrator *c, const char *fitted_on, size_t images) {
    json_t *section = json_pack("{s:f, s:s, s:I, s:s}", "temperature", c->temperature.value,
            "fitted_on", fitted_on, "images", (json_int_t)images, "kind",
            sg_calibrator_kind_name(c->kind));
    int failed = section == NULL;
    if (c->kind == SG_CALIBRATOR_VECTOR) {
        failed |=
                json_object_set_new(section, "weight", numbers_json(c->vector.weight, c->classes));
        failed |= json_object_set_new(section, "bias", numbers_json(c->vector.bias, c->classes));
    } else if (c->kind == SG_CALIBRATOR_ISOTONIC) {
        failed |= json_object_set_new(section, "x", knots_json(c, true));
        failed |= json_object_set_new(section, "y", knots_json(c, false));
    }
    if (!failed) return section;
    json_decref(section);
    return NULL;
}

/* ---- reading ---- */

/* values[n] from a list of exactly n finite numbers. */
static bool take_numbers(double *values, const json_t *list, size_t n) {
    if (json_array_size(list) != n) return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *number = json_array_get(list, i);
        values[i] = json_number_value(number);
        if (!json_is_number(number) || !isfinite(values[i])) return false;
    }
    return true;
}

static bool is_rising(const double *values, size_t n, bool strictly) {
    for (size_t i = 1; i < n; i++)
        if (values[i] < values[i - 1] || (strictly && values[i] == values[i - 1])) return false;
    return true;
}

static bool take_knots(sg_isotonic *out, const json_t *x, const json_t *y) {
    enum { KNOTS_MAX = 1000000 };
    size_t n = json_array_size(x);
    if (n == 0 || n > KNOTS_MAX) return false;
    out->x = calloc(2 * n, sizeof *out->x);
    if (!out->x) return false;
    out->y = out->x + n;
    out->count = n;
    return take_numbers(out->x, x, n) && take_numbers(out->y, y, n) && is_rising(out->x, n, true) &&
           is_rising(out->y, n, false) && out->y[0] >= 0 && out->y[n - 1] <= 1;
}

static bool take_isotonic(sg_calibrator *c, const json_t *section) {
    const json_t *x = json_object_get(section, "x"), *y = json_object_get(section, "y");
    bool whole = json_array_size(x) == c->classes && json_array_size(y) == c->classes;
    for (size_t k = 0; k < c->classes && whole; k++)
        whole = take_knots(&c->isotonic[k], json_array_get(x, k), json_array_get(y, k));
    return whole;
}

sg_status sg_calibrator_from_json(sg_calibrator **out, const json_t *section, size_t classes,
        const char *path, sg_error *err) {
    const char *name = json_string_value(json_object_get(section, "kind"));
    sg_calibrator_kind kind = SG_CALIBRATOR_NONE;
    *out = NULL;
    if (!name) return SG_OK;
    if (sg_calibrator_kind_parse(&kind, name, NULL))
        return sg_fail(err, SG_ERR_UNSUPPORTED,
                "%s is calibrated by '%s', which this version does not know; use a newer one", path,
                name);
    if (kind == SG_CALIBRATOR_NONE || kind == SG_CALIBRATOR_TEMPERATURE) return SG_OK;
    if (classes > SG_STATS_CLASSES_MAX)
        return sg_fail(err, SG_ERR_FORMAT, "%s: %s calibration is for %d classes at most", path,
                name, SG_STATS_CLASSES_MAX);
    sg_calibrator *c = calloc(1, sizeof *c);
    if (!c) return sg_fail(err, SG_ERR_MEMORY, "out of memory opening the model %s", path);
    c->kind = kind;
    c->classes = classes;
    c->temperature.value = json_number_value(json_object_get(section, "temperature"));
    c->vector.classes = classes;
    bool whole;
    if (kind == SG_CALIBRATOR_VECTOR)
        whole = take_numbers(c->vector.weight, json_object_get(section, "weight"), classes) &&
                take_numbers(c->vector.bias, json_object_get(section, "bias"), classes);
    else
        whole = take_isotonic(c, section);
    if (!whole) {
        sg_calibrator_free(c);
        return sg_fail(err, SG_ERR_FORMAT, "%s: its %s calibration is damaged", path, name);
    }
    *out = c;
    return SG_OK;
}

void sg_calibrator_free(sg_calibrator *c) {
    if (!c) return;
    sg_calibrator_dispose(c);
    free(c);
}
