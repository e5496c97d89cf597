/* readers_open.c - the readers' table of readers.h, matched to its images by name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "protocol/readers_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading a reader study");
}

/* ---- looking images up ---- */

typedef struct entry {
    const char *key; /* borrowed */
    size_t image;
} entry;

typedef struct directory {
    entry *by_name, *by_end; /* sorted */
    size_t count;
} directory;

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const entry *)a)->key, ((const entry *)b)->key);
}

static sg_status directory_make(directory *d, const sg_reader_study *s, sg_error *err) {
    d->count = s->image_count;
    d->by_name = calloc(d->count + 1, sizeof *d->by_name);
    d->by_end = calloc(d->count + 1, sizeof *d->by_end);
    if (!d->by_name || !d->by_end) return no_memory(err);
    for (size_t i = 0; i < d->count; i++) {
        d->by_name[i] = (entry){s->images[i].name, i};
        d->by_end[i] = (entry){sg_path_base(s->images[i].name), i};
    }
    qsort(d->by_name, d->count, sizeof *d->by_name, compare_entries);
    qsort(d->by_end, d->count, sizeof *d->by_end, compare_entries);
    return SG_OK;
}

static void directory_dispose(directory *d) {
    free(d->by_name);
    free(d->by_end);
}

/* The one entry with this key; *shared when there are several. NULL: none, or several. */
static const entry *find_entry(const entry *entries, size_t count, const char *key, bool *shared) {
    entry wanted = {key, 0};
    const entry *e = bsearch(&wanted, entries, count, sizeof *entries, compare_entries);
    if (!e) return NULL;
    *shared = (e > entries && strcmp(e[-1].key, key) == 0) ||
              (e + 1 < entries + count && strcmp(e[1].key, key) == 0);
    return *shared ? NULL : e;
}

static sg_status find_image(size_t *out, const directory *d, const char *name, const char *file,
        size_t line, sg_error *err) {
    bool shared = false;
    const entry *e = find_entry(d->by_name, d->count, name, &shared);
    if (!e && !shared) e = find_entry(d->by_end, d->count, sg_path_base(name), &shared);
    if (shared)
        return sg_fail(err, SG_ERR_INPUT,
                "%s, line %zu: several predicted images are called '%s'; write the path as in "
                "predictions.csv",
                file, line, name);
    if (!e)
        return sg_fail(err, SG_ERR_INPUT,
                "%s, line %zu: image '%s' is not in the model's predictions; the readers' images "
                "must be among them",
                file, line, name);
    *out = e->image;
    return SG_OK;
}

/* ---- the readers' table ---- */

typedef struct reader_columns {
    int reader, image, score, verdict, way, truth;
} reader_columns;

static sg_status find_reader_columns(
        reader_columns *c, const sg_csv *csv, const sg_reader_options *o, sg_error *err) {
    sg_status st = sg_reader_require(&c->reader, csv, "reader", o->table, err);
    if (!st) st = sg_reader_require(&c->image, csv, "image", o->table, err);
    if (st) return st;
    c->score = sg_csv_column(csv, "score");
    c->verdict = sg_csv_column(csv, "verdict");
    c->way = sg_csv_column(csv, "way");
    c->truth = sg_csv_column(csv, "truth");
    if (c->score < 0 && c->verdict < 0)
        return sg_fail(
                err, SG_ERR_FORMAT, "%s has neither a column 'score' nor 'verdict'", o->table);
    if (!o->predictions && c->truth < 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s does not say what is true: add a column 'truth', or give the model's "
                "predictions with --predictions",
                o->table);
    if (csv->rows == 0) return sg_fail(err, SG_ERR_INPUT, "%s holds no readings", o->table);
    return SG_OK;
}

/* Without a model the images are those of the table. */
static sg_status collect_images(
        sg_reader_study *s, const sg_csv *csv, const reader_columns *c, sg_error *err) {
    uint32_t *number = calloc(csv->rows + 1, sizeof *number);
    size_t distinct = 0, capacity = 0;
    sg_status st =
            number ? sg_reader_number_texts(number, &distinct, csv, c->image, err) : no_memory(err);
    s->images = calloc(distinct + 1, sizeof *s->images);
    if (!st && !s->images) st = no_memory(err);
    if (!st) s->image_count = distinct;
    for (size_t i = 0; i < csv->rows && !st; i++) {
        sg_reader_image *image = &s->images[number[i]];
        if (!image->name) image->name = sg_strdup(sg_csv_cell(csv, i, c->image));
        image->group = number[i];
        if (!image->name) st = no_memory(err);
        const char *truth = sg_csv_cell(csv, i, c->truth);
        if (!st && *truth && sg_reader_yes_or_no(truth) < 0 &&
                sg_reader_intern(&s->categories, &s->category_count, &capacity, truth) < 0)
            st = no_memory(err);
    }
    free(number);
    return st;
}

/* Truth of the table: sets it, or checks it against what is known (known[image]: 0 not, 1 no, 2
 * yes). */
static sg_status check_truth(uint8_t *known, sg_reader_study *s, size_t image, const char *truth,
        const sg_reader_options *o, size_t line, sg_error *err) {
    if (!*truth) {
        if (known[image]) return SG_OK;
        return sg_fail(err, SG_ERR_INPUT, "%s, line %zu: the truth is missing", o->table, line);
    }
    int word = sg_reader_yes_or_no(truth);
    bool positive = word >= 0 ? word == 1 : strcasecmp(truth, o->positive) == 0;
    if (known[image] && positive != (known[image] == 2))
        return sg_fail(err, SG_ERR_INPUT,
                "%s, line %zu: the truth of '%s' is '%s' here and something else elsewhere",
                o->table, line, s->images[image].name, truth);
    known[image] = positive ? 2 : 1;
    s->images[image].positive = positive;
    return SG_OK;
}

/* Places every row of the table; drops images that nobody read. */
static sg_status match_rows(size_t *image_of, sg_reader_study *s, const sg_csv *csv,
        const reader_columns *c, const sg_reader_options *o, sg_error *err) {
    directory d = {0};
    uint8_t *known = calloc(s->image_count + 1, 1);
    size_t *place = calloc(s->image_count + 1, sizeof *place), kept = 0;
    sg_status st = known && place ? directory_make(&d, s, err) : no_memory(err);
    for (size_t i = 0; i < s->image_count && !st && s->has_model; i++)
        known[i] = s->images[i].positive ? 2 : 1;
    for (size_t i = 0; i < csv->rows && !st; i++) {
        st = find_image(&image_of[i], &d, sg_csv_cell(csv, i, c->image), o->table, i + 2, err);
        if (!st && c->truth >= 0)
            st = check_truth(known, s, image_of[i], sg_csv_cell(csv, i, c->truth), o, i + 2, err);
        if (!st) place[image_of[i]] = 1;
    }
    directory_dispose(&d);
    for (size_t i = 0; i < s->image_count && !st; i++) {
        if (!place[i]) {
            free(s->images[i].name);
            continue;
        }
        s->images[kept] = s->images[i];
        place[i] = kept++;
    }
    if (!st) s->image_count = kept;
    for (size_t i = 0; i < csv->rows && !st; i++) image_of[i] = place[image_of[i]];
    free(known);
    free(place);
    return st;
}

/* Verdicts are classes when every one is a class name, and of two kinds otherwise. */
static sg_status settle_categories(sg_reader_study *s, const sg_csv *csv, const reader_columns *c,
        const sg_reader_options *o, sg_error *err) {
    bool classes = s->category_count >= 2 && isnan(o->cut) &&
                   sg_reader_find_name(s->categories, s->category_count, o->positive) >= 0;
    for (size_t i = 0; i < csv->rows && c->verdict >= 0; i++) {
        const char *verdict = sg_csv_cell(csv, i, c->verdict);
        bool named = sg_reader_find_name(s->categories, s->category_count, verdict) >= 0 ||
                     strcasecmp(verdict, o->positive) == 0;
        if (*verdict && !named && sg_reader_yes_or_no(verdict) < 0)
            return sg_fail(err, SG_ERR_INPUT,
                    "%s, line %zu: verdict '%s' is neither a class nor positive, negative, yes, "
                    "no, 1 or 0",
                    o->table, i + 2, verdict);
        classes = classes && (!*verdict || named);
    }
    s->positive_name = sg_strdup(o->positive);
    if (!s->positive_name) return no_memory(err);
    if (classes) {
        s->positive_category =
                (size_t)sg_reader_find_name(s->categories, s->category_count, o->positive);
        return SG_OK;
    }
    for (size_t i = 0; i < s->image_count && s->has_model; i++)
        s->images[i].model_verdict =
                strcasecmp(s->categories[s->images[i].model_verdict], o->positive) == 0;
    sg_reader_names_dispose(s->categories, s->category_count);
    s->category_count = 0;
    s->categories = calloc(2, sizeof *s->categories);
    if (!s->categories) return no_memory(err);
    s->category_count = 2;
    s->categories[0] = sg_strdupf("not %s", o->positive);
    s->categories[1] = sg_strdup(o->positive);
    s->positive_category = 1;
    return s->categories[0] && s->categories[1] ? SG_OK : no_memory(err);
}

/* Category of a verdict; a named class may have been folded into two kinds. */
static int categorize(const sg_reader_study *s, const char *verdict) {
    int word = sg_reader_yes_or_no(verdict),
        named = sg_reader_find_name(s->categories, s->category_count, verdict);
    if (named >= 0) return named;
    if (word >= 0) return word;
    return 0;
}

static sg_reading *find_reading(sg_reader_study *s, const char *reader, const char *way) {
    for (size_t i = 0; i < s->reading_count; i++)
        if (strcmp(s->readings[i].reader, reader) == 0 && strcmp(s->readings[i].way, way) == 0)
            return &s->readings[i];
    return NULL;
}

static sg_status start_reading(sg_reading **out, sg_reader_study *s, const char *reader,
        const char *way, const char *file, sg_error *err) {
    if (s->reading_count == SG_READINGS_MAX)
        return sg_fail(err, SG_ERR_INPUT, "%s holds more than %d readers", file, SG_READINGS_MAX);
    bool known = false;
    for (size_t i = 0; i < s->reading_count; i++)
        known = known || strcmp(s->readings[i].reader, reader) == 0;
    s->reader_count += !known;
    sg_reading *r = &s->readings[s->reading_count++];
    r->reader = sg_strdup(reader);
    r->way = sg_strdup(way);
    r->score = calloc(s->image_count + 1, sizeof *r->score);
    r->verdict = calloc(s->image_count + 1, sizeof *r->verdict);
    if (!r->reader || !r->way || !r->score || !r->verdict) return no_memory(err);
    for (size_t i = 0; i < s->image_count; i++) {
        r->score[i] = NAN;
        r->verdict[i] = -1;
    }
    *out = r;
    return SG_OK;
}

static sg_status add_row(sg_reader_study *s, const sg_csv *csv, size_t row, size_t image,
        const reader_columns *c, const sg_reader_options *o, sg_error *err) {
    const char *reader = sg_csv_cell(csv, row, c->reader);
    const char *way = c->way < 0 ? "" : sg_csv_cell(csv, row, c->way);
    const char *score = c->score < 0 ? "" : sg_csv_cell(csv, row, c->score);
    const char *verdict = c->verdict < 0 ? "" : sg_csv_cell(csv, row, c->verdict);
    sg_reading *r = find_reading(s, reader, way);
    sg_status st = r ? SG_OK : start_reading(&r, s, reader, way, o->table, err);
    if (st) return st;
    if (!*reader || (!*score && !*verdict))
        return sg_fail(err, SG_ERR_INPUT, "%s, line %zu: %s", o->table, row + 2,
                *reader ? "neither a score nor a verdict" : "the reader has no name");
    if (!isnan(r->score[image]) || r->verdict[image] >= 0)
        return sg_fail(err, SG_ERR_INPUT, "%s, line %zu: reader '%s' has read '%s' before",
                o->table, row + 2, reader, s->images[image].name);
    if (*score && !sg_parse_double(&r->score[image], score))
        return sg_fail(
                err, SG_ERR_INPUT, "%s, line %zu: '%s' is no score", o->table, row + 2, score);
    if (*verdict)
        r->verdict[image] = categorize(s, verdict);
    else if (!isnan(o->cut))
        r->verdict[image] = r->score[image] >= o->cut;
    r->read++;
    r->scored += !isnan(r->score[image]);
    r->judged += r->verdict[image] >= 0;
    return SG_OK;
}

static int compare_readings(const void *a, const void *b) {
    const sg_reading *p = a, *q = b;
    int order = strcmp(p->way, q->way);
    return order ? order : strcmp(p->reader, q->reader);
}

sg_status sg_reader_study_open(sg_reader_study *out, const sg_reader_options *o, sg_error *err) {
    sg_csv csv = {0};
    reader_columns c = {0};
    sg_reader_study s = {.cut = o->cut, .draws = o->draws};
    size_t *image_of = NULL;
    sg_status st = sg_csv_read(&csv, o->table, err);
    if (!st) st = find_reader_columns(&c, &csv, o, err);
    if (!st)
        st = o->predictions ? sg_reader_predictions_read(&s, o, err)
                            : collect_images(&s, &csv, &c, err);
    if (!st) {
        image_of = calloc(csv.rows + 1, sizeof *image_of);
        s.readings = calloc(SG_READINGS_MAX, sizeof *s.readings);
        st = image_of && s.readings ? match_rows(image_of, &s, &csv, &c, o, err) : no_memory(err);
    }
    if (!st) st = settle_categories(&s, &csv, &c, o, err);
    for (size_t i = 0; i < csv.rows && !st; i++) st = add_row(&s, &csv, i, image_of[i], &c, o, err);
    if (!st) qsort(s.readings, s.reading_count, sizeof *s.readings, compare_readings);
    free(image_of);
    sg_csv_dispose(&csv);
    if (st)
        sg_reader_study_dispose(&s);
    else
        *out = s;
    return st;
}

void sg_reader_study_dispose(sg_reader_study *s) {
    if (!s) return;
    for (size_t i = 0; i < s->image_count; i++) free(s->images[i].name);
    for (size_t i = 0; i < s->reading_count; i++) {
        free(s->readings[i].reader);
        free(s->readings[i].way);
        free(s->readings[i].score);
        free(s->readings[i].verdict);
    }
    sg_reader_names_dispose(s->categories, s->category_count);
    free(s->images);
    free(s->positive_name);
    free(s->readings);
    free(s->ways);
    free(s->differences);
    free(s->pairs);
    memset(s, 0, sizeof *s);
}
