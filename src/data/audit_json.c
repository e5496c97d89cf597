/* audit_json.c - an audit as audit.json and cohort.csv.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "base/version.h"
#include "data/audit.h"
#include <stdlib.h>

static json_t *path_of(const sg_audit *audit, size_t row) {
    return sg_json_text(audit->manifest.rows[row].path);
}

static json_t *class_of(const sg_audit *audit, size_t row) {
    return sg_json_text(audit->manifest.class_names[audit->manifest.rows[row].class_index]);
}

/* ---- groups ---- */

/* The rows of each group: rows[first[g] .. first[g + 1]). */
typedef struct members {
    size_t *first; /* [group_count + 1] */
    size_t *rows;  /* [count] */
} members;

static bool list_members(members *out, const sg_manifest *m) {
    size_t *first = calloc(m->group_count + 2, sizeof *first);
    size_t *rows = malloc((m->count + 1) * sizeof *rows);
    if (!first || !rows) {
        free(first);
        free(rows);
        return false;
    }
    for (size_t i = 0; i < m->count; i++) first[m->rows[i].group + 2]++;
    for (size_t g = 2; g < m->group_count + 2; g++) first[g] += first[g - 1];
    for (size_t i = 0; i < m->count; i++) rows[first[m->rows[i].group + 1]++] = i;
    *out = (members){first, rows};
    return true;
}

static bool is_conflict(const sg_manifest *m, const members *in, size_t g) {
    for (size_t i = in->first[g] + 1; i < in->first[g + 1]; i++)
        if (m->rows[in->rows[i]].class_index != m->rows[in->rows[in->first[g]]].class_index)
            return true;
    return false;
}

static void describe_groups(const sg_audit *audit, json_t *groups, json_t *conflicts) {
    const sg_manifest *m = &audit->manifest;
    members in;
    if (!list_members(&in, m)) return;
    for (size_t g = 0; g < m->group_count; g++) {
        if (in.first[g + 1] - in.first[g] < 2) continue;
        json_t *paths = json_array(), *images = json_array();
        for (size_t i = in.first[g]; i < in.first[g + 1]; i++) {
            json_array_append_new(paths, path_of(audit, in.rows[i]));
            json_array_append_new(
                    images, json_pack("{s:o, s:o}", "path", path_of(audit, in.rows[i]), "class",
                                    class_of(audit, in.rows[i])));
        }
        json_array_append_new(groups, paths);
        if (is_conflict(m, &in, g))
            json_array_append_new(conflicts,
                    json_pack("{s:s, s:O}", "group", m->group_labels[g], "images", images));
        json_decref(images);
    }
    free(in.first);
    free(in.rows);
}

/* ---- pairs ---- */

static json_t *describe_pair(const sg_audit *audit, const sg_audit_pair *p) {
    json_t *affine = json_array();
    for (int k = 0; k < 6; k++) json_array_append_new(affine, sg_json_number(p->affine[k]));
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:b}", "a", path_of(audit, p->a), "b",
            path_of(audit, p->b), "kind", sg_pair_kind_name(p->kind), "score",
            sg_json_number(p->score), "overlap", sg_json_number(p->overlap), "affine", affine,
            "verdict", sg_verdict_name(p->verdict), "same_class",
            audit->manifest.rows[p->a].class_index == audit->manifest.rows[p->b].class_index);
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

static json_t *count_fate(const sg_audit *audit, sg_fate fate) {
    const sg_manifest *m = &audit->manifest;
    json_t *classes = json_object();
    json_int_t total = 0;
    for (size_t c = 0; c < m->class_count; c++) {
        json_int_t n = 0;
        for (size_t i = 0; i < m->count; i++)
            n += m->rows[i].class_index == (int)c && audit->fates[i].fate == fate;
        json_t *name = sg_json_text(m->class_names[c]);
        json_object_set_new(classes, json_string_value(name), json_integer(n));
        json_decref(name);
        total += n;
    }
    return json_pack(
            "{s:s, s:I, s:o}", "reason", sg_fate_name(fate), "images", total, "classes", classes);
}

static json_t *describe_cohort(const sg_audit *audit) {
    json_t *flow = json_array();
    for (int f = 0; f < SG_FATES; f++)
        if (f != SG_FATE_KEPT) json_array_append_new(flow, count_fate(audit, (sg_fate)f));
    json_t *kept = count_fate(audit, SG_FATE_KEPT);
    json_object_del(kept, "reason");
    json_object_set_new(kept, "exclusions", flow);
    return kept;
}

/* ---- the whole ---- */

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
    return json_pack("{s:i, s:s, s:s, s:o, s:I, s:I, s:o, s:{s:f, s:f}, s:o, s:o, s:o, s:o, s:o, "
                     "s:o}",
            "schema", SG_SCHEMA_VERSION, "build", sg_build_id(), "manifest_sha256", digest,
            "decisions",
            json_pack("{s:o, s:I, s:I}", "sha256",
                    *audit->decisions_sha256 ? json_string(audit->decisions_sha256) : json_null(),
                    "used", (json_int_t)audit->decisions_used, "unused",
                    (json_int_t)audit->decisions_unused),
            "images", (json_int_t)m->count, "group_count", (json_int_t)m->group_count, "root",
            sg_json_text(m->root), "thresholds", "join", audit->join_score, "doubt",
            audit->doubt_score, "groups", groups, "pairs", joined, "doubtful_pairs", doubtful,
            "rejected_pairs", rejected, "findings", findings, "cohort", describe_cohort(audit));
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
    sg_status status = sg_str_check(&text, err);
    if (!status) status = sg_file_write(csv_path, sg_str_text(&text), text.len, err);
    sg_str_dispose(&text);
    return status;
}
