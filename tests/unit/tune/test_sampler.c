/* Samplers on functions with known minima, and their manners: repeatable, inside the space, aware
 * of running and failed trials. SPDX-License-Identifier: Apache-2.0 */
#include "tune/sampler.h"

#include "base/rng.h"
#include "support/check.h"
#include "support/objectives.h"
#include "tune/importance.h"
#include "tune/surrogate.h"

#include <math.h>
#include <stdlib.h>

enum { TRIALS_MAX = 64 };

static sg_trial trials[TRIALS_MAX];

/* Runs a search of n trials; returns the lowest value. */
static double search(const objective *o, sg_sampler kind, size_t n, uint64_t seed) {
    sg_space space;
    sg_error err = SG_ERROR_INIT;
    sg_sampler_options options = {kind, seed, o->startup};
    double best = INFINITY;
    objective_space(&space, o);
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(sg_propose(trials[i].point, &space, trials, i, i, &options, &err));
        trials[i].value = o->value(trials[i].point);
        trials[i].state = SG_TRIAL_COMPLETE;
        best = fmin(best, trials[i].value);
    }
    sg_space_dispose(&space);
    return best;
}

static double regret_on(const char *name, sg_sampler kind, size_t n) {
    const objective *o = objective_find(name);
    double product = 1;
    for (uint64_t seed = 1; seed <= 3; seed++)
        product *= fmax(search(o, kind, n, seed) - o->minimum, 1e-9);
    return cbrt(product);
}

static void test_model_beats_chance(void **state) {
    (void)state;
    double gp = regret_on("branin", SG_SAMPLER_GP, 40);
    double tpe = regret_on("branin", SG_SAMPLER_TPE, 60);
    double chance = regret_on("branin", SG_SAMPLER_RANDOM, 60);
    if (!(gp < 0.01 && tpe < chance)) fail_msg("gp %g, tpe %g, chance %g", gp, tpe, chance);
    assert_true(regret_on("mixed-branin", SG_SAMPLER_GP, 40) < 0.3);
}

static void test_same_seed_same_proposal(void **state) {
    (void)state;
    const objective *o = objective_find("mixed-branin");
    for (sg_sampler kind = SG_SAMPLER_RANDOM; kind <= SG_SAMPLER_TPE; kind++) {
        double first = search(o, kind, 16, 5), kept[3];
        memcpy(kept, trials[15].point, sizeof kept);
        assert_true(search(o, kind, 16, 5) == first);
        assert_memory_equal(kept, trials[15].point, sizeof kept);
        search(o, kind, 16, 6);
        assert_memory_not_equal(kept, trials[15].point, sizeof kept);
    }
}

/* Three proposals side by side, none told how the others came out, lie apart. */
static void test_running_trials_push_away(void **state) {
    (void)state;
    const objective *o = objective_find("branin");
    sg_space space;
    sg_error err = SG_ERROR_INIT;
    search(o, SG_SAMPLER_GP, 20, 2);
    objective_space(&space, o);
    for (size_t i = 20; i < 23; i++) {
        CHECK_OK(sg_propose_gp(trials[i].point, &space, trials, i, i, 2, &err));
        trials[i].state = SG_TRIAL_RUNNING;
        trials[i].value = NAN;
        for (size_t k = 20; k < i; k++) {
            double apart = fabs(trials[i].point[0] - trials[k].point[0]) +
                           fabs(trials[i].point[1] - trials[k].point[1]);
            assert_true(apart > 0.01);
        }
    }
    sg_space_dispose(&space);
}

/* Where every trial crashes, the search does not go on asking. */
static void test_failures_are_avoided(void **state) {
    (void)state;
    const objective *o = objective_find("branin");
    sg_space space;
    sg_error err = SG_ERROR_INIT;
    objective_space(&space, o);
    size_t late_failures = 0;
    for (size_t i = 0; i < 40; i++) {
        sg_sampler_options options = {SG_SAMPLER_GP, 3, 10};
        CHECK_OK(sg_propose(trials[i].point, &space, trials, i, i, &options, &err));
        bool fails = trials[i].point[0] < 0; /* one of the three minima lies there */
        trials[i].state = fails ? SG_TRIAL_FAILED : SG_TRIAL_COMPLETE;
        trials[i].value = fails ? NAN : o->value(trials[i].point);
        late_failures += fails && i >= 25;
    }
    assert_true(late_failures <= 3);
    sg_space_dispose(&space);
}

/* Four points in all: each is proposed once before any is repeated. */
static void test_small_space_is_exhausted(void **state) {
    (void)state;
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_space_add(&space, "a", "choice x y", &err));
    CHECK_OK(sg_space_add(&space, "b", "ordered 1 2", &err));
    unsigned seen = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i < 2) {
            trials[i].point[0] = (double)i;
            trials[i].point[1] = 0;
        } else {
            CHECK_OK(sg_propose_gp(trials[i].point, &space, trials, i, i, 1, &err));
        }
        trials[i].state = SG_TRIAL_COMPLETE;
        trials[i].value = trials[i].point[0] + trials[i].point[1];
        seen |= 1u << (int)(2 * trials[i].point[0] + trials[i].point[1]);
    }
    assert_int_equal(seen, 15);
    sg_space_dispose(&space);
}

static void test_conditions_hold(void **state) {
    (void)state;
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_space_add(&space, "optimizer", "choice adamw sgd", &err));
    CHECK_OK(sg_space_add(&space, "momentum", "float 0 1 if optimizer = sgd", &err));
    CHECK_OK(sg_space_add(&space, "lr", "float 1e-5 1 log", &err));
    for (size_t i = 0; i < 30; i++) {
        sg_sampler_options options = {i % 2 ? SG_SAMPLER_GP : SG_SAMPLER_TPE, 3, 8};
        double *p = trials[i].point;
        CHECK_OK(sg_propose(p, &space, trials, i, i, &options, &err));
        assert_true(isnan(p[1]) == (p[0] == 0));
        trials[i].state = SG_TRIAL_COMPLETE;
        trials[i].value = fabs(log10(p[2]) + 3) + (p[0] == 0 ? 0.5 : fabs(p[1] - 0.7));
    }
    long best;
    CHECK_OK(sg_best_by_model(&best, NULL, NULL, &space, trials, 30, 1, &err));
    assert_true(trials[best].point[0] == 1 && fabs(trials[best].point[1] - 0.7) < 0.2);
    sg_space_dispose(&space);
}

/* A lucky noisy value does not win against a region that is good throughout. */
static void test_best_by_model_sees_through_noise(void **state) {
    (void)state;
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    sg_rng rng = sg_rng_make(4, SG_RNG_TEST, 0, 0);
    CHECK_OK(sg_space_add(&space, "x", "float 0 1", &err));
    for (size_t i = 0; i < 60; i++) {
        double x = ((double)i + 0.5) / 60;
        trials[i] = (sg_trial){
                {x}, 4 * (x - 0.3) * (x - 0.3) + 0.1 * sg_rng_normal(&rng), SG_TRIAL_COMPLETE};
    }
    trials[57].value = -0.4;
    long best;
    double mean, sd;
    CHECK_OK(sg_best_by_model(&best, &mean, &sd, &space, trials, 60, 1, &err));
    assert_true(fabs(trials[best].point[0] - 0.3) < 0.1);
    assert_true(fabs(mean) < 0.1 && sd > 0 && sd < 0.1);
    sg_space_dispose(&space);
}

static void test_taming_keeps_order_and_the_low_half(void **state) {
    (void)state;
    double v[7] = {1, 2, 3, 4, 10, 1000, 1e6}, before[7];
    memcpy(before, v, sizeof v);
    sg_tame(v, 7);
    assert_memory_equal(v, before, 4 * sizeof *v);
    for (int i = 4; i < 7; i++) assert_true(v[i] > v[i - 1] && v[i] < before[i]);
    assert_true(v[6] < 40);
}

/* A search models values as they are; only a population's are compressed. */
static void test_only_a_population_is_tamed(void **state) {
    (void)state;
    enum { N = 7 };
    static const double values[N] = {1, 2, 3, 4, 10, 100, 1000};
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    sg_surrogate s;
    double time[N], before[N] = {0};
    CHECK_OK(sg_space_add(&space, "x", "float 0 1", &err));
    for (int i = 0; i < N; i++) {
        trials[i].point[0] = (double)i / N;
        trials[i].value = values[i];
        trials[i].state = SG_TRIAL_COMPLETE;
        time[i] = i;
    }
    CHECK_OK(sg_surrogate_fit(&s, &space, trials, N, NULL, 1, &err));
    for (int i = 0; i < N; i++) assert_true(fabs(s.center + s.scale * s.y[i] - values[i]) < 1e-9);
    sg_surrogate_dispose(&s);
    const sg_drift drift = {time, before, N, 0, true};
    CHECK_OK(sg_surrogate_fit(&s, &space, trials, N, &drift, 1, &err));
    assert_true(s.center + s.scale * s.y[N - 1] < 40);
    sg_surrogate_dispose(&s);
    sg_space_dispose(&space);
}

/* f = 3 a + b + 0 c on [0, 1]: the variances are 9 : 1 : 0; the condition changes nothing. */
static void test_importance_of_a_sum(void **state) {
    (void)state;
    sg_space space = {0};
    sg_error err = SG_ERROR_INIT;
    sg_importance importance[4];
    CHECK_OK(sg_space_add(&space, "a", "float 0 1", &err));
    CHECK_OK(sg_space_add(&space, "kind", "choice x y", &err));
    CHECK_OK(sg_space_add(&space, "b", "float 0 1 if kind = y", &err));
    CHECK_OK(sg_space_add(&space, "c", "float 1 100 log", &err));
    for (size_t i = 0; i < 40; i++) {
        sg_sampler_options options = {SG_SAMPLER_SOBOL, 1, 0};
        double *p = trials[i].point;
        CHECK_OK(sg_propose(p, &space, trials, i, i, &options, &err));
        trials[i].value = -(3 * p[0] + (isnan(p[2]) ? 0.5 : p[2]));
        trials[i].state = SG_TRIAL_COMPLETE;
    }
    CHECK_OK(sg_importance_measure(importance, &space, trials, 40, 1, &err));
    assert_true(importance[0].share > 0.75);
    assert_true(importance[2].share < 0.2 && importance[2].share > 0.01);
    assert_true(importance[1].share < 0.05 && importance[3].share < 0.05);
    assert_int_equal(importance[1].levels, 2);
    assert_int_equal(importance[3].levels, SG_IMPORTANCE_LEVELS);
    assert_true(importance[3].at[0] > 1 && importance[3].at[SG_IMPORTANCE_LEVELS - 1] < 100);
    assert_true(importance[0].effect[0] > importance[0].effect[SG_IMPORTANCE_LEVELS - 1] + 1);
    sg_space_dispose(&space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_model_beats_chance),
            cmocka_unit_test(test_same_seed_same_proposal),
            cmocka_unit_test(test_running_trials_push_away),
            cmocka_unit_test(test_failures_are_avoided),
            cmocka_unit_test(test_small_space_is_exhausted),
            cmocka_unit_test(test_conditions_hold),
            cmocka_unit_test(test_best_by_model_sees_through_noise),
            cmocka_unit_test(test_taming_keeps_order_and_the_low_half),
            cmocka_unit_test(test_only_a_population_is_tamed),
            cmocka_unit_test(test_importance_of_a_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
