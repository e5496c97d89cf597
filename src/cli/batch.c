/* batch.c - see batch.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/batch.h"
#include "base/csv.h"
#include "base/file.h"
#include "cli/image_list.h"
#include "image/codec.h"
#include "infer/assess.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading a batch");
}

void sg_batch_dispose(sg_batch *b) {
    for (size_t c = 0; c < b->columns; c++) {
        free(b->names[c]);
        free(b->values[c]);
    }
    memset(b, 0, sizeof *b);
}

int sg_batch_column(const sg_batch *b, const char *name) {
    for (size_t c = 0; c < b->columns; c++)
        if (strcmp(b->names[c], name) == 0) return (int)c;
    return -1;
}

static bool is_compared(const char *name) {
    static const char *const known[] = {"members_agree", "quality", "distance"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0) return true;
    for (int t = 0; t < SG_QUALITY_TRAITS; t++)
        if (strcmp(name, sg_quality_name((sg_quality_trait)t)) == 0) return true;
    return strncmp(name, "p_", 2) == 0;
}

/* ---- filling ---- */

static sg_status add_row(sg_batch *b, sg_error *err) {
    if (b->rows == b->capacity) {
        size_t capacity = b->capacity ? 2 * b->capacity : 256;
        for (size_t c = 0; c < b->columns; c++) {
            double *grown = realloc(b->values[c], capacity * sizeof *grown);
            if (!grown) return no_memory(err);
            b->values[c] = grown;
        }
        b->capacity = capacity;
    }
    for (size_t c = 0; c < b->columns; c++) b->values[c][b->rows] = NAN;
    b->rows++;
    return SG_OK;
}

/* In the last row; a column that comes up for the first time was empty before. */
static sg_status put(sg_batch *b, const char *name, double value, sg_error *err) {
    int c = sg_batch_column(b, name);
    if (c < 0) {
        if (b->columns == SG_BATCH_COLUMNS)
            return sg_fail(err, SG_ERR_INPUT, "more than %d columns to compare", SG_BATCH_COLUMNS);
        char *own = sg_strdup(name);
        double *values = malloc(b->capacity * sizeof *values);
        if (!own || !values) {
            free(own);
            free(values);
            return no_memory(err);
        }
        for (size_t r = 0; r < b->rows; r++) values[r] = NAN;
        c = (int)b->columns++;
        b->names[c] = own;
        b->values[c] = values;
    }
    b->values[c][b->rows - 1] = isfinite(value) ? value : NAN;
    return SG_OK;
}

/* ---- sources ---- */

static sg_status read_csv(sg_batch *b, const char *path, sg_error *err) {
    sg_csv csv;
    sg_status st = sg_csv_read(&csv, path, err);
    if (st) return st;
    for (size_t r = 0; r < csv.rows && !st; r++) {
        st = add_row(b, err);
        for (size_t c = 0; c < csv.columns && !st; c++) {
            const char *cell = sg_csv_cell(&csv, r, (int)c);
            double value;
            if (!is_compared(csv.header[c]) || !*cell) continue;
            st = sg_parse_double(&value, cell)
                         ? put(b, csv.header[c], value, err)
                         : sg_fail(err, SG_ERR_FORMAT, "%s, line %zu: '%s' is no number", path,
                                   r + 2, cell);
        }
    }
    sg_csv_dispose(&csv);
    return st;
}

static sg_status put_object(sg_batch *b, const char *prefix, const json_t *object, sg_error *err) {
    sg_status st = SG_OK;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        char *name = sg_strdupf("%s%s", prefix, key);
        if (!st && !name) st = no_memory(err);
        if (!st && json_is_number(value) && is_compared(name))
            st = put(b, name, json_number_value(value), err);
        free(name);
    }
    return st;
}

static sg_status read_json(sg_batch *b, const char *path, sg_error *err) {
    json_t *document, *row;
    size_t i;
    sg_status st = sg_json_read(&document, path, err);
    if (st) return st;
    json_array_foreach(json_object_get(document, "predictions"), i, row) {
        const json_t *assessment = json_object_get(row, "assessment");
        if (!st) st = add_row(b, err);
        if (!st) st = put_object(b, "p_", json_object_get(row, "probabilities"), err);
        if (!st) st = put_object(b, "", assessment, err);
        if (!st) st = put_object(b, "", json_object_get(assessment, "traits"), err);
    }
    json_decref(document);
    return st;
}

static sg_status put_prediction(sg_batch *b, const sg_bundle *bundle, const sg_prediction *p,
        const sg_assessment *a, sg_error *err) {
    sg_status st = put(b, "members_agree", a->agreement, err);
    for (int c = 0; c < p->classes && !st; c++) {
        char *name = sg_strdupf("p_%s", bundle->classes[c]);
        st = name ? put(b, name, p->probability[c], err) : no_memory(err);
        free(name);
    }
    if (!st && a->has_quality) st = put(b, "quality", a->verdict.score, err);
    if (!st && a->has_atlas) st = put(b, "distance", a->nearest.distance, err);
    return st;
}

static sg_status read_image(
        sg_batch *b, const sg_batch_source *source, const char *path, sg_error *err) {
    sg_image image = {0};
    sg_prediction p;
    sg_assessment a = {0};
    sg_status st = add_row(b, err);
    if (!st && source->predictor) {
        st = sg_predictor_predict_file_image(source->predictor, &p, &image, path, err);
        if (!st) st = sg_assess(&a, source->predictor, &image, &p, err);
        if (!st) st = put_prediction(b, sg_predictor_bundle(source->predictor), &p, &a, err);
    } else if (!st) {
        st = sg_image_read(&image, NULL, path, NULL, err);
        if (!st) st = sg_quality_measure(&a.quality, &image, err);
    }
    for (int t = 0; t < SG_QUALITY_TRAITS && !st; t++)
        st = put(b, sg_quality_name((sg_quality_trait)t), a.quality.traits[t], err);
    sg_image_dispose(&image);
    return st;
}

static sg_status read_images(sg_batch *b, const sg_batch_source *source, sg_error *err) {
    sg_image_list list = {0};
    sg_status st = sg_image_list_add(&list, source->path, err);
    for (size_t i = 0; i < list.count && !st; i++) {
        if (source->stop && *source->stop)
            st = sg_fail(err, SG_ERR_INTERRUPTED, "stopped after %zu of %zu images", i, list.count);
        if (!st) st = read_image(b, source, list.items[i], err);
        sg_log_progress(source->log, "reading images", (double)(i + 1), (double)list.count);
    }
    sg_image_list_dispose(&list);
    return st;
}

sg_status sg_batch_read(sg_batch *out, const sg_batch_source *source, sg_error *err) {
    sg_batch b = {0};
    const char *path = source->path;
    sg_status st = SG_OK;
    if (!sg_path_exists(path))
        st = sg_fail(err, SG_ERR_MISSING, "%s is not there", path);
    else if (sg_path_is_dir(path) || sg_image_has_extension(path))
        st = read_images(&b, source, err);
    else if (sg_ends_with(path, ".json"))
        st = read_json(&b, path, err);
    else
        st = read_csv(&b, path, err);
    if (!st && (b.rows == 0 || b.columns == 0))
        st = sg_fail(err, SG_ERR_FORMAT,
                "%s holds nothing to compare: no rows, or none of the columns that `predict --csv` "
                "writes",
                path);
    if (st)
        sg_batch_dispose(&b);
    else
        *out = b;
    return st;
}
