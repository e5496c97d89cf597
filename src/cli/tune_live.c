/* tune_live.c - the line that tells how a search stands, all processes together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/tune_study.h"
#include <math.h>

/* Epochs that trials not ended yet may still take. */
static double count_left(const sg_tune *t, size_t ended, double running, double members) {
    const sg_tune_plan *p = &t->plan;
    double folds = t->inner.folds;
    double whole = ((double)p->trials - (double)ended) * p->epochs * folds - running;
    double population = (double)p->members * p->member_epochs * folds - members;
    return fmax(whole, 0) + fmax(population, 0);
}

sg_tune_standing sg_tune_look(const sg_tune *t, const sg_study_trial *trials, size_t count) {
    const sg_tune_plan *p = &t->plan;
    sg_tune_standing s = {0};
    size_t ended = 0;
    double running = 0, members = 0;
    for (size_t i = 0; i < count; i++) {
        const sg_study_trial *trial = &trials[i];
        bool is_running = trial->trial.state == SG_TRIAL_RUNNING;
        double steps = (double)trial->step_count;
        s.trained += steps;
        s.running += is_running;
        if (sg_tune_is_stretch(NULL, trial))
            members += steps;
        else if (is_running)
            running += steps;
        else
            ended++;
        if (trial->trial.state == SG_TRIAL_COMPLETE &&
                (!s.best || trial->trial.value < s.best->trial.value))
            s.best = trial;
    }
    s.done = count - s.running;
    s.planned = p->trials + p->members * (size_t)p->generations;
    s.left = count_left(t, ended, running, members);
    double budget = (double)t->args->budget_epochs - s.trained;
    if (t->args->budget_epochs && !p->members && budget < s.left) {
        s.left = fmax(budget, 0);
        s.planned = 0;
    }
    return s;
}

static void put_standing(sg_str *out, const sg_tune *t, const sg_tune_standing *s) {
    sg_str_appendf(out, "search: %zu ", s->done);
    if (s->planned) sg_str_appendf(out, "of %zu ", s->planned);
    sg_str_append(out, "trials done");
    if (s->running) sg_str_appendf(out, ", %zu running", s->running);
    if (s->best)
        sg_str_appendf(out, ", best %s %.4f (trial %zu)", sg_select_name(t->figure), s->best->shown,
                s->best->number);
    sg_str_append(out, "; epochs");
}

void sg_tune_show(const sg_tune *t) {
    sg_study_trial *trials;
    size_t count;
    sg_error ignored = SG_ERROR_INIT;
    if (t->call->quiet || sg_study_load(t->study, &trials, &count, &ignored)) return;
    sg_tune_standing s = sg_tune_look(t, trials, count);
    sg_str line;
    sg_str_init(&line, 0);
    put_standing(&line, t, &s);
    sg_log_progress(t->call->log, sg_str_text(&line), s.trained, s.trained + s.left);
    sg_str_dispose(&line);
    sg_study_trials_free(trials, count);
}
