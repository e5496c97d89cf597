/* test_session.c - what options become when a training is set up: class weights, learning-rate
 * factors, loss, schedule, and which weights are judged. No image is read: loaders open files when
 * they start. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "support/check.h"
#include "support/toy_training.h"
#include "train/session.h"
#include <math.h>
#include <stdlib.h>

enum { IMAGES = 16 };

/* A table of 9 + 4 + 3 images without files (two classes: 12 + 4), all for training. */
static void set_up(toy_training *f, int classes) {
    int labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i < 9 ? 0 : i < 13 ? 1 : 2;
        if (classes == 2 && labels[i] == 2) labels[i] = 0;
    }
    toy_training_make(f, labels, IMAGES, classes);
}

/* Weights of the three classes under a weighting. */
static void weights_of(double out[3], toy_training *f, sg_class_weighting weighting) {
    sg_error err = SG_ERROR_INIT;
    sg_session s;
    f->options.class_weighting = weighting;
    sg_status st = sg_session_open(&s, &f->job, &err);
    if (st) fail_msg("%s", err.message);
    for (int c = 0; c < 3; c++) out[c] = s.loss.class_weights ? s.loss.class_weights[c] : 1;
    sg_session_close(&s);
}

static void class_weights_are_as_documented(void **state) {
    (void)state;
    static const double counts[3] = {9, 4, 3};
    toy_training f;
    double got[3], mean = 0;
    set_up(&f, 3);
    weights_of(got, &f, SG_CLASS_WEIGHTS_NONE);
    for (int c = 0; c < 3; c++) assert_true(got[c] == 1);
    weights_of(got, &f, SG_CLASS_WEIGHTS_BALANCED);
    for (int c = 0; c < 3; c++) assert_true(fabs(got[c] - 16 / (3 * counts[c])) < 1e-12);
    weights_of(got, &f, SG_CLASS_WEIGHTS_SQRT);
    for (int c = 0; c < 3; c++) mean += got[c] * counts[c] / 16;
    assert_true(fabs(mean - 1) < 1e-12);
    assert_true(fabs(got[1] / got[0] - 1.5) < 1e-12); /* sqrt(9 / 4) */
    assert_true(fabs(got[2] / got[0] - sqrt(3)) < 1e-12);
    f.options.class_weight_list = "1,2,0.5";
    weights_of(got, &f, SG_CLASS_WEIGHTS_LIST);
    assert_true(got[0] == 1 && got[1] == 2 && got[2] == 0.5);
    toy_training_dispose(&f);
}

/* What the loss saw of a class: images drawn times weight. It travels with the model, so that
 * answers can be moved to another prevalence. */
static void the_learned_prior_is_noted(void **state) {
    (void)state;
    static const struct {
        sg_class_weighting weighting;
        bool balanced;
        double prior[3];
    } cases[] = {
            {SG_CLASS_WEIGHTS_NONE, false, {9.0 / 16, 4.0 / 16, 3.0 / 16}},
            {SG_CLASS_WEIGHTS_NONE, true, {1.0 / 3, 1.0 / 3, 1.0 / 3}},
            {SG_CLASS_WEIGHTS_BALANCED, false, {1.0 / 3, 1.0 / 3, 1.0 / 3}},
            /* 9 / sqrt(9) to 4 / sqrt(4) to 3 / sqrt(3) */
            {SG_CLASS_WEIGHTS_SQRT, false, {0.4456294353, 0.2970862902, 0.2572842745}},
    };
    toy_training f;
    set_up(&f, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sg_error err = SG_ERROR_INIT;
        sg_session s;
        f.options.class_weighting = cases[i].weighting;
        f.options.balanced_sampler = cases[i].balanced;
        CHECK_OK(sg_session_open(&s, &f.job, &err));
        const json_t *prior = json_object_get(json_object_get(s.meta, "training"), "class_prior");
        assert_int_equal(json_object_size(prior), 3);
        for (size_t c = 0; c < 3; c++) {
            double share = json_number_value(json_object_get(prior, f.manifest.class_names[c]));
            assert_true(fabs(share - cases[i].prior[c]) < 1e-8);
        }
        sg_session_close(&s);
    }
    toy_training_dispose(&f);
}

/* From weights for three classes on to two: the classifier is new, the stages fall off below it. */
static void rate_factors_follow_newness_and_depth(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training three, two;
    sg_session s;
    set_up(&three, 3);
    CHECK_OK(sg_session_open(&s, &three.job, &err));
    char *file = sg_path_join(three.dir, "start.safetensors");
    CHECK_OK(sg_meta_conclude(s.meta, 1, 0, SG_SELECT_NONE, 1, &err));
    CHECK_OK(sg_checkpoint_save_weights(file, s.graph, s.params->data, s.meta, &err));
    sg_session_close(&s);

    set_up(&two, 2);
    two.options.weights = file;
    two.options.new_layer_factor = 7;
    two.options.layer_decay = 0.5;
    CHECK_OK(sg_session_open(&s, &two.job, &err));
    int top = s.graph->nodes[s.graph->output].stage, seen_new = 0, seen_deep = 0;
    for (int i = 0; i < s.graph->param_count; i++) {
        const sg_param *p = &s.graph->params[i];
        bool is_head = p->node == s.graph->output;
        int below = top - s.graph->nodes[p->node].stage;
        double expected = (is_head ? 7 : 1) * pow(0.5, below > 0 ? below : 0);
        if (fabs(s.optimizer->rate_factor[i] - expected) > 1e-12)
            fail_msg(
                    "%s has the factor %g, not %g", p->name, s.optimizer->rate_factor[i], expected);
        seen_new += is_head;
        seen_deep += below >= 3;
    }
    assert_int_equal(seen_new, 2); /* weight and bias */
    assert_true(seen_deep > 0);
    sg_session_close(&s);
    free(file);
    toy_training_dispose(&three);
    toy_training_dispose(&two);
}

static void the_average_is_what_is_judged(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training f;
    sg_session s;
    set_up(&f, 3);
    f.options.optimizer.ema = 0.9;
    CHECK_OK(sg_session_open(&s, &f.job, &err));
    size_t n = s.graph->elements;
    for (size_t i = 0; i < n; i++) s.optimizer->ema[i] = 0.25f;
    sg_session_refresh_eval(&s);
    const float *judged = s.eval_params->data;
    for (size_t i = 0; i < n; i++) assert_true(judged[i] == 0.25f);
    sg_session_close(&s);
    f.options.optimizer.ema = 0;
    CHECK_OK(sg_session_open(&s, &f.job, &err));
    sg_session_refresh_eval(&s);
    assert_memory_equal(s.eval_params->data, s.params->data, n * sizeof(float));
    sg_session_close(&s);
    toy_training_dispose(&f);
}

/* What the loss and the schedule are told. */
static void loss_and_schedule_get_their_options(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training f;
    sg_session s;
    set_up(&f, 3);
    f.options.epochs = 3;
    f.options.label_smoothing = 0.125;
    f.options.schedule = (sg_schedule){SG_SCHEDULE_STEP, 0.5, 0, 0, 0.25, 0.1, 0};
    CHECK_OK(sg_session_open(&s, &f.job, &err));
    assert_true(s.loss.label_smoothing == 0.125 && s.loss.focal_gamma == 0);
    assert_int_equal(s.loss.classes, 3);
    assert_int_equal(s.schedule.total_steps, 12); /* 3 epochs of 16 images in batches of 4 */
    assert_true(fabs(sg_schedule_rate(&s.schedule, 2) - 0.5) < 1e-12);
    assert_true(fabs(sg_schedule_rate(&s.schedule, 3) - 0.05) < 1e-12);
    sg_session_close(&s);
    f.options.label_smoothing = 0;
    f.options.focal_gamma = 1.5;
    f.options.schedule = (sg_schedule){SG_SCHEDULE_COSINE, 0.5, 0, 0.2, 0.25, 0.1, 0};
    CHECK_OK(sg_session_open(&s, &f.job, &err));
    assert_true(s.loss.label_smoothing == 0 && s.loss.focal_gamma == 1.5);
    assert_true(fabs(sg_schedule_rate(&s.schedule, 0) - 0.5) < 1e-12);
    assert_true(sg_schedule_rate(&s.schedule, 11) < 0.2);
    sg_session_close(&s);
    toy_training_dispose(&f);
}

/* What leaves the finite in the last step ends the training, named. */
static void weights_must_be_finite(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training f;
    sg_session s;
    set_up(&f, 3);
    CHECK_OK(sg_session_open(&s, &f.job, &err));
    sg_session_refresh_eval(&s);
    CHECK_OK(sg_session_check_weights(&s, &err));
    sg_params_f32(s.eval_params, 3)[0] = INFINITY;
    s.optimizer->step = 41;
    CHECK_FAILS(sg_session_check_weights(&s, &err), SG_ERR_NUMERIC, s.graph->params[3].name);
    assert_non_null(strstr(err.message, "after step 41"));
    sg_session_close(&s);
    toy_training_dispose(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(class_weights_are_as_documented),
            cmocka_unit_test(the_learned_prior_is_noted),
            cmocka_unit_test(rate_factors_follow_newness_and_depth),
            cmocka_unit_test(the_average_is_what_is_judged),
            cmocka_unit_test(loss_and_schedule_get_their_options),
            cmocka_unit_test(weights_must_be_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
