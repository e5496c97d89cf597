/* What the line of a search tells: trials of all processes, the best of all, what is left. */
#include "cli/tune_study.h"

#include "support/check.h"

#include <math.h>
#include <string.h>

enum { TRIALS = 6 };

static void fill(sg_study_trial trials[TRIALS]) {
    static const struct {
        sg_trial_state state;
        double shown;
        size_t steps;
    } rows[TRIALS] = {{SG_TRIAL_COMPLETE, 0.7, 6}, {SG_TRIAL_PRUNED, 0.9, 2},
            {SG_TRIAL_COMPLETE, 0.8, 6}, {SG_TRIAL_FAILED, NAN, 1}, {SG_TRIAL_RUNNING, NAN, 4},
            {SG_TRIAL_RUNNING, NAN, 1}};
    memset(trials, 0, TRIALS * sizeof *trials);
    for (size_t i = 0; i < TRIALS; i++) {
        trials[i].number = i;
        trials[i].shown = rows[i].shown;
        trials[i].trial.value = -rows[i].shown;
        trials[i].trial.state = rows[i].state;
        trials[i].step_count = rows[i].steps;
    }
}

/* What ended early, or failed, leaves nothing to train. */
static void test_whole_trials(void **state) {
    (void)state;
    sg_tune_args args = {0};
    sg_tune t = {.args = &args, .inner.folds = 2, .plan = {.trials = 10, .epochs = 3}};
    sg_study_trial trials[TRIALS];
    fill(trials);
    sg_tune_standing s = sg_tune_look(&t, trials, TRIALS);
    assert_int_equal(s.done, 4);
    assert_int_equal(s.running, 2);
    assert_int_equal(s.planned, 10);
    assert_true(s.trained == 20 && s.left == 6 * 6 - 5);
    assert_ptr_equal(s.best, &trials[2]);
    assert_int_equal(s.room, 4);
    /* The running ones may take seven more, a further trial six: it is begun where it fits. */
    args.budget_epochs = 33;
    s = sg_tune_look(&t, trials, TRIALS);
    assert_true(s.room == 1 && s.left == 13 && s.planned == 0);
    args.budget_epochs = 32;
    s = sg_tune_look(&t, trials, TRIALS);
    assert_true(s.room == 0 && s.left == 7);
    args.budget_epochs = 15;
    assert_int_equal(sg_tune_look(&t, trials, TRIALS).room, 0);
    args.budget_epochs = 1000;
    s = sg_tune_look(&t, trials, TRIALS);
    assert_true(s.room == 4 && s.left == 31 && s.planned == 10);
    s = sg_tune_look(&t, NULL, 0);
    assert_true(!s.best && s.left == 60 && s.trained == 0);
}

/* Short runs first, then the members: trials 2 to 5 are stretches of theirs. */
static void test_hybrid(void **state) {
    (void)state;
    sg_tune_args args = {.budget_epochs = 7};
    sg_tune t = {.args = &args,
            .inner.folds = 2,
            .plan = {.trials = 3,
                    .epochs = 3,
                    .members = 2,
                    .member_epochs = 9,
                    .every = 3,
                    .generations = 3}};
    sg_study_trial trials[TRIALS];
    fill(trials);
    for (size_t i = 2; i < TRIALS; i++)
        trials[i].attributes = json_pack("{s:i}", "sg_member", (int)i % 2);
    sg_tune_standing s = sg_tune_look(&t, trials, TRIALS);
    assert_int_equal(s.planned, 9);
    assert_true(s.left == 2 * 9 * 2 - 12 && s.room == 0);
    for (size_t i = 2; i < TRIALS; i++) json_decref(trials[i].attributes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_whole_trials),
            cmocka_unit_test(test_hybrid),
    };
    return cmocka_run_group_tests_name("cli/tune_live", tests, NULL, NULL);
}
