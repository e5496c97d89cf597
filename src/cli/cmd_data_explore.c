/* cmd_data_explore.c - `sonograde data explore`: one page about a set of images.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/dataset.h"
#include "data/phantom.h"
#include "data/survey.h"
#include "image/codec.h"
#include "image/crop.h"
#include "image/grey.h"
#include "image/resize.h"
#include "report/explore.h"
#include <stdlib.h>
#include <string.h>

enum { PICTURE_SIDE = 168, NAME_DIGITS = 8, MAX_CONFLICTS = 24, MAX_FORMATS = 8 };

typedef struct explore_options {
    const char *output, *manifest, *group_by;
    bool skip_bad, show_full;
    long long pictures, threads;
} explore_options;

#define AT(member) offsetof(explore_options, member)
static const sg_option options[] = {
        {"output", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE", "the page to write", 0, 0},
        {"manifest", 0, SG_OPTION_PATH, AT(manifest), NULL, "FILE",
                "a manifest; DIR is then where its paths start", 0, 0},
        {"group-by", 0, SG_OPTION_TEXT, AT(group_by), NULL, "COLUMN|REGEX",
                "what belongs together (see data manifest)", 0, 0},
        {"pictures", 0, SG_OPTION_INT, AT(pictures), "18", "N",
                "pictures per class on the contact sheet", 0, 10000},
        {"show-full", 0, SG_OPTION_FLAG, AT(show_full), NULL, NULL,
                "show file paths and whole images in place of short hashes and the scan area", 0,
                0},
        {"skip-bad", 0, SG_OPTION_FLAG, AT(skip_bad), NULL, NULL,
                "leave files out that cannot be read, and say how many", 0, 0},
        {"threads", 0, SG_OPTION_INT, AT(threads), "0", "N", "threads; 0 = all processors", 0,
                1024},
        {0},
};

/* Everything the page borrows. */
typedef struct exploration {
    sg_manifest manifest;
    sg_manifest_summary summary;
    sg_survey *surveys;
    sg_explore_image *images;
    sg_explore_class *classes;
    double *levels; /* [class_count][SG_SURVEY_LEVELS] */
    sg_explore_picture *pictures;
    size_t picture_count, picture_capacity;
    sg_explore_conflict conflicts[MAX_CONFLICTS];
    size_t conflict_first[MAX_CONFLICTS]; /* into pictures */
    size_t conflict_count, sheet_count;   /* the sheet's pictures come first */
    sg_explore_fact formats[MAX_FORMATS];
    size_t format_count;
} exploration;

static void exploration_dispose(exploration *x) {
    for (size_t i = 0; i < x->picture_count; i++) {
        free((void *)x->pictures[i].png);
        free((char *)x->pictures[i].name);
    }
    for (size_t i = 0; i < x->format_count; i++) {
        free((char *)x->formats[i].name);
        free((char *)x->formats[i].value);
    }
    free(x->pictures);
    free(x->levels);
    free(x->classes);
    free(x->images);
    free(x->surveys);
    sg_manifest_dispose(&x->manifest);
}

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for the page");
}

/* ---- figures ---- */

static sg_status fill_images(exploration *x, sg_error *err) {
    const sg_manifest *m = &x->manifest;
    x->images = calloc(m->count + 1, sizeof *x->images);
    x->classes = calloc(m->class_count + 1, sizeof *x->classes);
    x->levels = calloc(m->class_count * SG_SURVEY_LEVELS + 1, sizeof *x->levels);
    bool *seen = calloc(m->group_count * m->class_count + 1, sizeof *seen);
    if (!x->images || !x->classes || !x->levels || !seen) {
        free(seen);
        return no_memory(err);
    }
    for (size_t i = 0; i < m->count; i++) {
        const sg_manifest_row *row = &m->rows[i];
        const sg_survey *s = &x->surveys[i];
        size_t c = (size_t)row->class_index;
        x->images[i] = (sg_explore_image){.class_index = c,
                .width = row->width,
                .height = row->height,
                .mean = s->mean,
                .sd = s->sd,
                .relative = s->relative,
                .sharpness = s->sharpness};
        bool *group_seen = &seen[(size_t)row->group * m->class_count + c];
        x->classes[c].images++;
        x->classes[c].groups += !*group_seen;
        x->classes[c].with_masks += row->mask_count > 0;
        *group_seen = true;
        for (size_t v = 0; v < SG_SURVEY_LEVELS; v++)
            x->levels[c * SG_SURVEY_LEVELS + v] += s->levels[v];
    }
    for (size_t c = 0; c < m->class_count; c++) {
        x->classes[c].name = m->class_names[c];
        x->classes[c].levels = x->levels + c * SG_SURVEY_LEVELS;
        for (size_t v = 0; v < SG_SURVEY_LEVELS && x->classes[c].images; v++)
            x->levels[c * SG_SURVEY_LEVELS + v] /= (double)x->classes[c].images;
    }
    free(seen);
    return SG_OK;
}

/* "3 channels, 8 bits": how many images. */
static sg_status fill_formats(exploration *x, sg_error *err) {
    const sg_manifest *m = &x->manifest;
    enum { DEPTHS = 17, CHANNELS = 5 };
    size_t counts[CHANNELS][DEPTHS] = {{0}};
    for (size_t i = 0; i < m->count; i++) {
        int c = m->rows[i].channels, d = m->rows[i].bit_depth;
        if (c < CHANNELS && d < DEPTHS) counts[c][d]++;
    }
    for (int c = 0; c < CHANNELS; c++)
        for (int d = 0; d < DEPTHS && x->format_count < MAX_FORMATS; d++) {
            if (!counts[c][d]) continue;
            char *name = sg_strdupf("%d channel%s, %d bits", c, c == 1 ? "" : "s", d);
            char *value = sg_strdupf("%zu images", counts[c][d]);
            x->formats[x->format_count++] = (sg_explore_fact){name, value};
            if (!name || !value) return no_memory(err);
        }
    return SG_OK;
}

/* ---- pictures ---- */

/* The scan area of a file, or the whole, no larger than PICTURE_SIDE, as PNG. */
static sg_status draw_picture(
        uint8_t **png, size_t *size, const char *file, bool whole, sg_error *err) {
    sg_image image = {0}, grey = {0}, cut = {0}, small = {0};
    sg_rect box;
    sg_status status = sg_image_read(&image, NULL, file, NULL, err);
    if (!status) status = sg_grey_convert(&grey, &image, err);
    if (!status) {
        box = (sg_rect){0, 0, grey.width, grey.height};
        if (!whole) status = sg_crop_find(&box, &grey, err);
    }
    if (!status) status = sg_crop_copy(&cut, &grey, box, err);
    if (!status) {
        int longest = cut.width > cut.height ? cut.width : cut.height;
        int w = cut.width * PICTURE_SIDE / longest, h = cut.height * PICTURE_SIDE / longest;
        status = sg_resize_image(&small, &cut, w > 0 ? w : 1, h > 0 ? h : 1,
                longest > PICTURE_SIDE ? SG_RESIZE_AREA : SG_RESIZE_BILINEAR, err);
    }
    if (!status) status = sg_image_encode_png(png, size, &small, err);
    sg_image_dispose(&image);
    sg_image_dispose(&grey);
    sg_image_dispose(&cut);
    sg_image_dispose(&small);
    return status;
}

static sg_status add_picture(exploration *x, size_t row, bool show_full, sg_error *err) {
    const sg_manifest *m = &x->manifest;
    sg_status status = sg_grow(
            &x->pictures, &x->picture_capacity, x->picture_count + 1, sizeof *x->pictures, err);
    if (status) return status;
    uint8_t *png = NULL;
    size_t size = 0;
    char *file = sg_manifest_file(m, row);
    status = file ? draw_picture(&png, &size, file, show_full, err) : no_memory(err);
    free(file);
    if (status) return status;
    const sg_manifest_row *r = &m->rows[row];
    char *name = show_full ? sg_strdup(r->path) : sg_strdupf("%.*s", NAME_DIGITS, r->sha256);
    x->pictures[x->picture_count++] =
            (sg_explore_picture){png, size, m->class_names[r->class_index], name};
    return name ? SG_OK : no_memory(err);
}

/* `wanted` rows of each class at even distances. */
static sg_status fill_sheet(exploration *x, size_t wanted, bool show_full, sg_error *err) {
    size_t first = 0;
    for (size_t c = 0; c < x->manifest.class_count; c++) {
        size_t n = x->classes[c].images, shown = n < wanted ? n : wanted;
        for (size_t k = 0; k < shown; k++) {
            sg_status status = add_picture(x, first + k * n / shown, show_full, err);
            if (status) return status;
        }
        first += n;
    }
    x->sheet_count = x->picture_count;
    return SG_OK;
}

static bool is_conflict(const sg_manifest *m, int group) {
    int class_index = -1;
    for (size_t i = 0; i < m->count; i++) {
        if (m->rows[i].group != group) continue;
        if (class_index >= 0 && m->rows[i].class_index != class_index) return true;
        class_index = m->rows[i].class_index;
    }
    return false;
}

static sg_status fill_conflicts(exploration *x, bool show_full, sg_error *err) {
    const sg_manifest *m = &x->manifest;
    if (x->summary.conflicting_groups == 0) return SG_OK;
    for (int g = 0; g < (int)m->group_count && x->conflict_count < MAX_CONFLICTS; g++) {
        if (!is_conflict(m, g)) continue;
        size_t first = x->picture_count, n = x->conflict_count++;
        for (size_t i = 0; i < m->count; i++) {
            if (m->rows[i].group != g) continue;
            sg_status status = add_picture(x, i, show_full, err);
            if (status) return status;
        }
        x->conflict_first[n] = first;
        x->conflicts[n] = (sg_explore_conflict){m->group_labels[g], NULL, x->picture_count - first};
    }
    for (size_t n = 0; n < x->conflict_count; n++)
        x->conflicts[n].pictures = x->pictures + x->conflict_first[n];
    return SG_OK;
}

/* ---- the page ---- */

static sg_status measure(exploration *x, const sg_call *call, sg_error *err) {
    const explore_options *o = call->options;
    int threads = o->threads > 0 ? (int)o->threads : sg_cpu_count();
    sg_pool *pool;
    sg_status status = sg_pool_create(&pool, threads - 1, err);
    if (status) return status;
    sg_pool_set_stop(pool, &sg_cli_stop);
    status = sg_survey_run(&x->surveys, &x->manifest, pool, call->log, err);
    sg_pool_destroy(pool);
    return status;
}

static const char *name_grouping(const sg_manifest *m) {
    static const char *const names[] = {
            [SG_GROUPING_PIXELS] = "equal bytes, or thumbnails that correlate at 0.92 or more",
            [SG_GROUPING_AUDIT] = "an audit: pictures registered and compared in their detail",
            [SG_GROUPING_COLUMN] = "a column of the table",
            [SG_GROUPING_REGEX] = "a pattern on the path",
    };
    return names[m->grouping];
}

static bool has_phantoms(const sg_manifest *m) {
    bool found = false;
    for (size_t i = 0; i < m->count && !found; i++) {
        char *file = sg_manifest_file(m, i);
        found = file && sg_phantom_is_member(file);
        free(file);
    }
    return found;
}

static sg_status write_page(const exploration *x, const char *path, sg_error *err) {
    const sg_manifest *m = &x->manifest;
    const sg_manifest_summary *s = &x->summary;
    sg_explore_page page = {.name = sg_path_base(m->root),
            .grouping = name_grouping(m),
            .lower_bound = sg_manifest_lower_bound(m),
            .classes = x->classes,
            .class_count = m->class_count,
            .images = x->images,
            .image_count = m->count,
            .groups = s->groups,
            .shared_groups = s->shared_groups,
            .shared_images = s->shared_images,
            .largest_group = s->largest_group,
            .exact_duplicates = s->exact_duplicates,
            .exact_conflicts = s->exact_conflicts,
            .conflicting_groups = s->conflicting_groups,
            .conflicting_images = s->conflicting_images,
            .masks = s->masks,
            .stray_masks = m->stray_masks,
            .skipped = m->skip_count,
            .simulated = has_phantoms(m),
            .formats = x->formats,
            .format_count = x->format_count,
            .pictures = x->pictures,
            .picture_count = x->sheet_count,
            .conflicts = x->conflicts,
            .conflict_count = x->conflict_count};
    return sg_explore_write(&page, path, err);
}

static sg_status explore(exploration *x, const sg_call *call, sg_error *err) {
    const explore_options *o = call->options;
    if (!o->output) return sg_fail(err, SG_ERR_USAGE, "say where the page goes: -o FILE");
    sg_status status = sg_cli_check_output(o->output, err);
    if (status) return status;
    sg_cli_dataset source = {.data = call->operand_count ? call->operands[0] : NULL,
            .manifest = o->manifest,
            .group_by = o->group_by,
            .skip_bad = o->skip_bad,
            .any_classes = true,
            .threads = o->threads};
    status = sg_cli_open_dataset(&x->manifest, &source, call->log, err);
    if (!status) status = sg_manifest_summarize(&x->summary, &x->manifest, err);
    if (!status) status = measure(x, call, err);
    if (!status) status = fill_images(x, err);
    if (!status) status = fill_formats(x, err);
    if (!status) status = fill_sheet(x, (size_t)o->pictures, o->show_full, err);
    if (!status) status = fill_conflicts(x, o->show_full, err);
    if (!status) status = write_page(x, o->output, err);
    return status;
}

static int run(const sg_call *call) {
    const explore_options *o = call->options;
    exploration x = {0};
    sg_error err = SG_ERROR_INIT;
    sg_status status = explore(&x, call, &err);
    if (!status && call->json) {
        sg_cli_print_json(sg_cli_describe_dataset(&x.manifest, &x.summary));
    } else if (!status && !call->quiet) {
        sg_cli_print_dataset(&x.manifest, &x.summary);
        fputs("page: ", stdout);
        sg_cli_print_safe(stdout, o->output);
        putchar('\n');
    }
    exploration_dispose(&x);
    return status ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_data_explore = {
        .name = "data explore",
        .operands = "[DIR]",
        .summary = "look at a set of images before anything is learned from it",
        .details =
                "Writes one self-contained page: class balance, sizes, grey levels, contrast and "
                "sharpness by class, groups and contradictory labels, masks, a contact sheet, and "
                "the figures that the paper states beside those found.",
        .examples = "sonograde data explore Dataset_BUSI_with_GT -o explore.html",
        .options = options,
        .struct_size = sizeof(explore_options),
        .min_operands = 0,
        .max_operands = 1,
        .run = run,
};
