/* paper.c - see paper.h. The table is data; every statement about it that can be computed is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/paper.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>

const sg_paper_row sg_paper_table[SG_PAPER_ROWS] = {
        {"ResNet-50", 93.30, 89.70, 88.90, 89.50, 18},
        {"AlexNet", 90.00, 88.80, 80.00, 84.10, 25},
        {"GoogLeNet", 82.90, 90.30, 87.70, 85.30, 27},
        {"VGG", 92.30, 81.70, 86.70, 90.50, 26},
        {"mResNet", 98.46, 97.23, 94.40, 96.86, 27},
};

enum { BEST = 4, FRACTION_LIMIT = 200, COLUMNS = 6, OURS_MAX = 4, TEXT = 96 };
static const double ROUNDING = 0.01; /* three printed values, each within 0.005 */

double sg_paper_f1_bound(const sg_paper_row *row) {
    return 0.5 * (row->precision + row->recall);
}

bool sg_paper_f1_impossible(const sg_paper_row *row) {
    return row->f1 > sg_paper_f1_bound(row) + ROUNDING;
}

size_t sg_paper_fractions(sg_paper_fraction *out, size_t capacity, double percent, unsigned limit) {
    size_t found = 0;
    for (unsigned images = 1; images <= limit; images++) {
        unsigned right = (unsigned)lround(percent / 100 * images);
        if (right > images || fabs(100.0 * right / images - percent) > 0.005 + 1e-9) continue;
        if (found < capacity) out[found] = (sg_paper_fraction){right, images};
        found++;
    }
    return found;
}

typedef char text[TEXT];

static void fill_row(const char **cells, text *texts, const char *name, const double values[4],
        const char *remark) {
    cells[0] = name;
    for (int i = 0; i < 4; i++)
        cells[1 + i] = sg_html_format_fixed(texts[i], sizeof texts[i], values[i], 2);
    cells[5] = remark;
}

static void put_table(sg_page *page, const sg_paper_ours *ours, size_t count) {
    static const char *const header[COLUMNS] = {
            "model", "accuracy %", "precision %", "recall %", "F1 %", "remark"};
    enum { ROWS = SG_PAPER_ROWS + OURS_MAX };
    const char *cells[ROWS * COLUMNS];
    text texts[ROWS][4], remarks[ROWS];
    if (count > OURS_MAX) count = OURS_MAX;
    for (size_t r = 0; r < SG_PAPER_ROWS; r++) {
        const sg_paper_row *row = &sg_paper_table[r];
        const double values[4] = {row->accuracy, row->precision, row->recall, row->f1};
        char bound[40];
        sg_html_format_fixed(bound, sizeof bound, sg_paper_f1_bound(row), 2);
        if (sg_paper_f1_impossible(row))
            snprintf(remarks[r], TEXT, "F1 above (P + R) / 2 = %s", bound);
        else
            remarks[r][0] = '\0';
        fill_row(cells + r * COLUMNS, texts[r], row->model, values, remarks[r]);
    }
    for (size_t i = 0; i < count; i++) {
        size_t r = SG_PAPER_ROWS + i;
        const double values[4] = {100 * ours[i].accuracy, 100 * ours[i].precision,
                100 * ours[i].recall, 100 * ours[i].f1};
        snprintf(remarks[r], TEXT, "%s%s", ours[i].accuracy_interval ? "accuracy " : "",
                ours[i].accuracy_interval ? ours[i].accuracy_interval : "");
        fill_row(cells + r * COLUMNS, texts[r], ours[i].name, values, remarks[r]);
    }
    sg_page_table table = SG_PAGE_TABLE_INIT;
    table.caption = "Published (Maini, Singh and Saxena 2025) and measured here";
    table.header = header;
    table.cells = cells;
    table.rows = SG_PAPER_ROWS + count;
    table.columns = COLUMNS;
    table.align = "lrrrrl";
    table.strong_row = count ? SG_PAPER_ROWS : -1;
    sg_page_put_table(page, &table);
}

static void put_fractions(sg_page *page) {
    sg_paper_fraction fit[8];
    double percent = sg_paper_table[BEST].accuracy;
    size_t found = sg_paper_fractions(fit, 8, percent, FRACTION_LIMIT);
    char list[256] = "", number[40];
    size_t used = 0;
    for (size_t i = 0; i < found && i < 8 && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%u of %u", i ? ", " : "",
                fit[i].right, fit[i].images);
    sg_page_textf(page,
            "%s %% for %s is consistent with %s test images (every size up to %d was tried); the "
            "test "
            "size is not stated in the paper. (Computed here.)",
            sg_html_format_fixed(number, sizeof number, percent, 2), sg_paper_table[BEST].model,
            list, FRACTION_LIMIT);
}

static void put_bounds(sg_page *page) {
    char names[256] = "";
    size_t used = 0, count = 0;
    for (size_t r = 0; r < SG_PAPER_ROWS && used < sizeof names; r++) {
        if (!sg_paper_f1_impossible(&sg_paper_table[r])) continue;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", count ? ", " : "",
                sg_paper_table[r].model);
        count++;
    }
    if (count == 0) return;
    sg_page_textf(page,
            "%zu of the %d F1 values (%s) lie above (precision + recall) / 2. That cannot be if "
            "all "
            "three columns are class averages with equal weights (or with any other weights common "
            "to the three), because in each class F1 is at most that mean. (Computed here from the "
            "printed table.)",
            count, SG_PAPER_ROWS, names);
}

void sg_paper_put_section(sg_page *page, const sg_paper_ours *ours, size_t count) {
    sg_page_section(page, "Beside the published table",
            "The published rows and ours were not measured on the same images, so a difference "
            "between them says nothing about which model is better.");
    put_table(page, ours, count);
    sg_paper_put_remarks(page);
}

void sg_paper_put_remarks(sg_page *page) {
    put_fractions(page);
    put_bounds(page);
    sg_page_text(page,
            "A public notebook in the authors' repository (Yashmaini30/Breast-Cancer-Detection) "
            "measured 86.3 / 88.0 / 82.9 % accuracy for ResNet-50 / AlexNet / GoogLeNet on 117 "
            "test "
            "images; another notebook there blends the lesion mask into the image before "
            "classifying.");
    sg_page_note(page,
            "Source of the table: Maini, Singh, Saxena, Breast Tumor Classification with "
            "Fine-Tuned "
            "Hyperparameter Training using Deep Learning Models, IEEE AI-Driven Smart Healthcare, "
            "2025, doi 10.1109/IEEECONF64992.2025.10963186.");
}
