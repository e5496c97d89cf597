/* explore.c - see explore.h. SPDX-License-Identifier: Apache-2.0 */
#include "report/explore.h"
#include "report/explore_charts.h"
#include "report/html.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 128 };

/* ---- measures ---- */

static double width_of(const sg_explore_image *i) {
    return i->width;
}
static double height_of(const sg_explore_image *i) {
    return i->height;
}
static double aspect_of(const sg_explore_image *i) {
    return i->width / i->height;
}
static double mean_of(const sg_explore_image *i) {
    return i->mean;
}
static double sd_of(const sg_explore_image *i) {
    return i->sd;
}
static double relative_of(const sg_explore_image *i) {
    return i->relative;
}
static double sharpness_of(const sg_explore_image *i) {
    return i->sharpness;
}

static double average(const sg_explore_canvas *w) {
    double sum = 0;
    size_t n = w->first[w->in->class_count];
    for (size_t i = 0; i < n; i++) sum += w->values[i];
    return n ? sum / (double)n : NAN;
}

/* ---- tables ---- */

/* Cells of a table whose rows are classes, or other things that are counted here. */
typedef struct cell_grid {
    char (*text)[CELL];
    const char **cells;
    size_t rows, columns;
} cell_grid;

static bool grid_init(cell_grid *g, size_t rows, size_t columns) {
    *g = (cell_grid){.text = calloc(rows * columns + 1, CELL),
            .cells = calloc(rows * columns + 1, sizeof *g->cells),
            .rows = rows,
            .columns = columns};
    for (size_t i = 0; g->text && g->cells && i < rows * columns; i++) g->cells[i] = g->text[i];
    return g->text && g->cells;
}

static void grid_dispose(cell_grid *g) {
    free(g->text);
    free(g->cells);
}

static char *grid_cell(cell_grid *g, size_t row, size_t column) {
    return g->text[row * g->columns + column];
}

static void put_count(cell_grid *g, size_t row, size_t column, size_t value) {
    (void)snprintf(grid_cell(g, row, column), CELL, "%zu", value);
}

static void put_class_table(sg_explore_canvas *w) {
    enum { COLUMNS = 4 };
    static const char *const header[COLUMNS] = {"class", "images", "share", "groups"};
    cell_grid g;
    if (!grid_init(&g, w->in->class_count, COLUMNS)) w->page.failed = true;
    for (size_t c = 0; c < w->in->class_count && !w->page.failed; c++) {
        const sg_explore_class *k = &w->in->classes[c];
        g.cells[c * COLUMNS] = k->name;
        put_count(&g, c, 1, k->images);
        char share[CELL];
        (void)snprintf(grid_cell(&g, c, 2), CELL, "%s\xc2\xa0%%",
                sg_html_format_fixed(share, sizeof share,
                        100 * (double)k->images / (double)w->in->image_count, 1));
        put_count(&g, c, 3, k->groups);
    }
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.header = header;
    table.cells = g.cells;
    table.rows = w->in->class_count;
    table.columns = COLUMNS;
    if (!w->page.failed) sg_page_put_table(&w->page, &table);
    grid_dispose(&g);
}

/* Median and middle half of each measure per class. */
static void put_measure_table(sg_explore_canvas *w) {
    static const struct {
        const char *name;
        sg_explore_measure *measure;
        int decimals;
    } measures[] = {
            {"width, pixels", width_of, 0},
            {"height, pixels", height_of, 0},
            {"width / height", aspect_of, 2},
            {"mean grey level", mean_of, 1},
            {"contrast: sd of grey levels", sd_of, 1},
            {"contrast: sd / mean", relative_of, 2},
            {"sharpness: variance of the Laplacian", sharpness_of, 0},
    };
    enum { MEASURES = sizeof measures / sizeof *measures };
    size_t columns = w->in->class_count + 1;
    cell_grid g;
    const char **header = calloc(columns + 1, sizeof *header);
    if (!grid_init(&g, MEASURES, columns) || !header) w->page.failed = true;
    for (size_t m = 0; m < MEASURES && !w->page.failed; m++) {
        sg_explore_gather(w, measures[m].measure);
        g.cells[m * columns] = measures[m].name;
        for (size_t c = 0; c < w->in->class_count; c++) {
            const double *v = w->values + w->first[c];
            size_t n = w->first[c + 1] - w->first[c];
            char text[3][32];
            static const double at[] = {0.25, 0.5, 0.75};
            for (int k = 0; k < 3; k++)
                (void)sg_html_format_fixed(text[k], sizeof text[k],
                        sg_explore_quantile(v, n, at[k]), measures[m].decimals);
            (void)snprintf(
                    grid_cell(&g, m, c + 1), CELL, "%s (%s to %s)", text[1], text[0], text[2]);
        }
    }
    if (!w->page.failed) {
        header[0] = "median (middle half)";
        for (size_t c = 0; c < w->in->class_count; c++) header[c + 1] = w->class_names[c];
        sg_page_table table = SG_PAGE_TABLE_INIT;
        table.header = header;
        table.cells = g.cells;
        table.rows = MEASURES;
        table.columns = columns;
        sg_page_put_table(&w->page, &table);
    }
    grid_dispose(&g);
    free(header);
}

static size_t class_images(const sg_explore_canvas *w, const char *name) {
    for (size_t c = 0; c < w->in->class_count; c++)
        if (strcmp(w->in->classes[c].name, name) == 0) return w->in->classes[c].images;
    return 0;
}

static void put_stated_figures(sg_explore_canvas *w) {
    char images[CELL], size[CELL], width[32], height[32];
    char benign[CELL], malignant[CELL], normal[CELL], patients[CELL] = "not known";
    if (!w->in->lower_bound) (void)snprintf(patients, sizeof patients, "%zu groups", w->in->groups);
    (void)snprintf(images, sizeof images, "%zu", w->in->image_count);
    sg_explore_gather(w, width_of);
    (void)sg_html_format_fixed(width, sizeof width, average(w), 0);
    sg_explore_gather(w, height_of);
    (void)sg_html_format_fixed(height, sizeof height, average(w), 0);
    (void)snprintf(size, sizeof size, "%s x %s", width, height);
    (void)snprintf(benign, sizeof benign, "%zu", class_images(w, "benign"));
    (void)snprintf(malignant, sizeof malignant, "%zu", class_images(w, "malignant"));
    (void)snprintf(normal, sizeof normal, "%zu", class_images(w, "normal"));
    enum { ROWS = 6, COLUMNS = 4 };
    static const char *const header[COLUMNS] = {
            "", "found here", "stated by the paper", "BUSI as published"};
    const char *const cells[ROWS][COLUMNS] = {
            {"images", images, "1,260", "780"},
            {"patients", patients, "600", "600"},
            {"average size", size, "500 x 500", "500 x 500"},
            {"benign", benign, "-", "437"},
            {"malignant", malignant, "-", "210"},
            {"normal", normal, "-", "133"},
    };
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.header = header;
    table.cells = &cells[0][0];
    table.rows = ROWS;
    table.columns = COLUMNS;
    sg_page_section(&w->page, "Beside the stated figures",
            "What the paper says about its data, what BUSI's authors published, and this folder.");
    sg_page_put_table(&w->page, &table);
    sg_page_note(&w->page,
            "Paper: Maini, Singh and Saxena 2025 (doi 10.1109/IEEECONF64992.2025.10963186), "
            "figures from the README of its repository; a dash where it names none. BUSI: "
            "Al-Dhabyani, "
            "Gomaa, Khaled and Fahmy 2020 (doi 10.1016/j.dib.2019.104863). BUSI holds 780 images; "
            "where the paper's further 480 come from is not said there.");
}

/* ---- sections ---- */

static void put_head(sg_explore_canvas *w) {
    const sg_explore_page *in = w->in;
    char images[32], groups[32], copies[32], conflicts[32], detail[CELL], shared[CELL];
    (void)snprintf(images, sizeof images, "%zu", in->image_count);
    (void)snprintf(groups, sizeof groups, "%zu", in->groups);
    (void)snprintf(copies, sizeof copies, "%zu", in->exact_duplicates);
    (void)snprintf(conflicts, sizeof conflicts, "%zu", in->conflicting_groups);
    (void)snprintf(detail, sizeof detail, "in %zu classes", in->class_count);
    (void)snprintf(shared, sizeof shared, "%zu images share a group", in->shared_images);
    const sg_page_figure figures[] = {
            {"images", images, detail},
            {"groups", groups, shared},
            {"exact copies", copies, "equal byte for byte"},
            {"groups under two labels", conflicts, "contradictory"},
    };
    sg_page_put_figures(&w->page, figures, sizeof figures / sizeof *figures);
    if (in->simulated)
        sg_page_warn(&w->page, "phantom data",
                "The images are simulated. What is seen here says nothing about patients.");
    if (in->skipped) {
        char text[CELL];
        (void)snprintf(text, sizeof text, "%zu files could not be read and are not on this page.",
                in->skipped);
        sg_page_warn(&w->page, "files left out", text);
    }
}

static void put_balance(sg_explore_canvas *w) {
    sg_page_section(&w->page, "Class balance",
            "A classifier that always names the most frequent class is right as often as that "
            "class's share.");
    sg_explore_put_balance_chart(w);
    put_class_table(w);
}

static void put_groups(sg_explore_canvas *w) {
    const sg_explore_page *in = w->in;
    char text[8][CELL];
    const size_t counts[] = {in->groups, in->shared_groups, in->shared_images, in->largest_group,
            in->exact_duplicates, in->conflicting_groups, in->exact_conflicts};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        (void)snprintf(text[i], CELL, "%zu", counts[i]);
    (void)snprintf(
            text[5], CELL, "%zu (%zu images)", in->conflicting_groups, in->conflicting_images);
    const sg_page_fact facts[] = {
            {"groups come from", in->grouping},
            {"groups", text[0]},
            {"groups of more than one image", text[1]},
            {"images in them", text[2]},
            {"images in the largest", text[3]},
            {"images that are exact copies of another", text[4]},
            {"groups under more than one class", text[5]},
            {"exact copies under more than one class", text[6]},
    };
    sg_page_section(&w->page, "What belongs together",
            "Images of one group must never be in training and test both: a model that has seen "
            "one "
            "knows the other.");
    sg_page_put_facts(&w->page, facts, sizeof facts / sizeof *facts);
    if (in->lower_bound)
        sg_page_text(&w->page,
                "These groups were found from the pixels and are a lower bound on what belongs "
                "together: two pictures of one patient need not look alike. Where patients are "
                "known, name them with --group-by.");
}

static void put_pictures(
        sg_page *page, const sg_explore_picture *pictures, size_t count, bool name_class) {
    sg_page_image *images = calloc(count + 1, sizeof *images);
    char(*alt)[CELL] = calloc(count + 1, CELL);
    if (!images || !alt) page->failed = true;
    for (size_t i = 0; i < count && !page->failed; i++) {
        const sg_explore_picture *p = &pictures[i];
        (void)snprintf(alt[i], CELL, "ultrasound image, class %.60s", p->class_name);
        images[i] = (sg_page_image){.bytes = p->png,
                .size = p->png_size,
                .alt = alt[i],
                .title = name_class ? p->class_name : NULL,
                .detail = p->name};
    }
    if (!page->failed) sg_page_put_images(page, images, count);
    free(images);
    free(alt);
}

static void put_conflicts(sg_explore_canvas *w) {
    const sg_explore_page *in = w->in;
    if (in->conflict_count == 0) return;
    sg_page_section(&w->page, "Contradictory labels",
            "Groups whose images carry more than one class. At most one label of a lesion can be "
            "right; or the group joins pictures that only look alike. A person must decide.");
    for (size_t i = 0; i < in->conflict_count; i++) {
        sg_page_heading(&w->page, in->conflicts[i].group);
        put_pictures(&w->page, in->conflicts[i].pictures, in->conflicts[i].count, true);
    }
    if (in->conflict_count < in->conflicting_groups)
        sg_page_textf(&w->page, "%zu further groups are not shown.",
                in->conflicting_groups - in->conflict_count);
}

/* "All images are 256 x 256 pixels.", or nothing when they are not. */
static void put_common_size(sg_explore_canvas *w) {
    const sg_explore_image *images = w->in->images;
    for (size_t i = 1; i < w->in->image_count; i++)
        if (images[i].width != images[0].width || images[i].height != images[0].height) return;
    sg_page_textf(
            &w->page, "All images are %.0f x %.0f pixels.", images[0].width, images[0].height);
    if (images[0].width == images[0].height && !w->in->simulated)
        sg_page_text(&w->page, "Machines do not write squares of one size: these were cut or "
                               "stretched before, and "
                               "what that lost is lost.");
}

static void put_sizes(sg_explore_canvas *w) {
    sg_page_section(&w->page, "Sizes",
            "Stretching images of other shapes to squares loses whether a lesion is taller than "
            "wide, a sign of malignancy.");
    if (w->in->image_count) put_common_size(w);
    sg_explore_put_histogram(w, "Width", "pixels", width_of, NULL);
    sg_explore_put_histogram(w, "Height", "pixels", height_of, NULL);
    sg_explore_put_histogram(w, "Width / height", "ratio", aspect_of, NULL);
    sg_page_fact facts[8];
    size_t n = 0;
    for (; n < w->in->format_count && n < sizeof facts / sizeof *facts; n++)
        facts[n] = (sg_page_fact){w->in->formats[n].name, w->in->formats[n].value};
    sg_page_put_facts(&w->page, facts, n);
}

static void put_look(sg_explore_canvas *w) {
    sg_page_section(&w->page, "Grey levels, contrast, sharpness",
            "Where classes differ here, a classifier may learn the machine or its settings in "
            "place "
            "of the tissue. Boxes hold the middle half, whiskers the middle 90 %.");
    sg_explore_put_level_histogram(w);
    sg_explore_put_boxes(w, "Mean grey level", "grey level", false, mean_of, NULL);
    sg_explore_put_boxes(w, "Contrast: sd of grey levels (RMS)", "grey levels", false, sd_of, NULL);
    sg_explore_put_boxes(w, "Contrast: sd / mean", "ratio", false, relative_of,
            "Independent of the gain of the machine.");
    sg_explore_put_boxes(w, "Sharpness: variance of the Laplacian", "grey levels squared", true,
            sharpness_of,
            "At the size of the file: enlarged or smoothed images come out low, sharp text high.");
    put_measure_table(w);
}

static void put_masks(sg_explore_canvas *w) {
    size_t classes = w->in->class_count;
    char(*text)[CELL] = calloc(classes + 2, CELL);
    sg_page_fact *facts = calloc(classes + 2, sizeof *facts);
    if (!text || !facts) w->page.failed = true;
    for (size_t c = 0; c < classes && !w->page.failed; c++) {
        const sg_explore_class *k = &w->in->classes[c];
        (void)snprintf(text[c], CELL, "%zu of %zu images have a mask", k->with_masks, k->images);
        facts[c] = (sg_page_fact){k->name, text[c]};
    }
    if (!w->page.failed) {
        (void)snprintf(text[classes], CELL, "%zu", w->in->masks);
        (void)snprintf(text[classes + 1], CELL, "%zu", w->in->stray_masks);
        facts[classes] = (sg_page_fact){"mask files", text[classes]};
        facts[classes + 1] = (sg_page_fact){"masks whose image is not there", text[classes + 1]};
        sg_page_section(&w->page, "Masks",
                "Drawings of the lesion beside the images. They are never taken for images and "
                "never shown to a classifier.");
        sg_page_put_facts(&w->page, facts, classes + 2);
    }
    free(text);
    free(facts);
}

static void put_contact_sheet(sg_explore_canvas *w) {
    const sg_explore_page *in = w->in;
    if (in->picture_count == 0) return;
    sg_page_section(&w->page, "Contact sheet",
            "Images at even distances through each class, cut to the scan area.");
    for (size_t first = 0, next; first < in->picture_count; first = next) {
        const char *name = in->pictures[first].class_name;
        for (next = first; next < in->picture_count && in->pictures[next].class_name == name;)
            next++;
        sg_page_heading(&w->page, name);
        put_pictures(&w->page, in->pictures + first, next - first, false);
    }
}

sg_status sg_explore_write(const sg_explore_page *in, const char *path, sg_error *err) {
    sg_explore_canvas w = {.in = in,
            .values = calloc(in->image_count + 1, sizeof *w.values),
            .first = calloc(in->class_count + 2, sizeof *w.first),
            .class_names = calloc(in->class_count + 1, sizeof *w.class_names)};
    sg_page_open(&w.page, "What the data hold", in->name);
    if (!w.values || !w.first || !w.class_names) {
        sg_page_dispose(&w.page);
        free(w.values);
        free(w.first);
        free(w.class_names);
        return sg_fail(err, SG_ERR_MEMORY, "%s: out of memory for the page", path);
    }
    for (size_t c = 0; c < in->class_count; c++) w.class_names[c] = in->classes[c].name;
    put_head(&w);
    put_balance(&w);
    put_stated_figures(&w);
    put_groups(&w);
    put_conflicts(&w);
    put_sizes(&w);
    put_look(&w);
    put_masks(&w);
    put_contact_sheet(&w);
    sg_status status = sg_page_write(&w.page, path, err);
    free(w.values);
    free(w.first);
    free(w.class_names);
    return status;
}
