/* test_trainer.c - the loop itself: which loss is told and learned from, which epoch is kept, and
 * when it ends. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "support/check.h"
#include "support/toy_training.h"
#include "train/session.h"
#include <math.h>
#include <stdlib.h>

enum { EPOCHS = 5 };

typedef struct course {
    sg_epoch epochs[EPOCHS];
    size_t count;
} course;

static void keep_course(void *user, const char *dir, const sg_history *history) {
    course *c = user;
    (void)dir;
    c->count = history->count;
    for (size_t i = 0; i < history->count && i < EPOCHS; i++) c->epochs[i] = history->epochs[i];
}

static void set_up(toy_training *t, course *c, const int *labels, const uint32_t *seeds, size_t n) {
    memset(c, 0, sizeof *c);
    toy_training_make(t, labels, n, 2);
    toy_training_draw(t, seeds);
    t->job.epoch_done = keep_course;
    t->job.user = c;
}

/* Loss of the first batch of a training that has not begun, with or without the partners. */
static double first_loss(const toy_training *t, bool with_partners) {
    sg_error err = SG_ERROR_INIT;
    sg_session s;
    sg_batch b;
    double loss;
    CHECK_OK(sg_session_open(&s, &t->job, &err));
    CHECK_OK(sg_loader_start(s.train, 0, 0, &err));
    CHECK_OK(sg_loader_next(&b, s.train, sg_plan_input(s.plan), &err));
    CHECK_OK(sg_plan_forward(s.plan, t->options.seed, 0, &err));
    CHECK_OK(sg_loss_softmax(&loss, NULL, sg_plan_logits(s.plan), b.labels,
            with_partners ? b.mix_labels : NULL, with_partners ? b.mix_share : NULL, b.count,
            &s.loss, &err));
    sg_session_close(&s);
    return loss;
}

/* A mixed image is learned as both of its labels. One batch, so that its loss is the epoch's. */
static void test_mixup_mixes_labels(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    course c;
    sg_train_summary summary;
    static const int labels[] = {0, 1, 0, 1, 0, 1};
    static const uint32_t seeds[] = {1, 2, 3, 4, 5, 6};
    set_up(&t, &c, labels, seeds, 6);
    t.options.batch = 6;
    t.options.augment.on = true;
    t.options.augment.mixup_alpha = 1;
    t.options.class_weighting = SG_CLASS_WEIGHTS_LIST; /* so that labels weigh differently */
    t.options.class_weight_list = "1,5";
    double mixed = first_loss(&t, true), unmixed = first_loss(&t, false);
    assert_true(fabs(mixed - unmixed) > 1e-3);
    CHECK_OK(sg_train_run(&summary, &t.job, &err));
    assert_int_equal(c.count, 1);
    if (fabs(c.epochs[0].train_loss - mixed) > 1e-6)
        fail_msg("the loss is %.7f: %.7f with the partners' labels, %.7f without",
                c.epochs[0].train_loss, mixed, unmixed);
    toy_training_dispose(&t);
}

/* Validation has the training's pictures under the wrong labels: what is learned makes it worse, so
 * that the first epoch stays the best. */
static void contradict(toy_training *t, course *c) {
    static const int labels[] = {0, 1, 0, 1, 1, 0};
    static const uint32_t seeds[] = {1, 2, 1, 2, 1, 2};
    set_up(t, c, labels, seeds, 6);
    for (int i = 4; i < 6; i++) t->parts.bins[i] = SG_PART_VAL;
    t->options.epochs = EPOCHS;
    t->options.schedule.kind = SG_SCHEDULE_CONSTANT;
    t->options.schedule.learning_rate = 0.003;
    t->options.select = SG_SELECT_LOSS;
}

static void test_best_epoch_is_kept(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    course c;
    sg_train_summary summary;
    contradict(&t, &c);
    CHECK_OK(sg_train_run(&summary, &t.job, &err));
    assert_int_equal(c.count, EPOCHS);
    size_t best = 0;
    for (size_t i = 1; i < c.count; i++)
        if (c.epochs[i].val.loss < c.epochs[best].val.loss) best = i;
    assert_true(c.epochs[EPOCHS - 1].val.loss > c.epochs[best].val.loss); /* so: not the last */
    assert_int_equal(summary.best_epoch, (int)best + 1);
    assert_true(summary.val.loss == c.epochs[best].val.loss); /* the weights are that epoch's */
    toy_training_dispose(&t);
}

static void test_patience(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    course c;
    sg_train_summary summary;
    contradict(&t, &c);
    t.options.patience = 2;
    CHECK_OK(sg_train_run(&summary, &t.job, &err));
    int best = 1, stale = 0, end = 0;
    for (int i = 2; i <= (int)c.count && !end; i++) {
        bool better = c.epochs[i - 1].val.loss < c.epochs[best - 1].val.loss;
        stale = better ? 0 : stale + 1;
        if (better) best = i;
        if (stale == 2) end = i;
    }
    assert_in_range(end, 3, EPOCHS - 1);
    assert_int_equal(summary.epochs, end);
    toy_training_dispose(&t);
}

static float *weights_of(const sg_train_job *job, size_t *bytes) {
    sg_error err = SG_ERROR_INIT;
    sg_session s;
    sg_train_job again = *job;
    again.resume = true;
    CHECK_OK(sg_session_open(&s, &again, &err));
    *bytes = s.graph->elements * sizeof(float);
    float *data = malloc(*bytes);
    assert_non_null(data);
    memcpy(data, s.params->data, *bytes);
    sg_session_close(&s);
    return data;
}

/* A training whose settings change after its first epoch, as one that follows a schedule and as two
 * of which the second goes on from the first one's checkpoint: the same weights, bit for bit, and
 * not those of a training without the change. */
static void test_schedule_equals_going_on(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_training t;
    course c;
    sg_train_summary summary;
    static const int labels[] = {0, 1, 0, 1, 0, 1, 0, 1};
    static const uint32_t seeds[] = {1, 2, 3, 4, 5, 6, 7, 8};
    char dirs[3][SG_TEST_PATH + 16], start[SG_TEST_PATH + 64];
    set_up(&t, &c, labels, seeds, 8);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(dirs[i], sizeof dirs[i], "%s/r%d", t.dir, i);
        CHECK_OK(sg_dir_make(dirs[i], &err));
    }
    t.options.epochs = 3;
    t.options.batch = 4;
    sg_train_options later = t.options, plain = t.options, whole = t.options;
    later.schedule.learning_rate *= 3;
    later.batch = 2;
    later.optimizer.weight_decay = 0.3;
    const sg_phase phases[] = {{0, &plain}, {1, &later}};
    whole.phases = phases;
    whole.phase_count = 2;
    sg_train_job job = t.job;
    job.options = &whole;
    job.dir = dirs[0];
    CHECK_OK(sg_train_run(&summary, &job, &err));
    assert_int_equal(summary.epochs, 3);
    assert_int_equal(c.count, 3);
    size_t bytes;
    float *followed = weights_of(&job, &bytes);
    course by_schedule = c;

    sg_train_job first = t.job, second = t.job;
    first.options = &plain;
    first.dir = dirs[1];
    first.until = 1;
    CHECK_OK(sg_train_run(&summary, &first, &err));
    assert_int_equal(summary.epochs, 1);
    (void)snprintf(start, sizeof start, "%s/weights/last.safetensors", dirs[1]);
    second.options = &later;
    second.dir = dirs[2];
    second.start = start;
    CHECK_OK(sg_train_run(&summary, &second, &err));
    float *gone_on = weights_of(&second, &bytes);
    assert_memory_equal(followed, gone_on, bytes);
    assert_int_equal(c.count, 2); /* its own epochs */
    assert_true(c.epochs[1].train_loss == by_schedule.epochs[2].train_loss);
    assert_true(c.epochs[1].learning_rate == by_schedule.epochs[2].learning_rate);

    first.until = 0;
    first.resume = true;
    CHECK_OK(sg_train_run(&summary, &first, &err));
    float *unchanged = weights_of(&first, &bytes);
    assert_memory_not_equal(followed, unchanged, bytes);
    /* A run that follows a schedule does not go on without it. */
    sg_train_job without = job;
    without.options = &plain;
    without.resume = true;
    sg_session s;
    CHECK_FAILS(sg_session_open(&s, &without, &err), SG_ERR_MISMATCH, "schedule of settings");
    sg_session_close(&s);
    free(unchanged);
    free(gone_on);
    free(followed);
    toy_training_dispose(&t);
}

/* A profile leaves its files and changes no weight. */
static void test_profile_changes_nothing(void **state) {
    (void)state;
    static const int labels[] = {0, 1, 0, 1};
    static const uint32_t seeds[] = {1, 2, 3, 4};
    sg_error err = SG_ERROR_INIT;
    double losses[2];
    for (int profile = 0; profile < 2; profile++) {
        toy_training t;
        course c;
        sg_train_summary summary;
        set_up(&t, &c, labels, seeds, 4);
        t.options.epochs = 4;
        t.options.profile = profile;
        CHECK_OK(sg_train_run(&summary, &t.job, &err));
        losses[profile] = summary.last_loss;
        char *table = sg_path_join(t.dir, "profile.csv"),
             *trace = sg_path_join(t.dir, "profile.json");
        assert_int_equal(sg_path_exists(table), profile);
        assert_int_equal(sg_path_exists(trace), profile);
        free(table);
        free(trace);
        toy_training_dispose(&t);
    }
    assert_true(losses[0] == losses[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_mixup_mixes_labels),
            cmocka_unit_test(test_best_epoch_is_kept),
            cmocka_unit_test(test_patience),
            cmocka_unit_test(test_profile_changes_nothing),
            cmocka_unit_test(test_schedule_equals_going_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
