/* cmd_weights_fetch.c - `sonograde weights fetch`: a public weight file into the cache, checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/download.h"
#include "cli/verbs.h"
#include "cli/weight_files.h"
#include <stdlib.h>
#include <string.h>

/* Sizes in the table are rounded. */
enum { STALL_S = 60, BYTES_PER_MB = 1000000, SLACK_MB = 8 };

typedef struct fetch_args {
    const char *mirror, *from, *output;
} fetch_args;

#define AT(field) offsetof(fetch_args, field)
static const sg_option options[] = {
        {"mirror", 0, SG_OPTION_TEXT, AT(mirror), NULL, "URL",
                "take the place of https://HOST in the file's address", 0, 0},
        {"from", 0, SG_OPTION_PATH, AT(from), NULL, "FILE",
                "check and take a copy that is already on this machine", 0, 0},
        {"output", 'o', SG_OPTION_PATH, AT(output), NULL, "FILE",
                "where to put it, in place of the cache", 0, 0},
        {0},
};

/* "https://host/path" with a mirror's beginning. */
static char *mirrored(const char *url, const char *mirror) {
    if (!mirror) return sg_strdup(url);
    const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;
    size_t n = strlen(mirror);
    while (n && mirror[n - 1] == '/') n--;
    return sg_strdupf("%.*s%s", (int)n, mirror, path ? path : "/");
}

static sg_status choose_path(
        char **out, const fetch_args *a, const sg_weight_file *f, sg_error *err) {
    char *cache = NULL;
    if (a->output) {
        *out = sg_strdup(a->output);
        return *out ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    }
    sg_status st = sg_weight_cache(&cache, err);
    if (!st) st = sg_dir_make(cache, err);
    if (!st && !(*out = sg_strdupf("%s/%s%s", cache, f->name, f->ending)))
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory");
    free(cache);
    return st;
}

static sg_status copy_from(
        const char *path, const char *from, const sg_weight_file *f, sg_error *err) {
    sg_status st = sg_check_sha256(from, f->sha256, err);
    sg_file_map map;
    if (!st) st = sg_file_map_open(&map, from, err);
    if (st) return st;
    st = sg_file_write(path, map.data, map.size, err);
    sg_file_map_close(&map);
    return st;
}

static sg_status download(const sg_call *call, const char *path, const char *url,
        const sg_weight_file *f, sg_error *err) {
    const sg_download d = {.url = url,
            .path = path,
            .name = f->name,
            .sha256 = f->sha256,
            .size_max = (int64_t)(f->megabytes + SLACK_MB) * BYTES_PER_MB,
            .stall_s = STALL_S,
            .log = call->log,
            .stop = &sg_cli_stop};
    sg_log_line(call->log, SG_LOG_INFO, "%s, about %d MB, licence: %s%s%s", url, f->megabytes,
            f->licence, f->note ? "; " : "", f->note ? f->note : "");
    return sg_download_file(&d, err);
}

/* What belongs to the file lies beside it; `train` reads it there. */
static sg_status write_facts(const char *path, const sg_weight_file *f, sg_error *err) {
    char sha[SG_SHA256_HEX], *beside = sg_strdupf("%s.json", path);
    sg_status st =
            beside ? sg_sha256_file(sha, path, err) : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!st) {
        json_t *facts = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "schema", 1, "name",
                f->name, "model", f->model, "url", f->url, "sha256", sha, "checked_by",
                sg_weight_file_check(f), "licence", f->licence, "preprocessing",
                sg_weight_file_preprocessing(f));
        st = facts ? sg_json_write(facts, beside, err)
                   : sg_fail(err, SG_ERR_MEMORY, "out of memory");
        json_decref(facts);
    }
    free(beside);
    return st;
}

static sg_status fetch(const sg_call *call, sg_error *err) {
    const fetch_args *a = call->options;
    const sg_weight_file *f;
    char *path = NULL, *url = NULL;
    if (a->from && a->mirror)
        return sg_fail(err, SG_ERR_USAGE, "--from and --mirror exclude each other");
    sg_status st = sg_weight_file_find(&f, call->operands[0], err);
    if (!st) st = choose_path(&path, a, f, err);
    if (!st && !(url = mirrored(f->url, a->mirror)))
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory");
    bool there = !st && !a->from && f->sha256 && sg_path_exists(path) &&
                 sg_check_sha256(path, f->sha256, NULL) == SG_OK;
    if (there)
        sg_log_line(call->log, SG_LOG_INFO, "%s is already there and as it should be", f->name);
    else if (!st && a->from)
        st = copy_from(path, a->from, f, err);
    else if (!st)
        st = download(call, path, url, f, err);
    if (!st) st = write_facts(path, f, err);
    if (!st && !f->sha256)
        sg_log_line(call->log, SG_LOG_WARN,
                "no SHA-256 of %s is known, so nothing was compared: it is whatever came", f->name);
    if (!st && call->json)
        sg_cli_print_json(json_pack("{s:i, s:s, s:o, s:s, s:b, s:o}", "schema", 1, "name", f->name,
                "file", sg_json_text(path), "checked_by", sg_weight_file_check(f), "was_there",
                (int)there, "preprocessing", sg_weight_file_preprocessing(f)));
    else if (!st)
        puts(path);
    free(path);
    free(url);
    return st;
}

static int run(const sg_call *call) {
    sg_error err = SG_ERROR_INIT;
    return fetch(call, &err) ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_weights_fetch = {
        .name = "weights fetch",
        .operands = "NAME",
        .summary = "get a public weight file, checked, into the cache",
        .details =
                "Prints the file's path, to be given to `train --weights`. What was received of "
                "an interrupted transfer stays, and the same command goes on from there. A file is "
                "there whole and checked or not at all. The cache is XDG_CACHE_HOME/sonograde, or "
                "~/.cache/sonograde. Beside the file, NAME.json states its licence, digest and "
                "preprocessing. HTTPS_PROXY is obeyed.",
        .examples = "sonograde weights fetch resnet50\n"
                    "sonograde weights fetch resnet50 --mirror https://hf-mirror.com\n"
                    "sonograde weights fetch alexnet --from alexnet-owt-7be5be79.pth",
        .options = options,
        .struct_size = sizeof(fetch_args),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
