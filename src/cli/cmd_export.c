/* cmd_export.c - `sonograde export`: a trained model in the formats that other programs open, with
 * its card, and all of it in one archive.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/version.h"
#include "base/zip_write.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "infer/export.h"
#include "protocol/bundle_profile.h"
#include "protocol/ledger.h"
#include <stdlib.h>
#include <string.h>

typedef struct export_args {
    const char *onnx, *safetensors, *card, *zip, *metrics;
    long long member;
    bool unfolded, no_profile;
} export_args;

#define AT(field) offsetof(export_args, field)
static const sg_option rows[] = {
        {"onnx", 0, SG_OPTION_PATH, AT(onnx), NULL, "FILE", "write ONNX (opset 17)", 0, 0},
        {"unfolded", 0, SG_OPTION_FLAG, AT(unfolded), NULL, NULL,
                "ONNX with its batch norms, not folded into the convolutions", 0, 0},
        {"safetensors", 0, SG_OPTION_PATH, AT(safetensors), NULL, "FILE",
                "write the weights under torchvision's names", 0, 0},
        {"member", 0, SG_OPTION_INT, AT(member), "-1", "I",
                "which model of an ensemble --onnx and --safetensors take, from 0", -1, 9999},
        {"card", 0, SG_OPTION_PATH, AT(card), NULL, "FILE", "write a model card (Markdown)", 0, 0},
        {"metrics", 0, SG_OPTION_PATH, AT(metrics), NULL, "FILE",
                "metrics.json of evaluate, for the card", 0, 0},
        {"zip", 0, SG_OPTION_PATH, AT(zip), NULL, "FILE",
                "write an archive of all this and what repeats the training", 0, 0},
        {"no-profile", 0, SG_OPTION_FLAG, AT(no_profile), NULL, NULL,
                "the archive's bundle without what is learned from the training images of a run: "
                "quality limits, features, self-test",
                0, 0},
        {NULL, 0, SG_OPTION_FLAG, 0, NULL, NULL, NULL, 0, 0},
};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory exporting");
}

static sg_status choose_member(
        int *out, const export_args *a, const sg_bundle *b, bool needed, sg_error *err) {
    *out = a->member < 0 ? 0 : (int)a->member;
    if (a->member >= b->member_count)
        return sg_fail(err, SG_ERR_USAGE, "--member %lld: there are %d, from 0", a->member,
                b->member_count);
    if (needed && a->member < 0 && b->member_count > 1)
        return sg_fail(err, SG_ERR_USAGE,
                "this is an ensemble of %d models, and these formats hold one: name it with "
                "--member",
                b->member_count);
    return SG_OK;
}

/* ---- the archive ---- */

/* What a run folder holds that repeats it; images and checkpoints stay where they are. */
static const char *const run_files[] = {"args.yaml", "manifest.csv", "splits.csv", "results.csv",
        "log.jsonl", "environment.json", NULL};

static const char readme_of_archive[] =
        "All that belongs to one trained model.\n"
        "\n"
        "README.md            the model card\n"
        "model.sgb            the model: sonograde predict --bundle model.sgb IMAGE...\n"
        "model.onnx           the same network for other programs; its metadata says how to feed "
        "it\n"
        "weights.safetensors  its weights under torchvision's names\n"
        "metrics.json         its figures, where they were handed over\n"
        "run/                 settings, images (names and hashes), split, curves and machine\n"
        "SHA256SUMS           of every file: sha256sum -c SHA256SUMS\n"
        "\n"
        "To repeat the training, with the images in IMAGES and the given weights, if any, at the "
        "place "
        "that run/args.yaml names:\n"
        "    sonograde train --config run/args.yaml --data IMAGES --splits run/splits.csv --run "
        "NEW\n"
        "On the same machine, build and threads (run/environment.json) the weights come out equal "
        "to the "
        "byte.\n";

typedef struct archive {
    sg_zip_writer *zip;
    sg_str sums;
    char *folder; /* for files on their way in */
} archive;

static sg_status add_bytes(
        archive *z, const char *name, const void *data, size_t size, sg_error *err) {
    char sha[SG_SHA256_HEX];
    sg_sha256_hex(sha, data, size);
    sg_str_appendf(&z->sums, "%s  %s\n", sha, name);
    return sg_zip_add(z->zip, name, data, size, err);
}

static sg_status add_file(archive *z, const char *name, const char *path, sg_error *err) {
    sg_file_map map;
    sg_status st = sg_file_map_open(&map, path, err);
    if (st) return st;
    st = add_bytes(z, name, map.data ? (const void *)map.data : "", map.size, err);
    sg_file_map_close(&map);
    return st;
}

/* One of the formats, made beside the archive and then put into it. */
static sg_status add_made(archive *z, const char *name, const export_args *a, const sg_bundle *b,
        int member, const json_t *metrics, sg_error *err) {
    char *path = sg_path_join(z->folder, name);
    if (!path) return no_memory(err);
    sg_status st = SG_OK;
    if (strcmp(name, "model.sgb") == 0)
        st = sg_bundle_write(b, path, err);
    else if (strcmp(name, "model.onnx") == 0)
        st = sg_export_member_onnx(path, b, member, !a->unfolded, err);
    else if (strcmp(name, "weights.safetensors") == 0)
        st = sg_export_member_safetensors(path, b, member, err);
    else
        st = sg_export_card(path, b, metrics, err);
    if (!st) st = add_file(z, name, path, err);
    free(path);
    return st;
}

static sg_status add_run(archive *z, const char *source, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = 0; run_files[i] && !st; i++) {
        char *path = sg_path_join(source, run_files[i]);
        char *name = sg_strdupf("run/%s", run_files[i]);
        if (!path || !name) st = no_memory(err);
        if (!st && sg_path_exists(path)) st = add_file(z, name, path, err);
        free(path);
        free(name);
    }
    return st;
}

static sg_status fill(archive *z, const export_args *a, const sg_bundle *b, int member,
        const json_t *metrics, const char *source, sg_error *err) {
    static const char *const made[] = {
            "README.md", "model.sgb", "model.onnx", "weights.safetensors"};
    sg_status st = add_bytes(z, "CONTENT.txt", readme_of_archive, strlen(readme_of_archive), err);
    for (size_t i = 0; i < sizeof made / sizeof *made && !st; i++)
        st = add_made(z, made[i], a, b, member, metrics, err);
    if (!st && a->metrics) st = add_file(z, "metrics.json", a->metrics, err);
    if (!st) st = add_run(z, source, err);
    if (!st) st = sg_str_check(&z->sums, err);
    return st ? st : sg_zip_add(z->zip, "SHA256SUMS", z->sums.data, z->sums.len, err);
}

static sg_status write_archive(const export_args *a, const sg_bundle *b, int member,
        const json_t *metrics, const char *source, sg_error *err) {
    archive z = {.folder = sg_strdupf("%s.parts", a->zip)};
    if (!z.folder) return no_memory(err);
    sg_str_init(&z.sums, 0);
    sg_status st = SG_OK;
    if (sg_path_exists(z.folder))
        st = sg_fail(err, SG_ERR_INPUT, "%s is in the way: remove it, or name another archive",
                z.folder);
    if (!st) {
        st = sg_dir_make(z.folder, err);
        if (!st) st = sg_zip_open(&z.zip, a->zip, err);
        if (!st) st = fill(&z, a, b, member, metrics, source, err);
        if (st)
            sg_zip_abandon(z.zip);
        else
            st = sg_zip_commit(z.zip, err);
        sg_error ignored = SG_ERROR_INIT;
        (void)!sg_dir_remove(z.folder, &ignored);
    }
    sg_str_dispose(&z.sums);
    free(z.folder);
    return st;
}

/* ---- the verb ---- */

/* The archive's bundle knows what that of `bundle` does; one that was a bundle already carries it.
 */
static sg_status learn(sg_bundle **bundle, const sg_call *call, sg_error *err) {
    const export_args *a = call->options;
    sg_profile_options profile = {
            .runs = call->operands, .count = 1, .log = call->log, .stop = &sg_cli_stop};
    if (!a->zip || a->no_profile || !sg_path_is_dir(call->operands[0])) return SG_OK;
    return sg_bundle_profile(bundle, &profile, err);
}

/* It says, as that of `bundle` does, which tests it has been part of. */
static sg_status annotate(sg_bundle *b, const sg_call *call, sg_error *err) {
    char *ledger = NULL;
    sg_error why = SG_ERROR_INIT;
    sg_status st = SG_OK;
    if (sg_ledger_default_path(&ledger, &why))
        sg_log_line(call->log, SG_LOG_WARN, "without its test evaluations: %s", why.message);
    else
        st = sg_ledger_annotate(b, ledger, err);
    free(ledger);
    return st;
}

static sg_status write_all(const sg_call *call, sg_bundle **bundle, sg_error *err) {
    const export_args *a = call->options;
    const sg_bundle *b = *bundle;
    const char *outputs[] = {a->onnx, a->safetensors, a->card, a->zip};
    json_t *metrics = NULL;
    int member = 0;
    sg_status st = SG_OK;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs && !st; i++)
        if (outputs[i]) st = sg_cli_check_output(outputs[i], err);
    if (!st) st = choose_member(&member, a, b, a->onnx || a->safetensors || a->zip, err);
    if (!st && a->metrics) st = sg_json_read(&metrics, a->metrics, err);
    if (!st && a->metrics && !json_is_number(json_object_get(metrics, "accuracy")))
        st = sg_fail(err, SG_ERR_INPUT,
                "%s holds no accuracy: it is not a metrics.json of `sonograde evaluate`",
                a->metrics);
    if (!st && a->onnx) st = sg_export_member_onnx(a->onnx, b, member, !a->unfolded, err);
    if (!st && a->safetensors) st = sg_export_member_safetensors(a->safetensors, b, member, err);
    if (!st && a->card) st = sg_export_card(a->card, b, metrics, err);
    if (!st) st = learn(bundle, call, err);
    if (!st && a->zip) st = annotate(*bundle, call, err);
    if (!st && a->zip) st = write_archive(a, *bundle, member, metrics, call->operands[0], err);
    json_decref(metrics);
    return st;
}

static void tell(const sg_call *call, const sg_bundle *b) {
    const export_args *a = call->options;
    const struct {
        const char *key, *path;
    } files[] = {
            {"onnx", a->onnx}, {"safetensors", a->safetensors}, {"card", a->card}, {"zip", a->zip}};
    json_t *written = json_object();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!files[i].path) continue;
        json_object_set_new(written, files[i].key, sg_json_text(files[i].path));
        sg_log_line(call->log, SG_LOG_INFO, "%s: %s", files[i].key, files[i].path);
    }
    sg_log_line(call->log, SG_LOG_INFO, "%s", SG_RESEARCH_USE);
    json_object_set_new(written, "model", json_string(b->model));
    if (call->json)
        sg_cli_print_json(written);
    else
        json_decref(written);
}

static int run_export(const sg_call *call) {
    const export_args *a = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_bundle *bundle = NULL;
    sg_status st = SG_OK;
    if (!a->onnx && !a->safetensors && !a->card && !a->zip)
        st = sg_fail(&err, SG_ERR_USAGE,
                "say what to write: --onnx, --safetensors, --card or --zip, each with a file");
    if (!st) st = sg_bundle_open(&bundle, call->operands[0], &err);
    if (!st) st = write_all(call, &bundle, &err);
    if (!st) tell(call, bundle);
    sg_bundle_close(bundle);
    return st ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_export = {
        .name = "export",
        .operands = "MODEL",
        .summary = "write a model as ONNX, safetensors, model card or one archive",
        .details = "MODEL is a bundle, a run folder or a weights file. The ONNX file takes "
                   "standardised images of the model's size and gives logits and calibrated "
                   "probabilities; how to prepare an image stands in its metadata (recipe, mean, "
                   "std, classes). The archive holds the model in all three formats, its card and, "
                   "from a run folder, the settings, split, curves and machine, so that somebody "
                   "else can repeat the training; images are not in it; their names, hashes and "
                   "groups are, as the run's tables name them.",
        .examples = "sonograde export r1 --onnx breast.onnx --safetensors breast.safetensors\n"
                    "sonograde export r1 --card MODEL_CARD.md --metrics report/metrics.json\n"
                    "sonograde export r1 --zip breast.zip",
        .options = rows,
        .struct_size = sizeof(export_args),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_export,
};
