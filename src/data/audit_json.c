/* audit_json.c - an audit as audit.json and cohort.csv.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/version.h"
#include "data/audit.h"
#include <stdlib.h>
#include <string.h>

static json_t *path_of(const sg_audit *audit, size_t row) {
    return sg_json_text(audit->manifest.rows[row].path);
}

static json_t *class_of(const sg_audit *audit, size_t row) {
    return sg_json_text(audit->manifest.class_names[audit->manifest.rows[row].class_index]);
}

/* ---- lesions ---- */

/* The rows of each lesion: rows[first[k] .. first[k + 1]). */
typedef struct members {
    size_t *first; /* [lesion_count + 1] */
    size_t *rows;  /* [count] */
} members;

static bool list_members(members *out, const sg_audit *audit) {
    size_t lesions = audit->lesion_count, n = audit->manifest.count;
    size_t *first = calloc(lesions + 2, sizeof *first);
    size_t *rows = malloc((n + 1) * sizeof *rows);
    if (!first || !rows) {
        free(first);
        free(rows);
        return false;
    }
    for (size_t i = 0; i < n; i++) first[audit->lesions[i] + 2]++;
    for (size_t k = 2; k < lesions + 2; k++) first[k] += first[k - 1];
    for (size_t i = 0; i < n; i++) rows[first[audit->lesions[i] + 1]++] = i;
    *out = (members){first, rows};
    return true;
}

static bool is_conflict(const sg_manifest *m, const size_t *rows, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (m->rows[rows[i]].class_index != m->rows[rows[0]].class_index) return true;
    return false;
}

static void describe_groups(const sg_audit *audit, json_t *groups, json_t *conflicts) {
    const sg_manifest *m = &audit->manifest;
    members in;
    if (!list_members(&in, audit)) return;
    for (size_t k = 0; k < audit->lesion_count; k++) {
        const size_t *rows = in.rows + in.first[k], n = in.first[k + 1] - in.first[k];
        if (n < 2) continue;
        json_t *paths = json_array(), *images = json_array();
        for (size_t i = 0; i < n; i++) {
            json_array_append_new(paths, path_of(audit, rows[i]));
            json_array_append_new(images, json_pack("{s:o, s:o}", "path", path_of(audit, rows[i]),
                                                  "class", class_of(audit, rows[i])));
        }
        json_array_append_new(groups, paths);
        if (is_conflict(m, rows, n))
            json_array_append_new(
                    conflicts, json_pack("{s:s, s:O}", "group",
                                       m->group_labels[m->rows[rows[0]].group], "images", images));
        json_decref(images);
    }
    free(in.first);
    free(in.rows);
}

/* ---- pairs ---- */

static json_t *describe_pair(const sg_audit *audit, const sg_audit_pair *p) {
    json_t *affine = json_array();
    for (int k = 0; k < 6; k++) json_array_append_new(affine, sg_json_number(p->affine[k]));
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:b, s:b}", "a", path_of(audit, p->a),
            "b", path_of(audit, p->b), "kind", sg_pair_kind_name(p->kind), "score",
            sg_json_number(p->score), "overlap", sg_json_number(p->overlap), "affine", affine,
            "verdict", sg_verdict_name(p->verdict), "same_class",
            audit->manifest.rows[p->a].class_index == audit->manifest.rows[p->b].class_index,
            "one_group", p->together);
}

static void describe_pairs(
        const sg_audit *audit, json_t *joined, json_t *doubtful, json_t *rejected, json_t *exact) {
    for (size_t i = 0; i < audit->pair_count; i++) {
        const sg_audit_pair *p = &audit->pairs[i];
        json_t *list = p->joined ? joined : p->verdict == SG_VERDICT_REJECTED ? rejected : doubtful;
        json_array_append_new(list, describe_pair(audit, p));
        if (p->kind == SG_PAIR_BYTES || p->kind == SG_PAIR_PIXELS)
            json_array_append_new(
                    exact, json_pack("{s:o, s:o, s:s}", "a", path_of(audit, p->a), "b",
                                   path_of(audit, p->b), "equal", sg_pair_kind_name(p->kind)));
    }
}

/* ---- findings ---- */

static json_t *describe_findings(const sg_audit *audit, sg_finding_kind kind) {
    json_t *list = json_array();
    for (size_t i = 0; i < audit->finding_count; i++) {
        const sg_finding *f = &audit->findings[i];
        if (f->kind != kind) continue;
        json_t *box = f->box.width ? json_pack("[i, i, i, i]", f->box.x, f->box.y, f->box.width,
                                             f->box.height)
                                   : json_null();
        json_array_append_new(
                list, json_pack("{s:o, s:s, s:o, s:o, s:o, s:b}", "image", path_of(audit, f->row),
                              "what", f->what, "detail", sg_json_text(f->detail), "box", box,
                              "score", sg_json_number(f->score), "leaves_cohort", f->excludes));
    }
    return list;
}

static json_t *describe_unreadable(const sg_manifest *m) {
    json_t *list = json_array();
    for (size_t i = 0; i < m->skip_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "path", sg_json_text(m->skips[i].path),
                                            "reason", sg_json_text(m->skips[i].reason)));
    return list;
}

/* ---- cohort ---- */

void sg_audit_count_fate(size_t *by_class, const sg_audit *audit, sg_fate fate) {
    const sg_manifest *m = &audit->manifest;
    for (size_t c = 0; c < m->class_count; c++) by_class[c] = 0;
    for (size_t i = 0; i < m->count; i++)
        if (audit->fates[i].fate == fate) by_class[m->rows[i].class_index]++;
}

void sg_audit_count_unreadable(size_t *by_class, const sg_audit *audit) {
    const sg_manifest *m = &audit->manifest;
    for (size_t c = 0; c < m->class_count; c++) {
        by_class[c] = 0;
        for (size_t i = 0; i < m->skip_count; i++)
            by_class[c] += strcmp(m->skips[i].class_name, m->class_names[c]) == 0;
    }
}

static json_t *describe_counts(const sg_manifest *m, const char *reason, const size_t *by_class) {
    json_t *classes = json_object();
    json_int_t total = 0;
    for (size_t c = 0; c < m->class_count; c++) {
        json_t *name = sg_json_text(m->class_names[c]);
        json_object_set_new(
                classes, json_string_value(name), json_integer((json_int_t)by_class[c]));
        json_decref(name);
        total += (json_int_t)by_class[c];
    }
    return json_pack("{s:s, s:I, s:o}", "reason", reason, "images", total, "classes", classes);
}

static json_t *describe_cohort(const sg_audit *audit) {
    const sg_manifest *m = &audit->manifest;
    size_t *counts = calloc(m->class_count + 1, sizeof *counts);
    if (!counts) return NULL;
    json_t *flow = json_array();
    sg_audit_count_unreadable(counts, audit);
    json_array_append_new(flow, describe_counts(m, SG_AUDIT_UNREADABLE, counts));
    for (int f = SG_FATE_KEPT + 1; f < SG_FATES; f++) {
        sg_audit_count_fate(counts, audit, (sg_fate)f);
        json_array_append_new(flow, describe_counts(m, sg_fate_name((sg_fate)f), counts));
    }
    sg_audit_count_fate(counts, audit, SG_FATE_KEPT);
    json_t *kept = describe_counts(m, "", counts);
    free(counts);
    json_object_del(kept, "reason");
    json_object_set_new(kept, "exclusions", flow);
    return kept;
}

/* ---- the whole ---- */

/* What no split may divide, as manifest.csv has it. */
static json_t *describe_split_groups(const sg_manifest *m) {
    char *source = sg_manifest_grouping_text(m);
    json_t *groups = json_pack("{s:I, s:o}", "count", (json_int_t)m->group_count, "source",
            sg_json_text(source ? source : ""));
    free(source);
    return groups;
}

json_t *sg_audit_to_json(const sg_audit *audit) {
    const sg_manifest *m = &audit->manifest;
    char digest[SG_SHA256_HEX];
    if (sg_manifest_digest(digest, m, NULL)) return NULL;
    json_t *groups = json_array(), *conflicts = json_array(), *joined = json_array(),
           *doubtful = json_array(), *rejected = json_array(), *exact = json_array();
    describe_groups(audit, groups, conflicts);
    describe_pairs(audit, joined, doubtful, rejected, exact);
    json_t *findings = json_pack("{s:o, s:o, s:o}", "exact_copies", exact, "label_conflicts",
            conflicts, "unreadable", describe_unreadable(m));
    for (int k = 0; k < SG_FINDING_KINDS; k++)
        json_object_set_new(findings, sg_finding_kind_name((sg_finding_kind)k),
                describe_findings(audit, (sg_finding_kind)k));
    return json_pack("{s:i, s:s, s:s, s:o, s:I, s:I, s:o, s:o, s:{s:f, s:f}, s:o, s:o, s:o, s:o, "
                     "s:o, s:o}",
            "schema", SG_SCHEMA_VERSION, "build", sg_build_id(), "manifest_sha256", digest,
            "decisions",
            json_pack("{s:o, s:I, s:I}", "sha256",
                    *audit->decisions_sha256 ? json_string(audit->decisions_sha256) : json_null(),
                    "used", (json_int_t)audit->decisions_used, "unused",
                    (json_int_t)audit->decisions_unused),
            "images", (json_int_t)m->count, "group_count", (json_int_t)audit->lesion_count,
            "split_groups", describe_split_groups(m), "root", sg_json_text(m->root), "thresholds",
            "join", audit->join_score, "doubt", audit->doubt_score, "groups", groups, "pairs",
            joined, "doubtful_pairs", doubtful, "rejected_pairs", rejected, "findings", findings,
            "cohort", describe_cohort(audit));
}

sg_status sg_audit_write_cohort(const sg_audit *audit, const char *csv_path, sg_error *err) {
    sg_manifest cohort = audit->manifest; /* borrows all but the rows */
    cohort.count = 0;
    cohort.rows = malloc((audit->manifest.count + 1) * sizeof *cohort.rows);
    if (!cohort.rows) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the cohort");
    for (size_t i = 0; i < audit->manifest.count; i++)
        if (audit->fates[i].fate == SG_FATE_KEPT)
            cohort.rows[cohort.count++] = audit->manifest.rows[i];
    sg_status status = sg_manifest_write(&cohort, csv_path, err);
    free(cohort.rows);
    return status;
}

sg_status sg_audit_write_excluded(const sg_audit *audit, const char *csv_path, sg_error *err) {
    const sg_manifest *m = &audit->manifest;
    sg_str text;
    sg_str_init(&text, (size_t)1 << 30);
    sg_str_append(&text, "path,class,group,reason,because\n");
    for (size_t i = 0; i < m->count; i++) {
        const sg_manifest_row *row = &m->rows[i];
        const sg_audit_fate *fate = &audit->fates[i];
        if (fate->fate == SG_FATE_KEPT) continue;
        sg_csv_put(&text, row->path);
        sg_csv_put(&text, m->class_names[row->class_index]);
        sg_csv_put(&text, m->group_labels[row->group]);
        sg_csv_put(&text, sg_fate_name(fate->fate));
        sg_csv_put(&text, fate->because < 0 ? "" : m->rows[fate->because].path);
        sg_csv_end_row(&text);
    }
    for (size_t i = 0; i < m->skip_count; i++) {
        sg_csv_put(&text, m->skips[i].path);
        sg_csv_put(&text, m->skips[i].class_name);
        sg_csv_put(&text, "");
        sg_csv_put(&text, SG_AUDIT_UNREADABLE);
        sg_csv_put(&text, "");
        sg_csv_end_row(&text);
    }
    sg_status status = sg_str_check(&text, err);
    if (!status) status = sg_file_write(csv_path, sg_str_text(&text), text.len, err);
    sg_str_dispose(&text);
    return status;
}
