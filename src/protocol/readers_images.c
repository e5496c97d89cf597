/* readers_images.c - see readers_parts.h: words, names, and the images and the model that
 * predictions.csv brings. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/readers_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading a reader study");
}

/* ---- words ---- */

int sg_reader_yes_or_no(const char *word) {
    static const char *const words[][2] = {
            {"no", "yes"}, {"0", "1"}, {"negative", "positive"}, {"false", "true"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int side = 0; side < 2; side++)
            if (strcasecmp(word, words[i][side]) == 0) return side;
    return -1;
}

int sg_reader_find_name(char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(names[i], name) == 0) return (int)i;
    return -1;
}

int sg_reader_intern(char ***names, size_t *count, size_t *capacity, const char *name) {
    int at = sg_reader_find_name(*names, *count, name);
    if (at >= 0) return at;
    if (sg_grow(names, capacity, *count + 1, sizeof **names, NULL)) return -1;
    (*names)[*count] = sg_strdup(name);
    return (*names)[*count] ? (int)(*count)++ : -1;
}

void sg_reader_names_dispose(char **names, size_t count) {
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

/* ---- predictions.csv ---- */

sg_status sg_reader_require(
        int *column, const sg_csv *csv, const char *name, const char *file, sg_error *err) {
    *column = sg_csv_column(csv, name);
    if (*column >= 0) return SG_OK;
    return sg_fail(err, SG_ERR_FORMAT, "%s has no column '%s'", file, name);
}

typedef struct prediction_columns {
    int path, group, fold, label, predicted, score;
} prediction_columns;

static sg_status find_columns(prediction_columns *c, sg_reader_study *s, const sg_csv *csv,
        const sg_reader_options *o, sg_error *err) {
    size_t capacity = 0;
    sg_status st = sg_reader_require(&c->path, csv, "path", o->predictions, err);
    if (!st) st = sg_reader_require(&c->label, csv, "label", o->predictions, err);
    if (!st) st = sg_reader_require(&c->predicted, csv, "predicted", o->predictions, err);
    c->group = sg_csv_column(csv, "group");
    c->fold = sg_csv_column(csv, "fold");
    c->score = -1;
    for (size_t k = 0; k < csv->columns && !st; k++) {
        if (strncmp(csv->header[k], "p_", 2) != 0) continue;
        if (sg_reader_intern(&s->categories, &s->category_count, &capacity, csv->header[k] + 2) < 0)
            return no_memory(err);
        if (strcasecmp(csv->header[k] + 2, o->positive) == 0) c->score = (int)k;
    }
    if (!st && c->score < 0)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s has no probability of '%s' (column p_%s); name the class sought with "
                "--positive",
                o->predictions, o->positive, o->positive);
    return st;
}

static sg_status add_prediction(sg_reader_study *s, const sg_csv *csv, size_t row,
        const prediction_columns *c, const char *file, const char *positive, sg_error *err) {
    sg_reader_image *image = &s->images[row];
    const char *label = sg_csv_cell(csv, row, c->label);
    int predicted = sg_reader_find_name(
            s->categories, s->category_count, sg_csv_cell(csv, row, c->predicted));
    image->name = sg_strdup(sg_csv_cell(csv, row, c->path));
    if (!image->name) return no_memory(err);
    s->image_count = row + 1;
    if (sg_reader_find_name(s->categories, s->category_count, label) < 0 || predicted < 0)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s, line %zu: label '%s' or prediction '%s' is no class of the p_ columns", file,
                row + 2, label, sg_csv_cell(csv, row, c->predicted));
    if (!sg_parse_double(&image->model_score, sg_csv_cell(csv, row, c->score)))
        return sg_fail(err, SG_ERR_FORMAT, "%s, line %zu: '%s' is no probability", file, row + 2,
                sg_csv_cell(csv, row, c->score));
    image->positive = strcasecmp(label, positive) == 0;
    image->model_verdict = predicted;
    return SG_OK;
}

typedef struct keyed {
    const char *key; /* borrowed */
    size_t row;
} keyed;

static int compare_keys(const void *a, const void *b) {
    return strcmp(((const keyed *)a)->key, ((const keyed *)b)->key);
}

sg_status sg_reader_number_texts(
        uint32_t *numbers, size_t *distinct, const sg_csv *csv, int column, sg_error *err) {
    keyed *rows = calloc(csv->rows + 1, sizeof *rows);
    if (!rows) return no_memory(err);
    for (size_t i = 0; i < csv->rows; i++) rows[i] = (keyed){sg_csv_cell(csv, i, column), i};
    qsort(rows, csv->rows, sizeof *rows, compare_keys);
    uint32_t number = 0;
    for (size_t i = 0; i < csv->rows; i++) {
        if (i && strcmp(rows[i].key, rows[i - 1].key) != 0) number++;
        numbers[rows[i].row] = number;
    }
    *distinct = csv->rows ? number + (size_t)1 : 0;
    free(rows);
    return SG_OK;
}

static sg_status number_groups(
        sg_reader_study *s, const sg_csv *csv, const prediction_columns *c, sg_error *err) {
    uint32_t *numbers = calloc(csv->rows + 1, sizeof *numbers);
    size_t distinct = 0;
    sg_status st = numbers ? SG_OK : no_memory(err);
    if (!st && c->fold >= 0)
        st = sg_reader_number_texts(numbers, &s->model_folds, csv, c->fold, err);
    for (size_t i = 0; i < csv->rows && !st; i++) s->images[i].group = (uint32_t)i;
    if (!st && c->group >= 0) {
        st = sg_reader_number_texts(numbers, &distinct, csv, c->group, err);
        for (size_t i = 0; i < csv->rows && !st; i++) s->images[i].group = numbers[i];
    }
    free(numbers);
    return st;
}

sg_status sg_reader_predictions_read(
        sg_reader_study *s, const sg_reader_options *o, sg_error *err) {
    sg_csv csv;
    prediction_columns c = {0};
    sg_status st = sg_csv_read(&csv, o->predictions, err);
    if (st) return st;
    s->images = calloc(csv.rows + 1, sizeof *s->images);
    st = s->images ? find_columns(&c, s, &csv, o, err) : no_memory(err);
    for (size_t row = 0; row < csv.rows && !st; row++)
        st = add_prediction(s, &csv, row, &c, o->predictions, o->positive, err);
    if (!st) st = number_groups(s, &csv, &c, err);
    s->has_model = true;
    s->model_mixed = s->model_folds > 1;
    sg_csv_dispose(&csv);
    return st;
}
