/* ONNX files of every architecture: byte for byte those that onnxruntime was found to answer as
 * PyTorch does (tests/golden/onnx/check.mjs, which is also how their list is made anew).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/json.h"
#include "infer/export_onnx.h"
#include "nn/models/models.h"
#include "support/formula.h"
#include "support/nets.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const metadata[] = {"use", "test", NULL};

/* The size at which parity.json has logits. */
static int64_t size_of(const json_t *golden, const char *model) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(golden, "models"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "name")), model) == 0)
            return json_integer_value(json_object_get(json_object_get(entry, "fixed"), "size"));
    }
    fail_msg("parity.json has no %s", model);
    return 0;
}

/* With SG_KEEP_ONNX all of them are written there; else a few, their hashes checked against the
 * list. */
static const char *const usual[] = {"resnet18", "mresnetv2", "mobilenetv2", "googlenet", "alexnet"};

static bool is_usual(const char *model) {
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(usual[i], model) == 0) return true;
    return false;
}

/* What files hold beside the model's own form. */
typedef enum variant { FOLDED, UNFOLDED, TRANSFORMED, VARIANTS } variant;

static const char *const variant_names[VARIANTS] = {"folded", "unfolded", "transformed"};

static void check_file(
        const char *model, variant v, const json_t *golden, const char *list, const char *keep) {
    sg_error err = SG_ERROR_INIT;
    char sha[SG_SHA256_HEX];
    sg_model_options o = SG_MODEL_OPTIONS_INIT;
    sg_graph *g;
    sg_params *params;
    o.transform_input = v == TRANSFORMED;
    assert_ok(sg_model_build(&g, model, &o, &err), &err);
    assert_ok(sg_params_create(&params, g, SG_F32, &err), &err);
    formula_params(params);
    char *name = sg_strdupf("%s.%s.onnx", model, variant_names[v]);
    char *path = sg_path_join(keep ? keep : ".", name);
    assert_non_null(path);
    sg_export_onnx_options options = {.size = size_of(golden, model),
            .fold = v != UNFOLDED,
            .temperature = 2,
            .producer_version = "test",
            .metadata = metadata};
    assert_ok(sg_export_onnx(path, g, params, &options, &err), &err);
    assert_ok(sg_sha256_file(sha, path, &err), &err);
    char *line = sg_strdupf("%s %s ", name, sha);
    if (!keep && !strstr(list, line)) fail_msg("%s has the hash %s", name, sha);
    if (!keep) unlink(path);
    free(line);
    free(path);
    free(name);
    sg_params_destroy(params);
    sg_graph_destroy(g);
}

static void files_are_those_that_onnxruntime_ran(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const char *keep = getenv("SG_KEEP_ONNX");
    char *list;
    size_t size;
    json_t *golden;
    int count;
    const sg_model_info *models = sg_models_list(&count);
    assert_ok(sg_file_read(&list, &size, "tests/golden/onnx/files.txt", 1 << 20, &err), &err);
    assert_ok(sg_json_read(&golden, "tests/golden/parity/parity.json", &err), &err);
    for (int i = 0; i < count; i++) {
        if (!keep && !is_usual(models[i].name)) continue;
        for (variant v = FOLDED; v < VARIANTS; v++) {
            bool plain = v == UNFOLDED && strcmp(models[i].name, "alexnet") == 0; /* the same */
            bool other = v == TRANSFORMED && strcmp(models[i].name, "googlenet") != 0;
            if (!plain && !other) check_file(models[i].name, v, golden, list, keep);
        }
    }
    json_decref(golden);
    free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(files_are_those_that_onnxruntime_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
