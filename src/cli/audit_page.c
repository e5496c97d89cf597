/* audit_page.c - see audit_page.h. What the page borrows lives in one arena of blocks until it is
 * written. SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_page.h"
#include "cli/audit_pictures.h"
#include "report/audit.h"
#include <stdlib.h>
#include <string.h>

/* Most that one page shows, so that it opens anywhere; the rest is in audit.json. */
enum { PAIRS_SHOWN = 300, IMAGES_SHOWN = 240, PAIR_SIDE = 128, IMAGE_SIDE = 160, WORDS = 96 };

typedef struct builder {
    const sg_audit *audit;
    const sg_log *log;
    sg_keep keep;
    sg_audit_page page;
} builder;

static void *hold(builder *b, size_t count, size_t size) {
    return sg_keep_hold(&b->keep, calloc(count + 1, size));
}

static const char *class_of(const builder *b, uint32_t row) {
    const sg_manifest *m = &b->audit->manifest;
    return m->class_names[m->rows[row].class_index];
}

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the audit's page");
}

/* ---- counts ---- */

static const char *const reasons[SG_FATES] = {
        [SG_FATE_DOMAIN] = "outside the domain",
        [SG_FATE_CONFLICT] = "group under two labels",
        [SG_FATE_DOUBT] = "label in doubt",
        [SG_FATE_COPY] = "copy of a kept image",
        [SG_FATE_DOUBT_COPY] = "copy in doubt",
};

static sg_status fill_counts(builder *b, sg_error *err) {
    const sg_manifest *m = &b->audit->manifest;
    sg_audit_page *p = &b->page;
    size_t n = m->class_count;
    size_t *images = hold(b, n, sizeof *images), *by = hold(b, n * SG_FATES, sizeof *by);
    size_t *unreadable = hold(b, n, sizeof *unreadable);
    sg_audit_page_reason *list = hold(b, SG_FATES, sizeof *list);
    if (!images || !by || !unreadable || !list) return no_memory(err);
    sg_audit_count_unreadable(unreadable, b->audit);
    list[p->reason_count++] = (sg_audit_page_reason){"file that cannot be read", unreadable};
    for (int f = 0; f < SG_FATES; f++) {
        size_t *counts = by + (size_t)f * n;
        sg_audit_count_fate(counts, b->audit, (sg_fate)f);
        if (f != SG_FATE_KEPT) list[p->reason_count++] = (sg_audit_page_reason){reasons[f], counts};
        for (size_t c = 0; c < n; c++) images[c] += counts[c];
    }
    for (size_t c = 0; c < n; c++) images[c] += unreadable[c];
    sg_manifest_summary s;
    sg_status status = sg_audit_summarize(&s, b->audit, err);
    if (status) return status;
    p->name = sg_path_base(m->root);
    p->classes = (const char *const *)m->class_names;
    p->class_count = n;
    p->images = images;
    p->kept = by + (size_t)SG_FATE_KEPT * n;
    p->reasons = list;
    p->groups = s.groups;
    p->shared_groups = s.shared_groups;
    p->shared_images = s.shared_images;
    p->conflicting_groups = s.conflicting_groups;
    p->split_groups = m->group_count;
    p->own_grouping = m->own_grouping;
    p->join_score = b->audit->join_score;
    p->doubt_score = b->audit->doubt_score;
    return SG_OK;
}

static sg_status fill_unreadable(builder *b, sg_error *err) {
    const sg_manifest *m = &b->audit->manifest;
    const char **cells = hold(b, 2 * m->skip_count, sizeof *cells);
    if (!cells) return no_memory(err);
    for (size_t i = 0; i < m->skip_count; i++) {
        cells[2 * i] = m->skips[i].path;
        cells[2 * i + 1] = m->skips[i].reason;
    }
    b->page.unreadable = cells;
    b->page.unreadable_count = m->skip_count;
    return SG_OK;
}

/* ---- pictures ---- */

/* A picture that cannot be drawn is no failure of the page, unless memory ran out. */
static sg_status forgive(sg_status status, const sg_error *why, sg_error *err) {
    return status == SG_ERR_MEMORY ? sg_fail(err, status, "%s", why->message) : SG_OK;
}

static sg_status draw_pair(
        builder *b, sg_audit_page_pair *to, const sg_audit_pair *p, sg_error *err) {
    sg_error why = SG_ERROR_INIT;
    char *x = sg_manifest_file(&b->audit->manifest, p->a);
    char *y = sg_manifest_file(&b->audit->manifest, p->b);
    sg_status status = x && y ? sg_audit_draw_pair(&to->first, &to->second, &b->keep, x, y,
                                        p->affine, PAIR_SIDE, &why)
                              : no_memory(&why);
    free(x);
    free(y);
    return forgive(status, &why, err);
}

/* What needs a person most comes first: doubt, then two classes, then the rest; by score. */
static int rank_of(const sg_audit *audit, const sg_audit_pair *p) {
    const sg_manifest_row *rows = audit->manifest.rows;
    if (!p->joined && p->verdict == SG_VERDICT_OPEN) return 0;
    return rows[p->a].class_index != rows[p->b].class_index ? 1 : 2;
}

static sg_status fill_pairs(builder *b, sg_error *err) {
    static const char *const kinds[] = {[SG_PAIR_BYTES] = "equal files",
            [SG_PAIR_PIXELS] = "equal pixels",
            [SG_PAIR_NEAR] = "near copy"};
    const sg_audit *audit = b->audit;
    sg_audit_page_pair *list = hold(b, PAIRS_SHOWN, sizeof *list);
    size_t shown = audit->pair_count < PAIRS_SHOWN ? audit->pair_count : PAIRS_SHOWN;
    if (!list) return no_memory(err);
    b->page.pairs = list;
    b->page.pairs_left_out = audit->pair_count - shown;
    for (int rank = 0; rank < 3; rank++) {
        for (size_t i = 0; i < audit->pair_count && b->page.pair_count < shown; i++) {
            const sg_audit_pair *p = &audit->pairs[i];
            if (rank_of(audit, p) != rank) continue;
            sg_audit_page_pair *to = &list[b->page.pair_count++];
            *to = (sg_audit_page_pair){.path_a = audit->manifest.rows[p->a].path,
                    .path_b = audit->manifest.rows[p->b].path,
                    .class_a = class_of(b, p->a),
                    .class_b = class_of(b, p->b),
                    .kind = kinds[p->kind],
                    .score = p->score,
                    .overlap = p->overlap,
                    .joined = p->joined,
                    .together = p->together,
                    .across = strcmp(class_of(b, p->a), class_of(b, p->b)) != 0,
                    .verdict = (int)p->verdict};
            sg_status status = draw_pair(b, to, p, err);
            if (status) return status;
            sg_log_progress(b->log, "drawing pairs", (double)b->page.pair_count, (double)shown);
        }
    }
    return SG_OK;
}

/* ---- findings of single images ---- */

/* Findings of one kind about one image: [first, last). */
typedef struct span {
    size_t first, last, of_kind;
} span;

static span next_span(const sg_audit *audit, size_t from, sg_finding_kind kind) {
    span s = {from, from, 0};
    while (s.last < audit->finding_count &&
            audit->findings[s.last].row == audit->findings[from].row)
        s.of_kind += audit->findings[s.last++].kind == kind;
    return s;
}

/* "caliper 4, text 1"; a word that stands once has no number when it stands alone. */
static const char *count_words(builder *b, const span *s, sg_finding_kind kind) {
    char text[WORDS] = "";
    for (size_t i = s->first; i < s->last; i++) {
        const char *what = b->audit->findings[i].what;
        size_t n = 0, before = 0, used = strlen(text);
        if (b->audit->findings[i].kind != kind) continue;
        for (size_t k = s->first; k < s->last; k++) {
            const sg_finding *f = &b->audit->findings[k];
            bool same = f->kind == kind && strcmp(f->what, what) == 0;
            n += same;
            before += same && k < i;
        }
        if (before) continue;
        if (kind == SG_FINDING_MARK)
            snprintf(text + used, sizeof text - used, "%s%s %zu", used ? ", " : "", what, n);
        else
            snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", what);
    }
    return SG_KEEP_TEXT(&b->keep, "%s", text);
}

static sg_status fill_boxes(
        builder *b, sg_audit_page_image *to, const span *s, sg_rect *text, sg_error *err) {
    sg_audit_page_box *boxes = hold(b, s->last - s->first, sizeof *boxes);
    if (!boxes) return no_memory(err);
    for (size_t i = s->first; i < s->last; i++) {
        const sg_finding *f = &b->audit->findings[i];
        const sg_look *look = &b->audit->looks[f->row];
        if (f->kind != SG_FINDING_MARK) continue;
        boxes[to->box_count++] = (sg_audit_page_box){(double)f->box.x / look->width,
                (double)f->box.y / look->height, (double)f->box.width / look->width,
                (double)f->box.height / look->height, f->what};
        if (strcmp(f->what, "text") == 0 && f->box.width > text->width) *text = f->box;
    }
    to->boxes = boxes;
    return SG_OK;
}

static sg_status draw_finding(builder *b, sg_audit_page_image *to, uint32_t row, bool colour,
        const sg_rect *text, sg_error *err) {
    sg_error why = SG_ERROR_INIT;
    char *file = sg_manifest_file(&b->audit->manifest, row);
    sg_status status =
            file ? sg_audit_draw_image(&to->picture, &b->keep, file, colour, IMAGE_SIDE, &why)
                 : no_memory(&why);
    if (!status && text->width) status = sg_audit_draw_part(&to->text, &b->keep, file, *text, &why);
    free(file);
    return forgive(status, &why, err);
}

/* Only a person keeps what a rule excludes, or excludes by "decision". */
static void fill_fate(sg_audit_page_image *to, const sg_audit *audit, const span *s) {
    for (size_t i = s->first; i < s->last; i++) {
        const sg_finding *f = &audit->findings[i];
        if (f->kind != SG_FINDING_DOMAIN) continue;
        to->leaves = f->excludes;
        to->decided = !f->excludes || strcmp(f->what, "decision") == 0;
    }
}

static sg_status fill_list(
        builder *b, sg_audit_page_list *list, sg_finding_kind kind, size_t *found, sg_error *err) {
    const sg_audit *audit = b->audit;
    sg_audit_page_image *images = hold(b, IMAGES_SHOWN, sizeof *images);
    if (!images) return no_memory(err);
    span s = {0};
    for (size_t i = 0; i < audit->finding_count; i = s.last) {
        uint32_t row = audit->findings[i].row;
        s = next_span(audit, i, kind);
        if (!s.of_kind) continue;
        ++*found;
        if (list->count == IMAGES_SHOWN) {
            list->left_out++;
            continue;
        }
        sg_audit_page_image *to = &images[list->count++];
        sg_rect text = {0};
        *to = (sg_audit_page_image){.path = audit->manifest.rows[row].path,
                .class_name = class_of(b, row),
                .what = count_words(b, &s, kind)};
        fill_fate(to, audit, &s);
        for (size_t k = s.first; k < s.last && kind != SG_FINDING_MARK && !to->detail; k++)
            if (audit->findings[k].kind == kind) to->detail = audit->findings[k].detail;
        sg_status status = SG_OK;
        if (kind == SG_FINDING_MARK) status = fill_boxes(b, to, &s, &text, err);
        if (!status) status = draw_finding(b, to, row, kind == SG_FINDING_DOMAIN, &text, err);
        if (status) return status;
    }
    list->images = images;
    return SG_OK;
}

sg_status sg_audit_page_make(
        const sg_audit *audit, const char *path, const sg_log *log, sg_error *err) {
    builder b = {.audit = audit, .log = log};
    size_t outside = 0, outliers = 0;
    sg_status status = fill_counts(&b, err);
    if (!status) status = fill_unreadable(&b, err);
    if (!status) status = fill_pairs(&b, err);
    if (!status) status = fill_list(&b, &b.page.outside, SG_FINDING_DOMAIN, &outside, err);
    if (!status) status = fill_list(&b, &b.page.marks, SG_FINDING_MARK, &b.page.marked_images, err);
    if (!status) status = fill_list(&b, &b.page.outliers, SG_FINDING_OUTLIER, &outliers, err);
    if (!status && b.keep.failed) status = no_memory(err);
    if (!status) status = sg_audit_page_write(&b.page, path, err);
    sg_keep_dispose(&b.keep);
    return status;
}
