/* test_checkpoint.c - the state of a training comes back whole, and only to the training it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "support/check.h"
#include "train/checkpoint.h"
#include "train/meta.h"
#include <stdlib.h>

/* ---- identity ---- */

static void use_sgd(sg_train_options *o) {
    o->optimizer.kind = SG_OPTIMIZER_SGD;
}
static void decay_more(sg_train_options *o) {
    o->optimizer.weight_decay = 0.5;
}
static void average_less(sg_train_options *o) {
    o->optimizer.ema = 0.5;
}
static void learn_faster(sg_train_options *o) {
    o->schedule.learning_rate *= 2;
}
static void warm_up_longer(sg_train_options *o) {
    o->schedule.warmup = 0.3;
}
static void turn_further(sg_train_options *o) {
    o->augment.rotation_deg = 30;
}
static void mix_up(sg_train_options *o) {
    o->augment.mixup_alpha = 0.2;
}
static void smooth(sg_train_options *o) {
    o->label_smoothing = 0.3;
}
static void weigh(sg_train_options *o) {
    o->class_weight_list = "1,2";
}
static void balance(sg_train_options *o) {
    o->balanced_sampler = true;
}
static void freeze(sg_train_options *o) {
    o->freeze = "stem";
}
static void fix_norms(sg_train_options *o) {
    o->fixed_norms = true;
}
static void decay_layers(sg_train_options *o) {
    o->layer_decay = 0.5;
}
static void choose(sg_train_options *o) {
    o->select = SG_SELECT_AUROC;
}
static void wait_longer(sg_train_options *o) {
    o->patience = 7;
}
static void go_further(sg_train_options *o) {
    o->epochs++;
}

static json_t *identity_of(const sg_train_options *options) {
    static char root[] = ".", path[] = "benign/a.png", class_name[] = "benign", label[] = "g1";
    static char *classes[] = {class_name}, *labels[] = {label};
    sg_error err = SG_ERROR_INIT;
    sg_manifest_row row = {.path = path, .sha256 = "aa"};
    sg_manifest m = {.root = root,
            .rows = &row,
            .count = 1,
            .class_names = classes,
            .class_count = 1,
            .group_labels = labels,
            .group_count = 1};
    int bin = SG_PART_TRAIN;
    sg_split parts = {.count = 1, .bins = &bin};
    sg_train_job job = {.options = options, .manifest = &m, .parts = &parts, .fold = -1};
    json_t *identity;
    CHECK_OK(sg_meta_identity(&identity, &job, "ref", &err));
    return identity;
}

static sg_train_options usual(void) {
    sg_optimizer_options optimizer = SG_OPTIMIZER_OPTIONS_INIT;
    sg_schedule schedule = SG_SCHEDULE_INIT;
    sg_model_options model = SG_MODEL_OPTIONS_INIT;
    sg_recipe recipe = SG_RECIPE_INIT;
    sg_augment augment = SG_AUGMENT_INIT;
    return (sg_train_options){.model = "mobilenetv2",
            .model_options = model,
            .epochs = 3,
            .batch = 4,
            .optimizer = optimizer,
            .schedule = schedule,
            .recipe = recipe,
            .augment = augment,
            .layer_decay = 1,
            .new_layer_factor = 1};
}

static void test_identity_holds_every_option(void **state) {
    (void)state;
    static void (*const edits[])(sg_train_options *) = {use_sgd, decay_more, average_less,
            learn_faster, warm_up_longer, turn_further, mix_up, smooth, weigh, balance, freeze,
            fix_norms, decay_layers, choose, wait_longer, go_further};
    sg_train_options o = usual();
    json_t *before = identity_of(&o), *same = identity_of(&o);
    assert_true(json_equal(before, same));
    json_decref(same);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        o = usual();
        edits[i](&o);
        json_t *after = identity_of(&o);
        if (json_equal(before, after)) fail_msg("edit %zu goes unnoticed", i);
        json_decref(after);
    }
    json_decref(before);
}

/* ---- saving and loading ---- */

typedef struct training {
    sg_graph *g;
    sg_params *params;
    sg_optimizer *optimizer;
    bool is_new[8];
} training;

static training make(void) {
    sg_error err = SG_ERROR_INIT;
    training t = {.is_new = {true}};
    sg_optimizer_options options = SG_OPTIMIZER_OPTIONS_INIT;
    options.ema = 0.9;
    CHECK_OK(sg_graph_create(&t.g, "small", &err));
    sg_node_id x = sg_graph_input(t.g, 3);
    x = sg_graph_conv(t.g, "stem.conv", x, &(sg_conv_spec){.out = 4, .kernel = 3});
    x = sg_graph_batch_norm(t.g, "stem.norm", x, 1e-5);
    sg_node_id map = x;
    x = sg_graph_linear(t.g, "head", sg_graph_global_pool(t.g, "pool", x), 0, 2, true);
    CHECK_OK(sg_graph_finish(t.g, x, map, &err));
    CHECK_OK(sg_params_create(&t.params, t.g, SG_F32, &err));
    CHECK_OK(sg_params_init(t.params, 3, &err));
    CHECK_OK(sg_optimizer_create(&t.optimizer, t.params, &options, NULL, NULL, &err));
    return t;
}

static void drop(training *t) {
    sg_optimizer_destroy(t->optimizer);
    sg_params_destroy(t->params);
    sg_graph_destroy(t->g);
}

/* Some updates, so that moments and average differ from their start. */
static void update(training *t) {
    sg_error err = SG_ERROR_INIT;
    float *grads = calloc(t->g->elements + 1, sizeof *grads);
    assert_non_null(grads);
    for (size_t i = 0; i < t->g->elements; i++) grads[i] = (float)(i % 7) - 3.0f;
    for (int i = 0; i < 3; i++)
        CHECK_OK(sg_optimizer_step(t->optimizer, t->params, grads, 1e-2, NULL, &err));
    free(grads);
}

static json_t *identity(double scale) {
    return json_pack("{s:s, s:{s:b, s:f}}", "model", "small", "augment", "flip", 1, "scale", scale);
}

static void save(const training *t, const char *path) {
    sg_error err = SG_ERROR_INIT;
    sg_progress p = {.epoch = 2,
            .batch = 5,
            .loss_sum = 0.1,
            .norm_sum = 1e-17,
            .has_best = true,
            .best = -0.3,
            .best_epoch = 1,
            .stale_epochs = 1,
            .init_share = 1.0 / 3};
    json_t *meta = json_pack("{s:{s:[[s,s],[s,s,s,s]]}}", "training", "seen", "aa", "g1", "bb",
            "p7", "column:patient", "key");
    json_t *id = identity(1.25);
    CHECK_OK(sg_checkpoint_save(path, t->params, t->optimizer, &p, t->is_new, meta, id, &err));
    json_decref(meta);
    json_decref(id);
}

static sg_status load(training *t, sg_progress *p, const char *path, double scale, sg_resume mode,
        sg_error *err) {
    json_t *id = identity(scale);
    sg_status st = sg_checkpoint_load(path, t->params, t->optimizer, p, t->is_new, id, mode, err);
    json_decref(id);
    return st;
}

static void test_comes_back_whole(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    training one = make(), two = make();
    sg_progress p = {0};
    update(&one);
    save(&one, "whole.safetensors");
    two.is_new[0] = false;
    CHECK_OK(load(&two, &p, "whole.safetensors", 1.25, SG_RESUME_EXACT, &err));
    assert_true(p.epoch == 2 && p.batch == 5 && p.best_epoch == 1 && p.stale_epochs == 1);
    assert_true(p.loss_sum == 0.1 && p.norm_sum == 1e-17 && p.best == -0.3);
    assert_true(p.init_share == 1.0 / 3 && p.has_best && !p.finished);
    assert_true(two.is_new[0]);
    json_t *inherited;
    two.is_new[0] = false;
    CHECK_OK(sg_checkpoint_peek_start(two.is_new, &inherited, two.g, "whole.safetensors", &err));
    assert_true(two.is_new[0]);
    assert_int_equal(json_array_size(inherited), 1); /* given weights saw bb; aa is our own */
    json_decref(inherited);
    update(&one); /* both go on alike */
    update(&two);
    size_t bytes = one.g->elements * sizeof(float);
    assert_memory_equal(one.params->data, two.params->data, bytes);
    assert_memory_equal(one.optimizer->ema, two.optimizer->ema, bytes);
    assert_memory_equal(one.optimizer->moment2, two.optimizer->moment2, bytes);
    assert_int_equal(one.optimizer->step, two.optimizer->step);
    drop(&one);
    drop(&two);
}

static void test_other_training_is_named(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    training t = make();
    sg_progress p = {0};
    save(&t, "other.safetensors");
    CHECK_FAILS(load(&t, &p, "other.safetensors", 1.5, SG_RESUME_EXACT, &err), SG_ERR_MISMATCH,
            "augment.scale 1.25, now it is 1.5");
    CHECK_OK(load(&t, &p, "other.safetensors", 1.5, SG_RESUME_FORCED, &err));
    drop(&t);
}

static sg_status load_on(
        training *t, const char *backend, double scale, sg_resume mode, sg_error *err) {
    sg_progress p = {0};
    json_t *id = identity(scale);
    json_object_set_new(id, "backend", json_string(backend));
    sg_status st = sg_checkpoint_load(
            "here.safetensors", t->params, t->optimizer, &p, t->is_new, id, mode, err);
    if (!st && mode == SG_RESUME_CHANGED)
        assert_int_equal(json_array_size(p.changes), strcmp(backend, "1 thread") != 0);
    sg_progress_dispose(&p);
    json_decref(id);
    return st;
}

/* A search goes on with other threads; nothing else may differ. */
static void test_elsewhere(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    training t = make();
    const sg_progress p = {.epoch = 1};
    json_t *id = identity(1.25);
    json_object_set_new(id, "backend", json_string("1 thread"));
    CHECK_OK(sg_checkpoint_save(
            "here.safetensors", t.params, t.optimizer, &p, t.is_new, NULL, id, &err));
    json_decref(id);
    CHECK_FAILS(load_on(&t, "2 threads", 1.25, SG_RESUME_EXACT, &err), SG_ERR_MISMATCH, "backend");
    CHECK_OK(load_on(&t, "2 threads", 1.25, SG_RESUME_ELSEWHERE, &err));
    CHECK_FAILS(load_on(&t, "2 threads", 1.5, SG_RESUME_ELSEWHERE, &err), SG_ERR_MISMATCH,
            "augment.scale");
    CHECK_OK(load_on(&t, "1 thread", 1.25, SG_RESUME_CHANGED, &err));
    CHECK_OK(load_on(&t, "2 threads", 1.25, SG_RESUME_CHANGED, &err));
    drop(&t);
}

/* What a training may change on its way is taken and kept in its state; what it may not is refused.
 */
static void test_changes_are_noted(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    training t = make();
    sg_progress p = {0};
    save(&t, "changed.safetensors");
    CHECK_OK(load(&t, &p, "changed.safetensors", 1.25, SG_RESUME_CHANGED, &err));
    assert_null(p.changes);
    CHECK_OK(load(&t, &p, "changed.safetensors", 1.5, SG_RESUME_CHANGED, &err));
    assert_int_equal(json_array_size(p.changes), 1);
    char *line = sg_json_line(json_array_get(p.changes, 0));
    assert_non_null(strstr(line, "\"augment.scale\""));
    free(line);
    json_t *id = identity(1.5);
    CHECK_OK(sg_checkpoint_save(
            "again.safetensors", t.params, t.optimizer, &p, t.is_new, NULL, id, &err));
    sg_progress_dispose(&p);
    CHECK_OK(load(&t, &p, "again.safetensors", 1.75, SG_RESUME_CHANGED, &err));
    assert_int_equal(json_array_size(p.changes), 2);
    sg_progress_dispose(&p);
    json_object_set_new(id, "seed", json_integer(99));
    CHECK_FAILS(sg_checkpoint_load("again.safetensors", t.params, t.optimizer, &p, t.is_new, id,
                        SG_RESUME_CHANGED, &err),
            SG_ERR_MISMATCH, "seed");
    json_decref(id);
    drop(&t);
}

static void test_damage_is_found(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    training t = make();
    sg_progress p = {0};
    char *bytes;
    size_t size;
    save(&t, "damaged.safetensors");
    CHECK_OK(sg_file_read(&bytes, &size, "damaged.safetensors", 1 << 20, &err));
    bytes[size - 1] ^= 1;
    CHECK_OK(sg_file_write("damaged.safetensors", bytes, size, &err));
    free(bytes);
    CHECK_FAILS(load(&t, &p, "damaged.safetensors", 1.25, SG_RESUME_EXACT, &err), SG_ERR_FORMAT,
            "delete the file to start it over");
    drop(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_identity_holds_every_option),
            cmocka_unit_test(test_comes_back_whole),
            cmocka_unit_test(test_other_training_is_named),
            cmocka_unit_test(test_elsewhere),
            cmocka_unit_test(test_changes_are_noted),
            cmocka_unit_test(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
