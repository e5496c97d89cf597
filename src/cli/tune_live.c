/* tune_live.c - the line that tells how a search stands, all processes together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/tune_study.h"
#include <math.h>

/* Counts of the trials; epochs that the running whole trainings and all stretches have had. */
typedef struct counts {
    size_t running; /* whole trainings */
    double running_epochs, member_epochs;
} counts;

static counts count_all(sg_tune_standing *s, const sg_study_trial *trials, size_t count) {
    counts c = {0};
    for (size_t i = 0; i < count; i++) {
        const sg_study_trial *trial = &trials[i];
        bool is_running = trial->trial.state == SG_TRIAL_RUNNING;
        bool is_stretch = sg_tune_is_stretch(NULL, trial);
        double epochs = (double)trial->step_count;
        s->trained += epochs;
        s->running += is_running;
        c.running += is_running && !is_stretch;
        c.running_epochs += is_running && !is_stretch ? epochs : 0;
        c.member_epochs += is_stretch ? epochs : 0;
        if (trial->trial.state == SG_TRIAL_COMPLETE &&
                (!s->best || trial->trial.value < s->best->trial.value))
            s->best = trial;
    }
    s->done = count - s->running;
    return c;
}

sg_tune_standing sg_tune_look(const sg_tune *t, const sg_study_trial *trials, size_t count) {
    const sg_tune_plan *p = &t->plan;
    sg_tune_standing s = {0};
    counts c = count_all(&s, trials, count);
    double folds = t->inner.folds, whole = p->epochs * folds;
    double begun = (double)c.running * whole - c.running_epochs;
    double members = (double)p->members * p->member_epochs * folds - c.member_epochs;
    s.planned = p->trials + p->members * (size_t)p->generations;
    s.room = p->trials > count ? p->trials - count : 0;
    if (t->args->budget_epochs && !p->members) {
        double rest = floor(((double)t->args->budget_epochs - s.trained - begun) / whole);
        if (rest < (double)s.room) s.room = rest > 0 ? (size_t)rest : 0, s.planned = 0;
    }
    s.left = begun + (double)s.room * whole + fmax(members, 0);
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
