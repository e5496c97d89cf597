/* audit.c - see audit.h. SPDX-License-Identifier: Apache-2.0 */
#include "report/audit.h"

#include "report/audit_style.h"
#include "report/html.h"
#include "report/page.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 96 };

static size_t sum(const size_t *counts, size_t n) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += counts[i];
    return total;
}

/* ---- counts ---- */

static void put_figures(sg_page *page, const sg_audit_page *a) {
    char text[6][CELL], detail[2][CELL];
    size_t joined = 0, doubt = 0, across = 0;
    for (size_t i = 0; i < a->pair_count; i++) {
        joined += a->pairs[i].joined;
        doubt += !a->pairs[i].joined && a->pairs[i].verdict == 0;
        across += a->pairs[i].joined && a->pairs[i].across;
    }
    size_t all = sum(a->images, a->class_count), kept = sum(a->kept, a->class_count);
    snprintf(text[0], CELL, "%zu", all);
    snprintf(text[1], CELL, "%zu", kept);
    snprintf(text[2], CELL, "%zu", a->groups);
    snprintf(text[3], CELL, "%zu", joined);
    snprintf(text[4], CELL, "%zu", doubt);
    snprintf(text[5], CELL, "%zu", a->marked_images);
    snprintf(detail[0], CELL, "%zu hold more than one image", a->shared_groups);
    snprintf(detail[1], CELL, "%zu across classes", across);
    const sg_page_figure figures[] = {
            {"images", text[0], NULL},
            {"cohort", text[1], "one image per lesion, none in doubt"},
            {"groups", text[2], detail[0]},
            {"pairs joined", text[3], detail[1]},
            {"pairs in doubt", text[4], "left to you"},
            {"images with marks", text[5], "calipers, text, body marks"},
    };
    sg_page_put_figures(page, figures, sizeof figures / sizeof *figures);
}

/* From all images to the cohort, by reason and class. */
static void put_flow(sg_page *page, const sg_audit_page *a) {
    size_t columns = a->class_count + 2, rows = a->reason_count + 2;
    const char **header = calloc(columns, sizeof *header);
    const char **cells = calloc(rows * columns, sizeof *cells);
    char(*text)[CELL] = calloc(rows * columns, sizeof *text);
    if (!header || !cells || !text) {
        page->failed = true;
        goto done;
    }
    header[0] = "";
    for (size_t c = 0; c < a->class_count; c++) header[c + 1] = a->classes[c];
    header[columns - 1] = "all";
    for (size_t r = 0; r < rows; r++) {
        bool last = r == rows - 1;
        const size_t *counts = r == 0 ? a->images : last ? a->kept : a->reasons[r - 1].images;
        cells[r * columns] = r == 0 ? "images of the set"
                             : last ? "cohort"
                                    : a->reasons[r - 1].words;
        for (size_t c = 1; c < columns; c++) {
            size_t n = c == columns - 1 ? sum(counts, a->class_count) : counts[c - 1];
            char *to = text[r * columns + c];
            snprintf(to, CELL, "%s%zu", r && !last && n ? "\xE2\x88\x92" : "", n);
            cells[r * columns + c] = to;
        }
    }
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.caption = "Images leave for the first reason that holds, in this order.";
    table.header = header;
    table.cells = cells;
    table.rows = rows;
    table.columns = columns;
    table.strong_row = (int)rows - 1;
    sg_page_put_table(page, &table);
done:
    free(header);
    free(cells);
    free(text);
}

/* ---- pairs ---- */

/* Bytes that are not plain become %HH. */
static void put_encoded(sg_str *out, const char *bytes) {
    for (const unsigned char *p = (const unsigned char *)bytes; *p; p++) {
        if (isascii(*p) && (isalnum(*p) || strchr("/._-()+ ", *p)))
            sg_str_append_n(out, p, 1);
        else
            sg_str_appendf(out, "%%%02X", *p);
    }
}

static void put_variable(sg_str *out, const char *name, const sg_audit_picture *picture) {
    sg_str_appendf(out, "--%s:url(data:image/png;base64,", name);
    sg_html_put_base64(out, picture->png, picture->size);
    sg_str_append(out, ");");
}

static void put_shot(
        sg_str *out, const sg_audit_picture *size, const char *css, const char *caption) {
    sg_str_appendf(out,
            "<figure><div class=\"shot %s\" role=\"img\" style=\"aspect-ratio:%d/%d\" "
            "aria-label=\"%s\"></div><figcaption>%s</figcaption></figure>\n",
            css, size->width, size->height, caption, caption);
}

static void put_shots(sg_str *out, const sg_audit_page_pair *p) {
    if (!p->first.png || !p->second.png) {
        sg_str_append(out, "<p class=\"note\">Its pictures are not available.</p>\n");
        return;
    }
    sg_str_append(out, "<div class=\"shots\" style=\"");
    put_variable(out, "a", &p->first);
    put_variable(out, "b", &p->second);
    sg_str_append(out, "\">\n");
    put_shot(out, &p->first, "one", "first image");
    put_shot(out, &p->second, "two", "second, laid onto the first");
    put_shot(out, &p->first, "mix", "both, chequered");
    put_shot(out, &p->first, "off", "difference, brightened");
    sg_str_append(out, "</div>\n");
}

static void put_choice(sg_str *out, size_t number, const char *value, const char *label, bool on) {
    sg_str_appendf(out,
            "<label class=\"pick\"><input type=\"radio\" name=\"v%zu\" value=\"%s\"%s/>%s"
            "</label>\n",
            number, value, on ? " checked=\"checked\"" : "", label);
}

static void put_pair(sg_str *out, const sg_audit_page_pair *p, size_t number) {
    sg_str_appendf(out, "<li class=\"pair\" id=\"p%zu\" data-a=\"", number);
    put_encoded(out, p->path_a);
    sg_str_append(out, "\" data-b=\"");
    put_encoded(out, p->path_b);
    sg_str_append(out, "\">\n");
    put_shots(out, p);
    sg_str_appendf(out, "<p class=\"who\"><b>%zu.</b> ", number);
    sg_html_put_text(out, p->path_a);
    sg_str_append(out, " <b>and</b> ");
    sg_html_put_text(out, p->path_b);
    if (p->across) {
        sg_str_append(out, " <span class=\"across\">");
        sg_html_put_text(out, p->class_a);
        sg_str_append(out, " and ");
        sg_html_put_text(out, p->class_b);
        sg_str_append(out, "</span>");
    }
    sg_str_append(out, "</p>\n<p class=\"note\">");
    sg_html_put_text(out, p->kind);
    sg_str_append(out, ", score ");
    sg_html_put_fixed(out, p->score, 3);
    sg_str_append(out, ", overlap ");
    sg_html_put_percent(out, p->overlap, 0);
    sg_str_append(out, p->joined         ? ", in one group"
                       : p->verdict == 0 ? ", not joined: in doubt"
                       : p->together     ? ", rejected by you, yet in one group through other pairs"
                                         : ", rejected by you");
    sg_str_append(out, "</p>\n<fieldset><legend>Same lesion?</legend>\n");
    put_choice(out, number, "confirm", "confirm", p->verdict == 1);
    put_choice(out, number, "reject", "reject", p->verdict == 2);
    put_choice(out, number, "", "undecided", p->verdict == 0);
    sg_str_append(out, "</fieldset>\n</li>\n");
}

/* 0 in doubt, 1 across classes, 2 the rest. */
static int part_of(const sg_audit_page_pair *p) {
    return !p->joined && p->verdict != 2 ? 0 : p->across ? 1 : 2;
}

static void put_pairs(sg_page *page, const sg_audit_page *a) {
    static const char *const headings[] = {
            "In doubt", "Across classes", "Copies within a class, and pairs you rejected"};
    static const char lead[] =
            "A pair shows one picture twice, changed by crop, scale, gain, flip, small rotation or "
            "marks. "
            "Where both agree the chequered picture is seamless and the difference is black.";
    sg_page_section(page, "Pairs", lead);
    if (!a->pair_count) sg_page_text(page, "No two images look like one picture.");
    size_t number = 0;
    for (int part = 0; part < 3; part++) {
        bool open = false;
        for (size_t i = 0; i < a->pair_count; i++) {
            if (part_of(&a->pairs[i]) != part) continue;
            if (!open) sg_page_heading(page, headings[part]);
            sg_str *out = sg_page_block(page);
            if (!open) sg_str_append(out, "<ol class=\"pairs\">\n");
            open = true;
            put_pair(out, &a->pairs[i], ++number);
        }
        if (open) sg_str_append(sg_page_block(page), "</ol>\n");
    }
    if (a->pairs_left_out)
        sg_page_textf(
                page, "%zu more pairs are in audit.json and not shown here.", a->pairs_left_out);
    if (!a->pair_count) return;
    sg_page_textf(page,
            "Joined from a score of %.2f on, listed as in doubt from %.2f on. Verdicts count more: "
            "save them and give the file to audit --decisions.",
            a->join_score, a->doubt_score);
}

/* ---- single images ---- */

/* Line styles of boxes by kind, so that no colour is needed. */
static int style_of(const char *what) {
    static const char *const kinds[] = {"caliper", "text", "pictogram", "overlay"};
    for (int k = 0; k < 4; k++)
        if (what && strcmp(what, kinds[k]) == 0) return k;
    return 0;
}

static void put_boxes(sg_str *out, const sg_audit_page_image *image) {
    sg_str_append(out, "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" "
                       "aria-hidden=\"true\">");
    for (int layer = 0; layer < 2; layer++)
        for (size_t i = 0; i < image->box_count; i++) {
            const sg_audit_page_box *b = &image->boxes[i];
            sg_str_append(out, "<rect x=\"");
            sg_html_put_short(out, 1000.0 * b->x, 1);
            sg_str_append(out, "\" y=\"");
            sg_html_put_short(out, 1000.0 * b->y, 1);
            sg_str_append(out, "\" width=\"");
            sg_html_put_short(out, 1000.0 * b->width, 1);
            sg_str_append(out, "\" height=\"");
            sg_html_put_short(out, 1000.0 * b->height, 1);
            if (layer)
                sg_str_appendf(out, "\" class=\"k%d\"/>", style_of(b->what));
            else
                sg_str_append(out, "\" class=\"under\"/>");
        }
    sg_str_append(out, "</svg>");
}

static void put_span(sg_str *out, const char *css, const char *text) {
    if (!text) return;
    sg_str_appendf(out, "<span class=\"%s\">", css);
    sg_html_put_text(out, text);
    sg_str_append(out, "</span>");
}

/* What a person may say about one image: against what was proposed, or again what was said. */
static void put_single(sg_str *out, const sg_audit_page_image *image) {
    bool exclude = image->leaves == image->decided;
    sg_str_append(out, "<label class=\"pick\" data-a=\"");
    put_encoded(out, image->path);
    sg_str_appendf(out, "\"><input type=\"checkbox\" value=\"%s\"%s/>%s</label>\n",
            exclude ? "exclude" : "keep", image->decided ? " checked=\"checked\"" : "",
            exclude ? "leave it out" : "keep it");
}

static void put_list(sg_page *page, const sg_audit_page_list *list) {
    sg_str *out = sg_page_block(page);
    sg_str_append(out, "<ul class=\"images\">\n");
    for (size_t i = 0; i < list->count; i++) {
        const sg_audit_page_image *image = &list->images[i];
        sg_str_append(out, "<li>");
        if (image->picture.png) {
            sg_str_append(out, "<div class=\"boxed\">");
            sg_html_put_image(out, image->picture.png, image->picture.size, image->path);
            if (image->box_count) put_boxes(out, image);
            sg_str_append(out, "</div>");
        } else {
            put_span(out, "missing", "picture not available");
        }
        if (image->text.png)
            sg_html_put_image(out, image->text.png, image->text.size, "its text, cut out");
        put_span(out, "t", image->what);
        put_span(out, "d", image->path);
        put_span(out, "d", image->detail);
        put_single(out, image);
        sg_str_append(out, "</li>\n");
    }
    sg_str_append(out, "</ul>\n");
    if (list->left_out)
        sg_page_textf(page, "%zu more are in audit.json and not shown here.", list->left_out);
}

static void put_section(
        sg_page *page, const char *title, const char *lead, const sg_audit_page_list *list) {
    if (!list->count) return;
    sg_page_section(page, title, lead);
    put_list(page, list);
}

static void put_unreadable(sg_page *page, const sg_audit_page *a) {
    static const char *const header[] = {"file", "reason"};
    if (!a->unreadable_count) return;
    sg_page_section(page, "Files that cannot be read", NULL);
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.header = header;
    table.cells = a->unreadable;
    table.rows = a->unreadable_count;
    table.columns = 2;
    table.align = "ll";
    sg_page_put_table(page, &table);
}

static void put_bar(sg_page *page) {
    sg_str_append(sg_page_block(page),
            "<div class=\"bar\" id=\"bar\" hidden=\"hidden\"><span id=\"verdicts\" role=\"status\">"
            "</span><button type=\"button\" id=\"save\">Save verdicts as decisions.csv</button>"
            "</div>\n");
}

sg_status sg_audit_page_write(const sg_audit_page *a, const char *path, sg_error *err) {
    sg_page page;
    sg_page_open(&page, "What the audit found", a->name);
    sg_page_add_style(&page, audit_style);
    sg_page_add_script(&page, audit_script);
    sg_page_section(&page, "Summary", NULL);
    put_figures(&page, a);
    if (a->conflicting_groups)
        sg_page_textf(&page,
                "%zu groups hold one picture under more than one label. Which label is right "
                "cannot "
                "be seen in the pixels: such groups leave the cohort as a whole.",
                a->conflicting_groups);
    if (a->own_grouping)
        sg_page_textf(&page,
                "The set names groups of its own (%s). No split may divide those either: joined "
                "with what shows one picture they make %zu groups for splits.",
                a->own_grouping, a->split_groups);
    sg_page_section(&page, "From the set to the cohort", NULL);
    put_flow(&page, a);
    sg_page_note(&page,
            "A label or a copy is in doubt while a pair with an image of another label, or with a "
            "kept image, is undecided. excluded.csv has the reason for every image.");
    put_pairs(&page, a);
    put_section(&page, "Outside the domain",
            "No plain B-mode picture of a breast, by rules on the pixels. These leave the cohort. "
            "An "
            "axilla view looks like a breast: only its name or its burnt-in text tells, and text "
            "is not read: look for it under the marks.",
            &a->outside);
    put_section(&page, "Marks burnt in",
            "Solid box: caliper; dashed: text; dotted: body mark; dash-dot: coloured lines. The "
            "images "
            "stay in the cohort, unless a copy without marks is there or you leave one out.",
            &a->marks);
    put_section(&page, "Far from the others",
            "Size or grey levels more than 3.5 robust standard deviations from the set's median. "
            "These stay in the cohort.",
            &a->outliers);
    put_unreadable(&page, a);
    if (a->pair_count || a->outside.count || a->marks.count || a->outliers.count) put_bar(&page);
    return sg_page_write(&page, path, err);
}
