/* cmd_data_augment_preview.c - `sonograde data augment-preview IMAGE...`: a sheet with each image
 * as the network would see it, and beside it what augmentation makes of it in the first epochs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/augment_options.h"
#include "cli/cli.h"
#include "cli/recipe_options.h"
#include "cli/verbs.h"
#include "image/codec.h"
#include "image/sheet.h"
#include <stdio.h>
#include <stdlib.h>

enum { HASH_DIGITS = 8, MOST_CELL = 256 };

typedef struct preview_options {
    const char *out;
    long long versions, seed;
    bool show_full;
    sg_recipe_args recipe;
    sg_augment_args augment;
} preview_options;

#define AT(member) offsetof(preview_options, member)
static const sg_option options[] = {
        {"out", 'o', SG_OPTION_PATH, AT(out), "augment-preview.png", "FILE", "sheet to write, PNG",
                0, 0},
        {"versions", 0, SG_OPTION_INT, AT(versions), "7", "N", "augmented versions of each image",
                1, 50},
        {"seed", 0, SG_OPTION_INT, AT(seed), "1", "S", "seed of the random numbers", 0,
                4294967295.0},
        {"show-full", 0, SG_OPTION_FLAG, AT(show_full), NULL, NULL,
                "show file names and image borders, not a hash and the scan area", 0, 0},
        SG_RECIPE_ROWS(preview_options, recipe),
        SG_AUGMENT_ROWS(preview_options, augment),
        {0},
};
#undef AT

typedef struct preview {
    sg_image sheet;
    sg_sheet_layout layout;
    sg_recipe recipe;
    sg_augment augment;
    const preview_options *options;
} preview;

static sg_status place_plane(
        preview *p, size_t cell, sg_plane *plane, const char *label, sg_error *err) {
    sg_image shown = {0};
    size_t n = (size_t)plane->width * (size_t)plane->height;
    for (size_t i = 0; i < n; i++) plane->values[i] *= 255.0f;
    sg_status status = sg_image_from_plane(&shown, plane, err);
    if (!status) status = sg_sheet_place(&p->sheet, &p->layout, cell, &shown, label, err);
    sg_image_dispose(&shown);
    return status;
}

static sg_status label_of(
        char *out, size_t size, const preview *p, const char *path, sg_error *err) {
    char hex[SG_SHA256_HEX];
    if (p->options->show_full) {
        (void)snprintf(out, size, "%s", sg_path_base(path));
        return SG_OK;
    }
    sg_status status = sg_sha256_file(hex, path, err);
    if (!status) (void)snprintf(out, size, "%.*s", HASH_DIGITS, hex);
    return status;
}

/* One row: the plain image, then its versions; version v is what epoch v would see. */
static sg_status fill_row(preview *p, size_t row, const char *path, sg_error *err) {
    sg_image raw = {0}, prepared = {0};
    sg_plane plane = {0};
    char label[128];
    size_t cell = row * (size_t)p->layout.columns;
    int size = p->recipe.size;
    sg_status status = label_of(label, sizeof label, p, path, err);
    if (!status) status = sg_image_read(&raw, NULL, path, NULL, err);
    if (!status) status = sg_recipe_prepare(&prepared, NULL, &raw, &p->recipe, err);
    if (!status) status = sg_plane_create(&plane, size, size, err);
    if (!status) status = sg_recipe_sample(plane.values, &prepared, &p->recipe, NULL, err);
    if (!status) status = place_plane(p, cell, &plane, label, err);
    for (uint32_t v = 0; !status && v + 1 < (uint32_t)p->layout.columns; v++) {
        sg_augment_draw draw;
        sg_augment_draw_sample(
                &draw, &p->augment, size, (uint64_t)p->options->seed, v, (uint32_t)row, 0);
        status = sg_recipe_sample(plane.values, &prepared, &p->recipe, draw.affine, err);
        if (status) break;
        sg_augment_apply(plane.values, size, &draw);
        (void)snprintf(label, sizeof label, "epoch %u", v + 1);
        status = place_plane(p, cell + v + 1, &plane, label, err);
    }
    sg_plane_dispose(&plane);
    sg_image_dispose(&prepared);
    sg_image_dispose(&raw);
    return status;
}

static int run(const sg_call *call) {
    const preview_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    preview p = {.options = o, .augment = sg_augment_from_args(&o->augment)};
    size_t rows = (size_t)call->operand_count;
    sg_status status = sg_recipe_from_args(&p.recipe, &o->recipe, &err);
    if (!status) status = sg_augment_check(&p.augment, &err);
    if (status) return sg_cli_fail(&err);
    p.recipe.crop = p.recipe.crop || !o->show_full;
    p.layout = (sg_sheet_layout){.columns = (int)o->versions + 1,
            .cell = p.recipe.size < MOST_CELL ? p.recipe.size : MOST_CELL,
            .title = "sonograde augment-preview: as loaded, then as training would see it",
            .footer = SG_RESEARCH_USE};
    status = sg_sheet_create(&p.sheet, rows * (size_t)p.layout.columns, &p.layout, &err);
    for (size_t i = 0; !status && i < rows; i++) status = fill_row(&p, i, call->operands[i], &err);
    if (!status) status = sg_image_write_png(o->out, &p.sheet, &err);
    sg_image_dispose(&p.sheet);
    if (status) return sg_cli_fail(&err);
    if (call->json) {
        sg_cli_print_json(json_pack("{s:s, s:o, s:I, s:I, s:I}", "kind", "augment-preview", "out",
                sg_json_text(o->out), "images", (json_int_t)rows, "versions",
                (json_int_t)o->versions, "seed", (json_int_t)o->seed));
    } else if (!call->quiet) {
        printf("%zu image%s, %lld versions of each, in ", rows, rows == 1 ? "" : "s", o->versions);
        sg_cli_print_safe(stdout, o->out);
        putchar('\n');
    }
    return SG_EXIT_OK;
}

const sg_verb sg_verb_data_augment_preview = {
        .name = "data augment-preview",
        .operands = "IMAGE...",
        .summary = "show what augmentation makes of images, before a training is spent on it",
        .details =
                "Takes the preprocessing and augmentation options of train and writes one sheet, "
                "a row for each image. Mixup needs a batch and is not shown.",
        .examples = "sonograde data augment-preview 'benign/benign (1).png' -o sheet.png\n"
                    "sonograde data augment-preview a.png b.png --rotation 30 --speckle 0.2",
        .options = options,
        .struct_size = sizeof(preview_options),
        .min_operands = 1,
        .max_operands = -1,
        .run = run,
};
