/* cmd_read.c - `sonograde read`: a batch of images as one page on which a person reads them before
 * the program speaks. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/assessment.h"
#include "cli/cli.h"
#include "cli/evaluation_facts.h"
#include "cli/explain_verdict.h"
#include "cli/image_list.h"
#include "cli/reading_maps.h"
#include "cli/reading_pictures.h"
#include "cli/verbs.h"
#include "infer/assess.h"
#include "report/reading.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct read_args {
    const char *bundle, *list, *output, *neighbours, *positive, *study;
    int map; /* an sg_explain_method, or SG_EXPLAIN_METHODS: none */
    bool program_first, tta, skip_bad, allow_phantom;
    long long side, threads;
} read_args;

#define AT(field) offsetof(read_args, field)
static const sg_option rows[] = {
        {"bundle", 0, SG_OPTION_PATH, AT(bundle), NULL, "FILE", "model to ask", 0, 0},
        {"list", 0, SG_OPTION_PATH, AT(list), NULL, "FILE", "text file with one path per line", 0,
                0},
        {"out", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE", "the page to write (*.html)", 0, 0},
        {"program-first", 0, SG_OPTION_FLAG, AT(program_first), NULL, NULL,
                "show the program's answer at once; this pulls readers towards it", 0, 0},
        {"neighbours", 0, SG_OPTION_PATH, AT(neighbours), NULL, "DIR",
                "folder of the training images, so that the nearest ones are shown as pictures", 0,
                0},
        {"map", 0, SG_OPTION_CHOICE, AT(map), "grad-cam", SG_EXPLAIN_NAMES "|none",
                "where the model looked, to lay over each picture", 0, 0},
        {"study", 0, SG_OPTION_PATH, AT(study), NULL, "FILE",
                "explain.json of a scored set: what it found of the map's method is told with "
                "every "
                "map",
                0, 0},
        {"positive", 0, SG_OPTION_TEXT, AT(positive), "malignant", "CLASS",
                "class whose probability orders the list by suspicion", 0, 0},
        {"side", 0, SG_OPTION_INT, AT(side), "640", "PIXELS",
                "longer side of the pictures in the page", 64, 4096},
        {"tta", 0, SG_OPTION_FLAG, AT(tta), NULL, NULL,
                "average over each image and its mirror image", 0, 0},
        {"skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL,
                "go on without images that cannot be read, and list them", 0, 0},
        {"allow-phantom-model", 0, SG_OPTION_FLAG, AT(allow_phantom), NULL, NULL,
                "let a model of simulated images speak about others", 0, 0},
        {"threads", 't', SG_OPTION_INT, AT(threads), "0", "N", "of the engine; 0 = all processors",
                0, 1024},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

enum { THUMBNAIL = 96, THUMBNAIL_QUALITY = 75, PICTURE_QUALITY = 90 };

typedef struct builder {
    const read_args *args;
    const sg_call *call;
    sg_predictor *predictor;
    sg_picture_shelf shelf;
    sg_map_maker maps;
    sg_keep keep;
    const char **classes; /* kept */
    sg_reading_item *items;
    size_t count, capacity;
} builder;

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the reading page");
}

/* Text for the page of bytes that need not be UTF-8; kept. */
static const char *text_of(builder *b, const char *bytes) {
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append_utf8(&s, bytes);
    char *text = sg_str_take(&s);
    return sg_keep_hold(&b->keep, text ? text : sg_strdup(""));
}

static const double *keep_doubles(builder *b, const double *values, int n) {
    double *copy = sg_keep_hold(&b->keep, malloc((size_t)n * sizeof *copy));
    if (copy) memcpy(copy, values, (size_t)n * sizeof *copy);
    return copy;
}

/* ---- one image ---- */

static sg_status put_pictures(
        builder *b, sg_reading_item *item, const sg_image *image, sg_error *err) {
    sg_jpeg picture = {0}, thumbnail = {0};
    sg_status st = sg_jpeg_make(&picture, image, (int)b->args->side, PICTURE_QUALITY, err);
    if (!st) st = sg_jpeg_make(&thumbnail, image, THUMBNAIL, THUMBNAIL_QUALITY, err);
    item->picture = picture.bytes ? sg_keep_hold(&b->keep, picture.bytes) : NULL;
    item->thumbnail = thumbnail.bytes ? sg_keep_hold(&b->keep, thumbnail.bytes) : NULL;
    item->picture_size = picture.size;
    item->thumbnail_size = thumbnail.size;
    item->width = picture.width;
    item->height = picture.height;
    return st;
}

static void put_neighbours(builder *b, sg_reading_item *item, const sg_assessment *a) {
    sg_reading_neighbour *list = sg_keep_hold(&b->keep, calloc(SG_NEIGHBOURS, sizeof *list));
    for (int i = 0; list && i < a->nearest.count; i++) {
        const sg_neighbour *n = &a->nearest.neighbours[i];
        list[i] = (sg_reading_neighbour){b->classes[n->image->label], n->image->sha256, n->distance,
                sg_picture_shelf_find(&b->shelf, n->image->sha256)};
    }
    item->neighbours = list;
    item->neighbour_count = list ? (size_t)a->nearest.count : 0;
}

static void put_answer(builder *b, sg_reading_item *item, const char *path, const sg_prediction *p,
        const sg_assessment *a) {
    sg_str reasons;
    sg_str_init(&reasons, 0);
    sg_assessment_put_reasons(&reasons, a);
    item->name = text_of(b, path);
    item->sha256 = SG_KEEP_TEXT(&b->keep, "%s", p->sha256);
    item->abstain = SG_KEEP_TEXT(&b->keep, "%s", sg_str_text(&reasons));
    item->p = keep_doubles(b, p->probability, p->classes);
    item->low = keep_doubles(b, p->low, p->classes);
    item->high = keep_doubles(b, p->high, p->classes);
    item->top = p->top;
    item->seen = p->seen;
    item->agreement = a->agreement;
    item->quality = a->has_quality ? a->verdict.score : NAN;
    item->distance = a->has_atlas ? a->nearest.distance : NAN;
    item->limit = a->has_atlas ? a->limit : NAN;
    sg_str_dispose(&reasons);
    put_neighbours(b, item, a);
}

/* Of the class that the page says, so that a map never explains another answer. */
static sg_status put_map(
        builder *b, sg_reading_item *item, const sg_image *image, int top, sg_error *err) {
    if (!b->maps.explainer) return SG_OK;
    sg_reading_map *map = sg_keep_hold(&b->keep, calloc(1, sizeof *map));
    if (!map) return no_memory(err);
    item->maps = map;
    item->map_count = 1;
    return sg_map_maker_make(map, &b->keep, &b->maps, image, top, b->classes[top], err);
}

static sg_status add_image(builder *b, const char *path, sg_error *err) {
    sg_image image = {0};
    sg_prediction p;
    sg_assessment a;
    sg_reading_item item = {0};
    sg_status st = sg_grow(&b->items, &b->capacity, b->count + 1, sizeof *b->items, err);
    if (!st) st = sg_predictor_predict_file_image(b->predictor, &p, &image, path, err);
    if (!st) st = sg_assess(&a, b->predictor, &image, &p, err);
    if (!st) st = put_pictures(b, &item, &image, err);
    if (!st) st = put_map(b, &item, &image, p.top, err);
    if (!st) {
        put_answer(b, &item, path, &p, &a);
        b->items[b->count++] = item;
    }
    sg_image_dispose(&image);
    return !st && b->keep.failed ? no_memory(err) : st;
}

static sg_status add_images(builder *b, const sg_image_list *list, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; i < list->count && !st; i++) {
        if (sg_cli_stop)
            return sg_fail(
                    err, SG_ERR_INTERRUPTED, "stopped after %zu of %zu images", i, list->count);
        st = add_image(b, list->items[i], err);
        if (b->args->skip_bad && (st == SG_ERR_FORMAT || st == SG_ERR_IO || st == SG_ERR_MISSING)) {
            sg_log_line(b->call->log, SG_LOG_WARN, "left out: %s", err->message);
            st = SG_OK;
        }
        sg_log_progress(b->call->log, "reading images", (double)(i + 1), (double)list->count);
    }
    if (!st && b->count == 0)
        st = sg_fail(err, SG_ERR_INPUT, "none of the %zu files could be read", list->count);
    return st;
}

/* ---- the page ---- */

/* The same images and bundle give the same key, so that verdicts are found again. */
static const char *make_key(builder *b, const sg_bundle *bundle) {
    char digest[SG_SHA256_HEX];
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append(&s, sg_bundle_sha256(bundle));
    sg_str_append(&s, b->args->program_first ? "1" : "0");
    for (size_t i = 0; i < b->count; i++) {
        sg_str_append(&s, b->items[i].sha256);
        sg_str_append(&s, b->items[i].name);
    }
    sg_sha256_hex(digest, sg_str_text(&s), s.len);
    sg_str_dispose(&s);
    return SG_KEEP_TEXT(&b->keep, "sonograde.read.%.32s", digest);
}

/* What the page cannot tell; NULL when it tells all. */
static const char *lacks(builder *b, const sg_bundle *bundle) {
    const char *unknown = sg_assessment_lacks(bundle), *no_maps = b->maps.lacks;
    return unknown && no_maps ? SG_KEEP_TEXT(&b->keep, "%s %s", unknown, no_maps)
           : unknown          ? unknown
                              : no_maps;
}

static sg_status write_page(builder *b, int positive, sg_file_writer *to, sg_error *err) {
    const sg_bundle *bundle = sg_predictor_bundle(b->predictor);
    sg_str population;
    sg_str_init(&population, 0);
    sg_bundle_put_population(&population, bundle->members[0].training);
    sg_reading_page page = {.key = make_key(b, bundle),
            .model = bundle->model,
            .population = text_of(b, sg_str_text(&population)),
            .lacks = lacks(b, bundle),
            .members = bundle->member_count,
            .program_first = b->args->program_first,
            .classes = b->classes,
            .class_count = bundle->class_count,
            .positive = positive,
            .items = b->items,
            .count = b->count};
    sg_map_ramp(page.ramp);
    sg_str_dispose(&population);
    return b->keep.failed ? no_memory(err) : sg_reading_page_put(to, &page, err);
}

static sg_status find_positive(int *out, builder *b, sg_error *err) {
    const sg_bundle *bundle = sg_predictor_bundle(b->predictor);
    int n = bundle->class_count;
    b->classes = sg_keep_hold(&b->keep, calloc((size_t)n, sizeof *b->classes));
    if (!b->classes) return no_memory(err);
    *out = -1;
    for (int c = 0; c < n; c++) {
        b->classes[c] = text_of(b, bundle->classes[c]);
        if (strcmp(bundle->classes[c], b->args->positive) == 0) *out = c;
    }
    return *out >= 0 ? SG_OK
                     : sg_fail(err, SG_ERR_USAGE,
                               "--positive %s: the model has no such class; its first is %s",
                               b->args->positive, bundle->classes[0]);
}

static sg_status check(const read_args *a, sg_error *err) {
    if (!a->bundle) return sg_fail(err, SG_ERR_USAGE, "name the model: --bundle FILE");
    if (!a->output) return sg_fail(err, SG_ERR_USAGE, "say which page to write: --out FILE.html");
    return sg_cli_check_output(a->output, err);
}

static sg_status open_study(builder *b, sg_error *err) {
    sg_explain_past past;
    sg_str s;
    sg_status st = sg_explain_past_read(
            &past, b->args->study, sg_predictor_bundle(b->predictor), NULL, err);
    if (st) return st;
    sg_str_init(&s, 0);
    sg_explain_past_put(&s, &past, b->maps.method);
    b->maps.said = SG_KEEP_TEXT(&b->keep, "%s", sg_str_text(&s));
    sg_str_dispose(&s);
    sg_explain_past_dispose(&past);
    return SG_OK;
}

static sg_status open_maps(builder *b, sg_error *err) {
    const read_args *a = b->args;
    if (a->map == SG_EXPLAIN_METHODS) return SG_OK;
    sg_explain_options options = SG_EXPLAIN_OPTIONS_INIT;
    options.threads = (int)a->threads;
    options.flip_average = a->tta;
    sg_status st = sg_map_maker_open(
            &b->maps, sg_predictor_bundle(b->predictor), (sg_explain_method)a->map, &options, err);
    if (!st && b->maps.lacks) sg_log_line(b->call->log, SG_LOG_WARN, "%s", b->maps.lacks);
    return st || !a->study ? st : open_study(b, err);
}

/* The file is opened before the work, so that a folder without permission is told at once. */
static sg_status make_page(builder *b, const sg_image_list *list, sg_error *err) {
    const read_args *a = b->args;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    options.threads = (int)a->threads;
    options.flip_average = a->tta;
    options.allow_phantom_model = a->allow_phantom;
    int positive = 0;
    sg_file_writer *to = NULL;
    sg_status st = sg_file_writer_open(&to, a->output, err);
    if (!st) st = sg_predictor_open(&b->predictor, a->bundle, &options, err);
    if (!st) st = find_positive(&positive, b, err);
    if (!st) st = open_maps(b, err);
    if (!st) st = sg_picture_shelf_open(&b->shelf, a->neighbours, b->call->log, &sg_cli_stop, err);
    if (!st) st = add_images(b, list, err);
    if (!st) st = write_page(b, positive, to, err);
    if (st)
        sg_file_writer_abandon(to);
    else
        st = sg_file_writer_commit(to, err);
    return st;
}

static int run_read(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    builder b = {.args = call->options, .call = call};
    sg_image_list list = {0};
    sg_status st = check(b.args, &err);
    if (!st) st = sg_image_list_fill(&list, call, b.args->list, &err);
    if (!st && !list.count)
        st = sg_fail(&err, SG_ERR_USAGE, "name images, folders or a --list to read");
    if (!st) st = make_page(&b, &list, &err);
    if (!st && call->json)
        sg_cli_print_json(json_pack(
                "{s:o, s:I}", "page", sg_json_text(b.args->output), "images", (json_int_t)b.count));
    if (!st)
        sg_log_line(call->log, SG_LOG_INFO, "%s: %zu images to read. %s", b.args->output, b.count,
                SG_RESEARCH_USE);
    sg_map_maker_close(&b.maps);
    sg_picture_shelf_close(&b.shelf);
    sg_predictor_close(b.predictor);
    sg_image_list_dispose(&list);
    free(b.items);
    sg_keep_dispose(&b.keep);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_read = {
        .name = "read",
        .operands = "[IMAGE|FOLDER...]",
        .summary = "make a page on which a person reads images before the program speaks",
        .details = "One self-contained HTML file for a batch. The reader's verdict comes first and "
                   "is locked with its time; then the program's is shown (calibrated "
                   "probabilities, their range over the members, reasons to abstain, nearest "
                   "training images, a map of where it looked) and a second verdict is taken, "
                   "agreeing or not, with a note. Maps are not checked on these images: explain "
                   "--check does that on a set with masks, and --study tells with every map what "
                   "it found. Brightness, contrast, zoom; keys N and P for next and "
                   "previous, 1 to 9 for a class, Enter to lock, A to agree, D to disagree, M for "
                   "the map. Verdicts are kept in the "
                   "browser (localStorage) and saved as a CSV that readers takes, with a row for "
                   "each way of reading: unaided, aided, or ordered when the list was sorted by "
                   "the program's suspicion before all were read. Pictures are JPEG.",
        .examples = "sonograde read scans/ --bundle breast.sgb --out read.html\n"
                    "sonograde read scans/ --bundle breast.sgb --neighbours BUSI --out read.html",
        .options = rows,
        .struct_size = sizeof(read_args),
        .min_operands = 0,
        .max_operands = -1,
        .run = run_read,
};
