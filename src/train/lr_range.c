/* lr_range.c - see lr_range.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/lr_range.h"
#include "base/file.h"
#include "train/session.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTLING = 5, /* steps whose average says little yet */
    OPENING = 10  /* steps at rates too low to change anything, and averages too short to count */
};

void sg_lr_range_dispose(sg_lr_range *r) {
    if (!r) return;
    free(r->rate);
    memset(r, 0, sizeof *r);
}

/* Standard deviation of a loss about its trend, over the first n. */
static double spread(const double *loss, size_t n) {
    double squares = 0;
    for (size_t i = 1; i < n; i++) squares += (loss[i] - loss[i - 1]) * (loss[i] - loss[i - 1]);
    return n > 1 ? sqrt(squares / (2.0 * (double)(n - 1))) : 0;
}

bool sg_lr_range_fell(const sg_lr_range *r) {
    size_t opening = r->count < OPENING ? r->count : OPENING;
    size_t quiet = r->lowest + 1 < 2 * opening ? 2 * opening : r->lowest + 1;
    double start = 0;
    for (size_t i = 0; i < opening; i++) start += r->loss[i] / (double)opening;
    double noise = spread(r->loss, quiet < r->count ? quiet : r->count) / sqrt((double)opening);
    double fall = start - r->smooth[r->lowest];
    return fall > 0.02 * start && fall > 4 * noise;
}

static sg_status check(const sg_lr_range_options *o, sg_error *err) {
    if (!(o->low > 0) || !(o->high > o->low))
        return sg_fail(err, SG_ERR_USAGE,
                "rates from %g to %g: the first must be above 0 and "
                "below the last",
                o->low, o->high);
    if (o->steps < 10 || o->steps > 100000)
        return sg_fail(err, SG_ERR_USAGE, "%d steps; 10 to 100000 are possible", o->steps);
    if (!(o->smoothing >= 0 && o->smoothing < 1) || !(o->diverged > 1))
        return sg_fail(err, SG_ERR_USAGE,
                "a smoothing of %g and an end at %g times the lowest "
                "loss make no sense",
                o->smoothing, o->diverged);
    return SG_OK;
}

bool sg_lr_range_judge(sg_lr_range *r, size_t steps, const sg_lr_range_options *o) {
    double average = 0, weight = 0;
    r->count = r->lowest = 0;
    r->diverged = false;
    for (size_t i = 0; i < steps && !r->diverged; i++) {
        if (!isfinite(r->loss[i])) {
            r->diverged = true;
            break;
        }
        average = o->smoothing * average + (1 - o->smoothing) * r->loss[i];
        weight = o->smoothing * weight + (1 - o->smoothing);
        r->smooth[i] = average / weight;
        if (i == OPENING || r->smooth[i] < r->smooth[r->lowest]) r->lowest = i;
        r->count++;
        r->diverged = i >= SETTLING && r->smooth[i] > o->diverged * r->smooth[r->lowest];
    }
    if (!r->count) return false;
    r->suggestion = r->rate[r->lowest] / 10;
    return true;
}

/* The next batch, over as many epochs as it takes. */
static sg_status next_batch(sg_batch *batch, sg_session *s, uint32_t *epoch, sg_error *err) {
    sg_status st = sg_loader_next(batch, s->train, sg_plan_input(s->plan), err);
    if (st || batch->count) return st;
    st = sg_loader_start(s->train, ++*epoch, 0, err);
    return st ? st : sg_loader_next(batch, s->train, sg_plan_input(s->plan), err);
}

static sg_status run_step(
        double *loss, sg_session *s, const sg_batch *batch, double rate, sg_error *err) {
    sg_status st = sg_plan_forward(s->plan, s->options->seed, (uint32_t)s->optimizer->step, err);
    if (!st)
        st = sg_loss_softmax(loss, s->logits_grad, sg_plan_logits(s->plan), batch->labels,
                batch->mix_labels, batch->mix_share, batch->count, &s->loss, err);
    if (!st) st = sg_plan_backward(s->plan, s->logits_grad, err);
    if (!st)
        st = sg_optimizer_step(
                s->optimizer, s->params, sg_plan_gradients(s->plan), rate, NULL, err);
    return st;
}

static sg_status run_steps(
        sg_lr_range *r, sg_session *s, const sg_lr_range_options *o, sg_error *err) {
    uint32_t epoch = 0;
    double growth = pow(o->high / o->low, 1.0 / (o->steps - 1));
    sg_status st = sg_loader_start(s->train, 0, 0, err);
    for (int i = 0; i < o->steps && !st; i++) {
        sg_batch batch;
        if (s->job->stop && *s->job->stop)
            return sg_fail(
                    err, SG_ERR_INTERRUPTED, "stopped; the range test begins anew next time");
        r->rate[i] = o->low * pow(growth, i);
        st = next_batch(&batch, s, &epoch, err);
        if (!st) st = run_step(&r->loss[i], s, &batch, r->rate[i], err);
        if (st == SG_ERR_NUMERIC) { /* the rate was too high: what came before is the result */
            r->loss[i] = NAN;
            st = SG_OK;
        }
        sg_log_progress(s->job->log, "range test", i + 1, o->steps);
        bool any = sg_lr_range_judge(r, (size_t)i + 1, o);
        if (!st && !any)
            return sg_fail(err, SG_ERR_NUMERIC,
                    "the loss is not finite from the first step on; try a lower --low");
        if (r->diverged) break;
    }
    return st;
}

sg_status sg_lr_range_run(sg_lr_range *out, const sg_train_job *job,
        const sg_lr_range_options *options, sg_error *err) {
    sg_train_job own = *job;
    sg_lr_range r = {0};
    sg_session s;
    sg_status st = check(options, err);
    if (st) return st;
    own.resume = false;
    own.epoch_done = NULL;
    r.rate = calloc(3 * (size_t)options->steps, sizeof *r.rate);
    if (!r.rate) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the range test");
    r.loss = r.rate + options->steps;
    r.smooth = r.loss + options->steps;
    st = sg_dir_make(own.dir, err);
    if (!st) {
        st = sg_session_open(&s, &own, err);
        if (!st) st = run_steps(&r, &s, options, err);
        sg_session_close(&s);
    }
    sg_error why;
    if (sg_dir_remove(own.dir, st ? &why : err) && !st) st = SG_ERR_IO;
    if (st)
        sg_lr_range_dispose(&r);
    else
        *out = r;
    return st;
}
