/* run_dir.h - what a training leaves behind, beside its weights: the history as results.csv, a log
 * as JSON lines, TensorBoard curves, and what the machine was. One epoch is one row; a resume keeps
 * the rows its checkpoint knows of and writes the others anew.
 *
 *   DIR/results.csv  log.jsonl  environment.json  events.out.tfevents.*
 *   DIR/weights/last.safetensors  best.safetensors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TRAIN_RUN_DIR_H
#define SG_TRAIN_RUN_DIR_H

#include "base/json.h"
#include "train/figures.h"

typedef struct sg_epoch {
    int epoch;                                   /* from 1 */
    double train_loss, learning_rate, grad_norm; /* means over the epoch; rate at its end */
    bool has_val;
    sg_figures val;                                /* of the averaged weights */
    double seconds, images_per_second, wait_share; /* share of the time spent waiting for images */
} sg_epoch;

typedef struct sg_history {
    sg_epoch *epochs;
    size_t count, capacity;
} sg_history;
void sg_history_dispose(sg_history *history); /* NULL-safe */
SG_MUST_CHECK sg_status sg_history_add(sg_history *history, const sg_epoch *epoch, sg_error *err);
SG_MUST_CHECK sg_status sg_history_write(
        const sg_history *history, const char *path, sg_error *err);
/* Rows up to `last_epoch`; a missing file is an empty history, half a line at the end is no row. */
SG_MUST_CHECK sg_status sg_history_read(
        sg_history *out, const char *path, int last_epoch, sg_error *err);

/* Appends one object as a line, with "time" (UTC, ISO 8601) put in front. Drops the reference. */
SG_MUST_CHECK sg_status sg_run_log(const char *dir, json_t *object, sg_error *err);

/* What an event file tells beside its scalars; see event_facts.c. */
typedef struct sg_event_facts {
    json_t *settings; /* flat object of numbers, text and bools for the HParams tab; NULL = none */
    uint8_t *png;     /* grey, of the training images as the network gets them; NULL = none */
    size_t png_size;
    int width, height;
    bool finished;
} sg_event_facts;
void sg_event_facts_dispose(sg_event_facts *facts); /* NULL-safe */

/* TensorBoard event file with every scalar of the history, written whole: the one file of that kind
 * in `dir` is replaced. facts may be NULL. start_time: seconds since 1970 that name it and date the
 * first record. */
SG_MUST_CHECK sg_status sg_events_write(const char *dir, const sg_history *history,
        const sg_event_facts *facts, double start_time, sg_error *err);

/* environment.json: versions, processor, threads, backend. Drops nothing, holds no secrets. */
SG_MUST_CHECK sg_status sg_run_environment(
        const char *dir, const char *backend, int threads, int workers, sg_error *err);

/* Clears away what a killed process or a crash left in `dir`: unfinished files (base/file.h), also
 * of its weights folder, and the broken end of log.jsonl. The caller holds the run's lock. */
void sg_run_sweep(const char *dir);
/* Length of a log without a broken end: half a line, zero bytes, a last line that is no object. */
size_t sg_run_log_sound(const char *text, size_t size);

/* DIR/weights/NAME.safetensors; the caller's, NULL when out of memory. */
char *sg_run_weights_path(const char *dir, const char *name);

#endif
