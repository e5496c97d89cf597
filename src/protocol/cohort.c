/* cohort.c - see cohort.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/cohort.h"
#include "base/csv.h"
#include "data/audit.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the cohort");
}

void sg_cohort_dispose(sg_cohort *c) {
    if (!c) return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->images[i].path);
        free(c->images[i].class_name);
        free(c->images[i].group);
        free(c->images[i].reason);
        free(c->images[i].because);
    }
    free(c->images);
    free(c->by_sha256);
    *c = (sg_cohort){0};
}

/* ---- reading ---- */

typedef struct table {
    sg_csv csv;
    char *path;
    int path_column, class_column, group, sha256, reason, because;
    char sha[SG_SHA256_HEX]; /* of the file */
} table;

static void table_dispose(table *t) {
    sg_csv_dispose(&t->csv);
    free(t->path);
}

static sg_status open_table(table *t, const char *dir, const char *name, sg_error *err) {
    *t = (table){.path = sg_path_join(dir, name)};
    if (!t->path) return no_memory(err);
    if (!sg_path_exists(t->path))
        return sg_fail(err, SG_ERR_MISSING,
                "%s: is not there; name the folder that `sonograde audit --out` left", t->path);
    sg_status st = sg_csv_read(&t->csv, t->path, err);
    if (!st) st = sg_sha256_file(t->sha, t->path, err);
    if (st) return st;
    t->path_column = sg_csv_column(&t->csv, "path");
    t->class_column = sg_csv_column(&t->csv, "class");
    t->group = sg_csv_column(&t->csv, "group");
    t->sha256 = sg_csv_column(&t->csv, "sha256");
    t->reason = sg_csv_column(&t->csv, "reason");
    t->because = sg_csv_column(&t->csv, "because");
    if (t->path_column >= 0 && t->class_column >= 0 && t->group >= 0) return SG_OK;
    return sg_fail(err, SG_ERR_FORMAT,
            "%s: lacks one of the columns path, class and group; it is not what `audit` wrote",
            t->path);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const sg_cohort_image *)a)->path, ((const sg_cohort_image *)b)->path);
}

static sg_status take_images(sg_cohort *c, const table *t, sg_error *err) {
    if (t->sha256 < 0) return sg_fail(err, SG_ERR_FORMAT, "%s: lacks the column sha256", t->path);
    c->images = calloc(t->csv.rows + 1, sizeof *c->images);
    if (!c->images) return no_memory(err);
    for (size_t i = 0; i < t->csv.rows; i++) {
        sg_cohort_image *image = &c->images[c->count++];
        const char *sha256 = sg_csv_cell(&t->csv, i, t->sha256);
        image->path = sg_strdup(sg_csv_cell(&t->csv, i, t->path_column));
        image->class_name = sg_strdup(sg_csv_cell(&t->csv, i, t->class_column));
        image->group = sg_strdup(sg_csv_cell(&t->csv, i, t->group));
        if (!image->path || !image->class_name || !image->group) return no_memory(err);
        if (strlen(sha256) != SG_SHA256_HEX - 1)
            return sg_fail(err, SG_ERR_FORMAT, "%s: %s has no SHA-256", t->path, image->path);
        memcpy(image->sha256, sha256, SG_SHA256_HEX);
    }
    qsort(c->images, c->count, sizeof *c->images, by_path);
    return SG_OK;
}

static sg_cohort_image *find_path(const sg_cohort *c, const char *path) {
    sg_cohort_image key = {.path = (char *)path};
    return bsearch(&key, c->images, c->count, sizeof key, by_path);
}

/* A file that cannot be read is in no manifest, but left the set all the same. */
static sg_status add_unreadable(sg_cohort *c, const table *t, size_t i, sg_error *err) {
    sg_cohort_image *image = &c->images[c->count++];
    image->path = sg_strdup(sg_csv_cell(&t->csv, i, t->path_column));
    image->class_name = sg_strdup(sg_csv_cell(&t->csv, i, t->class_column));
    image->group = sg_strdup("");
    image->reason = sg_strdup(SG_AUDIT_UNREADABLE);
    return image->path && image->class_name && image->group && image->reason ? SG_OK
                                                                             : no_memory(err);
}

static sg_status take_reasons(sg_cohort *c, const table *t, sg_error *err) {
    if (t->reason < 0) return sg_fail(err, SG_ERR_FORMAT, "%s: lacks the column reason", t->path);
    sg_cohort_image *grown = realloc(c->images, (c->count + t->csv.rows + 1) * sizeof *c->images);
    if (!grown) return no_memory(err);
    c->images = grown;
    memset(grown + c->count, 0, (t->csv.rows + 1) * sizeof *grown);
    const sg_cohort known = *c; /* those that can be read, by path */
    sg_status st = SG_OK;
    for (size_t i = 0; i < t->csv.rows && !st; i++) {
        sg_cohort_image *image = find_path(&known, sg_csv_cell(&t->csv, i, t->path_column));
        const char *reason = sg_csv_cell(&t->csv, i, t->reason);
        if (!image && strcmp(reason, SG_AUDIT_UNREADABLE) == 0) {
            st = add_unreadable(c, t, i, err);
        } else if (image) {
            free(image->reason);
            image->reason = sg_strdup(reason);
            free(image->because);
            image->because = sg_strdup(t->because < 0 ? "" : sg_csv_cell(&t->csv, i, t->because));
            if (!image->reason || !image->because) st = no_memory(err);
        }
    }
    qsort(c->images, c->count, sizeof *c->images, by_path);
    return st;
}

/* Every image is kept or has a reason, and none is both. */
static sg_status check_kept(sg_cohort *c, const table *cohort, sg_error *err) {
    for (size_t i = 0; i < cohort->csv.rows; i++) {
        const char *path = sg_csv_cell(&cohort->csv, i, cohort->path_column);
        const sg_cohort_image *image = find_path(c, path);
        if (!image || image->reason)
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: %s %s; the files are not of one audit, run it again", cohort->path, path,
                    image ? "is listed as excluded too" : "is not in manifest.csv");
    }
    for (size_t i = 0; i < c->count; i++) c->kept += !c->images[i].reason;
    if (c->kept != cohort->csv.rows)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: lists %zu images where manifest.csv and excluded.csv leave %zu; the files are "
                "not of one audit, run it again",
                cohort->path, cohort->csv.rows, c->kept);
    return SG_OK;
}

static int by_sha256(const void *a, const void *b) {
    const sg_cohort_image *x = *(const sg_cohort_image *const *)a,
                          *y = *(const sg_cohort_image *const *)b;
    int order = strcmp(x->sha256, y->sha256);
    return order ? order : strcmp(x->path, y->path);
}

static sg_status index_hashes(sg_cohort *c, sg_error *err) {
    c->by_sha256 = calloc(c->count + 1, sizeof *c->by_sha256);
    if (!c->by_sha256) return no_memory(err);
    for (size_t i = 0; i < c->count; i++) c->by_sha256[i] = &c->images[i];
    qsort(c->by_sha256, c->count, sizeof *c->by_sha256, by_sha256);
    return SG_OK;
}

/* Images in which audit.json found burnt-in marks. */
static sg_status take_marks(sg_cohort *c, const char *dir, sg_error *err) {
    char *path = sg_path_join(dir, "audit.json");
    if (!path) return no_memory(err);
    json_t *audit = NULL;
    sg_status st = sg_path_exists(path) ? sg_json_read(&audit, path, err) : SG_OK;
    free(path);
    const json_t *findings = json_object_get(audit, "findings");
    const json_t *marks = json_object_get(findings, sg_finding_kind_name(SG_FINDING_MARK));
    for (size_t i = 0; i < json_array_size(marks); i++) {
        const json_t *name = json_object_get(json_array_get(marks, i), "image");
        sg_cohort_image *image =
                json_is_string(name) ? find_path(c, json_string_value(name)) : NULL;
        if (image) image->marked = true;
    }
    json_decref(audit);
    return st;
}

sg_status sg_cohort_read(sg_cohort *out, const char *dir, sg_error *err) {
    table manifest = {0}, cohort = {0}, excluded = {0};
    sg_cohort c = {0};
    sg_status st = open_table(&manifest, dir, "manifest.csv", err);
    if (!st) st = open_table(&cohort, dir, "cohort.csv", err);
    if (!st) st = open_table(&excluded, dir, "excluded.csv", err);
    if (!st) st = take_images(&c, &manifest, err);
    if (!st) st = take_reasons(&c, &excluded, err);
    if (!st) st = check_kept(&c, &cohort, err);
    if (!st) st = take_marks(&c, dir, err);
    if (!st) st = index_hashes(&c, err);
    if (!st) {
        const void *parts[] = {manifest.sha, cohort.sha, excluded.sha};
        const size_t sizes[] = {SG_SHA256_HEX - 1, SG_SHA256_HEX - 1, SG_SHA256_HEX - 1};
        sg_sha256_parts(c.digest, parts, sizes, 3);
    }
    table_dispose(&manifest);
    table_dispose(&cohort);
    table_dispose(&excluded);
    if (st)
        sg_cohort_dispose(&c);
    else
        *out = c;
    return st;
}

/* ---- using ---- */

const sg_cohort_image *sg_cohort_find(const sg_cohort *c, const char *path, const char *sha256) {
    const sg_cohort_image *found = find_path(c, path);
    if (found && strcmp(found->sha256, sha256) == 0) return found;
    size_t low = 0, high = c->count; /* the first with this hash */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->by_sha256[middle]->sha256, sha256) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool there = low < c->count && strcmp(c->by_sha256[low]->sha256, sha256) == 0;
    return there ? c->by_sha256[low] : NULL;
}

sg_status sg_cohort_select(
        sg_predictions *out, const sg_predictions *p, const sg_cohort *c, sg_error *err) {
    bool *keep = calloc(p->count + 1, sizeof *keep);
    if (!keep) return no_memory(err);
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        const sg_cohort_image *image = sg_cohort_find(c, p->rows[i].path, p->rows[i].sha256);
        keep[i] = image && !image->reason;
        kept += keep[i];
    }
    sg_status st = kept ? sg_predictions_subset(out, p, keep, err)
                        : sg_fail(err, SG_ERR_INPUT,
                                  "none of the %zu images judged is in the audit's cohort; is it "
                                  "the audit of this set?",
                                  p->count);
    free(keep);
    return st;
}

sg_status sg_cohort_count_unjudged(size_t *unjudged, size_t *by_copy, const sg_cohort *c,
        const sg_predictions *p, sg_error *err) {
    bool *judged = calloc(2 * c->count + 1, sizeof *judged);
    if (!judged) return no_memory(err);
    bool *by_other = judged + c->count;
    for (size_t i = 0; i < p->count; i++) {
        const sg_cohort_image *image = sg_cohort_find(c, p->rows[i].path, p->rows[i].sha256);
        if (!image) continue;
        judged[image - c->images] = true;
        const sg_cohort_image *kept = image->because ? find_path(c, image->because) : NULL;
        if (kept) by_other[kept - c->images] = true;
    }
    *unjudged = *by_copy = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->images[i].reason || judged[i]) continue;
        ++*unjudged;
        *by_copy += by_other[i];
    }
    free(judged);
    return SG_OK;
}

/* ---- the flow ---- */

sg_status sg_cohort_flow(sg_exclusion *flow, size_t *count, const sg_cohort *c,
        const sg_predictions *p, sg_error *err) {
    memset(flow, 0, SG_EXCLUSIONS_MAX * sizeof *flow);
    size_t n = 0;
    flow[n++].reason = SG_AUDIT_UNREADABLE;
    for (int f = 0; f < SG_FATES; f++) /* the audit's own order */
        if (f != SG_FATE_KEPT) flow[n++].reason = sg_fate_name((sg_fate)f);
    for (size_t i = 0; i < c->count; i++) {
        const sg_cohort_image *image = &c->images[i];
        size_t k = 0;
        while (image->reason && k < n && strcmp(flow[k].reason, image->reason) != 0) k++;
        if (!image->reason) k = SG_EXCLUSIONS_MAX - 1;
        if (image->reason && k == n) {
            if (n == SG_EXCLUSIONS_MAX - 1)
                return sg_fail(err, SG_ERR_FORMAT, "excluded.csv gives too many reasons");
            flow[n++].reason = image->reason;
        }
        flow[k].images++;
        for (int class_index = 0; class_index < p->class_count; class_index++)
            flow[k].by_class[class_index] +=
                    sg_class_same_name(image->class_name, p->classes[class_index]);
    }
    flow[n] = flow[SG_EXCLUSIONS_MAX - 1];
    *count = n + 1;
    return SG_OK;
}
