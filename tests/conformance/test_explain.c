/* Maps against PyTorch's hooks: the CAM family at two layers and in both views, the gated map,
 * integrated gradients and occlusion, of a whole image through a session. Values by
 * tests/golden/explain/make.py. SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "infer/explain.h"
#include "support/check.h"
#include "support/formula.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double tolerance = 1e-4; /* of the map's norm */

static json_t *golden;

static int set_up(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    return sg_json_read(&golden, "tests/golden/explain/explain.json", &err) != SG_OK;
}

static int tear_down(void **state) {
    (void)state;
    json_decref(golden);
    return 0;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("explain.json lacks %s", key);
    return json_number_value(value);
}

static const char *text(const json_t *object, const char *key) {
    const char *value = json_string_value(json_object_get(object, key));
    if (!value) fail_msg("explain.json lacks %s", key);
    return value;
}

/* A bundle of one member, as if it had been read, and the image of an entry. */
typedef struct scene {
    sg_bundle bundle;
    sg_member member;
    const char *classes[3];
    sg_image image;
} scene;

static void make_image(sg_image *image, const char *name, int size) {
    sg_error err = SG_ERROR_INIT;
    size_t n = (size_t)size * (size_t)size;
    float *u = malloc(n * sizeof *u);
    assert_non_null(u);
    formula_uniform(u, name, n);
    CHECK_OK(sg_image_create(image, size, size, 1, &err));
    for (size_t i = 0; i < n; i++) /* the upper 8 bits of 32 */
        image->pixels[i] = (uint8_t)(((double)u[i] + 1) * 128);
    free(u);
}

static void make_scene(scene *s, const json_t *entry) {
    sg_error err = SG_ERROR_INIT;
    sg_model_options o = SG_MODEL_OPTIONS_INIT;
    sg_recipe recipe = SG_RECIPE_INIT;
    *s = (scene){.classes = {"benign", "malignant", "normal"}, .member.temperature = 1};
    CHECK_OK(sg_model_build(&s->member.graph, text(entry, "name"), &o, &err));
    CHECK_OK(sg_params_create(&s->member.params, s->member.graph, SG_F32, &err));
    formula_params(s->member.params);
    recipe.size = (int)number(entry, "size");
    s->bundle = (sg_bundle){.members = &s->member,
            .member_count = 1,
            .model = s->member.graph->name,
            .recipe = recipe,
            .classes = s->classes,
            .class_count = 3};
    make_image(&s->image, text(entry, "image"), recipe.size);
}

static void drop_scene(scene *s) {
    sg_image_dispose(&s->image);
    sg_params_destroy(s->member.params);
    sg_graph_destroy(s->member.graph);
}

static sg_explainer *open_session(const scene *s, const json_t *entry, const char *layer) {
    sg_error err = SG_ERROR_INIT;
    sg_explain_options o = SG_EXPLAIN_OPTIONS_INIT;
    sg_explainer *e;
    o.flip_average = true;
    o.layer = *layer ? layer : NULL;
    o.steps = (int)number(entry, "steps");
    o.samples = 1;
    o.noise = 0;
    o.patch = (int)number(entry, "patch");
    o.stride = (int)number(entry, "stride");
    o.batch = 4; /* neither steps nor patches are a multiple */
    CHECK_OK(sg_explainer_create(&e, &s->bundle, &o, &err));
    CHECK_OK(sg_explainer_look(e, &s->image, &err));
    return e;
}

static sg_explain_method method_of(const char *name) {
    for (int m = 0; m < SG_EXPLAIN_METHODS; m++)
        if (strcmp(sg_explain_name((sg_explain_method)m), name) == 0) return (sg_explain_method)m;
    fail_msg("no method is called %s", name);
    return SG_EXPLAIN_METHODS;
}

static void check_map(sg_explainer *e, const json_t *entry, const json_t *map) {
    sg_error err = SG_ERROR_INIT;
    sg_plane grid;
    const json_t *values = json_object_get(map, "values");
    CHECK_OK(sg_explainer_grid(&grid, e, 0, (int)number(map, "view"),
            method_of(text(map, "method")), (int)number(entry, "class"), &err));
    assert_int_equal(grid.width, (int)number(map, "width"));
    assert_int_equal((size_t)grid.width * (size_t)grid.height, json_array_size(values));
    double difference = 0, norm = 0;
    for (size_t i = 0; i < json_array_size(values); i++) {
        double expected = json_number_value(json_array_get(values, i));
        double d = (double)grid.values[i] - expected;
        difference += d * d;
        norm += expected * expected;
    }
    double error = sqrt(difference / norm);
    printf("%-12s %-22s %-24s view %d: %.1e\n", text(entry, "name"), text(map, "method"),
            text(map, "layer"), (int)number(map, "view"), error);
    if (!(error <= tolerance)) fail_msg("%s: differs by %g", text(map, "method"), error);
    sg_plane_dispose(&grid);
}

static void check_square(sg_explainer *e, const json_t *entry, const char *name) {
    sg_error err = SG_ERROR_INIT;
    sg_plane grid;
    const json_t *numbers = json_object_get(json_object_get(entry, "squares"), name);
    formula_sketch ours, theirs;
    theirs.norm = json_number_value(json_array_get(numbers, 0));
    for (size_t j = 0; j < FORMULA_SKETCHES; j++)
        theirs.products[j] = json_number_value(json_array_get(numbers, j + 1));
    CHECK_OK(sg_explainer_grid(&grid, e, 0, 0, method_of(name), (int)number(entry, "class"), &err));
    formula_sketch_make(&ours, name, grid.values, (size_t)grid.width * (size_t)grid.height);
    double error = formula_sketch_distance(&ours, &theirs);
    /* A fall is the difference of two logits, of which each pixel has the rounding. */
    double allowed = tolerance + 1e-6 * grid.width / theirs.norm;
    printf("%-12s %-22s %.1e of %.1e\n", text(entry, "name"), name, error, allowed);
    if (!(error <= allowed) || !(fabs(ours.norm - theirs.norm) <= allowed * theirs.norm))
        fail_msg("%s: differs by %g", name, error);
    sg_plane_dispose(&grid);
}

static void check_entry(const json_t *entry) {
    scene s;
    size_t i;
    json_t *map;
    sg_explainer *e = NULL;
    const char *layer = NULL;
    make_scene(&s, entry);
    json_array_foreach(json_object_get(entry, "maps"), i, map) {
        if (!layer || strcmp(layer, text(map, "layer")) != 0) {
            sg_explainer_close(e);
            layer = text(map, "layer");
            e = open_session(&s, entry, layer);
        }
        check_map(e, entry, map);
    }
    check_square(e, entry, "integrated-gradients");
    check_square(e, entry, "occlusion");
    sg_explainer_close(e);
    drop_scene(&s);
}

static void maps_are_pytorchs(void **state) {
    (void)state;
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(golden, "models"), i, entry) check_entry(entry);
    assert_int_equal(i, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps_are_pytorchs)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
