/* published.c - see published.h. SPDX-License-Identifier: Apache-2.0 */
#include "data/published.h"
#include "base/csv.h"
#include "image/codec.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sg_published {
    const char *name, *group; /* what its groups are: "column:BUS-BRA Case" */
    bool (*is_here)(const char *dir);
    sg_status (*read)(sg_manifest_builder *b, const sg_manifest_options *options, sg_error *err);
};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the list of images");
}

static bool has(const char *dir, const char *name) {
    char *path = sg_path_join(dir, name);
    bool there = path && sg_path_exists(path);
    free(path);
    return there;
}

static bool has_suffix(const char *name, const char *suffix) {
    size_t n = strlen(name), k = strlen(suffix);
    return n > k && strcasecmp(name + n - k, suffix) == 0;
}

static sg_status open_table(
        sg_csv *csv, char **path, const char *dir, const char *name, sg_error *err) {
    *path = sg_path_join(dir, name);
    return *path ? sg_csv_read(csv, *path, err) : no_memory(err);
}

/* columns[n] of the named ones. */
static sg_status find_columns(int *columns, const sg_csv *csv, const char *const *names, size_t n,
        const char *path, sg_error *err) {
    for (size_t i = 0; i < n; i++) {
        columns[i] = sg_csv_column(csv, names[i]);
        if (columns[i] < 0)
            return sg_fail(err, SG_ERR_FORMAT,
                    "%s: has no column '%s', which the published table has; unpack the data set "
                    "anew",
                    path, names[i]);
    }
    return SG_OK;
}

/* One image of a table. NULL row after success: left out under skip_bad. */
static sg_status add_image(sg_manifest_row **row, sg_manifest_builder *b, const char *image,
        const char *class_name, const char *group, const char *table,
        const sg_manifest_options *options, sg_error *err) {
    *row = NULL;
    if (!*class_name || !*group)
        return sg_fail(
                err, SG_ERR_FORMAT, "%s: %s has no %s", table, image, *group ? "class" : "group");
    if (!has(b->manifest.root, image)) {
        if (options->skip_bad)
            return sg_manifest_add_skip(b, image, class_name, "the file is not there", err);
        return sg_fail(err, SG_ERR_INPUT,
                "%s: lists %s, which is not there; unpack the data set anew, or leave such images "
                "out with --skip-bad",
                table, image);
    }
    sg_status status = sg_manifest_add_row(row, b, image, class_name, err);
    if (status) return status;
    b->groups[b->manifest.count - 1] = sg_strdup(group);
    return b->groups[b->manifest.count - 1] ? SG_OK : no_memory(err);
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Counted twice, an image would narrow the intervals. */
static sg_status check_unique(const sg_manifest_builder *b, const char *table, sg_error *err) {
    size_t n = b->manifest.count;
    const char **paths = malloc(n * sizeof *paths + 1);
    if (!paths) return no_memory(err);
    for (size_t i = 0; i < n; i++) paths[i] = b->manifest.rows[i].path;
    qsort(paths, n, sizeof *paths, compare_texts);
    sg_status status = SG_OK;
    for (size_t i = 1; i < n && !status; i++)
        if (strcmp(paths[i], paths[i - 1]) == 0)
            status = sg_fail(err, SG_ERR_INPUT, "%s: lists '%s' twice; keep one of the rows", table,
                    paths[i]);
    free(paths);
    return status;
}

/* ---- BUS-BRA ---- */

static bool is_bus_bra(const char *dir) {
    return has(dir, "bus_data.csv") && has(dir, "Images");
}

/* Row of `id`, looked for from `hint` on: both tables have one order. */
static long find_id(const sg_csv *csv, int column, const char *id, size_t hint) {
    for (size_t k = 0; k < csv->rows; k++) {
        size_t i = (hint + k) % csv->rows;
        if (strcmp(sg_csv_cell(csv, i, column), id) == 0) return (long)i;
    }
    return -1;
}

/* official[n]: the fold of each row of the main table, 0 where no folds are published. */
static sg_status read_official_folds(
        int *official, const char *root, const sg_csv *table, int id_column, sg_error *err) {
    static const char *const files[] = {"5-fold-cv.csv", "10-fold-cv.csv"};
    static const char *const names[] = {"ID", "kFold"};
    size_t file = 0;
    while (file < 2 && !has(root, files[file])) file++;
    if (file == 2) return SG_OK;
    sg_csv csv = {0};
    char *path = NULL;
    int columns[2] = {0};
    sg_status status = open_table(&csv, &path, root, files[file], err);
    if (!status) status = find_columns(columns, &csv, names, 2, path, err);
    for (size_t i = 0; i < table->rows && !status; i++) {
        const char *id = sg_csv_cell(table, i, id_column);
        long row = find_id(&csv, columns[0], id, i);
        long long fold = 0;
        if (row < 0 || !sg_parse_int64(&fold, sg_csv_cell(&csv, (size_t)row, columns[1])) ||
                fold < 1 || fold > 100)
            status = sg_fail(err, SG_ERR_FORMAT,
                    "%s: names no fold (kFold, from 1) for '%s'; unpack the data set anew, or "
                    "remove the file to go without the official folds",
                    path, id);
        else
            official[i] = (int)fold;
    }
    sg_csv_dispose(&csv);
    free(path);
    return status;
}

/* bus_0001-l: Masks/mask_0001-l.png */
static sg_status add_bus_bra_mask(
        sg_manifest_row *row, const char *root, const char *id, sg_error *err) {
    const char *number = strncmp(id, "bus_", 4) == 0 ? id + 4 : id;
    char *mask = sg_strdupf("Masks/mask_%s.png", number);
    if (!mask) return no_memory(err);
    sg_status status = has(root, mask) ? sg_manifest_add_mask(row, mask, err) : SG_OK;
    free(mask);
    return status;
}

static sg_status read_bus_bra(
        sg_manifest_builder *b, const sg_manifest_options *options, sg_error *err) {
    static const char *const names[] = {"ID", "Case", "Pathology"};
    const char *root = b->manifest.root;
    sg_csv csv = {0};
    char *path = NULL;
    int columns[3] = {0};
    int *folds = NULL;
    sg_status status = open_table(&csv, &path, root, "bus_data.csv", err);
    if (!status) status = find_columns(columns, &csv, names, 3, path, err);
    if (!status && !(folds = calloc(csv.rows + 1, sizeof *folds))) status = no_memory(err);
    if (!status) status = read_official_folds(folds, root, &csv, columns[0], err);
    for (size_t i = 0; i < csv.rows && !status; i++) {
        const char *id = sg_csv_cell(&csv, i, columns[0]);
        char *image = sg_strdupf("Images/%s.png", id);
        sg_manifest_row *row = NULL;
        status = image ? add_image(&row, b, image, sg_csv_cell(&csv, i, columns[2]),
                                 sg_csv_cell(&csv, i, columns[1]), path, options, err)
                       : no_memory(err);
        if (row) row->official_fold = folds[i];
        if (!status && row) status = add_bus_bra_mask(row, root, id, err);
        free(image);
    }
    if (!status) status = check_unique(b, path, err);
    free(folds);
    sg_csv_dispose(&csv);
    free(path);
    return status;
}

/* ---- BUS-UCLM ---- */

/* Four letters, '_', digits: the patient and the number of the image. */
static bool is_uclm_name(const char *name) {
    size_t letters = 0;
    while (isalpha((unsigned char)name[letters])) letters++;
    size_t digits = letters == 4 && name[4] == '_' ? strspn(name + 5, "0123456789") : 0;
    return digits > 0 && strcasecmp(name + 5 + digits, ".png") == 0;
}

static bool is_bus_uclm(const char *dir) {
    char *images = sg_path_join(dir, "images"), **names = NULL;
    size_t count = 0, found = 0;
    if (!images || !has(dir, "masks") || !sg_path_is_dir(images) ||
            sg_dir_list(&names, &count, images, NULL)) {
        free(images);
        return false;
    }
    for (size_t i = 0; i < count; i++) found += is_uclm_name(names[i]);
    sg_names_free(names);
    free(images);
    return found > 0;
}

typedef enum lesion { NORMAL, BENIGN, MALIGNANT, UNKNOWN } lesion;
static const char *const lesion_names[] = {"normal", "benign", "malignant"};

/* What the colours of a mask say; UNKNOWN for light that is neither green nor red. */
static lesion lesion_of_mask(const sg_image *mask) {
    enum { LIGHT = 128 };
    bool green = false, red = false, other = false;
    size_t n = (size_t)mask->width * (size_t)mask->height;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = mask->pixels + i * (size_t)mask->channels;
        bool r = p[0] >= LIGHT, g = p[mask->channels == 3] >= LIGHT,
             b = p[mask->channels == 3 ? 2 : 0] >= LIGHT;
        red |= r && !g && !b;
        green |= g && !r && !b;
        other |= b || (r && g);
    }
    if (other && !red && !green) return UNKNOWN;
    return red ? MALIGNANT : green ? BENIGN : NORMAL;
}

typedef struct mask_reading {
    const char *root;
    char **names;
    lesion *lesions;
} mask_reading;

static sg_status read_mask(void *user, size_t i, sg_error *err) {
    mask_reading *r = user;
    if (!is_uclm_name(r->names[i])) return SG_OK;
    char *path = sg_strdupf("%s/masks/%s", r->root, r->names[i]);
    if (!path) return no_memory(err);
    sg_image mask = {0};
    sg_status status = sg_path_exists(path)
                               ? sg_image_read(&mask, NULL, path, NULL, err)
                               : sg_fail(err, SG_ERR_INPUT,
                                         "%s: is not there; in BUS-UCLM the mask tells the class "
                                         "of the image of the same name",
                                         path);
    if (!status) r->lesions[i] = lesion_of_mask(&mask);
    if (!status && r->lesions[i] == UNKNOWN)
        status = sg_fail(err, SG_ERR_FORMAT,
                "%s: shows neither green (benign) nor red (malignant); it is no mask of BUS-UCLM",
                path);
    sg_image_dispose(&mask);
    free(path);
    return status;
}

static sg_status add_uclm_image(sg_manifest_builder *b, const char *name, lesion what,
        const sg_manifest_options *options, sg_error *err) {
    char *image = sg_strdupf("images/%s", name), *mask = sg_strdupf("masks/%s", name);
    char *patient = sg_strdupf("%.4s", name);
    sg_manifest_row *row = NULL;
    sg_status status = image && mask && patient ? add_image(&row, b, image, lesion_names[what],
                                                          patient, "BUS-UCLM", options, err)
                                                : no_memory(err);
    if (!status && row) status = sg_manifest_add_mask(row, mask, err);
    free(image);
    free(mask);
    free(patient);
    return status;
}

static sg_status read_bus_uclm(
        sg_manifest_builder *b, const sg_manifest_options *options, sg_error *err) {
    mask_reading r = {b->manifest.root, NULL, NULL};
    size_t count = 0;
    char *images = sg_path_join(b->manifest.root, "images");
    sg_status status = images ? sg_dir_list(&r.names, &count, images, err) : no_memory(err);
    if (!status && !(r.lesions = calloc(count + 1, sizeof *r.lesions))) status = no_memory(err);
    if (!status) status = sg_pool_for(options->pool, count, read_mask, &r, err);
    for (size_t i = 0; i < count && !status; i++)
        if (is_uclm_name(r.names[i]))
            status = add_uclm_image(b, r.names[i], r.lesions[i], options, err);
    if (r.names) sg_names_free(r.names);
    free(r.lesions);
    free(images);
    return status;
}

/* ---- BrEaST ---- */

static const char *const breast_columns[] = {
        "CaseID", "Image_filename", "Mask_tumor_filename", "Classification"};
enum { BREAST_COLUMNS = 4 };

static bool is_breast_table(const char *path) {
    sg_csv csv = {0};
    if (sg_csv_read(&csv, path, NULL)) return false;
    bool is = sg_csv_column(&csv, breast_columns[1]) >= 0 &&
              sg_csv_column(&csv, breast_columns[3]) >= 0;
    sg_csv_dispose(&csv);
    return is;
}

/* The clinical table: as CSV, else as the workbook that it is published as, else NULL. */
static char *find_breast_table(const char *dir) {
    char **names, *found = NULL;
    size_t count;
    if (sg_dir_list(&names, &count, dir, NULL)) return NULL;
    for (int pass = 0; pass < 2 && !found; pass++)
        for (size_t i = 0; i < count && !found; i++) {
            char *path = sg_path_join(dir, names[i]);
            bool fits = path && (pass == 0 ? has_suffix(names[i], ".csv") && is_breast_table(path)
                                           : has_suffix(names[i], ".xlsx") &&
                                                        strncasecmp(names[i], "BrEaST", 6) == 0);
            if (fits)
                found = path;
            else
                free(path);
        }
    sg_names_free(names);
    return found;
}

static bool is_breast(const char *dir) {
    char *table = find_breast_table(dir);
    free(table);
    return table != NULL;
}

/* "a.png&b.png" */
static sg_status add_breast_masks(
        sg_manifest_row *row, const char *folder, const char *names, sg_error *err) {
    sg_status status = SG_OK;
    for (const char *at = names; *at && !status;) {
        at += strspn(at, " &");
        size_t n = strcspn(at, " &");
        char *mask = n ? sg_strdupf("%s%.*s", folder, (int)n, at) : NULL;
        if (n) status = mask ? sg_manifest_add_mask(row, mask, err) : no_memory(err);
        free(mask);
        at += n;
    }
    return status;
}

static sg_status read_breast_rows(sg_manifest_builder *b, const sg_csv *csv, const char *path,
        const sg_manifest_options *options, sg_error *err) {
    static const char own_folder[] = "BrEaST-Lesions_USG-images_and_masks/";
    int c[BREAST_COLUMNS] = {0};
    sg_status status = find_columns(c, csv, breast_columns, BREAST_COLUMNS, path, err);
    const char *folder = has(b->manifest.root, own_folder) ? own_folder : "";
    for (size_t i = 0; i < csv->rows && !status; i++) {
        char *image = sg_strdupf("%s%s", folder, sg_csv_cell(csv, i, c[1]));
        sg_manifest_row *row = NULL;
        status = image ? add_image(&row, b, image, sg_csv_cell(csv, i, c[3]),
                                 sg_csv_cell(csv, i, c[0]), path, options, err)
                       : no_memory(err);
        if (!status && row) status = add_breast_masks(row, folder, sg_csv_cell(csv, i, c[2]), err);
        free(image);
    }
    return status ? status : check_unique(b, path, err);
}

static sg_status read_breast(
        sg_manifest_builder *b, const sg_manifest_options *options, sg_error *err) {
    char *path = find_breast_table(b->manifest.root);
    if (!path) return no_memory(err);
    sg_csv csv = {0};
    sg_status status = has_suffix(path, ".xlsx")
                               ? sg_fail(err, SG_ERR_INPUT,
                                         "%s: is a workbook; save its sheet as CSV, separated by "
                                         "commas, in the same folder",
                                         path)
                               : sg_csv_read(&csv, path, err);
    if (!status) status = read_breast_rows(b, &csv, path, options, err);
    sg_csv_dispose(&csv);
    free(path);
    return status;
}

/* ---- which one ---- */

static const sg_published sets[] = {
        {"BUS-BRA", "BUS-BRA Case", is_bus_bra, read_bus_bra},
        {"BUS-UCLM", "BUS-UCLM patient", is_bus_uclm, read_bus_uclm},
        {"BrEaST", "BrEaST CaseID", is_breast, read_breast},
};

/* The only visible folder in dir, the caller's; NULL when there is none or another. */
static char *only_folder(const char *dir) {
    char **names, *found = NULL;
    size_t count, folders = 0;
    if (sg_dir_list(&names, &count, dir, NULL)) return NULL;
    for (size_t i = 0; i < count; i++) {
        char *path = sg_path_join(dir, names[i]);
        bool folder = path && names[i][0] != '.' && strcmp(names[i], "__MACOSX") != 0 &&
                      sg_path_is_dir(path);
        if (folder && folders++ == 0)
            found = path;
        else
            free(path);
    }
    sg_names_free(names);
    if (folders == 1) return found;
    free(found);
    return NULL;
}

sg_status sg_published_find(const sg_published **set, char **root, const char *dir, sg_error *err) {
    enum { DEPTH = 3 }; /* archives put folders around folders */
    *set = NULL;
    char *at = sg_strdup(dir);
    if (!at) return no_memory(err);
    for (int depth = 0; depth < DEPTH && at; depth++) {
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            if (!sets[i].is_here(at)) continue;
            *set = &sets[i];
            *root = at;
            return SG_OK;
        }
        char *below = only_folder(at);
        free(at);
        at = below;
    }
    free(at);
    return SG_OK;
}

sg_status sg_published_read(sg_manifest_builder *b, const sg_published *set,
        const sg_manifest_options *options, sg_error *err) {
    sg_manifest *m = &b->manifest;
    m->published = sg_strdup(set->name);
    if (!m->published) return no_memory(err);
    if (!options->group_by) { /* a pattern of the user's makes other groups later */
        m->grouping = SG_GROUPING_COLUMN;
        m->grouping_detail = sg_strdup(set->group);
        if (!m->grouping_detail) return no_memory(err);
    }
    sg_status status = set->read(b, options, err);
    if (!status && m->count == 0)
        status = sg_fail(
                err, SG_ERR_INPUT, "%s: looks like %s but lists no image", m->root, set->name);
    return status;
}
