/* cmd_data_phantom.c - `sonograde data phantom`: the built-in data set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "data/phantom.h"
#include <stdio.h>

typedef struct phantom_options {
    const char *out;
    long long per_class, size, seed, threads;
    double duplicates, conflicts, marks;
    bool overwrite;
} phantom_options;

static const sg_option options[] = {
        {"out", 'o', SG_OPTION_PATH, offsetof(phantom_options, out), NULL, "DIR",
                "folder to make; must not exist or be empty", 0, 0},
        {"per-class", 'n', SG_OPTION_INT, offsetof(phantom_options, per_class), "150", "N",
                "images in each of benign, malignant and normal", 1, 100000},
        {"size", 0, SG_OPTION_INT, offsetof(phantom_options, size), "224", "P",
                "side of the images in pixels", 32, 2048},
        {"seed", 0, SG_OPTION_INT, offsetof(phantom_options, seed), "1", "S",
                "the same seed gives the same images, whatever their number", 0, 4294967295.0},
        {"duplicates", 0, SG_OPTION_REAL, offsetof(phantom_options, duplicates), "0", "F",
                "share of each class that is near-copies of its other images", 0, 0.5},
        {"conflicts", 0, SG_OPTION_REAL, offsetof(phantom_options, conflicts), "0", "F",
                "share of each class that is copies of another class's images", 0, 0.5},
        {"marks", 0, SG_OPTION_REAL, offsetof(phantom_options, marks), "0", "F",
                "chance that an original carries burnt-in calipers, text or a body mark", 0, 1},
        {"overwrite", 0, SG_OPTION_FLAG, offsetof(phantom_options, overwrite), NULL, NULL,
                "replace an older phantom set; refused when anything else lies in the folder", 0,
                0},
        {"threads", 0, SG_OPTION_INT, offsetof(phantom_options, threads), "0", "N",
                "threads; 0 = all processors", 0, 1024},
        {0},
};

static int run(const sg_call *call) {
    const phantom_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    if (!o->out) {
        (void)sg_fail(&err, SG_ERR_USAGE, "data phantom needs --out DIR, the folder to make");
        return sg_cli_fail(&err);
    }
    sg_phantom_options set = {.per_class = (int)o->per_class,
            .size = (int)o->size,
            .seed = (uint64_t)o->seed,
            .duplicates = o->duplicates,
            .conflicts = o->conflicts,
            .marks = o->marks};
    int threads = o->threads ? (int)o->threads : sg_cpu_count();
    sg_pool *pool = NULL;
    sg_status status = sg_pool_create(&pool, threads - 1, &err);
    if (!status) {
        sg_pool_set_stop(pool, &sg_cli_stop);
        status = sg_phantom_write_set(o->out, &set, o->overwrite, pool, call->log, &err);
    }
    sg_pool_destroy(pool);
    if (status) return sg_cli_fail(&err);
    if (call->json) {
        sg_cli_print_json(json_pack("{s:o, s:i, s:i, s:I, s:f, s:f, s:f}", "out",
                sg_json_text(o->out), "per_class", set.per_class, "size", set.size, "seed",
                (json_int_t)set.seed, "duplicates", set.duplicates, "conflicts", set.conflicts,
                "marks", set.marks));
    } else if (!call->quiet) {
        printf("%d simulated images (%d of each class) in ", 3 * set.per_class, set.per_class);
        sg_cli_print_safe(stdout, o->out);
        putchar('\n');
    }
    return SG_EXIT_OK;
}

const sg_verb sg_verb_data_phantom = {
        .name = "data phantom",
        .operands = "",
        .summary = "make the built-in data set: simulated breast ultrasound with masks",
        .details = "Writes DIR/benign, DIR/malignant and DIR/normal with the names that BUSI uses, "
                   "and phantom-truth.csv, which tells for every image what it is and for every "
                   "near-copy what it was made from; phantom-marks.csv has the boxes of burnt-in "
                   "marks. A model trained on phantoms is good for "
                   "trying the software out and for nothing else.",
        .examples =
                "sonograde data phantom --out phantoms --per-class 200 --seed 1 --size 224\n"
                "sonograde data phantom --out dirty --duplicates 0.2 --conflicts 0.05 --marks 0.3",
        .options = options,
        .struct_size = sizeof(phantom_options),
        .run = run,
};
