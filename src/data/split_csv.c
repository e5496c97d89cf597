/* split_csv.c - splits.csv in and out, and the check that no group is on both sides.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "data/fingerprint.h"
#include "data/split.h"
#include "data/union.h"
#include "image/codec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for a split");
}

/* ---- the check ---- */

typedef struct group_rows {
    size_t *rows; /* those of the group that are in a bin */
    size_t count;
    bool divided;
} group_rows;

static sg_status refuse(
        const sg_split *split, const sg_manifest *m, size_t a, size_t b, sg_error *err) {
    char side_a[32] = "", side_b[32] = "";
    const size_t rows[] = {a, b};
    char *const sides[] = {side_a, side_b};
    for (int k = 0; k < 2; k++) {
        int bin = split->bins[rows[k]];
        if (split->folds)
            snprintf(sides[k], sizeof side_a, "fold %d", bin);
        else
            snprintf(sides[k], sizeof side_a, "%s", sg_part_name((sg_part)bin));
    }
    return sg_fail(err, SG_ERR_INPUT,
            "the split divides group '%s': '%s' is in %s and '%s' in %s; keep what belongs "
            "together on one side, or accept a leak that every report will mark with --ungrouped",
            m->group_labels[m->rows[a].group], m->rows[a].path, side_a, m->rows[b].path, side_b);
}

static sg_status read_print(float *print, const sg_manifest *m, size_t row, sg_error *err) {
    char *file = sg_manifest_file(m, row);
    if (!file) return no_memory(err);
    sg_image image = {0};
    sg_status status = sg_image_read(&image, NULL, file, NULL, err);
    if (!status) status = sg_fingerprint_make(print, &image, err);
    sg_image_dispose(&image);
    free(file);
    return status;
}

static bool belong_together(
        const sg_manifest *m, size_t a, size_t b, const float *print_a, const float *print_b) {
    if (strcmp(m->rows[a].sha256, m->rows[b].sha256) == 0) return true;
    return sg_fingerprint_compare(print_a, print_b) >= SG_FINGERPRINT_THRESHOLD &&
           sg_fingerprint_compare_detail(print_a, print_b) >= SG_FINGERPRINT_DETAIL;
}

/* Looks at the pictures of a divided group again, fine structure included. */
static sg_status check_pixels(sg_split *split, const sg_manifest *m, const group_rows *group,
        const sg_log *log, sg_error *err) {
    sg_union u = {0};
    float *prints = calloc(group->count, SG_FINGERPRINT_LEN * sizeof *prints);
    sg_status status = prints ? sg_union_init(&u, group->count, err) : no_memory(err);
    for (size_t i = 0; i < group->count && !status; i++)
        status = read_print(prints + i * SG_FINGERPRINT_LEN, m, group->rows[i], err);
    for (size_t i = 0; i < group->count && !status; i++)
        for (size_t k = 0; k < i; k++)
            if (belong_together(m, group->rows[i], group->rows[k], prints + i * SG_FINGERPRINT_LEN,
                        prints + k * SG_FINGERPRINT_LEN))
                sg_union_join(&u, (uint32_t)i, (uint32_t)k);
    for (size_t i = 0; i < group->count && !status; i++) {
        size_t first = group->rows[sg_union_find(&u, (uint32_t)i)];
        if (split->bins[first] != split->bins[group->rows[i]])
            status = refuse(split, m, first, group->rows[i], err);
    }
    if (!status) {
        split->doubtful++;
        sg_log_line(log, SG_LOG_WARN,
                "the split divides group '%s' (%s and others), which looks alike only in its "
                "coarse "
                "structure; taken as given",
                m->group_labels[m->rows[group->rows[0]].group], m->rows[group->rows[0]].path);
    }
    sg_union_dispose(&u);
    free(prints);
    return status;
}

static sg_status check_group(sg_split *split, const sg_manifest *m, const group_rows *group,
        const sg_log *log, sg_error *err) {
    if (!group->divided) return SG_OK;
    if (m->grouping == SG_GROUPING_PIXELS) return check_pixels(split, m, group, log, err);
    size_t other = 1;
    while (split->bins[group->rows[other]] == split->bins[group->rows[0]]) other++;
    return refuse(split, m, group->rows[0], group->rows[other], err);
}

sg_status sg_split_check(
        sg_split *split, const sg_manifest *manifest, const sg_log *log, sg_error *err) {
    group_rows *groups = calloc(manifest->group_count + 1, sizeof *groups);
    size_t *rows = calloc(manifest->count + 1, sizeof *rows);
    sg_status status = groups && rows ? SG_OK : no_memory(err);
    if (status) goto done;
    for (size_t i = 0; i < manifest->count; i++)
        groups[manifest->rows[i].group].count += split->bins[i] >= 0;
    for (size_t g = 0, next = 0; g < manifest->group_count; g++) {
        groups[g].rows = rows + next;
        next += groups[g].count;
        groups[g].count = 0;
    }
    for (size_t i = 0; i < manifest->count; i++) {
        if (split->bins[i] < 0) continue;
        group_rows *g = &groups[manifest->rows[i].group];
        g->rows[g->count++] = i;
        g->divided |= split->bins[g->rows[0]] != split->bins[i];
    }
    split->doubtful = 0;
    for (size_t g = 0; g < manifest->group_count && !status; g++)
        status = check_group(split, manifest, &groups[g], log, err);
done:
    free(groups);
    free(rows);
    return status;
}

/* ---- reading ---- */

typedef struct split_table {
    sg_csv csv;
    const char *name;
    int path, class_column, bin, seed;
    bool folds;
} split_table;

static sg_status find_columns(split_table *t, sg_error *err) {
    t->path = sg_csv_column(&t->csv, "path");
    t->class_column = sg_csv_column(&t->csv, "class");
    t->seed = sg_csv_column(&t->csv, "seed");
    t->bin = sg_csv_column(&t->csv, "fold");
    t->folds = t->bin >= 0;
    if (!t->folds) t->bin = sg_csv_column(&t->csv, "split");
    if (t->path < 0 || t->bin < 0)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: has no column '%s'; a split needs path, class and fold (or split)", t->name,
                t->path < 0 ? "path" : "fold");
    if (t->csv.rows == 0)
        return sg_fail(err, SG_ERR_INPUT, "%s: lists no image, only a header", t->name);
    return SG_OK;
}

static sg_status parse_bin(int *bin, const split_table *t, size_t i, sg_error *err) {
    const char *text = sg_csv_cell(&t->csv, i, t->bin);
    if (t->folds) {
        long long value;
        if (!sg_parse_int64(&value, text) || value < 0 || value > 99)
            return sg_fail(err, SG_ERR_FORMAT,
                    "%s: row %zu: fold '%.40s' is not a number from 0 "
                    "to 99",
                    t->name, i + 1, text);
        *bin = (int)value;
        return SG_OK;
    }
    static const struct {
        const char *name;
        sg_part part;
    } parts[] = {{"train", SG_PART_TRAIN}, {"val", SG_PART_VAL}, {"validation", SG_PART_VAL},
            {"test", SG_PART_TEST}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        if (strcmp(text, parts[k].name) != 0) continue;
        *bin = (int)parts[k].part;
        return SG_OK;
    }
    return sg_fail(err, SG_ERR_FORMAT, "%s: row %zu: split '%.40s' is not train, val or test",
            t->name, i + 1, text);
}

static bool was_skipped(const sg_manifest *m, const char *path) {
    for (size_t i = 0; i < m->skip_count; i++)
        if (strcmp(m->skips[i].path, path) == 0) return true;
    return false;
}

static sg_status read_row(
        sg_split *split, const split_table *t, size_t i, const sg_manifest *m, sg_error *err) {
    const char *path = sg_csv_cell(&t->csv, i, t->path);
    long row = sg_manifest_find(m, path);
    if (row < 0 && was_skipped(m, path)) return SG_OK;
    if (row < 0)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: row %zu: '%s' is not among the images of %s; paths are relative to the folder "
                "of the classes",
                t->name, i + 1, path, m->root);
    if (t->class_column >= 0) {
        const char *own = m->class_names[m->rows[row].class_index];
        const char *given = sg_csv_cell(&t->csv, i, t->class_column);
        if (strcmp(own, given) != 0)
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: row %zu: '%s' is of class '%.80s' here but '%.80s' in the data", t->name,
                    i + 1, path, given, own);
    }
    if (split->bins[row] >= 0)
        return sg_fail(err, SG_ERR_INPUT, "%s: row %zu: '%s' is listed twice; keep one of the rows",
                t->name, i + 1, path);
    return parse_bin(&split->bins[row], t, i, err);
}

/* Numbers the folds and refuses a gap; of parts, training and test must hold something. */
static sg_status check_bins(sg_split *split, const split_table *t, sg_error *err) {
    size_t images[100] = {0};
    int highest = 0;
    for (size_t i = 0; i < split->count; i++) {
        if (split->bins[i] < 0) continue;
        images[split->bins[i]]++;
        highest = split->bins[i] > highest ? split->bins[i] : highest;
    }
    if (!t->folds) {
        if (!images[SG_PART_TRAIN] && !images[SG_PART_TEST])
            return sg_fail(err, SG_ERR_INPUT, "%s: has neither training nor test images", t->name);
        return SG_OK;
    }
    split->folds = highest + 1;
    for (int k = 0; k <= highest; k++)
        if (!images[k])
            return sg_fail(err, SG_ERR_INPUT,
                    "%s: fold %d has no image; folds are numbered 0, 1, 2... without a gap",
                    t->name, k);
    if (highest < 1)
        return sg_fail(
                err, SG_ERR_INPUT, "%s: all images are in one fold; two are the least", t->name);
    return SG_OK;
}

static sg_status check_groups(sg_split *split, const sg_manifest *m,
        const sg_split_options *options, const char *name, sg_error *err) {
    sg_error local = SG_ERROR_INIT;
    sg_status status = sg_split_check(split, m, options->log, &local);
    if (status == SG_ERR_INPUT && options->ungrouped) {
        split->ungrouped = true;
        split->doubtful = 0;
        sg_log_line(options->log, SG_LOG_WARN, "%s: %s", name, local.message);
        return SG_OK;
    }
    return status ? sg_fail(err, status, "%s: %s", name, local.message) : SG_OK;
}

sg_status sg_split_read(sg_split *out, const char *csv_path, const sg_manifest *manifest,
        const sg_split_options *options, sg_error *err) {
    static const sg_split_options defaults = SG_SPLIT_OPTIONS_INIT;
    if (!options) options = &defaults;
    split_table t = {.name = csv_path};
    sg_split split = {.count = manifest->count};
    sg_status status = sg_csv_read(&t.csv, csv_path, err);
    if (status) return status;
    status = find_columns(&t, err);
    if (status) goto done;
    split.bins = malloc((manifest->count + 1) * sizeof *split.bins);
    if (!split.bins) {
        status = no_memory(err);
        goto done;
    }
    for (size_t i = 0; i < manifest->count; i++) split.bins[i] = SG_PART_NONE;
    for (size_t i = 0; i < t.csv.rows && !status; i++)
        status = read_row(&split, &t, i, manifest, err);
    if (!status) status = check_bins(&split, &t, err);
    if (!status) status = check_groups(&split, manifest, options, csv_path, err);
    long long seed = 0;
    if (!status && t.seed >= 0 && sg_parse_int64(&seed, sg_csv_cell(&t.csv, 0, t.seed)))
        split.seed = (uint64_t)seed;
done:
    sg_csv_dispose(&t.csv);
    if (status)
        sg_split_dispose(&split);
    else
        *out = split;
    return status;
}

/* ---- writing ---- */

void sg_split_put(sg_str *out, const sg_split *split, const sg_manifest *manifest) {
    sg_str_appendf(out, "path,class,%s,group,seed\n", split->folds ? "fold" : "split");
    for (size_t i = 0; i < split->count; i++) {
        if (split->bins[i] < 0) continue;
        const sg_manifest_row *row = &manifest->rows[i];
        sg_csv_put(out, row->path);
        sg_csv_put(out, manifest->class_names[row->class_index]);
        if (split->folds)
            sg_csv_put_int(out, split->bins[i]);
        else
            sg_csv_put(out, sg_part_name((sg_part)split->bins[i]));
        sg_csv_put(out, manifest->group_labels[row->group]);
        sg_csv_put_int(out, (long long)split->seed);
        sg_csv_end_row(out);
    }
}

sg_status sg_split_write(
        const sg_split *split, const sg_manifest *manifest, const char *csv_path, sg_error *err) {
    sg_str text;
    sg_str_init(&text, (size_t)1 << 30);
    sg_split_put(&text, split, manifest);
    sg_status status = sg_str_check(&text, err);
    if (!status) status = sg_file_write(csv_path, sg_str_text(&text), text.len, err);
    sg_str_dispose(&text);
    return status;
}
