/* trainer.c - the loop. See trainer.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"
#include "stats/calibration.h"
#include "train/session.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool stop_asked(const sg_session *s) {
    const sg_train_job *job = s->job;
    return (job->stop && *job->stop != 0) || (job->enough && *job->enough);
}

/* A loss or gradient that is not finite ends the run, naming where. */
static sg_status add_place(const sg_session *s, sg_status st, sg_error *err) {
    if (st != SG_ERR_NUMERIC) return st;
    const char *node = sg_plan_find_nan(s->plan);
    return sg_fail_context(err, st, "epoch %d, batch %lld%s%s: try a lower --lr or --clip-norm 1",
            s->progress.epoch + 1, (long long)s->progress.batch + 1,
            node ? ", first bad layer " : "", node ? node : "");
}

/* The gradients of the auxiliary classifiers. Their losses steer the training but are not told: the
 * loss shown is that of the classifier that stays. */
static sg_status run_auxiliary(sg_session *s, const sg_batch *batch, sg_error *err) {
    const sg_graph *g = s->graph;
    sg_status st = SG_OK;
    for (int i = 0; i < g->auxiliary_count && !st; i++) {
        float *grad = sg_plan_auxiliary_gradient(s->plan, i);
        double loss;
        st = sg_loss_softmax(&loss, grad, sg_plan_auxiliary_logits(s->plan, i), batch->labels,
                batch->mix_labels, batch->mix_share, batch->count, &s->loss, err);
        for (int64_t j = 0; j < (int64_t)batch->count * g->classes; j++)
            grad[j] *= (float)g->auxiliary_share;
    }
    return st;
}

/* Steps of this batch size, had all epochs had it: where the learning rate stands on its way. */
static int64_t position(const sg_session *s) {
    return (int64_t)s->progress.epoch * (int64_t)sg_loader_batches(s->train) + s->progress.batch;
}

static sg_status run_batch(sg_session *s, const sg_batch *batch, sg_error *err) {
    const sg_train_options *o = s->options;
    int64_t step = s->optimizer->step;
    double loss = 0, norm = 0;
    sg_status st = sg_plan_forward(s->plan, o->seed, (uint32_t)step, err);
    double start = sg_profiling_start(&s->profiling);
    if (!st)
        st = sg_loss_softmax(&loss, s->logits_grad, sg_plan_logits(s->plan), batch->labels,
                batch->mix_labels, batch->mix_share, batch->count, &s->loss, err);
    if (!st) st = run_auxiliary(s, batch, err);
    sg_profiling_note(&s->profiling, s->profiling.loss, start);
    if (!st) st = sg_plan_backward(s->plan, s->logits_grad, err);
    start = sg_profiling_start(&s->profiling);
    if (!st)
        st = sg_optimizer_step(s->optimizer, s->params, sg_plan_gradients(s->plan),
                sg_schedule_rate(&s->schedule, position(s)), &norm, err);
    sg_profiling_note(&s->profiling, s->profiling.update, start);
    if (st) return add_place(s, st, err);
    s->progress.loss_sum += loss;
    s->progress.norm_sum += norm;
    s->progress.batch++;
    return SG_OK;
}

/* Saves in the middle of an epoch and reports the signal. */
static sg_status leave(sg_session *s, sg_error *err) {
    sg_status st = sg_session_save(s, err);
    if (st) return st;
    return sg_fail(err, SG_ERR_INTERRUPTED,
            "stopped in epoch %d after batch %lld; all is saved, go on with `sonograde train "
            "--resume %s`",
            s->progress.epoch + 1, (long long)s->progress.batch, s->job->run);
}

static sg_status run_batches(sg_session *s, sg_error *err) {
    size_t batches = sg_loader_batches(s->train);
    char what[96];
    snprintf(what, sizeof what, s->job->fold < 0 ? "epoch %d/%d" : "epoch %d/%d of fold %d",
            s->progress.epoch + 1, s->options->epochs, s->job->fold);
    sg_status st =
            sg_loader_start(s->train, (uint32_t)s->progress.epoch, (size_t)s->progress.batch, err);
    while (!st) {
        if (stop_asked(s)) return leave(s, err);
        if (s->options->profile)
            st = sg_profiling_step(
                    &s->profiling, s->plan, s->backend, s->job->dir, s->job->log, err);
        if (st) break;
        sg_batch batch;
        double start = sg_profiling_start(&s->profiling);
        st = sg_loader_next(&batch, s->train, sg_plan_input(s->plan), err);
        if (st || batch.count == 0) break;
        sg_profiling_note(&s->profiling, s->profiling.images, start);
        st = run_batch(s, &batch, err);
        s->profiling.step++;
        sg_log_progress(s->job->log, what, (double)s->progress.batch, (double)batches);
    }
    return st;
}

double sg_select_figure(sg_select select, const sg_figures *f) {
    switch (select) {
    case SG_SELECT_LOSS:
        return f->loss;
    case SG_SELECT_ACCURACY:
        return f->accuracy;
    case SG_SELECT_MACRO_F1:
        return f->macro_f1;
    case SG_SELECT_AUROC:
        return f->auroc;
    case SG_SELECT_NONE:
        break;
    }
    return NAN;
}

/* Keeps the weights of the epoch when its figure beats the best so far. */
static sg_status select_best(sg_session *s, const sg_figures *val, sg_error *err) {
    sg_select select = s->options->select;
    if (select == SG_SELECT_NONE) return SG_OK;
    double figure = sg_select_figure(select, val);
    if (select == SG_SELECT_LOSS) figure = -figure; /* larger is better */
    sg_progress *p = &s->progress;
    bool better = !isnan(figure) && (!p->has_best || figure > p->best);
    p->stale_epochs = better ? 0 : p->stale_epochs + 1;
    if (!better) return SG_OK;
    p->has_best = true;
    p->best = figure;
    p->best_epoch = p->epoch;
    sg_status st = sg_meta_conclude(s->meta, 1.0, 0, select, p->epoch, err);
    if (!st)
        st = sg_checkpoint_save_weights(s->best_path, s->graph, s->eval_params->data, s->meta, err);
    json_object_del(s->meta, "calibration");
    json_object_del(s->meta, "selection");
    return st;
}

static sg_status write_records(sg_session *s, const sg_epoch *e, sg_error *err) {
    const char *dir = s->job->dir;
    sg_status st = sg_history_add(&s->history, e, err);
    char *path = sg_path_join(dir, "results.csv");
    if (!st && !path) st = sg_fail(err, SG_ERR_MEMORY, "out of memory writing %s", dir);
    if (!st) st = sg_history_write(&s->history, path, err);
    free(path);
    if (!st) st = sg_events_write(dir, &s->history, &s->facts, s->start_time, err);
    if (!st)
        st = sg_run_log(dir,
                json_pack("{s:s, s:i, s:f, s:o, s:o, s:f}", "event", "epoch", "epoch", e->epoch,
                        "train_loss", e->train_loss, "val_loss",
                        sg_json_number(e->has_val ? e->val.loss : NAN), "val_accuracy",
                        sg_json_number(e->has_val ? e->val.accuracy : NAN), "seconds", e->seconds),
                err);
    if (!st && s->job->epoch_done) s->job->epoch_done(s->job->user, dir, &s->history);
    return st;
}

static void tell(const sg_session *s, const sg_epoch *e) {
    char val[96] = "";
    if (e->has_val)
        snprintf(val, sizeof val, ", val loss %.4f, accuracy %.3f, macro F1 %.3f, AUROC %.3f",
                e->val.loss, e->val.accuracy, e->val.macro_f1, e->val.auroc);
    sg_log_line(s->job->log, SG_LOG_INFO,
            "epoch %d/%d: loss %.4f%s; %.1f images/s, %.0f %% of the time waiting for images",
            e->epoch, s->options->epochs, e->train_loss, val, e->images_per_second,
            100 * e->wait_share);
}

/* One epoch from where progress stands to its checkpoint. Records come before the checkpoint: a
 * kill between them costs nothing, since a resume drops rows its checkpoint does not know. */
static sg_status run_epoch(sg_session *s, sg_error *err) {
    double start = now_seconds(), waited = sg_loader_wait_seconds(s->train);
    int64_t first = s->progress.batch;
    sg_status st = run_batches(s, err);
    if (st) return st;
    double seconds = now_seconds() - start;
    sg_progress *p = &s->progress;
    double batches = (double)p->batch, rate = sg_schedule_rate(&s->schedule, position(s) - 1);
    p->epoch++;
    sg_epoch e = {p->epoch, p->loss_sum / batches, rate, p->norm_sum / batches, s->val != NULL,
            {NAN, NAN, NAN, NAN}, seconds, (batches - (double)first) * s->batch / seconds,
            (sg_loader_wait_seconds(s->train) - waited) / seconds};
    p->batch = 0;
    p->loss_sum = p->norm_sum = 0;
    if (s->val) {
        sg_session_refresh_eval(s);
        st = sg_session_validate(s, &e.val, err);
        if (!st) st = select_best(s, &e.val, err);
    }
    if (!st) st = write_records(s, &e, err);
    if (!st) st = sg_session_save(s, err);
    if (!st) tell(s, &e);
    return st;
}

/* Leaves both results alone where validation does not determine a temperature. */
static sg_status fit_temperature(
        sg_session *s, double *temperature, bool *fitted, sg_figures *val, sg_error *err) {
    size_t n = s->val_count, k = s->job->manifest->class_count;
    sg_status st = sg_session_validate(s, val, err);
    double *logits = malloc(n * k * sizeof *logits);
    uint32_t *labels = malloc(n * sizeof *labels);
    if (!st && (!logits || !labels)) st = sg_fail(err, SG_ERR_MEMORY, "out of memory calibrating");
    sg_temperature fit;
    if (!st) {
        for (size_t i = 0; i < n * k; i++) logits[i] = s->val_logits[i];
        for (size_t i = 0; i < n; i++) labels[i] = (uint32_t)s->val_labels[i];
        st = sg_temperature_fit(&fit, logits, labels, n, k, err);
    }
    if (!st && !fit.at_bound) {
        *temperature = fit.value;
        *fitted = true;
    }
    free(logits);
    free(labels);
    return st;
}

/* The weights to predict with: chosen or last, calibrated on validation where there is one. The
 * checkpoint is marked finished last, so a kill in between repeats this. */
static sg_status conclude(sg_session *s, sg_train_summary *out, sg_error *err) {
    sg_progress *p = &s->progress;
    sg_session_refresh_eval(s);
    sg_status st = SG_OK;
    if (p->has_best) st = sg_checkpoint_load_weights(s->eval_params, s->best_path, err);
    double temperature = 1.0;
    bool fitted = false;
    if (!st) st = sg_session_check_weights(s, err);
    if (!st && s->val) st = fit_temperature(s, &temperature, &fitted, &out->val, err);
    if (!st)
        st = sg_meta_conclude(s->meta, temperature, fitted ? s->val_count : 0,
                p->has_best ? s->options->select : SG_SELECT_NONE,
                p->has_best ? p->best_epoch : p->epoch, err);
    if (!st)
        st = sg_checkpoint_save_weights(s->best_path, s->graph, s->eval_params->data, s->meta, err);
    p->finished = s->facts.finished = true;
    if (!st) st = sg_events_write(s->job->dir, &s->history, &s->facts, s->start_time, err);
    if (!st) st = sg_session_save(s, err);
    if (!st)
        st = sg_run_log(s->job->dir,
                json_pack("{s:s, s:i, s:f}", "event", "finished", "epochs", p->epoch, "temperature",
                        temperature),
                err);
    out->has_val = s->val != NULL;
    out->temperature = temperature;
    return st;
}

static bool is_over(const sg_session *s) {
    const sg_train_options *o = s->options;
    return s->progress.epoch >= o->epochs ||
           (o->patience > 0 && s->progress.stale_epochs >= o->patience);
}

static sg_status begin_records(sg_session *s, sg_error *err) {
    const sg_train_options *o = s->options;
    sg_status st = sg_run_environment(
            s->job->dir, s->backend->ops->describe(s->backend), o->threads, o->workers, err);
    if (!st)
        st = sg_run_log(s->job->dir,
                json_pack("{s:s, s:i, s:I}", "event", s->progress.epoch ? "resumed" : "started",
                        "epoch", s->progress.epoch, "batch", (json_int_t)s->progress.batch),
                err);
    if (!st) st = sg_event_facts_make(&s->facts, s, err);
    sg_plan_stats stats;
    sg_plan_stats_get(&stats, s->plan);
    sg_log_line(s->job->log, SG_LOG_INFO,
            "%s: %zu training images, %zu for validation; batch %d, %d px; plan of %.0f MB (%.0f "
            "without sharing) and %.0f MB of parameters",
            o->model, s->train_count, s->val_count, s->batch, o->recipe.size,
            1e-6 * (double)stats.block_bytes, 1e-6 * (double)stats.unshared_bytes,
            1e-6 * (double)stats.packed_bytes);
    if (stats.fallbacks)
        sg_log_line(s->job->log, SG_LOG_DEBUG, "%d of %d steps run on the reference backend",
                stats.fallbacks, stats.primitives);
    return st;
}

/* With one set of settings, as far as they go. *over: nothing is left to do for this call. */
static sg_status run_stretch(
        sg_train_summary *summary, bool *over, const sg_train_job *job, sg_error *err) {
    sg_session s;
    sg_status st = sg_session_open(&s, job, err);
    if (!st) st = begin_records(&s, err);
    int until = st ? 0 : sg_train_options_until(job->options, s.progress.epoch);
    if (job->until && job->until < until) until = job->until;
    double start = now_seconds();
    while (!st && !is_over(&s) && s.progress.epoch < until) st = run_epoch(&s, err);
    bool complete = !st && is_over(&s);
    *over = st || complete || (job->until && s.progress.epoch >= job->until);
    if (!st) st = sg_profiling_finish(&s.profiling, s.plan, job->dir, job->log, err);
    if (complete && !st) st = conclude(&s, summary, err);
    if (!st) {
        summary->epochs = s.progress.epoch;
        summary->train_images = s.train_count;
        summary->val_images = s.val_count;
        summary->init_share = s.progress.init_share;
        summary->seconds += now_seconds() - start;
        summary->last_loss =
                s.history.count ? s.history.epochs[s.history.count - 1].train_loss : NAN;
        summary->best_epoch = s.progress.best_epoch;
    }
    sg_session_close(&s);
    return st;
}

sg_status sg_train_run(sg_train_summary *out, const sg_train_job *job, sg_error *err) {
    sg_train_summary summary = {0};
    sg_train_job stretch = *job;
    bool over = false;
    sg_status st = job->resume ? sg_train_is_finished(&summary.was_finished, job->dir, err) : SG_OK;
    while (!st && !over && !summary.was_finished) {
        st = run_stretch(&summary, &over, &stretch, err);
        stretch.resume = true;
    }
    if (!st) *out = summary;
    return st;
}

sg_status sg_train_is_finished(bool *out, const char *dir, sg_error *err) {
    char *path = sg_run_weights_path(dir, "last");
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory opening %s", dir);
    sg_progress progress = {0};
    sg_status st = sg_path_exists(path) ? sg_checkpoint_peek(&progress, path, err) : SG_OK;
    if (!st) *out = progress.finished;
    sg_progress_dispose(&progress);
    free(path);
    return st;
}
