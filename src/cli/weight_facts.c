/* weight_facts.c - see weight_facts.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/weight_facts.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool are(const json_t *list, const float *values) {
    for (size_t i = 0; i < 3; i++)
        if (fabs(json_number_value(json_array_get(list, i)) - (double)values[i]) > 1e-6)
            return false;
    return json_array_size(list) == 3;
}

static sg_status apply(sg_train_args *a, const sg_weight_stated *stated, const sg_log *log,
        const json_t *p, const char *path, sg_error *err) {
    const sg_recipe plain = SG_RECIPE_INIT;
    json_int_t size = json_integer_value(json_object_get(p, "size"));
    const char *filter = json_string_value(json_object_get(p, "interpolation"));
    if (json_is_null(p)) {
        sg_log_line(log, SG_LOG_WARN,
                "how the images of %s were prepared is not stated; they are standardised as "
                "ImageNet's",
                a->weights);
        return SG_OK;
    }
    if (size < 8 || size > 4096 || !filter)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s states no preprocessing; fetch the weights again, or delete it", path);
    if (!are(json_object_get(p, "mean"), plain.mean) || !are(json_object_get(p, "std"), plain.std))
        return sg_fail(err, SG_ERR_FORMAT,
                "%s states another mean or deviation than ImageNet's, which a training here cannot "
                "use; delete it to train without",
                path);
    if (!stated->size && a->recipe.size == plain.size && a->recipe.size != size) {
        a->recipe.size = size;
        sg_log_line(log, SG_LOG_INFO, "--size %lld, as %s says", (long long)size, path);
    }
    if (strcmp(a->model, "googlenet") == 0 && !stated->transform_input &&
            json_is_true(json_object_get(p, "transform_input"))) {
        a->transform_input = true;
        sg_log_line(log, SG_LOG_INFO, "--transform-input, as %s says", path);
    }
    if (strcmp(filter, "bilinear") != 0)
        sg_log_line(log, SG_LOG_INFO,
                "the weights saw images resampled %s; here it is bilinear or area", filter);
    return SG_OK;
}

/* WEIGHTS.json and its name; *facts stays NULL where there is none. */
static sg_status open_facts(json_t **facts, char **path, const char *weights, sg_error *err) {
    *facts = NULL;
    *path = sg_strdupf("%s.json", weights);
    if (!*path) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    return sg_path_exists(*path) ? sg_json_read(facts, *path, err) : SG_OK;
}

sg_status sg_weight_facts_apply(
        sg_train_args *a, const sg_weight_stated *stated, const sg_log *log, sg_error *err) {
    if (!a->weights) return SG_OK;
    json_t *facts;
    char *path;
    sg_status st = open_facts(&facts, &path, a->weights, err);
    if (!st && facts)
        st = apply(a, stated, log, json_object_get(facts, "preprocessing"), path, err);
    json_decref(facts);
    free(path);
    return st;
}

sg_status sg_weight_facts_carry(bool *carried, const char *from, const char *to, sg_error *err) {
    json_t *facts;
    char *source, sha[SG_SHA256_HEX], *target = sg_strdupf("%s.json", to);
    sg_status st = open_facts(&facts, &source, from, err);
    if (!st && !target) st = sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st && facts) st = sg_sha256_file(sha, to, err);
    if (!st && facts) {
        json_object_set_new(facts, "sha256", json_string(sha));
        json_object_set_new(facts, "checked_by", json_string("converted from the file of url"));
        st = sg_json_write(facts, target, err);
    }
    *carried = !st && facts;
    json_decref(facts);
    free(source);
    free(target);
    return st;
}
