/* tune_population.c - populations: the plan, the stretches that a study holds, the next one.
 *
 * A generation is begun when the one before is finished; what its members do follows from the study
 * alone (tune/pbt.h), so every process comes to the same. A stretch is claimed with its point in
 * one transaction, which fails when another process was faster. SPDX-License-Identifier: Apache-2.0
 */
#include "cli/train_schedule.h"
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include "tune/hybrid.h"
#include "tune/pbt.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the population");
}

/* ---- the plan ---- */

static sg_status find_held(sg_tune *t, sg_error *err) {
    bool any = false;
    for (size_t i = 0; i < t->space.count; i++) {
        const char *name = t->space.params[i].name;
        t->held[i] = !sg_train_is_changeable(name);
        any = any || !t->held[i];
        if (t->held[i] && t->args->method != SG_TUNE_HYBRID)
            return sg_fail(err, SG_ERR_USAGE,
                    "parameter '%s' cannot change while a training goes on: let --method hybrid "
                    "choose it beforehand, or hold it fixed",
                    name);
    }
    return any ? SG_OK
               : sg_fail(err, SG_ERR_USAGE,
                         "no parameter of the space can change while a training goes on; use "
                         "--method gp");
}

/* A third of a hybrid's budget goes to short runs. */
static sg_status plan_population(sg_tune *t, sg_error *err) {
    const sg_tune_args *a = t->args;
    sg_tune_plan *p = &t->plan;
    bool hybrid = a->method == SG_TUNE_HYBRID;
    long long row = a->population * a->inner, budget = a->budget_epochs;
    if (!budget) budget = row * a->epochs * (hybrid ? 3 : 2) / 2;
    long long begin = hybrid ? budget / 3 : 0;
    p->epochs = (int)a->short_epochs;
    p->trials = hybrid ? (size_t)(begin / (a->short_epochs * a->inner)) : 0;
    p->members = (size_t)a->population;
    p->every = (int)a->every;
    long long left = budget - (long long)p->trials * a->short_epochs * a->inner;
    p->member_epochs = (int)(a->budget_epochs || hybrid ? left / row : a->epochs);
    p->generations = (p->member_epochs + p->every - 1) / p->every;
    if (hybrid && p->trials < 2)
        return sg_fail(err, SG_ERR_USAGE,
                "a third of %lld epochs is less than two short runs of %lld epochs in %lld inner "
                "folds: raise --budget-epochs, or lower --short-epochs or --inner",
                budget, a->short_epochs, a->inner);
    if (p->generations < 2)
        return sg_fail(err, SG_ERR_USAGE,
                "%d epochs for each of %lld members are no two generations of %lld: raise "
                "--budget-epochs (or --epochs), or lower --every, --population or --inner",
                p->member_epochs, a->population, a->every);
    return SG_OK;
}

static sg_status check_budget(const sg_tune_args *a, sg_error *err) {
    if (!a->budget_epochs || a->budget_epochs >= a->epochs * a->inner) return SG_OK;
    return sg_fail(err, SG_ERR_USAGE,
            "%lld epochs are less than one trial, which takes %lld in each of %lld inner folds: "
            "raise --budget-epochs, or lower --epochs or --inner",
            a->budget_epochs, a->epochs, a->inner);
}

sg_status sg_tune_make_plan(sg_tune *t, sg_error *err) {
    const sg_tune_args *a = t->args;
    t->plan = (sg_tune_plan){.trials = (size_t)a->trials, .epochs = (int)a->epochs};
    if (a->method < SG_TUNE_PBT) return check_budget(a, err);
    sg_status st = find_held(t, err);
    return st ? st : plan_population(t, err);
}

/* ---- what the study holds ---- */

bool sg_tune_is_stretch(sg_tune_stretch *out, const sg_study_trial *trial) {
    const json_t *member = json_object_get(trial->attributes, "sg_member");
    const json_t *parent = json_object_get(trial->attributes, "sg_parent");
    if (!json_is_integer(member)) return false;
    if (out)
        *out = (sg_tune_stretch){(size_t)json_integer_value(member),
                (int)json_integer_value(json_object_get(trial->attributes, "sg_generation")),
                json_is_integer(parent) ? (long)json_integer_value(parent) : -1};
    return true;
}

static const sg_study_trial *find_stretch(
        const sg_study_trial *trials, size_t count, size_t member, int generation) {
    sg_tune_stretch s;
    for (size_t i = 0; i < count; i++)
        if (sg_tune_is_stretch(&s, &trials[i]) && s.member == member && s.generation == generation)
            return &trials[i];
    return NULL;
}

static size_t member_of(const sg_study_trial *trials, size_t count, long number) {
    sg_tune_stretch s = {0};
    if (number >= 0 && (size_t)number < count) (void)sg_tune_is_stretch(&s, &trials[number]);
    return s.member;
}

/* How many members have begun and how many have finished a generation. */
static void count_members(size_t *begun, size_t *finished, const sg_tune *t,
        const sg_study_trial *trials, size_t count, int generation) {
    *begun = *finished = 0;
    for (size_t m = 0; m < t->plan.members; m++) {
        const sg_study_trial *s = find_stretch(trials, count, m, generation);
        *begun += s != NULL;
        *finished += s && s->trial.state != SG_TRIAL_RUNNING;
    }
}

/* Finished generations as sg_pbt_next wants them; the caller's. */
static sg_stretch *make_history(
        size_t *n, const sg_study_trial *trials, size_t count, int generation) {
    sg_stretch *history = calloc(count + 1, sizeof *history);
    *n = 0;
    for (size_t i = 0; history && i < count; i++) {
        sg_tune_stretch s;
        if (!sg_tune_is_stretch(&s, &trials[i]) || s.generation >= generation) continue;
        sg_stretch *h = &history[(*n)++];
        *h = (sg_stretch){.member = s.member,
                .parent = s.parent < 0 ? s.member : member_of(trials, count, s.parent),
                .generation = s.generation,
                .score = trials[i].trial.value};
        memcpy(h->point, trials[i].trial.point, sizeof h->point);
    }
    return history;
}

/* ---- what comes next ---- */

typedef struct round_plan {
    size_t parents[SG_MEMBERS_MAX];
    double points[SG_MEMBERS_MAX * SG_SPACE_MAX];
} round_plan;

static sg_status seed_members(round_plan *r, const sg_tune *t, const sg_study_trial *trials,
        size_t count, sg_error *err) {
    uint64_t seed = (uint64_t)t->args->seed;
    size_t members = t->plan.members;
    for (size_t m = 0; m < members; m++) r->parents[m] = m;
    if (t->args->method != SG_TUNE_HYBRID) {
        const sg_sampler_options even = {SG_SAMPLER_SOBOL, seed, 0};
        sg_status st = SG_OK;
        for (size_t m = 0; !st && m < members; m++)
            st = sg_propose(r->points + m * SG_SPACE_MAX, &t->space, NULL, 0, m, &even, err);
        return st;
    }
    sg_trial *plain = sg_tune_plain_trials(trials, count);
    size_t n = 0;
    for (size_t i = 0; plain && i < count; i++)
        if (trials[i].has_point && !sg_tune_is_stretch(NULL, &trials[i]))
            plain[n++] = trials[i].trial;
    sg_status st =
            plain ? sg_hybrid_seed(r->points, &t->space, plain, n, members, t->held, seed, err)
                  : no_memory(err);
    free(plain);
    return st;
}

static sg_status plan_round(round_plan *r, const sg_tune *t, const sg_study_trial *trials,
        size_t count, int generation, sg_error *err) {
    if (generation == 0) return seed_members(r, t, trials, count, err);
    sg_pbt_options options = SG_PBT_OPTIONS_INIT;
    options.seed = (uint64_t)t->args->seed;
    options.held = t->held;
    options.model = t->args->method != SG_TUNE_PBT;
    if (options.model) options.resample = 0.05;
    size_t n;
    sg_stretch *history = make_history(&n, trials, count, generation);
    sg_status st = history ? sg_pbt_next(r->parents, r->points, &t->space, history, n,
                                     t->plan.members, generation, &options, err)
                           : no_memory(err);
    free(history);
    return st;
}

/* Checkpoints that no member of this generation goes on from. */
static void drop_unneeded(const sg_tune *t, const round_plan *r, const sg_study_trial *trials,
        size_t count, int generation) {
    for (size_t i = 0; i < count; i++) {
        sg_tune_stretch s;
        if (!sg_tune_is_stretch(&s, &trials[i]) || s.generation >= generation) continue;
        bool needed = false;
        for (size_t m = 0; s.generation == generation - 1 && m < t->plan.members; m++)
            needed = needed || r->parents[m] == s.member;
        if (!needed) sg_tune_drop_weights(t, trials[i].number);
    }
}

static json_t *describe(const sg_tune *t, const sg_tune_stretch *s) {
    int from = s->generation * t->plan.every, until = from + t->plan.every;
    if (until > t->plan.member_epochs) until = t->plan.member_epochs;
    return json_pack("{s:I, s:i, s:o, s:i, s:i}", "sg_member", (json_int_t)s->member,
            "sg_generation", s->generation, "sg_parent",
            s->parent < 0 ? json_null() : json_integer(s->parent), "sg_epoch", from, "sg_until",
            until);
}

static sg_status begin_stretch(sg_tune *t, const sg_study_trial *trials, size_t count,
        size_t member, int generation, sg_error *err) {
    round_plan r;
    sg_ticket ticket;
    bool begun = false;
    sg_status st = plan_round(&r, t, trials, count, generation, err);
    if (st) return st;
    const sg_study_trial *parent =
            generation ? find_stretch(trials, count, r.parents[member], generation - 1) : NULL;
    const sg_tune_stretch s = {member, generation, parent ? (long)parent->number : -1};
    const double *point = r.points + member * SG_SPACE_MAX;
    json_t *attributes = describe(t, &s);
    st = attributes ? sg_study_begin_at(t->study, &ticket, &begun, count, point, attributes, err)
                    : no_memory(err);
    json_decref(attributes);
    if (st || !begun) return st;
    drop_unneeded(t, &r, trials, count, generation);
    return sg_tune_run_trial(t, &ticket, point, &s, err);
}

void sg_tune_wait(const sg_tune *t) {
    const struct timespec pause = {0, 200000000};
    sg_tune_show(t);
    nanosleep(&pause, NULL);
}

sg_status sg_tune_next_stretch(bool *more, sg_tune *t, sg_error *err) {
    sg_study_trial *trials;
    size_t count, begun = 0, finished = 0, member = 0;
    sg_status st = sg_study_load(t->study, &trials, &count, err);
    if (st) return st;
    int generation = 0;
    for (; generation < t->plan.generations; generation++) {
        count_members(&begun, &finished, t, trials, count, generation);
        if (finished < t->plan.members) break;
    }
    *more = generation < t->plan.generations;
    while (*more && member < t->plan.members && find_stretch(trials, count, member, generation))
        member++;
    if (*more && begun < t->plan.members)
        st = begin_stretch(t, trials, count, member, generation, err);
    else if (*more)
        sg_tune_wait(t); /* for the members that other processes train */
    sg_study_trials_free(trials, count);
    return st;
}

/* ---- what was found ---- */

size_t sg_tune_last_members(
        size_t *out, size_t limit, const sg_tune *t, const sg_study_trial *trials, size_t count) {
    size_t n = 0, order[SG_MEMBERS_MAX];
    for (size_t m = 0; m < t->plan.members; m++) {
        const sg_study_trial *s = find_stretch(trials, count, m, t->plan.generations - 1);
        if (!s || isnan(s->trial.value)) continue;
        size_t at = n++, index = (size_t)(s - trials);
        for (; at > 0 && s->trial.value < trials[order[at - 1]].trial.value; at--)
            order[at] = order[at - 1];
        order[at] = index;
    }
    if (n > limit) n = limit;
    memcpy(out, order, n * sizeof *out);
    return n;
}

static void put_phase(sg_str *out, const sg_tune *t, const double *point, int epoch) {
    const char *comma = "";
    sg_str_appendf(out, "epoch-%d: \"", epoch);
    for (size_t i = 0; i < t->space.count; i++) {
        if (isnan(point[i]) || t->held[i]) continue;
        sg_str_appendf(out, "%s%s=", comma, t->space.params[i].name);
        sg_dimension_value_put(out, &t->space.params[i], point[i]);
        comma = "; ";
    }
    sg_str_append(out, "\"\n");
}

/* The shape of the learning rate that a point was trained with. */
static sg_status find_shape(char out[16], sg_tune *t, const double *point, sg_error *err) {
    sg_arm_settings settings;
    sg_status st =
            sg_tune_settings(&settings, t, point, t->plan.member_epochs, NULL, t->args->seed, err);
    if (st) return st;
    (void)snprintf(out, 16, "%s", settings.args.schedule);
    sg_arm_settings_dispose(&settings);
    return SG_OK;
}

sg_status sg_tune_put_schedule(sg_str *text, sg_tune *t, const sg_study_trial *trials, size_t count,
        size_t last, sg_error *err) {
    char shape[16];
    size_t *line = malloc((size_t)t->plan.generations * sizeof *line), at = last;
    sg_status st = line ? find_shape(shape, t, trials[last].trial.point, err) : no_memory(err);
    for (int g = t->plan.generations - 1; !st && g >= 0; g--) {
        sg_tune_stretch s = {0};
        line[g] = at;
        (void)sg_tune_is_stretch(&s, &trials[at]);
        if (s.parent >= 0 && (size_t)s.parent < count) at = (size_t)s.parent;
    }
    if (!st) sg_str_appendf(text, "shape: %s\nepochs: %d\n", shape, t->plan.member_epochs);
    for (int g = 0; !st && g < t->plan.generations; g++) {
        const double *point = trials[line[g]].trial.point;
        if (g == 0 || !sg_space_equal(&t->space, point, trials[line[g - 1]].trial.point))
            put_phase(text, t, point, g * t->plan.every);
    }
    free(line);
    return st ? st : sg_str_check(text, err);
}
