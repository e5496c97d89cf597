/* cmd_weights_list.c - `sonograde weights list`: public weight files that can be fetched.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "cli/weight_files.h"
#include <stdlib.h>
#include <string.h>

typedef struct list_args {
    const char *model;
} list_args;

static const sg_option options[] = {
        {"model", 0, SG_OPTION_TEXT, offsetof(list_args, model), NULL, "NAME",
                "only those for this architecture", 0, 0},
        {0},
};

static bool is_here(const char *cache, const sg_weight_file *f) {
    char *path = cache ? sg_strdupf("%s/%s%s", cache, f->name, f->ending) : NULL;
    bool here = path && sg_path_exists(path);
    free(path);
    return here;
}

static json_t *describe(const sg_weight_file *f, bool here) {
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:i, s:s, s:o, s:b, s:o, s:o}", "name", f->name,
            "model", f->model, "url", f->url, "sha256",
            f->sha256 ? json_string(f->sha256) : json_null(), "checked_by", sg_weight_file_check(f),
            "megabytes", f->megabytes, "licence", f->licence, "top1",
            f->top1 > 0 ? json_real(f->top1) : json_null(), "fetched", (int)here, "preprocessing",
            sg_weight_file_preprocessing(f), "note", f->note ? json_string(f->note) : json_null());
}

static void show(const sg_weight_file *f, bool here) {
    char top1[16] = "-";
    if (f->top1 > 0) (void)snprintf(top1, sizeof top1, "%.2f", f->top1);
    char prepared[32] = "not stated";
    if (f->size)
        (void)snprintf(
                prepared, sizeof prepared, "%d %-8s %.3f", f->size, f->interpolation, f->crop_pct);
    printf("%-21s %4d MB  %-15s %6s  %-18s  %s%s%s%s\n", f->name, f->megabytes, f->licence, top1,
            prepared, sg_weight_file_check(f), here ? "; fetched" : "", f->note ? "; " : "",
            f->note ? f->note : "");
}

static int run(const sg_call *call) {
    const list_args *a = call->options;
    size_t count;
    const sg_weight_file *files = sg_weight_files(&count);
    char *cache = NULL;
    sg_error err = SG_ERROR_INIT, none;
    if (sg_weight_cache(&cache, &none)) cache = NULL; /* then nothing was fetched */
    json_t *all = json_array();
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        if (a->model && strcmp(a->model, files[i].model) != 0) continue;
        bool here = is_here(cache, &files[i]);
        if (call->json)
            json_array_append_new(all, describe(&files[i], here));
        else if (shown == 0)
            printf("%-21s %7s  %-15s %6s  %-18s  %s\n", "name", "size", "licence", "top-1",
                    "px, filter, crop", "checked by");
        if (!call->json) show(&files[i], here);
        shown++;
    }
    free(cache);
    if (!shown) {
        json_decref(all);
        sg_status st = sg_fail(&err, SG_ERR_USAGE,
                "no public file is known for '%s'; `models` lists the architectures", a->model);
        return st ? sg_cli_fail(&err) : SG_EXIT_OK;
    }
    if (call->json)
        sg_cli_print_json(json_pack("{s:i, s:o}", "schema", 1, "files", all));
    else
        json_decref(all);
    return SG_EXIT_OK;
}

const sg_verb sg_verb_weights_list = {
        .name = "weights list",
        .operands = "",
        .summary = "list public ImageNet weights that `weights fetch` can get",
        .details =
                "With size, licence, published top-1 accuracy and preprocessing (side of the "
                "image, interpolation, share that is cropped, where stated; mean and deviation are "
                "ImageNet's then). Files are checked by their SHA-256; where only torchvision's "
                "file name "
                "tells its first eight digits, by these.",
        .examples = "sonograde weights list\nsonograde weights list --model resnet50 --json",
        .options = options,
        .struct_size = sizeof(list_args),
        .run = run,
};
