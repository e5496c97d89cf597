/* toy_bundle.c - see toy_bundle.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/toy_bundle.h"
#include "support/check.h"

static void make_member(sg_member *m, const char *model, uint64_t seed) {
    sg_error err = SG_ERROR_INIT;
    sg_model_options o = SG_MODEL_OPTIONS_INIT;
    *m = (sg_member){.temperature = 1, .fold = -1};
    CHECK_OK(sg_model_build(&m->graph, model, &o, &err));
    CHECK_OK(sg_params_create(&m->params, m->graph, SG_F32, &err));
    CHECK_OK(sg_params_init(m->params, seed, &err));
    for (int i = 0; i < m->graph->param_count; i++) {
        const sg_param *p = &m->graph->params[i];
        for (int64_t k = 0; p->role == SG_PARAM_RUNNING_VAR && k < sg_shape_count(&p->shape); k++)
            sg_params_f32(m->params, i)[k] = 0.2f;
    }
}

void toy_bundle_make(toy_bundle *t, const char *model, int size, int members) {
    sg_recipe recipe = SG_RECIPE_INIT;
    recipe.size = size;
    *t = (toy_bundle){.classes = {"benign", "malignant", "normal"}};
    for (int i = 0; i < members; i++) make_member(&t->members[i], model, (uint64_t)i + 1);
    t->bundle = (sg_bundle){.members = t->members,
            .member_count = members,
            .model = t->members[0].graph->name,
            .recipe = recipe,
            .classes = t->classes,
            .class_count = 3};
}

void toy_bundle_dispose(toy_bundle *t) {
    for (int i = 0; i < t->bundle.member_count; i++) {
        sg_params_destroy(t->members[i].params);
        sg_graph_destroy(t->members[i].graph);
    }
}
