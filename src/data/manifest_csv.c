/* manifest_csv.c - the manifest as a table: ours in full, a user's with whatever columns it has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "data/manifest_internal.h"
#include "image/codec.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the list of images");
}

/* ---- columns ---- */

enum { COLUMN_NUMBERS = 4 };
static const char *const number_names[COLUMN_NUMBERS] = {
        "width", "height", "channels", "bit_depth"};

typedef struct table {
    sg_csv csv;
    const char *path; /* of the CSV */
    int path_column, class_column, sha256, numbers[COLUMN_NUMBERS], masks, group, own_group, fold,
            pixel_mm;
    bool has_facts;
} table;

static bool is_filled(const sg_csv *csv, int column) {
    if (column < 0) return false;
    for (size_t i = 0; i < csv->rows; i++)
        if (sg_csv_cell(csv, i, column)[0] == '\0') return false;
    return true;
}

static sg_status find_columns(table *t, sg_error *err) {
    t->path_column = sg_csv_column(&t->csv, "path");
    t->class_column = sg_csv_column(&t->csv, "class");
    if (t->path_column < 0 || t->class_column < 0)
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: has no column '%s'; a manifest needs path and class, the path relative to "
                "the folder of images",
                t->path, t->path_column < 0 ? "path" : "class");
    if (t->csv.rows == 0)
        return sg_fail(err, SG_ERR_INPUT, "%s: lists no image, only a header", t->path);
    t->sha256 = sg_csv_column(&t->csv, "sha256");
    t->has_facts = is_filled(&t->csv, t->sha256);
    for (int k = 0; k < COLUMN_NUMBERS; k++) {
        t->numbers[k] = sg_csv_column(&t->csv, number_names[k]);
        t->has_facts &= is_filled(&t->csv, t->numbers[k]);
    }
    t->masks = sg_csv_column(&t->csv, "masks");
    t->pixel_mm = sg_csv_column(&t->csv, "pixel_mm");
    return SG_OK;
}

/* What the table of a published set says beside. */
static sg_status find_published(table *t, sg_manifest *m, sg_error *err) {
    int column = sg_csv_column(&t->csv, "published");
    t->fold = column < 0 ? -1 : sg_csv_column(&t->csv, "fold");
    if (column < 0) return SG_OK;
    m->published = sg_strdup(sg_csv_cell(&t->csv, 0, column));
    return m->published ? SG_OK : no_memory(err);
}

static sg_status take_fold(sg_manifest_row *row, const table *t, size_t i, sg_error *err) {
    const char *text = sg_csv_cell(&t->csv, i, t->fold);
    long long fold;
    if (!sg_parse_int64(&fold, text) || fold < 0 || fold > 99)
        return sg_fail(err, SG_ERR_FORMAT, "%s: %s: fold '%.40s' is not a number from 0 to 99",
                t->path, row->path, text);
    row->official_fold = (int)fold + 1;
    return SG_OK;
}

/* Empty where it is not known. */
static sg_status take_pixel(sg_manifest_row *row, const table *t, size_t i, sg_error *err) {
    const char *text = sg_csv_cell(&t->csv, i, t->pixel_mm);
    if (!*text) return SG_OK;
    if (!sg_parse_double(&row->pixel_mm, text) || !(row->pixel_mm > 0))
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: %s: pixel_mm '%.40s' is not a size above 0; leave it empty where it is not "
                "known",
                t->path, row->path, text);
    return SG_OK;
}

/* What an audit kept of the groups that it joined with its own. */
static sg_status find_own_groups(table *t, sg_manifest *m, sg_error *err) {
    int source = sg_csv_column(&t->csv, "own_grouping"),
        column = sg_csv_column(&t->csv, "own_group");
    if (!is_filled(&t->csv, source) || !is_filled(&t->csv, column)) return SG_OK;
    t->own_group = column;
    m->own_grouping = sg_strdup(sg_csv_cell(&t->csv, 0, source));
    return m->own_grouping ? SG_OK : no_memory(err);
}

/* The column that --group-by names, or our own `group`; -1 when groups come from elsewhere. */
static sg_status find_group_column(
        table *t, sg_manifest *m, const sg_manifest_options *options, sg_error *err) {
    const char *name = options->group_by ? options->group_by : "group";
    t->group = sg_csv_column(&t->csv, name);
    if (t->group < 0) return SG_OK;
    if (!is_filled(&t->csv, t->group)) {
        if (!options->group_by) {
            t->group = -1;
            return SG_OK;
        }
        return sg_fail(err, SG_ERR_INPUT,
                "%s: column '%s' is empty in some rows; every image needs its group (give each "
                "image of an unknown one a name of its own)",
                t->path, name);
    }
    static const struct {
        const char *prefix;
        sg_grouping grouping;
    } origins[] = {{"pixels", SG_GROUPING_PIXELS}, {"audit", SG_GROUPING_AUDIT},
            {"column:", SG_GROUPING_COLUMN}, {"regex:", SG_GROUPING_REGEX}};
    int origin = options->group_by ? -1 : sg_csv_column(&t->csv, "grouping");
    const char *text = origin >= 0 ? sg_csv_cell(&t->csv, 0, origin) : "";
    m->grouping = SG_GROUPING_COLUMN;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        size_t n = strlen(origins[i].prefix);
        if (strncmp(text, origins[i].prefix, n) != 0) continue;
        m->grouping = origins[i].grouping;
        name = text + n;
    }
    m->grouping_detail = sg_strdup(m->grouping == SG_GROUPING_AUDIT ? "" : name);
    if (!m->grouping_detail) return no_memory(err);
    return m->grouping == SG_GROUPING_AUDIT ? find_own_groups(t, m, err) : SG_OK;
}

/* ---- rows ---- */

static bool is_sha256(const char *text) {
    size_t n = strspn(text, "0123456789abcdef");
    return n == SG_SHA256_HEX - 1 && text[n] == '\0';
}

static sg_status take_facts(sg_manifest_row *row, const table *t, size_t i, sg_error *err) {
    const char *sha256 = sg_csv_cell(&t->csv, i, t->sha256);
    if (!is_sha256(sha256))
        return sg_fail(err, SG_ERR_FORMAT,
                "%s: %s: '%.80s' is not a SHA-256 in 64 lower-case hex digits; remove the column "
                "to have it computed",
                t->path, row->path, sha256);
    memcpy(row->sha256, sha256, SG_SHA256_HEX);
    int *const fields[COLUMN_NUMBERS] = {
            &row->width, &row->height, &row->channels, &row->bit_depth};
    for (int k = 0; k < COLUMN_NUMBERS; k++) {
        const char *text = sg_csv_cell(&t->csv, i, t->numbers[k]);
        long long value;
        if (!sg_parse_int64(&value, text) || value < 1 || value > INT_MAX)
            return sg_fail(err, SG_ERR_FORMAT, "%s: %s: %s '%.40s' is not a positive number",
                    t->path, row->path, number_names[k], text);
        *fields[k] = (int)value;
    }
    return SG_OK;
}

/* "a.png|b.png", with '\' before a '|' or '\' that belongs to a name. */
static sg_status split_masks(sg_manifest_row *row, const char *text, sg_error *err) {
    sg_str name;
    sg_str_init(&name, 0);
    sg_status status = SG_OK;
    for (const char *p = text; *text && !status; p++) {
        if (*p == '\\' && (p[1] == '|' || p[1] == '\\')) {
            sg_str_append_n(&name, ++p, 1);
        } else if (*p && *p != '|') {
            sg_str_append_n(&name, p, 1);
        } else {
            status = sg_str_check(&name, err);
            if (!status && name.len) status = sg_manifest_add_mask(row, sg_str_text(&name), err);
            sg_str_clear(&name);
            if (!*p) break;
        }
    }
    sg_str_dispose(&name);
    return status;
}

/* A table without masks: X_mask.png, X_mask_1.png... beside X.png. */
static sg_status look_for_masks(sg_manifest_row *row, const char *root, sg_error *err) {
    const char *dot = strrchr(sg_path_base(row->path), '.');
    int stem = dot ? (int)(dot - row->path) : (int)strlen(row->path);
    for (int k = 0;; k++) {
        char *mask = k ? sg_strdupf("%.*s_mask_%d.png", stem, row->path, k)
                       : sg_strdupf("%.*s_mask.png", stem, row->path);
        char *file = mask ? sg_path_join(root, mask) : NULL;
        bool there = file && sg_path_exists(file);
        sg_status status = file ? SG_OK : no_memory(err);
        if (there) status = sg_manifest_add_mask(row, mask, err);
        free(mask);
        free(file);
        if (status || !there) return status;
    }
}

static char *resolve(const char *root, const char *path) {
    return path[0] == '/' ? sg_strdup(path) : sg_path_join(root, path);
}

/* Says why a row cannot be used, or nothing. */
static sg_status check_row(const char *root, const char *path, bool may_be_gone, sg_error *err) {
    char *file = resolve(root, path);
    if (!file) return no_memory(err);
    bool there = may_be_gone || sg_path_exists(file);
    sg_status status = SG_OK;
    if (sg_mask_stem(sg_path_base(path)) >= 0)
        status = sg_fail(err, SG_ERR_INPUT, "%s: is named like a mask; a mask is no image", path);
    else if (!there)
        status = sg_fail(err, SG_ERR_INPUT,
                "%s: this file is not there; paths start where the table's column 'root' says, "
                "else in the folder of the table: mend that or the path",
                file);
    free(file);
    return status;
}

static sg_status read_row(sg_manifest_builder *b, const table *t, size_t i,
        const sg_manifest_options *options, sg_error *err) {
    const char *path = sg_csv_cell(&t->csv, i, t->path_column);
    const char *class_name = sg_csv_cell(&t->csv, i, t->class_column);
    if (!*path || !*class_name)
        return sg_fail(err, SG_ERR_FORMAT, "%s: row %zu has no %s", t->path, i + 1,
                *path ? "class" : "path");
    sg_error local = SG_ERROR_INIT;
    sg_status status = check_row(b->manifest.root, path, options->may_be_gone, &local);
    if (status && options->skip_bad && status != SG_ERR_MEMORY) {
        sg_log_line(options->log, SG_LOG_WARN, "left out: %s", local.message);
        return sg_manifest_add_skip(b, path, class_name, local.message, err);
    }
    if (status)
        return sg_fail(err, status, "%s: row %zu: %s, or leave such rows out with --skip-bad",
                t->path, i + 1, local.message);
    sg_manifest_row *row;
    status = sg_manifest_add_row(&row, b, path, class_name, err);
    if (!status && t->has_facts) status = take_facts(row, t, i, err);
    if (!status && t->fold >= 0) status = take_fold(row, t, i, err);
    if (!status && t->pixel_mm >= 0) status = take_pixel(row, t, i, err);
    if (!status && t->masks >= 0)
        status = split_masks(row, sg_csv_cell(&t->csv, i, t->masks), err);
    else if (!status)
        status = look_for_masks(row, b->manifest.root, err);
    if (!status && t->group >= 0) {
        b->groups[b->manifest.count - 1] = sg_strdup(sg_csv_cell(&t->csv, i, t->group));
        if (!b->groups[b->manifest.count - 1]) status = no_memory(err);
    }
    if (!status && t->own_group >= 0) {
        row->own_group = sg_strdup(sg_csv_cell(&t->csv, i, t->own_group));
        if (!row->own_group) status = no_memory(err);
    }
    return status;
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static sg_status check_unique(const table *t, sg_error *err) {
    const char **paths = calloc(t->csv.rows + 1, sizeof *paths);
    if (!paths) return no_memory(err);
    for (size_t i = 0; i < t->csv.rows; i++) paths[i] = sg_csv_cell(&t->csv, i, t->path_column);
    qsort(paths, t->csv.rows, sizeof *paths, compare_texts);
    sg_status status = SG_OK;
    for (size_t i = 1; i < t->csv.rows && !status; i++)
        if (strcmp(paths[i], paths[i - 1]) == 0)
            status = sg_fail(err, SG_ERR_INPUT, "%s: lists '%s' twice; keep one of the rows",
                    t->path, paths[i]);
    free(paths);
    return status;
}

/* ---- root ---- */

/* Folder of a path, "." when it has none; the caller's. */
static char *folder_of(const char *path) {
    int n = (int)(sg_path_base(path) - path);
    return n ? sg_strdupf("%.*s", n > 1 ? n - 1 : 1, path) : sg_strdup(".");
}

static sg_status choose_root(char **out, const table *t, const char *root, sg_error *err) {
    int column = sg_csv_column(&t->csv, "root");
    const char *own = column >= 0 ? sg_csv_cell(&t->csv, 0, column) : "";
    char *folder = folder_of(t->path);
    if (root)
        *out = sg_strdup(root);
    else if (folder)
        *out = *own && strcmp(own, ".") != 0 ? resolve(folder, own) : sg_strdup(folder);
    free(folder);
    return *out ? SG_OK : no_memory(err);
}

/* How the table names its root: relative when inside the table's folder, else absolute. */
static char *describe_root(const char *root, const char *csv_path) {
    char *folder = folder_of(csv_path);
    char *from = folder ? realpath(folder, NULL) : NULL, *to = realpath(root, NULL);
    char *text = NULL;
    if (from && to) {
        size_t n = strlen(from);
        bool inside = strncmp(from, to, n) == 0 && (to[n] == '/' || to[n] == '\0');
        text = !inside ? sg_strdup(to) : sg_strdup(to[n] ? to + n + 1 : ".");
    }
    if (!text) text = sg_strdup(root);
    free(folder);
    free(from);
    free(to);
    return text;
}

/* ---- reading and writing ---- */

sg_status sg_manifest_read(sg_manifest *out, const char *csv_path, const char *root,
        const sg_manifest_options *options, sg_error *err) {
    static const sg_manifest_options defaults = SG_MANIFEST_OPTIONS_INIT;
    if (!options) options = &defaults;
    table t = {.path = csv_path, .own_group = -1};
    sg_manifest_builder builder = {0};
    sg_status status = sg_csv_read(&t.csv, csv_path, err);
    if (status) return status;
    status = find_columns(&t, err);
    if (!status) status = check_unique(&t, err);
    if (!status) status = choose_root(&builder.manifest.root, &t, root, err);
    if (!status) status = find_group_column(&t, &builder.manifest, options, err);
    if (!status) status = find_published(&t, &builder.manifest, err);
    for (size_t i = 0; i < t.csv.rows && !status; i++)
        status = read_row(&builder, &t, i, options, err);
    if (!status) {
        sg_manifest_known known = {t.has_facts, t.group >= 0};
        status = sg_manifest_complete(out, &builder, known, options, err);
    }
    sg_manifest_builder_dispose(&builder);
    sg_csv_dispose(&t.csv);
    return status;
}

sg_status sg_manifest_open(sg_manifest *out, const char *dir, const char *csv_path,
        const sg_manifest_options *options, sg_error *err) {
    if (csv_path) return sg_manifest_read(out, csv_path, dir, options, err);
    if (dir) return sg_manifest_scan(out, dir, options, err);
    return sg_fail(err, SG_ERR_USAGE,
            "no images were named; give a folder (--data DIR) or a table (--manifest FILE)");
}

static void put_masks(sg_str *text, sg_str *joined, const sg_manifest_row *row) {
    sg_str_clear(joined);
    for (size_t k = 0; k < row->mask_count; k++) {
        if (k) sg_str_append(joined, "|");
        for (const char *p = row->masks[k]; *p; p++) {
            if (*p == '|' || *p == '\\') sg_str_append(joined, "\\");
            sg_str_append_n(joined, p, 1);
        }
    }
    sg_csv_put(text, sg_str_text(joined));
}

static bool knows_pixels(const sg_manifest *m) {
    bool any = false;
    for (size_t i = 0; i < m->count; i++) any = any || m->rows[i].pixel_mm > 0;
    return any;
}

static void put_pixel(sg_str *text, double pixel_mm) {
    if (pixel_mm > 0)
        sg_csv_put_double(text, pixel_mm);
    else
        sg_csv_put(text, "");
}

sg_status sg_manifest_write(const sg_manifest *manifest, const char *csv_path, sg_error *err) {
    sg_str text, joined;
    sg_str_init(&text, (size_t)1 << 30);
    sg_str_init(&joined, 0);
    char *grouping = sg_manifest_grouping_text(manifest);
    char *root = describe_root(manifest->root, csv_path);
    sg_status status = grouping && root ? SG_OK : no_memory(err);
    bool folds = manifest->published && manifest->count && manifest->rows[0].official_fold;
    bool pixels = knows_pixels(manifest);
    sg_str_append(
            &text, "path,class,sha256,width,height,channels,bit_depth,masks,group,grouping,root");
    sg_str_appendf(&text, "%s%s%s%s\n", manifest->own_grouping ? ",own_group,own_grouping" : "",
            manifest->published ? ",published" : "", folds ? ",fold" : "",
            pixels ? ",pixel_mm" : "");
    for (size_t i = 0; i < manifest->count && !status; i++) {
        const sg_manifest_row *row = &manifest->rows[i];
        sg_csv_put(&text, row->path);
        sg_csv_put(&text, manifest->class_names[row->class_index]);
        sg_csv_put(&text, row->sha256);
        sg_csv_put_int(&text, row->width);
        sg_csv_put_int(&text, row->height);
        sg_csv_put_int(&text, row->channels);
        sg_csv_put_int(&text, row->bit_depth);
        put_masks(&text, &joined, row);
        sg_csv_put(&text, manifest->group_labels[row->group]);
        sg_csv_put(&text, grouping);
        sg_csv_put(&text, root);
        if (manifest->own_grouping) {
            sg_csv_put(&text, row->own_group);
            sg_csv_put(&text, manifest->own_grouping);
        }
        if (manifest->published) sg_csv_put(&text, manifest->published);
        if (folds) sg_csv_put_int(&text, row->official_fold - 1);
        if (pixels) put_pixel(&text, row->pixel_mm);
        sg_csv_end_row(&text);
    }
    if (!status) status = sg_str_check(&joined, err);
    if (!status) status = sg_str_check(&text, err);
    if (!status) status = sg_file_write(csv_path, sg_str_text(&text), text.len, err);
    free(grouping);
    free(root);
    sg_str_dispose(&text);
    sg_str_dispose(&joined);
    return status;
}
