/* ledger.h - who looked at which test images, and when in the order of things: test data are
 * touched once, and where they were touched before, the figures say so.
 *
 * The ledger is one file of JSON lines in the user's state folder, a line per evaluation ("look"):
 * hashes of the images, digests of the models' parameters, settings. A line carries the digest of
 * the line before, so that a damaged or edited file is noticed. It is only ever added to, under a
 * lock, and replaced as a whole.
 *
 * A training notes in its run folder (DIR/ledger.json) which look was the last one when it began;
 * the note travels in the bundle. So a later evaluation can tell a model that was made after
 * somebody had seen figures on these images from one that existed before.
 *
 * What a look finds does not change when the same model is judged again with the same settings:
 * same inputs, same report. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_PROTOCOL_LEDGER_H
#define SG_PROTOCOL_LEDGER_H

#include "protocol/predictions.h"

typedef enum sg_look_order {
    SG_LOOK_FIRST,         /* nobody had looked at any of these images with another model */
    SG_LOOK_COMPARED,      /* other models had been judged on them; this one existed before that */
    SG_LOOK_TRAINED_AFTER, /* this model's training began after such a look */
    SG_LOOK_UNKNOWN_ORDER, /* there were such looks, and the model does not tell when it began */
    SG_LOOK_NOT_ENTERED    /* no ledger was kept */
} sg_look_order;
/* "first look", "compared", "trained after a look", "order unknown", "not entered". */
const char *sg_look_order_name(sg_look_order order);

typedef struct sg_test_look {
    sg_look_order order;
    size_t earlier;        /* looks at any of these images with other models, before the first
                              with this one */
    size_t earlier_models; /* distinct models (or sets of models) among them */
    size_t images_before;  /* images of this evaluation that these looks saw */
    size_t own_settings;   /* other settings this model was looked at with, before these */
    size_t total;          /* looks at any of these images so far, this one included */
} sg_test_look;

/* $XDG_STATE_HOME/sonograde/ledger.jsonl, or ~/.local/state/...; the caller's. SG_ERR_INPUT when
 * neither XDG_STATE_HOME nor HOME is an absolute path. */
SG_MUST_CHECK sg_status sg_ledger_default_path(char **out, sg_error *err);

/* Enters one evaluation and says what came before it. Folders on the way are made. SG_ERR_FORMAT
 * when the ledger is damaged (it is left as it is), SG_ERR_INPUT when another process holds it for
 * more than half a minute. */
SG_MUST_CHECK sg_status sg_ledger_enter(sg_test_look *out, const char *path,
        const sg_predictions *predictions, const char *settings, sg_error *err);

/* For metrics.json: what does not change with another look of the same kind. NULL when out of
 * memory. */
json_t *sg_look_to_json(const sg_test_look *look);

/* Adds to the ledgers of a bundle the looks that its members took part in. */
SG_MUST_CHECK sg_status sg_ledger_annotate(sg_bundle *bundle, const char *path, sg_error *err);

/* Writes DIR/ledger.json, {"schema", "last_look"}, unless it is there: what was known when the
 * training in DIR began. */
SG_MUST_CHECK sg_status sg_ledger_mark(const char *dir, const char *path, sg_error *err);

#endif
