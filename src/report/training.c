/* training.c - see training.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/training.h"

#include "base/file.h"
#include "report/svg.h"

static const double PANEL_WIDTH = 460, PANEL_HEIGHT = 300, HEAD = 34, FOOT = 26;

void sg_training_put_curves(sg_str *out, const sg_training_curves *c) {
    const bool one = c->epochs == 1; /* no line goes through one point */
    const sg_svg_series losses[] = {{.name = "training",
                                            .y = c->train_loss,
                                            .n = c->train_loss ? c->epochs : 0,
                                            .markers = one,
                                            .color = 0},
            {.name = "validation",
                    .y = c->val_loss,
                    .n = c->val_loss ? c->epochs : 0,
                    .markers = one,
                    .color = 1}};
    const sg_svg_series figures[] = {{.name = "accuracy, training",
                                             .y = c->train_accuracy,
                                             .n = c->train_accuracy ? c->epochs : 0,
                                             .markers = one,
                                             .color = 0},
            {.name = "accuracy, validation",
                    .y = c->val_accuracy,
                    .n = c->val_accuracy ? c->epochs : 0,
                    .markers = one,
                    .color = 1},
            {.name = "macro F1, validation",
                    .y = c->val_macro_f1,
                    .n = c->val_macro_f1 ? c->epochs : 0,
                    .markers = one,
                    .color = 2}};
    const sg_svg_series rates[] = {{.y = c->learning_rate,
            .n = c->learning_rate ? c->epochs : 0,
            .markers = one,
            .color = 0}};
    const sg_svg_mark best = {(double)c->best_epoch, c->best_label ? c->best_label : "best"};
    const sg_svg_axis epoch = {.label = "epoch", .whole = true};
    sg_svg_series shown[3];
    sg_svg_chart panels[3] = {
            {.title = "Loss", .x = epoch, .y = {.label = "loss"}, .series = losses, .count = 2},
            {.title = "Accuracy and macro F1", .x = epoch, .y = {.percent = true}, .series = shown},
            {.title = "Learning rate",
                    .x = epoch,
                    .y = {.label = "learning rate"},
                    .series = rates,
                    .count = 1}};
    /* Training accuracy is often not measured: no empty key for it. */
    for (size_t i = 0; i < 3; i++)
        if (figures[i].n) shown[panels[1].count++] = figures[i];
    sg_svg_open_sheet(out, c->title, 2 * PANEL_WIDTH, HEAD + 2 * PANEL_HEIGHT + FOOT);
    for (size_t i = 0; i < 3; i++) {
        panels[i].width = PANEL_WIDTH;
        panels[i].height = PANEL_HEIGHT;
        panels[i].marks = &best;
        panels[i].mark_count = c->best_epoch ? 1 : 0;
        sg_svg_put_panel(out, &panels[i], (double)(i % 2) * PANEL_WIDTH,
                HEAD + (double)(i / 2) * PANEL_HEIGHT);
    }
    sg_svg_put_caption(out, c->title ? c->title : "", 14, 24);
    sg_svg_put_caption(out, "Research use only.", 14, HEAD + 2 * PANEL_HEIGHT + 16);
    sg_svg_close_sheet(out);
}

sg_status sg_training_curves_write(
        const sg_training_curves *curves, const char *path, sg_error *err) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_training_put_curves(&text, curves);
    sg_status status = sg_str_check(&text, err);
    if (status == SG_OK) status = sg_file_write(path, sg_str_text(&text), text.len, err);
    sg_str_dispose(&text);
    return status;
}
