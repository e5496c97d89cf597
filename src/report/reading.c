/* reading.c - see reading.h. Facts travel as one JSON text, pictures as blocks of base64 of their
 * own, so that the browser decodes what is looked at. SPDX-License-Identifier: Apache-2.0 */
#include "report/reading.h"
#include "base/json.h"
#include "base/version.h"
#include "report/html.h"
#include "report/reading_files.h"
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1 };

static const char research_line[] =
        "Research use only. Not a medical device: no diagnosis or treatment may rest on this page.";

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the reading page");
}

static json_t *base64_json(const void *bytes, size_t size) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_html_put_base64(&text, bytes, size);
    json_t *value = json_string(sg_str_text(&text));
    sg_str_dispose(&text);
    return value;
}

static json_t *numbers_json(const double *values, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, sg_json_number(values[i]));
    return list;
}

/* ---- facts ---- */

static json_t *neighbours_json(const sg_reading_item *item) {
    json_t *list = json_array();
    for (size_t i = 0; i < item->neighbour_count; i++) {
        const sg_reading_neighbour *n = &item->neighbours[i];
        json_array_append_new(
                list, json_pack("{s:s, s:s, s:f, s:s*}", "class", n->class_name, "sha256",
                              n->sha256, "distance", n->distance, "picture", n->picture));
    }
    return list;
}

static json_t *maps_json(const sg_reading_item *item) {
    json_t *list = json_array();
    for (size_t i = 0; i < item->map_count; i++) {
        const sg_reading_map *m = &item->maps[i];
        size_t size = (size_t)m->width * (size_t)m->height;
        json_array_append_new(list, json_pack("{s:s, s:s*, s:i, s:i, s:o}", "name", m->name,
                                            "warning", m->warning, "width", m->width, "height",
                                            m->height, "values", base64_json(m->values, size)));
    }
    return list;
}

static json_t *item_json(const sg_reading_item *item, int classes) {
    return json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:i, s:b, s:s, s:f, s:o, s:o, s:o, s:o, "
                     "s:o, s:o}",
            "name", item->name, "sha256", item->sha256, "width", item->width, "height",
            item->height, "p", numbers_json(item->p, classes), "low",
            numbers_json(item->low, classes), "high", numbers_json(item->high, classes), "top",
            item->top, "seen", (int)item->seen, "abstain", item->abstain, "agreement",
            item->agreement, "quality", sg_json_number(item->quality), "distance",
            sg_json_number(item->distance), "limit", sg_json_number(item->limit), "neighbours",
            neighbours_json(item), "maps", maps_json(item), "thumbnail",
            base64_json(item->thumbnail, item->thumbnail_size));
}

static json_t *ramp_json(const sg_reading_page *page) {
    json_t *list = json_array();
    for (int i = 0; i < SG_READING_RAMP; i++) {
        const uint8_t *c = page->ramp[i];
        json_array_append_new(list, json_pack("[i, i, i]", c[0], c[1], c[2]));
    }
    return list;
}

static json_t *page_json(const sg_reading_page *page) {
    json_t *items = json_array(), *classes = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(items, item_json(&page->items[i], page->class_count));
    for (int c = 0; c < page->class_count; c++)
        json_array_append_new(classes, json_string(page->classes[c]));
    bool whole = json_array_size(items) == page->count &&
                 json_array_size(classes) == (size_t)page->class_count;
    json_t *all = json_pack("{s:i, s:s, s:s, s:s, s:s*, s:i, s:b, s:o, s:o, s:i, s:o}", "schema",
            SCHEMA, "key", page->key, "model", page->model, "population", page->population, "lacks",
            page->lacks, "members", page->members, "programFirst", (int)page->program_first, "ramp",
            ramp_json(page), "classes", classes, "positive", page->positive, "items", items);
    if (whole) return all;
    json_decref(all);
    return NULL;
}

/* ---- the file ---- */

static sg_status put(sg_file_writer *to, const char *text, sg_error *err) {
    return sg_file_writer_write(to, text, strlen(text), err);
}

/* No "</script" may end the block early: every < is written as JSON lets it. */
static sg_status put_facts(sg_file_writer *to, const sg_reading_page *page, sg_error *err) {
    json_t *facts = page_json(page);
    char *text = facts ? json_dumps(facts, JSON_ENSURE_ASCII | JSON_COMPACT) : NULL;
    json_decref(facts);
    sg_status st =
            text ? put(to, "<script type=\"application/json\" id=\"facts\">", err) : no_memory(err);
    for (char *at = text, *next; !st && at; at = next) {
        next = strchr(at, '<');
        st = sg_file_writer_write(to, at, next ? (size_t)(next - at) : strlen(at), err);
        if (!st && next) st = put(to, "\\u003c", err);
        if (next) next++;
    }
    if (!st) st = put(to, "</script>\n", err);
    free(text);
    return st;
}

static sg_status put_picture(
        sg_file_writer *to, size_t number, const sg_reading_item *item, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_appendf(&s, "<script type=\"text/plain\" id=\"picture%zu\">", number);
    sg_html_put_base64(&s, item->picture, item->picture_size);
    sg_str_append(&s, "</script>\n");
    sg_status st = sg_str_check(&s, err);
    if (!st) st = put(to, sg_str_text(&s), err);
    sg_str_dispose(&s);
    return st;
}

static sg_status put_head(sg_file_writer *to, const sg_reading_page *page, sg_error *err) {
    sg_str s;
    sg_str_init(&s, 0);
    sg_str_append(&s, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<meta name=\"generator\" content=\"sonograde ");
    sg_html_put_text(&s, sg_version());
    sg_str_appendf(&s, "\">\n<title>Reading %zu images</title>\n<style>", page->count);
    sg_str_append(&s, sg_reading_css);
    sg_str_append(&s, "</style>\n</head>\n<body>\n<header><h1>Reading</h1><p class=\"research\">");
    sg_str_append(&s, research_line);
    sg_str_append(&s, "</p></header>\n<noscript><p>This page needs its script, which is part of "
                      "the file: allow scripts for it.</p></noscript>\n<div id=\"app\"></div>\n"
                      "<footer>sonograde ");
    sg_html_put_text(&s, sg_version());
    sg_str_append(&s, ", build ");
    sg_html_put_text(&s, sg_build_id());
    sg_str_append(&s, ". ");
    sg_str_append(&s, research_line);
    sg_str_append(&s, "</footer>\n");
    sg_status st = sg_str_check(&s, err);
    if (!st) st = put(to, sg_str_text(&s), err);
    sg_str_dispose(&s);
    return st;
}

sg_status sg_reading_page_put(sg_file_writer *to, const sg_reading_page *page, sg_error *err) {
    sg_status st = put_head(to, page, err);
    if (!st) st = put_facts(to, page, err);
    for (size_t i = 0; i < page->count && !st; i++) st = put_picture(to, i, &page->items[i], err);
    if (!st) st = put(to, "<script>", err);
    if (!st) st = put(to, sg_reading_js, err);
    if (!st) st = put(to, "</script>\n</body>\n</html>\n", err);
    return st;
}
