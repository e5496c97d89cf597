/* weight_facts.c - see weight_facts.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/weight_facts.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool are(const json_t *list, const float *values) {
    for (size_t i = 0; i < 3; i++)
        if (fabs(json_number_value(json_array_get(list, i)) - (double)values[i]) > 1e-6)
            return false;
    return json_array_size(list) == 3;
}

static sg_status apply(
        sg_train_args *a, const sg_call *call, const json_t *p, const char *path, sg_error *err) {
    const sg_recipe plain = SG_RECIPE_INIT;
    json_int_t size = json_integer_value(json_object_get(p, "size"));
    const char *filter = json_string_value(json_object_get(p, "interpolation"));
    if (size < 8 || size > 4096 || !filter)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s states no preprocessing; fetch the weights again, or delete it", path);
    if (!are(json_object_get(p, "mean"), plain.mean) || !are(json_object_get(p, "std"), plain.std))
        return sg_fail(err, SG_ERR_FORMAT,
                "%s states another mean or deviation than ImageNet's, which a training here cannot "
                "use; delete it to train without",
                path);
    if (!sg_cli_is_given(call, "size") && a->recipe.size != size) {
        a->recipe.size = size;
        sg_log_line(call->log, SG_LOG_INFO, "--size %lld, as %s says", (long long)size, path);
    }
    if (strcmp(a->model, "googlenet") == 0 && !sg_cli_is_given(call, "transform-input") &&
            json_is_true(json_object_get(p, "transform_input"))) {
        a->transform_input = true;
        sg_log_line(call->log, SG_LOG_INFO, "--transform-input, as %s says", path);
    }
    if (strcmp(filter, "bilinear") != 0)
        sg_log_line(call->log, SG_LOG_INFO,
                "the weights saw images resampled %s; here it is bilinear or area", filter);
    return SG_OK;
}

sg_status sg_weight_facts_apply(sg_train_args *a, const sg_call *call, sg_error *err) {
    if (!a->weights) return SG_OK;
    char *path = sg_strdupf("%s.json", a->weights);
    json_t *facts = NULL;
    sg_status st = path ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st && sg_path_exists(path)) {
        st = sg_json_read(&facts, path, err);
        if (!st) st = apply(a, call, json_object_get(facts, "preprocessing"), path, err);
    }
    json_decref(facts);
    free(path);
    return st;
}
