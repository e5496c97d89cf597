/* train_schedule.c - see train_schedule.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_schedule.h"
#include "base/file.h"
#include "cli/verbs.h"
#include "train/run_dir.h"
#include <stdlib.h>
#include <string.h>

bool sg_train_is_changeable(const char *name) {
    static const char *const names[] = {"lr", "weight-decay", "momentum", "batch",
            "label-smoothing", "focal-gamma", "clip-norm", "new-layer-factor", "layer-decay"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    size_t begin = offsetof(sg_train_args, augment), end = begin + sizeof(sg_augment_args);
    for (const sg_option *o = sg_train_option_rows; o->name; o++)
        if (o->type == SG_OPTION_REAL && o->offset >= begin && o->offset < end &&
                strcmp(o->name, name) == 0)
            return true;
    return false;
}

typedef struct reader {
    const char *path;
    sg_train_args args; /* as they are at the entry that is read */
    long long epochs;   /* of the schedule */
    sg_train_schedule *out;
} reader;

/* Where an epoch of the schedule lies in the training; the first of those that fall together goes.
 */
static int stretch(const reader *r, long long epoch) {
    return (int)((2 * epoch * r->args.epochs + r->epochs) / (2 * r->epochs));
}

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory reading a schedule");
}

/* "lr=0.0009; batch=16" as the settings file of an arm would say it. */
static sg_status put_settings(
        sg_str *yaml, const reader *r, const sg_yaml_entry *e, sg_error *err) {
    char *copy = sg_strdup(e->value), *rest = copy;
    sg_status st = copy ? SG_OK : no_memory(err);
    for (char *item; !st && (item = strsep(&rest, ";"));) {
        char *name = item + strspn(item, " "), *equals = strchr(name, '=');
        if (!*name) continue;
        if (equals) *equals = '\0';
        if (!equals)
            st = sg_fail(err, SG_ERR_USAGE, "%s, line %zu: '%s' must be NAME=VALUE", r->path,
                    e->line, name);
        else if (!sg_train_is_changeable(name))
            st = sg_fail(err, SG_ERR_USAGE,
                    "%s, line %zu: '%s' cannot change while a training goes on", r->path, e->line,
                    name);
        else
            sg_yaml_put(yaml, name, equals + 1);
    }
    free(copy);
    return st ? st : sg_str_check(yaml, err);
}

static sg_status read_phase(reader *r, const sg_yaml_entry *e, long long epoch, sg_error *err) {
    sg_str text;
    sg_yaml yaml = {0};
    sg_str_init(&text, 0);
    sg_status st = put_settings(&text, r, e, err);
    if (!st && text.len) st = sg_yaml_parse(&yaml, text.data, text.len, r->path, err);
    if (!st) st = sg_options_from_yaml(&r->args, NULL, &sg_verb_train, &yaml, r->path, err);
    int at = stretch(r, epoch);
    if (at >= r->args.epochs) at = (int)r->args.epochs - 1;
    size_t n = r->out->count;
    if (n && r->out->phases[n - 1].epoch == at) n = --r->out->count;
    if (!st) st = sg_train_options_from_args(&r->out->options[n], &r->args, err);
    if (!st) r->out->phases[r->out->count++] = (sg_phase){at, &r->out->options[n]};
    sg_yaml_dispose(&yaml);
    sg_str_dispose(&text);
    return st;
}

static sg_status read_entry(reader *r, const sg_yaml_entry *e, sg_error *err) {
    long long number;
    if (strcmp(e->key, "shape") == 0 || strcmp(e->key, "epochs") == 0) return SG_OK;
    if (strncmp(e->key, "epoch-", 6) == 0 && sg_parse_int64(&number, e->key + 6) && number >= 0 &&
            number < r->epochs)
        return read_phase(r, e, number, err);
    return sg_fail(err, SG_ERR_USAGE,
            "%s, line %zu: '%s' is none of shape, epochs, epoch-0 to epoch-%lld", r->path, e->line,
            e->key, r->epochs - 1);
}

sg_status sg_train_schedule_read(sg_train_schedule *out, sg_train_options *options,
        const sg_train_args *args, sg_error *err) {
    sg_yaml yaml = {0};
    memset(out, 0, sizeof *out);
    if (sg_train_is_shape(args->schedule)) return SG_OK;
    sg_status st = sg_yaml_read(&yaml, args->schedule, err);
    if (st) return st;
    const sg_yaml_entry *shape = sg_yaml_find(&yaml, "shape");
    const sg_yaml_entry *epochs = sg_yaml_find(&yaml, "epochs");
    reader r = {args->schedule, *args, args->epochs, out};
    if (epochs && !(sg_parse_int64(&r.epochs, epochs->value) && r.epochs >= 1))
        st = sg_fail(err, SG_ERR_USAGE, "%s, line %zu: epochs '%s' is no number above 0",
                args->schedule, epochs->line, epochs->value);
    r.args.schedule = shape ? shape->value : "cosine";
    out->phases = calloc(yaml.count + 1, sizeof *out->phases);
    out->options = calloc(yaml.count + 1, sizeof *out->options);
    if (!st && (!out->phases || !out->options)) st = no_memory(err);
    if (!st && !sg_train_is_shape(r.args.schedule))
        st = sg_fail(err, SG_ERR_USAGE, "%s, line %zu: shape '%s' is none of " SG_SHAPE_NAMES,
                args->schedule, shape->line, shape->value);
    if (!st) st = sg_train_options_from_args(options, &r.args, err);
    for (size_t i = 0; !st && i < yaml.count; i++) st = read_entry(&r, &yaml.entries[i], err);
    if (!st) {
        options->phases = out->phases;
        options->phase_count = out->count;
        st = sg_train_options_check(options, err);
    }
    sg_yaml_dispose(&yaml);
    if (st) sg_train_schedule_dispose(out);
    return st;
}

char *sg_train_schedule_kept(const char *dir) {
    char *path = sg_path_join(dir, "schedule.yaml");
    if (path && sg_path_exists(path)) return path;
    free(path);
    return NULL;
}

sg_status sg_train_schedule_keep(const char *path, const char *dir, sg_error *err) {
    char *kept = sg_train_schedule_kept(dir), *copy = sg_path_join(dir, "schedule.yaml");
    char *text = NULL, digest[SG_SHA256_HEX];
    size_t size = 0;
    sg_status st = copy ? SG_OK : no_memory(err);
    if (!st && !kept) st = sg_file_read(&text, &size, path, 1u << 20, err);
    if (text) {
        sg_sha256_hex(digest, text, size);
        st = sg_file_write(copy, text, size, err);
        if (!st)
            st = sg_run_log(dir,
                    json_pack("{s:s, s:o, s:s}", "event", "schedule", "file", sg_json_text(path),
                            "sha256", digest),
                    err);
    }
    free(text);
    free(copy);
    free(kept);
    return st;
}

void sg_train_schedule_dispose(sg_train_schedule *s) {
    if (!s) return;
    free(s->phases);
    free(s->options);
    memset(s, 0, sizeof *s);
}
