/* cmd_preprocess.c - `sonograde preprocess IN OUT`: what a recipe makes of a file or a folder of
 * images, as PNG files under the same names, and a sheet that shows before beside after.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/recipe_options.h"
#include "data/manifest.h"
#include "image/codec.h"
#include "image/crop.h"
#include "image/grey.h"
#include "image/sheet.h"
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 16, SHEET_PAIRS_PER_ROW = 3, SHEET_CELL = 160, HASH_DIGITS = 8 };

typedef struct preprocess_options {
    sg_recipe_args recipe;
    bool keep_size;
    long long sheet_images;
    bool show_full;
    bool skip_bad;
    bool overwrite;
    long long threads;
} preprocess_options;

#define AT(member) offsetof(preprocess_options, member)
static const sg_option options[] = {
        SG_RECIPE_ROWS(preprocess_options, recipe),
        {"keep-size", 0, SG_OPTION_FLAG, AT(keep_size), NULL, NULL,
                "leave out fit and resize: images keep their own size", 0, 0},
        {"Output", 0, SG_OPTION_GROUP, 0, NULL, NULL, NULL, 0, 0},
        {"sheet", 0, SG_OPTION_INT, AT(sheet_images), "12", "N",
                "images on the before/after sheet (OUT/before-after.png); 0 leaves it out", 0, 300},
        {"show-full", 0, SG_OPTION_FLAG, AT(show_full), NULL, NULL,
                "show file names and image borders on the sheet, not a hash and the scan area", 0,
                0},
        {"skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL,
                "go on past unreadable images and list them", 0, 0},
        {"overwrite", 0, SG_OPTION_FLAG, AT(overwrite), NULL, NULL,
                "write into a folder that is not empty", 0, 0},
        {"threads", 0, SG_OPTION_INT, AT(threads), "0", "N", "worker threads; 0 = all processors",
                0, 256},
        {0},
};
#undef AT

/* One image: where it is, where it goes, how it went. Paths are relative to the two roots. */
typedef struct item {
    char *source, *target;
    char *problem; /* why it was skipped; NULL when it was written */
    bool written;
} item;

typedef struct job {
    const preprocess_options *options;
    const sg_log *log;
    sg_recipe recipe;
    char *in_root;
    const char *out_root;
    item *items;
    size_t count, capacity;
    pthread_mutex_t lock; /* guards done */
    size_t done;
} job;

/* ---- which images ---- */

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory");
}

/* "a/b.jpg" -> "a/b.png" */
static char *target_name(const char *source) {
    const char *dot = strrchr(source, '.');
    return sg_strdupf("%.*s.png", (int)(dot - source), source);
}

static sg_status add_item(job *j, const char *relative, sg_error *err) {
    sg_status status = sg_grow(&j->items, &j->capacity, j->count + 1, sizeof *j->items, err);
    if (status) return status;
    item *it = &j->items[j->count];
    *it = (item){.source = sg_strdup(relative), .target = target_name(relative)};
    j->count++;
    return it->source && it->target ? SG_OK : no_memory(err);
}

/* Adds the images below root/relative; "" is the root itself. Masks and dot files are left out. */
static sg_status walk(job *j, const char *relative, int depth, sg_error *err) {
    if (depth > MAX_DEPTH)
        return sg_fail(err, SG_ERR_INPUT, "'%s' lies more than %d folders deep; is it a loop?",
                relative, MAX_DEPTH);
    char *folder = sg_path_join(j->in_root, relative);
    char **names = NULL;
    size_t count = 0;
    sg_status status = folder ? sg_dir_list(&names, &count, folder, err) : no_memory(err);
    for (size_t i = 0; i < count && !status; i++) {
        if (names[i][0] == '.' || sg_mask_stem(names[i]) >= 0) continue;
        char *path = *relative ? sg_path_join(relative, names[i]) : sg_strdup(names[i]);
        char *full = sg_path_join(folder, names[i]);
        if (!path || !full)
            status = no_memory(err);
        else if (sg_path_is_dir(full))
            status = sg_mask_folder(names[i]) ? SG_OK : walk(j, path, depth + 1, err);
        else if (sg_image_has_extension(names[i]))
            status = add_item(j, path, err);
        free(path);
        free(full);
    }
    sg_names_free(names);
    free(folder);
    return status;
}

static int compare_targets(const void *a, const void *b) {
    return strcmp(((const item *)a)->target, ((const item *)b)->target);
}

static sg_status find_items(job *j, const char *in, sg_error *err) {
    sg_status status;
    if (sg_path_is_dir(in)) {
        j->in_root = sg_strdup(in);
        status = j->in_root ? walk(j, "", 0, err) : no_memory(err);
    } else {
        const char *base = sg_path_base(in);
        j->in_root = base > in ? sg_strdupf("%.*s", (int)(base - in), in) : sg_strdup(".");
        if (!sg_image_has_extension(base))
            return sg_fail(err, SG_ERR_INPUT,
                    "'%s' is neither a folder nor a file that ends in .png, .jpg or .jpeg; check "
                    "the path",
                    in);
        status = j->in_root ? add_item(j, base, err) : no_memory(err);
    }
    if (status) return status;
    if (!j->count)
        return sg_fail(err, SG_ERR_INPUT, "no images (.png, .jpg, .jpeg) lie below '%s'", in);
    qsort(j->items, j->count, sizeof *j->items, compare_targets);
    for (size_t i = 1; i < j->count; i++)
        if (!strcmp(j->items[i - 1].target, j->items[i].target))
            return sg_fail(err, SG_ERR_INPUT, "'%s' and '%s' would both become '%s'; rename one",
                    j->items[i - 1].source, j->items[i].source, j->items[i].target);
    return SG_OK;
}

/* ---- where they go ---- */

/* Writing into the folder that is read would destroy or multiply the originals. */
static sg_status check_apart(const char *in, const char *out, sg_error *err) {
    char source[PATH_MAX], target[PATH_MAX];
    if (!realpath(in, source) || !realpath(out, target)) return SG_OK;
    size_t n = strlen(source);
    if (!strncmp(source, target, n) && (target[n] == '/' || target[n] == '\0'))
        return sg_fail(err, SG_ERR_USAGE, "'%s' lies in '%s'; choose an output folder outside it",
                out, in);
    return SG_OK;
}

static sg_status open_output(const job *j, const char *in, const char *out, sg_error *err) {
    if (sg_path_exists(out) && !sg_path_is_dir(out))
        return sg_fail(err, SG_ERR_USAGE, "'%s' is a file; name a folder to write to", out);
    bool empty = true, was_there = sg_path_exists(out);
    sg_status status = was_there ? sg_dir_is_empty(&empty, out, err) : SG_OK;
    if (status) return status;
    if (!empty && !j->options->overwrite)
        return sg_fail(err, SG_ERR_USAGE,
                "'%s' is not empty; name another folder or give --overwrite", out);
    status = sg_dir_make(out, err);
    if (!status) status = check_apart(in, out, err);
    if (status && !was_there) (void)rmdir(out);
    return status;
}

/* ---- one image ---- */

/* The processed image: grey, square unless keep_size. */
static sg_status process(
        sg_image *out, const sg_image *in, const job *j, const sg_recipe *recipe, sg_error *err) {
    sg_image prepared = {0};
    sg_plane plane = {0};
    sg_status status = sg_recipe_prepare(&prepared, NULL, in, recipe, err);
    if (!status && j->options->keep_size) {
        *out = prepared;
        return SG_OK;
    }
    if (!status) status = sg_plane_create(&plane, recipe->size, recipe->size, err);
    if (!status) status = sg_recipe_sample(plane.values, &prepared, recipe, NULL, err);
    if (!status) {
        size_t n = (size_t)recipe->size * (size_t)recipe->size;
        for (size_t i = 0; i < n; i++) plane.values[i] *= 255.0f;
        status = sg_image_from_plane(out, &plane, err);
    }
    sg_plane_dispose(&plane);
    sg_image_dispose(&prepared);
    return status;
}

static sg_status make_folder_of(const char *path, sg_error *err) {
    const char *base = sg_path_base(path);
    char *folder = sg_strdupf("%.*s", (int)(base - path), path);
    sg_status status = folder ? sg_dir_make(folder, err) : no_memory(err);
    free(folder);
    return status;
}

static sg_status convert(const job *j, const item *it, sg_error *err) {
    char *source = sg_path_join(j->in_root, it->source);
    char *target = sg_path_join(j->out_root, it->target);
    sg_image in = {0}, out = {0};
    sg_status status = source && target ? SG_OK : no_memory(err);
    if (!status) status = sg_image_read(&in, NULL, source, NULL, err);
    if (!status) status = process(&out, &in, j, &j->recipe, err);
    if (!status) status = make_folder_of(target, err);
    if (!status) status = sg_image_write_png(target, &out, err);
    sg_image_dispose(&in);
    sg_image_dispose(&out);
    free(source);
    free(target);
    return status;
}

/* A file that cannot be read may be skipped; a disk that cannot be written may not. */
static sg_status convert_item(void *user, size_t i, sg_error *err) {
    job *j = user;
    item *it = &j->items[i];
    if (sg_cli_stop)
        return sg_fail(
                err, SG_ERR_INTERRUPTED, "stopped after %zu of %zu images", j->done, j->count);
    sg_error own = SG_ERROR_INIT;
    sg_status status = convert(j, it, &own);
    it->written = !status;
    if (status == SG_ERR_FORMAT && j->options->skip_bad) {
        it->problem = sg_strdup(own.message);
        status = it->problem ? SG_OK : no_memory(&own);
    }
    if (status) return sg_fail(err, status, "%s", own.message);
    pthread_mutex_lock(&j->lock);
    sg_log_progress(j->log, "images", (double)++j->done, (double)j->count);
    pthread_mutex_unlock(&j->lock);
    return SG_OK;
}

static sg_status convert_all(job *j, sg_error *err) {
    int threads = j->options->threads ? (int)j->options->threads : sg_cpu_count();
    sg_pool *pool = NULL;
    sg_status status = sg_pool_create(&pool, threads - 1, err);
    if (status) return status;
    status = sg_pool_for(pool, j->count, convert_item, j, err);
    sg_pool_destroy(pool);
    return status;
}

/* ---- the sheet ---- */

/* What the sheet calls an image: the first digits of its hash, or its name where asked. */
static sg_status label_of(
        char *out, size_t size, const job *j, const item *it, const char *path, sg_error *err) {
    char hex[SG_SHA256_HEX];
    if (j->options->show_full) {
        (void)snprintf(out, size, "%s", it->source);
        return SG_OK;
    }
    sg_status status = sg_sha256_file(hex, path, err);
    if (!status) (void)snprintf(out, size, "%.*s", HASH_DIGITS, hex);
    return status;
}

/* The picture before: grey, and only the scan area unless the whole is asked for. */
static sg_status picture_before(sg_image *out, const sg_image *in, const job *j, sg_error *err) {
    if (j->options->show_full) return sg_image_clone(out, in, err);
    sg_image grey = {0};
    sg_rect box = {0};
    sg_status status = sg_grey_convert(&grey, in, err);
    if (!status) status = sg_crop_find(&box, &grey, err);
    if (!status) status = sg_crop_copy(out, &grey, box, err);
    sg_image_dispose(&grey);
    return status;
}

static sg_status place_pair(sg_image *sheet, const sg_sheet_layout *layout, size_t pair,
        const job *j, const item *it, sg_error *err) {
    char *path = sg_path_join(j->in_root, it->source), label[128];
    sg_image in = {0}, before = {0}, after = {0};
    sg_recipe shown = j->recipe;
    shown.crop = shown.crop || !j->options->show_full;
    sg_status status = path ? label_of(label, sizeof label, j, it, path, err) : no_memory(err);
    if (!status) status = sg_image_read(&in, NULL, path, NULL, err);
    if (!status) status = picture_before(&before, &in, j, err);
    if (!status) status = process(&after, &in, j, &shown, err);
    if (!status) status = sg_sheet_place(sheet, layout, 2 * pair, &before, label, err);
    if (!status) status = sg_sheet_place(sheet, layout, 2 * pair + 1, &after, "after", err);
    sg_image_dispose(&in);
    sg_image_dispose(&before);
    sg_image_dispose(&after);
    free(path);
    return status;
}

/* `wanted` written images, evenly spread; *path is the caller's, NULL when there is no sheet. */
static sg_status write_sheet(char **path, const job *j, sg_error *err) {
    size_t written = 0, wanted = (size_t)j->options->sheet_images;
    for (size_t i = 0; i < j->count; i++) written += j->items[i].written;
    if (wanted > written) wanted = written;
    *path = NULL;
    if (!wanted) return SG_OK;
    sg_sheet_layout layout = {2 * SHEET_PAIRS_PER_ROW, SHEET_CELL,
            "sonograde preprocess: before and after", SG_RESEARCH_USE};
    sg_image sheet = {0};
    sg_status status = sg_sheet_create(&sheet, 2 * wanted, &layout, err);
    size_t seen = 0, pair = 0;
    for (size_t i = 0; i < j->count && pair < wanted && !status; i++) {
        if (!j->items[i].written || seen++ < pair * written / wanted) continue;
        status = place_pair(&sheet, &layout, pair++, j, &j->items[i], err);
    }
    char *name = sg_path_join(j->out_root, "before-after.png");
    if (!status) status = name ? sg_image_write_png(name, &sheet, err) : no_memory(err);
    sg_image_dispose(&sheet);
    if (status) {
        free(name);
        return status;
    }
    *path = name;
    return SG_OK;
}

/* ---- the verb ---- */

static json_t *summarize(const job *j, const char *in, const char *sheet) {
    json_t *skipped = json_array();
    size_t written = 0;
    for (size_t i = 0; i < j->count; i++) {
        const item *it = &j->items[i];
        written += it->written;
        if (it->problem)
            json_array_append_new(skipped, json_pack("{s:o, s:o}", "path", sg_json_text(it->source),
                                                   "reason", sg_json_text(it->problem)));
    }
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:I, s:o, s:o, s:b, s:s}", "kind", "preprocess",
            "schema_version", 1, "input", sg_json_text(in), "output", sg_json_text(j->out_root),
            "recipe", sg_recipe_to_json(&j->recipe), "written", (json_int_t)written, "skipped",
            skipped, "sheet", sheet ? sg_json_text(sheet) : json_null(), "keep_size",
            j->options->keep_size, "notice", SG_RESEARCH_USE);
}

static void print_plain(const json_t *summary) {
    const json_t *skipped = json_object_get(summary, "skipped"), *entry;
    size_t i;
    long long written = json_integer_value(json_object_get(summary, "written"));
    printf("%lld image%s written to ", written, written == 1 ? "" : "s");
    sg_cli_print_safe(stdout, json_string_value(json_object_get(summary, "output")));
    putchar('\n');
    const char *sheet = json_string_value(json_object_get(summary, "sheet"));
    if (sheet) {
        fputs("before and after: ", stdout);
        sg_cli_print_safe(stdout, sheet);
        putchar('\n');
    }
    if (json_array_size(skipped)) printf("%zu skipped:\n", json_array_size(skipped));
    json_array_foreach(skipped, i, entry) {
        fputs("  ", stdout);
        sg_cli_print_safe(stdout, json_string_value(json_object_get(entry, "reason")));
        putchar('\n');
    }
    puts(SG_RESEARCH_USE);
}

static void dispose_job(job *j) {
    for (size_t i = 0; i < j->count; i++) {
        free(j->items[i].source);
        free(j->items[i].target);
        free(j->items[i].problem);
    }
    free(j->items);
    free(j->in_root);
    pthread_mutex_destroy(&j->lock);
}

static int run(const sg_call *call) {
    const char *in = call->operands[0], *out = call->operands[1];
    job j = {.options = call->options, .log = call->log, .out_root = out};
    pthread_mutex_init(&j.lock, NULL);
    sg_error err = SG_ERROR_INIT;
    char *sheet = NULL;
    sg_status status = sg_recipe_from_args(&j.recipe, &j.options->recipe, &err);
    if (!status) status = find_items(&j, in, &err);
    if (!status) status = open_output(&j, in, out, &err);
    if (!status) status = convert_all(&j, &err);
    if (!status) status = write_sheet(&sheet, &j, &err);
    int code = SG_EXIT_OK;
    if (status) {
        code = sg_cli_fail(&err);
    } else {
        json_t *summary = summarize(&j, in, sheet);
        if (call->json) {
            sg_cli_print_json(summary);
        } else {
            if (!call->quiet) print_plain(summary);
            json_decref(summary);
        }
    }
    free(sheet);
    dispose_job(&j);
    return code;
}

const sg_verb sg_verb_preprocess = {
        .name = "preprocess",
        .operands = "IN OUT",
        .summary = "write what a preprocessing recipe makes of images, with a before/after sheet",
        .details =
                "IN is an image or a folder; masks (_mask.png) are left out. Every image becomes a "
                "grey PNG under the same relative name in the folder OUT. Steps, in this order: "
                "grey, crop to the scan area, despeckle, CLAHE, fit to a square, resize. Training "
                "and prediction run the same steps by themselves; this verb is for looking at them "
                "and for other programs.",
        .examples = "sonograde preprocess Dataset_BUSI_with_GT out --contrast clahe\n"
                    "sonograde preprocess scan.jpg out --despeckle srad --crop --keep-size",
        .options = options,
        .struct_size = sizeof(preprocess_options),
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
