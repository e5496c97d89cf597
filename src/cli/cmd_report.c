/* cmd_report.c - `sonograde report`: what an evaluation left behind, told again without judging
 * anything anew. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/checklist.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct report_args {
    bool checklist;
} report_args;

#define AT(field) offsetof(report_args, field)
static const sg_option rows[] = {
        {"checklist", 0, SG_OPTION_FLAG, AT(checklist), NULL, NULL,
                "the items of CLAIM 2024 and TRIPOD+AI, filled as far as they are known", 0, 0},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

static sg_status read_metrics(json_t **out, const char *folder, sg_error *err) {
    char *path = sg_path_join(folder, "metrics.json");
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory reading %s", folder);
    sg_status st = sg_path_exists(path)
                           ? sg_json_read(out, path, err)
                           : sg_fail(err, SG_ERR_MISSING,
                                     "%s: is not there; name a folder that `sonograde evaluate "
                                     "--out` made",
                                     path);
    if (!st && (!json_is_array(json_object_get(*out, "models")) ||
                       !json_is_array(json_object_get(*out, "per_class")))) {
        json_decref(*out);
        st = sg_fail(err, SG_ERR_FORMAT, "%s: is no metrics.json of an evaluation", path);
    }
    free(path);
    return st;
}

static void print_checklist(const sg_checklist *list) {
    const char *name = "";
    for (size_t i = 0; i < list->count; i++) {
        const sg_checklist_item *item = &list->items[i];
        if (strcmp(item->list, name) != 0) printf("%s%s\n", *name ? "\n" : "", item->list);
        name = item->list;
        printf("%3s  %-8s %s", item->number, sg_item_state_name(item->state), item->title);
        if (item->answer) {
            fputs(": ", stdout);
            sg_cli_print_safe(stdout, item->answer);
        }
        putchar('\n');
    }
    printf("\n%zu filled, %zu in part, %zu open: for the authors\n", list->filled, list->partly,
            list->count - list->filled - list->partly);
}

static json_t *checklist_json(const sg_checklist *list) {
    json_t *items = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const sg_checklist_item *item = &list->items[i];
        json_array_append_new(items,
                json_pack("{s:s, s:s, s:s, s:s, s:o}", "list", item->list, "item", item->number,
                        "title", item->title, "state", sg_item_state_name(item->state), "answer",
                        item->answer ? sg_json_text(item->answer) : json_null()));
    }
    return json_pack("{s:i, s:o}", "schema", 1, "items", items);
}

static int run_report(const sg_call *call) {
    const report_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    json_t *metrics = NULL;
    sg_checklist list = {0};
    sg_status st = a->checklist ? SG_OK
                                : sg_fail(&err, SG_ERR_USAGE,
                                          "say what to tell: --checklist (the page itself is "
                                          "report.html in the folder)");
    if (!st) st = read_metrics(&metrics, call->operands[0], &err);
    if (!st) st = sg_checklist_make(&list, metrics, &err);
    if (!st && call->json)
        sg_cli_print_json(checklist_json(&list));
    else if (!st)
        print_checklist(&list);
    sg_checklist_dispose(&list);
    json_decref(metrics);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_report = {
        .name = "report",
        .operands = "FOLDER",
        .summary = "print the reporting checklists of an evaluation",
        .details = "FOLDER is what `evaluate --out` made. The items of CLAIM 2024 and TRIPOD+AI "
                   "are filled from its metrics.json where that knows the answer; what only people "
                   "know is marked open, and nothing is guessed.",
        .examples = "sonograde report r1/report --checklist",
        .options = rows,
        .struct_size = sizeof(report_args),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_report,
};
