/* session.c - see session.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"
#include "train/transfer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVAL_BATCH = 32 };

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory setting up the training");
}

/* ---- data ---- */

static sg_status open_loader(sg_loader **out, size_t *count, const sg_session *s, sg_part part,
        const sg_loader_options *options, sg_error *err) {
    const sg_manifest *m = s->job->manifest;
    size_t *rows = NULL, n = 0;
    sg_status st = sg_split_select(&rows, &n, s->job->parts, part, err);
    if (st || n == 0) {
        free(rows);
        *count = 0;
        return st;
    }
    sg_loader_item *items = calloc(n, sizeof *items);
    if (!items) st = no_memory(err);
    for (size_t i = 0; i < n && !st; i++)
        items[i] = (sg_loader_item){
                m->rows[rows[i]].path, m->rows[rows[i]].class_index, (uint32_t)rows[i]};
    if (!st) st = sg_loader_create(out, items, n, options, err);
    if (!st) *count = n;
    free(items);
    free(rows);
    return st;
}

static sg_status open_data(sg_session *s, sg_error *err) {
    const sg_train_options *o = s->options;
    sg_loader_options train = SG_LOADER_OPTIONS_INIT;
    train.root = s->job->manifest->root;
    train.recipe = o->recipe;
    train.augment = o->augment;
    train.order = o->balanced_sampler ? SG_LOADER_BALANCED : SG_LOADER_SHUFFLE;
    train.batch = o->batch;
    train.drop_last = true;
    train.seed = o->seed;
    train.workers = o->workers;
    sg_status st = open_loader(&s->train, &s->train_count, s, SG_PART_TRAIN, &train, err);
    if (st) return st;
    if (s->train_count < 2)
        return sg_fail(err, SG_ERR_INPUT,
                "the training part holds %zu images; at least 2 are needed", s->train_count);
    s->batch = s->train_count < (size_t)o->batch ? (int)s->train_count : o->batch;
    sg_loader_options val = train;
    val.augment = (sg_augment)SG_AUGMENT_OFF;
    val.order = SG_LOADER_IN_ORDER;
    val.batch = EVAL_BATCH;
    val.drop_last = false;
    st = open_loader(&s->val, &s->val_count, s, SG_PART_VAL, &val, err);
    if (!st && o->select != SG_SELECT_NONE && s->val_count == 0)
        st = sg_fail(err, SG_ERR_USAGE,
                "--select %s needs a validation part: give it a share with --val-share 0.15, or "
                "a split file with one",
                sg_select_name(o->select));
    return st;
}

/* ---- class weights ---- */

static sg_status parse_weight_list(
        double *weights, size_t classes, const char *list, sg_error *err) {
    char *copy = sg_strdup(list), *rest = copy;
    if (!copy) return no_memory(err);
    size_t n = 0;
    for (char *item = strsep(&rest, ","); item; item = strsep(&rest, ",")) {
        double value;
        if (n == classes || !sg_parse_double(&value, item) || !(value > 0)) n = classes + 1;
        if (n > classes) break;
        weights[n++] = value;
    }
    free(copy);
    return n == classes ? SG_OK
                        : sg_fail(err, SG_ERR_USAGE,
                                  "--class-weight-list '%s' must be %zu positive numbers with "
                                  "commas between",
                                  list, classes);
}

static sg_status set_class_weights(sg_session *s, sg_error *err) {
    const sg_train_options *o = s->options;
    const sg_manifest *m = s->job->manifest;
    size_t k = m->class_count, counts[SG_MAX_CLASSES] = {0};
    for (size_t i = 0; i < m->count; i++)
        if (s->job->parts->bins[i] == SG_PART_TRAIN) counts[m->rows[i].class_index]++;
    double n = (double)s->train_count, mean = 0;
    for (size_t c = 0; c < k; c++) {
        if (!counts[c])
            return sg_fail(err, SG_ERR_INPUT,
                    "class '%s' has no image in the training part; give more images or another "
                    "split",
                    m->class_names[c]);
        double balanced = n / ((double)k * (double)counts[c]);
        s->class_weights[c] =
                o->class_weighting == SG_CLASS_WEIGHTS_SQRT ? sqrt(balanced) : balanced;
        mean += s->class_weights[c] * (double)counts[c] / n;
    }
    for (size_t c = 0; c < k; c++) s->class_weights[c] /= mean;
    sg_status st = SG_OK;
    if (o->class_weighting == SG_CLASS_WEIGHTS_LIST)
        st = parse_weight_list(s->class_weights, k, o->class_weight_list, err);
    s->loss = (sg_loss_options){(int)k,
            o->class_weighting == SG_CLASS_WEIGHTS_NONE ? NULL : s->class_weights,
            o->label_smoothing, o->focal_gamma};
    return st;
}

/* ---- model ---- */

static sg_status start_weights(sg_session *s, sg_error *err) {
    const sg_train_options *o = s->options;
    const sg_log *log = s->job->log;
    sg_status st = sg_params_init(s->params, o->seed, err);
    memset(s->is_new, o->weights != NULL, (size_t)s->graph->param_count * sizeof *s->is_new);
    if (st || !o->weights) return st;
    sg_transfer t;
    st = sg_transfer_load(&t, s->params, o->weights, o->allow_new, err);
    if (st) return st;
    memcpy(s->is_new, t.is_new, (size_t)s->graph->param_count * sizeof *s->is_new);
    s->progress.init_share = t.share;
    memcpy(s->progress.weights_sha256, t.sha256, sizeof t.sha256);
    s->inherited = json_incref(t.seen);
    if (json_array_size(t.seen))
        sg_log_line(log, SG_LOG_INFO, "weights: the %zu images behind them count as seen",
                json_array_size(t.seen));
    sg_log_line(log, SG_LOG_INFO,
            "weights: %d tensors loaded, %d new, %d left over; %.1f %% of the parameters start "
            "from %s",
            t.loaded, t.fresh, t.left_over, 100 * t.share, sg_path_base(o->weights));
    sg_log_line(log, SG_LOG_INFO, "weights: new layers: %s", t.fresh_names);
    sg_log_line(log, SG_LOG_INFO, "weights: left over in the file: %s", t.left_names);
    if (t.share < 0.5)
        sg_log_line(log, SG_LOG_WARN,
                "weights: less than half of the parameters come from the file; is it meant for %s?",
                o->model);
    sg_transfer_dispose(&t);
    return SG_OK;
}

/* Batch norms whose own parameters are frozen keep their statistics. */
static void choose_statistics(sg_session *s) {
    for (int i = 0; i < s->graph->node_count; i++) {
        const sg_node *node = &s->graph->nodes[i];
        bool frozen = node->param_count && !s->trained[node->first_param];
        s->batch_statistics[i] =
                node->op == SG_OP_BATCH_NORM && !frozen && !s->options->fixed_norms;
    }
}

static double rate_factor(const sg_session *s, int i) {
    const sg_train_options *o = s->options;
    const sg_graph *g = s->graph;
    int below = g->nodes[g->output].stage - g->nodes[g->params[i].node].stage;
    double factor = pow(o->layer_decay, below > 0 ? below : 0);
    return s->is_new[i] ? factor * o->new_layer_factor : factor;
}

static sg_status open_optimizer(sg_session *s, sg_error *err) {
    double *factors = malloc((size_t)s->graph->param_count * sizeof *factors + 1);
    if (!factors) return no_memory(err);
    for (int i = 0; i < s->graph->param_count; i++) factors[i] = rate_factor(s, i);
    sg_status st = sg_optimizer_create(
            &s->optimizer, s->params, &s->options->optimizer, s->trained, factors, err);
    free(factors);
    if (!st) s->optimizer->threads = s->backend;
    return st;
}

static sg_status open_model(sg_session *s, sg_error *err) {
    const sg_train_options *o = s->options;
    sg_model_options model = o->model_options;
    model.classes = (int64_t)s->job->manifest->class_count;
    if (model.classes > SG_MAX_CLASSES)
        return sg_fail(err, SG_ERR_INPUT, "%lld classes are more than the %d that are handled",
                (long long)model.classes, SG_MAX_CLASSES);
    model.channels = o->recipe.channels;
    sg_status st = sg_model_build(&s->graph, o->model, &model, err);
    if (!st) st = sg_params_create(&s->params, s->graph, SG_F32, err);
    if (!st) st = sg_params_create(&s->eval_params, s->graph, SG_F32, err);
    if (st) return st;
    s->is_new = calloc((size_t)s->graph->param_count + 1, sizeof *s->is_new);
    s->trained = calloc((size_t)s->graph->param_count + 1, sizeof *s->trained);
    s->batch_statistics = calloc((size_t)s->graph->node_count + 1, sizeof *s->batch_statistics);
    if (!s->is_new || !s->trained || !s->batch_statistics) return no_memory(err);
    st = sg_transfer_freeze(s->trained, s->graph, o->freeze, err);
    if (!st) choose_statistics(s);
    return st;
}

/* ---- engine ---- */

static sg_status open_engine(sg_session *s, sg_error *err) {
    const sg_train_options *o = s->options;
    sg_backend_options options = SG_BACKEND_OPTIONS_INIT;
    options.threads = o->threads;
    options.deterministic = !o->winograd;
    options.winograd = o->winograd;
    sg_status st = sg_backend_create(&s->backend, o->backend, &options, err);
    if (!st) st = sg_backend_create(&s->fallback, "ref", &options, err);
    return st;
}

static sg_status open_plans(sg_session *s, sg_error *err) {
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    request.batch = s->batch;
    request.height = request.width = s->options->recipe.size;
    request.gradient = SG_GRADIENT_PARAMETERS;
    request.trained = s->trained;
    request.batch_statistics = s->batch_statistics;
    request.dropout = true;
    request.auxiliary = true;
    if (s->options->recompute) request.save = SG_SAVE_BLOCKS;
    sg_status st =
            sg_plan_create(&s->plan, s->graph, s->params, &request, s->backend, s->fallback, err);
    if (st || !s->val) return st;
    sg_plan_request predict = SG_PLAN_REQUEST_INIT;
    predict.batch = EVAL_BATCH;
    predict.height = predict.width = request.height;
    predict.lender = s->plan; /* validation runs between steps */
    return sg_plan_create(
            &s->eval_plan, s->graph, s->eval_params, &predict, s->backend, s->fallback, err);
}

/* ---- whole ---- */

static sg_status load_state(sg_session *s, const char *path, sg_resume mode, sg_error *err) {
    sg_status st = sg_checkpoint_peek_start(s->is_new, &s->inherited, s->graph, path, err);
    if (!st) st = open_optimizer(s, err);
    if (!st)
        st = sg_checkpoint_load(
                path, s->params, s->optimizer, &s->progress, s->is_new, s->identity, mode, err);
    return st;
}

static sg_status go_on(sg_session *s, sg_error *err) {
    sg_resume mode = s->job->force_resume ? SG_RESUME_FORCED
                     : s->job->elsewhere  ? SG_RESUME_ELSEWHERE
                                          : SG_RESUME_EXACT;
    sg_status st = load_state(s, s->last_path, mode, err);
    char *results = sg_path_join(s->job->dir, "results.csv");
    if (!st && !results) st = no_memory(err);
    sg_error damage = SG_ERROR_INIT;
    if (!st) st = sg_history_read(&s->history, results, s->progress.epoch, &damage);
    if (st == SG_ERR_FORMAT && damage.code == st) {
        /* it tells of the epochs behind and decides nothing: the training goes on without */
        sg_log_line(s->job->log, SG_LOG_WARN, "the earlier epochs are lost from results.csv: %s",
                damage.message);
        st = SG_OK;
    } else if (damage.code) {
        st = sg_fail(err, damage.code, "%s", damage.message);
    }
    free(results);
    if (!st)
        sg_log_line(s->job->log, SG_LOG_INFO, "going on after epoch %d, batch %lld",
                s->progress.epoch, (long long)s->progress.batch);
    return st;
}

/* Goes on from another training's checkpoint. What is different from now on is kept in the state
 * and told in the log. */
static sg_status take_start(sg_session *s, sg_error *err) {
    sg_status st = load_state(s, s->job->start, SG_RESUME_CHANGED, err);
    if (st) return st;
    size_t n = json_array_size(s->progress.changes);
    const json_t *last = n ? json_array_get(s->progress.changes, n - 1) : NULL;
    bool is_news = last && json_integer_value(json_object_get(last, "epoch")) == s->progress.epoch;
    return sg_run_log(s->job->dir,
            json_pack("{s:s, s:i, s:o}", "event", "continued", "epoch", s->progress.epoch,
                    "changed",
                    is_news ? json_incref(json_object_get(last, "changed")) : json_null()),
            err);
}

static sg_status start_or_go_on(sg_session *s, sg_error *err) {
    char *weights = sg_path_join(s->job->dir, "weights");
    sg_status st = weights ? sg_dir_make(weights, err) : no_memory(err);
    free(weights);
    if (st) return st;
    sg_run_sweep(s->job->dir);
    if (s->job->resume && sg_path_exists(s->last_path)) return go_on(s, err);
    if (s->job->start) return take_start(s, err);
    st = start_weights(s, err);
    return st ? st : open_optimizer(s, err);
}

/* The settings that count where the training stands. */
static sg_status choose_options(sg_session *s, sg_error *err) {
    const sg_train_job *job = s->job;
    bool own = job->resume && sg_path_exists(s->last_path);
    const char *path = own ? s->last_path : job->start;
    sg_progress progress = {0};
    sg_status st =
            path && job->options->phase_count ? sg_checkpoint_peek(&progress, path, err) : SG_OK;
    s->options = sg_train_options_at(job->options, progress.epoch);
    sg_progress_dispose(&progress);
    return st;
}

sg_status sg_session_open(sg_session *s, const sg_train_job *job, sg_error *err) {
    memset(s, 0, sizeof *s);
    s->job = job;
    s->start_time = (double)time(NULL);
    s->last_path = sg_run_weights_path(job->dir, "last");
    s->best_path = sg_run_weights_path(job->dir, "best");
    sg_status st = s->last_path && s->best_path ? SG_OK : no_memory(err);
    if (!st) st = sg_train_options_check(job->options, err);
    if (!st) st = choose_options(s, err);
    if (!st) st = open_data(s, err);
    if (!st) st = open_model(s, err);
    if (!st) st = set_class_weights(s, err);
    if (!st) st = open_engine(s, err);
    if (!st) st = sg_meta_identity(&s->identity, job, s->backend->ops->describe(s->backend), err);
    if (!st) st = start_or_go_on(s, err);
    if (!st)
        st = sg_meta_make(&s->meta, job, &s->progress, s->inherited, s->loss.class_weights, err);
    if (!st) st = open_plans(s, err);
    if (st) return st;
    size_t k = job->manifest->class_count;
    s->schedule = s->options->schedule;
    s->schedule.total_steps = (int64_t)sg_loader_batches(s->train) * s->options->epochs;
    s->logits_grad = calloc((size_t)s->batch * k, sizeof *s->logits_grad);
    s->val_logits = calloc(s->val_count * k + 1, sizeof *s->val_logits);
    s->val_labels = calloc(s->val_count + 1, sizeof *s->val_labels);
    return s->logits_grad && s->val_logits && s->val_labels ? SG_OK : no_memory(err);
}

void sg_session_close(sg_session *s) {
    sg_profiling_dispose(&s->profiling);
    sg_plan_destroy(s->plan);
    sg_plan_destroy(s->eval_plan);
    sg_optimizer_destroy(s->optimizer);
    sg_params_destroy(s->params);
    sg_params_destroy(s->eval_params);
    sg_graph_destroy(s->graph);
    sg_backend_destroy(s->backend);
    sg_backend_destroy(s->fallback);
    sg_loader_destroy(s->train);
    sg_loader_destroy(s->val);
    sg_history_dispose(&s->history);
    sg_event_facts_dispose(&s->facts);
    json_decref(s->meta);
    json_decref(s->identity);
    json_decref(s->inherited);
    sg_progress_dispose(&s->progress);
    free(s->is_new);
    free(s->trained);
    free(s->batch_statistics);
    free(s->logits_grad);
    free(s->val_logits);
    free(s->val_labels);
    free(s->last_path);
    free(s->best_path);
    memset(s, 0, sizeof *s);
}

void sg_session_refresh_eval(sg_session *s) {
    const float *from = s->optimizer->ema ? s->optimizer->ema : s->params->data;
    memcpy(s->eval_params->data, from, s->graph->elements * sizeof *from);
    s->eval_params->version++;
}

/* A model can leave the finite in its last step, or through the average: then no loss tells. */
static sg_status check_logits(const sg_session *s, int classes, sg_error *err) {
    for (size_t i = 0; i < s->val_count * (size_t)classes; i++) {
        if (isfinite(s->val_logits[i])) continue;
        const char *node = sg_plan_find_nan(s->eval_plan);
        return sg_fail(err, SG_ERR_NUMERIC,
                "epoch %d, after step %lld: the weights give NaN or infinity on the "
                "validation images%s%s: try a lower --lr or --clip-norm 1",
                s->progress.epoch, (long long)s->optimizer->step, node ? ", first bad layer " : "",
                node ? node : "");
    }
    return SG_OK;
}

sg_status sg_session_check_weights(const sg_session *s, sg_error *err) {
    for (int i = 0; i < s->graph->param_count; i++) {
        const sg_param *p = &s->graph->params[i];
        const float *x = sg_params_f32(s->eval_params, i);
        for (int64_t k = 0; k < sg_shape_count(&p->shape); k++)
            if (!isfinite(x[k]))
                return sg_fail(err, SG_ERR_NUMERIC,
                        "epoch %d, after step %lld: %s holds NaN or infinity: try a lower --lr or "
                        "--clip-norm 1",
                        s->progress.epoch, (long long)s->optimizer->step, p->name);
    }
    return SG_OK;
}

sg_status sg_session_validate(sg_session *s, sg_figures *out, sg_error *err) {
    int k = (int)s->job->manifest->class_count;
    sg_status st = sg_figures_run(s->val_logits, s->val_labels, s->eval_plan, s->val, k, err);
    if (!st) st = check_logits(s, k, err);
    if (!st) st = sg_figures_measure(out, s->val_logits, s->val_labels, s->val_count, k, err);
    return st;
}

sg_status sg_session_save(sg_session *s, sg_error *err) {
    return sg_checkpoint_save(s->last_path, s->params, s->optimizer, &s->progress, s->is_new,
            s->meta, s->identity, err);
}
